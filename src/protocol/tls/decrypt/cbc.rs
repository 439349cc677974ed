//! AES-CBC with HMAC: MAC-then-encrypt (RFC 5246 section 6.2.3.2) and encrypt-then-MAC (RFC 7366).

use super::suite::Hash;
use aes::{Aes128, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384};

/// Bytes of a block of AES, and so of an IV.
pub(super) const BLOCK: usize = 16;

/// A cipher key and a MAC key.
pub(super) struct CbcKey {
    key: Vec<u8>,
    mac: MacKey,
    mac_len: usize,
    /// The MAC covers the ciphertext.
    encrypt_then_mac: bool,
}

/// Boxed: the inner and outer states of a MAC are large.
enum MacKey {
    Sha1(Box<Hmac<Sha1>>),
    Sha256(Box<Hmac<Sha256>>),
    Sha384(Box<Hmac<Sha384>>),
}

impl CbcKey {
    pub(super) fn new(key: &[u8], hash: Hash, mac: &[u8], encrypt_then_mac: bool) -> Option<Self> {
        fn made<M: KeyInit>(key: &[u8]) -> Option<Box<M>> {
            M::new_from_slice(key).ok().map(Box::new)
        }
        let mac = match hash {
            Hash::Sha1 => MacKey::Sha1(made(mac)?),
            Hash::Sha256 => MacKey::Sha256(made(mac)?),
            Hash::Sha384 => MacKey::Sha384(made(mac)?),
        };
        matches!(key.len(), 16 | 32).then(|| Self {
            key: key.to_vec(),
            mac,
            mac_len: hash.len(),
            encrypt_then_mac,
        })
    }

    /// A fragment without the MAC that may follow the ciphertext.
    pub(super) fn ciphertext<'a>(&self, sealed: &'a [u8]) -> &'a [u8] {
        let mac = if self.encrypt_then_mac { self.mac_len } else { 0 };
        sealed.get(..sealed.len().saturating_sub(mac)).unwrap_or_default()
    }

    /// Decrypts a fragment that `iv` precedes. `explicit`: the IV is part of what encrypt-then-MAC covers. `head` is
    /// sequence number, type and version. Adds the content to `out`; `None`, and `out` as it was, if the MAC is wrong.
    pub(super) fn open(
        &self,
        head: &[u8; 11],
        iv: &[u8; BLOCK],
        explicit: bool,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let start = out.len();
        let opened = self.try_open(head, iv, explicit, sealed, out);
        if opened.is_none() {
            out.truncate(start);
        }
        opened
    }

    fn try_open(
        &self,
        head: &[u8; 11],
        iv: &[u8; BLOCK],
        explicit: bool,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let start = out.len();
        if self.encrypt_then_mac {
            let (text, mac) = sealed.split_at_checked(sealed.len().checked_sub(self.mac_len)?)?;
            let iv_part = if explicit { &iv[..] } else { &[] };
            let len = u16::try_from(iv_part.len() + text.len()).ok()?.to_be_bytes();
            if !self.verify(&[head, &len, iv_part, text], mac) {
                return None;
            }
            self.decrypt(iv, text, out)?;
            let padding = usize::from(*out[start..].last()?);
            out.truncate(start.max(out.len().checked_sub(padding + 1)?));
            return Some(());
        }
        self.decrypt(iv, sealed, out)?;
        let text = &out[start..];
        let padding = *text.last()?;
        let unpadded = text.len().checked_sub(usize::from(padding) + 1)?;
        let (content, mac) = text.get(..unpadded)?.split_at_checked(unpadded.checked_sub(self.mac_len)?)?;
        let len = u16::try_from(content.len()).ok()?.to_be_bytes();
        let padded = text.get(unpadded..)?.iter().all(|b| *b == padding);
        if !padded || !self.verify(&[head, &len, content], mac) {
            return None;
        }
        let end = start + content.len();
        out.truncate(end);
        Some(())
    }

    fn decrypt(&self, iv: &[u8; BLOCK], text: &[u8], out: &mut Vec<u8>) -> Option<()> {
        fn run<D: BlockModeDecrypt + KeyIvInit>(
            key: &[u8],
            iv: &[u8],
            text: &[u8],
            out: &mut [u8],
        ) -> Option<()> {
            let cipher = D::new_from_slices(key, iv).ok()?;
            cipher.decrypt_padded_b2b::<NoPadding>(text, out).ok().map(drop)
        }
        if text.is_empty() || !text.len().is_multiple_of(BLOCK) {
            return None;
        }
        let start = out.len();
        out.resize(start + text.len(), 0);
        match self.key.len() {
            16 => run::<Decryptor<Aes128>>(&self.key, iv, text, &mut out[start..]),
            _ => run::<Decryptor<Aes256>>(&self.key, iv, text, &mut out[start..]),
        }
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        fn check<M: Mac + Clone>(keyed: &M, parts: &[&[u8]], tag: &[u8]) -> bool {
            let mut mac = keyed.clone();
            parts.iter().for_each(|p| mac.update(p));
            mac.verify_slice(tag).is_ok()
        }
        match &self.mac {
            MacKey::Sha1(mac) => check(&**mac, parts, tag),
            MacKey::Sha256(mac) => check(&**mac, parts, tag),
            MacKey::Sha384(mac) => check(&**mac, parts, tag),
        }
    }
}
