//! HTTP/3 (RFC 9114): the streams of a QUIC connection become exchanges.
//!
//! Data is passed on as it arrives; a header block waits until it is whole, and until the instructions that it needs have
//! come on the stream of the encoder. What follows it on its stream waits with it, in the hands of the layer below.

mod fuzz;
mod half;
mod qpack;
#[cfg(test)]
mod tests;
mod unidirectional;

pub use fuzz::fuzz_qpack;

use super::fields::{Fields, Pieces, speak};
use super::streams::Streams;
use super::{Out, Trail};
use crate::limits;
use crate::message::{Direction, End, Version};
use half::{Half, Step};
use qpack::{Decoder, Trouble};
use std::collections::{BTreeMap, BTreeSet};
use unidirectional::Lane;

/// The name of the protocol.
pub(super) const NAME: &str = "http3";

/// Numbers of exchanges that a server pushes begin here, above those of streams (RFC 9000 section 2.1).
const PUSH: u64 = 1 << 62;
/// Bit of a stream number that says that it goes one way only.
const ONE_WAY: u64 = 2;

/// A connection.
pub(super) struct Http3 {
    streams: Streams,
    requests: BTreeMap<u64, [Half; 2]>,
    lanes: BTreeMap<u64, Lane>,
    /// By the direction of the header blocks.
    decoders: [Decoder; 2],
    /// Streams whose header block waits for instructions.
    blocked: BTreeSet<(u64, Direction)>,
    /// Instructions or settings have come since they were tried.
    news: bool,
    /// Reused for every header block.
    fields: Fields,
    trails: [Trail; 2],
}

impl Default for Http3 {
    fn default() -> Self {
        Self {
            streams: Streams::http3(),
            requests: BTreeMap::new(),
            lanes: BTreeMap::new(),
            decoders: Default::default(),
            blocked: BTreeSet::new(),
            news: false,
            fields: Fields::default(),
            trails: Default::default(),
        }
    }
}

impl Http3 {
    /// The next bytes of one side of a stream, from stream offset `at`. Says how many were taken: the rest waits until
    /// the stream is no longer blocked.
    pub(super) fn data(
        &mut self,
        stream: u64,
        dir: Direction,
        at: u64,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) -> usize {
        if stream & ONE_WAY != 0 {
            return self.lane_data(stream, dir, at, bytes, out);
        }
        let half = std::mem::take(&mut self.requests.entry(stream).or_default()[dir.index()]);
        let (half, taken) = self.frames(half, stream, dir, (at, bytes), out);
        if let Some(halves) = self.requests.get_mut(&stream) {
            halves[dir.index()] = half;
        }
        taken
    }

    /// `len` bytes of one side of a stream will never come.
    pub(super) fn gap(&mut self, stream: u64, dir: Direction, len: u64, out: &mut Out<'_>) {
        if stream & ONE_WAY != 0 {
            return self.lane_gap(stream, dir, len, out);
        }
        let half = &mut self.requests.entry(stream).or_default()[dir.index()];
        half.gap(len);
        self.streams.data_hole(stream, dir, len, out);
    }

    /// One side of a stream is over.
    pub(super) fn end(&mut self, stream: u64, dir: Direction, end: End, out: &mut Out<'_>) {
        self.blocked.remove(&(stream, dir));
        if stream & ONE_WAY != 0 {
            return self.lane_end(stream, dir, end, out);
        }
        let mut over = true;
        if let Some(halves) = self.requests.get_mut(&stream) {
            let half = &mut halves[dir.index()];
            half.finish(dir, out);
            half.over = true;
            over = halves.iter().all(|half| half.over);
        }
        if over {
            self.requests.remove(&stream);
        }
        self.streams.end(stream, dir, end, out);
    }

    /// Nothing more comes of one direction.
    pub(super) fn close(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.streams.close(dir, out);
    }

    /// The oldest stream offset of one side of a stream whose position may still be asked for.
    pub(super) fn held(&self, stream: u64, dir: Direction) -> u64 {
        match stream & ONE_WAY {
            0 => self.requests.get(&stream).map_or(u64::MAX, |halves| halves[dir.index()].held()),
            _ => self.lanes.get(&stream).map_or(u64::MAX, Lane::held),
        }
    }

