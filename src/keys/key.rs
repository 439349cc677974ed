//! One key that verifies.

use super::KeyErrorKind;
use super::curve::Curve;
use super::provider::PROVIDER;
use super::public::{Edwards, PublicKey};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use std::sync::Arc;

/// Largest modulus that the RSA implementation takes, in bits.
const RSA_BITS: usize = 4096;

/// What a key can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Hmac,
    Rsa,
    Ec(Curve),
    Ed25519,
}

/// A key that verifies signatures. It prints no secret: `DecodingKey` is redacted.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) kid: Option<String>,
    /// The one algorithm that it is for (RFC 7517 section 4.4).
    pub(super) alg: Option<String>,
    pub(super) ty: Type,
    /// The key itself; nothing for a secret.
    pub(super) public: Option<Arc<PublicKey>>,
    verifier: Verifier,
}

#[derive(Clone, Debug)]
enum Verifier {
    Jwt(DecodingKey),
    /// What jsonwebtoken lacks: P-521 and secp256k1.
    Point(Curve, Box<[u8]>),
}

impl Key {
    /// An HMAC secret.
    pub(super) fn hmac(secret: &[u8]) -> Result<Self, KeyErrorKind> {
        if secret.is_empty() {
            return Err(KeyErrorKind::Empty);
        }
        Self::checked(Type::Hmac, None, DecodingKey::from_secret(secret))
    }

    /// A public key.
    pub(super) fn public(public: PublicKey) -> Result<Self, KeyErrorKind> {
        match &public {
            PublicKey::Rsa { n, e } => {
                let bits = public.bits() as usize;
                if bits > RSA_BITS {
                    return Err(KeyErrorKind::Unsupported(format!("an RSA key of {} bits", n.len() * 8)));
                }
                let key = DecodingKey::from_rsa_raw_components(n, e);
                Self::checked(Type::Rsa, Some(public), key)
            }
            PublicKey::Ec { curve, point } => {
                let (curve, sec1) = (*curve, [&[4], &point[..]].concat());
                let point = curve.point(&sec1).ok_or(KeyErrorKind::Invalid)?;
                let ty = Type::Ec(curve);
                match curve {
                    Curve::P256 | Curve::P384 => {
                        Self::checked(ty, Some(public), DecodingKey::from_ec_der(&sec1))
                    }
                    _ => Ok(Self::new(ty, Some(public), Verifier::Point(curve, point))),
                }
            }
            // The verifier slices without asking for the length.
            PublicKey::Edwards { curve: Edwards::Ed25519, x } if x.len() == 32 => {
                let key = DecodingKey::from_ed_der(x);
                Self::checked(Type::Ed25519, Some(public), key)
            }
            PublicKey::Edwards { curve: Edwards::Ed25519, x } => {
                Err(KeyErrorKind::Unsupported(format!("an Edwards-curve key of {} bytes", x.len())))
            }
            // No kept crate has it.
            PublicKey::Edwards { curve: Edwards::Ed448, .. } => {
                Err(KeyErrorKind::Unsupported("curve `Ed448`".to_owned()))
            }
        }
    }

    /// Whether `signature` is one of `input`; `None` if the key is not for `alg`.
    pub(super) fn verifies(&self, alg: &str, input: &[u8], signature: &[u8]) -> Option<bool> {
        if type_of(alg)? != self.ty {
            return None;
        }
        match &self.verifier {
            Verifier::Jwt(key) => {
                let verifier = (PROVIDER.verifier_factory)(&algorithm(alg)?, key).ok()?;
                Some(verifier.verify(input, &signature.to_vec()).is_ok())
            }
            Verifier::Point(curve, point) => Some(curve.verifies(point, input, signature)),
        }
    }

    /// Whether the key may be used for `alg`.
    pub(super) fn fits(&self, alg: &str) -> bool {
        type_of(alg) == Some(self.ty) && self.alg.as_deref().is_none_or(|own| same_algorithm(own, alg))
    }

    fn checked(ty: Type, public: Option<PublicKey>, key: DecodingKey) -> Result<Self, KeyErrorKind> {
        let algorithm = match ty {
            Type::Hmac => Algorithm::HS256,
            Type::Rsa => Algorithm::RS256,
            Type::Ec(Curve::P384) => Algorithm::ES384,
            Type::Ec(_) => Algorithm::ES256,
            Type::Ed25519 => Algorithm::EdDSA,
        };
        // A key that is no point of its curve fails here; a signature that is none is only not valid.
        crypto::verify("", b"", &key, algorithm).map_err(|_| KeyErrorKind::Invalid)?;
        Ok(Self::new(ty, public, Verifier::Jwt(key)))
    }

    fn new(ty: Type, public: Option<PublicKey>, verifier: Verifier) -> Self {
        Self { kid: None, alg: None, ty, public: public.map(Arc::new), verifier }
    }
}

/// RFC 9864 gave EdDSA on Ed25519 a second name.
fn same_algorithm(a: &str, b: &str) -> bool {
    let name = |alg| if alg == "Ed25519" { "EdDSA" } else { alg };
    name(a).eq(name(b))
}

/// The type of key that an algorithm takes.
pub(super) fn type_of(alg: &str) -> Option<Type> {
    Some(match alg {
        "HS256" | "HS384" | "HS512" => Type::Hmac,
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => Type::Rsa,
        "EdDSA" | "Ed25519" => Type::Ed25519,
        _ => Type::Ec(Curve::of_alg(alg)?),
    })
}

fn algorithm(alg: &str) -> Option<Algorithm> {
    Some(match alg {
        "HS256" => Algorithm::HS256,
        "HS384" => Algorithm::HS384,
        "HS512" => Algorithm::HS512,
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" | "Ed25519" => Algorithm::EdDSA,
        _ => return None,
    })
}
