//! RSA encryption (RFC 8017 section 7), the private side.

use super::management::Hash;
use crate::keys::PublicKey;
use rsa::hazmat::rsa_decrypt;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::CryptoRngCore;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Encrypt, RsaPrivateKey};
use sha1::Sha1;
use sha2::digest::{Digest, Output};
use sha2::{Sha256, Sha384, Sha512};

/// Largest modulus, in bits: one operation takes some ten milliseconds.
const BITS: usize = 4096;

/// A private RSA key. It never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::keys) struct RsaKey(RsaPrivateKey);

impl RsaKey {
    /// The key of these numbers (RFC 7518 section 6.3); prime factors are found from `d` if they are not given.
    pub(super) fn new([n, e, d]: [&[u8]; 3], primes: &[Vec<u8>]) -> Option<Self> {
        let number = BigUint::from_bytes_be;
        if [n, e, d].iter().any(|bytes| bytes.len() * 8 > BITS) {
            return None;
        }
        let primes = primes.iter().map(|prime| number(prime)).collect();
        RsaPrivateKey::from_components(number(n), number(e), number(d), primes).ok().map(Self)
    }

    /// The key of an `RSAPrivateKey`, or of a `PrivateKeyInfo` around one.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let key =
            RsaPrivateKey::from_pkcs8_der(der).or_else(|_| RsaPrivateKey::from_pkcs1_der(der).map_err(drop));
        key.ok().filter(|key| key.size() * 8 <= BITS).map(Self)
    }

    /// Its public part.
    pub(super) fn public(&self) -> Option<PublicKey> {
        PublicKey::rsa(&self.0.n().to_bytes_be(), &self.0.e().to_bytes_be())
    }

    /// RSAES-PKCS1-v1_5.
    pub(super) fn pkcs1(&self, encrypted: &[u8]) -> Option<Vec<u8>> {
        self.0.decrypt(Pkcs1v15Encrypt, encrypted).ok()
    }

    /// RSAES-OAEP with an empty label and one digest for both of its uses. The `rsa` crate has it for digests of another
    /// generation, among which SHA-1 is none that is here.
    pub(super) fn oaep(&self, hash: Hash, encrypted: &[u8]) -> Option<Vec<u8>> {
        let size = self.0.size();
        let number = BigUint::from_bytes_be((encrypted.len() == size).then_some(encrypted)?);
        let number = rsa_decrypt(None::<&mut dyn CryptoRngCore>, &self.0, &number).ok()?.to_bytes_be();
        let mut encoded = vec![0; size.checked_sub(number.len())?];
        encoded.extend(number);
        match hash {
            Hash::Sha1 => unpadded::<Sha1>(encoded),
            Hash::Sha256 => unpadded::<Sha256>(encoded),
            Hash::Sha384 => unpadded::<Sha384>(encoded),
            Hash::Sha512 => unpadded::<Sha512>(encoded),
        }
    }
}

/// EME-OAEP decoding (RFC 8017 section 7.1.2, step 3).
fn unpadded<D: Digest>(mut encoded: Vec<u8>) -> Option<Vec<u8>> {
    let size = <D as Digest>::output_size();
    let (first, rest) = encoded.split_first_mut()?;
    let (seed, data) = rest.split_at_mut_checked(size)?;
    mask::<D>(seed, data);
    mask::<D>(data, seed);
    let (label, padded) = data.split_at_checked(size)?;
    let at = padded.iter().position(|byte| *byte != 0)?;
    let sound = *first == 0 && label == D::digest([]).as_slice() && padded.get(at) == Some(&1);
    sound.then(|| padded.get(at + 1..).map(<[u8]>::to_vec))?
}

/// Adds the output of MGF1 (RFC 8017 appendix B.2.1) to `data`.
fn mask<D: Digest>(data: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in (0_u32..).zip(data.chunks_mut(<D as Digest>::output_size())) {
        let block: Output<D> = D::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        chunk.iter_mut().zip(block).for_each(|(byte, mask)| *byte ^= mask);
    }
}
