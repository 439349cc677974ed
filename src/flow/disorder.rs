//! What one direction keeps while segments are out of order: most flows never have one.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::{Budget, Origin};
use crate::{limits, message::End, time::Timestamp};

/// Bookkeeping of one waiting segment, charged beside its bytes so that one-byte segments are not free.
const OVERHEAD: usize = 128;

/// A copied segment that waits for its turn.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Box<[u8]>,
    /// Bytes right behind that were on the wire but not captured.
    pub(super) missing: u32,
    pub(super) since: Moment,
    pub(super) origin: Origin,
}

/// A point in the life of a flow: its packet count and the running maximum of packet time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    pub(super) packets: u32,
    pub(super) time: Timestamp,
}

impl Moment {
    /// Whether `packets` packets or `nanos` of packet time have passed by `now`.
    pub(super) const fn passed(self, now: Self, packets: u32, nanos: i64) -> bool {
        now.packets.wrapping_sub(self.packets) >= packets || now.time.since(self.time) >= nanos
    }
}

/// Waiting segments, disjoint and never empty, by stream offset (negative before the start is known).
#[derive(Debug, Default)]
pub(super) struct Disorder {
    held: BTreeMap<i64, Held>,
    charged: usize,
    /// Where the stream ends and how, if a FIN or RST is behind a hole.
    pub(super) fin: Option<(i64, End)>,
    /// Since when the first hole is in grace.
    pub(super) grace: Option<Moment>,
    /// When the stream last advanced, or the first segment began to wait.
    pub(super) advanced: Moment,
    /// Holes that were given up.
    lost: SmallVec<[(i64, i64); 2]>,
    /// Log2 of the factor on [`limits::GAP_PACKETS`]: grows when a hole was given up too early.
    pub(super) patience: u8,
}

/// How a new segment lies among the waiting ones: ranges of its bytes.
#[derive(Default)]
pub(super) struct Split {
    /// Not there yet.
    pub(super) fresh: SmallVec<[(usize, usize); 4]>,
    /// Some are there with other content.
    pub(super) conflicts: bool,
    /// Whether anything was there.
    pub(super) repeated: bool,
}

impl Disorder {
    pub(super) fn first(&self) -> Option<(i64, &Held)> {
        self.held.first_key_value().map(|(&at, held)| (at, held))
    }

    /// Offset behind the last waiting byte.
    pub(super) fn end(&self) -> Option<i64> {
        self.held.last_key_value().map(|(&at, held)| at + held.bytes.len() as i64 + i64::from(held.missing))
    }

    pub(super) fn waiting(&self) -> bool {
        !self.held.is_empty() || self.fin.is_some()
    }

    pub(super) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Whether a bound is exceeded and something can be freed here.
    pub(super) fn over(&self, budget: &Budget) -> bool {
        !self.held.is_empty()
            && (budget.over()
                || self.charged > limits::SEGMENT_BYTES_FLOW
                || self.held.len() > limits::SEGMENTS_FLOW)
    }

    pub(super) fn split(&self, at: i64, bytes: &[u8]) -> Split {
        let mut split = Split::default();
        let end = at + bytes.len() as i64;
        let mut from = at;
        let start = self.held.range(..=at).next_back().map_or(at, |(&k, _)| k);
        for (&k, held) in self.held.range(start..end) {
            let stop = k + held.bytes.len() as i64;
            if stop <= from {
                continue;
            }
            if k > from {
                split.fresh.push(((from - at) as usize, (k - at) as usize));
                from = k;
            }
            let to = stop.min(end);
            let range = ((from - at) as usize, (to - at) as usize);
            split.repeated = true;
            split.conflicts |= bytes[range.0..range.1] != held.bytes[(from - k) as usize..(to - k) as usize];
            from = to;
        }
        if from < end {
            split.fresh.push(((from - at) as usize, bytes.len()));
        }
        split
    }

    pub(super) fn insert(&mut self, at: i64, held: Held, budget: &mut Budget) {
        let charge = held.bytes.len() + OVERHEAD;
        self.charged += charge;
        budget.take(charge);
        self.held.insert(at, held);
    }

    pub(super) fn pop_first(&mut self, budget: &mut Budget) -> Option<(i64, Held)> {
        let popped = self.held.pop_first();
        self.discharge(popped, budget)
    }

    pub(super) fn pop_last(&mut self, budget: &mut Budget) -> Option<(i64, Held)> {
        let popped = self.held.pop_last();
        self.discharge(popped, budget)
    }

    /// Moves everything so that what was at `delta` is at 0.
    pub(super) fn shift(&mut self, delta: i64) {
        if delta != 0 {
            self.held = std::mem::take(&mut self.held).into_iter().map(|(k, v)| (k - delta, v)).collect();
            if let Some((at, _)) = &mut self.fin {
                *at -= delta;
            }
        }
    }

    pub(super) fn lose(&mut self, from: i64, to: i64) {
        if self.lost.len() >= limits::HOLES_FLOW {
            self.lost.remove(0);
        }
        self.lost.push((from, to));
    }

    /// Takes what of `at..end` lies in holes that were given up: ranges that have not been seen since.
    pub(super) fn find_lost(&mut self, at: i64, end: i64) -> SmallVec<[(i64, i64); 2]> {
        let mut found = SmallVec::new();
        if !self.lost.iter().any(|&(from, to)| from < end && at < to) {
            return found;
        }
        let mut rest = SmallVec::new();
        for &(from, to) in &self.lost {
            let (a, b) = (from.max(at), to.min(end));
            if a >= b {
                rest.push((from, to));
                continue;
            }
            found.push((a, b));
            if from < a {
                rest.push((from, a));
            }
            if b < to {
                rest.push((b, to));
            }
        }
        rest.truncate(limits::HOLES_FLOW);
        self.lost = rest;
        self.patience = (self.patience + 1).min(6);
        found
    }

    fn discharge(&mut self, popped: Option<(i64, Held)>, budget: &mut Budget) -> Option<(i64, Held)> {
        if let Some((_, held)) = &popped {
            let charge = held.bytes.len() + OVERHEAD;
            self.charged = self.charged.saturating_sub(charge);
            budget.give(charge);
        }
        popped
    }
}
