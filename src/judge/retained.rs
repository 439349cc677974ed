//! Subjects that wait for late facts: bounded, and one for all that are of one token and whose findings are the same.

use crate::facts::Case;
use crate::limits::{RETAINED, RETAINED_BYTES};
use crate::message::{Exchange, Login};
use crate::rules::{Confidence, Judged, Severity};
use crate::session::FlowSummary;
use crate::time::Timestamp;
use crate::token::Sighting;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;
use std::sync::Arc;

/// A rule that must see a subject again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Again {
    /// Its index.
    pub(super) rule: usize,
    /// It fired already; only its severity or confidence may still rise.
    pub(super) reported: bool,
    /// How it would be judged as far as is known now: subjects that differ in this are kept apart.
    pub(super) grade: (Severity, Confidence),
    /// The connection, where the rule asks about it: one token may come over several.
    pub(super) flow: Option<u64>,
}

impl Again {
    pub(super) const fn of(rule: usize, reported: bool, judged: Judged, flow: Option<u64>) -> Self {
        Self { rule, reported, grade: (judged.severity, judged.confidence), flow }
    }
}

/// A subject as it is kept.
pub(super) enum Evidence {
    Sighting(Box<Sighting>, Option<Arc<Exchange>>),
    Exchange(Arc<Exchange>),
    Login(Box<Login>),
    Flow(Box<FlowSummary>),
    /// A subject that is only judged when everything is known.
    None,
}

impl Evidence {
    /// The case that it is, with what `now` has in common for all.
    pub(super) fn case<'a>(&'a self, now: &Case<'a>) -> Case<'a> {
        match self {
            Self::Sighting(sighting, exchange) => {
                Case { sighting: Some(sighting), exchange: exchange.as_deref(), ..*now }
            }
            Self::Exchange(exchange) => Case { exchange: Some(exchange), ..*now },
            Self::Login(login) => Case { login: Some(login), ..*now },
            Self::Flow(flow) => Case { flow: Some(flow), ..*now },
            Self::None => *now,
        }
    }

    fn size(&self) -> usize {
        let exchange = |exchange: Option<&Arc<Exchange>>| exchange.map_or(0, |e| e.size());
        512 + match self {
            Self::Sighting(sighting, around) => sighting.token.reveal().len() * 3 + exchange(around.as_ref()),
            Self::Exchange(this) => exchange(Some(this)),
            Self::Flow(_) => FLOW,
            Self::Login(_) | Self::None => 0,
        }
    }
}

/// What a flow with its hellos takes.
const FLOW: usize = 4 << 10;

/// A subject that is kept, and how often its like came.
pub(super) struct Kept {
    pub(super) evidence: Evidence,
    pub(super) flow: u64,
    pub(super) count: u64,
    pub(super) last_seen: Timestamp,
}

/// What subjects have in common that are kept as one: the token, where their findings would be
/// ([`Spot::of`](super::ledger::Spot::of)), and the rules.
pub(super) type Key = (u64, u128, Vec<Again>);

/// All of them, in order. Each key is held once: the index has numbers only.
#[derive(Default)]
pub(super) struct Retained {
    kept: Vec<(Key, Kept)>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    bytes: usize,
}

impl Retained {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Counts one more of those that are kept under a key; false if there is none.
    pub(super) fn count(&mut self, key: &Key, last_seen: Timestamp) -> bool {
        let same = |at: &u32| self.kept.get(*at as usize).is_some_and(|(known, _)| known == key);
        let at = self.index.find(self.hasher.hash_one(key), same).copied();
        let Some((_, kept)) = at.and_then(|at| self.kept.get_mut(at as usize)) else { return false };
        kept.count += 1;
        kept.last_seen = kept.last_seen.max(last_seen);
        true
    }

    /// Keeps one more. False if it does not fit.
    pub(super) fn add(&mut self, mut key: Key, new: Kept) -> bool {
        let size = new.evidence.size();
        if self.kept.len() >= RETAINED || self.bytes + size > RETAINED_BYTES {
            return false;
        }
        self.bytes += size;
        key.2.shrink_to_fit();
        let (kept, hasher) = (&self.kept, &self.hasher);
        let hash = |at: &u32| kept.get(*at as usize).map_or(0, |(key, _)| hasher.hash_one(key));
        self.index.insert_unique(hasher.hash_one(&key), kept.len() as u32, hash);
        self.kept.push((key, new));
        true
    }

    /// All of them; none is left.
    pub(super) fn take(&mut self) -> Vec<(Key, Kept)> {
        std::mem::replace(self, Self::new()).kept
    }
}
