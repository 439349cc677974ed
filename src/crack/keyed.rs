//! One candidate as HMAC key: keyed once, tried on many signing inputs.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// A registered HMAC algorithm (RFC 7518 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hs {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl Hs {
    /// The algorithm of an `alg` value.
    pub(super) fn of(alg: &str) -> Option<Self> {
        Some(match alg {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            _ => return None,
        })
    }
}

/// The states that HMAC has after its key (RFC 2104 section 4), made when first needed.
pub(super) struct Keyed<'w> {
    word: &'w [u8],
    hs256: Option<Hmac<Sha256>>,
    hs384: Option<Hmac<Sha384>>,
    hs512: Option<Hmac<Sha512>>,
}

impl<'w> Keyed<'w> {
    pub(super) const fn new(word: &'w [u8]) -> Self {
        Self { word, hs256: None, hs384: None, hs512: None }
    }

    /// The key.
    pub(super) const fn word(&self) -> &'w [u8] {
        self.word
    }

    /// Whether `signature` is the HMAC of `input` under this word.
    pub(super) fn verifies(&mut self, hs: Hs, input: &[u8], signature: &[u8]) -> bool {
        match hs {
            Hs::Hs256 => verifies(&mut self.hs256, self.word, input, signature),
            Hs::Hs384 => verifies(&mut self.hs384, self.word, input, signature),
            Hs::Hs512 => verifies(&mut self.hs512, self.word, input, signature),
        }
    }
}

fn verifies<M: Mac + KeyInit + Clone>(
    state: &mut Option<M>,
    word: &[u8],
    input: &[u8],
    signature: &[u8],
) -> bool {
    if state.is_none() {
        *state = <M as KeyInit>::new_from_slice(word).ok();
    }
    state.as_ref().is_some_and(|state| state.clone().chain_update(input).verify_slice(signature).is_ok())
}
