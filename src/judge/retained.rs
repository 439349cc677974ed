//! Subjects that wait for late facts: bounded, and one for all that are of one token and whose findings are the same.

use crate::facts::Case;
use crate::limits::{RETAINED, RETAINED_BYTES};
use crate::message::{Exchange, Login};
use crate::rules::{Confidence, Judged, Severity};
use crate::session::FlowSummary;
use crate::time::Timestamp;
use crate::token::{Sighting, Token};
use foldhash::HashMap;
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
}

impl Again {
    pub(super) const fn of(rule: usize, reported: bool, judged: Judged) -> Self {
        Self { rule, reported, grade: (judged.severity, judged.confidence) }
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

    /// Bytes beside the token and the exchange, which others may have in common with it.
    const fn own_size(&self) -> usize {
        match self {
            Self::Sighting(..) => size_of::<Sighting>(),
            Self::Login(_) => size_of::<Login>(),
            Self::Flow(_) => FLOW,
            Self::Exchange(_) | Self::None => 0,
        }
    }

    const fn exchange(&self) -> Option<&Arc<Exchange>> {
        match self {
            Self::Sighting(_, Some(exchange)) | Self::Exchange(exchange) => Some(exchange),
            _ => None,
        }
    }
}

/// What a token costs beside its text: payload, signature, and the members of header and claims.
const TOKEN_FACTOR: usize = 4;

/// What a flow with its hellos takes.
const FLOW: usize = 4 << 10;

/// A subject that is kept, and how often its like came.
pub(super) struct Kept {
    pub(super) evidence: Evidence,
    pub(super) flow: u64,
    pub(super) count: u64,
    pub(super) last_seen: Timestamp,
}

/// What subjects have in common that are kept as one, if the same rules must see them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct About {
    pub(super) token: u64,
    /// Where their findings would be ([`Spot::of`](super::ledger::Spot::of)).
    pub(super) spot: u128,
    /// The connection, where a rule asks about it: one token may come over several.
    pub(super) flow: Option<u64>,
}

/// All of them, in order. Each key is held once: the index has numbers only.
#[derive(Default)]
pub(super) struct Retained {
    kept: Vec<(About, u32, Kept)>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// What rules must see a subject again: there are few different sets, by number.
    sets: Vec<Arc<[Again]>>,
    numbers: HashMap<Arc<[Again]>, u32>,
    /// The tokens of sightings: whoever parsed them twice, they are held once.
    tokens: HashMap<u64, Arc<Token>>,
    bytes: usize,
    /// One did not fit: no more are kept, so that nobody makes evidence that is not taken.
    full: bool,
}

impl Retained {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Counts one more of those that are kept for the same rules; false if there is none.
    pub(super) fn count(&mut self, about: &About, rules: &[Again], last_seen: Timestamp) -> bool {
        let Some(set) = self.numbers.get(rules).copied() else { return false };
        let same = |at: &u32| self.kept.get(*at as usize).is_some_and(|(a, s, _)| (a, *s) == (about, set));
        let at = self.index.find(self.hasher.hash_one((about, set)), same).copied();
        let Some((.., kept)) = at.and_then(|at| self.kept.get_mut(at as usize)) else { return false };
        kept.count += 1;
        kept.last_seen = kept.last_seen.max(last_seen);
        true
    }

    /// Whether one more may fit.
    pub(super) const fn has_room(&self) -> bool {
        !self.full
    }

    /// Keeps one more. False if it does not fit.
    pub(super) fn add(&mut self, about: About, rules: &[Again], mut new: Kept) -> bool {
        let size = size_of::<(About, u32, Kept)>() + self.share(about.token, &mut new.evidence);
        self.full |= self.kept.len() >= RETAINED || self.bytes + size > RETAINED_BYTES;
        if self.full {
            return false;
        }
        self.bytes += size;
        if let Evidence::Sighting(sighting, _) = &new.evidence {
            self.tokens.entry(about.token).or_insert_with(|| Arc::clone(&sighting.token));
        }
        let set = self.set(rules);
        let (kept, hasher) = (&self.kept, &self.hasher);
        let hash =
            |at: &u32| kept.get(*at as usize).map_or(0, |(about, set, _)| hasher.hash_one((about, set)));
        self.index.insert_unique(hasher.hash_one((&about, set)), kept.len() as u32, hash);
        self.kept.push((about, set, new));
        true
    }

    /// All of them, with their rules; none is left.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (About, Arc<[Again]>, Kept)> + use<> {
        let Self { kept, sets, .. } = std::mem::take(self);
        kept.into_iter().filter_map(move |(about, set, kept)| {
            let rules = sets.get(set as usize).cloned()?;
            Some((about, rules, kept))
        })
    }

    /// Lets a subject share what others have that are kept, and gives the bytes that it has alone.
    fn share(&self, token: u64, evidence: &mut Evidence) -> usize {
        let last = self.kept.last().and_then(|(.., kept)| kept.evidence.exchange());
        let shared = |exchange: &&Arc<Exchange>| last.is_some_and(|last| Arc::ptr_eq(last, exchange));
        let exchange = evidence.exchange().filter(|e| !shared(e)).map_or(0, |exchange| exchange.size());
        let mut size = evidence.own_size() + exchange;
        if let Evidence::Sighting(sighting, _) = evidence {
            match self.tokens.get(&token) {
                Some(known) if alike(known, &sighting.token) => sighting.token = Arc::clone(known),
                _ => size += sighting.token.reveal().len() * TOKEN_FACTOR,
            }
        }
        size
    }

    /// The number of a set of rules.
    fn set(&mut self, rules: &[Again]) -> u32 {
        if let Some(known) = self.numbers.get(rules) {
            return *known;
        }
        let (number, rules) = (self.sets.len() as u32, Arc::<[Again]>::from(rules));
        self.sets.push(Arc::clone(&rules));
        self.numbers.insert(rules, number);
        number
    }
}

/// Whether two readings of a token say the same.
fn alike(a: &Token, b: &Token) -> bool {
    a.is_same(b) && a.unprotected() == b.unprotected() && a.is_opened() == b.is_opened()
}
