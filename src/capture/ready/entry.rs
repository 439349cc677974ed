//! From what an entry says to an exchange as the stages take it.

use crate::decode::Endpoint;
use crate::limits;
use crate::message::{BASE64, Direction, ReadyExchange, ReadyFrame, ReadyMessage, Start, Target, Version};
use crate::time::Timestamp;
use base64::Engine as _;
use std::collections::HashMap;
use std::net::IpAddr;

/// What an entry says, whatever its format.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) method: String,
    /// The whole URL.
    pub(super) url: String,
    /// As the entry spells it; empty if it does not.
    pub(super) version: String,
    /// When the request was sent, if that is known.
    pub(super) sent: Option<Timestamp>,
    /// Nanoseconds until the response.
    pub(super) took: i64,
    pub(super) request: Half,
    /// The status and the rest; none without a response.
    pub(super) response: Option<(u16, Half)>,
    /// The address of the server, and its port if that is not the URL's.
    pub(super) server: Option<(IpAddr, Option<u16>)>,
    /// What the entry calls its connection.
    pub(super) connection: Option<String>,
    /// WebSocket messages: sent by the client, time, what they say.
    pub(super) frames: Vec<(bool, Option<Timestamp>, Vec<u8>)>,
    /// Content codings were undone before bodies were written.
    pub(super) decoded: bool,
}

/// A request or response without its start line.
#[derive(Debug, Default)]
pub(super) struct Half {
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Body,
}

/// What an entry has of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Body {
    /// There was none.
    #[default]
    Empty,
    /// Text, which is in no content coding any more.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// It was not recorded.
    Lacking,
}

impl Body {
    /// Bytes that are written as base64, with or without line ends; text that is none stays text.
    pub(super) fn base64(text: &str) -> Self {
        let dense: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        match BASE64.decode(&dense) {
            Ok(bytes) if bytes.is_empty() => Self::Empty,
            Ok(bytes) => Self::Bytes(bytes),
            Err(_) => Self::Text(text.to_owned()),
        }
    }

    /// Text, if there is some.
    pub(super) fn text(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.to_owned()) }
    }
}

impl Half {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn message(self, time: Timestamp, version: Version, start: Start<'_>, decoded: bool) -> ReadyMessage {
        let coding = self.field("content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
        let fields: Vec<_> = self.fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        let mut message = ReadyMessage::new(time, version, start, &fields);
        match self.body {
            Body::Empty => {}
            Body::Text(text) => message.body = text.into_bytes(),
            Body::Bytes(bytes) => {
                // Codings with a magic are believed as far as it is there.
                message.coded = match coding.rsplit(',').next().unwrap_or_default().trim() {
                    "gzip" | "x-gzip" => bytes.starts_with(&[0x1f, 0x8b]),
                    "zstd" => bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]),
                    _ => !decoded,
                };
                message.body = bytes;
            }
            Body::Lacking => message.lacking = true,
        }
        message
    }
}

/// Puts drafts of one file in order: what they leave out is known from those before.
#[derive(Default)]
pub(super) struct Recorder {
    /// Exchanges so far.
    count: u64,
    /// The last time that an entry told.
    now: Timestamp,
    /// Connections by their names, with the number of exchanges before their first.
    connections: HashMap<(String, String), u64>,
}

impl Recorder {
    /// The exchange; `None` if it never was on a wire (`data:`, `blob:`).
    pub(super) fn exchange(&mut self, mut draft: Draft) -> Option<ReadyExchange> {
        let mut url = std::mem::take(&mut draft.url);
        // Firefox keeps the fragment, which is never sent.
        url.truncate(url.find('#').unwrap_or(url.len()));
        let parts = Target::reference(url.as_bytes());
        let scheme = parts.scheme?.bytes.to_ascii_lowercase();
        let encrypted = match &scheme[..] {
            b"http" | b"ws" => false,
            b"https" | b"wss" => true,
            _ => return None,
        };
        let authority = String::from_utf8_lossy(parts.host?.bytes).to_ascii_lowercase();
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port: u16 = port.unwrap_or(if encrypted { 443 } else { 80 });
        let (version, protocol) = version(&draft.version);
        let time = self.time(&draft);
        let names_host = ["host", ":authority"].iter().any(|name| draft.request.field(name).is_some());
        if !names_host {
            // Every client sends it, and some recorders leave it out.
            draft.request.fields.insert(0, ("Host".to_owned(), authority.clone()));
        }
        // User information is left where it is looked for.
        let from = if parts.userinfo.is_none() { parts.path.at.min(url.len()) } else { 0 };
        let target = match url.get(from..).unwrap_or(&url) {
            tail if tail.starts_with('/') || from == 0 => tail.to_owned(),
            tail => format!("/{tail}"),
        };
        let start = Start::Request { method: draft.method.as_bytes(), target: target.as_bytes() };
        let request = draft.request.message(time, version, start, draft.decoded);
        let answered = time.plus(draft.took.max(0));
        let response = draft
            .response
            .map(|(status, half)| half.message(answered, version, Start::Response { status }, draft.decoded));
        let frames = draft.frames.into_iter().map(|(sent, time, data)| ReadyFrame {
            dir: if sent { Direction::Request } else { Direction::Response },
            time: time.unwrap_or(answered),
            data,
        });
        let exchange = ReadyExchange {
            connection: draft.connection.and_then(|name| self.connection(name, authority)),
            server: draft.server.map(|(addr, own)| Endpoint { addr, port: own.unwrap_or(port) }),
            protocol,
            encrypted,
            request: Some(request),
            response,
            frames: frames.collect(),
            ..ReadyExchange::default()
        };
        self.count += 1;
        Some(exchange)
    }

