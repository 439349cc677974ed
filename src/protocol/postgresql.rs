//! The frontend/backend protocol 3 of PostgreSQL on any port: SSLRequest, passwords, SASL, queries and rows. Text of the
//! protocol: PostgreSQL documentation, "Message Formats".

use super::gate::Gate;
use super::payload::Payload;
use super::reader::{Reader, field, offset};
use super::sasl::Coding;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, Disclosed, Field, Location};

/// PostgreSQL.
pub(super) const PROTOCOL: Protocol = Protocol {
    name: "postgresql",
    probe,
    open: || Box::new(Units::new(Postgresql::default())),
    upgrade: None,
};

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
/// Longest startup message (the server takes no more).
const STARTUP: u32 = 10_000;
/// Messages that are read as a whole are no longer than that.
const WHOLE: u32 = 60 << 10;

/// What a client begins with: a length, and a version or a request in the place of one.
fn probe(bytes: &[u8]) -> Verdict {
    match bytes {
        [0, 0, ..] => {
            let mut r = Reader(bytes);
            match (r.u32(), r.u32()) {
                (Some(8), Some(SSL_REQUEST | GSS_REQUEST)) | (Some(16), Some(CANCEL_REQUEST)) => {
                    Verdict::Yes(Some(Direction::Request))
                }
                (Some(9..=STARTUP), Some(version)) if version >> 16 == 3 && version & 0xffff < 16 => {
                    match r.u8() {
                        Some(b'a'..=b'z' | b'_') => Verdict::Yes(Some(Direction::Request)),
                        Some(_) => Verdict::No,
                        None => Verdict::More,
                    }
                }
                (Some(8..=STARTUP), None) => Verdict::More,
                (None, _) => Verdict::More,
                _ => Verdict::No,
            }
        }
        [0] => Verdict::More,
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Postgresql {
    gate: Gate,
    /// The client's startup message has come.
    started: bool,
    payloads: [Payload; 2],
    /// What the server asked for, of a client that is to log in.
    asks: Asks,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Asks {
    #[default]
    Nothing,
    Password,
    Md5,
    Sasl,
}

impl Grammar for Postgresql {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if self.gate.passes(dir, bytes, at, &PROTOCOL, out) {
            return Ok(Step::Read(bytes.len()));
        }
        let payload = &mut self.payloads[dir.index()];
        if payload.is_open() {
            return Ok(Step::Read(payload.push(dir, bytes, at, out)));
        }
        if dir == Direction::Response && self.gate.asked() {
            // One byte: it goes on encrypted, or not; an old server says that it does not know.
            let yes = matches!(bytes[0], b'S' | b'G');
            self.gate.answer(yes, &PROTOCOL, out);
            if bytes[0] != b'E' {
                return Ok(Step::Read(1));
            }
        }
        if dir == Direction::Request && !self.started {
            return self.startup(bytes, at, out);
        }
        let Some(&[kind, a, b, c, d]) = bytes.first_chunk::<5>() else { return Ok(Step::Need(5)) };
        let len = u32::from_be_bytes([a, b, c, d]);
        if !kind.is_ascii_alphanumeric() || !(4..=1 << 30).contains(&len) {
            return Err(BAD);
        }
        let whole = matches!(
            (kind, dir),
            (b'p' | b'B', Direction::Request) | (b'R' | b'E' | b'D', Direction::Response)
        );
        if !whole || len > WHOLE {
            let location = if dir == Direction::Request { Location::Command } else { Location::Reply };
            let id = out.open(dir, (location, location), at, &[]);
            self.payloads[dir.index()] = Payload::new(id, u64::from(len - 4), dir, out);
            return Ok(Step::Read(5));
        }
        let all = 1 + len as usize;
        let Some(body) = bytes.get(5..all) else { return Ok(Step::Need(all)) };
        let body_at = at + 5;
        match kind {
            b'p' => self.password(body, body_at, out).ok_or(BAD)?,
            b'R' => self.authentication(body, out).ok_or(BAD)?,
            b'D' | b'B' => values(dir, body, body_at, out),
            _ => {
                self.gate.settle(Some(false), out);
                out.say(dir, Location::Reply, body_at, body);
            }
        }
        Ok(Step::Read(all))
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let payload = &mut self.payloads[dir.index()];
        self.gate.skips(dir, len, out) || payload.is_open() && payload.skip(dir, len, out)
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.payloads[dir.index()].cut(dir, out);
        self.started = true;
        self.gate.settle(None, out);
    }

    /// Messages fill the segment, or the last one goes on behind it.
    fn resumes(&self, dir: Direction, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while let Some(&[kind, a, b, c, d]) = rest.first_chunk::<5>() {
            let known = match dir {
                Direction::Request => b"BCDEFHPQSXcdfp".contains(&kind),
                Direction::Response => b"123ACDEGHINRSTVWZcdnstKv".contains(&kind),
            };
            let len = u32::from_be_bytes([a, b, c, d]) as usize;
            if !known || !(4..1 << 24).contains(&len) {
                return false;
            }
            match rest.get(1 + len..) {
                Some(next) => rest = next,
                None => return true,
            }
        }
        rest.len() < bytes.len()
    }
}

const BAD: Malformed = Malformed("postgresql_bad_message");

impl Postgresql {
    /// The first message of a client, which has no type.
    fn startup(&mut self, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let mut r = Reader(bytes);
        let (Some(len), Some(code)) = (r.u32(), r.u32()) else { return Ok(Step::Need(8)) };
        if !(8..=STARTUP).contains(&len) {
            return Err(BAD);
        }
        let Some(body) = bytes.get(8..len as usize) else { return Ok(Step::Need(len as usize)) };
        match code {
            SSL_REQUEST | GSS_REQUEST => self.gate.ask(),
            CANCEL_REQUEST => self.started = true,
            _ if code >> 16 == 3 => {
                self.started = true;
                let words: Vec<_> = body.split(|b| *b == 0).take(64).collect();
                let pairs = words.as_chunks::<2>().0;
                let fields: Vec<Field<'_>> = pairs
                    .iter()
                    .filter(|[name, value]| !name.is_empty() && !value.is_empty())
                    .map(|[name, value]| field(body, name, value))
                    .collect();
                out.tell(Direction::Request, Location::Connect, at + 8, &fields);
            }
            _ => return Err(BAD),
        }
        Ok(Step::Read(len as usize))
    }

    /// What the server asks for, or that it is content.
    fn authentication(&mut self, body: &[u8], out: &mut Out<'_>) -> Option<()> {
        let mut r = Reader(body);
        self.asks = match r.u32()? {
            0 => {
                self.gate.settle(Some(true), out);
                Asks::Nothing
            }
            3 => Asks::Password,
            5 => Asks::Md5,
            10 => Asks::Sasl,
            // A challenge, and the last word of the server.
            11 | 12 => self.asks,
            _ => Asks::Nothing,
        };
        Some(())
    }

    /// What the client answers. One that was not asked, as far as was seen, sends a password.
    fn password(&mut self, body: &[u8], at: u64, out: &mut Out<'_>) -> Option<()> {
        let text = body.strip_suffix(&[0]).unwrap_or(body);
        match self.asks {
            Asks::Md5 => self.gate.login("md5", Disclosed::Hash, at, out),
            Asks::Nothing | Asks::Password => {
                out.connect(b"password", at, text);
                self.gate.secret("password", text, at, out);
            }
            Asks::Sasl if self.gate.in_sasl() => self.gate.response(body, at, Coding::Raw, out),
            Asks::Sasl => {
                let end = memchr::memchr(0, body)?;
                let mut r = Reader(body.get(end + 1..)?);
                self.gate.sasl(&body[..end], out);
                // -1 says that there is no initial response.
                if r.u32()? != u32::MAX {
                    let place = at + u64::from(offset(body, r.0));
                    self.gate.response(r.0, place, Coding::Raw, out);
                }
            }
        }
        Some(())
    }
}

/// A value of fewer bytes holds no token.
const SHORT: usize = 16;

/// The values of a row (DataRow), or those that are bound to a statement (Bind): each is said by itself.
fn values(dir: Direction, body: &[u8], at: u64, out: &mut Out<'_>) {
    let location = if dir == Direction::Request { Location::Command } else { Location::Reply };
    let Some(values) = columns(dir, body) else { return out.say(dir, location, at, body) };
    for value in values.into_iter().filter(|v| v.len() >= SHORT) {
        out.say(dir, location, at + u64::from(offset(body, value)), value);
    }
}

fn columns(dir: Direction, body: &[u8]) -> Option<Vec<&[u8]>> {
    let mut r = Reader(body);
    if dir == Direction::Request {
        // The names of portal and statement, and the formats.
        for _ in 0..2 {
            r.take(memchr::memchr(0, r.0)? + 1)?;
        }
        let formats = r.u16()?;
        r.take(usize::from(formats) * 2)?;
    }
    let mut values = Vec::new();
    for _ in 0..r.u16()? {
        // -1 is no value.
        let len = r.u32()?;
        values.push(r.take(if len == u32::MAX { 0 } else { len as usize })?);
    }
    Some(values)
}
