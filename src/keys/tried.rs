//! Which keys were tried on a token, one by one.

use super::key::Type;
use super::store::KeyStore;
use crate::token::Token;

/// A key of the token's algorithm, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its identifier.
    pub kid: Option<String>,
    /// Its type: `RSA`, `P-256`, ...
    pub kind: &'static str,
    /// Whether it verifies the signature.
    pub verifies: bool,
}

impl KeyStore {
    /// The keys that may be used for the token's algorithm, in the order given.
    pub fn tried(&self, token: &Token) -> Vec<Tried> {
        let alg = token.header_member("alg").and_then(|alg| alg.as_str()).unwrap_or_default();
        let keys = self.keys().filter(|key| key.fits(alg) && !token.signing_input().is_empty());
        keys.map(|key| Tried {
            kid: key.kid.clone(),
            kind: name(key.ty),
            verifies: key.verifies(alg, token.signing_input(), token.signature()) == Some(true),
        })
        .collect()
    }
}

const fn name(ty: Type) -> &'static str {
    match ty {
        Type::Hmac => "HMAC",
        Type::Rsa => "RSA",
        Type::Ec(curve) => curve.as_str(),
        Type::Ed25519 => "Ed25519",
    }
}
