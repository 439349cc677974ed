//! IMAP (RFC 9051) on any port: LOGIN, AUTHENTICATE, STARTTLS, and literals, which are mails for the most part.

use super::gate::Gate;
use super::line::{is_word, line, word};
use super::payload::Payload;
use super::reader::offset;
use super::sasl::Coding;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, Location};

/// IMAP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "imap", probe, open: || Box::new(Units::new(Imap::default())), upgrade: None };

/// Longest tag that is believed, and longest literal that is taken for a user's name or password.
const TAG: usize = 32;
const SECRET: u64 = 4096;

/// The greeting of a server, or a command of a client behind its tag.
fn probe(bytes: &[u8]) -> Verdict {
    match bytes.first() {
        Some(b'*') => {
            let greetings: [&[u8]; 4] = [b"* OK ", b"* OK\r", b"* PREAUTH ", b"* BYE "];
            if greetings.iter().any(|g| bytes.starts_with(g)) {
                Verdict::Yes(Some(Direction::Response))
            } else if greetings.iter().any(|g| g.starts_with(bytes)) {
                Verdict::More
            } else {
                Verdict::No
            }
        }
        Some(first) if first.is_ascii_alphanumeric() => {
            let tag = bytes.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            let Some(rest) = bytes.get(tag..).filter(|_| tag <= TAG) else { return Verdict::No };
            let digits = bytes[..tag].iter().any(u8::is_ascii_digit);
            match rest.split_first() {
                None => Verdict::More,
                Some((b' ', rest)) if digits => {
                    const NAMES: [&str; 4] = ["CAPABILITY", "LOGIN ", "AUTHENTICATE ", "STARTTLS"];
                    let is = |name: &str| {
                        let n = name.len().min(rest.len());
                        rest[..n].eq_ignore_ascii_case(&name.as_bytes()[..n]).then_some(n == name.len())
                    };
                    let said: Vec<_> = NAMES.iter().filter_map(|name| is(name)).collect();
                    match said.contains(&true) {
                        true => Verdict::Yes(Some(Direction::Request)),
                        false if said.is_empty() => Verdict::No,
                        false => Verdict::More,
                    }
                }
                Some(_) => Verdict::No,
            }
        }
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Imap {
    gate: Gate,
    literals: [Payload; 2],
    /// The line goes on behind a literal.
    goes_on: [bool; 2],
    /// What the client has said of its user's name and password so far, and the length of the literal that goes on with it.
    login: Option<(u8, Option<u64>)>,
    /// Tag of the command whose answer counts.
    tag: Vec<u8>,
}

impl Grammar for Imap {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.gate.passes(dir, bytes, at, &PROTOCOL, out) {
            return Ok(Step::Read(bytes.len()));
        }
        let literal = &mut self.literals[dir.index()];
        if literal.is_open() {
            return Ok(Step::Read(literal.push(dir, bytes, at, out)));
        }
        if let Some((nth, Some(len))) = self.login.filter(|_| dir == Direction::Request) {
            let Some(value) = bytes.get(..len as usize) else { return Ok(Step::Need(len as usize)) };
            self.argument(nth, value, at, out);
            self.login = Some((nth + 1, None));
            if len > 0 {
                return Ok(Step::Read(value.len()));
            }
        }
        let Some((text, n)) = line(bytes) else { return Ok(Step::LINE) };
        let goes_on = std::mem::take(&mut self.goes_on[dir.index()]);
        let next = at + n as u64;
        if dir == Direction::Request {
            self.command(text, at, goes_on, out);
        } else {
            self.answer(text, at, goes_on, out);
        }
        if let Some(len) = announced(text) {
            self.goes_on[dir.index()] = true;
            match &mut self.login {
                Some((_, literal)) if dir == Direction::Request && len <= SECRET => *literal = Some(len),
                _ => {
                    let id = out.open(dir, (Location::Mail, Location::Header), next, &[]);
                    self.literals[dir.index()] = Payload::new(id, len, dir, out);
                }
            }
        }
        Ok(Step::Read(n))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        self.gate.skips(dir, len, out) || self.literals[dir.index()].skip(dir, len, out)
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.literals[dir.index()].cut(dir, out);
        self.goes_on[dir.index()] = false;
        self.login = None;
        self.gate.settle(None, out);
    }

    fn resumes(&self, dir: Direction, bytes: &[u8]) -> bool {
        let tag = bytes.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        match dir {
            Direction::Request => {
                let verb = bytes.get(tag + 1..).unwrap_or_default();
                let verb = verb.iter().take_while(|b| b.is_ascii_alphabetic()).count();
                (1..=TAG).contains(&tag) && bytes.get(tag) == Some(&b' ') && verb >= 3
            }
            Direction::Response => {
                let tagged = bytes.get(tag..).unwrap_or_default();
                bytes.starts_with(b"* ")
                    || tag > 0 && (tagged.starts_with(b" OK ") || tagged.starts_with(b" NO "))
            }
        }
    }
}

/// The length of the literal that a line ends with: `{12}`, `{12+}` or `~{12}`.
fn announced(text: &[u8]) -> Option<u64> {
    let inside = text.strip_suffix(b"}")?;
    let inside = inside.strip_suffix(b"+").unwrap_or(inside);
    let open = memchr::memrchr(b'{', inside)?;
    std::str::from_utf8(inside.get(open + 1..)?).ok()?.parse().ok()
}

impl Imap {
    fn command(&mut self, text: &[u8], at: u64, goes_on: bool, out: &mut Out<'_>) {
        if goes_on {
            if let Some((nth, _)) = self.login {
                self.arguments(nth, text, text, at, out);
            } else {
                out.say(Direction::Request, Location::Command, at, text);
            }
            return;
        }
        if self.gate.in_sasl() {
            return self.gate.response(text, at, Coding::Base64, out);
        }
        let (tag, rest) = word(text);
        let (verb, rest) = word(rest);
        let rest_at = at + u64::from(offset(text, rest));
        match verb.to_ascii_uppercase().as_slice() {
            b"AUTHENTICATE" => {
                let (mechanism, initial) = word(rest);
                self.tag = tag.to_vec();
                self.gate.sasl(mechanism, out);
                if !initial.is_empty() {
                    let initial_at = at + u64::from(offset(text, initial));
                    self.gate.response(initial.trim_ascii_end(), initial_at, Coding::Base64, out);
                }
            }
            b"LOGIN" => {
                self.tag = tag.to_vec();
                self.arguments(0, rest, text, at, out);
            }
            b"STARTTLS" => {
                self.tag = tag.to_vec();
                self.gate.ask();
            }
            _ => out.say(Direction::Request, Location::Command, rest_at, rest),
        }
    }

    /// Arguments of LOGIN from number `nth` on, in `rest` of the line `text`: atoms or quoted strings.
    fn arguments(&mut self, mut nth: u8, rest: &[u8], text: &[u8], at: u64, out: &mut Out<'_>) {
        self.login = None;
        let mut rest = rest.trim_ascii_start();
        while !rest.is_empty() && nth < 2 {
            if announced(rest).is_some() && rest.starts_with(b"{") {
                self.login = Some((nth, None));
                return;
            }
            let (value, next) = match rest.strip_prefix(b"\"") {
                Some(inside) => {
                    let mut escaped = false;
                    let end = inside.iter().position(|b| {
                        let ends = *b == b'"' && !escaped;
                        escaped = *b == b'\\' && !escaped;
                        ends
                    });
                    let end = end.unwrap_or(inside.len());
                    (&inside[..end], inside.get(end + 1..).unwrap_or_default())
                }
                None => word(rest),
            };
            self.argument(nth, value, at + u64::from(offset(text, value)), out);
            nth += 1;
            rest = next.trim_ascii_start();
        }
    }

    /// The user's name, or the password.
    fn argument(&mut self, nth: u8, value: &[u8], at: u64, out: &mut Out<'_>) {
        if nth == 0 {
            out.connect(b"user", at, value);
        } else {
            out.connect(b"password", at, value);
            self.gate.secret("password", value, at, out);
        }
    }

    fn answer(&mut self, text: &[u8], at: u64, goes_on: bool, out: &mut Out<'_>) {
        let (tag, rest) = word(text);
        if !goes_on && tag == self.tag && (self.gate.waits() || self.gate.asked()) {
            let yes = word(rest).0.eq_ignore_ascii_case(b"OK");
            if self.gate.asked() {
                self.gate.answer(yes, &PROTOCOL, out);
            } else {
                self.gate.settle(Some(yes), out);
            }
        }
        if !goes_on && is_word(text.get(..1024).unwrap_or(text), "starttls") {
            self.gate.offer();
        }
        out.say(Direction::Response, Location::Reply, at, text);
    }
}
