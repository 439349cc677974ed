//! One key.

use super::KeyErrorKind;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

/// Largest modulus that the RSA implementation takes, in bits.
const RSA_BITS: usize = 4096;

/// What a key can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Hmac,
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A key that verifies signatures. It prints no secret: `DecodingKey` is redacted.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) kid: Option<String>,
    /// The one algorithm that it is for (RFC 7517 section 4.4).
    pub(super) alg: Option<String>,
    pub(super) ty: Type,
    key: DecodingKey,
}

impl Key {
    /// An HMAC secret.
    pub(super) fn hmac(secret: &[u8]) -> Result<Self, KeyErrorKind> {
        if secret.is_empty() {
            return Err(KeyErrorKind::Empty);
        }
        Self::checked(Type::Hmac, DecodingKey::from_secret(secret))
    }

    /// An RSA public key, from modulus and exponent.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyErrorKind> {
        rsa_size(n)?;
        Self::checked(Type::Rsa, DecodingKey::from_rsa_raw_components(n, e))
    }

    /// A point of a curve in uncompressed form (SEC 1 section 2.3.3).
    pub(super) fn ec(point: &[u8]) -> Result<Self, KeyErrorKind> {
        let ty = match point.len() {
            65 | 33 => Type::P256,
            97 | 49 => Type::P384,
            n => return Err(KeyErrorKind::Unsupported(format!("an EC key of {n} bytes"))),
        };
        Self::checked(ty, DecodingKey::from_ec_der(point))
    }

    /// An Ed25519 public key (RFC 8032 section 5.1.5).
    pub(super) fn ed25519(x: &[u8]) -> Result<Self, KeyErrorKind> {
        // The verifier slices without asking for the length.
        if x.len() != 32 {
            return Err(KeyErrorKind::Unsupported(format!("an Edwards-curve key of {} bytes", x.len())));
        }
        Self::checked(Type::Ed25519, DecodingKey::from_ed_der(x))
    }

    /// The first public key or certificate of a PEM text (RFC 7468).
    pub(super) fn pem(text: &[u8]) -> Result<Self, KeyErrorKind> {
        let label = label(text).ok_or(KeyErrorKind::Format)?;
        if label.ends_with("PRIVATE KEY") {
            return Err(KeyErrorKind::Private);
        }
        if !matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE") {
            return Err(KeyErrorKind::Unsupported(format!("PEM `{}`", label.escape_debug())));
        }
        let bytes = |key: &DecodingKey| key.try_get_as_bytes().map(<[u8]>::to_vec).unwrap_or_default();
        if let Ok(key) = DecodingKey::from_rsa_pem(text) {
            rsa_size(pkcs1_modulus(&bytes(&key)).ok_or(KeyErrorKind::Invalid)?)?;
            Self::checked(Type::Rsa, key)
        } else if let Ok(key) = DecodingKey::from_ec_pem(text) {
            Self::ec(&bytes(&key))
        } else if let Ok(key) = DecodingKey::from_ed_pem(text) {
            Self::ed25519(&bytes(&key))
        } else {
            Err(KeyErrorKind::Unsupported(format!("this kind of {}", label.to_lowercase())))
        }
    }

    /// Whether `signature` is one of `input`; `None` if the key is not for `alg`.
    pub(super) fn verifies(&self, alg: &str, input: &[u8], signature: &str) -> Option<bool> {
        let (algorithm, ty) = algorithm(alg)?;
        if ty != self.ty {
            return None;
        }
        crypto::verify(signature, input, &self.key, algorithm).ok()
    }

    /// Whether the key may be used for `alg`.
    pub(super) fn fits(&self, alg: &str) -> bool {
        algorithm(alg).is_some_and(|(_, ty)| ty == self.ty)
            && self.alg.as_deref().is_none_or(|own| own == alg)
    }

    fn checked(ty: Type, key: DecodingKey) -> Result<Self, KeyErrorKind> {
        let algorithm = match ty {
            Type::Hmac => Algorithm::HS256,
            Type::Rsa => Algorithm::RS256,
            Type::P256 => Algorithm::ES256,
            Type::P384 => Algorithm::ES384,
            Type::Ed25519 => Algorithm::EdDSA,
        };
        // A key that is no point of its curve fails here; a signature that is none is only not valid.
        crypto::verify("", b"", &key, algorithm).map_err(|_| KeyErrorKind::Invalid)?;
        Ok(Self { kid: None, alg: None, ty, key })
    }
}

/// The text of a signature for [`Key::verifies`].
pub(super) fn signature_text(signature: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(signature)
}

fn algorithm(alg: &str) -> Option<(Algorithm, Type)> {
    Some(match alg {
        "HS256" => (Algorithm::HS256, Type::Hmac),
        "HS384" => (Algorithm::HS384, Type::Hmac),
        "HS512" => (Algorithm::HS512, Type::Hmac),
        "RS256" => (Algorithm::RS256, Type::Rsa),
        "RS384" => (Algorithm::RS384, Type::Rsa),
        "RS512" => (Algorithm::RS512, Type::Rsa),
        "PS256" => (Algorithm::PS256, Type::Rsa),
        "PS384" => (Algorithm::PS384, Type::Rsa),
        "PS512" => (Algorithm::PS512, Type::Rsa),
        "ES256" => (Algorithm::ES256, Type::P256),
        "ES384" => (Algorithm::ES384, Type::P384),
        // RFC 9864 names the curve.
        "EdDSA" | "Ed25519" => (Algorithm::EdDSA, Type::Ed25519),
        _ => return None,
    })
}

fn rsa_size(n: &[u8]) -> Result<(), KeyErrorKind> {
    let zeros = n.iter().take_while(|byte| **byte == 0).count();
    match n.len().saturating_sub(zeros) * 8 {
        0 => Err(KeyErrorKind::Invalid),
        bits if bits > RSA_BITS => Err(KeyErrorKind::Unsupported(format!("an RSA key of {bits} bits"))),
        _ => Ok(()),
    }
}

/// The modulus of a DER `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn pkcs1_modulus(der: &[u8]) -> Option<&[u8]> {
    let sequence = element(der, 0x30)?;
    element(sequence, 0x02)
}

/// Content of the DER element that `der` starts with.
fn element(der: &[u8], tag: u8) -> Option<&[u8]> {
    let [found, first, rest @ ..] = der else { return None };
    let first = *first;
    if *found != tag {
        return None;
    }
    if first < 0x80 {
        return rest.get(..usize::from(first));
    }
    let count = usize::from(first & 0x7f);
    let length = rest.get(..count).filter(|_| count <= 4)?;
    let length = length.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
    rest.get(count..)?.get(..length)
}

fn label(text: &[u8]) -> Option<&str> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let at = memchr::memmem::find(text, BEGIN)? + BEGIN.len();
    let rest = text.get(at..)?;
    let end = memchr::memmem::find(rest.get(..rest.len().min(80))?, b"-----")?;
    str::from_utf8(rest.get(..end)?).ok()
}
