//! What is remembered stays within its bounds, and clients are told by what proxies say.

use super::*;
use crate::facts::memory::{Given, Memory};
use crate::limits::{LIVES, REDIRECTS};
use crate::message::{
    End, ExchangeId, Field, Head, Marks, Message, Place, Position, Start, StoredHead, Transport, Version,
};
use crate::tally::Tally;
use crate::time::Timestamp;
use crate::token::{Sighting, Token};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;

type Fields<'a> = &'a [(&'a str, &'a str)];

fn message(start: Start<'_>, fields: Fields<'_>) -> Option<Message> {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| Field { name: name.as_bytes(), value: value.as_bytes(), at: 0 })
        .collect();
    let head = Head::new(Version::Http11, start, &fields);
    let mut stored = StoredHead::default();
    stored.store(&head);
    Some(Message {
        head: stored,
        position: Position { time: Timestamp::from_parts(1_700_000_000, 0), ..Position::default() },
        body_len: 0,
        body_sha256: None,
        end: End::Complete,
        damaged: false,
        grpc_status: None,
    })
}

fn transport(client: u32) -> Transport {
    let end = |addr: IpAddr, port| Some(crate::decode::Endpoint { addr, port });
    Transport {
        flow: 0,
        client: end(std::net::Ipv4Addr::from(client).into(), 50_000),
        server: end([203, 0, 113, 10].into(), 80),
        channel: Default::default(),
        protocol: "http1",
    }
}

/// A GET with these fields, and its answer.
pub(super) fn exchange(
    path: &str,
    fields: Fields<'_>,
    (status, answer): (u16, Fields<'_>),
    marks: u64,
) -> Exchange {
    Exchange {
        id: ExchangeId(0),
        transport: transport(0xc000_020a),
        request: message(Start::Request { method: b"GET", target: path.as_bytes() }, fields),
        response: message(Start::Response { status }, answer),
        marks: Marks(marks),
        marked: Vec::new(),
        spent: Vec::new(),
        request_tokens: vec![Location::Header],
        response_tokens: 0,
        document: None,
        derived: Default::default(),
    }
}

/// The sighting of the token with that number, in Authorization.
fn sighting(number: usize) -> Sighting {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let claims = format!(r#"{{"iss":"https://issuer.example","sub":"u{number}","jti":"j{number}"}}"#);
    let signature = format!("{number:032}");
    let text = [header, &claims, &signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    Sighting {
        token: Arc::new(Token::parse(text.as_bytes()).unwrap()),
        spans: Default::default(),
        position: Position { time: Timestamp::from_parts(1_700_000_000, 0), ..Position::default() },
        direction: Some(Direction::Request),
        place: Place::named(Location::Header, "authorization"),
        wrapping: Default::default(),
        transport: transport(0xc000_020a),
    }
}

/// Tells a memory of that many tokens, each in the same exchange; what was counted.
fn tell<M: Memory>(memory: &mut M, exchange: &Exchange, tokens: usize) -> Tally {
    let mut tally = Tally::default();
    for number in 0..tokens {
        let sighting = sighting(number);
        let case = Case { sighting: Some(&sighting), exchange: Some(exchange), ..Case::default() };
        memory.note(&case, &mut tally);
    }
    tally
}

#[test]
fn what_is_remembered_is_bounded_and_what_was_forgotten_is_counted() {
    let given = Given::default();
    let plain = exchange("/v1/items", &[("Host", "api.example")], (200, &[]), 0);
    let out = exchange("/logout", &[("Host", "api.example")], (204, &[]), 0);
    let location = [("Location", "https://other.example/x")];
    let away = exchange("/v1/items", &[("Host", "api.example")], (302, &location), 0);
    let more = LIVES + 10;
    let counted = |tally: Tally| tally.weirds.into_iter().collect::<Vec<_>>();
    assert_eq!(counted(tell(&mut replay::Lives::new(&given), &plain, more)), [("lives_evicted", 10)]);
    assert_eq!(counted(tell(&mut ends::Ends::new(&given), &out, more)), [("ends_evicted", 10)]);
    assert_eq!(counted(tell(&mut once::Names::new(&given), &plain, more)), [("names_evicted", 10)]);
    assert_eq!(counted(tell(&mut probe::Variants::new(&given), &plain, more)), [("variants_evicted", 10)]);
    let away = tell(&mut redirect::Redirects::new(&given), &away, REDIRECTS + 10);
    assert_eq!(counted(away), [("redirects_evicted", 10)]);
}

#[test]
fn clients_are_told_by_what_proxies_say() {
    let told = |fields: Fields<'_>| {
        let exchange = exchange("/", fields, (200, &[]), 0);
        client(&Case { exchange: Some(&exchange), ..Case::default() }).unwrap().to_string()
    };
    for (name, value, expected) in [
        ("X-Forwarded-For", "198.51.100.7, 10.0.0.1", "198.51.100.7"),
        ("x-forwarded-for", "198.51.100.7:4711", "198.51.100.7"),
        ("Forwarded", "proto=https;for=\"[2001:db8::17]:4711\"", "2001:db8::17"),
        ("Forwarded", "for=\"[2001:db8::17]\", for=10.0.0.1", "2001:db8::17"),
        ("X-Real-IP", "2001:db8::1", "2001:db8::1"),
        ("X-Forwarded-For", "unknown", "192.0.2.10"),
        ("Via", "198.51.100.7", "192.0.2.10"),
    ] {
        assert_eq!(told(&[(name, value)]), expected, "{name}: {value}");
    }
}
