//! Events of examples as the values that the shard and the judge take.

use super::token::compact;
use crate::decode::Endpoint;
use crate::message::{
    Channel, Direction, Disclosed, Location, Login, Place, Position, ReadyExchange, ReadyMessage, Starttls,
    Transport,
};
use crate::protocol::parse_head;
use crate::rules::rule::{Event, EventKind};
use crate::time::Timestamp;
use crate::token::{Sighting, Token};
use std::net::IpAddr;
use std::sync::Arc;

/// 2023-11-14T22:13:20Z.
pub(super) const TIME: i64 = 1_700_000_000;

/// What an event about a message becomes.
pub(super) enum Played {
    /// An exchange, with whatever tokens are in its texts.
    Exchange(Box<ReadyExchange>),
    /// A token outside of any exchange.
    Sighting(Box<Sighting>),
}

pub(super) struct Fields<'a>(pub(super) &'a toml::Table);

impl<'a> Fields<'a> {
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(toml::Value::as_str)
    }

    pub(super) fn number(&self, name: &str, default: i64) -> i64 {
        self.0.get(name).and_then(toml::Value::as_integer).unwrap_or(default)
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.0.get(name).and_then(toml::Value::as_bool).unwrap_or(default)
    }

    fn headers(&self, name: &str) -> String {
        let table = self.0.get(name).and_then(toml::Value::as_table).into_iter().flatten();
        table.map(|(n, v)| format!("{n}: {}\r\n", v.as_str().unwrap_or_default())).collect()
    }

    pub(super) fn known(&self, names: &[&str]) -> Result<(), String> {
        match self.0.keys().find(|k| !names.contains(&k.as_str())) {
            Some(key) => Err(format!("an event has no field {key}")),
            None => Ok(()),
        }
    }

    pub(super) fn endpoint(&self, name: &str, default: &str, port: u16) -> Result<Endpoint, String> {
        let text = self.text(name).unwrap_or(default);
        let addr: IpAddr = text.parse().map_err(|_| format!("{name} = \"{text}\" is not an address"))?;
        Ok(Endpoint { addr, port })
    }

    fn cleartext(&self) -> Result<bool, String> {
        match self.text("channel") {
            None | Some("tls-decrypted") => Ok(false),
            Some("cleartext") => Ok(true),
            Some(other) => Err(format!("channel = \"{other}\" is neither cleartext nor tls-decrypted")),
        }
    }
}

/// An `exchange` or `sighting` event.
pub(super) fn exchange(event: &Event, number: u64) -> Result<Played, String> {
    let fields = Fields(&event.fields);
    let time = fields.number("time", TIME);
    let token = compact(fields.0.get("token"), time)?;
    let cleartext = fields.cleartext()?;
    let port = if cleartext { 80 } else { 443 };
    let client = fields.endpoint("client", "192.0.2.10", 50_000)?;
    let server = fields.endpoint("server", "203.0.113.10", port)?;
    let protocol = fields.text("protocol").unwrap_or("http1");
    let protocol = protocol_name(protocol)?;
    let ends = ["channel", "client", "server", "time", "token", "protocol", "flow", "early_data"];
    let (request, response) = if event.kind == EventKind::Exchange {
        fields.known(&[&ends[..], &["request", "response"]].concat())?;
        let request = fields.text("request").unwrap_or("GET / HTTP/1.1\nHost: api.example.test");
        (request.to_owned(), fields.text("response").unwrap_or_default().to_owned())
    } else {
        let more = [
            "place",
            "direction",
            "method",
            "target",
            "host",
            "status",
            "response_headers",
            "request_headers",
        ];
        fields.known(&[&ends[..], &more].concat())?;
        let place = fields.text("place").unwrap_or("header authorization");
        let kind = place.split(' ').next().unwrap_or_default();
        if let Some(location) = Location::parse(kind).filter(|l| !l.of_exchange()) {
            let unknown = matches!(location, Location::Stream | Location::Datagram);
            let transport = transport(cleartext, client, server, if unknown { "unknown" } else { protocol });
            let way = match fields.text("direction") {
                Some("datagram") => None,
                _ if location == Location::Datagram => None,
                Some("response") => Some(Direction::Response),
                _ => Some(Direction::Request),
            };
            return lone(place, location, &token, time, way, transport);
        }
        texts(&fields, place)?
    };
    let request = message(&request.replace("{token}", &token), Direction::Request, time);
    let response = message(&response.replace("{token}", &token), Direction::Response, time);
    Ok(Played::Exchange(Box::new(ReadyExchange {
        number,
        client: Some(client),
        server: Some(server),
        protocol,
        encrypted: !cleartext,
        request,
        response,
        ..ReadyExchange::default()
    })))
}

fn transport(cleartext: bool, client: Endpoint, server: Endpoint, protocol: &'static str) -> Transport {
    let channel = if cleartext { Channel::Cleartext } else { Channel::TlsDecrypted };
    Transport { flow: 1, client: Some(client), server: Some(server), channel, protocol }
}

/// A token outside of any exchange: in a protocol without them, or in a stream or datagram of no known protocol.
fn lone(
    place: &str,
    location: Location,
    token: &str,
    time: i64,
    direction: Option<Direction>,
    transport: Transport,
) -> Result<Played, String> {
    let token = Token::parse(token.as_bytes()).ok_or("the token of the example is none")?;
    let name = place.split_once(' ').map_or("", |(_, name)| name);
    let position = Position { frame: 1, time: Timestamp::from_parts(time, 0), ..Position::default() };
    Ok(Played::Sighting(Box::new(Sighting {
        token: Arc::new(token),
        spans: Default::default(),
        position,
        direction,
        place: Place::new(location, Some(name.into()).filter(|_| !name.is_empty())),
        wrapping: Default::default(),
        transport,
    })))
}

