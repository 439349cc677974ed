//! LDAP (RFC 4511) on any port: simple binds and SASL, StartTLS, attributes of entries.

use super::ber::{Tlv, tlv};
use super::gate::Gate;
use super::reader::offset;
use super::sasl::Coding;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::limits;
use crate::message::{Direction, Field, Location};

/// LDAP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "ldap", probe, open: || Box::new(Units::new(Ldap::default())), upgrade: None };

/// Tags (RFC 4511 section 4.2 and on).
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIND_REQUEST: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const SEARCH_ENTRY: u8 = 0x64;
const ADD_REQUEST: u8 = 0x68;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
const SIMPLE: u8 = 0x80;
const SASL: u8 = 0xa3;

/// StartTLS (section 4.14).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
const SASL_IN_PROGRESS: u8 = 14;
/// Values of one message that are told by the names of their attributes.
const VALUES: usize = 1024;

/// A message: a sequence of a small number and an operation that a client begins with.
fn probe(bytes: &[u8]) -> Verdict {
    if bytes.first() != Some(&SEQUENCE) {
        return Verdict::No;
    }
    let Ok(Some((header, len))) = length(bytes) else {
        return if bytes.len() < 6 { Verdict::More } else { Verdict::No };
    };
    if !(5..=limits::UNIT_BYTES as u64).contains(&len) {
        return Verdict::No;
    }
    let inside = bytes.get(header..).unwrap_or_default();
    match inside {
        [INTEGER, n @ 1..=4, rest @ ..] => match rest.get(usize::from(*n)) {
            Some(&(BIND_REQUEST | EXTENDED_REQUEST)) => Verdict::Yes(Some(Direction::Request)),
            // A search of its scope and filter, or its like: only with the first message is it sure.
            Some(&0x63) if *n == 1 && matches!(rest[0], 1..=4) => Verdict::Yes(Some(Direction::Request)),
            Some(_) => Verdict::No,
            None => Verdict::More,
        },
        [] | [INTEGER] => Verdict::More,
        _ => Verdict::No,
    }
}

/// The length of tag and length, and that of what they announce.
fn length(bytes: &[u8]) -> Result<Option<(usize, u64)>, Malformed> {
    super::ber::length(bytes).map_err(|()| Malformed("ldap_bad_message"))
}

#[derive(Default)]
struct Ldap {
    gate: Gate,
    /// Bytes of a message that is too long to be read, which are passed on as they are.
    passing: [u64; 2],
}

impl Grammar for Ldap {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.gate.passes(dir, bytes, at, &PROTOCOL, out) {
            return Ok(Step::Read(bytes.len()));
        }
        let passing = &mut self.passing[dir.index()];
        if *passing > 0 {
            let n = (*passing).min(bytes.len() as u64);
            *passing -= n;
            out.opaque(dir, at, &bytes[..n as usize]);
            return Ok(Step::Read(n as usize));
        }
        if bytes.first() != Some(&SEQUENCE) {
            return Err(Malformed("ldap_bad_message"));
        }
        let Some((header, len)) = length(bytes)? else { return Ok(Step::Need(bytes.len() + 1)) };
        if len > limits::UNIT_BYTES as u64 - 16 {
            *passing = len;
            return Ok(Step::Read(header));
        }
        let all = header + len as usize;
        let Some(message) = bytes.get(header..all) else { return Ok(Step::Need(all)) };
        self.message(dir, message, at + header as u64, out).ok_or(Malformed("ldap_bad_message"))?;
        Ok(Step::Read(all))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let passing = &mut self.passing[dir.index()];
        if self.gate.skips(dir, len, out) {
            return true;
        }
        let fits = *passing >= len;
        *passing = passing.saturating_sub(len);
        fits
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.passing[dir.index()] = 0;
        self.gate.settle(None, out);
    }

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        let Ok(Some((header, len))) = super::ber::length(bytes) else { return false };
        let inside = bytes.get(header..).unwrap_or_default();
        let number = matches!(inside, [INTEGER, 1..=4, ..]);
        bytes.first() == Some(&SEQUENCE) && number && len < 1 << 24
    }
}

