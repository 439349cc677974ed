//! Subjects that wait for late facts: bounded, and one for all sightings of a token whose findings are the same.

use super::spot::short;
use crate::finding::Identity;
use crate::limits::{RETAINED, RETAINED_BYTES};
use crate::message::Exchange;
use crate::time::Timestamp;
use crate::token::Sighting;
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

/// A rule that must see a subject again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Again {
    /// Its index.
    pub(super) rule: usize,
    /// It fired already; only its severity or confidence may still rise.
    pub(super) reported: bool,
}

/// A sighting that is kept, and how often its like came.
pub(super) struct Kept {
    pub(super) sighting: Sighting,
    pub(super) exchange: Option<Arc<Exchange>>,
    pub(super) flow: u64,
    pub(super) rules: Vec<Again>,
    pub(super) count: u64,
    pub(super) last_seen: Timestamp,
}

/// All of them, in order.
pub(super) struct Retained {
    kept: Vec<Kept>,
    index: HashMap<(u64, Identity, Vec<Again>), usize>,
    bytes: usize,
}

impl Retained {
    pub(super) fn new() -> Self {
        Self { kept: Vec::new(), index: HashMap::new(), bytes: 0 }
    }

    /// Keeps one more, or counts it with its like. `spot` says where its findings would be. False if it does not fit.
    pub(super) fn add(&mut self, new: Kept, spot: Identity) -> bool {
        let key = (short(&new.sighting.token), spot, new.rules);
        if let Some(kept) = self.index.get(&key).and_then(|i| self.kept.get_mut(*i)) {
            kept.count += new.count;
            kept.last_seen = kept.last_seen.max(new.last_seen);
            return true;
        }
        let size =
            512 + new.sighting.token.reveal().len() * 3 + new.exchange.as_ref().map_or(0, |e| e.size());
        if self.kept.len() >= RETAINED || self.bytes + size > RETAINED_BYTES {
            return false;
        }
        self.bytes += size;
        let rules = key.2.clone();
        self.index.insert(key, self.kept.len());
        self.kept.push(Kept { rules, ..new });
        true
    }

    /// All of them; none is left.
    pub(super) fn take(&mut self) -> Vec<Kept> {
        std::mem::replace(self, Self::new()).kept
    }
}
