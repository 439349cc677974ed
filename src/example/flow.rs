//! Flows of examples.

use super::event::{Fields, TIME};
use crate::capture::FileId;
use crate::decode::{FlowKey, IpProtocol};
use crate::flow::Anomalies;
use crate::message::{BASE64, Channel, Position, Transport};
use crate::protocol::{Certificate, ClientHello, ServerHello};
use crate::rules::rule::Event;
use crate::session::{FlowSummary, TlsSession};
use crate::time::Timestamp;
use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Half a year, in seconds.
const HALF_YEAR: i64 = 180 * 86_400;

/// A `tls` or `flow` event.
pub(super) fn flow(event: &Event) -> Result<FlowSummary, String> {
    let fields = Fields(&event.fields);
    fields.known(&[
        "version",
        "cipher",
        "negotiated",
        "established",
        "sni",
        "ech",
        "certificates",
        "client_certificate",
        "opened",
        "flow",
        "client",
        "server",
        "time",
    ])?;
    let client = fields.endpoint("client", "192.0.2.10", 50_000)?;
    let server = fields.endpoint("server", "203.0.113.10", 443)?;
    let version = match fields.text("version").unwrap_or("1.3") {
        "SSLv2" => 0x0002,
        "SSLv3" => 0x0300,
        "1.0" => 0x0301,
        "1.1" => 0x0302,
        "1.2" => 0x0303,
        "1.3" => 0x0304,
        other => return Err(format!("version = \"{other}\" is not a TLS version")),
    };
    let name = fields.text("cipher").unwrap_or("TLS_AES_128_GCM_SHA256");
    let cipher =
        tls_parser::TlsCipherSuite::from_name(name).ok_or_else(|| format!("no cipher suite {name}"))?;
    let negotiated = fields.flag("negotiated", true);
    let chain = fields.0.get("certificates").and_then(toml::Value::as_array).into_iter().flatten();
    let chain = chain.map(certificate).collect::<Result<_, _>>()?;
    let own = fields
        .text("client_certificate")
        .map(|text| Arc::new(Certificate { sha256: Sha256::digest(text).into(), ..Certificate::default() }));
    let time = Timestamp::from_parts(fields.number("time", TIME), 0);
    let ech = fields.flag("ech", false).then_some(0xfe0d);
    let hello = ClientHello {
        version,
        sni: fields.text("sni").map(str::to_owned),
        extensions: ech.into_iter().collect(),
        ..ClientHello::default()
    };
    let answer = ServerHello { version, cipher: cipher.id.0, ..ServerHello::default() };
    let position = Position { frame: 1, time, ..Position::default() };
    Ok(FlowSummary {
        file: FileId::default(),
        first: position,
        key: FlowKey::new(client, server, IpProtocol::Tcp, 0).0,
        vlan: 0,
        transport: Transport {
            flow: 1,
            client: Some(client),
            server: Some(server),
            channel: Channel::TlsOpaque,
            protocol: "tls",
        },
        start: time,
        end: time,
        protocols: vec!["tls"],
        packets: 1,
        bytes: 1,
        state: "closed",
        anomalies: Anomalies::default(),
        tls: Some(Box::new(TlsSession {
            client: Some(hello),
            server: negotiated.then_some(answer),
            chains: [own.into_iter().collect(), chain],
            opened: fields.flag("opened", false),
            established: fields.flag("established", true),
            position,
            ..TlsSession::default()
        })),
    })
}

/// A certificate: by default one of a public CA in the middle of its year, with a good key, for no name.
fn certificate(value: &toml::Value) -> Result<Arc<Certificate>, String> {
    let fields = Fields(value.as_table().ok_or("a certificate is a table")?);
    fields.known(&[
        "names",
        "issuer",
        "not_before",
        "not_after",
        "key",
        "signature",
        "self_signed",
        "der",
    ])?;
    let names = fields.0.get("names").and_then(toml::Value::as_array).into_iter().flatten();
    let names: Vec<_> = names.filter_map(toml::Value::as_str).map(str::to_owned).collect();
    let (key, size) = fields.text("key").unwrap_or("EC-P-256").split_once('-').unwrap_or(("Ed25519", ""));
    let field = size.strip_prefix("P-");
    let der = BASE64.decode(fields.text("der").unwrap_or_default()).map_err(|_| "der is base64")?;
    let bits = field.unwrap_or(size).parse().unwrap_or(256);
    Ok(Arc::new(Certificate {
        subject: format!("CN={}", names.first().map_or("", String::as_str)),
        issuer: fields.text("issuer").unwrap_or("CN=Example CA").to_owned(),
        not_before: fields.number("not_before", TIME - HALF_YEAR),
        not_after: fields.number("not_after", TIME + HALF_YEAR),
        san: names.clone(),
        dns_names: names,
        key: key.to_owned(),
        curve: field.map(|_| size.to_owned()),
        key_bits: bits,
        signature: fields.text("signature").unwrap_or("ecdsaWithSHA256").to_owned(),
        self_signed: fields.flag("self_signed", false),
        sha256: Sha256::digest(&der).into(),
        der: der.into(),
        ..Certificate::default()
    }))
}
