//! Vectors of the RFCs, and tokens that OpenSSL signed.

use super::{vectors::*, *};
use crate::token::Token;

const JOE: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const A1_SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A1_JWK: &str = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A2_JWK: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
const A3_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const A3_JWK: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
/// RFC 8037 appendices A.2 and A.4.
const ED25519: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
const ED25519_JWK: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn token(text: &str) -> Token {
    Token::parse(text.as_bytes()).unwrap()
}

fn store(texts: &[&str]) -> KeyStore {
    let mut store = KeyStore::default();
    texts.iter().for_each(|text| store.add(text.as_bytes()).unwrap());
    store
}

fn flipped(text: &str) -> String {
    let at = text.rfind('.').unwrap() + 3;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

fn rfc() -> [(String, &'static str); 4] {
    [
        (format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.{A1_SIGNATURE}"), A1_JWK),
        (format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.{A2_SIGNATURE}"), A2_JWK),
        (format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.{A3_SIGNATURE}"), A3_JWK),
        (ED25519.to_owned(), ED25519_JWK),
    ]
}

#[test]
fn the_examples_of_the_rfcs_verify_and_changed_ones_do_not() {
    let all = store(&rfc().map(|(_, jwk)| jwk));
    for (text, jwk) in rfc() {
        for keys in [&store(&[jwk]), &all] {
            assert_eq!(keys.verify(&token(&text)).signature, Signature::Valid, "{jwk}");
            assert_eq!(keys.verify(&token(&flipped(&text))).signature, Signature::Invalid, "{jwk}");
        }
        assert_eq!(KeyStore::default().verify(&token(&text)).signature, Signature::Unverified);
    }
}

#[test]
fn pem_keys_and_certificates_verify() {
    for (text, key) in [
        (PS256_TOKEN, RSA_SPKI),
        (RS512_TOKEN, RSA_SPKI),
        (RS512_TOKEN, RSA_PKCS1),
        (ES384_TOKEN, ES384_CERT),
        (ED_TOKEN, ED_SPKI),
        (ES256K_TOKEN, K256_SPKI),
    ] {
        assert_eq!(store(&[key]).verify(&token(text)).signature, Signature::Valid, "{text}");
        assert_eq!(store(&[key]).verify(&token(&flipped(text))).signature, Signature::Invalid, "{text}");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_refused_with_its_reason() {
    for (text, reason) in [
        (RSA_LARGE, "an RSA key of 4104 bits cannot be used"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a private key"),
        ("hello", "neither a PEM"),
        ("{\"kty\":", "not JSON"),
        ("{}", "neither a JWK"),
        (r#"{"kty":"RSA","e":"AQAB"}"#, "`n`"),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, "Edwards-curve key of 3 bytes"),
        (r#"{"kty":"EC","crv":"P-192","x":"AA","y":"AA"}"#, "curve `P-192`"),
        (r#"{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}"#, "damaged"),
        (r#"{"kty":"OKP","crv":"Ed448","x":"AA"}"#, "curve `Ed448`"),
        (r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#, "damaged"),
    ] {
        let error = KeyStore::default().add(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_set_is_read_as_far_as_it_can_be_used() {
    let set = format!(r#"{{"keys":[{A3_JWK},{{"kty":"RSA","use":"enc"}},{{"kty":"new"}},7,{A1_JWK}]}}"#);
    let store = store(&[&set]);
    assert_eq!((store.count(), store.skipped(), store.secrets().len()), (2, 3, 1));
    assert!(!format!("{store:?}").contains("AyM1"));
}

#[test]
fn only_the_key_that_was_meant_makes_a_signature_invalid() {
    let with_kid = |kid: &str| A3_JWK.replace("\"EC\"", &format!("\"EC\",\"kid\":\"{kid}\""));
    let (b64, other) = (base64::engine::general_purpose::URL_SAFE_NO_PAD, "AA".repeat(43));
    let header = base64::Engine::encode(&b64, r#"{"alg":"ES256","kid":"one"}"#);
    let token = token(&format!("{header}.e30.{}", &other[..86]));
    assert_eq!(store(&[&with_kid("one")]).verify(&token).signature, Signature::Invalid);
    assert_eq!(store(&[&with_kid("two")]).verify(&token).signature, Signature::Unverified);
    assert_eq!(store(&[A3_JWK]).verify(&token).signature, Signature::Invalid);
    assert_eq!(store(&[A3_JWK, A3_JWK]).verify(&token).signature, Signature::Unverified);
    assert_eq!(store(&[A3_JWK, &with_kid("one")]).verify(&token).signature, Signature::Invalid);
    assert_eq!(store(&[A2_JWK, A1_JWK]).verify(&token).signature, Signature::Unverified);
}

#[test]
fn a_key_of_a_certificate_of_tls_makes_nothing_invalid_that_does_not_name_it() {
    let block = pem::blocks(ES384_CERT.as_bytes()).next().unwrap();
    let public = PublicKey::from_certificate(&block.der.unwrap()).unwrap();
    let learn = |store: &mut KeyStore, n: u8| {
        store.learn_certificate(&public, [n; 32], Publisher::new("issuer.example.test", b""))
    };
    let mut store = KeyStore::default();
    assert!(learn(&mut store, 7));
    let verdict = store.verify(&token(ES384_TOKEN));
    assert_eq!((verdict.signature, verdict.given), (Signature::Valid, false));
    assert_eq!(verdict.key.as_deref(), Some(&public));
    let forged = |header: serde_json::Value| {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as URL};
        let claims = URL.encode(r#"{"iss":"https://issuer.example.test"}"#);
        let text = format!("{}.{claims}.{}", URL.encode(header.to_string()), URL.encode([7; 96]));
        store.verify(&token(&text)).signature
    };
    let named = |n: u8| {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as URL};
        serde_json::json!({"alg": "ES384", "x5t#S256": URL.encode([n; 32])})
    };
    assert_eq!(forged(serde_json::json!({"alg": "ES384"})), Signature::Unverified);
    assert_eq!((forged(named(8)), forged(named(7))), (Signature::Unverified, Signature::Invalid));
    let kept = (0..crate::limits::CERTIFICATE_KEYS + 5).filter(|_| learn(&mut store, 9)).count();
    assert_eq!(kept, crate::limits::CERTIFICATE_KEYS - 1);
}

/// The keys of RFC 7520 sections 3.1, 3.3 and 3.5, of its section 6.1, and of the RFCs whose examples they verify.
#[test]
fn the_signed_examples_of_the_rfcs_verify_with_their_keys() {
    const EXAMPLES: &str = include_str!("../token/rfc_examples.json");
    let keys = store(&[
        A2_JWK,
        A3_JWK,
        r#"{"kty":"EC","kid":"bilbo.baggins@hobbiton.example","use":"sig","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}"#,
        r#"{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","e":"AQAB","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"}"#,
        r#"{"kty":"oct","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#,
        r#"{"kty":"RSA","kid":"hobbiton.example","use":"sig","e":"AQAB","n":"kNrPIBDXMU6fcyv5i-QHQAQ-K8gsC3HJb7FYhYaw8hXbNJa-t8q0lDKwLZgQXYV-ffWxXJv5GGrlZE4GU52lfMEegTDzYTrRQ3tepgKFjMGg6Iy6fkl1ZNsx2gEonsnlShfzA9GJwRTmtKPbk1s-hwx1IU5AT-AIelNqBgcF2vE5W25_SGGBoaROVdUYxqETDggM1z5cKV4ZjDZ8-lh4oVB07bkac6LQdHpJUUySH_Er20DXx30Kyi97PciXKTS-QKXnmm8ivyRCmux22ZoPUind2BKC5OiG4MwALhaL2Z2k8CsRdfy-7dg7z41Rp6D0ZeEvtaUp4bX4aKraL4rTfw"}"#,
    ]);
    let all: Vec<serde_json::Value> = serde_json::from_str(EXAMPLES).unwrap();
    let mut counts = [0; 2];
    for example in all.iter().filter(|example| example.get("enc").is_none()) {
        let tokens = match &example["text"] {
            serde_json::Value::String(text) => vec![token(text)],
            object => Token::from_json(object),
        };
        for token in tokens {
            let name = example["rfc"].as_str().unwrap();
            let signature = keys.verify(&token).signature;
            match name {
                // Their payloads are elsewhere.
                "RFC 7520 4.5" | "RFC 7797 4.2" => assert_eq!(signature, Signature::Unverified, "{name}"),
                "RFC 7515 E" => assert_eq!(signature, Signature::Unsigned),
                // A proof has its key in its header.
                "RFC 9449 4.1" => assert_eq!(verify_by_header(&token), Some(true)),
                _ => assert_eq!(signature, Signature::Valid, "{name}"),
            }
            counts[usize::from(signature == Signature::Valid)] += 1;
        }
    }
    // Sections 4.1 to 4.4, 4.6, 4.7, three of 4.8, 6.1; RFC 7515 A.6 has two, A.7 one.
    assert_eq!(counts[1], 13);
}

#[test]
fn what_is_not_signed_says_so() {
    let keys = store(&rfc().map(|(_, jwk)| jwk));
    assert_eq!(keys.verify(&token("eyJhbGciOiJub25lIn0.e30.")).signature, Signature::Unsigned);
    assert_eq!(keys.verify(&token(&format!("eyJhbGciOiJSUzI1NiJ9.{JOE}."))).signature, Signature::Unsigned);
    assert_eq!(Signature::Unverified.or_weak(true).as_str(), Some("weak-secret"));
    assert_eq!(Signature::Encrypted.as_str(), None);
}

#[test]
fn files_are_read_and_named_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let jwks = write("jwks.json", format!("{{\"keys\":[{A2_JWK}]}}").as_bytes());
    let secret = write("secret", b"two words \r\n");
    let store = KeyStore::load(&[write("a.pem", RSA_SPKI.as_bytes())], &[jwks], &[secret]).unwrap();
    assert_eq!(store.count(), 3);
    assert_eq!(store.secrets()[0].reveal(), b"two words ");
    for path in [folder.path().join("none"), write("empty", b"\n")] {
        let error = KeyStore::load(&[], &[], std::slice::from_ref(&path)).unwrap_err().to_string();
        assert!(error.starts_with(path.to_str().unwrap()), "{error}");
    }
}
