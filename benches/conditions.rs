//! What the condition of a rule costs, and all built-in rules on one sighting: `cargo bench --bench conditions`. Best of
//! many short rounds, because what other processes do does not count.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{hint::black_box, sync::Arc, time::Instant};
use wirelint::capture::Block;
use wirelint::facts::value::{FieldId, Lookup, Schema, Type, Value};
use wirelint::facts::{Facts as AllFacts, Given};
use wirelint::judge::Judge;
use wirelint::message::{ReadyExchange, ReadyMessage, Start, Version};
use wirelint::rules::RuleSet;
use wirelint::rules::expr::{Program, Verdict};
use wirelint::shard::{Batch, Event, Shard, Shared};

const ROUNDS: usize = 1000;
const TURNS: u32 = 1000;
const FIELDS: [(&str, Type); 4] = [
    ("channel", Type::Str),
    ("token.alg", Type::Str),
    ("token.lifetime", Type::Int),
    ("token.claims", Type::Map),
];

fn main() {
    sightings();
    let claims = r#"{"sub": "u", "iat": 1, "exp": 1000001, "list": [1, 2.5, "x"]}"#;
    let facts = Facts(serde_json::from_str(claims).expect("JSON"));
    for text in [
        "token.alg.startsWith('HS') && !has(token.claims.cnf) && token.lifetime > 86400 && channel == 'cleartext'",
        "channel == 'cleartext' && token.claims.exp - token.claims.iat > 86400 && !('nbf' in token.claims) \
         && token.alg in ['HS256', 'HS384']",
        "channel == 'query'",
    ] {
        let program = Program::compile(text, &Facts(serde_json::Value::Null)).expect("a condition");
        let mut yes = 0;
        let round = |_| {
            let start = Instant::now();
            for _ in 0..TURNS {
                yes += usize::from(black_box(&program).eval(black_box(&facts)) == Verdict::Yes);
            }
            start.elapsed().as_nanos() / u128::from(TURNS)
        };
        let best = (0..ROUNDS).map(round).min().expect("rounds");
        println!("{best} ns, yes in {yes} of {}: {text}", ROUNDS * TURNS as usize);
    }
}

/// All built-in rules on sightings of distinct tokens and of one token again, each in an exchange of its own.
fn sightings() {
    const ROUND: usize = 200;
    for (alg, len) in [("ES256", 64), ("HS256", 32), ("RS256", 256)] {
        let rules = RuleSet::builtin(&AllFacts).expect("built-in rules");
        let given = Given { crack_budget: 4_000_000, ..Given::default() };
        let mut judge = Judge::new(rules, &given, false);
        let demand = judge.demand();
        let shared = Arc::new(Shared::new(demand));
        let mut shard = Shard::new(shared, 0..wirelint::limits::PARTITIONS as u8);
        let mut round = |first: usize, step: usize| {
            let exchanges = (0..ROUND).map(|n| exchange(alg, len, first + n * step)).collect();
            let block = Arc::new(Block { exchanges, ..Block::default() });
            let events = shard.process(&Batch { block, first: 1, ..Batch::default() }).events;
            assert_eq!(events.len(), ROUND);
            let start = Instant::now();
            for stamped in events {
                if let Event::Exchange { exchange, sightings } = stamped.event {
                    judge.exchange(&exchange, sightings, 1);
                }
            }
            start.elapsed().as_nanos() as f64 / ROUND as f64 / 1e3
        };
        let new = (0..40).map(|n| round(n * ROUND, 1)).fold(f64::MAX, f64::min);
        let again = (0..200).map(|_| round(0, 0)).fold(f64::MAX, f64::min);
        println!("{alg}: all rules on a new sighting {new:.2} us, on a repeated one {again:.2} us");
    }
}

fn exchange(alg: &str, len: usize, n: usize) -> ReadyExchange {
    let header = format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"key-1"}}"#);
    let claims = format!(
        r#"{{"iss":"https://issuer.example.test","sub":"u{n}","aud":"api","iat":1700000000,"exp":1700000900,"jti":"{n}"}}"#
    );
    let mut random = n as u64;
    let signature: Vec<u8> = (0..len)
        .map(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 56) as u8
        })
        .collect();
    let parts = [header.into_bytes(), claims.into_bytes(), signature].map(|p| URL_SAFE_NO_PAD.encode(p));
    let target = format!("/v1/items/{n}");
    let bearer = format!("Bearer {}", parts.join("."));
    let time = wirelint::time::Timestamp::from_parts(1_700_000_100, 0);
    let message =
        |start, fields: &[(&[u8], &[u8])]| Some(ReadyMessage::new(time, Version::Http11, start, fields));
    let fields = [(&b"Host"[..], &b"api.example.test"[..]), (b"Authorization", bearer.as_bytes())];
    ReadyExchange {
        number: 1,
        client: Some(wirelint::decode::Endpoint { addr: [192, 0, 2, 1].into(), port: 5000 }),
        server: Some(wirelint::decode::Endpoint { addr: [192, 0, 2, 2].into(), port: 443 }),
        protocol: "http1",
        encrypted: true,
        request: message(Start::Request { method: b"GET", target: target.as_bytes() }, &fields),
        response: message(Start::Response { status: 200 }, &[(b"Content-Length", b"0")]),
        ..ReadyExchange::default()
    }
}

/// Facts of a token, whose claims these are.
struct Facts(serde_json::Value);

impl Schema for Facts {
    fn field(&self, path: &[&str]) -> Option<(FieldId, Type, usize)> {
        (1..=path.len()).rev().find_map(|len| {
            let name = path[..len].join(".");
            let at = FIELDS.iter().position(|(field, _)| *field == name)?;
            Some((FieldId(at as u16), FIELDS[at].1, len))
        })
    }

    fn names(&self) -> Vec<String> {
        FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

impl Lookup for Facts {
    fn value(&self, field: FieldId) -> Value<'_> {
        match field.0 {
            0 => Value::str("cleartext"),
            1 => Value::str("HS256"),
            2 => Value::Int(1_000_000),
            _ => Value::Json(&self.0),
        }
    }
}
