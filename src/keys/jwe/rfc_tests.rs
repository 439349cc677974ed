//! The encrypted examples of RFC 7516 appendix A, RFC 7518 appendix C, RFC 7519 appendix A.1 and RFC 7520 sections 5 and 6.

use super::private::Material;
use super::*;
use crate::keys::curve::Curve;
use crate::keys::{KeyStore, Opener, Opening};
use crate::time::Timestamp;
use crate::token::{Kind, Secret};
use serde_json::Value;
use std::sync::Arc;

const EXAMPLES: &str = include_str!("../../token/rfc_examples.json");
/// The private and shared keys that the RFCs print, under the first example that each opens; without what follows from
/// the primes of an RSA key, and one without its primes.
const KEYS: &str = include_str!("rfc_keys.json");
const LIVE_LONG: &str = "Live long and prosper.";
const TRUST: &str = "You can trust us to stick with you through thick and thin\u{2013}to the bitter end. And you can trust us to keep any secret of yours\u{2013}closer than you keep it yourself. But you cannot trust us to let you face trouble alone, and go off without a word. We are your friends, Frodo.";
/// RFC 7520 section 5.3.1.
const PASSWORD: &str = "entrap_o\u{2013}peter_long\u{2013}credit_tun";

fn examples() -> impl Iterator<Item = (String, Vec<Token>)> {
    let all: Vec<Value> = serde_json::from_str(EXAMPLES).unwrap();
    all.into_iter().filter(|example| example.get("enc").is_some()).map(|example| {
        let tokens = match &example["text"] {
            Value::String(text) => vec![Token::parse(text.as_bytes()).unwrap()],
            object => Token::from_json(object),
        };
        (example["rfc"].as_str().unwrap().to_owned(), tokens)
    })
}

fn store() -> KeyStore {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let keys: Vec<Value> = serde_json::from_str(KEYS).unwrap();
    let set: Vec<&Value> = keys.iter().map(|entry| &entry["jwk"]).collect();
    let jwks = write("jwks", &serde_json::json!({"keys": set}).to_string());
    let store = KeyStore::load(&[], &[jwks], &[write("password", PASSWORD)]).unwrap();
    assert_eq!((store.opening(), store.skipped()), (keys.len() + 1, 0));
    store
}

#[test]
fn every_example_is_opened_to_what_its_rfc_says() {
    let (store, mut opener) = (store(), Opener::default());
    let mut count = 0;
    for (name, tokens) in examples() {
        for token in tokens {
            let token = Arc::new(token);
            let Opening::Opened(opened) = opener.open(&token, &store, Timestamp::default()) else {
                panic!("{name}: {:?}", token.alg());
            };
            let text = str::from_utf8(opened.payload()).unwrap();
            match &*name {
                "RFC 7516 A.1" => {
                    assert_eq!(text, "The true sign of intelligence is not knowledge but imagination.")
                }
                "RFC 7516 A.2" | "RFC 7516 A.3" | "RFC 7516 A.4" | "RFC 7516 A.5" => {
                    assert_eq!(text, LIVE_LONG)
                }
                "RFC 7519 A.1" => assert_eq!(opened.claim("iss").unwrap(), "joe"),
                "RFC 7519 A.2" => assert_eq!(opened.inside().unwrap().claim("iss").unwrap(), "joe"),
                "RFC 7520 5.3" => assert_eq!(opened.claim("keys").unwrap().as_array().unwrap().len(), 3),
                "RFC 7520 6.2" => {
                    let inner = opened.inside().unwrap();
                    assert_eq!(
                        (inner.alg().unwrap(), inner.claim("iss").unwrap()),
                        ("PS256".into(), &"hobbiton.example".into())
                    );
                }
                _ => assert_eq!(text, TRUST, "{name}"),
            }
            assert_eq!(opened.inflated().is_some(), name == "RFC 7520 5.9", "{name}");
            assert!(opened.is_opened() && opened.is_same(&token) && opened.sha256() == token.sha256());
            count += 1;
        }
    }
    assert_eq!(count, 24);
}

/// What is authenticated cannot be changed: header, additional data, key, vector, content and tag.
#[test]
fn a_changed_example_stays_closed() {
    let (store, mut opener) = (store(), Opener::default());
    for (name, tokens) in examples().filter(|(_, tokens)| tokens[0].kind() == Kind::Jwe) {
        for token in tokens {
            let segments: Vec<String> = token.segments().map(str::to_owned).collect();
            for at in 1..5 {
                let Some(last) = segments[at].len().checked_sub(2) else { continue };
                let mut changed = segments.clone();
                let other = if changed[at].as_bytes()[last] == b'A' { "B" } else { "A" };
                changed[at].replace_range(last..=last, other);
                let changed = Token::parse(changed.join(".").as_bytes()).unwrap();
                let opening = opener.open(&Arc::new(changed), &store, Timestamp::default());
                assert!(matches!(opening, Opening::Closed), "{name}: segment {at}");
            }
        }
    }
}

#[test]
fn the_key_of_rfc_7518_appendix_c_is_derived() {
    let bob = bytes("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw").unwrap();
    let header = r#"{"alg":"ECDH-ES","enc":"A128GCM","apu":"QWxpY2U","apv":"Qm9i","epk":{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}}"#;
    use base64::Engine as _;
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header);
    let token =
        Token::parse(format!("{header}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA").as_bytes()).unwrap();
    let key = agreement::derived(&Material::Ec(Curve::P256, Secret::new(bob)), &token, "A128GCM", 16);
    assert_eq!(key, bytes("VqqN6vgjbSBcIijNcacQGg"));
}
