//! One message body as it arrives: content codings are undone, tokens are found, and enough is kept to say
//! where in the body they stand.

use super::json_form::JsonForm;
use super::open::Held;
use super::{Shared, Tools};
use crate::limits;
use crate::message::{
    BodyFormat, ContentDecoder, ContentError, Head, Location, Locator, Place, Position, Span, Start,
};
use crate::protocol::Trail;
use crate::token::{StreamScan, Token, Wrappings};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use std::sync::Arc;

/// Largest buffer that is kept for the next body, and how many are.
const BUFFER: usize = 32 << 10;
const SPARE: usize = 64;

/// A token in a body, before it becomes a sighting.
pub(super) struct Found {
    pub(super) text: Text,
    pub(super) wrappings: Wrappings,
    pub(super) place: Place,
    pub(super) position: Position,
    pub(super) spans: SmallVec<[Span; 1]>,
}

/// What was found.
pub(super) enum Text {
    /// The compact text of a token.
    Compact(Vec<u8>),
    /// A token in JSON serialisation, read already.
    Read(Arc<Token>),
}

/// The state of one body.
pub(super) struct Body {
    location: Location,
    /// It goes on as long as there is something to say.
    streams: bool,
    decoder: Option<ContentDecoder>,
    /// It has content codings.
    coded: bool,
    /// What the decoder was last counted with.
    decoder_bytes: usize,
    /// Decoding failed: what follows means nothing.
    spent: bool,
    format: Option<BodyFormat>,
    content_type: Option<SmallVec<[u8; 32]>>,
    locator: Option<Locator>,
    scan: StreamScan,
    /// From decoded offsets to captured bytes.
    trail: Trail,
    /// The decoded body from its first byte, as far as it is kept.
    kept: Vec<u8>,
    keep: bool,
    json_form: JsonForm,
    digest: Option<Sha256>,
    /// Decoded length in bytes, holes included.
    pub(super) len: u64,
    /// Something was lost or could not be decoded.
    pub(super) damaged: bool,
}

impl Body {
    /// The body that follows `head`.
    pub(super) fn new(head: &Head<'_>, shared: &Shared, tools: &mut Tools, held: &mut Held) -> Self {
        let mut codings = SmallVec::<[&[u8]; 2]>::new();
        for name in ["content-encoding", "transfer-encoding"] {
            let fields = head.fields.iter().filter(|f| f.name.eq_ignore_ascii_case(name.as_bytes()));
            codings.extend(fields.map(|f| f.value).filter(|v| !v.is_empty()));
        }
        let mut damaged = false;
        let decoder = if codings.is_empty() {
            None
        } else {
            tools.pool.decoder(&codings.join(&b","[..])).unwrap_or_else(|_| {
                damaged = true;
                tools.out.tally.weird("content_undecodable");
                None
            })
        };
        let location = match head.start {
            Start::Message { location, .. } => location,
            _ => Location::Body,
        };
        let mut body = Self {
            location,
            streams: head.field("content-type").is_some_and(BodyFormat::streams),
            coded: decoder.is_some() || damaged,
            decoder,
            decoder_bytes: 0,
            spent: false,
            format: None,
            content_type: head.field("content-type").map(SmallVec::from_slice),
            locator: None,
            scan: StreamScan::new(),
            trail: Trail::default(),
            kept: tools.buffers.pop().unwrap_or_default(),
            keep: true,
            json_form: JsonForm::default(),
            digest: shared.demand.body_digests.then(Sha256::new),
            len: 0,
            damaged,
        };
        if let Some(decoder) = body.decoder.take() {
            if body.fits(&decoder, held) {
                body.decoder = Some(decoder);
            } else {
                body.give_up(decoder, tools, held);
            }
        }
        body
    }

    /// The next bytes, transfer coding undone, from `at` of the layer.
    pub(super) fn push(
        &mut self,
        (trail, at): (&Trail, u64),
        bytes: &[u8],
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        if self.spent {
            return;
        }
        let Some(mut decoder) = self.decoder.take() else {
            self.trail.push_from(self.len, trail, at, bytes.len() as u64);
            return self.decoded(bytes, shared, tools, held, found);
        };
        let position = trail.position(at);
        let result = decoder.push(bytes, &mut |out| self.derived(out, position, shared, tools, held, found));
        let fits = self.fits(&decoder, held);
        if result.is_ok() && fits {
            self.decoder = Some(decoder);
            return;
        }
        // What a stage still holds back comes out.
        let _ = decoder.finish(&mut |out| self.derived(out, position, shared, tools, held, found));
        self.settle(result, tools);
        self.give_up(decoder, tools, held);
    }

