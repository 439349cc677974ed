//! What judging costs: `cargo bench --bench judging` (Linux, where a process can ask what it uses).
//!
//! All built-in rules see sightings of distinct tokens, each in its exchange, then the same ones again, some rounds of which the
//! best counts, because what other processes do does not: a new one may take 30 µs, a repeated one 3 µs. Then a million distinct tokens pass, and a second million: what facts remember is bounded,
//! so the second may not add more than the table of counted tokens does. What happens at the end of input is timed apart.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::sync::Arc;
use std::time::Instant;
use wirelint::decode::Endpoint;
use wirelint::facts::{CaptureSummary, Facts, Given};
use wirelint::judge::Judge;
use wirelint::message::{
    Channel, Direction, End, Exchange, ExchangeId, Field, Head, Location, Marks, Message, Place, Position,
    Start, StoredHead, Transport, Version,
};
use wirelint::rules::RuleSet;
use wirelint::time::Timestamp;
use wirelint::token::{Sighting, Token};

const TIMED: u64 = 20_000;
const ROUNDS: usize = 7;
const MILLION: u64 = 1_000_000;

fn main() {
    let cases: Vec<_> = (0..TIMED).map(case).collect();
    let mut judge = judge();
    let first = each(&mut judge, &cases);
    let again = (0..ROUNDS).map(|_| each(&mut judge, &cases)).fold(f64::INFINITY, f64::min);
    // For a profiler: `-- repeated` judges nothing but repeated ones.
    if std::env::args().any(|arg| arg == "repeated") {
        for _ in 0..100 {
            each(&mut judge, &cases);
        }
        return;
    }
    println!("new       {first:>8.2} µs/sighting");
    println!("repeated  {again:>8.2} µs/sighting");
    let start = Instant::now();
    judge.finish(&mut CaptureSummary::default());
    println!("end       {:>8.2} s for {TIMED} tokens without known keys", start.elapsed().as_secs_f64());
    drop((judge, cases));

    let mut judge = self::judge();
    let mut used = vec![resident()];
    for million in 1..=2 {
        for number in 0..MILLION {
            let (sighting, exchange) = case(million * MILLION + number);
            judge.sighting(sighting, Some(&exchange), 1);
        }
        used.push(resident());
        println!(
            "memory    {:>8.1} MB after {million} million distinct tokens",
            mega(used[million as usize] - used[0])
        );
    }
    let grown = used[2].saturating_sub(used[1]);
    assert!(grown < 100 << 20, "the second million took {:.1} MB", mega(grown));
    assert!(first < 30.0 && again < 3.0, "judging is too slow");
}

fn judge() -> Judge {
    Judge::new(RuleSet::builtin(&Facts).expect("built-in rules"), &Given::default(), false)
}

/// Microseconds that a sighting takes.
fn each(judge: &mut Judge, cases: &[(Sighting, Arc<Exchange>)]) -> f64 {
    let given = cases.to_vec();
    let start = Instant::now();
    for (sighting, exchange) in given {
        judge.sighting(sighting, Some(&exchange), 1);
    }
    start.elapsed().as_secs_f64() * 1e6 / cases.len() as f64
}

/// A request with a bearer token of its own, over TLS.
fn case(number: u64) -> (Sighting, Arc<Exchange>) {
    let token = Arc::new(token(number));
    let transport = Transport {
        flow: 1,
        client: Some(Endpoint { addr: [192, 0, 2, 10].into(), port: 50_000 }),
        server: Some(Endpoint { addr: [203, 0, 113, 10].into(), port: 443 }),
        channel: Channel::TlsDecrypted,
        protocol: "http1",
    };
    let seconds = 1_700_000_000 + (number / 1000) as i64;
    let position =
        Position { frame: number + 1, time: Timestamp::from_parts(seconds, 0), ..Position::default() };
    let bearer = format!("Bearer {}", token.reveal());
    let message = |start: Start<'_>, fields: &[(&str, &str)]| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| Field { name: name.as_bytes(), value: value.as_bytes(), at: 0 })
            .collect();
        let mut head = StoredHead::default();
        head.store(&Head::new(Version::Http11, start, &fields));
        let (body_len, body_sha256, damaged, grpc_status) = Default::default();
        Some(Message { head, position, body_len, body_sha256, end: End::Complete, damaged, grpc_status })
    };
    let request = Start::Request { method: b"GET", target: b"/v1/items" };
    let exchange = Exchange {
        id: ExchangeId(number),
        transport,
        request: message(request, &[("host", "api.example.test"), ("authorization", &bearer)]),
        response: message(Start::Response { status: 200 }, &[("content-type", "application/json")]),
        marks: Marks::default(),
        marked: Vec::new(),
        spent: Vec::new(),
        request_tokens: vec![Location::Header],
        response_tokens: 0,
        document: None,
        derived: Default::default(),
    };
    let sighting = Sighting {
        token,
        spans: Default::default(),
        position,
        direction: Some(Direction::Request),
        place: Place::named(Location::Header, "authorization"),
        wrapping: Default::default(),
        transport,
    };
    (sighting, Arc::new(exchange))
}

/// A token as issuers make them; its signature is one in form.
fn token(number: u64) -> Token {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let header = r#"{"alg":"ES256","typ":"JWT","kid":"key-1"}"#;
    let (sub, jti, id) = (random(), random(), random());
    let issued = 1_700_000_000 + number / 1000;
    let claims = format!(
        r#"{{"iss":"https://issuer.example.test","sub":"{sub:016x}","aud":"https://api.example.test","iat":{issued},"exp":{},"jti":"{jti:016x}{id:016x}","scope":"read write"}}"#,
        issued + 900
    );
    let signature: Vec<u8> = (0..8).flat_map(|_| (random() >> 1).to_be_bytes()).collect();
    let text =
        [header.as_bytes(), claims.as_bytes(), &signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    Token::parse(text.as_bytes()).expect("a token")
}

/// Bytes that this process has in memory.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * 4096
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
