//! A public key, however it was written.

use super::curve::Curve;
use super::der;
use crate::message::BASE64URL;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// An Edwards curve of RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edwards {
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
}

/// A public key as a JWK, a certificate or a file has it: read, but not known to be sound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// RSA (RFC 8017): modulus and exponent, without zeros before them.
    Rsa {
        /// Modulus.
        n: Box<[u8]>,
        /// Exponent.
        e: Box<[u8]>,
    },
    /// A point of a curve: `x` and `y`, each of full length.
    Ec {
        /// Its curve.
        curve: Curve,
        /// Its coordinates.
        point: Box<[u8]>,
    },
    /// A point of an Edwards curve, as it is written (RFC 8032 section 5.1.2).
    Edwards {
        /// Its curve.
        curve: Edwards,
        /// The point.
        x: Box<[u8]>,
    },
}

impl PublicKey {
    /// An RSA key; `None` without modulus or exponent.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Option<Self> {
        let (n, e) = (without_zeros(n), without_zeros(e));
        (!n.is_empty() && !e.is_empty()).then(|| Self::Rsa { n: n.into(), e: e.into() })
    }

    /// A point in the form of SEC 1 section 2.3.3: uncompressed ones are taken as they are.
    pub(super) fn sec1(curve: Curve, bytes: &[u8]) -> Option<Self> {
        match bytes {
            [4, point @ ..] if point.len() == 2 * curve.size() => {
                Some(Self::Ec { curve, point: point.into() })
            }
            _ => Some(Self::Ec { curve, point: curve.point(bytes)? }),
        }
    }

    pub(super) fn edwards(curve: Edwards, x: &[u8]) -> Self {
        Self::Edwards { curve, x: x.into() }
    }

    /// The public key of a JWK (RFC 7518 section 6, RFC 8037 section 2); `None` for a symmetric one, and for what tokens
    /// are not signed with. Private members are not looked at.
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name)?.as_str();
        let bytes = |name: &str| BASE64URL.decode(text(name)?).ok().filter(|bytes| !bytes.is_empty());
        match text("kty")? {
            "RSA" => Self::rsa(&bytes("n")?, &bytes("e")?),
            "EC" => {
                let curve = Curve::parse(text("crv")?)?;
                let mut point = Vec::with_capacity(2 * curve.size());
                for name in ["x", "y"] {
                    // Coordinates have their full length (RFC 7518 section 6.2.1.2); some writers drop leading zeros.
                    let coordinate = bytes(name)?;
                    point.extend(std::iter::repeat_n(0, curve.size().checked_sub(coordinate.len())?));
                    point.extend(coordinate);
                }
                Some(Self::Ec { curve, point: point.into() })
            }
            "OKP" => match text("crv")? {
                "Ed25519" => Some(Self::edwards(Edwards::Ed25519, &bytes("x")?)),
                "Ed448" => Some(Self::edwards(Edwards::Ed448, &bytes("x")?)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The key of a certificate in DER.
    pub fn from_certificate(der: &[u8]) -> Option<Self> {
        der::certificate(der)
    }

    /// A key in DER: a certificate, a `SubjectPublicKeyInfo` or an `RSAPublicKey`.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        der::certificate(der).or_else(|| der::spki(der)).or_else(|| der::pkcs1(der))
    }

    /// "RSA", "EC" or "OKP".
    pub const fn kty(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RSA",
            Self::Ec { .. } => "EC",
            Self::Edwards { .. } => "OKP",
        }
    }

    /// The curve, if it has one.
    pub const fn curve(&self) -> Option<&'static str> {
        match self {
            Self::Rsa { .. } => None,
            Self::Ec { curve, .. } => Some(curve.as_str()),
            Self::Edwards { curve: Edwards::Ed25519, .. } => Some("Ed25519"),
            Self::Edwards { curve: Edwards::Ed448, .. } => Some("Ed448"),
        }
    }

    /// Size in bits: of the modulus, or of the curve's field.
    pub fn bits(&self) -> u32 {
        match self {
            Self::Rsa { n, .. } => n.len() as u32 * 8 - n.first().map_or(0, |first| first.leading_zeros()),
            Self::Ec { curve: Curve::P521, .. } => 521,
            Self::Ec { curve, .. } => curve.size() as u32 * 8,
            Self::Edwards { curve: Edwards::Ed25519, .. } => 255,
            Self::Edwards { curve: Edwards::Ed448, .. } => 448,
        }
    }

    /// The public exponent of an RSA key; of one beyond 63 bits the largest number with its last bit.
    pub fn exponent(&self) -> Option<i64> {
        let Self::Rsa { e, .. } = self else { return None };
        let value = |bytes: &[u8]| bytes.iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
        let odd = e.last().is_some_and(|byte| byte & 1 == 1);
        let large = if odd { i64::MAX } else { i64::MAX - 1 };
        Some(if e.len() < 8 || e.len() == 8 && e[0] < 0x80 { value(e) } else { large })
    }

    /// The JWK with its required members alone, in order and without white space: what its thumbprint is the digest of
    /// (RFC 7638 section 3.2, RFC 8037 section 2).
    pub fn canonical_jwk(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
            Self::Ec { curve, point } => {
                let (x, y) = point.split_at_checked(curve.size()).unwrap_or_default();
                format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, curve.as_str(), text(x), text(y))
            }
            Self::Edwards { x, .. } => {
                let curve = self.curve().unwrap_or_default();
                format!(r#"{{"crv":"{curve}","kty":"OKP","x":"{}"}}"#, text(x))
            }
        }
    }

    /// The SHA-256 thumbprint in base64url (RFC 7638 section 3): a key has one name however it is written.
    pub fn thumbprint(&self) -> Box<str> {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.canonical_jwk())).into()
    }
}

