//! Tokens that others encrypted, and what is spent on them.

use super::*;
use crate::keys::{Document, KeyStore, Opener, Opening, Publisher};
use crate::limits::KEY_TRIES;
use crate::time::Timestamp;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::Arc;

/// Keys and tokens made with jwcrypto 1.6 and OpenSSL (Python's cryptography).
const MADE: &str = include_str!("made.json");

/// To the key that begins with the bytes 0, 1, 2, of the name "enc-1"; jwcrypto.
const DIRECT: &str = "eyJhbGciOiJkaXIiLCJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiZW5jLTEifQ..hYoPqrpTjfOOzgWT.5QVWgwPGahdJEB2JefOYYLIbOqtjY3fEtfcJ-hvemfOOBuU6hBq9CkGuVkWESOX34n-eJFBkdWyOtjgF9nG0pbq0jwIs5ea7hQyouFQ0IC7n7pry51kIYYAHMByxAD8wEqL3f_sIW_ggM3tedFQ3b4uxCukvS8qEfEid0TD-MaQZ89EZHGPArJ_CxAdexyg-4jkfBaJovZMu9iVocK_kyzJkcmeSSgiSLM2NusZ17H8hNF0mtEX__rA7zMOasgDPcQhIqRYs6VOD6XQ.xaM4LnbgTUEKTb9Fk8dIqQ";
/// To the same: 300 kB of one character, compressed.
const BOMB: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiZW5jLTEiLCJ6aXAiOiJERUYifQ..DnidLXNoc73zEnw1.z4CWlvgvZc6OkiJczX0MOnMPOekmNbEF3_EEC0qbcWXSHa0a2pSQhiCG8rrvJV8upzu5EcgDc9LlRFx4k7LFBi7DzoZfXo2JPqdRLxf5Rj1NEhLppT6mg57pxP-vZ_TzKeL0_D9xOi4B8kMhqxocPOV1B5l0jOGSZ15kU6RIwbXxVuKetown10MKlOIk0doOLTyBCbePmJ21Plctp5ixKJ3SeE1-m8-vKVmaVFr9UwFkxTQ597fcHjFBu3B6QpUByhgoSgPsk5cga2FlLIYm8jqXquIPbhGAiL0BVzladNaAfj3-ifJy_cV_nCi0-yJGccqa4LBzPgQtlJtzbqzDGzpXBcseWEOYPrEsN4ePYFHWxLvjL8b5JEs6ZdWiqz_wkbKb9DiazkwX2yKl0CqCfQtNfBzkxEF37qLwQxs.xgGwuBUvGaS1V1kfaP3YtA";

fn made() -> Vec<(String, String, Arc<Token>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all: Vec<Value> = serde_json::from_str(MADE).unwrap();
    let one = |entry: &Value| {
        let token = Token::parse(entry["token"].as_str().unwrap().as_bytes()).unwrap();
        (text(&entry["about"]), text(&entry["key"]), Arc::new(token))
    };
    all.iter().map(one).collect()
}

fn store(key: &str) -> KeyStore {
    let mut store = KeyStore::default();
    store.add(key.as_bytes()).unwrap();
    store
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(seconds, 0)
}

fn is_open(opener: &mut Opener, token: &Arc<Token>, store: &KeyStore) -> bool {
    matches!(opener.open(token, store, at(0)), Opening::Opened(_))
}

#[test]
fn every_kind_of_key_opens_its_token_and_no_other() {
    let made = made();
    for (about, key, token) in &made {
        let Opening::Opened(opened) = Opener::default().open(token, &store(key), at(0)) else {
            panic!("{about}")
        };
        assert_eq!(opened.claim("iss").unwrap(), "https://issuer.example.test", "{about}");
        assert_eq!((opened.text(false), opened.defects()), (token.text(false), token.defects()));
        for (_, other, _) in &made {
            let (own, other) = (store(key), store(other));
            let same = own.private().of(token).eq(other.private().of(token));
            assert_eq!(is_open(&mut Opener::default(), token, &other), same, "{about}");
        }
    }
}

