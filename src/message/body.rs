//! What a body is made of, and the name of the place of a byte in it.

use super::{
    json::JsonWalk,
    multipart::{PartWalk, boundary_of, first_boundary},
    text::label,
    url::{Param, Raw, form_decode, params},
};
use std::borrow::Cow;

/// The format of a body, as far as places in it have names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    /// JSON, JSON lines or a JSON sequence.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/*` (RFC 2046 section 5.1, RFC 7578).
    Multipart {
        /// What separates its parts, without the leading `--`.
        boundary: Box<[u8]>,
    },
    /// Lines of `field: value`, and JSON behind them: server-sent events, STOMP.
    Fields,
    /// HTML or XML.
    Html,
    /// Any other text, scripts too.
    Text,
    /// Not text.
    Binary,
}

impl BodyFormat {
    /// Tells the format from `Content-Type` and, where that is missing, vague or plainly wrong, from the body's
    /// first bytes (a few hundred are enough).
    pub fn tell(content_type: Option<&[u8]>, first: &[u8]) -> Self {
        let value = content_type.unwrap_or_default();
        // What most bodies are, told without a copy.
        if value.get(..16).is_some_and(|v| v.eq_ignore_ascii_case(b"application/json")) {
            return Self::Json;
        }
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let media = value.get(..end).unwrap_or_default().trim_ascii().to_ascii_lowercase();
        let media = String::from_utf8_lossy(&media);
        let (kind, subtype) = media.split_once('/').unwrap_or_default();
        if kind == "multipart" {
            let boundary = boundary_of(value).or_else(|| first_boundary(first));
            return boundary.map_or(Self::Text, |boundary| Self::Multipart { boundary });
        }
        let seen = Self::sniff(first);
        match (kind, subtype) {
            (_, s) if s.contains("json") => Self::Json,
            (_, "x-www-form-urlencoded") if seen == Self::Json => Self::Json,
            (_, "x-www-form-urlencoded") => Self::Form,
            ("text", "html") | (_, "xhtml+xml") if seen != Self::Json => Self::Html,
            (_, s) if s == "xml" || s.ends_with("+xml") => Self::Html,
            ("text", "event-stream") => Self::Fields,
            ("text", "javascript" | "css") | (_, "javascript" | "jwt" | "jose") => Self::Text,
            ("image" | "audio" | "video" | "font", _) => Self::Binary,
            (_, "zip" | "gzip" | "pdf" | "wasm" | "grpc" | "protobuf" | "x-protobuf") => Self::Binary,
            ("text", _) if matches!(seen, Self::Binary | Self::Form) => Self::Text,
            _ => seen,
        }
    }

    /// Whether each line stands alone, so that earlier ones say nothing of the place of what follows.
    pub const fn is_lines(&self) -> bool {
        matches!(self, Self::Json | Self::Fields)
    }

    /// Whether a body of that `Content-Type` goes on as long as there is something to say: server-sent events, JSON
    /// lines, parts that replace each other.
    pub fn streams(content_type: &[u8]) -> bool {
        const TYPES: [&[u8]; 11] = [
            b"text/event-stream",
            b"application/x-ndjson",
            b"application/ndjson",
            b"application/jsonl",
            b"application/x-jsonlines",
            b"application/json-seq",
            b"application/stream+json",
            b"application/x-json-stream",
            b"application/vnd.kubernetes.protobuf;stream=watch",
            b"multipart/x-mixed-replace",
            b"multipart/mixed",
        ];
        let starts = |t: &[u8]| content_type.get(..t.len()).is_some_and(|c| c.eq_ignore_ascii_case(t));
        TYPES.iter().any(|t| starts(t))
    }

