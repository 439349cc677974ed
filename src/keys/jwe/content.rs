//! Content encryption (RFC 7518 section 5), and the compression inside of it (RFC 7516 section 4.1.3).

use super::segment;
use crate::limits::{JWE_CONTENT, JWE_INFLATED};
use crate::token::{Opened, Token};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, BlockSizeUser, KeyIvInit};
use hmac::digest::block_api::EagerHash;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};
use std::io::Read;

/// An `enc` that is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    /// AES in CBC mode with HMAC (section 5.2), with keys of so many bytes each.
    Cbc(usize),
    /// AES-GCM (section 5.3), with a key of so many bytes.
    Gcm(usize),
}

impl Cipher {
    /// That of a token.
    pub(super) fn of(token: &Token) -> Option<Self> {
        Some(match token.header_member("enc")?.as_str()? {
            "A128CBC-HS256" => Self::Cbc(16),
            "A192CBC-HS384" => Self::Cbc(24),
            "A256CBC-HS512" => Self::Cbc(32),
            "A128GCM" => Self::Gcm(16),
            "A192GCM" => Self::Gcm(24),
            "A256GCM" => Self::Gcm(32),
            _ => return None,
        })
    }

    /// Bytes of its key.
    pub(super) const fn key_len(self) -> usize {
        match self {
            Self::Cbc(half) => 2 * half,
            Self::Gcm(whole) => whole,
        }
    }

    /// The content of a token; `None` if the tag is not the one of this key.
    pub(super) fn decrypt(self, token: &Token, key: &[u8]) -> Option<Vec<u8>> {
        let (iv, text, tag) = (segment(token, 2)?, segment(token, 3)?, segment(token, 4)?);
        let aad = token.additional_data();
        if key.len() != self.key_len() {
            return None;
        }
        match self {
            Self::Cbc(half) => {
                let (mac, cipher) = key.split_at_checked(half)?;
                let bits = (aad.len() as u64 * 8).to_be_bytes();
                let covered = [aad.as_bytes(), &iv, &text, &bits];
                match half {
                    16 => is_tag::<Sha256>(mac, covered, &tag).then(|| cbc::<Aes128>(cipher, &iv, text))?,
                    24 => is_tag::<Sha384>(mac, covered, &tag).then(|| cbc::<Aes192>(cipher, &iv, text))?,
                    _ => is_tag::<Sha512>(mac, covered, &tag).then(|| cbc::<Aes256>(cipher, &iv, text))?,
                }
            }
            Self::Gcm(_) => gcm(key, &iv, aad.as_bytes(), &text, &tag),
        }
    }
}

/// AES-GCM with a key of any of its lengths.
pub(super) fn gcm(key: &[u8], iv: &[u8], aad: &[u8], text: &[u8], tag: &[u8]) -> Option<Vec<u8>> {
    fn open<C>(key: &[u8], iv: &[u8], aad: &[u8], (text, tag): (&[u8], &[u8])) -> Option<Vec<u8>>
    where
        AesGcm<C, U12>: KeyInit + AeadInOut<NonceSize = U12, TagSize = U16>,
    {
        let cipher = AesGcm::<C, U12>::new_from_slice(key).ok()?;
        let (nonce, tag, mut out) = (iv.try_into().ok()?, tag.try_into().ok()?, text.to_vec());
        cipher.decrypt_inout_detached(nonce, aad, InOutBuf::from(&mut out[..]), tag).ok()?;
        Some(out)
    }
    let sealed = (text, tag);
    match key.len() {
        16 => open::<Aes128>(key, iv, aad, sealed),
        24 => open::<Aes192>(key, iv, aad, sealed),
        32 => open::<Aes256>(key, iv, aad, sealed),
        _ => None,
    }
}

/// Whether `tag` is the first half of the MAC (RFC 7518 section 5.2.2.2).
fn is_tag<D: EagerHash>(key: &[u8], covered: [&[u8]; 4], tag: &[u8]) -> bool
where
    Hmac<D>: Mac + KeyInit,
{
    let Ok(mut mac) = <Hmac<D> as KeyInit>::new_from_slice(key) else { return false };
    covered.iter().for_each(|part| mac.update(part));
    tag.len() == key.len() && mac.verify_truncated_left(tag).is_ok()
}

fn cbc<C>(key: &[u8], iv: &[u8], mut text: Vec<u8>) -> Option<Vec<u8>>
where
    C: BlockCipherDecrypt + KeyInit + BlockSizeUser<BlockSize = U16>,
{
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let len = cipher.decrypt_padded::<Pkcs7>(&mut text).ok()?.len();
    text.truncate(len);
    Some(text)
}

/// What was encrypted, as it was before it was compressed. Of a content over the bound only the length is kept.
pub(super) fn inflated(token: &Token, text: Vec<u8>) -> Option<Opened> {
    let Some(zip) = token.header_member("zip").filter(|_| token.protects("zip")) else {
        return Some(Opened { text, inflated: None });
    };
    if zip != "DEF" {
        return None;
    }
    let mut plain = Vec::new();
    let mut inflater = flate2::read::DeflateDecoder::new(&*text);
    inflater.by_ref().take(JWE_CONTENT).read_to_end(&mut plain).ok()?;
    let more = std::io::copy(&mut inflater.take(JWE_INFLATED - JWE_CONTENT), &mut std::io::sink()).ok()?;
    let inflated = Some((text.len() as u64, plain.len() as u64 + more));
    Some(Opened { text: if more > 0 { Vec::new() } else { plain }, inflated })
}
