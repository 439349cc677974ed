//! The text of a body as it is searched: tokens are found, and enough is kept to say where in it they stand.

use super::body::{Found, Text};
use super::json_form::JsonForm;
use super::open::Held;
use super::{Shared, Tools};
use crate::limits;
use crate::message::{BodyFormat, Location, Locator, Place, Position};
use crate::protocol::Trail;
use crate::token::{Losses, StreamScan, Wrappings};
use smallvec::SmallVec;

/// Largest buffer that is kept for the next body, and how many are.
const BUFFER: usize = 32 << 10;
const SPARE: usize = 64;
/// Bytes that the format of a text is told from.
const TELLING: usize = 64;

/// Where bytes of a body come from.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// Byte for byte from this offset of the layer.
    Layer(&'a Trail, u64),
    /// They were decoded from what was captured there.
    Decoded(Position),
}

impl Origin<'_> {
    /// Where the bytes come from that lie `ahead`.
    pub(super) fn ahead(self, ahead: usize) -> Self {
        match self {
            Self::Layer(trail, at) => Self::Layer(trail, at + ahead as u64),
            decoded => decoded,
        }
    }

    /// Of what is decoded from these bytes.
    pub(super) fn decoded(self) -> Self {
        match self {
            Self::Layer(trail, at) => Self::Decoded(trail.position(at)),
            decoded => decoded,
        }
    }
}

/// The text of a body, or of one message in it.
pub(super) struct Passage {
    location: Location,
    content_type: Option<SmallVec<[u8; 32]>>,
    format: Option<BodyFormat>,
    /// Bytes that it was told from.
    told: usize,
    /// Each line stands alone: what is kept moves along with the text.
    moves: bool,
    locator: Option<Locator>,
    scan: StreamScan,
    /// From offsets of the text to captured bytes.
    trail: Trail,
    /// What is kept of it, and the offset of that in the text.
    kept: Vec<u8>,
    /// Bytes that it counts for in the partition's bound.
    weight: usize,
    base: u64,
    keep: bool,
    /// What was pushed so far was not searched: it says nothing if it is all there is.
    passed: bool,
    json_form: JsonForm,
    len: u64,
}

impl Passage {
    /// In place: it is large, and every response has one.
    #[inline(always)]
    pub(super) fn new(content_type: Option<&[u8]>, location: Location, tools: &mut Tools) -> Self {
        Self {
            location,
            content_type: content_type.map(SmallVec::from_slice),
            format: None,
            told: 0,
            moves: content_type.is_some_and(BodyFormat::streams),
            locator: None,
            scan: StreamScan::new(),
            trail: Trail::default(),
            kept: tools.buffers.pop().unwrap_or_default(),
            weight: 0,
            base: 0,
            keep: true,
            passed: false,
            json_form: JsonForm::default(),
            len: 0,
        }
    }

    /// Forgets all that was pushed.
    pub(super) fn restart(&mut self, held: &mut Held, tools: &mut Tools) {
        self.release(held, tools);
        let content_type = self.content_type.take();
        *self = Self::new(content_type.as_deref(), self.location, tools);
    }

