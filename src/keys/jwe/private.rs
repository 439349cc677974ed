//! Private and shared keys, as JWKs and PEM have them.

use super::bytes;
use super::rsa_key::RsaKey;
use crate::keys::curve::Curve;
use crate::keys::{PublicKey, der};
use crate::token::{Secret, Token};
use serde_json::Value;
use std::fmt;

/// A key that opens JWEs. It prints no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey {
    pub(in crate::keys) kid: Option<String>,
    /// The one algorithm that it is for (RFC 7517 section 4.4).
    alg: Option<String>,
    pub(super) material: Material,
}

/// The key itself.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Material {
    Rsa(Box<RsaKey>),
    /// A scalar of full length.
    Ec(Curve, Secret),
    /// A scalar of 32 bytes.
    X25519(Secret),
    /// Shared bytes, or a password.
    Oct(Secret),
}

impl PrivateKey {
    /// A shared secret.
    pub(in crate::keys) fn shared(secret: &[u8]) -> Self {
        Self { kid: None, alg: None, material: Material::Oct(Secret::from(secret)) }
    }

    /// The key of a private or symmetric JWK (RFC 7518 sections 6.2.2, 6.3.2 and 6.4, RFC 8037 section 2); `None` for a
    /// public one, and for those that only sign.
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name)?.as_str();
        let part = |name: &str| bytes(text(name)?).filter(|bytes| !bytes.is_empty());
        let material = match text("kty")? {
            "RSA" => {
                let primes: Vec<Vec<u8>> = ["p", "q"].into_iter().filter_map(part).collect();
                let primes = if primes.len() == 2 && jwk.get("oth").is_none() { primes } else { Vec::new() };
                Material::Rsa(Box::new(RsaKey::new([&part("n")?, &part("e")?, &part("d")?], &primes)?))
            }
            "EC" => {
                let curve = Curve::parse(text("crv")?)?;
                Material::Ec(curve, scalar(curve, &part("d")?)?)
            }
            "OKP" if text("crv")? == "X25519" => {
                Material::X25519(part("d").filter(|d| d.len() == 32).map(Secret::new)?)
            }
            "oct" => Material::Oct(Secret::new(part("k")?)),
            _ => return None,
        };
        let (kid, alg) = (text("kid").map(str::to_owned), text("alg").map(str::to_owned));
        Some(Self { kid, alg, material })
    }

    /// The key in DER: PKCS #8 (RFC 5208 section 5), `RSAPrivateKey` (RFC 8017 appendix A.1.2), `ECPrivateKey` (RFC 5915
    /// section 3).
    pub(in crate::keys) fn from_der(der: &[u8]) -> Option<Self> {
        let material = match der::private(der) {
            Some(der::Private::Ec(curve, d)) => Material::Ec(curve, scalar(curve, d)?),
            Some(der::Private::X25519(d)) => Material::X25519(Secret::from(d)),
            None => Material::Rsa(Box::new(RsaKey::from_der(der)?)),
        };
        Some(Self { kid: None, alg: None, material })
    }

    /// The public key that belongs to it and verifies signatures.
    pub(in crate::keys) fn public(&self) -> Option<PublicKey> {
        match &self.material {
            Material::Rsa(key) => key.public(),
            Material::Ec(curve, d) => Some(PublicKey::Ec { curve: *curve, point: curve.public(d.reveal())? }),
            Material::X25519(_) | Material::Oct(_) => None,
        }
    }

    /// Whether it may open a token: its type is that of `alg`, and it is for nothing else.
    pub(super) fn fits(&self, token: &Token) -> bool {
        let text = |name: &str| token.header_member(name).and_then(Value::as_str).unwrap_or_default();
        let alg = text("alg");
        let suits = match &self.material {
            Material::Rsa(_) => alg.starts_with("RSA"),
            Material::Ec(..) | Material::X25519(_) => alg.starts_with("ECDH-ES"),
            Material::Oct(_) => alg == "dir" || alg.ends_with("KW") && !alg.starts_with("ECDH"),
        };
        // A key for direct encryption is named after what it encrypts with as well.
        suits && self.alg.as_deref().is_none_or(|own| own == alg || alg == "dir" && own == text("enc"))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.material {
            Material::Rsa(_) => "RSA",
            Material::Ec(curve, _) => curve.as_str(),
            Material::X25519(_) => "X25519",
            Material::Oct(_) => "oct",
        };
        f.debug_struct("PrivateKey").field("kid", &self.kid).field("kind", &kind).finish_non_exhaustive()
    }
}

/// A scalar in its full length (RFC 7518 section 6.2.2.1); some writers drop leading zeros.
fn scalar(curve: Curve, d: &[u8]) -> Option<Secret> {
    let zeros = curve.size().checked_sub(d.len())?;
    let full: Vec<u8> = std::iter::repeat_n(0, zeros).chain(d.iter().copied()).collect();
    curve.public(&full).map(|_| Secret::new(full))
}
