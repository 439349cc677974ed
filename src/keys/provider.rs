//! The arithmetic that jsonwebtoken verifies with: ring's where ring has it, which is several times as fast, else that of
//! the RustCrypto crates.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, rust_crypto};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, errors};
use ring::signature as ring;
use std::sync::LazyLock;

/// What verifies here. It is not installed as the default of the process, which other users of jsonwebtoken share.
pub(super) static PROVIDER: LazyLock<CryptoProvider> =
    LazyLock::new(|| CryptoProvider { verifier_factory: verifier, ..rust_crypto::DEFAULT_PROVIDER.clone() });

/// The lengths of RSA moduli that ring takes, in bytes: longer than 2040 bits, up to 8192.
const RSA: std::ops::RangeInclusive<usize> = 256..=1024;

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> errors::Result<Box<dyn JwtVerifier>> {
    match by_ring(*algorithm, key) {
        Some(known) => Ok(Box::new(known)),
        None => (rust_crypto::DEFAULT_PROVIDER.verifier_factory)(algorithm, key),
    }
}

/// `None` for what ring does not take.
fn by_ring(algorithm: Algorithm, key: &DecodingKey) -> Option<ByRing> {
    let public = match key.kind() {
        DecodingKeyKind::SecretOrDer(point) => Public::Point(ecdsa(algorithm)?, point.clone()),
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            // Of a length of 2048 bits at least, with an odd exponent of 3 to 2^33 (ring's public_exponent.rs).
            let sound = RSA.contains(&n.len()) && n.first().is_some_and(|first| *first >= 0x80);
            let usual = e.len() <= 4 && e.last().is_some_and(|last| last & 1 == 1) && **e != [1];
            (sound && usual).then_some(())?;
            Public::Rsa(rsa(algorithm)?, ring::RsaPublicKeyComponents { n: n.clone(), e: e.clone() })
        }
    };
    Some(ByRing { algorithm, public })
}

const fn ecdsa(algorithm: Algorithm) -> Option<&'static ring::EcdsaVerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::ES256 => &ring::ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &ring::ECDSA_P384_SHA384_FIXED,
        _ => return None,
    })
}

const fn rsa(algorithm: Algorithm) -> Option<&'static ring::RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &ring::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &ring::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &ring::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &ring::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &ring::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &ring::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

enum Public {
    /// A point in the form of SEC 1 section 2.3.3.
    Point(&'static ring::EcdsaVerificationAlgorithm, Vec<u8>),
    Rsa(&'static ring::RsaParameters, ring::RsaPublicKeyComponents<Vec<u8>>),
}

struct ByRing {
    algorithm: Algorithm,
    public: Public,
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let answer = match &self.public {
            Public::Point(algorithm, point) => {
                ring::UnparsedPublicKey::new(*algorithm, point).verify(message, signature)
            }
            Public::Rsa(parameters, key) => key.verify(parameters, message, signature),
        };
        answer.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
