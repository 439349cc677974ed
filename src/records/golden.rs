//! Values for the tests of all records.

use super::Record;
use crate::{
    capture::FileId,
    decode::{Endpoint, FlowKey, IpProtocol},
    flow::Anomalies,
    message::{
        Channel, Direction, End, Exchange, ExchangeId, Field, Head, Location, Marks, Message, Place,
        Position, Start, StoredHead, Transport, Version,
    },
    protocol::{Alert, Certificate, ClientHello, ServerHello},
    session::{FlowSummary, TlsSession},
    time::Timestamp,
    token::{Sighting, Token},
};
use serde_json::Value;
use std::sync::Arc;

/// The example of RFC 7519, signed.
pub(super) const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiZXhwIjoxNzAwMDAwMDAwfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";

/// Every value of the record has a column in its CSV, and its table has a cell for each column.
pub(super) fn check<R: Record>(record: &R) {
    fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    leaves(value, &path, out);
                }
            }
            _ => out.push(path.to_owned()),
        }
    }
    let mut paths = Vec::new();
    leaves(&serde_json::to_value(record).unwrap(), "", &mut paths);
    paths.retain(|path| !R::CSV.iter().any(|known| path.starts_with(&format!("{known}."))));
    assert_eq!(paths, R::CSV);
    assert_eq!(record.row().len(), R::COLUMNS.len());
}

pub(super) fn transport(channel: Channel) -> Transport {
    let end = |addr: &str, port| Some(Endpoint { addr: addr.parse().unwrap(), port });
    let (client, server) = (end("10.0.0.1", 51234), end("10.0.0.2", 8080));
    Transport { flow: 0, client, server, channel, protocol: "http1" }
}

pub(super) fn flow() -> FlowSummary {
    let transport = transport(Channel::TlsOpaque);
    let ends = (transport.client.unwrap(), transport.server.unwrap());
    let client = ClientHello {
        sni: Some("api.example.test".into()),
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        ..ClientHello::default()
    };
    let server =
        ServerHello { version: 0x0303, cipher: 0xc02f, alpn: Some("h2".into()), ..ServerHello::default() };
    let certificate = Certificate {
        subject: "CN=api.example.test".into(),
        issuer: "CN=Test CA".into(),
        not_before: 1_600_000_000,
        not_after: 253_402_300_799,
        sha256: [0xab; 32],
        dns_names: vec!["api.example.test".into()],
        san: vec!["api.example.test".into()],
        key: "EC".into(),
        curve: Some("P-256".into()),
        key_bits: 256,
        signature: "ecdsaWithSHA256".into(),
        ..Certificate::default()
    };
    let tls = TlsSession {
        client: Some(client),
        server: Some(server),
        chains: [Vec::new(), vec![Arc::new(certificate)]],
        alerts: vec![Alert { from: Direction::Response, level: 2, description: 40 }],
        ..TlsSession::default()
    };
    FlowSummary {
        file: FileId(0),
        first: Position::default(),
        key: FlowKey::new(ends.0, ends.1, IpProtocol::Tcp, 0).0,
        vlan: 0,
        transport,
        start: Timestamp::from_parts(1_700_000_000, 0),
        end: Timestamp::from_parts(1_700_000_001, 5),
        protocols: vec!["tls", "http2"],
        packets: 12,
        bytes: 3456,
        state: "closed",
        anomalies: Anomalies { gap_bytes: 10, retransmitted: 2, ..Anomalies::default() },
        tls: Some(Box::new(tls)),
    }
}

pub(super) fn exchange() -> Exchange {
    let target = format!("/v1/items?access_token={TOKEN}&q=\"a,b\"");
    let bearer = format!("Bearer {TOKEN}");
    let request = [
        ("Host", b"API.example.test".as_slice()),
        ("Authorization", bearer.as_bytes()),
        ("Cookie", b"theme=dark; sid=abcdef"),
        ("X-Raw", b"a\xffb"),
    ];
    let response = [("Content-Type", b"application/json; charset=utf-8".as_slice())];
    Exchange {
        id: ExchangeId(0),
        transport: transport(Channel::Cleartext),
        request: Some(message(Start::Request { method: b"GET", target: target.as_bytes() }, &request, 4)),
        response: Some(Message {
            body_len: 2,
            body_sha256: Some([0xab; 32]),
            ..message(Start::Response { status: 200 }, &response, 6)
        }),
        marks: Marks::default(),
        marked: Vec::new(),
        spent: Vec::new(),
        request_tokens: Vec::new(),
        response_tokens: 0,
        document: None,
        derived: Default::default(),
    }
}

pub(super) fn sighting(text: &str) -> Sighting {
    Sighting {
        token: Arc::new(Token::parse(text.as_bytes()).unwrap()),
        spans: Default::default(),
        position: position(4),
        direction: Some(Direction::Request),
        place: Place::named(Location::Header, "authorization"),
        wrapping: Default::default(),
        transport: transport(Channel::Cleartext),
    }
}

fn message(start: Start<'_>, fields: &[(&str, &[u8])], packet: u64) -> Message {
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| Field { name: name.as_bytes(), value, at: 0 }).collect();
    let mut head = StoredHead::default();
    head.store(&Head::new(Version::Http11, start, &fields));
    Message {
        head,
        position: position(packet),
        body_len: 0,
        body_sha256: None,
        end: End::Complete,
        damaged: false,
        grpc_status: None,
    }
}

fn position(frame: u64) -> Position {
    Position { frame, time: Timestamp::from_parts(1_700_000_000, 1000), ..Position::default() }
}
