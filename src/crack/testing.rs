//! What the tests of the attack have in common.

use super::input::Input;
use super::keyed::Hs;
use hmac::{Hmac, KeyInit, Mac};

/// The HMAC of a text by the crates.
pub(super) fn mac(hs: Hs, key: &[u8], text: &[u8]) -> Vec<u8> {
    fn of<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
        <M as KeyInit>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
    }
    match hs {
        Hs::Hs256 => of::<Hmac<sha2::Sha256>>(key, text),
        Hs::Hs384 => of::<Hmac<sha2::Sha384>>(key, text),
        Hs::Hs512 => of::<Hmac<sha2::Sha512>>(key, text),
    }
}

/// An input of no token.
pub(super) fn input(hs: Hs, text: &[u8], signature: &[u8]) -> Input {
    Input { hs, text: text.into(), signature: signature.into(), seeds: Box::default(), leader: true }
}
