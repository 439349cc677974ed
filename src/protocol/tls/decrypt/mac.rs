//! The MAC of a record in TLS 1.2 and below (RFC 5246 section 6.2.3.1).

use super::suite::Hash;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384};

/// A MAC with its key. Boxed: its inner and outer states are large.
pub(super) enum MacKey {
    Md5(Box<Hmac<Md5>>),
    Sha1(Box<Hmac<Sha1>>),
    Sha256(Box<Hmac<Sha256>>),
    Sha384(Box<Hmac<Sha384>>),
}

impl MacKey {
    pub(super) fn new(hash: Hash, key: &[u8]) -> Option<Self> {
        fn made<M: KeyInit>(key: &[u8]) -> Option<Box<M>> {
            M::new_from_slice(key).ok().map(Box::new)
        }
        Some(match hash {
            Hash::Md5 => Self::Md5(made(key)?),
            Hash::Sha1 => Self::Sha1(made(key)?),
            Hash::Sha256 => Self::Sha256(made(key)?),
            Hash::Sha384 => Self::Sha384(made(key)?),
        })
    }

    /// Bytes of a tag.
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Md5(_) => Hash::Md5.len(),
            Self::Sha1(_) => Hash::Sha1.len(),
            Self::Sha256(_) => Hash::Sha256.len(),
            Self::Sha384(_) => Hash::Sha384.len(),
        }
    }

    /// Whether the tag is that of these parts.
    pub(super) fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        fn check<M: Mac + Clone>(keyed: &M, parts: &[&[u8]], tag: &[u8]) -> bool {
            let mut mac = keyed.clone();
            parts.iter().for_each(|p| mac.update(p));
            mac.verify_slice(tag).is_ok()
        }
        match self {
            Self::Md5(mac) => check(&**mac, parts, tag),
            Self::Sha1(mac) => check(&**mac, parts, tag),
            Self::Sha256(mac) => check(&**mac, parts, tag),
            Self::Sha384(mac) => check(&**mac, parts, tag),
        }
    }
}