impl Ldap {
    /// A message without its own tag. `None` if it is malformed.
    fn message(&mut self, dir: Direction, message: &[u8], at: u64, out: &mut Out<'_>) -> Option<()> {
        let mut rest = message;
        let number = tlv(&mut rest)?;
        let operation = tlv(&mut rest)?;
        if number.tag != INTEGER {
            return None;
        }
        let body = operation.value;
        let body_at = at + u64::from(offset(message, body));
        match (operation.tag, dir) {
            (BIND_REQUEST, Direction::Request) => self.bind(body, body_at, out)?,
            (BIND_RESPONSE, Direction::Response) => {
                let code = result(body)?;
                if code != SASL_IN_PROGRESS {
                    self.gate.settle(Some(code == 0), out);
                }
            }
            (EXTENDED_REQUEST, Direction::Request) => {
                let mut fields = body;
                if tlv(&mut fields)?.value == START_TLS {
                    self.gate.ask();
                } else {
                    out.say(dir, Location::Command, body_at, body);
                }
            }
            (EXTENDED_RESPONSE, Direction::Response) if self.gate.asked() => {
                self.gate.answer(result(body)? == 0, &PROTOCOL, out);
            }
            (SEARCH_ENTRY | ADD_REQUEST, _) => self.entry(dir, body, body_at, out)?,
            (_, Direction::Request) => out.say(dir, Location::Command, body_at, body),
            (_, Direction::Response) => out.say(dir, Location::Reply, body_at, body),
        }
        Some(())
    }

    /// BindRequest (section 4.2).
    fn bind(&mut self, body: &[u8], at: u64, out: &mut Out<'_>) -> Option<()> {
        let mut rest = body;
        let place = |part: &[u8]| at + u64::from(offset(body, part));
        tlv(&mut rest)?;
        let name = tlv(&mut rest)?.value;
        let how = tlv(&mut rest)?;
        match how.tag {
            SIMPLE => {
                out.connect(b"dn", place(name), name);
                // Without a password it is anonymous (section 5.1.2 of RFC 4513).
                if !how.value.is_empty() {
                    out.connect(b"password", place(how.value), how.value);
                    self.gate.secret("simple", how.value, place(how.value), out);
                }
            }
            SASL => {
                let mut sasl = how.value;
                let mechanism = tlv(&mut sasl)?.value;
                if !self.gate.in_sasl() {
                    self.gate.sasl(mechanism, out);
                }
                if let Some(message) = tlv(&mut sasl) {
                    self.gate.response(message.value, place(message.value), Coding::Raw, out);
                }
            }
            _ => {}
        }
        Some(())
    }

    /// An entry: its name, and attributes with their values (sections 4.5.2 and 4.7).
    fn entry(&mut self, dir: Direction, body: &[u8], at: u64, out: &mut Out<'_>) -> Option<()> {
        let mut rest = body;
        tlv(&mut rest)?;
        let mut attributes = tlv(&mut rest)?.value;
        let mut fields: Vec<Field<'_>> = Vec::new();
        while !attributes.is_empty() {
            let mut attribute = tlv(&mut attributes)?.value;
            let name = tlv(&mut attribute)?.value;
            let mut values = tlv(&mut attribute)?.value;
            while !values.is_empty() && fields.len() < VALUES {
                fields.push(super::reader::field(body, name, tlv(&mut values)?.value));
            }
            // A root entry that lists what the server can do (RFC 4512 section 5.1).
            let extension = name.eq_ignore_ascii_case(b"supportedExtension");
            if extension && fields.iter().any(|f| f.value == START_TLS) {
                self.gate.offer();
            }
        }
        out.tell(dir, Location::Attribute, at, &fields);
        Some(())
    }
}

/// The code of a result (section 4.1.9).
fn result(body: &[u8]) -> Option<u8> {
    let mut rest = body;
    let Tlv { tag: 0x0a, value } = tlv(&mut rest)? else { return None };
    value.last().copied()
}
