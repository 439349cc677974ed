//! Keys whose private part stands in a specification or on a web page: everyone signs with them. Here are their public parts.

use super::public::PublicKey;
use std::sync::LazyLock;

/// A published key.
#[derive(Debug)]
pub struct Example {
    /// Where it stands.
    pub source: &'static str,
    /// The public key.
    pub key: PublicKey,
}

const JWKS: &[(&str, &str)] = &[
    (
        "RFC 7515 appendix A.2",
        r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
    ),
    (
        "RFC 7515 appendix A.3",
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    ),
    (
        "RFC 7515 appendix A.4",
        r#"{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#,
    ),
    (
        "RFC 7517 appendix A.1",
        r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#,
    ),
    (
        "RFC 7517 appendix A.1",
        r#"{"kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#,
    ),
    (
        "RFC 7520 section 3.2",
        r#"{"kty":"EC","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}"#,
    ),
    (
        "RFC 7520 section 3.4",
        r#"{"kty":"RSA","e":"AQAB","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"}"#,
    ),
    (
        "RFC 8037 appendix A",
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    ),
    (
        "the page jwt.io (RS256, PS256)",
        r#"{"kty":"RSA","e":"AQAB","n":"u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7QkrmBL7jTKEn5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW_VDL5AaWTg0nLVkjRo9z-40RQzuVaE8AkAFmxZzow3x-VJYKdjykkJ0iT9wCS0DRTXu269V264Vf_3jvredZiKRkgwlL9xNAwxXFg0x_XFw005UWVRIkdgcKWTjpBP2dPwVZ4WWC-9aGVd-Gyn1o0CLelf4rEjGoXbAAEgAqeGUxrcIlbjXfbcmw"}"#,
    ),
    (
        "the page jwt.io (ES256)",
        r#"{"kty":"EC","crv":"P-256","x":"EVs_o5-uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf84","y":"kGe5DgSIycKp8w9aJmoHhB1sB3QTugfnRWm5nU_TzsY"}"#,
    ),
];

static EXAMPLES: LazyLock<Vec<Example>> = LazyLock::new(|| {
    let read = |(source, jwk): &(&'static str, &str)| {
        let jwk = serde_json::from_str(jwk).ok()?;
        Some(Example { source, key: PublicKey::from_jwk(&jwk)? })
    };
    JWKS.iter().filter_map(read).collect()
});

/// All of them.
pub fn examples() -> &'static [Example] {
    &EXAMPLES
}

/// Where a key was published with its private part, if it was.
pub fn example(key: &PublicKey) -> Option<&'static str> {
    EXAMPLES.iter().find(|example| example.key == *key).map(|example| example.source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{vectors::*, verifies};
    use crate::token::Token;

    #[test]
    fn each_is_a_key_and_verifies_what_its_source_signs() {
        assert_eq!(examples().len(), JWKS.len());
        for (text, source) in [
            (RFC7515_A4, "RFC 7515 appendix A.4"),
            (RFC7520_4_1, "RFC 7520 section 3.4"),
            (RFC7520_4_2, "RFC 7520 section 3.4"),
            (RFC7520_4_3, "RFC 7520 section 3.2"),
            (JWT_IO_ES256, "the page jwt.io (ES256)"),
        ] {
            let token = Token::parse(text.as_bytes()).or_else(|| {
                let segment = |at| text.split('.').nth(at).unwrap();
                let value = serde_json::json!({"protected": segment(0), "payload": segment(1), "signature": segment(2)});
                Token::from_json(&value).pop()
            });
            let token = token.unwrap();
            let by: Vec<_> =
                examples().iter().filter(|e| verifies(&e.key, &token)).map(|e| e.source).collect();
            assert_eq!(by, [source], "{text}");
        }
        assert_eq!(example(&examples()[3].key), Some("RFC 7517 appendix A.1"));
    }
}
