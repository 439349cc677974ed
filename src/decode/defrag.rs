//! IP fragments become datagrams: bounded in number, bytes and packet time, the first copy of a byte wins.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::ip::Fragment;
use crate::limits;
use crate::tally::Tally;
use crate::time::Timestamp;

/// What makes fragments one datagram (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// Zero for IPv6, where only the first fragment knows.
    pub(super) protocol: u8,
    pub(super) id: u32,
    /// Networks count apart.
    pub(super) path: u32,
    pub(super) vlan: u32,
}

/// One fragment as it arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) origin: Origin,
    pub(super) at: Fragment,
    pub(super) protocol: u8,
    pub(super) data: &'a [u8],
    /// Bytes of it that were not captured.
    pub(super) cut: u32,
}

/// A whole datagram's payload, as far as it was captured without a break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) protocol: u8,
    pub(super) bytes: Vec<u8>,
    pub(super) missing: u32,
}

/// Holds fragments until their datagram is whole.
#[derive(Debug, Default)]
pub(super) struct Defragmenter {
    waiting: HashMap<Origin, Waiting>,
    /// Arrival order of the first fragments: expiry and eviction go through it, never through the hash map.
    ages: BTreeMap<u64, Origin>,
    next_age: u64,
    /// The last datagrams that became whole: what comes for them again is a copy, and no loss if it stays alone.
    done: VecDeque<Origin>,
    held: usize,
    now: Timestamp,
}

/// Approximate cost of an entry and of a piece beside its bytes.
const WAITING_COST: usize = 320;
const PIECE_COST: usize = 80;

/// Length of the largest payload: offsets have 13 bits of eight bytes, lengths 16 bits.
const LARGEST: u32 = 65_535;

impl Defragmenter {
    /// Takes a fragment; returns the datagram that it completes.
    pub(super) fn push(
        &mut self,
        mut arrival: Arrival<'_>,
        time: Timestamp,
        tally: &mut Tally,
    ) -> Option<Joined> {
        self.now = self.now.max(time);
        self.expire(tally);
        let mut len = u32::try_from(arrival.data.len()).ok()?.checked_add(arrival.cut)?;
        if arrival.at.more && !len.is_multiple_of(8) {
            tally.weird("fragment_unaligned");
            len &= !7;
            arrival.data = &arrival.data[..arrival.data.len().min(len as usize)];
        }
        let end = arrival.at.offset.checked_add(len)?;
        if len == 0 {
            tally.weird("fragment_empty");
            return None;
        }
        if end > LARGEST {
            tally.weird("fragment_overflow");
            return None;
        }
        let (now, next_age) = (self.now, &mut self.next_age);
        let (ages, done) = (&mut self.ages, &self.done);
        let waiting = self.waiting.entry(arrival.origin).or_insert_with(|| {
            let age = *next_age;
            *next_age += 1;
            ages.insert(age, arrival.origin);
            self.held += WAITING_COST;
            Waiting {
                age,
                born: now,
                copy: done.contains(&arrival.origin),
                pieces: BTreeMap::new(),
                covered: 0,
                end: 0,
                total: None,
                first: None,
                cost: WAITING_COST,
            }
        });
        let before = waiting.cost;
        waiting.insert(&arrival, end, tally);
        self.held += waiting.cost - before;
        if waiting.total == Some(waiting.covered) {
            if self.done.len() >= limits::FRAGMENT_COPIES {
                self.done.pop_front();
            }
            self.done.push_back(arrival.origin);
            return self.remove(&arrival.origin).map(|w| w.join(arrival.protocol));
        }
        while self.held > limits::FRAGMENT_BYTES || self.ages.len() > limits::FRAGMENT_DATAGRAMS {
            let Some((_, &oldest)) = self.ages.first_key_value() else { break };
            self.lose(&oldest, "fragments_evicted", tally);
        }
        None
    }

    /// Gives up what waits.
    pub(super) fn clear(&mut self, tally: &mut Tally) {
        while let Some((_, &oldest)) = self.ages.first_key_value() {
            self.lose(&oldest, "fragments_expired", tally);
        }
        *self = Self::default();
    }