    /// Counts the decoder's memory; whether the partition has that much.
    fn fits(&mut self, decoder: &ContentDecoder, held: &mut Held) -> bool {
        let now = decoder.memory();
        held.decoders = (held.decoders + now).saturating_sub(self.decoder_bytes);
        self.decoder_bytes = now;
        held.decoders <= limits::DECODER_BYTES / limits::PARTITIONS
    }

    /// The body is not decoded any further.
    fn give_up(&mut self, decoder: ContentDecoder, tools: &mut Tools, held: &mut Held) {
        self.spent = true;
        if !self.damaged {
            self.damaged = true;
            tools.out.tally.weird("content_undecodable");
        }
        self.recycle(decoder, tools, held);
    }

    fn recycle(&mut self, decoder: ContentDecoder, tools: &mut Tools, held: &mut Held) {
        held.decoders = held.decoders.saturating_sub(std::mem::take(&mut self.decoder_bytes));
        tools.pool.recycle(decoder);
    }

    /// A hole of `len` bytes in the body: of what was coded nobody knows how long it would have been.
    pub(super) fn gap(
        &mut self,
        len: u64,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        self.damaged = true;
        self.keep = false;
        self.gap_in_scan(shared, tools, found);
        if let Some(decoder) = self.decoder.take() {
            self.recycle(decoder, tools, held);
            tools.out.tally.weird("content_undecodable");
            // What follows cannot be decoded; it is scanned as it is.
        }
        if !self.coded {
            self.len = self.len.saturating_add(len);
        }
    }

    fn gap_in_scan(&mut self, shared: &Shared, tools: &mut Tools, found: &mut Vec<Found>) {
        let mut scan = std::mem::take(&mut self.scan);
        let mut hits = Vec::new();
        scan.gap(&shared.scanner, &mut |h| hits.push((h.at, h.len, h.text.to_vec(), h.wrappings)));
        self.hits(hits, found);
        self.losses(&mut scan, tools);
        self.scan = scan;
    }

    /// The body is over; `complete` says that it ended as its framing said.
    pub(super) fn finish(
        &mut self,
        complete: bool,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        if let Some(mut decoder) = self.decoder.take() {
            let position = self.trail.position(self.len);
            let result = decoder.finish(&mut |out| self.derived(out, position, shared, tools, held, found));
            if complete {
                self.settle(result, tools);
            }
            self.recycle(decoder, tools, held);
        }
        self.damaged |= !complete;
        let mut scan = std::mem::take(&mut self.scan);
        let mut hits = Vec::new();
        scan.finish(&shared.scanner, &mut |h| hits.push((h.at, h.len, h.text.to_vec(), h.wrappings)));
        self.hits(hits, found);
        self.losses(&mut scan, tools);
        if self.json_form.finish(&self.kept, &self.trail, found) {
            tools.out.tally.weird("sightings_limit");
        }
    }

    /// Whether it goes on as long as there is something to say.
    pub(super) fn streams(&self) -> bool {
        self.streams
    }

    /// The decoded bytes that were kept, from the first one.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Gives back the memory that counts towards the partition's bound; a small buffer is used again.
    pub(super) fn release(&mut self, held: &mut Held, tools: &mut Tools) {
        if let Some(decoder) = self.decoder.take() {
            self.recycle(decoder, tools, held);
        }
        let mut kept = std::mem::take(&mut self.kept);
        held.context = held.context.saturating_sub(kept.len());
        if kept.capacity() > 0 && kept.capacity() <= BUFFER && tools.buffers.len() < SPARE {
            kept.clear();
            tools.buffers.push(kept);
        }
    }

    /// SHA-256 of the decoded body, if it was asked for.
    pub(super) fn sha256(&mut self) -> Option<[u8; 32]> {
        self.digest.take().map(|d| d.finalize().into())
    }

    fn settle(&mut self, result: Result<(), ContentError>, tools: &mut Tools) {
        let Err(error) = result else { return };
        if !self.damaged {
            self.damaged = true;
            let bomb = matches!(error, ContentError::Bomb);
            tools.out.tally.weird(if bomb { "content_bomb" } else { "content_undecodable" });
        }
    }

    /// Decoded bytes, which inherit the position of what they came from.
    fn derived(
        &mut self,
        bytes: &[u8],
        position: Position,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        self.trail.push_derived(self.len, bytes.len() as u64, position);
        self.decoded(bytes, shared, tools, held, found);
    }

