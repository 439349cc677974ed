//! Authenticated ciphers, from one buffer into another.

use super::suite::Aead;
use aes::{Aes128, Aes256};
use aes_gcm::aead::consts::{U8, U12, U16};
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ccm::Ccm;
use chacha20poly1305::ChaCha20Poly1305;

/// A cipher with its key. Boxed, since most flows have none.
pub(in crate::protocol) enum AeadKey {
    Aes128Gcm(Box<Aes128Gcm>),
    Aes256Gcm(Box<Aes256Gcm>),
    Aes128Ccm(Box<Ccm<Aes128, U16, U12>>),
    Aes256Ccm(Box<Ccm<Aes256, U16, U12>>),
    Aes128Ccm8(Box<Ccm<Aes128, U8, U12>>),
    Aes256Ccm8(Box<Ccm<Aes256, U8, U12>>),
    ChaCha20Poly1305(Box<ChaCha20Poly1305>),
}

impl AeadKey {
    /// `None` if the key has not the length that the cipher wants.
    pub(in crate::protocol) fn new(aead: Aead, key: &[u8]) -> Option<Self> {
        fn made<C: KeyInit>(key: &[u8]) -> Option<Box<C>> {
            C::new_from_slice(key).ok().map(Box::new)
        }
        Some(match aead {
            Aead::Aes128Gcm => Self::Aes128Gcm(made(key)?),
            Aead::Aes256Gcm => Self::Aes256Gcm(made(key)?),
            Aead::Aes128Ccm => Self::Aes128Ccm(made(key)?),
            Aead::Aes256Ccm => Self::Aes256Ccm(made(key)?),
            Aead::Aes128Ccm8 => Self::Aes128Ccm8(made(key)?),
            Aead::Aes256Ccm8 => Self::Aes256Ccm8(made(key)?),
            Aead::ChaCha20Poly1305 => Self::ChaCha20Poly1305(made(key)?),
        })
    }

    /// Decrypts `sealed`, ciphertext and tag, to the end of `out`; `false`, and `out` as it was, if the tag is wrong.
    pub(in crate::protocol) fn open(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        match self {
            Self::Aes128Gcm(cipher) => open(&**cipher, nonce, aad, sealed, out),
            Self::Aes256Gcm(cipher) => open(&**cipher, nonce, aad, sealed, out),
            Self::Aes128Ccm(cipher) => open(&**cipher, nonce, aad, sealed, out),
            Self::Aes256Ccm(cipher) => open(&**cipher, nonce, aad, sealed, out),
            Self::Aes128Ccm8(cipher) => open(&**cipher, nonce, aad, sealed, out),
            Self::Aes256Ccm8(cipher) => open(&**cipher, nonce, aad, sealed, out),
            Self::ChaCha20Poly1305(cipher) => open(&**cipher, nonce, aad, sealed, out),
        }
        .is_some()
    }
}

impl AeadKey {
    /// Ciphertext and tag: the other end of [`AeadKey::open`], for what tests it.
    pub(in crate::protocol) fn seal(&self, nonce: &[u8; 12], aad: &[u8], text: &[u8]) -> Vec<u8> {
        fn seal<C: AeadInOut<NonceSize = U12>>(
            cipher: &C,
            nonce: &[u8; 12],
            aad: &[u8],
            text: &[u8],
        ) -> Vec<u8> {
            let mut out = text.to_vec();
            let tag = cipher.encrypt_inout_detached(nonce.into(), aad, out.as_mut_slice().into());
            out.extend(tag.into_iter().flatten());
            out
        }
        match self {
            Self::Aes128Gcm(cipher) => seal(&**cipher, nonce, aad, text),
            Self::Aes256Gcm(cipher) => seal(&**cipher, nonce, aad, text),
            Self::Aes128Ccm(cipher) => seal(&**cipher, nonce, aad, text),
            Self::Aes256Ccm(cipher) => seal(&**cipher, nonce, aad, text),
            Self::Aes128Ccm8(cipher) => seal(&**cipher, nonce, aad, text),
            Self::Aes256Ccm8(cipher) => seal(&**cipher, nonce, aad, text),
            Self::ChaCha20Poly1305(cipher) => seal(&**cipher, nonce, aad, text),
        }
    }
}

fn open<C>(cipher: &C, nonce: &[u8; 12], aad: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> Option<()>
where
    C: AeadInOut<NonceSize = U12>,
{
    use hmac::digest::typenum::Unsigned;
    let (text, tag) = sealed.split_at_checked(sealed.len().checked_sub(C::TagSize::USIZE)?)?;
    let start = out.len();
    out.resize(start + text.len(), 0);
    let buffer = InOutBuf::new(text, &mut out[start..]).ok()?;
    let opened = cipher.decrypt_inout_detached(nonce.into(), aad, buffer, tag.try_into().ok()?);
    if opened.is_err() {
        out.truncate(start);
    }
    opened.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::tls::decrypt::testing::hex;

    /// Test case 16 of the GCM specification, RFC 8439 section 2.8.2, and messages that openssl sealed with CCM.
    #[test]
    fn opens_what_others_sealed() {
        let gcm = (
            Aead::Aes256Gcm,
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e\
             6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aed\
             f5aa0de657ba637b39",
        );
        let chacha = (
            Aead::ChaCha20Poly1305,
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
            "070000004041424344454647",
            "50515253c0c1c2c3c4c5c6c7",
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de\
             0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b\
             7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
            "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c\
             64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20\
             776f756c642062652069742e",
        );
        for (aead, key, nonce, aad, sealed, text) in [gcm, chacha] {
            let key = AeadKey::new(aead, &hex(key)).unwrap();
            let (nonce, aad, sealed) = (hex(nonce).try_into().unwrap(), hex(aad), hex(sealed));
            let mut out = b"before".to_vec();
            assert!(key.open(&nonce, &aad, &sealed, &mut out), "{aead:?}");
            assert_eq!(out, [b"before".to_vec(), hex(text)].concat());
            for at in [0, sealed.len() - 1] {
                let mut bad = sealed.clone();
                bad[at] ^= 1;
                assert!(!key.open(&nonce, &aad, &bad, &mut out));
                assert!(out.ends_with(&hex(text)), "nothing is added");
            }
            assert!(
                !key.open(&nonce, b"", &sealed, &mut out) && !key.open(&nonce, &aad, &sealed[..7], &mut out)
            );
        }
    }

    #[test]
    fn every_cipher_opens_what_it_seals() {
        for aead in [
            Aead::Aes128Gcm,
            Aead::Aes256Gcm,
            Aead::Aes128Ccm,
            Aead::Aes256Ccm,
            Aead::Aes128Ccm8,
            Aead::Aes256Ccm8,
            Aead::ChaCha20Poly1305,
        ] {
            let key = AeadKey::new(aead, &vec![5; aead.key_len()]).unwrap();
            let sealed = key.seal(&[9; 12], b"aad", b"text");
            assert_eq!(sealed.len(), 4 + aead.tag_len());
            let mut out = Vec::new();
            assert!(key.open(&[9; 12], b"aad", &sealed, &mut out));
            assert_eq!(out, b"text");
            assert!(AeadKey::new(aead, &[5; 17]).is_none());
        }
    }
}