    /// As records and tests name it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Multipart { .. } => "multipart",
            Self::Fields => "fields",
            Self::Html => "html",
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }

    /// From the first bytes alone.
    fn sniff(first: &[u8]) -> Self {
        let first = first.get(..512).unwrap_or(first);
        let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
        // What servers put before JSON so that it cannot be run as a script.
        let shields: [&[u8]; 5] = [b")]}',", b")]}'", b"while(1);", b"for(;;);", b"\x1e"];
        let text = shields.iter().find_map(|s| text.strip_prefix(*s)).unwrap_or(text).trim_ascii_start();
        let text = event_packet(text);
        let begins = |c: &[u8]| text.split_first().is_some_and(|(b, _)| c.contains(b));
        let pair = text.iter().position(|b| !(b.is_ascii_alphanumeric() || b"%+-_.*~[]$:".contains(b)));
        let value = |b: &u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(b);
        if begins(b"{[") || (begins(b"\"") && text.len() > 1) {
            Self::Json
        } else if is_stomp(text) {
            Self::Fields
        } else if begins(b"<") {
            Self::Html
        } else if let Some(boundary) = first_boundary(text) {
            Self::Multipart { boundary }
        } else if pair.is_some_and(|i| i > 0 && text.get(i) == Some(&b'='))
            && text.trim_ascii_end().iter().all(value)
        {
            Self::Form
        } else if first.iter().any(|&b| b < 9 || b == 127 || (14..27).contains(&b)) {
            Self::Binary
        } else {
            match std::str::from_utf8(first) {
                Err(e) if e.error_len().is_some() => Self::Binary,
                _ => Self::Text,
            }
        }
    }
}

/// What stands behind the type of an Engine.IO or Socket.IO packet and its namespace (`42/chat,["event",{}]`), where
/// that is JSON.
fn event_packet(text: &[u8]) -> &[u8] {
    let digits = text.iter().take(8).take_while(|b| b.is_ascii_digit()).count();
    let rest = text.get(digits..).unwrap_or_default();
    let comma = rest.starts_with(b"/").then(|| memchr::memchr(b',', rest)).flatten();
    let rest = rest.get(comma.map_or(0, |at| at + 1)..).unwrap_or_default();
    if digits > 0 && rest.first().is_some_and(|b| b"{[".contains(b)) { rest } else { text }
}

/// Names places in one body. It runs forward over the body and resumes for later hits, so that all hits of a body
/// together cost one pass; a hit before the last one makes it start again.
#[derive(Debug)]
pub struct Locator {
    walk: Walk,
    form: BodyFormat,
}

#[derive(Debug)]
enum Walk {
    Json(JsonWalk),
    /// Where the current pair starts, and how far `&` was looked for.
    Form(usize, usize),
    Multipart(PartWalk),
    Fields(FieldWalk),
    Nothing,
}

/// A walk over lines of fields: where it is, where the line begins, and the JSON in it.
#[derive(Debug, Default)]
struct FieldWalk {
    at: usize,
    line: usize,
    json: Option<JsonWalk>,
}

impl FieldWalk {
    /// The field, in lower case; for `data` of an event, or without a field, the path in the JSON that is there.
    fn name_at(&mut self, body: &[u8], offset: usize) -> Option<Box<str>> {
        let passed = body.get(self.at..offset)?;
        if let Some(end) = memchr::memrchr(b'\n', passed) {
            self.line = self.at + end + 1;
            self.json = None;
        }
        self.at = offset;
        let line = body.get(self.line..offset)?;
        let field = line.get(..memchr::memchr(b':', line).unwrap_or(0))?;
        let known = field.iter().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b));
        if !field.is_empty() && known && field != b"data" {
            let name = String::from_utf8_lossy(field).to_ascii_lowercase();
            return label(&name).map(Into::into);
        }
        let start = self.line + if field == b"data" { 5 } else { 0 };
        let value = body.get(start..offset)?.trim_ascii_start();
        if !event_packet(value).starts_with(b"{") && !event_packet(value).starts_with(b"[") {
            return None;
        }
        let walk = self.json.get_or_insert_with(|| JsonWalk::starting(start));
        while walk.advance(body, offset).is_some() {}
        walk.path(body)
    }
}

/// The first frame of a client or server of STOMP (STOMP 1.2).
fn is_stomp(text: &[u8]) -> bool {
    const COMMANDS: [&[u8]; 7] =
        [b"CONNECT", b"STOMP", b"CONNECTED", b"SEND", b"SUBSCRIBE", b"MESSAGE", b"ERROR"];
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end();
    line.len() < text.len() && COMMANDS.contains(&line)
}