    fn expire(&mut self, tally: &mut Tally) {
        while let Some((_, &oldest)) = self.ages.first_key_value() {
            match self.waiting.get(&oldest) {
                Some(waiting) if self.now.since(waiting.born) <= limits::FRAGMENT_TIMEOUT => break,
                _ => {
                    self.lose(&oldest, "fragments_expired", tally);
                }
            }
        }
    }

    fn lose(&mut self, origin: &Origin, why: &'static str, tally: &mut Tally) {
        if self.remove(origin).is_some_and(|waiting| !waiting.copy) {
            tally.weird(why);
        }
    }

    fn remove(&mut self, origin: &Origin) -> Option<Waiting> {
        let waiting = self.waiting.remove(origin)?;
        self.ages.remove(&waiting.age);
        self.held -= waiting.cost;
        Some(waiting)
    }
}

/// A datagram of which something is still to come.
#[derive(Debug)]
struct Waiting {
    age: u64,
    born: Timestamp,
    /// A datagram of this name was whole a moment ago.
    copy: bool,
    /// By first byte; they do not overlap.
    pieces: BTreeMap<u32, Piece>,
    covered: u32,
    end: u32,
    total: Option<u32>,
    /// Protocol of the fragment at offset zero.
    first: Option<u8>,
    cost: usize,
}

/// A range of the datagram: `len` bytes on the wire, of which `bytes` were captured.
#[derive(Debug)]
struct Piece {
    len: u32,
    bytes: Vec<u8>,
}

impl Waiting {
    fn insert(&mut self, arrival: &Arrival<'_>, end: u32, tally: &mut Tally) {
        let start = arrival.at.offset;
        let wrong_end = if arrival.at.more {
            self.total.is_some_and(|total| end > total)
        } else {
            self.total.is_some_and(|total| end != total) || end < self.end
        };
        if wrong_end {
            tally.weird("fragment_conflicting_end");
            return;
        }
        if !arrival.at.more {
            self.total = Some(end);
        }
        if start == 0 && self.first.is_none() {
            self.first = Some(arrival.protocol);
        }
        self.end = self.end.max(end);
        let mut holes = SmallVec::<[(u32, u32); 4]>::new();
        let (mut at, mut conflict) = (start, false);
        let before = self.pieces.range(..start).next_back();
        for (&from, piece) in before.into_iter().chain(self.pieces.range(start..end)) {
            let to = from + piece.len;
            if to <= at {
                continue;
            }
            if from > at {
                holes.push((at, from));
            }
            conflict |= differ(from, &piece.bytes, start, arrival.data);
            at = at.max(to);
        }
        if at < end {
            holes.push((at, end));
        }
        if conflict {
            tally.weird("fragment_overlap_conflict");
        }
        for (from, to) in holes {
            let captured = arrival.data.len();
            let range = ((from - start) as usize).min(captured)..((to - start) as usize).min(captured);
            let bytes = arrival.data[range].to_vec();
            self.cost += PIECE_COST + bytes.len();
            self.covered += to - from;
            self.pieces.insert(from, Piece { len: to - from, bytes });
        }
    }

    fn join(self, protocol: u8) -> Joined {
        let mut bytes = Vec::with_capacity(self.covered as usize);
        for piece in self.pieces.values() {
            bytes.extend_from_slice(&piece.bytes);
            if piece.bytes.len() < piece.len as usize {
                break;
            }
        }
        let missing = self.covered.saturating_sub(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        Joined { protocol: self.first.unwrap_or(protocol), bytes, missing }
    }
}

/// Whether two runs of bytes at their offsets have different bytes where both have some.
fn differ(a_at: u32, a: &[u8], b_at: u32, b: &[u8]) -> bool {
    let from = a_at.max(b_at);
    let a = a.get((from - a_at) as usize..).unwrap_or_default();
    let b = b.get((from - b_at) as usize..).unwrap_or_default();
    let len = a.len().min(b.len());
    a[..len] != b[..len]
}

#[cfg(test)]
#[path = "defrag_tests.rs"]
mod tests;
