//! Tokens that were read before: one text is parsed once.

use super::{header::Headers, jose::Token};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::{hash::BuildHasher, sync::Arc};

/// A bounded map from compact text to the token. When it is full it starts again empty: a token that is used
/// often is back at once.
#[derive(Debug)]
pub struct TokenCache {
    tokens: HashTable<(u64, Arc<Token>)>,
    hasher: DefaultHashBuilder,
    headers: Headers,
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
            headers: Headers::default(),
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
        let token = Arc::new(Token::parse_with(text, Some(&mut self.headers))?);
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
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::new(crate::limits::TOKEN_CACHE, crate::limits::TOKEN_CACHE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::a1;
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    #[test]
    fn a_cache_gives_the_same_token_and_stays_bounded() {
        let mut cache = TokenCache::new(2, 1 << 16);
        let first = cache.get(a1().as_bytes()).unwrap();
        assert!(Arc::ptr_eq(&first, &cache.get(a1().as_bytes()).unwrap()));
        for n in 0..5 {
            cache.get(format!("eyJhbGciOiJub25lIn0.e30.{}", "AAAA".repeat(n)).as_bytes()).unwrap();
            assert!(cache.tokens.len() <= 2);
        }
        assert!(cache.get(b"eyJ").is_none());
    }

    #[test]
    fn a_token_whose_header_came_before_is_the_same_token() {
        let mut cache = TokenCache::default();
        // The second header has a defect of its text, the last one of what it says.
        for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJub25lIn0=", "eyJhbGciOiJub25lIn0K", "eyJhbGciOjF9"]
        {
            for claims in ["e30", "eyJpc3MiOiJhIn0", "eyJpc3MiOiJhIn0=", "eyJpc3MiOjF9"] {
                let text = format!("{header}.{claims}.");
                let token = cache.get(text.as_bytes()).unwrap();
                assert_eq!(*token, Token::parse(text.as_bytes()).unwrap(), "{text}");
            }
        }
        assert!(!cache.headers.get(b"eyJhbGciOiJub25lIn0").unwrap().members.is_null());
        assert!(cache.headers.get(b"eyJhbGciOiJub25lIn0=").is_none());
        for n in 0..100 {
            let header = URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"none\",\"kid\":\"{n}\"}}"));
            assert!(cache.get(format!("{header}.e30.").as_bytes()).is_some());
        }
        assert!(cache.headers.get(b"eyJhbGciOiJub25lIn0").is_none(), "there is room for few");
    }
}