/// The thumbprint of a public JWK; `None` for what is none.
pub fn thumbprint(jwk: &Value) -> Option<Box<str>> {
    PublicKey::from_jwk(jwk).map(|key| key.thumbprint())
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_example_of_rfc_7638_and_of_rfc_8037() {
        let rsa = json!({"kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
        assert_eq!(thumbprint(&rsa).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        let okp = json!({"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        assert_eq!(thumbprint(&okp).as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
        assert_eq!(thumbprint(&json!({"kty": "oct", "k": "AA"})), None);
        assert_eq!(thumbprint(&json!({"kty": "EC", "crv": "P-256", "x": "AA"})), None);
    }

    #[test]
    fn zeros_before_a_modulus_change_nothing() {
        let name = |n: &str| thumbprint(&json!({"kty": "RSA", "n": n, "e": "AQAB"}));
        assert_eq!(name("AAEC"), name("AQI"));
        assert_ne!(name("AQI"), name("AgE"));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rsa = PublicKey::rsa(&[0xff; 128], &[1, 0, 1]).unwrap();
        assert_eq!((der::spki(&der::write_spki(&rsa)), rsa.bits()), (Some(rsa.clone()), 1024));
        assert_eq!(PublicKey::from_der(&der::write_pkcs1(&rsa).unwrap()), Some(rsa));
        for curve in Curve::ALL {
            // Half of all numbers are x-coordinates.
            let signature = |r: u8| {
                let mut signature = vec![0; 2 * curve.size()];
                (signature[1], signature[curve.size() + 1]) = (r, 1);
                signature
            };
            let key = (1..).find_map(|r| curve.recover(b"a", &signature(r)).pop()).unwrap();
            let public = PublicKey::Ec { curve, point: key.clone() };
            assert_eq!(PublicKey::from_der(&der::write_spki(&public)), Some(public));
            let (x, y) = key.split_at(curve.size());
            let short = [&[2 + (y[y.len() - 1] & 1)][..], x].concat();
            assert_eq!(curve.point(&short), Some(key));
        }
        let ed = PublicKey::edwards(Edwards::Ed25519, &[7; 32]);
        assert_eq!(PublicKey::from_der(&der::write_spki(&ed)), Some(ed));
    }
}
