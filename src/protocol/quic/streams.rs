//! The streams of a connection (RFC 9000 section 2), put in order and given to the protocol inside.

use super::holes::Holes;
use super::side::Side;
use crate::limits;
use crate::message::{Channel, Direction, End, Position, Transport};
use crate::protocol::datagram::DatagramOut;
use crate::protocol::http3::{self, Http3};
use crate::protocol::inner::Inner;
use crate::protocol::{Out, Trail};
use std::collections::{BTreeMap, BTreeSet};

/// The streams and what they carry.
pub(super) struct Streams {
    open: BTreeMap<u64, Stream>,
    closed: [Closed; 4],
    holes: [Holes; 2],
    /// What pieces that wait take, in bytes, and what of it was asked for.
    waiting: usize,
    reserved: usize,
    /// By direction, the stream that spoke last.
    last: [u64; 2],
    http3: Option<Box<Http3>>,
    inner: Inner,
}

#[derive(Default)]
struct Stream {
    sides: [Side; 2],
    trails: [Trail; 2],
}

/// Streams of one kind that are over, by their place in the order of opening.
#[derive(Default)]
struct Closed {
    /// All below this.
    below: u64,
    above: BTreeSet<u64>,
}

impl Closed {
    fn has(&self, stream: u64) -> bool {
        let n = stream >> 2;
        n < self.below || self.above.contains(&n)
    }

    fn add(&mut self, stream: u64) {
        self.above.insert(stream >> 2);
        if self.above.len() > limits::QUIC_STREAMS
            && let Some(first) = self.above.first().copied()
        {
            self.below = first;
        }
        while self.above.remove(&self.below) {
            self.below += 1;
        }
    }
}

/// Who may send on a stream that goes one way (RFC 9000 section 2.1); `None` for one that goes both ways.
fn only(stream: u64) -> Option<Direction> {
    match stream & 3 {
        2 => Some(Direction::Request),
        3 => Some(Direction::Response),
        _ => None,
    }
}

impl Streams {
    /// Of a connection whose application protocol (RFC 7301) is that.
    pub(super) fn new(alpn: &str, out: &mut DatagramOut<'_>) -> Self {
        let http3 = alpn.starts_with("h3").then(Box::<Http3>::default);
        if http3.is_some() {
            out.inside(http3::NAME);
        }
        Self {
            open: BTreeMap::new(),
            closed: Default::default(),
            holes: Default::default(),
            waiting: 0,
            reserved: 0,
            last: [0; 2],
            http3,
            inner: Inner::default(),
        }
    }

    /// An application packet was opened.
    pub(super) fn packet(&mut self, dir: Direction, number: u64) {
        self.holes[dir.index()].packet(number);
        self.holes[dir.other().index()].heard();
    }

    /// The sender has these packets of the other direction.
    pub(super) fn acknowledged(&mut self, dir: Direction, ranges: &[(u64, u64)]) {
        self.holes[dir.other().index()].acknowledged(ranges);
    }

    /// A piece of a stream.
    pub(super) fn piece(
        &mut self,
        stream: u64,
        dir: Direction,
        (offset, bytes, fin): (u64, &[u8], bool),
        out: &mut DatagramOut<'_>,
    ) {
        let position = out.position(dir);
        let Some(side) = self.side(stream, dir, out) else { return };
        if fin {
            side.fin = Some(offset.saturating_add(bytes.len() as u64));
        }
        let (at, fresh) = side.fresh(offset, bytes);
        if !fresh.is_empty() {
            if at == side.next && !side.blocked && side.first().is_none_or(|first| first > at) {
                self.deliver(stream, dir, fresh, position, out);
            } else {
                self.waiting += side.keep(at, fresh, position);
            }
        }
        self.flush(stream, dir, position, out);
    }

    /// One side of a stream was reset.
    pub(super) fn reset(&mut self, stream: u64, dir: Direction, out: &mut DatagramOut<'_>) {
        if self.side(stream, dir, out).is_some() {
            self.finish(stream, dir, End::Reset, out);
        }
    }

