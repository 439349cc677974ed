//! What `crack` takes from captures: tokens that can be attacked, and texts that secrets may be made of.

use crate::limits;
use crate::token::Token;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Texts of one capture that words are made of; the attack takes less of them.
const TEXTS: usize = 4096;

/// Tokens in order of first sighting, each once, and hosts.
#[derive(Default)]
pub(super) struct Collector {
    /// Tokens signed with HMAC, and the host that each was first sent to or came from.
    pub(super) tokens: Vec<(Arc<Token>, Option<String>)>,
    /// Tokens that were too many.
    pub(super) refused: u64,
    seen: HashSet<[u8; 32]>,
    texts: BTreeSet<Box<str>>,
}

impl Collector {
    /// A token was sighted.
    pub(super) fn token(&mut self, token: &Arc<Token>, host: Option<String>) {
        if !token.is_hmac() || self.seen.contains(token.sha256()) {
            return;
        }
        if self.tokens.len() >= limits::CRACK_TOKENS {
            self.refused += 1;
            return;
        }
        self.seen.insert(*token.sha256());
        self.tokens.push((Arc::clone(token), host));
    }

    /// A name was seen: of a host.
    pub(super) fn text(&mut self, text: Option<String>) {
        if let Some(text) = text.filter(|_| self.texts.len() < TEXTS) {
            self.texts.insert(text.into());
        }
    }

    /// The names, in an order that does not depend on the capture's.
    pub(super) fn texts(&self) -> Vec<Box<str>> {
        self.texts.iter().cloned().collect()
    }
}
