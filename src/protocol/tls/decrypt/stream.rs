//! RC4, and no cipher at all, with a MAC (RFC 5246 section 6.2.3.1).

use super::mac::MacKey;
use super::suite::{Hash, Stream};
use rc4::Rc4;
use rc4::cipher::{KeyInit, StreamCipher};

/// The cipher of one direction, which goes on from record to record, and its MAC key.
pub(super) struct StreamKey {
    cipher: Cipher,
    mac: MacKey,
}

enum Cipher {
    Null,
    Rc4(Box<Rc4>),
    /// Behind a hole nobody knows where the cipher stands.
    Lost,
}

impl StreamKey {
    pub(super) fn new(stream: Stream, key: &[u8], hash: Hash, mac: &[u8]) -> Option<Self> {
        let cipher = match stream {
            Stream::Null => Cipher::Null,
            Stream::Rc4 => Cipher::Rc4(Box::new(Rc4::new_from_slice(key).ok()?)),
        };
        Some(Self { cipher, mac: MacKey::new(hash, mac)? })
    }

    /// Bytes are missing before the next record.
    pub(super) fn lose(&mut self) {
        if let Cipher::Rc4(_) = self.cipher {
            self.cipher = Cipher::Lost;
        }
    }

    /// Decrypts the next fragment to the end of `out`; its MAC is there too.
    pub(super) fn decrypt(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        out.extend_from_slice(sealed);
        match &mut self.cipher {
            Cipher::Null => {}
            Cipher::Rc4(cipher) => cipher.try_apply_keystream(out.get_mut(start..)?).ok()?,
            Cipher::Lost => {
                out.truncate(start);
                return None;
            }
        }
        Some(())
    }

    /// The length of the content, if it is that of the record whose sequence number, type and version are in `head`.
    pub(super) fn verify(&self, head: &[u8; 11], plain: &[u8]) -> Option<usize> {
        let (content, tag) = plain.split_at_checked(plain.len().checked_sub(self.mac.len())?)?;
        let len = u16::try_from(content.len()).ok()?.to_be_bytes();
        self.mac.verify(&[head, &len, content], tag).then_some(content.len())
    }
}
