//! Frames of AMQP 0-9-1 (section 2.3): methods, content headers, content bodies.

use super::table::{entries, table};
use super::{BAD, Messages};
use crate::message::{Direction, Field, Location};
use crate::protocol::gate::Gate;
use crate::protocol::reader::{Reader, field, offset};
use crate::protocol::sasl::Coding;
use crate::protocol::units::Step;
use crate::protocol::{Malformed, Out};

const METHOD: u8 = 1;
const CONTENT: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
/// Type, channel and size; one byte ends a frame.
const HEAD: usize = 7;
const END: u8 = 0xce;

/// Methods of the class `connection` (section 1.4), by number, and the class.
const CONNECTION: u16 = 10;
const START: u16 = 10;
const START_OK: u16 = 11;
const SECURE_OK: u16 = 21;
const TUNE: u16 = 30;
const CLOSE: u16 = 50;
/// An extension of RabbitMQ, for tokens that are renewed.
const UPDATE_SECRET: u16 = 70;
/// What content headers of the class `basic` may hold (section 1.8), from the highest flag on; those without a name are no text.
const PROPERTIES: [Property; 14] = [
    Property::Text(b"content-type"),
    Property::Text(b"content-encoding"),
    Property::Table,
    Property::Bytes(1),
    Property::Bytes(1),
    Property::Text(b"correlation-id"),
    Property::Text(b"reply-to"),
    Property::Text(b"expiration"),
    Property::Text(b"message-id"),
    Property::Bytes(8),
    Property::Text(b"type"),
    Property::Text(b"user-id"),
    Property::Text(b"app-id"),
    Property::Text(b"cluster-id"),
];

#[derive(Clone, Copy)]
enum Property {
    Text(&'static [u8]),
    Table,
    Bytes(usize),
}

#[derive(Default)]
pub(super) struct Classic {
    gate: Gate,
    halves: [Half; 2],
}

/// One direction.
#[derive(Default)]
struct Half {
    /// The channel of the body frame in progress, and its bytes that are to come.
    body: Option<(u16, u64)>,
    /// The end of a frame is due.
    ends: bool,
    messages: Messages,
}

/// Whether a frame begins with these bytes.
pub(super) fn is_frame(bytes: &[u8]) -> bool {
    let Some(head) = bytes.first_chunk::<HEAD>() else { return false };
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let end = bytes.get(HEAD + size).is_none_or(|end| *end == END);
    matches!(head[0], METHOD | CONTENT | BODY | HEARTBEAT) && size < 1 << 24 && end
}

impl Classic {
    /// Whether a frame is in progress.
    pub(super) fn is_inside(&self, dir: Direction) -> bool {
        let half = &self.halves[dir.index()];
        half.body.is_some() || half.ends
    }

    pub(super) fn step(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        at: u64,
        out: &mut Out<'_>,
    ) -> Result<Step, Malformed> {
        let half = &mut self.halves[dir.index()];
        if let Some((channel, left)) = &mut half.body {
            let n = (*left).min(bytes.len() as u64) as usize;
            *left -= n as u64;
            half.messages.body(u64::from(*channel), dir, at, &bytes[..n], out);
            if *left == 0 {
                half.body = None;
                half.ends = true;
            }
            return Ok(Step::Read(n));
        }
        if half.ends {
            half.ends = false;
            return if bytes.first() == Some(&END) { Ok(Step::Read(1)) } else { Err(BAD) };
        }
        let mut r = Reader(bytes);
        let (Some(kind), Some(channel), Some(size)) = (r.u8(), r.u16(), r.u32()) else {
            return Ok(Step::Need(HEAD));
        };
        if !matches!(kind, METHOD | CONTENT | BODY | HEARTBEAT) {
            return Err(BAD);
        }
        if kind == BODY {
            half.body = (size > 0).then_some((channel, size.into()));
            half.ends = size == 0;
            return Ok(Step::Read(HEAD));
        }
        let all = HEAD + size as usize + 1;
        let Some(payload) = bytes.get(HEAD..all - 1) else { return Ok(Step::Need(all)) };
        match bytes.get(all - 1) {
            None => return Ok(Step::Need(all)),
            Some(&END) => {}
            Some(_) => return Err(BAD),
        }
        let at = at + HEAD as u64;
        match kind {
            METHOD => self.method(dir, payload, at, out).ok_or(BAD)?,
            CONTENT => self.content(dir, channel, payload, at, out).ok_or(BAD)?,
            _ => {}
        }
        Ok(Step::Read(all))
    }

