//! GELF over UDP on any port: JSON as it is, in zlib or gzip, and in chunks. Text of the protocol: Graylog, "GELF via UDP".

use super::again::Again;
use super::composed::Composed;
use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::{Out, Verdict};
use crate::message::{Direction, End, Field, Location, Position};
use flate2::{Decompress, FlushDecompress};
use std::collections::VecDeque;

/// GELF.
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
