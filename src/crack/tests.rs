//! What is found, what is not, and what it costs.

use super::*;
use crate::token::{Secret, Token};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use std::{path::PathBuf, sync::Arc};

const STRONG: &[u8] = b"\x9e\x01 random, 32 bytes \xf3\x88 \x00 of it.";
const ALL: u64 = 4_000_000;

fn signed(alg: &str, claims: &str, key: &[u8]) -> Arc<Token> {
    let header = URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"{alg}\"}}"));
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = match alg {
        "HS256" => mac::<Hmac<sha2::Sha256>>(key, &input),
        "HS384" => mac::<Hmac<sha2::Sha384>>(key, &input),
        _ => mac::<Hmac<sha2::Sha512>>(key, &input),
    };
    Arc::new(Token::parse(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)).as_bytes()).unwrap())
}

fn mac<M: Mac + KeyInit>(key: &[u8], input: &str) -> Vec<u8> {
    <M as KeyInit>::new_from_slice(key).unwrap().chain_update(input).finalize().into_bytes().to_vec()
}

fn attack(tokens: &[&Arc<Token>], host: Option<&str>, budget: u64) -> (Attack, Outcome) {
    let mut attack = Attack::new(budget, Vec::new(), Vec::new());
    tokens.iter().for_each(|token| attack.add(token, host));
    let outcome = attack.run();
    (attack, outcome)
}

fn found(token: &Arc<Token>, host: Option<&str>) -> Option<(Vec<u8>, Origin)> {
    let (_, outcome) = attack(&[token], host, ALL);
    outcome.found.get(token.sha256()).map(|found| (found.secret.reveal().to_vec(), found.origin))
}