    /// The streams that are blocked, if there is news that may help them.
    pub(super) fn retries(&mut self) -> Vec<(u64, Direction)> {
        if std::mem::take(&mut self.news) { self.blocked.iter().copied().collect() } else { Vec::new() }
    }

    /// All streams that are blocked.
    pub(super) fn blocked(&self) -> Vec<(u64, Direction)> {
        self.blocked.iter().copied().collect()
    }

    /// Whether one side of a stream is.
    pub(super) fn is_blocked(&self, stream: u64, dir: Direction) -> bool {
        self.blocked.contains(&(stream, dir))
    }

    /// It is none any more.
    pub(super) fn forget(&mut self, stream: u64, dir: Direction) {
        self.blocked.remove(&(stream, dir));
    }

    /// Tries the header block of a blocked stream again; with `force` for the last time, whatever is known of it. Says
    /// whether the stream goes on.
    pub(super) fn retry(&mut self, stream: u64, dir: Direction, force: bool, out: &mut Out<'_>) -> bool {
        let half = match stream & ONE_WAY {
            0 => self.requests.get_mut(&stream).map(|halves| &mut halves[dir.index()]),
            _ => self.lanes.get_mut(&stream).and_then(Lane::half),
        };
        let Some(half) = half else {
            self.blocked.remove(&(stream, dir));
            return true;
        };
        let (block, at, push) = half.take_block();
        let number = half.number(stream);
        if self.block((stream, number), dir, (&block, at, push), !force, out) {
            return true;
        }
        let half = match stream & ONE_WAY {
            0 => self.requests.get_mut(&stream).map(|halves| &mut halves[dir.index()]),
            _ => self.lanes.get_mut(&stream).and_then(Lane::half),
        };
        if let Some(half) = half {
            half.block(block, at, push);
        }
        false
    }

    /// Frames of a request or push stream.
    fn frames(
        &mut self,
        mut half: Half,
        stream: u64,
        dir: Direction,
        (at, bytes): (u64, &[u8]),
        out: &mut Out<'_>,
    ) -> (Half, usize) {
        let mut taken = 0;
        let number = half.number(stream);
        while taken < bytes.len() && !half.is_blocked() {
            let (at, rest) = (at + taken as u64, bytes.get(taken..).unwrap_or_default());
            let (n, step) = half.step(at, rest);
            let part = rest.get(..n).unwrap_or_default();
            taken += n;
            match step {
                Step::More => {}
                Step::Data => {
                    if !self.streams.data(number, dir, at, part, out) {
                        out.opaque(dir, at, part);
                    }
                }
                Step::Block { block, at, push } => {
                    if !self.block((stream, number), dir, (&block, at, push), true, out) {
                        half.block(block, at, push);
                    }
                }
                Step::Opaque { over } => {
                    out.opaque(dir, at, part);
                    if over {
                        out.opaque_end(dir);
                    }
                }
                Step::Limit(name) => out.weird(name),
            }
        }
        (half, taken)
    }

    /// A whole header block. False if it is blocked.
    fn block(
        &mut self,
        (stream, number): (u64, u64),
        dir: Direction,
        (bytes, at, push): (&[u8], u64, Option<u64>),
        wait: bool,
        out: &mut Out<'_>,
    ) -> bool {
        let Self { streams, decoders, fields, trails, blocked, .. } = self;
        let decoder = &decoders[dir.index()];
        let full = blocked.len() >= limits::QPACK_BLOCKED && !blocked.contains(&(stream, dir));
        match decoder.decode(bytes, wait && !full, fields) {
            Ok(()) => {}
            Err(Trouble::Blocked) => {
                blocked.insert((stream, dir));
                return false;
            }
            Err(Trouble::Broken) => out.weird("qpack_malformed"),
        }
        blocked.remove(&(stream, dir));
        if fields.lost > 0 {
            out.weird("qpack_state_lost");
        }
        // A promised request is the client's, though the server sends it.
        let to = if push.is_some() { Direction::Request } else { dir };
        let source = Pieces { bytes, parts: &[(0, at)], at };
        speak(Version::Http3, (dir, to), &source, (fields, trails), out, |head, any, out| match push {
            Some(push) => streams.promised(PUSH | push, head, out),
            None => streams.headers(number, dir, head, any, false, out),
        });
        true
    }
}