    /// A packet is read: holes that are old enough are given up, and streams that waited for others go on.
    pub(super) fn settle(&mut self, dir: Direction, out: &mut DatagramOut<'_>) {
        let position = out.position(dir);
        self.unblock(position, false, out);
        for dir in Direction::BOTH {
            while let Some(hole) = self.holes[dir.index()].expired(position.time) {
                self.give_up(hole.stream, dir, hole.at, position, out);
            }
        }
        self.account(position, out);
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self, out: &mut DatagramOut<'_>) {
        let position = Position::default();
        self.unblock(position, true, out);
        for dir in Direction::BOTH {
            while let Some(hole) = self.holes[dir.index()].oldest() {
                self.give_up(hole.stream, dir, hole.at, position, out);
            }
        }
        self.unblock(position, true, out);
        let open: Vec<u64> = self.open.keys().copied().collect();
        for stream in open {
            for dir in Direction::BOTH {
                self.finish(stream, dir, End::Cut, out);
            }
        }
        let Self { http3, inner, .. } = self;
        if let Some(http3) = http3 {
            let trails = Default::default();
            speak(out, &trails, inner, true, |out| {
                Direction::BOTH.into_iter().for_each(|dir| http3.close(dir, out));
            });
        }
        self.account(position, out);
    }

    /// One side of a stream that is not over.
    fn side(&mut self, stream: u64, dir: Direction, out: &mut DatagramOut<'_>) -> Option<&mut Side> {
        let closed = self.closed[(stream & 3) as usize].has(stream);
        if only(stream).is_some_and(|only| only != dir) || closed && !self.open.contains_key(&stream) {
            return None;
        }
        if !self.open.contains_key(&stream) && self.open.len() >= limits::QUIC_STREAMS {
            out.weird("quic_streams_limit");
            let oldest = self.open.keys().next().copied()?;
            for dir in Direction::BOTH {
                self.finish(oldest, dir, End::Cut, out);
            }
        }
        let side = &mut self.open.entry(stream).or_default().sides[dir.index()];
        (!side.over).then_some(side)
    }

