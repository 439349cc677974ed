//! Ed25519 (RFC 8032 section 5.1), as far as two signatures with one nonce need it.

use super::public::{Edwards, PublicKey};
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest, Sha512};

/// Whether two signatures of different inputs share their nonce and give the private scalar of `key` away. It is proved:
/// the scalar that follows from them leads to the key. It does not leave this function (RFC 8032 section 8.1).
pub fn gives_scalar_away(key: &PublicKey, first: (&[u8], &[u8]), second: (&[u8], &[u8])) -> bool {
    let PublicKey::Edwards { curve: Edwards::Ed25519, x } = key else { return false };
    let half = |(_, signature): (&[u8], &[u8])| signature.get(..32).map(<[u8]>::to_vec);
    let scalar = |(_, signature): (&[u8], &[u8])| {
        let bytes: [u8; 32] = signature.get(32..64)?.try_into().ok()?;
        Option::<Scalar>::from(Scalar::from_canonical_bytes(bytes))
    };
    let challenge = |(input, signature): (&[u8], &[u8])| {
        let mut hash = Sha512::new();
        hash.update(signature.get(..32)?);
        hash.update(x);
        hash.update(input);
        Some(Scalar::from_bytes_mod_order_wide(&hash.finalize().into()))
    };
    let private = || {
        let challenges = challenge(first)? - challenge(second)?;
        if half(first)? != half(second)? || challenges == Scalar::ZERO {
            return None;
        }
        Some((scalar(first)? - scalar(second)?) * challenges.invert())
    };
    private().is_some_and(|private| EdwardsPoint::mul_base(&private).compress().as_bytes()[..] == **x)
}