#[test]
fn words_of_the_lists_are_found_with_every_algorithm() {
    let last = builtin().last().unwrap();
    for alg in ["HS256", "HS384", "HS512"] {
        for word in [&b"secret"[..], b"your-256-bit-secret", b"changeme\n", b"123456", last] {
            let hit = found(&signed(alg, r#"{"sub":"1234567890"}"#, word), None);
            assert_eq!(hit, Some((word.to_vec(), Origin::Builtin)), "{alg}");
        }
        for key in [&b""[..], b"\0", &[0; 32]] {
            assert_eq!(found(&signed(alg, "{}", key), None), Some((Vec::new(), Origin::Empty)), "{alg}");
        }
    }
}

#[test]
fn words_of_the_token_and_its_host_are_found() {
    let claims =
        r#"{"iss":"https://Login.acme-corp.example/x","aud":["orders-api"],"client_id":"Y2xpZW50c2Vj"}"#;
    for word in
        ["https://Login.acme-corp.example/x", "acme-corp", "orders-api\n", "orders-api_secret", "clientsec"]
    {
        let hit = found(&signed("HS256", claims, word.as_bytes()), None);
        assert_eq!(hit, Some((word.as_bytes().to_vec(), Origin::Derived)), "{word}");
    }
    let hit = found(&signed("HS256", "{}", b"shop-7.example.net-secret"), Some("shop-7.example.net"));
    assert_eq!(hit.unwrap().1, Origin::Derived);
}

#[test]
fn a_strong_secret_is_not_found_and_the_cost_is_the_number_of_words() {
    let token = signed("HS256", "{}", STRONG);
    let (_, outcome) = attack(&[&token, &token], None, ALL);
    assert!(outcome.found.is_empty() && !outcome.cut);
    assert_eq!((outcome.trials, outcome.inputs), (builtin().len() as u64 + 1, 1));
}

#[test]
fn the_budget_is_kept_to_the_trial() {
    // The empty key, then the list.
    let token = signed("HS256", "{}", &builtin()[9]);
    let (_, outcome) = attack(&[&token], None, 11);
    assert_eq!((outcome.found.len(), outcome.trials, outcome.cut), (1, 11, false));
    let (_, outcome) = attack(&[&token], None, 10);
    assert_eq!((outcome.found.len(), outcome.trials, outcome.cut), (0, 10, true));
    let (_, outcome) = attack(&[&token], None, 0);
    assert_eq!((outcome.found.len(), outcome.trials, outcome.inputs, outcome.cut), (0, 0, 0, false));
}

#[test]
fn one_hit_opens_all_tokens_of_the_secret_and_slices_change_nothing() {
    let tokens: Vec<_> = (0..50)
        .map(|n| signed("HS256", &format!("{{\"iss\":\"a\",\"n\":{n}}}"), b"your_secret"))
        .chain([signed("HS256", r#"{"iss":"b"}"#, STRONG), signed("HS512", "{}", b"your_secret")])
        .collect();
    let (_, whole) = attack(&tokens.iter().collect::<Vec<_>>(), Some("api"), ALL);
    assert_eq!(whole.found.len(), 51);
    assert!(whole.trials < builtin().len() as u64 + 2000, "{}", whole.trials);
    for slice in [1, 7, 1000] {
        let mut attack = Attack::new(ALL, Vec::new(), Vec::new());
        tokens.iter().for_each(|token| attack.add(token, Some("api")));
        while attack.run_some(slice) {}
        let outcome = attack.outcome();
        assert_eq!((outcome.trials, &outcome.found), (whole.trials, &whole.found), "{slice}");
    }
}

#[test]
fn tokens_that_come_later_have_a_pass_of_their_own() {
    let (first, later) = (signed("HS256", "{}", b"changeme"), signed("HS384", r#"{"n":1}"#, b"changeme"));
    let (mut attack, outcome) = attack(&[&first], None, ALL);
    assert_eq!(attack.take_fresh(), [*first.sha256()]);
    attack.add(&later, None);
    let after = attack.run();
    assert_eq!(after.trials, outcome.trials + 1);
    assert_eq!(attack.take_fresh(), [*later.sha256()]);
    assert!(after.found[later.sha256()].is_weak());
}

#[test]
fn given_secrets_are_weak_only_if_they_could_be_guessed() {
    for (key, origin) in [(STRONG, Origin::Given), (b"secret", Origin::Builtin)] {
        let token = signed("HS256", "{}", key);
        let mut attack = Attack::new(ALL, vec![Secret::from("other"), Secret::from(key)], Vec::new());
        attack.add(&token, None);
        let outcome = attack.run();
        assert_eq!(outcome.trials, 2);
        assert_eq!(outcome.found[token.sha256()].origin, origin);
        assert_eq!(outcome.found[token.sha256()].is_weak(), origin != Origin::Given);
    }
}

#[test]
fn lists_of_the_user_come_last_and_unreadable_ones_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    std::fs::write(&list, b"secret\r\n\xff\xfe raw\r\nzz-last-zz").unwrap();
    let token = signed("HS512", "{}", b"\xff\xfe raw");
    let lists = vec![folder.path().join("none"), list, PathBuf::from("/")];
    let mut attack = Attack::new(ALL, Vec::new(), lists);
    attack.add(&token, None);
    attack.add(&signed("HS512", r#"{"a":1}"#, STRONG), None);
    let outcome = attack.run();
    assert_eq!(outcome.found[token.sha256()].origin, Origin::Wordlist);
    assert_eq!(outcome.errors.len(), 2);
    assert!(attack.outcome().errors.is_empty());
}

#[test]
fn signatures_of_the_wrong_length_are_not_attacked() {
    let token = signed("HS256", "{}", b"secret");
    let text = token.reveal();
    for cut in [&text[..text.len() - 4], &text[..=text.rfind('.').unwrap()]] {
        let cut = Arc::new(Token::parse(cut.as_bytes()).unwrap());
        let (_, outcome) = attack(&[&cut], None, ALL);
        assert_eq!((outcome.inputs, outcome.trials), (0, 0));
    }
}

#[test]
fn debug_output_holds_no_secret() {
    let token = signed("HS256", "{}", b"your-256-bit-secret");
    let (attack, outcome) = attack(&[&token], None, ALL);
    assert_eq!(outcome.found.len(), 1);
    assert!(!format!("{attack:?} {outcome:?}").contains("256-bit"));
}