    /// The next bytes.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        origin: Origin<'_>,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        if bytes.is_empty() {
            return;
        }
        self.catch_up(shared, tools, held, found);
        self.follow(origin, bytes.len());
        self.read(bytes, shared, tools, held, found);
    }

    /// The first bytes, which say nothing if no others follow: they are kept and not read. False if there is no room for that.
    pub(super) fn pass(&mut self, bytes: &[u8], origin: Origin<'_>, held: &mut Held) -> bool {
        let fits = held.context + bytes.len() <= held.room.context;
        if fits {
            self.follow(origin, bytes.len());
            self.kept.extend_from_slice(bytes);
            (self.weight, self.len, self.passed) = (bytes.len(), bytes.len() as u64, true);
            held.context += bytes.len();
        }
        fits
    }

    /// Others follow.
    fn catch_up(&mut self, shared: &Shared, tools: &mut Tools, held: &mut Held, found: &mut Vec<Found>) {
        if std::mem::take(&mut self.passed) {
            held.context = held.context.saturating_sub(std::mem::take(&mut self.weight));
            let first = std::mem::take(&mut self.kept);
            self.len = 0;
            self.read(&first, shared, tools, held, found);
        }
    }

    fn follow(&mut self, origin: Origin<'_>, len: usize) {
        match origin {
            Origin::Layer(trail, at) => self.trail.push_from(self.len, trail, at, len as u64),
            Origin::Decoded(position) => self.trail.push_derived(self.len, len as u64, position),
        }
    }

    fn read(
        &mut self,
        bytes: &[u8],
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        if self.told < TELLING {
            self.tell(bytes);
        }
        let kept = self.keep;
        if kept {
            self.keep(bytes, tools, held);
        }
        let at = self.len;
        self.len += bytes.len() as u64;
        if shared.demand.tokens {
            self.search(tools, found, |scan, hit| scan.feed(&shared.scanner, bytes, at, hit));
            if kept {
                self.json_grown();
            }
            let pending = (self.scan.pending() as u64).min(self.len);
            if self.moves && self.kept.len() > BUFFER {
                self.move_on(self.len - pending, tools, held, found);
            }
            if !self.json_form.needs_trail(&self.kept) {
                self.trail.prune(self.len - pending);
            }
        } else {
            self.trail.prune(self.len);
        }
    }

    /// Tells the format from the first bytes, again while they are few.
    fn tell(&mut self, bytes: &[u8]) {
        let more = bytes.get(..8 * TELLING).unwrap_or(bytes);
        let joined;
        let first = if self.kept.is_empty() {
            more
        } else {
            joined = [&self.kept[..], more].concat();
            &joined
        };
        let format = BodyFormat::tell(self.content_type.as_deref(), first);
        self.told += bytes.len();
        if self.format.as_ref() != Some(&format) {
            self.keep = self.keep && !matches!(format, BodyFormat::Binary);
            self.moves &= format.is_lines();
            self.format = Some(format);
            self.locator = None;
        }
    }

    /// A hole of `len` bytes.
    pub(super) fn gap(
        &mut self,
        len: u64,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        self.catch_up(shared, tools, held, found);
        self.keep = false;
        self.search(tools, found, |scan, hit| scan.gap(&shared.scanner, hit));
        self.len = self.len.saturating_add(len);
    }

    /// The text is over.
    pub(super) fn finish(&mut self, shared: &Shared, tools: &mut Tools, found: &mut Vec<Found>) {
        if self.passed {
            return;
        }
        self.search(tools, found, |scan, hit| scan.finish(&shared.scanner, hit));
        self.json_grown();
        self.json_forms(self.kept.len(), tools, found);
    }

    /// JSON text was searched: what failed to be a token may be part of one.
    fn json_grown(&mut self) {
        let failed = self.scan.failed();
        if matches!(self.format, Some(BodyFormat::Json)) {
            let failed = failed.iter().filter_map(|at| Some(at.checked_sub(self.base)? as usize));
            self.json_form.grown(&self.kept, failed);
        }
    }

    /// Tokens in JSON serialisation in the first `end` bytes of what is kept, which are looked at this once.
    fn json_forms(&mut self, end: usize, tools: &mut Tools, found: &mut Vec<Found>) {
        let kept = self.kept.get(..end).unwrap_or_default();
        let origin = (&self.trail, self.base);
        if std::mem::take(&mut self.json_form).finish(kept, self.location, origin, found) {
            tools.out.tally.weird("sightings_limit");
        }
    }

    /// Another one begins behind it, at that place.
    pub(super) fn next(&mut self, location: Location, fields: bool, held: &mut Held) {
        held.context = held.context.saturating_sub(std::mem::take(&mut self.weight));
        self.kept.clear();
        self.base = self.len;
        self.keep = true;
        self.format = fields.then_some(BodyFormat::Fields);
        self.told = if fields { TELLING } else { 0 };
        self.locator = None;
        self.json_form = JsonForm::default();
        self.location = location;
    }

    /// Where the byte behind the last one would come from.
    pub(super) fn end(&self) -> Position {
        self.trail.position(self.len)
    }

    /// It is over without its `len` bytes, which say nothing. False if there is no room for those that would be `kept`.
    pub(super) fn stand_in(&mut self, len: u32, kept: u32, held: &mut Held) -> bool {
        let fits = held.context + kept as usize <= held.room.context;
        if fits {
            self.len = len.into();
            self.weight = kept as usize;
            held.context += self.weight;
        }
        fits
    }

    /// Its type, as the head says; empty if that says none.
    pub(super) fn content_type(&self) -> &[u8] {
        self.content_type.as_deref().unwrap_or_default()
    }

    /// What is kept from the first byte on, to be read; nothing of what was passed over.
    pub(super) fn kept(&self) -> &[u8] {
        if self.base == 0 && !self.passed { &self.kept } else { &[] }
    }

    /// Gives back the memory that counts towards the partition's bound; a small buffer is used again.
    pub(super) fn release(&mut self, held: &mut Held, tools: &mut Tools) {
        let mut kept = std::mem::take(&mut self.kept);
        held.context = held.context.saturating_sub(std::mem::take(&mut self.weight));
        if kept.capacity() > 0 && kept.capacity() <= BUFFER && tools.buffers.len() < SPARE {
            kept.clear();
            tools.buffers.push(kept);
        }
    }

    fn search(
        &mut self,
        tools: &mut Tools,
        found: &mut Vec<Found>,
        search: impl FnOnce(&mut StreamScan, &mut dyn FnMut(crate::token::StreamHit<'_>)),
    ) {
        let mut hits = Vec::new();
        search(&mut self.scan, &mut |h| hits.push((h.at, h.len, h.text.to_vec(), h.wrappings)));
        let losses = self.scan.losses();
        if losses != Losses::default() {
            tools.out.tally.weirds("token_cut", losses.cut);
            tools.out.tally.weirds("token_over_limit", losses.over);
        }
        for hit in hits {
            self.hit(hit, found);
        }
    }

    fn hit(&mut self, (at, len, text, wrappings): (u64, u64, Vec<u8>, Wrappings), found: &mut Vec<Found>) {
        let inside = at.checked_sub(self.base).map(|at| at as usize).filter(|at| *at < self.kept.len());
        let name = match (&self.format, inside) {
            (Some(format), Some(at)) => {
                let locator = self.locator.get_or_insert_with(|| Locator::new(format));
                locator.name_at(&self.kept, at)
            }
            _ => None,
        };
        found.push(Found {
            text: Text::Compact(text),
            wrappings,
            place: Place::new(self.location, name),
            position: self.trail.position(at),
            spans: self.trail.spans(at, len),
        });
    }

    fn keep(&mut self, bytes: &[u8], tools: &mut Tools, held: &mut Held) {
        let before = self.kept.len();
        let room = limits::BODY_CONTEXT.saturating_sub(self.kept.len());
        let total = held.room.context;
        if bytes.len() > room || held.context + bytes.len() > total {
            self.keep = false;
            tools.out.tally.weird("body_context_limit");
            let room = if held.context > total { 0 } else { room };
            self.kept.extend_from_slice(&bytes[..room.min(bytes.len())]);
        } else {
            self.kept.extend_from_slice(bytes);
        }
        held.context += self.kept.len() - before;
        self.weight += self.kept.len() - before;
    }

    /// Lines before `offset` are done with.
    fn move_on(&mut self, offset: u64, tools: &mut Tools, held: &mut Held, found: &mut Vec<Found>) {
        let upto = offset.saturating_sub(self.base) as usize;
        let Some(end) = self.kept.get(..upto).and_then(|k| memchr::memrchr(b'\n', k)) else { return };
        let rest = self.json_form.rest();
        self.json_forms(end + 1, tools, found);
        self.json_form = rest;
        self.kept.drain(..=end);
        self.base += end as u64 + 1;
        self.locator = None;
        held.context = held.context.saturating_sub(end + 1);
        self.weight = self.weight.saturating_sub(end + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::Demand;

    /// RFC 7515 appendix A.1, shortened to what is needed to be one.
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

    #[test]
    fn a_stream_of_lines_is_named_for_ever_and_held_to_its_last_ones() {
        let demand = Demand { tokens: true, ..Demand::default() };
        let keyring = Default::default();
        let shared = Shared { keyring, ..Shared::new(demand) };
        for (content_type, line, name) in [
            ("text/event-stream", "id: 1\ndata: {\"a\":[0,\"@\"],\"pad\":\"#\"}\n\n", "$.a[1]"),
            ("application/x-ndjson", "{\"pad\":\"#\",\"jwt\":\"@\"}\n", "$.jwt"),
        ] {
            let (mut tools, mut held) = (Tools::new(1), Held::default());
            let mut text = Passage::new(Some(content_type.as_bytes()), Location::Body, &mut tools);
            let body = line.replace('#', &"x".repeat(3000)).replace('@', TOKEN).repeat(300);
            let (mut found, trail) = (Vec::new(), Trail::default());
            for chunk in body.as_bytes().chunks(777) {
                text.push(chunk, Origin::Layer(&trail, 0), &shared, &mut tools, &mut held, &mut found);
                assert!(text.kept.len() < 2 * BUFFER && held.context == text.kept.len());
            }
            assert_eq!(found.len(), 300, "each as it arrives");
            assert!(found.iter().all(|f| f.place.name.as_deref() == Some(name)));
            assert!(text.kept().is_empty(), "what is kept is not the beginning");
            text.release(&mut held, &mut tools);
            assert_eq!(held.context, 0);
        }
    }
}
