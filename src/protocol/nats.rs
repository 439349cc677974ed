//! NATS on any port: what CONNECT logs in with, headers and payloads of messages. Text of the protocol: nats.io, "Client
//! Protocol".

use super::gate::Gate;
use super::line::{line, word};
use super::payload::Payload;
use super::reader::{field, offset};
use super::sasl::bearer;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, Disclosed, ExchangeId, Field, Location, json_members};

/// NATS.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "nats", probe, open: || Box::new(Units::new(Nats::default())), upgrade: None };

/// Members of CONNECT that are looked at: it has some twenty.
const MEMBERS: usize = 64;
/// Headers of one message that are believed to be a block of their own.
const HEADERS: usize = 32 << 10;

/// Either side begins with JSON behind its command.
fn probe(bytes: &[u8]) -> Verdict {
    for (command, dir) in [(&b"INFO {"[..], Direction::Response), (b"CONNECT {", Direction::Request)] {
        let n = command.len().min(bytes.len());
        if bytes[..n].eq_ignore_ascii_case(&command[..n]) {
            return if n == command.len() { Verdict::Yes(Some(dir)) } else { Verdict::More };
        }
    }
    Verdict::No
}

#[derive(Default)]
struct Nats {
    gate: Gate,
    halves: [Half; 2],
    /// The client has spoken.
    spoke: bool,
}

#[derive(Default)]
struct Half {
    /// A message whose headers come next, and its payload behind them: bytes of both.
    next: Option<(usize, u64)>,
    payload: Payload,
    /// Behind a payload stands the end of a line.
    ends: bool,
}

impl Grammar for Nats {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.gate.passes(dir, bytes, at, &PROTOCOL, out) {
            return Ok(Step::Read(bytes.len()));
        }
        let half = &mut self.halves[dir.index()];
        if half.payload.is_open() {
            return Ok(Step::Read(half.payload.push(dir, bytes, at, out)));
        }
        if let Some((headers, len)) = half.next {
            let Some(block) = bytes.get(..headers) else { return Ok(Step::Need(headers)) };
            half.payload = Payload::new(message(dir, block, at, out), len, dir, out);
            half.ends = true;
            half.next = None;
            if headers > 0 {
                return Ok(Step::Read(headers));
            }
            return self.step(dir, bytes, at, out);
        }
        if half.ends {
            return match bytes {
                [b'\r', b'\n', ..] => {
                    half.ends = false;
                    Ok(Step::Read(2))
                }
                [b'\r'] => Ok(Step::Need(2)),
                _ => Err(BAD),
            };
        }
        let Some((text, n)) = line(bytes) else { return Ok(Step::LINE) };
        self.line(dir, text, at, out)?;
        Ok(Step::Read(n))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let payload = &mut self.halves[dir.index()].payload;
        self.gate.skips(dir, len, out) || payload.is_open() && payload.skip(dir, len, out)
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        half.payload.cut(dir, out);
        *half = Half::default();
        self.gate.settle(None, out);
    }

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        let verbs: [&[u8]; 7] = [b"PUB ", b"HPUB ", b"MSG ", b"HMSG ", b"SUB ", b"PING\r", b"PONG\r"];
        verbs.iter().any(|verb| bytes.starts_with(verb))
    }
}

const BAD: Malformed = Malformed("nats_bad_line");

impl Nats {
    fn line(&mut self, dir: Direction, text: &[u8], at: u64, out: &mut Out<'_>) -> Result<(), Malformed> {
        let (verb, rest) = word(text);
        let rest_at = at + u64::from(offset(text, rest));
        let location = if dir == Direction::Request { Location::Command } else { Location::Reply };
        match verb.to_ascii_uppercase().as_slice() {
            b"CONNECT" if dir == Direction::Request => self.connect(rest, rest_at, out),
            b"INFO" if dir == Direction::Response => {
                let has = |member: &str| memchr::memmem::find(rest, member.as_bytes()).is_some();
                if !self.spoke && (has("\"tls_available\":true") || has("\"tls_required\":true")) {
                    self.gate.offer();
                    // A client that takes it just begins.
                    self.gate.ask();
                }
                out.say(dir, location, rest_at, rest);
            }
            b"PUB" | b"MSG" => self.next(dir, rest, false)?,
            b"HPUB" | b"HMSG" => self.next(dir, rest, true)?,
            b"-ERR" => {
                self.gate.settle(Some(false), out);
                out.say(dir, location, rest_at, rest);
            }
            b"+OK" | b"PONG" | b"PING" => {
                if dir == Direction::Response && verb != b"PING" {
                    self.gate.settle(Some(true), out);
                }
            }
            b"SUB" | b"UNSUB" => out.say(dir, location, rest_at, rest),
            _ => return Err(BAD),
        }
        self.spoke |= dir == Direction::Request;
        Ok(())
    }

    /// The arguments of a message: behind the subject and others, the bytes of headers, and of headers and payload.
    fn next(&mut self, dir: Direction, rest: &[u8], headers: bool) -> Result<(), Malformed> {
        let words: Vec<_> = rest.split(|b| *b == b' ').filter(|w| !w.is_empty()).take(8).collect();
        let number = |at: usize| -> Option<u64> {
            std::str::from_utf8(words.get(words.len().checked_sub(at)?)?).ok()?.parse().ok()
        };
        let all = number(1).ok_or(BAD)?;
        let block = if headers { number(2).ok_or(BAD)? } else { 0 };
        let len = all.checked_sub(block).ok_or(BAD)?;
        if block > HEADERS as u64 {
            return Err(BAD);
        }
        self.halves[dir.index()].next = Some((block as usize, len));
        Ok(())
    }

    /// The JSON of CONNECT.
    fn connect(&mut self, json: &[u8], at: u64, out: &mut Out<'_>) {
        out.say(Direction::Request, Location::Connect, at, json);
        let (mut token, mut password, mut proof) = (None, None, false);
        json_members(json, MEMBERS, &mut |m| match &*m.name {
            "jwt" | "auth_token" if !m.value.is_empty() => token = Some((m.value.to_string(), m.at)),
            "pass" if !m.value.is_empty() => password = Some((m.value.to_string(), m.at)),
            "sig" => proof = true,
            _ => {}
        });
        let (mechanism, disclosed) = match (&token, &password) {
            (Some((token, _)), _) => ("token", bearer(token.as_bytes(), out)),
            (None, Some((password, _))) => ("password", out.disclosed(password.as_bytes())),
            (None, None) if proof => ("nkey", Disclosed::Nothing),
            (None, None) => return,
        };
        let ahead = token.or(password).map_or(0, |(_, at)| at as u64);
        self.gate.login(mechanism, disclosed, at + ahead, out);
    }
}

/// A message; its headers are those of HTTP behind a line with a version.
fn message(dir: Direction, block: &[u8], at: u64, out: &mut Out<'_>) -> ExchangeId {
    let mut fields: Vec<Field<'_>> = Vec::new();
    for line in block.split(|b| *b == b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(colon) = memchr::memchr(b':', line) {
            fields.push(field(block, &line[..colon], line[colon + 1..].trim_ascii()));
        }
    }
    out.open(dir, (Location::Publish, Location::Header), at, &fields)
}