#[test]
fn a_private_key_that_is_shown_opens_tokens_and_a_public_one_does_not() {
    let (_, key, token) = made().into_iter().find(|(about, ..)| about == "X25519, JWK").unwrap();
    let publisher = Publisher::new("api.example.test", b"/jwks");
    let mut learned = KeyStore::default();
    let document = format!(r#"{{"keys":[{key}]}}"#);
    learned.learn_document(document.as_bytes(), &publisher);
    learned.learn_document(document.as_bytes(), &publisher);
    assert_eq!((learned.opening(), learned.count()), (1, 0));
    assert!(is_open(&mut Opener::default(), &token, &learned));
    let mut public: Value = serde_json::from_str(&key).unwrap();
    public.as_object_mut().unwrap().remove("d");
    let mut learned = KeyStore::default();
    let (document, _) = learned.learn_document(json!([public]).to_string().as_bytes(), &publisher);
    assert_eq!((learned.opening(), document.keys.len()), (0, 1));
    let (_, pem, token) =
        made().into_iter().find(|(about, ..)| about.starts_with("ECDH-ES on P-384")).unwrap();
    let mut learned = KeyStore::default();
    learned.learn_document(pem.as_bytes(), &publisher);
    assert!(is_open(&mut Opener::default(), &token, &learned));
    assert!(Document::read(pem.as_bytes()).keys[0].public.is_some());
}

/// A key of another name is not tried if it was published, and is if it was given.
#[test]
fn a_token_is_tried_with_the_keys_that_may_be_meant() {
    let key =
        |kid: &str| json!({"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "kid": kid});
    let token = Arc::new(Token::parse(DIRECT.as_bytes()).unwrap());
    let opens = |keys: Value, given: bool| {
        let mut store = KeyStore::default();
        let text = json!({ "keys": keys }).to_string();
        if given {
            store.add(text.as_bytes()).unwrap();
        } else {
            store.learn_document(text.as_bytes(), &Publisher::new("a.test", b"/"));
        }
        is_open(&mut Opener::default(), &token, &store)
    };
    assert!(opens(json!([key("enc-1")]), false) && opens(json!([key("other")]), true));
    assert!(!opens(json!([key("other")]), false));
    let wrong = |n: u8| json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode([n; 32])});
    let many: Vec<Value> = (1..=KEY_TRIES as u8).map(wrong).chain([key("enc-1")]).collect();
    assert!(opens(many.clone().into(), true), "the one of that name comes first");
    let unnamed = json!({"kty": "oct", "k": key("")["k"]});
    let many: Vec<Value> = (1..=KEY_TRIES as u8).map(wrong).chain([unnamed.clone()]).collect();
    assert!(!opens(many.into(), false) && opens(json!([unnamed]), false));
    let of_alg = |alg: &str| json!([{"kty": "oct", "k": key("")["k"], "alg": alg}]);
    assert!(opens(of_alg("A256GCM"), true) && opens(of_alg("dir"), true) && !opens(of_alg("A256KW"), true));
}

#[test]
fn what_is_spent_on_private_keys_is_bounded_by_the_hour() {
    let (_, key, token) = made().into_iter().find(|(about, ..)| about.starts_with("X25519, PKCS")).unwrap();
    let keys = store(&key);
    let mut allowance = Allowance { operations: 1, iterations: 0 };
    let private =
        PrivateKey::from_jwk(&json!({"kty": "OKP", "crv": "X25519", "d": URL_SAFE_NO_PAD.encode([1; 32])}));
    assert_eq!(open(&private.unwrap(), &token, &mut allowance), Err(Refusal::Closed));
    let again = keys.private().of(&token).next().unwrap();
    assert_eq!(open(again, &token, &mut allowance), Err(Refusal::Spent));
    let mut opener = Opener::default();
    opener.spend();
    assert!(matches!(opener.open(&token, &keys, at(10)), Opening::Spent));
    assert!(matches!(opener.open(&token, &keys, at(3600)), Opening::Opened(_)));
    opener.spend();
    assert!(
        matches!(opener.open(&token, &keys, at(3601)), Opening::Opened(_)),
        "what is known costs nothing"
    );
}

#[test]
fn a_count_beyond_the_bound_is_not_counted() {
    let (_, key, token) = made().into_iter().find(|(about, ..)| about.starts_with("PBES2-HS256")).unwrap();
    let with = |count: u64| {
        let mut header = token.header().clone();
        header["p2c"] = count.into();
        let rest: Vec<&str> = token.segments().skip(1).collect();
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), rest.join("."));
        Token::parse(text.as_bytes()).unwrap()
    };
    let key = PrivateKey::from_jwk(&serde_json::from_str(&key).unwrap()).unwrap();
    let mut allowance = Allowance { operations: 0, iterations: 5000 };
    for (count, refusal, left) in [
        (u64::from(u32::MAX), Refusal::Closed, 5000),
        (u64::from(crate::limits::PBES2_COUNT) + 1, Refusal::Closed, 5000),
        (0, Refusal::Closed, 5000),
        (5001, Refusal::Spent, 5000),
        (4000, Refusal::Closed, 1000),
    ] {
        assert_eq!(open(&key, &with(count), &mut allowance), Err(refusal), "{count}");
        assert_eq!(allowance.iterations, left, "{count}");
    }
    // As it was encrypted.
    assert!(open(&key, &token, &mut allowance).is_ok());
}

#[test]
fn of_a_content_over_the_bound_only_the_length_is_known() {
    let keys = store(r#"{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","kid":"enc-1"}"#);
    let token = Arc::new(Token::parse(BOMB.as_bytes()).unwrap());
    let Opening::Opened(opened) = Opener::default().open(&token, &keys, at(0)) else { panic!() };
    assert_eq!((opened.payload(), opened.claims()), (&[][..], None));
    let (from, to) = opened.inflated().unwrap();
    assert_eq!((from < 400, to), (true, 300_008));
}

#[test]
fn no_secret_is_printed() {
    let key = PrivateKey::from_jwk(&json!({"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ", "kid": "one"}))
        .unwrap();
    assert_eq!(format!("{key:?}"), r#"PrivateKey { kid: Some("one"), kind: "oct", .. }"#);
}
