//! Tokens that were read before: one text is parsed once.

use super::jose::Token;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::{hash::BuildHasher, sync::Arc};

/// A bounded map from compact text to the token. When it is full it starts again empty: a token that is used
/// often is back at once.
#[derive(Debug)]
pub struct TokenCache {
    tokens: HashTable<(u64, Arc<Token>)>,
    hasher: DefaultHashBuilder,
    bytes: usize,
    max_tokens: usize,
    max_bytes: usize,
}

impl TokenCache {
    /// A cache of at most `tokens` tokens and `bytes` bytes of their texts.
    pub fn new(tokens: usize, bytes: usize) -> Self {
        Self {
            tokens: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            bytes: 0,
            max_tokens: tokens,
            max_bytes: bytes,
        }
    }

    /// The token of this compact text; `None` if it is none.
    pub fn get(&mut self, text: &[u8]) -> Option<Arc<Token>> {
        let hash = self.hasher.hash_one(text);
        let same = |(h, token): &(u64, Arc<Token>)| *h == hash && token.reveal().as_bytes() == text;
        if let Some((_, token)) = self.tokens.find(hash, same) {
            return Some(Arc::clone(token));
        }
        let token = Arc::new(Token::parse(text)?);
        let fits = self.tokens.len() < self.max_tokens && self.bytes + text.len() <= self.max_bytes;
        if !fits {
            self.tokens.clear();
            self.bytes = 0;
        }
        // A text that was not canonical (white space) is not found again, so it is not kept.
        if text.len() <= self.max_bytes && token.reveal().as_bytes() == text {
            self.bytes += text.len();
            self.tokens.insert_unique(hash, (hash, Arc::clone(&token)), |(h, _)| *h);
        }
        Some(token)
    }

    /// Tokens held.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::new(crate::limits::TOKEN_CACHE, crate::limits::TOKEN_CACHE_BYTES)
    }
}
