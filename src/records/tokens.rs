//! `tokens`: one record a token sighting.

use super::{Record, http::target, name, shown, shown_value};
use crate::{
    message::{Direction, Exchange},
    report::{Column, EndpointView, Kind},
    time::Timestamp,
    token::{Scanner, Sighting},
};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// One sighting, keys in the order of the contract.
#[derive(Debug, Serialize)]
pub struct TokenRecord<'a> {
    file: &'a str,
    flow: u64,
    time: Timestamp,
    packet: u64,
    client: EndpointView,
    server: EndpointView,
    direction: &'static str,
    location: &'static str,
    name: Option<&'a str>,
    kind: &'static str,
    sha256: String,
    alg: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, Value>>,
    typ: Option<Cow<'a, Value>>,
    iss: Option<Cow<'a, Value>>,
    sub: Option<Cow<'a, Value>>,
    aud: Option<Cow<'a, Value>>,
    iat: Option<&'a Value>,
    exp: Option<&'a Value>,
    encrypted: bool,
    host: Option<String>,
    http: Option<HttpView>,
    signature: Option<&'a str>,
    token: Cow<'a, str>,
    wrapping: &'a [&'static str],
}

#[derive(Debug, Serialize)]
struct HttpView {
    method: Option<String>,
    target: Option<String>,
    status: Option<u16>,
}

/// What a sighting's record needs beside the sighting.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The exchange that it stood in.
    pub exchange: Option<&'a Exchange>,
    /// Number of the flow in the run.
    pub flow: u64,
    /// Name of the file.
    pub file: &'a str,
    /// What became of the signature; `None` for a JWE.
    pub signature: Option<&'a str>,
    /// Print the token whole (`--show-secrets`).
    pub show_secrets: bool,
}

/// The record of a sighting.
pub fn token_record<'a>(sighting: &'a Sighting, context: Context<'a>, scanner: &Scanner) -> TokenRecord<'a> {
    let token = &*sighting.token;
    let show = context.show_secrets;
    TokenRecord {
        file: context.file,
        flow: context.flow,
        time: sighting.position.time,
        packet: sighting.position.frame,
        client: EndpointView(sighting.transport.client),
        server: EndpointView(sighting.transport.server),
        direction: match sighting.direction {
            Some(Direction::Request) => "request",
            Some(Direction::Response) => "response",
            None => "datagram",
        },
        location: sighting.place.location.as_str(),
        name: sighting.place.name.as_deref(),
        kind: token.kind().as_str(),
        sha256: token.sha256_hex(),
        alg: token.alg().map(|alg| shown(alg, show)),
        kid: token.kid().map(|kid| shown_value(kid, show)),
        typ: token.typ().map(|typ| shown_value(typ, show)),
        iss: token.iss().map(|iss| shown_value(iss, show)),
        sub: token.sub().map(|sub| shown_value(sub, show)),
        aud: token.aud().map(|aud| shown_value(aud, show)),
        iat: token.iat(),
        exp: token.exp(),
        encrypted: sighting.transport.channel.encrypted(),
        host: context.exchange.and_then(Exchange::host).map(str::to_owned),
        http: context.exchange.filter(|e| e.is_http()).map(|exchange| HttpView {
            method: exchange.method().map(super::http::lossy),
            target: exchange.target().map(|t| target(t, scanner, show)),
            status: exchange.status(),
        }),
        signature: context.signature,
        token: token.text(show),
        wrapping: &sighting.wrapping,
    }
}

impl Record for TokenRecord<'_> {
    const CSV: &'static [&'static str] = &[
        "file",
        "flow",
        "time",
        "packet",
        "client.addr",
        "client.port",
        "server.addr",
        "server.port",
        "direction",
        "location",
        "name",
        "kind",
        "sha256",
        "alg",
        "kid",
        "typ",
        "iss",
        "sub",
        "aud",
        "iat",
        "exp",
        "encrypted",
        "host",
        "http.method",
        "http.target",
        "http.status",
        "signature",
        "token",
        "wrapping",
    ];
    const COLUMNS: &'static [Column] = &[
        Column::new("PACKET", Kind::Number),
        Column::new("HOST", Kind::Long),
        Column::new("PLACE", Kind::Long),
        Column::new("TOKEN", Kind::Short),
        Column::new("ALG", Kind::Long),
        Column::new("ISSUER", Kind::Long),
        Column::new("SIGNATURE", Kind::Short),
    ];

    fn file(&self) -> Option<&str> {
        Some(self.file)
    }

    fn row(&self) -> Vec<String> {
        let server = self.server.text();
        let place = match self.name {
            Some(name) => format!("{} {name}", self.location),
            None => self.location.to_owned(),
        };
        let issuer = self.iss.as_ref().map(|iss| iss.as_str().map_or_else(|| iss.to_string(), str::to_owned));
        vec![
            self.packet.to_string(),
            name(self.host.as_deref().or(Some(&server))),
            name(Some(&place)),
            self.sha256.get(..12).unwrap_or(&self.sha256).to_owned(),
            name(self.alg.as_deref()),
            name(issuer.as_deref().map(|iss| iss.strip_prefix("https://").unwrap_or(iss))),
            name(self.signature),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};

    fn context(exchange: Option<&Exchange>) -> Context<'_> {
        Context { exchange, flow: 7, file: "a.pcap", signature: Some("unverified"), show_secrets: false }
    }

    #[test]
    fn a_sighting_prints_as_the_contract_says() {
        let (exchange, sighting) = (golden::exchange(), golden::sighting(golden::TOKEN));
        let record = token_record(&sighting, context(Some(&exchange)), &Scanner::new());
        golden::check(&record);
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains(golden::TOKEN));
        insta::assert_snapshot!(text);
        let shown = Context { show_secrets: true, ..context(Some(&exchange)) };
        let value = serde_json::to_value(token_record(&sighting, shown, &Scanner::new())).unwrap();
        assert_eq!(value["token"], golden::TOKEN);
    }

    #[test]
    fn members_are_as_sent_and_numbers_stay_numbers() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
        let claims = r#"{"iss":{"a":1},"aud":["x","y"],"iat":1700000000.50,"exp":"1700000000"}"#;
        let text = format!("{}.{}.AAAA", B64.encode(r#"{"alg":["none"],"kid":7}"#), B64.encode(claims));
        let mut sighting = golden::sighting(&text);
        sighting.direction = None;
        let value = serde_json::to_value(token_record(&sighting, context(None), &Scanner::new())).unwrap();
        assert_eq!((&value["direction"], &value["alg"]), (&"datagram".into(), &r#"["none"]"#.into()));
        assert_eq!(value["kid"].to_string(), "7");
        assert_eq!(value["iss"].to_string(), r#"{"a":1}"#);
        assert_eq!(value["aud"].to_string(), r#"["x","y"]"#);
        assert_eq!(value["iat"].to_string(), "1700000000.50");
        assert!(value["exp"].is_null() && value["http"].is_null() && value["host"].is_null());
    }
}
