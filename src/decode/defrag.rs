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
    pub(super) path: u32,
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origin(id: u32) -> Origin {
        Origin { source: [10, 0, 0, 1].into(), destination: [10, 0, 0, 2].into(), protocol: 17, id, path: 0 }
    }

    fn arrival(id: u32, offset: u32, more: bool, data: &[u8]) -> Arrival<'_> {
        Arrival { origin: origin(id), at: Fragment { id, offset, more }, protocol: 17, data, cut: 0 }
    }

    /// Pushes all; the payloads that came out.
    fn push_all(all: &[Arrival<'_>], tally: &mut Tally) -> Vec<Vec<u8>> {
        let mut defrag = Defragmenter::default();
        let time = Timestamp::default();
        all.iter().filter_map(|&a| defrag.push(a, time, tally)).map(|j| j.bytes).collect()
    }

    #[test]
    fn first_copy_wins_and_a_conflict_is_counted() {
        let mut tally = Tally::default();
        let all = [
            arrival(1, 8, true, b"BBBBBBBB"),
            arrival(1, 0, true, b"aaaaaaaabbbbbbbbcccccccc"),
            arrival(1, 24, false, b"dd"),
        ];
        assert_eq!(push_all(&all, &mut tally), [b"aaaaaaaaBBBBBBBBccccccccdd"]);
        assert_eq!(tally.weirds, [("fragment_overlap_conflict", 1)].into());
        let mut tally = Tally::default();
        let equal = [all[1], arrival(1, 8, true, b"bbbbbbbb"), all[1], all[2]];
        assert_eq!(push_all(&equal, &mut tally), [b"aaaaaaaabbbbbbbbccccccccdd"]);
        assert!(tally.weirds.is_empty());
    }

    #[test]
    fn oversized_unaligned_and_contradicting_fragments_are_counted() {
        let mut tally = Tally::default();
        let all = [
            arrival(1, 65_528, false, b"ping of death"),
            arrival(1, 0, true, b""),
            arrival(1, 0, true, b"aaaaaaaa?"),
            arrival(1, 8, false, b"bb"),
            arrival(2, 8, false, b"bb"),
            arrival(2, 8, false, b"bbb"),
            arrival(2, 16, true, b"cccccccc"),
            arrival(3, 16, true, b"cccccccc"),
            arrival(3, 8, false, b"b"),
        ];
        assert_eq!(push_all(&all, &mut tally), [b"aaaaaaaabb"]);
        let want = [
            ("fragment_conflicting_end", 3),
            ("fragment_empty", 1),
            ("fragment_overflow", 1),
            ("fragment_unaligned", 1),
        ];
        assert_eq!(tally.weirds, want.into());
    }

    #[test]
    fn what_the_snap_length_cut_off_is_missing() {
        let (mut defrag, mut tally) = (Defragmenter::default(), Tally::default());
        let mut first = arrival(1, 0, true, b"aaaaa");
        first.cut = 11;
        assert_eq!(defrag.push(first, Timestamp::default(), &mut tally), None);
        let joined = defrag.push(arrival(1, 16, false, b"bb"), Timestamp::default(), &mut tally);
        assert_eq!(joined, Some(Joined { protocol: 17, bytes: b"aaaaa".to_vec(), missing: 13 }));
        assert_eq!(defrag.held, 0);
    }

    #[test]
    fn floods_are_bounded_in_number_bytes_and_time() {
        let (mut defrag, mut tally) = (Defragmenter::default(), Tally::default());
        for id in 0..20_000 {
            defrag.push(arrival(id, 0, true, &[0; 1480]), Timestamp::default(), &mut tally);
            assert!(defrag.held <= limits::FRAGMENT_BYTES && defrag.ages.len() <= limits::FRAGMENT_DATAGRAMS);
        }
        let left = defrag.ages.len() as u64;
        assert_eq!(tally.weirds["fragments_evicted"], 20_000 - left);
        // The newest survived.
        assert!(defrag.push(arrival(19_999, 1480, false, b"x"), Timestamp::default(), &mut tally).is_some());
        let late = Timestamp::from_nanos(limits::FRAGMENT_TIMEOUT + 1);
        defrag.push(arrival(1, 0, true, &[0; 8]), late, &mut tally);
        assert_eq!((defrag.waiting.len(), tally.weirds["fragments_expired"]), (1, left - 1));
        assert_eq!(defrag.held, WAITING_COST + PIECE_COST + 8);
    }

    #[test]
    fn copies_that_come_after_the_whole_are_no_loss() {
        let (mut defrag, mut tally) = (Defragmenter::default(), Tally::default());
        for part in [arrival(1, 0, true, b"aaaaaaaa"), arrival(1, 8, false, b"b")] {
            defrag.push(part, Timestamp::default(), &mut tally);
            defrag.push(part, Timestamp::default(), &mut tally);
        }
        defrag.push(arrival(2, 0, true, b"aaaaaaaa"), Timestamp::default(), &mut tally);
        defrag.clear(&mut tally);
        assert_eq!(tally.weirds, [("fragments_expired", 1)].into());
        assert_eq!((defrag.waiting.len(), defrag.held), (0, 0));
    }

    proptest! {
        #[test]
        fn any_fragmentation_in_any_order_gives_the_payload(
            payload in prop::collection::vec(any::<u8>(), 9..4000),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..30),
            seed in any::<u64>(),
        ) {
            // A complete cut by one stride, and random overlapping extras.
            let units = payload.len().div_ceil(8);
            let stride = cuts.len() + 1;
            let mut parts: Vec<(usize, usize)> = (0..units).step_by(stride).map(|u| (u, stride)).collect();
            parts.extend(cuts.iter().map(|(at, len)| (at.index(units), *len)));
            let mut state = seed | 1;
            parts.sort_by_cached_key(|_| { state ^= state << 13; state ^= state >> 7; state ^= state << 17; state });
            let all: Vec<_> = parts.iter().map(|&(from, len)| {
                let end = ((from + len) * 8).min(payload.len());
                arrival(7, (from * 8) as u32, end < payload.len(), &payload[from * 8..end])
            }).collect();
            let mut tally = Tally::default();
            let out = push_all(&all, &mut tally);
            prop_assert!(!out.is_empty());
            prop_assert!(out.iter().all(|o| *o == payload));
            prop_assert!(tally.weirds.is_empty());
        }

        #[test]
        fn of_conflicting_copies_the_first_wins(
            parts in prop::collection::vec((0_u32..40, 1_usize..12, any::<u8>()), 1..40),
        ) {
            let units = 40;
            let mut model: Vec<Option<u8>> = vec![None; units * 8];
            let (mut defrag, mut tally) = (Defragmenter::default(), Tally::default());
            let (mut conflict, mut joined) = (false, None);
            // What is missing in the end comes last.
            let rest = (0..units as u32).map(|unit| (unit, 1, 0));
            for (unit, len, value) in parts.into_iter().chain(rest) {
                let start = unit as usize * 8;
                let end = (start + len * 8).min(model.len());
                let bytes = vec![value; end - start];
                let last = end == model.len();
                joined = defrag.push(arrival(7, unit * 8, !last, &bytes), Timestamp::default(), &mut tally);
                for byte in &mut model[start..end] {
                    conflict |= *byte.get_or_insert(value) != value;
                }
                if joined.is_some() {
                    break;
                }
            }
            let want: Vec<u8> = model.into_iter().map(|byte| byte.unwrap()).collect();
            prop_assert_eq!(joined.map(|j| j.bytes), Some(want));
            prop_assert_eq!(tally.weirds.contains_key("fragment_overlap_conflict"), conflict);
            prop_assert_eq!(defrag.held, 0);
        }
    }
}