    pub(super) fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let half = &mut self.halves[dir.index()];
        match &mut half.body {
            Some((channel, left)) if *left >= len => {
                *left -= len;
                half.messages.hole(u64::from(*channel), dir, len, out);
                if *left == 0 {
                    half.body = None;
                    half.ends = true;
                }
                true
            }
            _ => false,
        }
    }

    pub(super) fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        half.messages.cut_all(dir, out);
        (half.body, half.ends) = (None, false);
        self.gate.settle(None, out);
    }

    /// A method and its arguments. `None` if it is malformed.
    fn method(&mut self, dir: Direction, payload: &[u8], at: u64, out: &mut Out<'_>) -> Option<()> {
        let mut r = Reader(payload);
        let (class, method) = (r.u16()?, r.u16()?);
        let location = if dir == Direction::Request { Location::Command } else { Location::Reply };
        let place = |part: &[u8]| at + u64::from(offset(payload, part));
        let mut fields = Vec::new();
        match (class, method, dir) {
            (CONNECTION, START, Direction::Response) => {
                r.u16()?;
                table(payload, &mut r, &mut fields)?;
                out.tell(dir, Location::Connect, at, &fields);
            }
            (CONNECTION, START_OK, Direction::Request) => {
                table(payload, &mut r, &mut fields)?;
                out.tell(dir, Location::Connect, at, &fields);
                let mechanism = r.vec8()?;
                let len = r.u32()?;
                let response = r.take(len as usize)?;
                if mechanism.eq_ignore_ascii_case(b"amqplain") {
                    self.amqplain(payload, response, at, out)?;
                } else {
                    self.gate.sasl(mechanism, out);
                    self.gate.response(response, place(response), Coding::Raw, out);
                }
            }
            (CONNECTION, SECURE_OK, Direction::Request) => {
                let len = r.u32()?;
                let response = r.take(len as usize)?;
                self.gate.response(response, place(response), Coding::Raw, out);
            }
            (CONNECTION, UPDATE_SECRET, Direction::Request) => {
                let len = r.u32()?;
                let secret = r.take(len as usize)?;
                out.connect(b"secret", place(secret), secret);
                self.gate.secret("update-secret", secret, place(secret), out);
                self.gate.settle(None, out);
            }
            _ => {
                if (class, dir) == (CONNECTION, Direction::Response) {
                    match method {
                        TUNE => self.gate.settle(Some(true), out),
                        CLOSE => self.gate.settle(Some(false), out),
                        _ => {}
                    }
                }
                out.say(dir, location, place(r.0), r.0);
            }
        }
        Some(())
    }

    /// AMQPLAIN, a mechanism of AMQP itself: a table with LOGIN and PASSWORD.
    fn amqplain(&mut self, payload: &[u8], response: &[u8], at: u64, out: &mut Out<'_>) -> Option<()> {
        let mut given = Vec::new();
        entries(payload, response, 2, &mut given)?;
        let password = given.iter().find(|f| f.name.eq_ignore_ascii_case(b"password"));
        if let Some(password) = password.filter(|p| !p.value.is_empty()) {
            out.tell(Direction::Request, Location::Sasl, at, &[Field { name: b"amqplain", ..*password }]);
            self.gate.secret("amqplain", password.value, at + u64::from(password.at), out);
        }
        Some(())
    }

    /// The header of a message: its length and properties (section 4.2.6.1).
    fn content(
        &mut self,
        dir: Direction,
        channel: u16,
        payload: &[u8],
        at: u64,
        out: &mut Out<'_>,
    ) -> Option<()> {
        let mut r = Reader(payload);
        r.u32()?;
        let len = u64::from_be_bytes(r.array()?);
        let flags = r.u16()?;
        // The last bit: more flags follow. No class has so many.
        if flags & 1 != 0 {
            return None;
        }
        let mut fields = Vec::new();
        for (i, property) in PROPERTIES.iter().enumerate() {
            if flags >> (15 - i) & 1 == 0 {
                continue;
            }
            match *property {
                Property::Text(name) => fields.push(field(payload, name, r.vec8()?)),
                Property::Table => table(payload, &mut r, &mut fields)?,
                Property::Bytes(n) => drop(r.take(n)?),
            }
        }
        let id = out.open(dir, (Location::Publish, Location::Property), at, &fields);
        self.halves[dir.index()].messages.begin(channel.into(), id, len, dir, out);
        Some(())
    }
}
