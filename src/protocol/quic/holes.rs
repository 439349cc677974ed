//! Holes in streams, and when they are given up: bytes that the peer has and the capture has not.

use crate::limits;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// The holes of one direction, oldest first, and what is known of its packets.
#[derive(Default)]
pub(super) struct Holes {
    queue: VecDeque<Hole>,
    /// Packets of this direction.
    packets: u64,
    /// Numbers of those packets: ranges in order.
    seen: SmallVec<[(u64, u64); 2]>,
    /// When (in packets) the peer last acknowledged one that was not seen.
    missed: Option<u64>,
    /// The same of its last packet.
    heard: Option<u64>,
}

/// One hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) stream: u64,
    /// Offset of its first byte.
    pub(super) at: u64,
    packets: u64,
    time: Timestamp,
}

impl Holes {
    /// A packet of this direction.
    pub(super) fn packet(&mut self, number: u64) {
        self.packets += 1;
        if let Some(last) = self.seen.last_mut()
            && last.1 + 1 == number
        {
            last.1 = number;
            return;
        }
        let at = self.seen.partition_point(|range| range.1 < number);
        let inside = self.seen.get(at).is_some_and(|range| range.0 <= number);
        if inside {
            return;
        }
        let (before, behind) = (
            at > 0 && self.seen[at - 1].1 + 1 == number,
            self.seen.get(at).is_some_and(|r| r.0 == number + 1),
        );
        match (before, behind) {
            (true, true) => {
                self.seen[at - 1].1 = self.seen[at].1;
                self.seen.remove(at);
            }
            (true, false) => self.seen[at - 1].1 = number,
            (false, true) => self.seen[at].0 = number,
            (false, false) => self.seen.insert(at, (number, number)),
        }
        if self.seen.len() > limits::QUIC_RANGES {
            self.seen.remove(0);
        }
    }

    /// The peer says which packets of this direction it has.
    pub(super) fn acknowledged(&mut self, ranges: &[(u64, u64)]) {
        if self.queue.is_empty() && self.seen.len() < 2 {
            return;
        }
        let first = self.seen.first().map_or(0, |range| range.0);
        let known = |&(low, high): &(u64, u64)| {
            let at = self.seen.partition_point(|range| range.1 < high);
            high < first || self.seen.get(at).is_some_and(|range| range.0 <= low.max(first))
        };
        if !ranges.iter().all(known) {
            self.missed = Some(self.packets);
        }
    }

    /// The peer sent a packet.
    pub(super) fn heard(&mut self) {
        self.heard = Some(self.packets);
    }

    /// A hole was found.
    pub(super) fn found(&mut self, stream: u64, at: u64, time: Timestamp) {
        self.queue.push_back(Hole { stream, at, packets: self.packets, time });
    }

    /// The next hole that is given up: the peer has acknowledged what was not captured, or is not heard at all, and some
    /// packets, or some time, have passed; or very many, or very long.
    pub(super) fn expired(&mut self, now: Timestamp) -> Option<Hole> {
        let hole = self.queue.front()?;
        let (packets, time) = (self.packets - hole.packets, now.since(hole.time));
        let since =
            |at: Option<u64>| at.is_some_and(|at| at + u64::from(limits::GAP_PACKETS) >= hole.packets);
        let evident = since(self.missed) || self.heard.is_none_or(|at| at < hole.packets);
        let soon = packets >= limits::GAP_PACKETS.into() || time >= limits::GAP_TIME;
        let late = packets >= limits::QUIC_HOLE_PACKETS || time >= limits::QUIC_HOLE_TIME;
        if evident && soon || late { self.queue.pop_front() } else { None }
    }

    /// The oldest hole, which is given up now.
    pub(super) fn oldest(&mut self) -> Option<Hole> {
        self.queue.pop_front()
    }
}
