//! Hears what the layers of a flow say, and works on every text in it.

use super::look::{Found, Kind};
use super::message::{Deflated, Message};
use super::origins::Origins;
use super::work::{Blank, Task, Work};
use crate::keylog::Keyring;
use crate::limits;
use crate::message::{
    Channel, Direction, End, ExchangeId, Head, Position, ReadyExchange, Start, Transport, Version,
};
use crate::protocol::{Carrier, Sink, TlsEvent, Trail, huffman_bits, rewrite_block};
use crate::token::StreamScan;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is remembered of one flow.
#[derive(Default)]
pub(super) struct Talk {
    open: BTreeMap<(ExchangeId, Direction), Message>,
    streams: [Stream; 2],
    /// New values of the header block that is being told.
    fields: HashMap<Vec<u8>, Vec<u8>>,
    /// Compressed messages of each direction can no longer be decompressed, as one before them was blanked.
    stale: [bool; 2],
    /// The one in progress.
    deflated: [Deflated; 2],
    /// What is told is unpacked from something: whether that has to go.
    wrapped: Option<bool>,
    /// It is made of datagrams.
    datagrams: bool,
    /// By what else it can be reached.
    ids: Vec<Vec<u8>>,
}

impl Talk {
    /// Of a flow that begins, of `datagrams` or not.
    pub(super) fn new(datagrams: bool) -> Self {
        Self { datagrams, ..Self::default() }
    }

    /// Gives the IDs that the flow can be reached by since it was asked last.
    pub(super) fn reachable(&mut self, mut each: impl FnMut(&[u8])) {
        self.ids.drain(..).for_each(|id| each(&id));
    }
}

/// Bytes of no known protocol.
#[derive(Default)]
struct Stream {
    scan: StreamScan,
    window: Vec<u8>,
    origins: Origins,
}

/// A flow's talk, for the length of one event.
pub(super) struct Witness<'a> {
    pub(super) talk: &'a mut Talk,
    pub(super) work: &'a mut Work,
    pub(super) keyring: &'a Arc<Keyring>,
    /// Codings of bodies were undone already.
    pub(super) decoded: bool,
}

