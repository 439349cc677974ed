//! `http`: one record an HTTP exchange.

use super::{
    Record,
    mask::{mask_field, mask_target},
    name, shown,
};
use crate::{
    message::{Exchange, Message},
    report::{Column, EndpointView, Kind},
    text::hex,
    time::Timestamp,
    token::Scanner,
};
use serde::Serialize;
use sha2::Digest;

/// One exchange, keys in the order of the contract.
#[derive(Debug, Serialize)]
pub struct HttpRecord<'a> {
    file: &'a str,
    flow: u64,
    time: Timestamp,
    client: EndpointView,
    server: EndpointView,
    version: &'static str,
    encrypted: bool,
    request: Option<RequestView>,
    response: Option<ResponseView>,
}

#[derive(Debug, Serialize)]
struct RequestView {
    packet: u64,
    method: String,
    target: String,
    host: Option<String>,
    headers: Vec<[String; 2]>,
    body_len: u64,
    body_sha256: Option<String>,
}

#[derive(Debug, Serialize)]
struct ResponseView {
    packet: u64,
    status: u16,
    headers: Vec<[String; 2]>,
    body_len: u64,
    body_sha256: Option<String>,
    content_type: Option<String>,
}

/// The record of an exchange: the name of its file and the number of its flow. Tokens and credentials are masked
/// unless `show_secrets`.
pub fn http_record<'a>(
    exchange: &Exchange,
    file: &'a str,
    flow: u64,
    scanner: &Scanner,
    show_secrets: bool,
) -> HttpRecord<'a> {
    let masked = |(name, value): (&[u8], &[u8])| {
        let (name, value) = (lossy(name), lossy(value));
        let value = if show_secrets { value } else { mask_field(&name, &value, scanner) };
        [shown(name.into(), show_secrets).into_owned(), value]
    };
    let headers = |message: &Message| message.head.fields().map(masked).collect();
    let head = exchange.request.as_ref().or(exchange.response.as_ref()).map(|m| m.head.version);
    HttpRecord {
        file,
        flow,
        time: exchange.position().time,
        client: EndpointView(exchange.transport.client),
        server: EndpointView(exchange.transport.server),
        version: head.unwrap_or_default().as_str(),
        encrypted: exchange.transport.channel.encrypted(),
        request: exchange.request.as_ref().map(|message| RequestView {
            packet: message.position.frame,
            method: lossy(message.head.method()),
            target: target(message.head.target(), scanner, show_secrets),
            host: exchange.host().map(str::to_owned),
            headers: headers(message),
            body_len: message.body_len,
            body_sha256: digest(message),
        }),
        response: exchange.response.as_ref().map(|message| ResponseView {
            packet: message.position.frame,
            status: message.head.status,
            headers: headers(message),
            body_len: message.body_len,
            body_sha256: digest(message),
            content_type: {
                let value = message.head.field("content-type");
                value.map(|value| masked((b"content-type", value))).map(|[_, value]| value)
            },
        }),
    }
}

/// A request target as records print it.
pub(super) fn target(target: &[u8], scanner: &Scanner, show_secrets: bool) -> String {
    let target = lossy(target);
    if show_secrets { target } else { mask_target(&target, scanner) }
}

/// Bytes as text; what is not UTF-8 becomes U+FFFD.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The digest of a body; of an empty one also where none was computed, of a damaged one never.
fn digest(message: &Message) -> Option<String> {
    let sha256 = match message.body_sha256 {
        _ if message.damaged => return None,
        None if message.body_len == 0 => sha2::Sha256::digest(b"").into(),
        computed => computed?,
    };
    Some(hex(&sha256))
}

/// `json` of `application/json; charset=utf-8`.
fn subtype(media: &str) -> &str {
    let media = media.split(';').next().unwrap_or(media).trim();
    media.split_once('/').map_or(media, |(_, subtype)| subtype)
}

impl Record for HttpRecord<'_> {
    const CSV: &'static [&'static str] = &[
        "file",
        "flow",
        "time",
        "client.addr",
        "client.port",
        "server.addr",
        "server.port",
        "version",
        "encrypted",
        "request.packet",
        "request.method",
        "request.target",
        "request.host",
        "request.headers",
        "request.body_len",
        "request.body_sha256",
        "response.packet",
        "response.status",
        "response.headers",
        "response.body_len",
        "response.body_sha256",
        "response.content_type",
    ];
    const COLUMNS: &'static [Column] = &[
        Column::new("FLOW", Kind::Number),
        Column::new("PACKET", Kind::Number),
        Column::new("METHOD", Kind::Short),
        Column::new("HOST", Kind::Long),
        Column::new("TARGET", Kind::Long),
        Column::new("STATUS", Kind::Number),
        Column::new("TYPE", Kind::Long),
        Column::new("BODY", Kind::Number),
    ];

    fn file(&self) -> Option<&str> {
        Some(self.file)
    }

    fn row(&self) -> Vec<String> {
        let (request, response) = (self.request.as_ref(), self.response.as_ref());
        let packet = request.map(|r| r.packet).or(response.map(|r| r.packet));
        let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let server = self.server.text();
        vec![
            self.flow.to_string(),
            number(packet),
            name(request.map(|r| r.method.as_str())),
            name(request.and_then(|r| r.host.as_deref()).or(Some(&server))),
            name(request.map(|r| r.target.as_str())),
            number(response.map(|r| u64::from(r.status))),
            name(response.and_then(|r| r.content_type.as_deref()).map(subtype)),
            number(response.map(|r| r.body_len)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};
    use serde_json::{Value, to_value};

    #[test]
    fn an_exchange_prints_as_the_contract_says() {
        let exchange = golden::exchange();
        let record = http_record(&exchange, "a.pcap", 7, &Scanner::new(), false);
        golden::check(&record);
        insta::assert_snapshot!(serde_json::to_string(&record).unwrap());
        let shown =
            serde_json::to_string(&http_record(&exchange, "a.pcap", 7, &Scanner::new(), true)).unwrap();
        assert_eq!(shown.matches(golden::TOKEN).count(), 2);
    }

    #[test]
    fn digests_are_of_what_was_sent_or_null() {
        let of = |len, sha256, damaged| {
            let mut exchange = golden::exchange();
            let message = exchange.response.as_mut().unwrap();
            (message.body_len, message.body_sha256, message.damaged) = (len, sha256, damaged);
            to_value(http_record(&exchange, "f", 1, &Scanner::new(), false)).unwrap()["response"]["body_sha256"]
                .clone()
        };
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of(0, None, false), empty);
        assert_eq!(of(0, None, true), Value::Null);
        assert_eq!(of(5, Some([1; 32]), true), Value::Null);
        assert_eq!(of(5, None, false), Value::Null);
        assert_eq!(of(5, Some([1; 32]), false), "01".repeat(32));
    }

    #[test]
    fn halves_are_null() {
        let mut exchange = golden::exchange();
        exchange.request = None;
        let value = to_value(http_record(&exchange, "f", 1, &Scanner::new(), false)).unwrap();
        assert!(value["request"].is_null() && value["response"].is_object());
        exchange.response = None;
        let record = http_record(&exchange, "f", 1, &Scanner::new(), false);
        assert_eq!(record.row().len(), HttpRecord::COLUMNS.len());
    }
}