    fn decoded(
        &mut self,
        bytes: &[u8],
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        if !shared.demand.tokens && !shared.demand.marks {
            self.len += bytes.len() as u64;
            self.trail.prune(self.len);
            return;
        }
        if self.format.is_none() {
            let format = BodyFormat::tell(self.content_type.as_deref(), bytes);
            self.keep = self.keep && !matches!(format, BodyFormat::Binary);
            self.format = Some(format);
        }
        if self.keep {
            let before = self.kept.len();
            self.keep(bytes, tools, held);
            if shared.demand.tokens && matches!(self.format, Some(BodyFormat::Json)) {
                self.json_form.grown(&self.kept, before);
            }
        }
        let at = self.len;
        self.len += bytes.len() as u64;
        if shared.demand.tokens {
            let mut scan = std::mem::take(&mut self.scan);
            let mut hits = Vec::new();
            scan.feed(&shared.scanner, bytes, at, &mut |h| {
                hits.push((h.at, h.len, h.text.to_vec(), h.wrappings))
            });
            if !hits.is_empty() {
                self.hits(hits, found);
            }
            self.losses(&mut scan, tools);
            if !self.json_form.needs_trail(&self.kept) {
                self.trail.prune(self.len - (scan.pending() as u64).min(self.len));
            }
            self.scan = scan;
        } else {
            self.trail.prune(self.len);
        }
    }

    fn keep(&mut self, bytes: &[u8], tools: &mut Tools, held: &mut Held) {
        let before = self.kept.len();
        let room = limits::BODY_CONTEXT.saturating_sub(self.kept.len());
        let total = limits::BODY_CONTEXT_TOTAL / limits::PARTITIONS;
        if bytes.len() > room || held.context + bytes.len() > total {
            self.keep = false;
            tools.out.tally.weird("body_context_limit");
            let room = if held.context > total { 0 } else { room };
            self.kept.extend_from_slice(&bytes[..room.min(bytes.len())]);
        } else {
            self.kept.extend_from_slice(bytes);
        }
        held.context += self.kept.len() - before;
    }

    fn hits(&mut self, hits: Vec<(u64, u64, Vec<u8>, Wrappings)>, found: &mut Vec<Found>) {
        for (at, len, text, wrappings) in hits {
            let inside = (at as usize) < self.kept.len();
            let name = match &self.format {
                Some(format) if inside => {
                    let locator = self.locator.get_or_insert_with(|| Locator::new(format));
                    locator.name_at(&self.kept, at as usize)
                }
                _ => None,
            };
            found.push(Found {
                text: Text::Compact(text),
                wrappings,
                place: Place { location: self.location, name },
                position: self.trail.position(at),
                spans: self.trail.spans(at, len),
            });
        }
    }

    fn losses(&self, scan: &mut StreamScan, tools: &mut Tools) {
        let losses = scan.losses();
        tools.out.tally.weirds("token_cut", losses.cut);
        tools.out.tally.weirds("token_over_limit", losses.over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Field, Start, Version};
    use crate::shard::Demand;
    use crate::token::Scanner;

    #[test]
    fn holes_count_as_bytes_where_no_coding_hides_them() {
        let demand = Demand { tokens: true, ..Demand::default() };
        let shared =
            Shared { scanner: Scanner::new(), demand, decode_as: Vec::new(), keyring: Default::default() };
        for (coding, len) in [(&b"identity"[..], 11), (b"x", 7), (b"gzip", 4)] {
            let mut tools = Tools::new(1);
            let fields = [Field { name: b"content-encoding", value: coding, at: 0 }];
            let start = Start::Response { status: 200 };
            let head =
                Head { start, start_at: 0, version: Version::Http11, fields: &fields, at: 0, raw: b"" };
            let (mut held, mut found, trail) = (Held::default(), Vec::new(), Trail::default());
            let mut body = Body::new(&head, &shared, &mut tools, &mut held);
            assert_eq!(held.decoders > 0, coding == b"gzip");
            body.push((&trail, 0), &[0x1f, 0x8b, 8][..], &shared, &mut tools, &mut held, &mut found);
            body.gap(4, &shared, &mut tools, &mut held, &mut found);
            body.push((&trail, 7), b"rest", &shared, &mut tools, &mut held, &mut found);
            assert_eq!((body.len, held.decoders), (len, 0), "{}", String::from_utf8_lossy(coding));
        }
    }
}
