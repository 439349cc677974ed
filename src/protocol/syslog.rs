//! Syslog over UDP and TCP, on any port: RFC 5424, and what came before it (RFC 3164); RFC 6587 says how it is framed in TCP.

use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::line::word;
use super::reader::{field, offset};
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, End, Field, Location};

/// Syslog over TCP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "syslog", probe: probe_stream, open: || Box::new(Units::new(Stream)), upgrade: None };

/// Syslog over UDP.
pub(super) const DATAGRAMS: DatagramProtocol =
    DatagramProtocol { name: "syslog", probe, open: || Box::new(Datagrams) };

/// Parameters of one message that are looked at.
const PARAMETERS: usize = 256;
const MONTHS: [&[u8]; 12] = [
    b"Jan ", b"Feb ", b"Mar ", b"Apr ", b"May ", b"Jun ", b"Jul ", b"Aug ", b"Sep ", b"Oct ", b"Nov ",
    b"Dec ",
];

/// The priority in angle brackets that every message begins with, and what follows it.
fn priority(text: &[u8]) -> Option<&[u8]> {
    let digits = text.strip_prefix(b"<")?;
    let end = digits.iter().take(4).position(|b| *b == b'>')?;
    let number: u16 = std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()?;
    (number <= 191 && (end == 1 || digits[0] != b'0')).then(|| &digits[end + 1..])
}

fn probe(bytes: &[u8]) -> Verdict {
    let text = priority(bytes).is_some_and(|rest| {
        rest.len() > 2 && rest.iter().take(16).all(|b| matches!(b, b'\t' | b' '..=0x7e | 0x80..))
    });
    if text { Verdict::Yes(Some(Direction::Request)) } else { Verdict::No }
}

/// A stream begins with a message, or its length (RFC 6587 section 3.4): here it must show a version or a time.
fn probe_stream(bytes: &[u8]) -> Verdict {
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits > 5 {
        return Verdict::No;
    }
    let rest = match bytes.get(digits) {
        None => return Verdict::More,
        Some(b' ') if digits > 0 => bytes.get(digits + 1..).unwrap_or_default(),
        Some(b'<') if digits == 0 => bytes,
        Some(_) => return Verdict::No,
    };
    if rest.len() < 10 && rest.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
        return if rest.is_empty() || rest[0] == b'<' { Verdict::More } else { Verdict::No };
    }
    let Some(rest) = priority(rest) else { return Verdict::No };
    let dated =
        rest.get(..4).is_some_and(|year| year.iter().all(u8::is_ascii_digit)) && rest.get(4) == Some(&b'-');
    if dated || rest.starts_with(b"1 ") || MONTHS.iter().any(|m| rest.starts_with(m)) {
        Verdict::Yes(Some(Direction::Request))
    } else {
        Verdict::No
    }
}

struct Datagrams;

impl DatagramDissector for Datagrams {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        out.speak(|out| message(dir, bytes, 0, out));
    }
}

struct Stream;

impl Grammar for Stream {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let digits = bytes.iter().take(6).take_while(|b| b.is_ascii_digit()).count();
        match bytes.get(digits) {
            None if digits < 6 => return Ok(Step::Need(digits + 1)),
            Some(b' ') if digits > 0 => {
                let length = std::str::from_utf8(&bytes[..digits]).ok().and_then(|n| n.parse::<usize>().ok());
                let all = digits + 1 + length.ok_or(Malformed("syslog_bad_frame"))?;
                let Some(text) = bytes.get(digits + 1..all) else { return Ok(Step::Need(all)) };
                message(dir, text, at + digits as u64 + 1, out);
                return Ok(Step::Read(all));
            }
            _ => {}
        }
        let Some(end) = memchr::memchr(b'\n', bytes) else { return Ok(Step::LINE) };
        message(dir, &bytes[..end], at, out);
        Ok(Step::Read(end + 1))
    }

    fn skip(&mut self, _: Direction, _: u64, _: &mut Out<'_>) -> bool {
        false
    }

    fn lose(&mut self, _: Direction, _: &mut Out<'_>) {}

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        probe_stream(bytes) != Verdict::No
    }
}

/// One message: what is named in it, and its text.
fn message(dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) {
    let mut fields = Vec::new();
    let text = match priority(bytes) {
        Some(rest) => match rest.strip_prefix(b"1 ") {
            Some(rest) => structured(bytes, rest, &mut fields),
            None => traditional(bytes, rest, &mut fields),
        },
        None => bytes,
    };
    // What a message of JSON begins with by the convention of CEE.
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"@cee:").unwrap_or(text).trim_ascii_start();
    if text.is_empty() && fields.is_empty() {
        return;
    }
    let id = out.open(dir, (Location::Log, Location::Log), at, &fields);
    if !text.is_empty() {
        out.body(id, dir, at + u64::from(offset(bytes, text)), text);
    }
    out.end(id, dir, End::Complete);
}

/// The header and the structured data of RFC 5424 sections 6.2 and 6.3; returns the text behind them.
fn structured<'a>(whole: &'a [u8], rest: &'a [u8], fields: &mut Vec<Field<'a>>) -> &'a [u8] {
    let mut rest = rest;
    for name in [&b"timestamp"[..], b"hostname", b"app-name", b"procid", b"msgid"] {
        let (value, more) = word(rest);
        if value.is_empty() {
            return rest;
        }
        if value != b"-" {
            fields.push(field(whole, name, value));
        }
        rest = more;
    }
    if let Some(text) = rest.strip_prefix(b"-") {
        return text.strip_prefix(b" ").unwrap_or(text);
    }
    while let Some(element) = rest.strip_prefix(b"[") {
        let mut inside = element;
        // The name of the element, then its parameters.
        inside = &inside[inside.iter().take_while(|b| !matches!(b, b' ' | b']')).count()..];
        while let Some(parameter) = inside.strip_prefix(b" ") {
            let Some(equals) = parameter.iter().position(|b| *b == b'=') else { return rest };
            let Some(value) = parameter.get(equals + 1..).and_then(|v| v.strip_prefix(b"\"")) else {
                return rest;
            };
            let Some(end) = quoted(value) else { return rest };
            if fields.len() < PARAMETERS {
                fields.push(field(whole, &parameter[..equals], &value[..end]));
            }
            inside = &value[end + 1..];
        }
        let Some(after) = inside.strip_prefix(b"]") else { return rest };
        rest = after;
    }
    rest
}

/// Where a value ends: a quotation mark that is not escaped (section 6.3.3).
fn quoted(value: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', value.get(from..)?)?;
        if value[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

/// The older form (RFC 3164 section 4.1): behind time, host and program, at the first colon that ends a word, comes the text.
fn traditional<'a>(whole: &'a [u8], rest: &'a [u8], fields: &mut Vec<Field<'a>>) -> &'a [u8] {
    let head = rest.get(..128).unwrap_or(rest);
    let Some(at) = memchr::memmem::find(head, b": ") else { return rest };
    fields.push(field(whole, b"", &rest[..at]));
    &rest[at + 2..]
}
