//! What a single key says of a token's signature, and what is known of it without any.

use super::curve::{Comb, Curve};
use super::document::x5c;
use super::key::{Key, type_of};
use super::{PublicKey, Signature};
use crate::token::{NoneForm, Token};
use serde_json::Value;

/// What the key in a token's own header (`jwk`, RFC 7515 section 4.1.3; the first of `x5c`, section 4.1.6) says of its
/// signature; `None` without one that fits.
pub fn verify_by_header(token: &Token) -> Option<bool> {
    let alg = alg(token).ok()?;
    let public = header_key(token)?;
    Key::public(public).ok()?.verifies(alg, token.signing_input(), token.signature())
}

/// The key in a token's own header.
pub fn header_key(token: &Token) -> Option<PublicKey> {
    let x5c = || PublicKey::from_certificate(&x5c(token.header())?);
    token.header_member("jwk").and_then(PublicKey::from_jwk).or_else(x5c)
}

/// Whether a public key verifies a token.
pub fn verifies(public: &PublicKey, token: &Token) -> bool {
    Ready::new(public, 1).is_some_and(|key| key.verifies(token))
}

/// A public key that was made ready once to verify many tokens.
#[derive(Debug)]
pub struct Ready {
    key: Key,
    comb: Option<Comb>,
}

/// Tokens from which on a [`Comb`] is worth its making.
const MANY: usize = 64;
/// Tokens that one verifies at once: what is worked with stays in a core's own cache.
const TOGETHER: usize = 256;

impl Ready {
    /// For about that many tokens; `None` for a key that nothing here verifies with.
    pub fn new(public: &PublicKey, tokens: usize) -> Option<Self> {
        let key = Key::public(public.clone()).ok()?;
        let comb = match public {
            PublicKey::Ec { curve: Curve::P256, point } if tokens >= MANY => Comb::of_key(point),
            _ => None,
        };
        Some(Self { key, comb })
    }

    /// How many tokens are best verified together.
    pub fn together(&self) -> usize {
        if self.comb.is_some() { TOGETHER } else { 1 }
    }

    /// Which of the tokens it verifies.
    pub fn verifies_each(&self, tokens: &[&Token]) -> Vec<bool> {
        let Some(comb) = &self.comb else { return tokens.iter().map(|token| self.verifies(token)).collect() };
        let fits = |token: &Token| alg(token).is_ok_and(|alg| Curve::of_alg(alg) == Some(Curve::P256));
        let signatures =
            tokens.iter().map(|token| (Curve::P256.digest(token.signing_input()), token.signature()));
        let verified = comb.verifies_each(&signatures.collect::<Vec<_>>());
        tokens.iter().zip(verified).map(|(token, verified)| verified && fits(token)).collect()
    }

    fn verifies(&self, token: &Token) -> bool {
        let alg = alg(token).ok();
        alg.and_then(|alg| self.key.verifies(alg, token.signing_input(), token.signature())) == Some(true)
    }
}

/// What is known about a signature without any key; nothing for one that a key could verify.
pub fn without_key(token: &Token) -> Option<Signature> {
    alg(token).err()
}

/// The algorithm that a token is verified with, or what is known without a key.
pub(super) fn alg(token: &Token) -> Result<&str, Signature> {
    if token.is_encrypted() {
        return Err(Signature::Encrypted);
    }
    if token.signature().is_empty() || token.none_form() == NoneForm::Exact {
        return Err(Signature::Unsigned);
    }
    match token.header_member("alg") {
        Some(Value::String(alg)) if token.none_form() == NoneForm::Other => {
            let known = type_of(alg).is_some() && !token.signing_input().is_empty();
            if known { Ok(alg) } else { Err(Signature::Unverified) }
        }
        Some(Value::String(_) | Value::Array(_)) => Err(Signature::Unsigned),
        _ => Err(Signature::Unverified),
    }
}