impl Sink for Witness<'_> {
    fn begin(&mut self, carrier: Carrier<'_>, id: ExchangeId, head: &Head<'_>) {
        self.head(carrier, head);
        let message = Message::new(head, carrier.transport.channel == Channel::TlsDecrypted, self.decoded);
        if let Some(before) = self.talk.open.insert((id, head.start.direction()), message) {
            self.finish(before, head.start.direction());
        }
    }

    fn body(&mut self, carrier: Carrier<'_>, id: ExchangeId, dir: Direction, at: u64, bytes: &[u8]) {
        let Some(message) = self.talk.open.get_mut(&(id, dir)) else { return };
        if let Some(at) = message.push(&carrier.trails[dir.index()], at, bytes, self.work) {
            self.blank(at);
        }
    }

    fn body_gap(&mut self, id: ExchangeId, dir: Direction, _: u64) {
        if let Some(message) = self.talk.open.get_mut(&(id, dir))
            && let Some(at) = message.gap(self.work)
        {
            self.blank(at);
        }
    }

    fn trailers(&mut self, carrier: Carrier<'_>, _: ExchangeId, dir: Direction, head: &Head<'_>) {
        self.fields(carrier, dir, head);
    }

    fn packed(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, bytes: &[u8], begins: bool) {
        let packed = &mut self.talk.deflated[dir.index()];
        if begins {
            *packed = Deflated::default();
        }
        packed.push(&carrier.trails[dir.index()], at, bytes);
    }

    fn block(&mut self, carrier: Carrier<'_>, dir: Direction, bytes: &[u8], parts: &[(usize, u64)]) {
        let fields = std::mem::take(&mut self.talk.fields);
        if self.work.task != Task::Locate {
            return;
        }
        let mut new = bytes.to_vec();
        let (book, told) = (&self.work.book, &mut self.work.told);
        rewrite_block(&mut new, &mut |value| {
            let is = fields.get(value).cloned().or_else(|| book.finder.replaced(value))?;
            if huffman_bits(&is) == huffman_bits(value) {
                return Some(is);
            }
            told.fields += 1;
            Some(book.names.plain(value))
        });
        for (i, (start, at)) in parts.iter().enumerate() {
            let end = parts.get(i + 1).map_or(bytes.len(), |next| next.0);
            let (Some(old), Some(new)) = (bytes.get(*start..end), new.get(*start..end)) else { continue };
            let origins = Origins::of(&carrier.trails[dir.index()], *at, old.len());
            origins.differ(old, new, &mut self.work.patches);
        }
    }

    fn secret(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, secret: &[u8]) {
        let found = self.work.look(|look, found| look.value(secret, 0..secret.len(), Kind::Raw, found));
        self.text(carrier, dir, at, secret, &found);
    }

    fn wrapped(&mut self) {
        self.talk.wrapped = Some(false);
    }

    fn unwrapped(
        &mut self,
        carrier: Carrier<'_>,
        dir: Direction,
        bytes: &[u8],
        blank: fn(&[u8]) -> Option<Vec<u8>>,
    ) {
        if self.talk.wrapped.take() != Some(true) || self.work.task != Task::Locate {
            return;
        }
        let origins = Origins::of(&carrier.trails[dir.index()], 0, bytes.len());
        match blank(bytes).filter(|_| origins.derived.is_none()) {
            Some(new) => {
                self.work.told.bodies += 1;
                origins.set(&new, &mut self.work.patches);
            }
            None => self.unchangeable(carrier.transport, origins.derived.or(origins.first())),
        }
    }

    fn opened(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, len: u64) {
        if self.work.task != Task::Locate {
            return;
        }
        if self.talk.datagrams {
            self.work.packets.insert(carrier.position(dir, at).offset, Blank::Quic);
            return;
        }
        let origins = Origins::of(&carrier.trails[dir.index()], at, len as usize);
        origins.set(&vec![0; len as usize], &mut self.work.patches);
        self.work.told.records += 1;
    }

    fn end(&mut self, id: ExchangeId, dir: Direction, _: End) {
        if let Some(message) = self.talk.open.remove(&(id, dir)) {
            self.finish(message, dir);
        }
    }

    fn opaque(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, bytes: &[u8]) {
        let trail = &carrier.trails[dir.index()];
        let stream = &mut self.talk.streams[dir.index()];
        stream.window.extend_from_slice(bytes);
        stream.origins.push(trail, at, bytes.len());
        let mut found = Vec::new();
        if self.work.task != Task::Locate {
            let mut hit =
                |text: &[u8]| found.push(Found { range: 0..0, value: text.to_vec(), kind: Kind::Token });
            stream.scan.feed(&self.work.scanner, bytes, at, &mut |h| hit(h.text));
        }
        let mut from = self.work.book.finder.find(&stream.window, &mut |_, _| ()).from;
        if !self.work.patterns.is_empty() {
            let (work, window) = (&self.work, &stream.window);
            found.extend(work.look(|look, found| look.patterns(window, found)));
            // What fits may go on in what follows.
            from = from.min(window.len().saturating_sub(limits::redact::PATTERN_BYTES));
        }
        let (window, origins) = (std::mem::take(&mut stream.window), stream.origins.clone());
        let derived = self.work.text(&window, &found, &origins);
        let stream = &mut self.talk.streams[dir.index()];
        stream.window = window;
        stream.window.drain(..from);
        stream.origins.skip(from);
        if derived {
            self.unchangeable(carrier.transport, origins.derived);
        }
    }

    fn opaque_gap(&mut self, _: &Transport, dir: Direction, _: bool) {
        let stream = &mut self.talk.streams[dir.index()];
        let mut found = Vec::new();
        let mut hit =
            |text: &[u8]| found.push(Found { range: 0..0, value: text.to_vec(), kind: Kind::Token });
        stream.scan.finish(&self.work.scanner, &mut |h| hit(h.text));
        let origins = std::mem::take(stream).origins;
        if self.work.task != Task::Locate {
            self.work.text(b"", &found, &origins);
        }
    }

    fn encrypted(&mut self, _: u64) {}

    fn reachable(&mut self, id: &[u8]) {
        if self.talk.ids.len() < limits::QUIC_IDS {
            self.talk.ids.push(id.to_vec());
        }
    }

    fn keyring(&self) -> Option<Arc<Keyring>> {
        Some(Arc::clone(self.keyring))
    }

    fn tls(&mut self, _: Carrier<'_>, _: TlsEvent<'_>) {}

    fn protocol(&mut self, _: usize, _: &'static str) {}

    fn upgraded(&mut self, _: usize, _: &'static str) {}

    fn reserve(&mut self, bytes: usize) -> bool {
        let fits = self.work.reserved + bytes <= limits::DISSECTOR_BYTES;
        self.work.reserved += if fits { bytes } else { 0 };
        fits
    }

    fn release(&mut self, bytes: usize) {
        self.work.reserved = self.work.reserved.saturating_sub(bytes);
    }

    fn weird(&mut self, _: &'static str) {}
}

impl Witness<'_> {
    /// Bytes that stand for themselves: a datagram, or bytes outside the order of their stream.
    pub(super) fn raw(&mut self, bytes: &[u8], trail: &Trail) {
        let found = self.work.look(|look, found| look.tokens(bytes, found));
        self.work.text(bytes, &found, &Origins::of(trail, 0, bytes.len()));
    }

    /// Works on an exchange that was never packets.
    pub(super) fn ready(&mut self, ready: &ReadyExchange) {
        let channel = if ready.encrypted { Channel::TlsDecrypted } else { Channel::Cleartext };
        let transport = Transport { flow: 0, client: None, server: None, channel, protocol: "" };
        let mut trails = <[Trail; 2]>::default();
        for trail in &mut trails {
            // Nothing stands where it can be changed from here.
            let position = Position { frame: ready.number, offset: ready.offset, ..Position::default() };
            trail.push_derived(0, u64::MAX / 2, position);
        }
        let carrier = Carrier { transport: &transport, trails: &trails, via: None, datagram: false };
        let id = ExchangeId(0);
        for (dir, message) in [(Direction::Request, &ready.request), (Direction::Response, &ready.response)] {
            let Some(message) = message else { continue };
            self.decoded = !message.coded;
            message.head.replay(dir, |head| self.begin(carrier, id, head));
            self.body(carrier, id, dir, 0, &message.body);
            self.end(id, dir, End::Complete);
        }
        for frame in &ready.frames {
            let found = self.work.look(|look, found| look.body(None, &frame.data, found));
            self.text(carrier, frame.dir, 0, &frame.data, &found);
        }
    }

    /// Works on what is open when the flow closes.
    pub(super) fn close(&mut self, transport: &Transport) {
        for ((_, dir), message) in std::mem::take(&mut self.talk.open) {
            self.finish(message, dir);
        }
        self.opaque_gap(transport, Direction::Request, true);
        self.opaque_gap(transport, Direction::Response, true);
    }

    fn finish(&mut self, message: Message, dir: Direction) {
        let deflated = std::mem::take(&mut self.talk.deflated[dir.index()]);
        // Later messages may refer to what was in one that is blanked.
        let stale = &mut self.talk.stale[dir.index()];
        if let Some(at) = message.finish(&deflated, stale, self.work) {
            self.blank(at);
        }
    }

    fn head(&mut self, carrier: Carrier<'_>, head: &Head<'_>) {
        let dir = head.start.direction();
        if head.raw.is_empty() || !matches!(head.version, Version::Http10 | Version::Http11) {
            if let Start::Request { target, .. } = head.start {
                let found = self.work.look(|look, found| look.target(target, found));
                self.value(carrier, dir, (head, head.start_at), target, &found);
            }
            return self.fields(carrier, dir, head);
        }
        let found = self.work.look(|look, found| {
            if let Start::Request { target, .. } = head.start {
                shifted(head.raw, head.start_at, target, found, |found| look.target(target, found));
            }
            for field in head.fields {
                shifted(head.raw, field.at, field.value, found, |found| {
                    look.field(&head.start, field, found)
                });
            }
        });
        self.text(carrier, dir, head.at, head.raw, &found);
    }

    /// Fields, each by itself.
    fn fields(&mut self, carrier: Carrier<'_>, dir: Direction, head: &Head<'_>) {
        for field in head.fields {
            let found = self.work.look(|look, found| look.field(&head.start, field, found));
            self.value(carrier, dir, (head, field.at), field.value, &found);
        }
    }

    /// A value of a head that does not stand in one piece.
    fn value(
        &mut self,
        carrier: Carrier<'_>,
        dir: Direction,
        (head, at): (&Head<'_>, u32),
        value: &[u8],
        found: &[Found],
    ) {
        if self.work.task == Task::Locate && head.version == Version::Http2 {
            if let Some(new) = self.work.book.rewritten(value, found) {
                self.talk.fields.insert(value.to_vec(), new);
            }
            return;
        }
        self.text(carrier, dir, head.at.wrapping_add(at.into()), value, found);
    }

    /// A text at layer offset `at`.
    fn text(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, text: &[u8], found: &[Found]) {
        let origins = Origins::of(&carrier.trails[dir.index()], at, text.len());
        if self.work.text(text, found, &origins) {
            self.unchangeable(carrier.transport, origins.derived);
        }
    }

    /// Something is to be changed that was decoded from what stands at that offset of the file.
    fn unchangeable(&mut self, transport: &Transport, at: Option<u64>) {
        // Records that were opened are blanked anyway.
        if transport.channel != Channel::TlsDecrypted
            && let Some(at) = at
        {
            self.blank(at);
        }
    }

    /// What stands at that offset of the file has to go: all that it is packed in or, if it is not, its packet's payload.
    fn blank(&mut self, at: u64) {
        match &mut self.talk.wrapped {
            Some(secret) => *secret = true,
            None => {
                self.work.packets.insert(at, Blank::Payload);
            }
        }
    }
}

/// What is found in a `part` of `raw` that stands at `at`, if it stands there as it is.
fn shifted(raw: &[u8], at: u32, part: &[u8], found: &mut Vec<Found>, look: impl FnOnce(&mut Vec<Found>)) {
    let at = at as usize;
    let before = found.len();
    look(found);
    let there = raw.get(at..at + part.len()) == Some(part);
    for found in found.iter_mut().skip(before) {
        // Folded lines: known, but found again by its text only.
        found.range = if there { found.range.start + at..found.range.end + at } else { 0..0 };
    }
}
