//! Block ciphers in CBC mode with HMAC: MAC-then-encrypt (RFC 5246 section 6.2.3.2) and encrypt-then-MAC (RFC 7366).

use super::mac::MacKey;
use super::suite::{Block, Hash};
use aes::{Aes128, Aes256};
use camellia::{Camellia128, Camellia256};
use cbc::Decryptor;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use des::TdesEde3;

/// A cipher key and a MAC key.
pub(super) struct CbcKey {
    block: Block,
    key: Vec<u8>,
    mac: MacKey,
    /// The MAC covers the ciphertext.
    encrypt_then_mac: bool,
}

impl CbcKey {
    pub(super) fn new(
        block: Block,
        key: &[u8],
        hash: Hash,
        mac: &[u8],
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let mac = MacKey::new(hash, mac)?;
        (key.len() == block.key_len()).then(|| Self { block, key: key.to_vec(), mac, encrypt_then_mac })
    }

    /// Bytes of a block, and so of an IV.
    pub(super) const fn block_len(&self) -> usize {
        self.block.len()
    }

    /// A fragment without the MAC that may follow the ciphertext.
    pub(super) fn ciphertext<'a>(&self, sealed: &'a [u8]) -> &'a [u8] {
        let mac = if self.encrypt_then_mac { self.mac.len() } else { 0 };
        sealed.get(..sealed.len().saturating_sub(mac)).unwrap_or_default()
    }

    /// Decrypts a fragment that `iv` precedes. `explicit`: the IV is part of what encrypt-then-MAC covers. `head` is
    /// sequence number, type and version. Adds the content to `out`; `None`, and `out` as it was, if the MAC is wrong.
    pub(super) fn open(
        &self,
        head: &[u8; 11],
        iv: &[u8],
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
        iv: &[u8],
        explicit: bool,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let start = out.len();
        if self.encrypt_then_mac {
            let (text, mac) = sealed.split_at_checked(sealed.len().checked_sub(self.mac.len())?)?;
            let iv_part = if explicit { iv } else { &[] };
            let len = u16::try_from(iv_part.len() + text.len()).ok()?.to_be_bytes();
            if !self.mac.verify(&[head, &len, iv_part, text], mac) {
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
        let (content, mac) = text.get(..unpadded)?.split_at_checked(unpadded.checked_sub(self.mac.len())?)?;
        let len = u16::try_from(content.len()).ok()?.to_be_bytes();
        let padded = text.get(unpadded..)?.iter().all(|b| *b == padding);
        if !padded || !self.mac.verify(&[head, &len, content], mac) {
            return None;
        }
        let end = start + content.len();
        out.truncate(end);
        Some(())
    }

    fn decrypt(&self, iv: &[u8], text: &[u8], out: &mut Vec<u8>) -> Option<()> {
        fn run<D: BlockModeDecrypt + KeyIvInit>(
            key: &[u8],
            iv: &[u8],
            text: &[u8],
            out: &mut [u8],
        ) -> Option<()> {
            let cipher = D::new_from_slices(key, iv).ok()?;
            cipher.decrypt_padded_b2b::<NoPadding>(text, out).ok().map(drop)
        }
        if text.is_empty() || !text.len().is_multiple_of(self.block.len()) {
            return None;
        }
        let start = out.len();
        out.resize(start + text.len(), 0);
        let (key, out) = (&self.key, &mut out[start..]);
        match self.block {
            Block::Aes128 => run::<Decryptor<Aes128>>(key, iv, text, out),
            Block::Aes256 => run::<Decryptor<Aes256>>(key, iv, text, out),
            Block::TripleDes => run::<Decryptor<TdesEde3>>(key, iv, text, out),
            Block::Camellia128 => run::<Decryptor<Camellia128>>(key, iv, text, out),
            Block::Camellia256 => run::<Decryptor<Camellia256>>(key, iv, text, out),
        }
    }
}
