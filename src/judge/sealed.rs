//! Encrypted tokens: those that a key of the run opens, with what is inside of them, and those that wait for a key that the
//! capture may still give away.

use super::retained::Evidence;
use super::{Judge, opened, sighted};
use crate::facts::weighed::Weighed;
use crate::facts::{Case, known_keys};
use crate::keys::{KeyStore, Opener, Opening};
use crate::limits::{SEALED, SEALED_BYTES};
use crate::message::Exchange;
use crate::token::{Sighting, Token};
use std::sync::Arc;

/// Tokens inside of each other that are opened.
const LEVELS: usize = 3;

/// The encrypted tokens of a run.
pub(super) struct Sealed {
    opener: Opener,
    /// The keys that the user gave, for runs that remember no others.
    given: Arc<KeyStore>,
    /// Of each token that no key opened its first sighting.
    waiting: Weighed<[u8; 32], Waiting>,
    /// The keys that were known when they were tried last.
    keys: usize,
    /// Those that gave way since.
    evicted: u64,
}

struct Waiting {
    sighting: Sighting,
    exchange: Option<Arc<Exchange>>,
    flow: u64,
}

impl Waiting {
    /// Bytes that are held for it.
    fn size(&self) -> usize {
        self.sighting.token.reveal().len() + self.exchange.as_ref().map_or(0, |exchange| exchange.size())
    }
}

impl Sealed {
    pub(super) fn new(given: &Arc<KeyStore>) -> Self {
        let (opener, waiting) = (Opener::default(), Weighed::new(SEALED, SEALED_BYTES, Waiting::size));
        let keys = given.opening();
        Self { opener, given: Arc::clone(given), waiting, keys, evicted: 0 }
    }

    /// Keeps a sighting whose token was not opened.
    fn wait(&mut self, sighting: &Sighting, exchange: Option<&Arc<Exchange>>, flow: u64) {
        if !self.waiting.contains(sighting.token.sha256()) {
            let new = Waiting { sighting: sighting.clone(), exchange: exchange.cloned(), flow };
            self.evicted += self.waiting.insert(*sighting.token.sha256(), new);
        }
    }
}

impl Judge {
    /// The token with its content, if it is a JWE that a key opens which is known now.
    pub(super) fn open(&mut self, sighting: &Sighting, token: &Arc<Token>) -> Option<Arc<Token>> {
        if !token.is_encrypted() {
            return None;
        }
        let keys = known_keys(&self.memories).unwrap_or(&self.sealed.given);
        match self.sealed.opener.open(token, keys, sighting.position.time) {
            Opening::Opened(token) => Some(token),
            Opening::Closed => None,
            Opening::Spent => {
                self.court.tally.weird("jwe_budget");
                None
            }
        }
    }

    /// A token was sighted and judged: one that is inside of it is judged as well, and one that is closed waits.
    pub(super) fn behind(
        &mut self,
        sighting: &Sighting,
        exchange: Option<&Arc<Exchange>>,
        flow: u64,
        new: bool,
    ) {
        if !sighting.token.is_encrypted() {
            return;
        }
        if !sighting.token.is_opened() {
            self.sealed.wait(sighting, exchange, flow);
            return;
        }
        let mut outer = sighting.clone();
        for _ in 0..LEVELS {
            let Some(inner) = outer.token.inside() else { return };
            let inner = self.open(sighting, inner).unwrap_or_else(|| Arc::clone(inner));
            let inner = outer.around(inner);
            let case = sighted(&inner, exchange, (flow, new), opened(self.now, &self.policy));
            self.memories.note(&case);
            let case = Case { memories: Some(&self.memories), ..case };
            let before = Case { sighting: Some(&outer), ..case };
            self.court.hear_more(&case, &before, &mut || {
                Evidence::Sighting(Box::new(inner.clone()), exchange.cloned())
            });
            outer = inner;
        }
    }

    /// Judges the tokens that were closed when they were sighted, and that keys open which were shown later. For whoever
    /// runs the dictionary attack by itself: what is inside may be attacked.
    pub fn unseal(&mut self) {
        let keys = known_keys(&self.memories).map_or(0, KeyStore::opening);
        if keys <= self.sealed.keys {
            return;
        }
        self.sealed.keys = keys;
        self.court.tally.weirds("sealed_evicted", std::mem::take(&mut self.sealed.evicted));
        for (_, Waiting { sighting, exchange, flow }) in self.sealed.waiting.take() {
            let Some(token) = self.open(&sighting, &sighting.token) else {
                self.sealed.wait(&sighting, exchange.as_ref(), flow);
                continue;
            };
            let now = Sighting { token, ..sighting.clone() };
            let around = Case {
                exchange: exchange.as_deref(),
                flow_number: flow,
                memories: Some(&self.memories),
                ..opened(self.now, &self.policy)
            };
            let (case, before) =
                (Case { sighting: Some(&now), ..around }, Case { sighting: Some(&sighting), ..around });
            self.court.hear_more(&case, &before, &mut || {
                Evidence::Sighting(Box::new(now.clone()), exchange.clone())
            });
            self.behind(&now, exchange.as_ref(), flow, true);
        }
    }
}