impl Locator {
    /// A locator for a body of that format.
    pub fn new(format: &BodyFormat) -> Self {
        Self { walk: Walk::new(format), form: format.clone() }
    }

    /// The name of the place of the byte at `offset`: `body` is what is there of the body from its first byte, and
    /// may be longer at the next call. JSON: the full path (`$.data[0].token`; for a member name that of its
    /// object); form: the parameter; multipart: the part; else, past the depth bound, and where the name itself may
    /// not be shown: `None`.
    pub fn name_at(&mut self, body: &[u8], offset: usize) -> Option<Box<str>> {
        if offset > body.len() {
            return None;
        }
        if offset < self.walk.at() {
            self.walk = Walk::new(&self.form);
        }
        match &mut self.walk {
            Walk::Json(walk) => {
                while walk.advance(body, offset).is_some() {}
                walk.path(body)
            }
            Walk::Form(start, at) => {
                let passed = body.get(*at..offset)?;
                if let Some(and) = memchr::memrchr(b'&', passed) {
                    *start = *at + and + 1;
                }
                *at = offset;
                let pair = body.get(*start..offset)?;
                let name = pair.get(..memchr::memchr(b'=', pair)?)?;
                label(&form_decode(name.trim_ascii_start())).map(Into::into)
            }
            Walk::Multipart(walk) => walk.name_at(body, offset),
            Walk::Fields(walk) => walk.name_at(body, offset),
            Walk::Nothing => None,
        }
    }
}

impl Walk {
    fn new(format: &BodyFormat) -> Self {
        match format {
            BodyFormat::Json => Self::Json(JsonWalk::default()),
            BodyFormat::Form => Self::Form(0, 0),
            BodyFormat::Multipart { boundary } => Self::Multipart(PartWalk::new(boundary)),
            BodyFormat::Fields => Self::Fields(FieldWalk::default()),
            BodyFormat::Html | BodyFormat::Text | BodyFormat::Binary => Self::Nothing,
        }
    }

    const fn at(&self) -> usize {
        match self {
            Self::Json(walk) => walk.at(),
            Self::Form(_, at) => *at,
            Self::Multipart(walk) => walk.at(),
            Self::Fields(walk) => walk.at,
            Self::Nothing => 0,
        }
    }
}

/// Names and values of a form body, decoded.
pub fn form_fields(body: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    params(Raw::new(body)).map(|Param { name, value }| {
        // A bare word is a name without a value in a form.
        if name.bytes.is_empty() && value.at == name.at {
            (form_decode(value.bytes), Cow::Borrowed(""))
        } else {
            (form_decode(name.bytes), form_decode(value.bytes))
        }
    })
}

#[doc(hidden)]
/// Reads arbitrary bytes as every kind of part.
pub fn fuzz_part(data: &[u8]) {
    use super::{Authorization, SetCookie, cookies, json_members, multipart_fields};
    super::fuzz_content(data);
    let line = data.split(|&b| b == b'\n').next().unwrap_or_default();
    let format = BodyFormat::tell(Some(line), data);
    for format in [
        format,
        BodyFormat::Json,
        BodyFormat::Form,
        BodyFormat::Fields,
        BodyFormat::Multipart { boundary: b"x"[..].into() },
    ] {
        let mut locator = Locator::new(&format);
        for offset in [data.len() / 3, data.len() / 2, data.len(), 0] {
            let _ = locator.name_at(data, offset);
        }
    }
    json_members(data, 100, &mut |_| ());
    let _ = form_fields(data).count();
    let _ = multipart_fields(data, b"x").count();
    let _ = cookies(data).count();
    let _ = SetCookie::parse(data);
    let _ = Authorization::parse(data).and_then(|a| a.basic());
    let _ = super::path_template(data);
    let target = super::Target::parse(data);
    let _ = target.query_params().chain(target.fragment_params()).chain(target.matrix_params()).count();
    if let Some(host) = target.host {
        let host = super::host_of(host.bytes);
        let _ = (super::registrable_domain(&host).len(), super::is_ip_literal(&host));
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
