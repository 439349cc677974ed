//! The dictionary attack against a loop over the crates `hmac` and `sha2`, by each engine that the processor has: `cargo bench
//! --bench crack`. One core, 111 bytes of signing input, words of mixed length that never match. Short rounds take turns and
//! the best of each counts, because what other processes do does not.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout, clippy::unwrap_used)]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};
use std::path::Path;
use std::sync::Arc;
use std::{hint::black_box, time::Instant};
use wirelint::crack::{Attack, Engine};
use wirelint::token::Token;

const WORDS: u64 = 20_000;
const ROUNDS: usize = 60;
/// What a word costs on top of a trial is measured on so many tokens of one length.
const TOKENS: usize = 100;

fn main() {
    let words = words();
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list");
    std::fs::write(&list, words.join(&b'\n')).expect("a list");
    for alg in ["HS256", "HS384", "HS512"] {
        one(alg, &words, &list);
    }
    many(&list);
}

/// One token: the loop, then each engine.
fn one(alg: &str, words: &[Vec<u8>], list: &Path) {
    let token = token(alg, 0);
    let input = token.signing_input().to_vec();
    assert_eq!(input.len(), 111);
    let wanted = token.signature().to_vec();
    let crates = || match alg {
        "HS256" => words.iter().filter(|word| verifies::<Hmac<Sha256>>(word, &input, &wanted)).count(),
        "HS384" => words.iter().filter(|word| verifies::<Hmac<Sha384>>(word, &input, &wanted)).count(),
        _ => words.iter().filter(|word| verifies::<Hmac<Sha512>>(word, &input, &wanted)).count(),
    };
    let mut times: Vec<(&str, f64)> = vec![("loop", f64::MAX), ("chosen", f64::MAX)];
    times.extend(Engine::ALL.iter().map(|engine| (engine.as_str(), f64::MAX)));
    for _ in 0..ROUNDS {
        for (name, best) in &mut times {
            let start = Instant::now();
            let rate = if *name == "loop" {
                assert_eq!(black_box(crates()), 0);
                WORDS as f64 / start.elapsed().as_secs_f64()
            } else {
                let engine = Engine::ALL.iter().find(|engine| engine.as_str() == *name).copied();
                let trials = attack(std::slice::from_ref(&token), list, engine);
                trials as f64 / start.elapsed().as_secs_f64()
            };
            *best = best.min(1.0 / rate);
        }
    }
    let base = times[0].1;
    for (name, time) in &times {
        println!("{alg} {name:8} {:7.3} M/s  {:5.2} x the loop", 1e-6 / time, base / time);
    }
}

/// A hundred tokens of one length against a hundred attacks on one.
fn many(list: &Path) {
    for alg in ["HS256", "HS512"] {
        let all: Vec<_> = (0..TOKENS).map(|n| token(alg, n)).collect();
        let (mut single, mut together) = (f64::MAX, f64::MAX);
        for _ in 0..5 {
            let start = Instant::now();
            attack(&all[..1], list, None);
            single = single.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            attack(&all, list, None);
            together = together.min(start.elapsed().as_secs_f64());
        }
        let share = together / (single * TOKENS as f64) * 100.0;
        println!("{alg} {TOKENS} tokens at once: {share:.1} % of {TOKENS} single attacks");
    }
}

fn attack(tokens: &[Arc<Token>], list: &Path, engine: Option<Engine>) -> u64 {
    let mut attack = Attack::new(u64::MAX, Vec::new(), vec![list.to_path_buf()]);
    if let Some(engine) = engine {
        attack = attack.with_engine(engine);
    }
    tokens.iter().for_each(|token| assert!(attack.add(token, None)));
    let outcome = attack.run();
    assert!(outcome.found.is_empty() && outcome.errors.is_empty());
    outcome.trials
}

fn verifies<M: Mac + KeyInit>(word: &[u8], input: &[u8], wanted: &[u8]) -> bool {
    let mac = <M as KeyInit>::new_from_slice(word).expect("any length");
    mac.chain_update(input).verify_slice(wanted).is_ok()
}

/// A token of 111 bytes of signing input whose signature nobody made. Each has an issuer of its own, so that all are
/// attacked in one round.
fn token(alg: &str, n: usize) -> Arc<Token> {
    let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#));
    let claims = format!(r#"{{"iss":"issuer-{n:03}","sub":"123456789","iat":1516239022}}"#);
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = vec![
        7;
        if alg == "HS256" {
            32
        } else if alg == "HS384" {
            48
        } else {
            64
        }
    ];
    Arc::new(
        Token::parse(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)).as_bytes()).expect("a token"),
    )
}

/// Words of 4 to 23 bytes.
fn words() -> Vec<Vec<u8>> {
    (0..WORDS)
        .map(|n| {
            let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            (0..4 + n % 20)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    b'a' + (state % 26) as u8
                })
                .collect()
        })
        .collect()
}
