//! Keys of TLS 1.2 and below: the PRF, the master secret, the key block.

use super::suite::Hash;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};

/// Which pseudo-random function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prf {
    /// TLS 1.0 and 1.1 (RFC 2246 section 5).
    Md5Sha1,
    /// TLS 1.2 (RFC 5246 section 5).
    Of(Hash),
}

/// Fills `out` with the PRF of `secret`, `label` and the concatenation of `seeds`.
pub(super) fn prf(prf: Prf, secret: &[u8], label: &str, seeds: &[&[u8]], out: &mut [u8]) {
    let seeds: Vec<_> = std::iter::once(label.as_bytes()).chain(seeds.iter().copied()).collect();
    out.fill(0);
    match prf {
        Prf::Md5Sha1 => {
            // Two halves, which share the middle byte of a secret of odd length.
            let half = secret.len().div_ceil(2);
            let (first, second) = (&secret[..half], &secret[secret.len() - half..]);
            p_hash::<Hmac<Md5>>(first, &seeds, out);
            p_hash::<Hmac<Sha1>>(second, &seeds, out);
        }
        Prf::Of(Hash::Md5) => p_hash::<Hmac<Md5>>(secret, &seeds, out),
        Prf::Of(Hash::Sha1) => p_hash::<Hmac<Sha1>>(secret, &seeds, out),
        Prf::Of(Hash::Sha256) => p_hash::<Hmac<Sha256>>(secret, &seeds, out),
        Prf::Of(Hash::Sha384) => p_hash::<Hmac<Sha384>>(secret, &seeds, out),
    }
}

/// The hash of the handshake messages that the extended master secret is made from (RFC 7627 section 3).
pub(super) fn session_hash(prf: Prf, messages: &[&[u8]]) -> Vec<u8> {
    fn digest<D: Digest>(messages: &[&[u8]]) -> Vec<u8> {
        let mut hash = D::new();
        messages.iter().for_each(|m| hash.update(m));
        hash.finalize().to_vec()
    }
    match prf {
        Prf::Md5Sha1 => [digest::<Md5>(messages), digest::<Sha1>(messages)].concat(),
        Prf::Of(Hash::Md5) => digest::<Md5>(messages),
        Prf::Of(Hash::Sha1) => digest::<Sha1>(messages),
        Prf::Of(Hash::Sha256) => digest::<Sha256>(messages),
        Prf::Of(Hash::Sha384) => digest::<Sha384>(messages),
    }
}

/// `P_hash` of RFC 5246 section 5, XORed into `out`.
fn p_hash<M: Mac + KeyInit + Clone>(secret: &[u8], seeds: &[&[u8]], out: &mut [u8]) {
    let Ok(keyed) = <M as KeyInit>::new_from_slice(secret) else { return };
    let mut a = {
        let mut mac = keyed.clone();
        seeds.iter().for_each(|s| mac.update(s));
        mac.finalize().into_bytes()
    };
    let len = a.len();
    for chunk in out.chunks_mut(len) {
        let mut mac = keyed.clone();
        mac.update(&a);
        seeds.iter().for_each(|s| mac.update(s));
        chunk.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(o, b)| *o ^= b);
        let mut mac = keyed.clone();
        mac.update(&a);
        a = mac.finalize().into_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::tls::decrypt::testing::hex;

    /// Vectors of the PRF that the TLS working group's list published for SHA-256 and SHA-384, and those that
    /// Python's hmac gives for TLS 1.0.
    #[test]
    fn prf_gives_the_published_bytes() {
        let mut out = [0; 100];
        let (secret, seed) =
            (hex("9bbe436ba940f017b17652849a71db35"), hex("a0ba9f936cda311827a6f796ffd5198c"));
        prf(Prf::Of(Hash::Sha256), &secret, "test label", &[&seed], &mut out);
        let expected = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14\
                        baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a51\
                        10fff70187347b66";
        assert_eq!(out.to_vec(), hex(expected));
        let (secret, seed) =
            (hex("b80b733d6ceefcdc71566ea48e5567df"), hex("cd665cf6a8447dd6ff8b27555edb7465"));
        let mut out = [0; 48];
        prf(Prf::Of(Hash::Sha384), &secret, "test label", &[&seed], &mut out);
        let expected = "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c\
                        9146a0";
        assert_eq!(out.to_vec(), hex(expected));
    }

    #[test]
    fn seeds_are_joined_and_length_is_any() {
        for which in [Prf::Md5Sha1, Prf::Of(Hash::Sha1), Prf::Of(Hash::Sha256)] {
            let (mut whole, mut parts, mut short) = ([0; 77], [1; 77], [2; 5]);
            prf(which, b"odd", "x", &[b"abcd"], &mut whole);
            prf(which, b"odd", "x", &[b"a", b"bcd"], &mut parts);
            prf(which, b"odd", "x", &[b"abcd"], &mut short);
            assert_eq!(whole, parts);
            assert_eq!(whole[..5], short);
        }
        assert_eq!(session_hash(Prf::Md5Sha1, &[b"a"]).len(), 36);
    }
}
