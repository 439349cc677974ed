//! JOSE headers. An issuer gives all its tokens the same few: what one says is read once.

use super::members::Words;
use serde_json::Value;
use std::sync::Arc;

/// A protected header, and what an unprotected one adds to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JoseHeader {
    /// Always an object.
    pub(super) members: Value,
    words: Words,
    /// Members that are protected: the first ones.
    pub(super) protected: usize,
}

impl JoseHeader {
    pub(super) fn new(members: Value, protected: usize) -> Self {
        Self { words: Words::of(Some(&members)), members, protected }
    }

    #[inline]
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.words.find(&self.members, name)
    }
}

/// Headers of tokens that came last, by their text; flawless ones only.
#[derive(Debug, Default)]
pub(super) struct Headers(Vec<(Box<[u8]>, Arc<JoseHeader>)>);

/// Headers that are remembered, and the longest text of one.
const MANY: usize = 16;
const LONG: usize = 1024;

impl Headers {
    /// The header that this text was read as.
    pub(super) fn get(&mut self, text: &[u8]) -> Option<Arc<JoseHeader>> {
        let at = self.0.iter().position(|(known, _)| **known == *text)?;
        self.0.get_mut(..=at)?.rotate_right(1);
        self.0.first().map(|(_, header)| Arc::clone(header))
    }

    /// Remembers one, maybe in the place of the one that was not asked for the longest.
    pub(super) fn add(&mut self, text: &[u8], header: &Arc<JoseHeader>) {
        if text.len() <= LONG {
            self.0.truncate(MANY - 1);
            self.0.insert(0, (text.into(), Arc::clone(header)));
        }
    }
}