/// A `login` event: by default a password of SMTP that the server accepts, in clear text.
pub(super) fn login(event: &Event) -> Result<Login, String> {
    let fields = Fields(&event.fields);
    fields.known(&[
        "channel",
        "client",
        "server",
        "time",
        "protocol",
        "mechanism",
        "disclosed",
        "starttls",
        "accepted",
    ])?;
    let cleartext = fields.text("channel").is_none() || fields.cleartext()?;
    let client = fields.endpoint("client", "192.0.2.10", 50_000)?;
    let server = fields.endpoint("server", "203.0.113.10", 25)?;
    let word = |name: &str, default| fields.text(name).unwrap_or(default);
    let protocol = protocol_name(word("protocol", "smtp"))?;
    let disclosed = word("disclosed", "password");
    let starttls = word("starttls", "unseen");
    Ok(Login {
        transport: transport(cleartext, client, server, protocol),
        position: Position {
            frame: 1,
            time: Timestamp::from_parts(fields.number("time", TIME), 0),
            ..Position::default()
        },
        mechanism: word("mechanism", "plain").into(),
        disclosed: match disclosed {
            "password" => Disclosed::Password,
            "token" => Disclosed::Token,
            "bearer" => Disclosed::Bearer,
            "hash" => Disclosed::Hash,
            "nothing" => Disclosed::Nothing,
            other => return Err(format!("disclosed = \"{other}\" is nothing that a login can disclose")),
        },
        starttls: match starttls {
            "unseen" => Starttls::Unseen,
            "offered" => Starttls::Offered,
            "refused" => Starttls::Refused,
            other => return Err(format!("starttls = \"{other}\" is neither offered nor refused")),
        },
        accepted: fields.0.get("accepted").map_or(Some(true), toml::Value::as_bool),
    })
}

/// The protocol of that name, as facts have it.
fn protocol_name(name: &str) -> Result<&'static str, String> {
    crate::protocol::name_of(name).ok_or_else(|| format!("no protocol {name}"))
}

/// Request and response of a `sighting` event: the token at the place it names.
fn texts(fields: &Fields<'_>, place: &str) -> Result<(String, String), String> {
    let (kind, name) = place.split_once(' ').unwrap_or((place, ""));
    let method = fields.text("method").unwrap_or(if kind == "form" { "POST" } else { "GET" });
    let mut target = fields.text("target").unwrap_or("/v1/items").to_owned();
    let host = fields.text("host").unwrap_or("api.example.test");
    let default_status = if matches!(kind, "fragment" | "location") { 302 } else { 200 };
    let status = fields.number("status", default_status);
    let (mut request, mut response) = (fields.headers("request_headers"), fields.headers("response_headers"));
    let (mut request_body, mut response_body) = (String::new(), String::new());
    let responds = fields.text("direction").is_none_or(|d| d == "response");
    let join = if target.contains('?') { '&' } else { '?' };
    match kind {
        "header"
            if name.eq_ignore_ascii_case("authorization") && fields.text("direction") != Some("response") =>
        {
            request += "Authorization: Bearer {token}\r\n";
        }
        "header" if fields.text("direction") == Some("response") => {
            response += &format!("{name}: {{token}}\r\n")
        }
        "header" => request += &format!("{name}: {{token}}\r\n"),
        "query" => target += &format!("{join}{name}={{token}}"),
        "path" => target += "/{token}",
        "fragment" => response += &format!("Location: https://app.example.test/cb#{name}={{token}}\r\n"),
        "location" => response += &format!("Location: https://app.example.test/cb?{name}={{token}}\r\n"),
        "referer" => request += &format!("Referer: https://app.example.test/page?{name}={{token}}\r\n"),
        "cookie" => request += &format!("Cookie: {name}={{token}}\r\n"),
        "set-cookie" => {
            let (cookie, attributes) = name.split_once(';').unwrap_or((name, ""));
            let attributes = if attributes.is_empty() { String::new() } else { format!(";{attributes}") };
            response += &format!("Set-Cookie: {cookie}={{token}}{attributes}\r\n");
        }
        "body" => {
            let body = format!("{{\"{}\":\"{{token}}\"}}", name.trim_start_matches("$."));
            if responds {
                response += "Content-Type: application/json\r\n";
                response_body = body;
            } else {
                request += "Content-Type: application/json\r\n";
                request_body = body;
            }
        }
        "form" => {
            request += "Content-Type: application/x-www-form-urlencoded\r\n";
            request_body = format!("{name}={{token}}");
        }
        "html" => {
            response += "Content-Type: text/html\r\n";
            response_body = "<html><script>window.token = \"{token}\"</script></html>".to_owned();
        }
        _ => return Err(format!("place = \"{place}\" is not a place")),
    }
    Ok((
        format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{request}\r\n{request_body}"),
        format!("HTTP/1.1 {status} Status\r\n{response}\r\n{response_body}"),
    ))
}

/// A message from its text with any line ends; `Content-Length` is added.
fn message(text: &str, dir: Direction, time: i64) -> Option<ReadyMessage> {
    if text.is_empty() {
        return None;
    }
    let text = text.replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let body = body.trim_end_matches('\n').as_bytes().to_vec();
    let mut head = head.trim_end_matches('\n').replace('\n', "\r\n");
    if !body.is_empty() {
        head += &format!("\r\nContent-Length: {}", body.len());
    }
    let time = Timestamp::from_parts(time, 0);
    let mut message = ReadyMessage { time, body, coded: true, ..ReadyMessage::default() };
    parse_head((head + "\r\n\r\n").as_bytes(), dir, |head| message.head.store(head));
    Some(message)
}
