//! The JWEs of a run, each opened once.

use super::{Allowance, PrivateKey, Refusal, open};
use crate::keys::KeyStore;
use crate::limits::{KEY_TRIES, OPENED, OPENED_BYTES};
use crate::time::Timestamp;
use crate::token::Token;
use foldhash::HashMap;
use serde_json::Value;
use std::sync::Arc;

/// The keys that open JWEs: given ones first.
#[derive(Clone, Debug, Default)]
pub(in crate::keys) struct PrivateKeys {
    keys: Vec<PrivateKey>,
    given: usize,
}

impl PrivateKeys {
    /// Adds a key of the user's.
    pub(in crate::keys) fn give(&mut self, key: PrivateKey) {
        self.keys.insert(self.given, key);
        self.given += 1;
    }

    /// Adds a key that was published, unless it is known or one more than `most`.
    pub(in crate::keys) fn learn(&mut self, key: &PrivateKey, most: usize) -> bool {
        if self.keys.contains(key) {
            return true;
        }
        let fits = self.keys.len() - self.given < most;
        if fits {
            self.keys.push(key.clone());
        }
        fits
    }

    /// How many there are: it grows with each key that is learned.
    pub(in crate::keys) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The first ones that may open a token, those with its name before the others.
    pub(super) fn of(&self, token: &Token) -> impl Iterator<Item = &PrivateKey> {
        let kid = token.header_member("kid").and_then(Value::as_str);
        let named = move |key: &&PrivateKey| key.kid.is_some() && key.kid.as_deref() == kid;
        // What was given is tried under any name; what was published under another name is another key.
        let other = move |(at, key): &(usize, &PrivateKey)| {
            !named(key) && (*at < self.given || key.kid.is_none() || kid.is_none())
        };
        let fitting = move || self.keys.iter().enumerate().filter(|(_, key)| key.fits(token));
        let first = fitting().map(|(_, key)| key).filter(named);
        first.chain(fitting().filter(other).map(|(_, key)| key)).take(KEY_TRIES)
    }
}

/// What came of a token.
#[derive(Clone, Debug)]
pub enum Opening {
    /// The same token with its content.
    Opened(Arc<Token>),
    /// No key opens it, or it is no JWE.
    Closed,
    /// A key might, but there was nothing left to spend on it.
    Spent,
}

/// Opens JWEs, and remembers what came of it: one that is sent again costs nothing.
#[derive(Debug, Default)]
pub struct Opener {
    known: HashMap<[u8; 32], (Arc<Token>, Known)>,
    /// Bytes of their texts.
    bytes: usize,
    /// The hour of packet time that the allowance is for.
    hour: i64,
    left: Allowance,
}

#[derive(Debug)]
enum Known {
    Opened(Arc<Token>),
    /// So many keys were known when none opened it.
    Closed(usize),
}

impl Opener {
    /// Opens a token that was seen at `time` with the keys of a store. Each hour of packet time has its allowance, so that
    /// what is opened depends on neither the machine nor the threads.
    pub fn open(&mut self, token: &Arc<Token>, store: &KeyStore, time: Timestamp) -> Opening {
        let keys = store.private();
        if !token.is_encrypted() || keys.len() == 0 {
            return Opening::Closed;
        }
        match self.known.get(token.sha256()).filter(|(known, _)| known.is_same(token)) {
            Some((_, Known::Opened(opened))) => return Opening::Opened(Arc::clone(opened)),
            Some((_, Known::Closed(tried))) if *tried == keys.len() => return Opening::Closed,
            _ => {}
        }
        let hour = time.seconds().div_euclid(3600);
        if hour > self.hour {
            (self.hour, self.left) = (hour, Allowance::default());
        }
        for key in keys.of(token) {
            match open(key, token, &mut self.left) {
                Ok(content) => {
                    let opened = Arc::new(token.opened(content));
                    self.remember(token, Known::Opened(Arc::clone(&opened)));
                    return Opening::Opened(opened);
                }
                Err(Refusal::Spent) => return Opening::Spent,
                Err(Refusal::Closed) => {}
            }
        }
        self.remember(token, Known::Closed(keys.len()));
        Opening::Closed
    }

    /// As if all had been spent.
    #[cfg(test)]
    pub(super) fn spend(&mut self) {
        self.left = Allowance { operations: 0, iterations: 0 };
    }

    fn remember(&mut self, token: &Arc<Token>, known: Known) {
        if self.known.len() >= OPENED || self.bytes > OPENED_BYTES {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += token.reveal().len();
        self.known.insert(*token.sha256(), (Arc::clone(token), known));
    }
}
