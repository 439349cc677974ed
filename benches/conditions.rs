//! What the condition of a rule costs: `cargo bench --bench conditions`. Best of many short rounds, because what
//! other processes do does not count.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

use std::{hint::black_box, time::Instant};
use wirelint::facts::value::{FieldId, Lookup, Schema, Type, Value};
use wirelint::rules::expr::{Program, Verdict};

const ROUNDS: usize = 1000;
const TURNS: u32 = 1000;
const FIELDS: [(&str, Type); 4] = [
    ("channel", Type::Str),
    ("token.alg", Type::Str),
    ("token.lifetime", Type::Int),
    ("token.claims", Type::Map),
];

fn main() {
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