    /// The next bytes of one side, in order.
    fn deliver(
        &mut self,
        stream: u64,
        dir: Direction,
        bytes: &[u8],
        position: Position,
        out: &mut DatagramOut<'_>,
    ) {
        let Self { open, http3, inner, last, .. } = self;
        let Some(Stream { sides, trails }) = open.get_mut(&stream) else { return };
        let side = &mut sides[dir.index()];
        let at = side.next;
        trails[dir.index()].push_derived(at, bytes.len() as u64, position);
        // What no protocol knows is searched stream by stream.
        let other = std::mem::replace(&mut last[dir.index()], stream) != stream;
        let (taken, held) = speak(out, trails, inner, http3.is_some(), |out| {
            if other {
                out.opaque_end(dir);
            }
            match http3 {
                Some(http3) => {
                    let taken = http3.data(stream, dir, at, bytes, out);
                    side.blocked = http3.is_blocked(stream, dir);
                    (taken, http3.held(stream, dir))
                }
                None => {
                    out.inner_of(stream, dir, at, bytes);
                    (bytes.len(), u64::MAX)
                }
            }
        });
        side.next += taken as u64;
        trails[dir.index()].prune(held);
        if let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            self.waiting += side.keep(side.next, rest, position);
        }
    }

    /// Delivers what waits and can be delivered.
    fn flush(&mut self, stream: u64, dir: Direction, position: Position, out: &mut DatagramOut<'_>) {
        while let Some(side) = self.open.get_mut(&stream).map(|s| &mut s.sides[dir.index()])
            && let Some((offset, piece, from, cost)) = side.pop()
        {
            self.waiting -= cost;
            let (_, fresh) = side.fresh(offset, &piece);
            if !fresh.is_empty() {
                self.deliver(stream, dir, fresh, from, out);
            }
        }
        let Some(side) = self.open.get_mut(&stream).map(|s| &mut s.sides[dir.index()]) else { return };
        if let Some((at, _)) = side.hole().filter(|(at, _)| side.hole != Some(*at)) {
            side.hole = Some(at);
            self.holes[dir.index()].found(stream, at, position.time);
        } else if side.fin.is_some_and(|fin| side.next >= fin) && !side.blocked {
            self.finish(stream, dir, End::Complete, out);
        }
    }

    /// The hole at that offset will not be filled, if it is still there.
    fn give_up(
        &mut self,
        stream: u64,
        dir: Direction,
        at: u64,
        position: Position,
        out: &mut DatagramOut<'_>,
    ) {
        let Self { open, http3, inner, .. } = self;
        let Some(Stream { sides, trails }) = open.get_mut(&stream) else { return };
        let side = &mut sides[dir.index()];
        let Some((_, len)) = side.hole().filter(|(hole, _)| *hole == at && !side.blocked) else { return };
        out.weird("quic_hole");
        match http3 {
            Some(http3) => speak(out, trails, inner, true, |out| http3.gap(stream, dir, len, out)),
            None => speak(out, trails, inner, false, |out| out.inner_gap_of(stream, dir, len)),
        }
        side.next += len;
        self.flush(stream, dir, position, out);
        self.unblock(position, false, out);
    }

    /// Tries blocked streams again, or for the last time.
    fn unblock(&mut self, position: Position, force: bool, out: &mut DatagramOut<'_>) {
        while let Some(http3) = &mut self.http3 {
            let retries = if force { http3.blocked() } else { http3.retries() };
            if retries.is_empty() {
                return;
            }
            for (stream, dir) in retries {
                let Self { open, http3: Some(http3), inner, .. } = self else { return };
                let Some(Stream { sides, trails }) = open.get_mut(&stream) else {
                    http3.forget(stream, dir);
                    continue;
                };
                if speak(out, trails, inner, true, |out| http3.retry(stream, dir, force, out)) {
                    sides[dir.index()].blocked = false;
                    self.flush(stream, dir, position, out);
                }
            }
        }
    }

    /// Keeps what waits within the bounds.
    fn account(&mut self, position: Position, out: &mut DatagramOut<'_>) {
        let fits = |waiting: usize, reserved: usize, out: &mut DatagramOut<'_>| {
            waiting <= limits::SEGMENT_BYTES_FLOW
                && (waiting <= reserved || out.reserve(waiting.saturating_sub(reserved)))
        };
        if self.waiting != self.reserved && !fits(self.waiting, self.reserved, out) {
            out.weird("quic_waiting_limit");
            self.unblock(position, true, out);
            for dir in Direction::BOTH {
                while let Some(hole) = self.holes[dir.index()].oldest() {
                    self.give_up(hole.stream, dir, hole.at, position, out);
                }
            }
            if !fits(self.waiting, self.reserved, out) {
                let sides = self.open.values_mut().flat_map(|stream| &mut stream.sides);
                sides.for_each(|side| self.waiting -= side.clear());
            }
        }
        out.release(self.reserved.saturating_sub(self.waiting));
        self.reserved = self.waiting;
    }

    /// One side of a stream is over.
    fn finish(&mut self, stream: u64, dir: Direction, end: End, out: &mut DatagramOut<'_>) {
        let Self { open, http3, inner, closed, .. } = self;
        let Some(Stream { sides, trails }) = open.get_mut(&stream) else { return };
        let side = &mut sides[dir.index()];
        if !side.over && only(stream).is_none_or(|only| only == dir) {
            side.over = true;
            side.blocked = false;
            self.waiting -= side.clear();
            if let Some(http3) = http3 {
                speak(out, trails, inner, true, |out| http3.end(stream, dir, end, out));
            }
        }
        let over = |dir: Direction| sides[dir.index()].over || only(stream).is_some_and(|only| only != dir);
        if Direction::BOTH.into_iter().all(over) {
            if http3.is_none() {
                speak(out, trails, inner, false, |out| out.inner_end(stream, end));
            }
            open.remove(&stream);
            closed[(stream & 3) as usize].add(stream);
        }
    }
}

/// Speaks of what is inside streams.
fn speak<R>(
    out: &mut DatagramOut<'_>,
    trails: &[Trail; 2],
    inner: &mut Inner,
    http3: bool,
    speak: impl FnOnce(&mut Out<'_>) -> R,
) -> R {
    let outer = out.transport();
    let protocol = if http3 { http3::NAME } else { outer.protocol };
    let transport = Transport { channel: Channel::TlsDecrypted, protocol, ..*outer };
    out.stream(&transport, trails, (inner, usize::from(http3)), speak)
}