    /// When the request was sent: what the entry says, or else its response's Date, or else when the one before was.
    fn time(&mut self, draft: &Draft) -> Timestamp {
        let date = || Timestamp::parse_date(draft.response.as_ref()?.1.field("date")?);
        if let Some(time) = draft.sent.or_else(date) {
            self.now = time;
        }
        self.now
    }

    /// How many exchanges before this one the connection of that name began.
    fn connection(&mut self, name: String, authority: String) -> Option<u64> {
        let room = self.connections.len() < limits::ENTRY_CONNECTIONS;
        let key = (name, authority);
        let first = match self.connections.get(&key) {
            Some(first) => *first,
            None if room => *self.connections.entry(key).or_insert(self.count),
            None => return None,
        };
        Some(self.count - first)
    }
}

/// `HTTP/1.1`, `http/2.0`, `h2`, `h3`, `1.1`: the version, and the name of its protocol.
fn version(text: &str) -> (Version, &'static str) {
    let text = text.to_ascii_lowercase();
    let number = text.trim_start_matches("http/").trim_start_matches('h');
    match number.as_bytes() {
        [b'3', ..] => (Version::Http3, "http3"),
        [b'2', ..] => (Version::Http2, "http2"),
        b"1.0" => (Version::Http10, "http1"),
        _ => (Version::Http11, "http1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(url: &str, fields: &[(&str, &str)]) -> Draft {
        let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let request = Half { fields, body: Body::Empty };
        Draft { method: "GET".to_owned(), url: url.to_owned(), request, ..Draft::default() }
    }

    fn target(draft: Draft) -> String {
        let exchange = Recorder::default().exchange(draft).unwrap();
        String::from_utf8(exchange.request.unwrap().head.target().to_vec()).unwrap()
    }

    #[test]
    fn targets_are_as_they_went_over_the_wire() {
        let host = [("Host", "a.test")];
        assert_eq!(target(draft("https://a.test/x?y=1", &host)), "/x?y=1");
        assert_eq!(target(draft("https://a.test", &host)), "/");
        assert_eq!(target(draft("https://a.test/x?y=1#z?", &host)), "/x?y=1");
        assert_eq!(target(draft("https://a.test?q", &[(":authority", "a.test")])), "/?q");
        assert_eq!(target(draft("http://a.test/x", &[])), "/x");
        assert_eq!(target(draft("http://u:p@a.test/x", &host)), "http://u:p@a.test/x");
    }

    #[test]
    fn a_host_that_the_recorder_left_out_is_that_of_the_url() {
        for (url, fields, host) in [
            ("http://A.test:81/x", &[][..], "a.test:81"),
            ("http://a.test/x", &[("Host", "b.test")][..], "b.test"),
        ] {
            let exchange = Recorder::default().exchange(draft(url, fields)).unwrap();
            assert_eq!(exchange.request.unwrap().head.field("host"), Some(host.as_bytes()));
        }
    }

    #[test]
    fn what_never_was_on_a_wire_is_no_exchange() {
        for url in ["data:text/html,x", "blob:https://a/1", "about:blank", "file:///etc", "", "/x"] {
            assert!(Recorder::default().exchange(draft(url, &[])).is_none(), "{url}");
        }
        for (url, encrypted) in [("ws://a/", false), ("WSS://a/", true), ("https://a/", true)] {
            assert_eq!(Recorder::default().exchange(draft(url, &[])).map(|e| e.encrypted), Some(encrypted));
        }
    }

    #[test]
    fn connections_are_told_by_name_and_host() {
        let mut recorder = Recorder::default();
        let mut next = |url, name: Option<&str>| {
            let draft = Draft { connection: name.map(str::to_owned), ..draft(url, &[]) };
            recorder.exchange(draft).unwrap().connection
        };
        assert_eq!(next("http://a/", Some("7")), Some(0));
        assert_eq!(next("http://a/", None), None);
        assert_eq!(next("http://b/", Some("7")), Some(0));
        assert_eq!(next("http://A/2", Some("7")), Some(3));
    }

    #[test]
    fn times_that_are_missing_are_those_of_the_date_or_of_before() {
        let mut recorder = Recorder::default();
        let mut at = |date: Option<&str>| {
            let fields = date.map(|d| ("Date".to_owned(), d.to_owned())).into_iter().collect();
            let response = Some((200, Half { fields, body: Body::Empty }));
            let exchange = recorder.exchange(Draft { response, ..draft("http://a/", &[]) }).unwrap();
            exchange.request.unwrap().time.seconds()
        };
        assert_eq!(at(None), 0);
        assert_eq!(at(Some("Tue, 14 Nov 2023 22:13:20 GMT")), 1_700_000_000);
        assert_eq!(at(None), 1_700_000_000);
    }

    #[test]
    fn bodies_in_a_coding_are_told() {
        let coded = |coding: &str, body: &[u8], decoded| {
            let fields = vec![("Content-Encoding".to_owned(), coding.to_owned())];
            let half = Half { fields, body: Body::Bytes(body.to_vec()) };
            half.message(Timestamp::default(), Version::Http11, Start::Response { status: 200 }, decoded)
                .coded
        };
        assert!(coded("gzip", &[0x1f, 0x8b, 8], true) && coded("br", b"x", false));
        assert!(!coded("gzip", b"{}", false) && !coded("br", b"x", true));
    }

    #[test]
    fn versions_in_every_spelling() {
        for (text, name) in [
            ("HTTP/1.1", "1.1"),
            ("http/1.0", "1.0"),
            ("h2", "2"),
            ("http/2.0", "2"),
            ("HTTP/2", "2"),
            ("h3", "3"),
            ("HTTP/3", "3"),
            ("", "1.1"),
            ("unknown", "1.1"),
        ] {
            assert_eq!(version(text).0.as_str(), name, "{text}");
        }
    }
}
