//! Ephemeral keys of ECDH-ES (RFC 7518 section 4.6.1.1): whether they are points that a recipient may work with.

use crate::message::BASE64URL;
use base64::Engine as _;
use rsa::BigUint;
use serde_json::Value as Json;

/// A curve y² = x³ - 3x + b over a prime field (NIST SP 800-186 section 3.2.1).
struct Curve {
    name: &'static str,
    /// Bytes of a coordinate.
    len: usize,
    p: &'static [u8],
    b: &'static [u8],
}

const CURVES: [Curve; 3] = [
    Curve {
        name: "P-256",
        len: 32,
        p: b"ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        b: b"5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    },
    Curve {
        name: "P-384",
        len: 48,
        p: b"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
        b: b"b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
    },
    Curve {
        name: "P-521",
        len: 66,
        p: b"1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        b: b"51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
    },
];

/// Points of small order on Curve25519 and its twist, as they are sent, the highest bit aside: with one of them the secret is
/// known to everyone (RFC 7748 section 6.1).
const LOW_ORDER_25519: [&[u8]; 7] = [
    b"0000000000000000000000000000000000000000000000000000000000000000",
    b"0100000000000000000000000000000000000000000000000000000000000000",
    b"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    b"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    b"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    b"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    b"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// The same on Curve448 (RFC 7748 section 6.2): 0, 1, p - 1, p, p + 1, least significant byte first.
fn low_order_448(x: &[u8]) -> bool {
    let (Some((first, rest)), true) = (x.split_first(), x.len() == 56) else { return false };
    let low = rest.iter().all(|b| *b == 0) && *first <= 1;
    // p = 2^448 - 2^224 - 1.
    let p = |i: usize| if i == 28 { 0xfe } else { 0xff };
    let near = rest.iter().enumerate().all(|(i, b)| *b == p(i + 1)) && *first >= 0xfe;
    let above = rest[..27].iter().all(|b| *b == 0) && *first == 0 && rest[27..].iter().all(|b| *b == 0xff);
    low || near || above
}

/// What is wrong with an ephemeral key, in words.
pub(super) fn problem(epk: &Json) -> Option<&'static str> {
    let text = |name: &str| epk.get(name).and_then(Json::as_str);
    if epk.get("d").is_some() {
        return Some("is a private key");
    }
    let bytes = |name: &str| text(name).and_then(|text| BASE64URL.decode(text).ok());
    match text("crv")? {
        crv @ ("X25519" | "X448") => {
            let mut x = bytes("x").unwrap_or_default();
            if x.len() != if crv == "X25519" { 32 } else { 56 } {
                return Some("has a coordinate of the wrong length");
            }
            if crv == "X448" {
                return low_order_448(&x).then_some("is a point of low order");
            }
            x[31] &= 0x7f;
            let low = LOW_ORDER_25519.iter().any(|point| unhex(point) == x);
            low.then_some("is a point of low order")
        }
        crv => {
            let Some(curve) = CURVES.iter().find(|curve| curve.name == crv) else {
                return Some("is on a curve that JWE does not have");
            };
            let (x, y) = (bytes("x").unwrap_or_default(), bytes("y").unwrap_or_default());
            if x.len() != curve.len || y.len() != curve.len {
                return Some("has a coordinate of the wrong length");
            }
            (!curve.has(&x, &y)).then_some("is not on its curve")
        }
    }
}

impl Curve {
    /// Whether the affine point is on the curve; the point at infinity has no coordinates, and (0, 0) is none.
    fn has(&self, x: &[u8], y: &[u8]) -> bool {
        let number = |hex: &[u8]| BigUint::parse_bytes(hex, 16).unwrap_or_default();
        let p = number(self.p);
        let (x, y) = (BigUint::from_bytes_be(x), BigUint::from_bytes_be(y));
        if x >= p || y >= p {
            return false;
        }
        let cubed = &x * &x * &x;
        // -3x as (p - x) * 3, so that nothing is below zero.
        let right = cubed + (&p - &x) * BigUint::from(3_u8) + number(self.b);
        (&y * &y) % &p == right % &p
    }
}

fn unhex(text: &[u8]) -> Vec<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).unwrap_or_default();
    text.chunks_exact(2).map(|pair| (digit(pair[0]) * 16 + digit(pair[1])) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    #[test]
    fn points_of_the_rfcs_are_good() {
        // RFC 7518 appendix C; RFC 8037 appendix A.6; RFC 7520 section 5.4.
        for epk in [
            json!({"kty": "EC", "crv": "P-256", "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}),
            json!({"kty": "OKP", "crv": "X25519", "x": "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"}),
            json!({"kty": "OKP", "crv": "X448", "x": "mwj3zDG34-Z9ItWuoSEHSic70rg94Jxj-qc9LCLF2bvINmRyQdlT1AxbEtqIEg1TF3-A5TLEH6A"}),
            json!({"kty": "EC", "crv": "P-384", "x": "uBo4kHPw6kbjx5l0xowrd_oYzBmaz-GKFZu4xAFFkbYiWgutEK6iuEDsQ6wNdNg3", "y": "sp3p5SGhZVC2faXumI-e9JU2Mo8KpoYrFDr5yPNVtW4PgEwZOyQTA-JdaY8tb7E0"}),
        ] {
            assert_eq!(problem(&epk), None, "{epk}");
        }
    }

    #[test]
    fn the_generators_are_on_their_curves() {
        for (name, x, y) in [
            (
                "P-256",
                "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
                "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
            ),
            (
                "P-384",
                "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
                "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
            ),
            (
                "P-521",
                "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
                "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
            ),
        ] {
            let curve = CURVES.iter().find(|c| c.name == name).unwrap();
            assert!(curve.has(&unhex(x.as_bytes()), &unhex(y.as_bytes())), "{name}");
            assert!(!curve.has(&unhex(y.as_bytes()), &unhex(x.as_bytes())), "{name}");
        }
    }

    #[test]
    fn bad_points_are_named() {
        let e = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let ec = |x: &[u8], y: &[u8]| json!({"kty": "EC", "crv": "P-256", "x": e(x), "y": e(y)});
        assert_eq!(problem(&ec(&[0; 32], &[0; 32])), Some("is not on its curve"));
        assert_eq!(problem(&ec(&[1; 31], &[1; 32])), Some("has a coordinate of the wrong length"));
        let okp = |crv: &str, x: &[u8]| json!({"kty": "OKP", "crv": crv, "x": e(x)});
        let mut high = [0; 32];
        high[31] = 0x80;
        for x in [[0; 32], high] {
            assert_eq!(problem(&okp("X25519", &x)), Some("is a point of low order"));
        }
        let mut p = [0xff; 56];
        p[28] = 0xfe;
        assert_eq!(problem(&okp("X448", &p)), Some("is a point of low order"));
        assert_eq!(problem(&okp("X448", &[0; 56])), Some("is a point of low order"));
        assert_eq!(problem(&okp("X448", &[7; 56])), None);
        assert_eq!(problem(&okp("X25519", &[9; 31])), Some("has a coordinate of the wrong length"));
        assert_eq!(
            problem(&json!({"kty": "EC", "crv": "secp256k1"})),
            Some("is on a curve that JWE does not have")
        );
        assert_eq!(problem(&json!({"kty": "EC", "crv": "P-256", "d": "x"})), Some("is a private key"));
    }
}
