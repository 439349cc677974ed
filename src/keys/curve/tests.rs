//! Signatures made here with chosen nonces, on every curve.

use super::*;

fn sign<C: Group>(digest: &[u8], private: u64, nonce: &[u8]) -> Vec<u8> {
    sign_with::<C>(digest, C::Scalar::from(private), reduced::<C>(nonce))
}

/// `r` and `s` of a digest with that private key and nonce (FIPS 186-5 section 6.4.1).
pub(super) fn sign_with<C: Group>(digest: &[u8], private: C::Scalar, nonce: C::Scalar) -> Vec<u8> {
    let r = r_of::<C>(&(C::ProjectivePoint::generator() * nonce)).unwrap();
    let inverse: C::Scalar = Option::from(Field::invert(&nonce)).unwrap();
    let s = (reduced::<C>(digest) + r * private) * inverse;
    [&r.to_repr()[..], &s.to_repr()[..]].concat()
}

fn public<C: Group>(private: u64) -> Box<[u8]> {
    coordinates::<C>(&(C::ProjectivePoint::generator() * C::Scalar::from(private))).unwrap()
}

fn order<C: Group>() -> Vec<u8> {
    let mut bytes = (-C::Scalar::from(1)).to_repr().to_vec();
    *bytes.last_mut().unwrap() += 1;
    bytes
}

/// A number of full length, as a nonce.
fn number(value: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size - 8];
    bytes.extend(value.to_be_bytes());
    bytes
}

const PRIVATE: u64 = 0x1234_5678_9abc_def1;

#[test]
fn signatures_verify_and_lead_back_to_their_keys() {
    for curve in Curve::ALL {
        let key = on!(curve, public(PRIVATE));
        let signature = on!(curve, sign(&curve.digest(b"one"), PRIVATE, &[0x5a; 32]));
        assert!(curve.verifies(&key, b"one", &signature), "{curve:?}");
        assert!(!curve.verifies(&key, b"two", &signature), "{curve:?}");
        assert!(curve.recover(b"one", &signature).contains(&key), "{curve:?}");
        assert!(!curve.recover(b"two", &signature).contains(&key), "{curve:?}");
        let negated = [&signature[..curve.size()], &on!(curve, negated(&signature))].concat();
        assert_ne!(negated, signature);
        assert!(curve.verifies(&key, b"one", &negated), "{curve:?}");
        assert_eq!(curve.canonical(&negated), curve.canonical(&signature));
        assert_eq!(curve.point(&[&[4], &key[..]].concat()), Some(key));
    }
}

#[test]
fn a_nonce_that_is_used_twice_gives_the_key_away() {
    for curve in Curve::ALL {
        let (a, b) = (curve.digest(b"one"), curve.digest(b"two"));
        let signs = |digest: &[u8], private, nonce: &[u8]| on!(curve, sign(digest, private, nonce));
        let (first, second) = (signs(&a, PRIVATE, &[7; 32]), signs(&b, PRIVATE, &[7; 32]));
        let key = Some(on!(curve, public(PRIVATE)));
        assert_eq!(curve.reused_nonce((&a, &first), (&b, &second)), key, "{curve:?}");
        let negated = [&second[..curve.size()], &on!(curve, negated(&second))].concat();
        assert_eq!(curve.reused_nonce((&a, &first), (&b, &negated)), key, "{curve:?}");
        assert_eq!(curve.reused_nonce((&a, &first), (&b, &signs(&b, PRIVATE, &[8; 32]))), None);
        assert_eq!(
            curve.reused_nonce((&a, &first), (&b, &signs(&b, PRIVATE + 1, &[7; 32]))),
            None,
            "two keys"
        );
        assert_eq!(curve.reused_nonce((&a, &first), (&a, &first)), None, "one signature");
    }
}

#[test]
fn a_small_nonce_and_one_next_to_a_guess_are_found() {
    for curve in Curve::ALL {
        let table = Nonces::of(curve);
        let found = |nonce: u64, guess| {
            let signature = on!(curve, sign(&curve.digest(b"one"), PRIVATE, &number(nonce, curve.size())));
            curve.guessed_nonce(&table, b"one", &signature, guess)
        };
        let key = Some(on!(curve, public(PRIVATE)));
        for nonce in [1, 2, 255, 256, 257, 512, 513, 40_000, 65_535, 65_536] {
            assert_eq!(found(nonce, 0), key, "{curve:?} {nonce}");
        }
        for nonce in [1_700_000_000, 1_700_000_256, 1_699_999_744] {
            assert_eq!(found(nonce, 1_700_000_000), key, "{curve:?} {nonce}");
        }
        assert_eq!(found(1_700_000_257, 1_700_000_000), None);
        assert_eq!(found(70_000, 0), None);
    }
}

#[test]
fn what_is_no_number_below_the_order_is_no_signature() {
    for curve in Curve::ALL {
        let (one, zero, order) = (number(1, curve.size()), number(0, curve.size()), on!(curve, order()));
        for (r, s, fits) in
            [(&one, &one, true), (&zero, &one, false), (&one, &zero, false), (&order, &one, false)]
        {
            assert_eq!(curve.in_range(&[&r[..], &s[..]].concat()), Some(fits), "{curve:?}");
        }
        assert_eq!(curve.in_range(&one), None);
        assert!(curve.recover(b"", &[&zero[..], &zero[..]].concat()).is_empty());
    }
}

fn negated<C: Group>(signature: &[u8]) -> Vec<u8> {
    let (_, s) = split::<C>(signature).unwrap();
    (-s).to_repr().to_vec()
}
