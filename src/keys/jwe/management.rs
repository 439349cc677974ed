//! Key management (RFC 7518 section 4): from a key and an `alg` to the key of one token's content.

use super::content::{Cipher, gcm};
use super::private::Material;
use super::{Allowance, PrivateKey, Refusal, agreement, member, segment};
use crate::limits::PBES2_COUNT;
use crate::token::{Secret, Token};
use aes_kw::{KwAes128, KwAes192, KwAes256, cipher::KeyInit};
use sha2::{Sha256, Sha384, Sha512};

/// An `alg` that is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Management {
    /// Section 4.2.
    RsaPkcs1,
    /// Section 4.3, and RFC 8017 section 7.1 with other digests.
    RsaOaep(Hash),
    /// Section 4.4, with a key of so many bytes.
    Wrap(usize),
    /// Section 4.5.
    Direct,
    /// Section 4.6; with a key of so many bytes that wraps the content's, or none.
    Agreement(Option<usize>),
    /// Section 4.7.
    GcmWrap(usize),
    /// Section 4.8.
    Password(Hash, usize),
}

/// A digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Management {
    fn of(alg: &str) -> Option<Self> {
        Some(match alg {
            "RSA1_5" => Self::RsaPkcs1,
            "RSA-OAEP" => Self::RsaOaep(Hash::Sha1),
            "RSA-OAEP-256" => Self::RsaOaep(Hash::Sha256),
            "RSA-OAEP-384" => Self::RsaOaep(Hash::Sha384),
            "RSA-OAEP-512" => Self::RsaOaep(Hash::Sha512),
            "A128KW" => Self::Wrap(16),
            "A192KW" => Self::Wrap(24),
            "A256KW" => Self::Wrap(32),
            "dir" => Self::Direct,
            "ECDH-ES" => Self::Agreement(None),
            "ECDH-ES+A128KW" => Self::Agreement(Some(16)),
            "ECDH-ES+A192KW" => Self::Agreement(Some(24)),
            "ECDH-ES+A256KW" => Self::Agreement(Some(32)),
            "A128GCMKW" => Self::GcmWrap(16),
            "A192GCMKW" => Self::GcmWrap(24),
            "A256GCMKW" => Self::GcmWrap(32),
            "PBES2-HS256+A128KW" => Self::Password(Hash::Sha256, 16),
            "PBES2-HS384+A192KW" => Self::Password(Hash::Sha384, 24),
            "PBES2-HS512+A256KW" => Self::Password(Hash::Sha512, 32),
            _ => return None,
        })
    }
}

/// The key of a token's content, if `key` gives it.
pub(super) fn content_key(
    key: &PrivateKey,
    token: &Token,
    cipher: Cipher,
    allowance: &mut Allowance,
) -> Result<Secret, Refusal> {
    let alg = token.header_member("alg").and_then(|alg| alg.as_str()).unwrap_or_default();
    let management = Management::of(alg).ok_or(Refusal::Closed)?;
    let spent = match (management, &key.material) {
        (Management::RsaPkcs1 | Management::RsaOaep(_), Material::Rsa(_))
        | (Management::Agreement(_), Material::Ec(..) | Material::X25519(_)) => {
            spend(&mut allowance.operations, 1)
        }
        (Management::Password(..), Material::Oct(_)) => {
            spend(&mut allowance.iterations, count(token).ok_or(Refusal::Closed)?)
        }
        _ => true,
    };
    if !spent {
        return Err(Refusal::Spent);
    }
    given(key, token, cipher, (alg, management)).map(Secret::new).ok_or(Refusal::Closed)
}

fn spend(left: &mut u32, cost: u32) -> bool {
    left.checked_sub(cost).map(|rest| *left = rest).is_some()
}

/// Iterations of PBES2, as far as they are within reason: whoever writes the header chooses them.
fn count(token: &Token) -> Option<u32> {
    let count = token.header_member("p2c")?.as_u64()?;
    u32::try_from(count).ok().filter(|count| (1..=PBES2_COUNT).contains(count))
}

fn given(
    key: &PrivateKey,
    token: &Token,
    cipher: Cipher,
    (alg, management): (&str, Management),
) -> Option<Vec<u8>> {
    let encrypted = segment(token, 1)?;
    let found = match (management, &key.material) {
        (Management::RsaPkcs1, Material::Rsa(rsa)) => rsa.pkcs1(&encrypted)?,
        (Management::RsaOaep(hash), Material::Rsa(rsa)) => rsa.oaep(hash, &encrypted)?,
        (Management::Wrap(len), Material::Oct(secret)) => unwrap(len, secret.reveal(), &encrypted)?,
        (Management::Direct, Material::Oct(secret)) if encrypted.is_empty() => secret.reveal().to_vec(),
        (Management::GcmWrap(len), Material::Oct(secret)) if secret.len() == len => {
            let (iv, tag) = (member(token, "iv")?, member(token, "tag")?);
            gcm(secret.reveal(), &iv, &[], &encrypted, &tag)?
        }
        (Management::Password(hash, len), Material::Oct(secret)) => {
            let salt = [alg.as_bytes(), &[0], &member(token, "p2s")?].concat();
            let derived = stretched(hash, secret.reveal(), &salt, count(token)?, len)?;
            unwrap(len, &derived, &encrypted)?
        }
        (Management::Agreement(None), _) if encrypted.is_empty() => {
            let name = token.header_member("enc")?.as_str()?;
            agreement::derived(&key.material, token, name, cipher.key_len())?
        }
        (Management::Agreement(Some(len)), _) => {
            unwrap(len, &agreement::derived(&key.material, token, alg, len)?, &encrypted)?
        }
        _ => return None,
    };
    (found.len() == cipher.key_len()).then_some(found)
}

/// The key that AES Key Wrap holds (RFC 3394 section 2.2.2).
fn unwrap(len: usize, key: &[u8], wrapped: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; wrapped.len().checked_sub(8)?];
    if key.len() != len {
        return None;
    }
    match len {
        16 => KwAes128::new_from_slice(key).ok()?.unwrap_key(wrapped, &mut out).ok()?,
        24 => KwAes192::new_from_slice(key).ok()?.unwrap_key(wrapped, &mut out).ok()?,
        _ => KwAes256::new_from_slice(key).ok()?.unwrap_key(wrapped, &mut out).ok()?,
    };
    Some(out)
}

/// PBKDF2 (RFC 8018 section 5.2).
fn stretched(hash: Hash, password: &[u8], salt: &[u8], count: u32, len: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; len];
    match hash {
        Hash::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, count, &mut out),
        Hash::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(password, salt, count, &mut out),
        Hash::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, count, &mut out),
        Hash::Sha1 => return None,
    }
    Some(out)
}
