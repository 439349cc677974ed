//! One message body as it arrives, put together until it can be searched.

use super::blank::{self, blank, refilled};
use super::envelopes::Packed;
use super::origins::Origins;
use super::work::{Task, Work};
use crate::limits;
use crate::message::{ContentDecoder, Head};
use crate::protocol::Trail;

/// Bytes that are searched again with what follows where a body is too long to be searched as a whole.
const OVERLAP: usize = 64 << 10;

/// A message that is compressed by itself (RFC 7692): its bytes, and where they stand.
#[derive(Default)]
pub(super) struct Deflated {
    bytes: Vec<u8>,
    origins: Origins,
}

impl Deflated {
    /// The next bytes, from `at` of the layer.
    pub(super) fn push(&mut self, trail: &Trail, at: u64, bytes: &[u8]) {
        if self.bytes.len() + bytes.len() <= limits::redact::BODY_BYTES {
            self.bytes.extend_from_slice(bytes);
            self.origins.push(trail, at, bytes.len());
        }
    }
}

/// A body.
pub(super) struct Message {
    content_type: Option<Vec<u8>>,
    codings: Vec<u8>,
    decoder: Option<ContentDecoder>,
    /// It has codings that are known.
    coded: bool,
    /// The text so far, codings undone.
    text: Vec<u8>,
    /// Where the text stands or, if it is coded, what it was decoded from.
    origins: Origins,
    /// Something in it has to go that cannot be replaced in place.
    secret: bool,
    /// All of its text, and what is to be said instead.
    new: Option<(Vec<u8>, Vec<u8>)>,
    /// It came inside of encryption.
    opened: bool,
    /// Compressed messages in it.
    packed: Option<Packed>,
    /// Nothing of the text was forgotten.
    whole: bool,
}

impl Message {
    /// The body behind `head`; `opened`: inside of encryption, `decoded`: the codings that the head names were undone.
    pub(super) fn new(head: &Head<'_>, opened: bool, decoded: bool) -> Self {
        let codings = |name: &str| {
            let fields = head.fields.iter().filter(|f| f.name.eq_ignore_ascii_case(name.as_bytes()));
            fields.map(|f| f.value).filter(|v| !v.is_empty()).collect::<Vec<_>>()
        };
        let mut all = codings("content-encoding");
        all.extend(codings("transfer-encoding"));
        let codings = if decoded { Vec::new() } else { all.join(&b","[..]) };
        let decoder = ContentDecoder::new(&codings);
        Self {
            content_type: head.field("content-type").map(<[u8]>::to_vec),
            coded: matches!(decoder, Ok(Some(_))),
            decoder: decoder.ok().flatten(),
            codings,
            text: Vec::new(),
            origins: Origins::default(),
            secret: false,
            new: None,
            opened,
            packed: Packed::new(head),
            whole: true,
        }
    }

    /// The next bytes, from `at` of the layer. Gives an offset in the file of what has to go and cannot be changed in place.
    pub(super) fn push(&mut self, trail: &Trail, at: u64, bytes: &[u8], work: &mut Work) -> Option<u64> {
        self.origins.push(trail, at, bytes.len());
        let before = self.text.len();
        match &mut self.decoder {
            None if self.coded => {}
            None => {
                self.text.extend_from_slice(bytes);
                if let Some(packed) = &mut self.packed {
                    packed.push(bytes);
                }
            }
            Some(decoder) => {
                let text = &mut self.text;
                // A body that cannot be decoded is searched as far as it could be.
                if decoder.push(bytes, &mut |out| text.extend_from_slice(out)).is_err() {
                    self.decoder = None;
                }
            }
        }
        work.held += self.text.len() - before;
        let full = work.held > limits::BODY_CONTEXT_TOTAL;
        if self.text.len() <= limits::redact::BODY_BYTES && !full {
            return None;
        }
        self.search(if full { 0 } else { OVERLAP }, work)
    }

    /// A hole: what was before it does not go on behind it, and what follows cannot be decoded.
    pub(super) fn gap(&mut self, work: &mut Work) -> Option<u64> {
        let at = self.settle(work);
        (self.decoder, self.coded, self.packed) = (None, false, None);
        self.origins = Origins::default();
        at
    }

    /// The body is over. One that was `deflated` by itself is blanked if it has a secret, or if it is `stale`; then later ones are.
    pub(super) fn finish(mut self, deflated: &Deflated, stale: &mut bool, work: &mut Work) -> Option<u64> {
        let at = self.settle(work);
        if deflated.bytes.is_empty() || self.opened {
            return at;
        }
        *stale |= at.is_some();
        if !*stale || work.task != Task::Locate {
            return None;
        }
        work.told.bodies += 1;
        deflated.origins.differ(&deflated.bytes, &blank::deflated(deflated.bytes.len()), &mut work.patches);
        deflated.origins.derived
    }

    /// Searches what is there. If it is coded and has a secret it is coded anew or, where that is longer, blanked.
    fn settle(&mut self, work: &mut Work) -> Option<u64> {
        if let Some(mut decoder) = self.decoder.take() {
            let text = &mut self.text;
            let before = text.len();
            let _cut = decoder.finish(&mut |out| text.extend_from_slice(out));
            work.held += text.len() - before;
        }
        let at = self.search(0, work);
        if !std::mem::take(&mut self.secret) || self.opened {
            return at;
        }
        if self.origins.derived.is_some() {
            return self.origins.derived;
        }
        let len = self.origins.len();
        let (body, whole) = match self.new.take() {
            Some((old, new)) => refilled(&self.codings, &old, &new, len),
            None => (blank(&self.codings, len), false),
        };
        work.told.bodies += u64::from(!whole);
        self.origins.set(&body, &mut work.patches);
        None
    }

    /// Searches the text so far and forgets it but for the last `keep` bytes.
    fn search(&mut self, keep: usize, work: &mut Work) -> Option<u64> {
        let found = work.look(|look, found| look.body(self.content_type.as_deref(), &self.text, found));
        let mut at = None;
        if self.coded {
            // Nothing decoded has a place of its own.
            match work.task {
                Task::Locate => {
                    let new = work.book.rewritten(&self.text, &found);
                    self.secret |= new.is_some();
                    self.new = new.filter(|_| self.whole).map(|new| (self.text.clone(), new));
                }
                _ => {
                    work.text(&self.text, &found, &self.origins);
                }
            }
        } else {
            if work.text(&self.text, &found, &self.origins) {
                at = self.origins.derived;
            }
            if let Some(packed) = &mut self.packed
                && packed.secret(work, &self.origins)
            {
                match packed.blank(&self.text).filter(|_| self.whole && self.origins.derived.is_none()) {
                    Some(new) => {
                        work.told.bodies += 1;
                        self.origins.differ(&self.text, &new, &mut work.patches);
                    }
                    None => at = self.origins.derived.or(self.origins.first()),
                }
            }
        }
        self.whole = false;
        let gone = self.text.len().saturating_sub(keep);
        self.text.drain(..gone);
        work.held = work.held.saturating_sub(gone);
        if !self.coded {
            self.origins.skip(gone);
        }
        at.filter(|_| !self.opened)
    }
}
