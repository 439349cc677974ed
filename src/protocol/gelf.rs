//! GELF on any port. Over UDP: JSON as it is, in zlib or gzip, and in chunks. Over TCP: JSON as it is, each message with a zero byte
//! or a line end behind it. Text of the protocol: Graylog, "GELF via UDP" and "GELF via TCP".

use super::again::Again;
use super::composed::Composed;
use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::limits;
use crate::message::{Direction, End, ExchangeId, Field, Location, Position};
use flate2::{Decompress, FlushDecompress};
use std::collections::VecDeque;

/// GELF over TCP.
pub(super) const PROTOCOL: Protocol = Protocol {
    name: "gelf",
    probe: probe_stream,
    open: || Box::new(Units::new(Stream::default())),
    upgrade: None,
};

/// GELF over UDP.
pub(super) const DATAGRAMS: DatagramProtocol =
    DatagramProtocol { name: "gelf", probe, open: || Box::new(Gelf::default()) };

/// What a chunk begins with; its message, number and count follow.
const MAGIC: [u8; 2] = [0x1e, 0x0f];
const CHUNK_HEAD: usize = 12;
/// Most chunks of a message.
const CHUNKS: u8 = 128;
/// Messages of one conversation that may be incomplete at the same time: chunks come right after each other.
const INCOMPLETE: usize = 8;
/// Decoded bytes that are looked at to tell that it is GELF.
const LOOK: usize = 4096;

fn probe(bytes: &[u8]) -> Verdict {
    let is = match bytes {
        [0x1e, 0x0f, ..] => chunk(bytes).is_some(),
        [b'{', ..] => is_gelf(bytes),
        _ => match coding(bytes) {
            Some((_, zlib, head)) => is_gelf(&inflated(bytes.get(head..).unwrap_or_default(), zlib)),
            None => false,
        },
    };
    if is { Verdict::Yes(Some(Direction::Request)) } else { Verdict::No }
}

/// Whether it is JSON with the members that a message must have.
fn is_gelf(json: &[u8]) -> bool {
    let has = |member: &[u8]| memchr::memmem::find(json, member).is_some();
    json.starts_with(b"{") && (has(b"\"short_message\"") || has(b"\"version\"") && has(b"\"host\""))
}

/// How a message is compressed: the coding as HTTP calls it, whether that is zlib, and the length of its header.
fn coding(bytes: &[u8]) -> Option<(&'static [u8], bool, usize)> {
    match bytes {
        // RFC 1952: no flags, as all senders have it.
        [0x1f, 0x8b, 8, 0, ..] => Some((b"gzip", false, 10)),
        // RFC 1950 section 2.2.
        [first @ (0x58 | 0x68 | 0x78), second, ..]
            if (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31) =>
        {
            Some((b"deflate", true, 0))
        }
        _ => None,
    }
}

/// The beginning of what is compressed.
fn inflated(bytes: &[u8], zlib: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(LOOK);
    // An error ends the text that came before it.
    let _ = Decompress::new(zlib).decompress_vec(bytes, &mut text, FlushDecompress::None);
    text
}

/// A chunk: its message, its number, how many there are, and its part.
fn chunk(bytes: &[u8]) -> Option<([u8; 8], u8, u8, &[u8])> {
    let head = bytes.first_chunk::<CHUNK_HEAD>()?;
    let (id, [number, count]) = (head[2..10].first_chunk()?, [head[10], head[11]]);
    let good = head[..2] == MAGIC && number < count && count <= CHUNKS;
    good.then(|| (*id, number, count, &bytes[CHUNK_HEAD..]))
}

#[derive(Default)]
struct Gelf {
    incomplete: VecDeque<Incomplete>,
    again: Again,
}

/// A message of which some chunks have come.
struct Incomplete {
    id: [u8; 8],
    dir: Direction,
    chunks: Vec<Option<(Vec<u8>, Position)>>,
    bytes: usize,
}

