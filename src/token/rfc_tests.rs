//! The examples that the RFCs print, in every serialisation.

use super::{Kind, Role, Token, find_json_form, tests::texts};
use serde_json::{Value, json};

/// Taken from RFC 7515 appendices A and E, RFC 7516 appendix A, RFC 7519 appendix A, RFC 7520 sections 4 and 5, RFC 7797
/// section 4.2 and RFC 9449 section 4.1; white space for display left out.
const EXAMPLES: &str = include_str!("rfc_examples.json");

fn examples() -> Vec<Value> {
    serde_json::from_str(EXAMPLES).unwrap()
}

fn read(text: &Value) -> Vec<Token> {
    match text {
        Value::String(text) => vec![Token::parse(text.as_bytes()).unwrap()],
        object => Token::from_json(object),
    }
}

#[test]
fn every_example_is_what_its_rfc_says() {
    for example in examples() {
        let name = &example["rfc"];
        let tokens = read(&example["text"]);
        let algs: Vec<Value> = tokens.iter().map(|t| t.alg().unwrap().into_owned().into()).collect();
        assert_eq!(Value::from(algs), example["algs"], "{name}");
        for token in &tokens {
            assert_eq!(token.kind().as_str(), example["kind"], "{name}");
            assert_eq!(token.header_member("enc"), example.get("enc"), "{name}");
            assert_eq!(token.is_detached(), example.get("detached").is_some(), "{name}");
            assert_eq!(token.defects(), [], "{name}");
            assert!(
                token.is_encrypted() || !token.signature().is_empty() || token.alg().unwrap() == "none",
                "{name}"
            );
        }
    }
}

#[test]
fn every_example_is_found_in_text() {
    for example in examples() {
        let name = &example["rfc"];
        match &example["text"] {
            Value::String(text) => {
                assert_eq!(texts(&format!("a=1&t={text}&b=2")), std::slice::from_ref(text), "{name}")
            }
            object => {
                let (hits, cut) = find_json_form(json!({"x": [1, object]}).to_string().as_bytes());
                let found: Vec<_> = hits.iter().map(|hit| hit.token.reveal().to_owned()).collect();
                let all: Vec<_> = read(object).iter().map(|token| token.reveal().to_owned()).collect();
                assert!(!cut && found == all, "{name}: {found:?}");
            }
        }
    }
}

/// RFC 7520 shows each compact token in both JSON forms, too.
#[test]
fn the_json_forms_of_a_compact_example_are_the_same_token() {
    for example in examples() {
        let Some(text) = example["text"].as_str() else { continue };
        let segments: Vec<&str> = text.split('.').collect();
        let (flat, general) = match segments[..] {
            [protected, payload, signature] => {
                let part = json!({"protected": protected, "signature": signature});
                let mut flat = part.clone();
                flat["payload"] = payload.into();
                (flat, json!({"payload": payload, "signatures": [part]}))
            }
            [protected, key, iv, ciphertext, tag] => {
                let shared = json!({"protected": protected, "iv": iv, "ciphertext": ciphertext, "tag": tag});
                let (mut flat, mut general) = (shared.clone(), shared);
                flat["encrypted_key"] = key.into();
                general["recipients"] = json!([{"encrypted_key": key}]);
                (flat, general)
            }
            _ => panic!("{text}"),
        };
        let compact = Token::parse(text.as_bytes()).unwrap();
        for form in [flat, general] {
            let [token] = &Token::from_json(&form)[..] else { panic!("{form}") };
            assert_eq!(token.sha256(), compact.sha256(), "{}", example["rfc"]);
            assert!(matches!(token.kind(), Kind::JwsJson | Kind::JweJson));
            assert_eq!(token.header(), compact.header());
        }
    }
}

#[test]
fn what_is_protected_is_told_from_what_is_not() {
    let of = |name: &str| {
        let example = examples().into_iter().find(|example| example["rfc"] == name).unwrap();
        read(&example["text"]).remove(0)
    };
    // Section 4.6 protects alg, 4.7 nothing; 5.11 protects enc, 5.12 nothing.
    assert!(of("RFC 7520 4.6").protects("alg") && !of("RFC 7520 4.6").protects("kid"));
    assert!(!of("RFC 7520 4.7").protects("alg"));
    assert!(of("RFC 7520 5.11").protects("enc") && !of("RFC 7520 5.11").protects("alg"));
    assert!(!of("RFC 7520 5.12").protects("enc"));
    assert_eq!(of("RFC 7516 A.4").unprotected().unwrap()["jku"], "https://server.example.com/keys.jwks");
    assert_eq!(of("RFC 9449 4.1").role(), Role::DpopProof);
    assert!(of("RFC 7519 A.1").claims().is_none() && of("RFC 7519 A.1").is_encrypted());
}