impl DatagramDissector for Gelf {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        let Some((id, number, count, part)) = chunk(bytes) else {
            return out.speak(|out| emit(dir, bytes, out));
        };
        if count == 1 {
            let mut text = Composed::default();
            text.add(part, out.trail(dir), CHUNK_HEAD as u64);
            return out.speak(|out| text.speak(dir, out, |text, out| emit(dir, text, out)));
        }
        if self.again.came(dir, bytes) {
            return;
        }
        let known = self
            .incomplete
            .iter()
            .position(|m| m.id == id && m.dir == dir && m.chunks.len() == usize::from(count));
        let which = known.unwrap_or_else(|| {
            if self.incomplete.len() >= INCOMPLETE {
                self.give_up(out);
            }
            self.incomplete.push_back(Incomplete {
                id,
                dir,
                chunks: vec![None; usize::from(count)],
                bytes: 0,
            });
            self.incomplete.len() - 1
        });
        if !out.reserve(part.len()) {
            out.weird("gelf_incomplete");
            return out.unknown(dir, part);
        }
        let position = out.trail(dir).position(CHUNK_HEAD as u64);
        let Some(message) = self.incomplete.get_mut(which) else { return };
        let Some(place) = message.chunks.get_mut(usize::from(number)) else { return };
        if place.is_some() {
            // The same again.
            return out.release(part.len());
        }
        *place = Some((part.to_vec(), position));
        message.bytes += part.len();
        if message.chunks.iter().all(Option::is_some)
            && let Some(message) = self.incomplete.remove(which)
        {
            out.release(message.bytes);
            let mut text = Composed::default();
            for (part, position) in message.chunks.into_iter().flatten() {
                text.place(&part, position);
            }
            out.speak(|out| text.speak(dir, out, |text, out| emit(dir, text, out)));
        }
    }

    fn close(&mut self, out: &mut DatagramOut<'_>) {
        while !self.incomplete.is_empty() {
            self.give_up(out);
        }
    }
}

impl Gelf {
    /// The rest of the oldest message does not come: its chunks are searched by themselves.
    fn give_up(&mut self, out: &mut DatagramOut<'_>) {
        let Some(message) = self.incomplete.pop_front() else { return };
        out.release(message.bytes);
        out.weird("gelf_incomplete");
        for (part, position) in message.chunks.into_iter().flatten() {
            out.again(message.dir, position, |out| out.unknown(message.dir, &part));
        }
    }
}

/// Says a message: its body is decoded by whoever reads it.
fn emit(dir: Direction, bytes: &[u8], out: &mut Out<'_>) {
    let coding = coding(bytes).map(|(name, ..)| Field { name: b"content-encoding", value: name, at: 0 });
    let id = out.open(dir, (Location::Log, Location::Log), 0, coding.as_slice());
    out.body(id, dir, 0, bytes);
    out.end(id, dir, End::Complete);
}

/// A stream begins with a message: within the bytes that are probed it must show members that it cannot lack.
fn probe_stream(bytes: &[u8]) -> Verdict {
    let first = bytes.get(..limits::PROBE_BYTES).unwrap_or(bytes);
    let (first, ended) = match memchr::memchr(0, first) {
        Some(end) => (&first[..end], true),
        None => (first, first.len() == limits::PROBE_BYTES),
    };
    if first.first() != Some(&b'{') {
        return Verdict::No;
    }
    let dense: Vec<u8> = first.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    let has = |member: &[u8]| memchr::memmem::find(&dense, member).is_some();
    if has(b"\"short_message\":") || has(b"\"version\":\"1.") && has(b"\"host\":") {
        return Verdict::Yes(Some(Direction::Request));
    }
    if ended { Verdict::No } else { Verdict::More }
}

/// Messages in a stream.
#[derive(Default)]
struct Stream {
    halves: [Option<Begun>; 2],
}

/// A message in progress.
#[derive(Clone, Copy)]
struct Begun {
    id: ExchangeId,
    /// Its last byte so far that is no carriage return.
    last: u8,
}

impl Grammar for Stream {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let half = &mut self.halves[dir.index()];
        let mut begun = match *half {
            Some(begun) => begun,
            None if bytes[0] == b'{' => {
                Begun { id: out.open(dir, (Location::Log, Location::Log), at, &[]), last: 0 }
            }
            None => {
                let between = bytes.iter().take_while(|b| **b == 0 || b.is_ascii_whitespace()).count();
                return if between > 0 { Ok(Step::Read(between)) } else { Err(Malformed("gelf_bad_frame")) };
            }
        };
        let end = begun.end(bytes);
        let text = &bytes[..end.unwrap_or(bytes.len())];
        if !text.is_empty() {
            out.body(begun.id, dir, at, text);
        }
        *half = end.is_none().then_some(begun);
        if end.is_some() {
            out.end(begun.id, dir, End::Complete);
        }
        Ok(Step::Read(text.len() + usize::from(end.is_some())))
    }

    fn skip(&mut self, _: Direction, _: u64, _: &mut Out<'_>) -> bool {
        false
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        if let Some(begun) = self.halves[dir.index()].take() {
            out.end(begun.id, dir, End::Cut);
        }
    }

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        probe_stream(bytes) != Verdict::No
    }
}

impl Begun {
    /// Where the message ends in `bytes`: at a zero byte, or at a line end behind a brace. Members of a message are no objects, so
    /// that brace is its last.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut from = 0;
        for at in memchr::memchr2_iter(0, b'\n', bytes) {
            self.pass(&bytes[from..at]);
            if bytes[at] == 0 || self.last == b'}' {
                return Some(at);
            }
            from = at;
        }
        self.pass(&bytes[from..]);
        None
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.last = bytes.iter().rev().copied().find(|b| *b != b'\r').unwrap_or(self.last);
    }
}
