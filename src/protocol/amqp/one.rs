//! Frames of AMQP 1.0 (part 2): SASL, and the messages that transfers carry.

use super::value::Value;
use super::{BAD, Messages};
use crate::limits;
use crate::message::{Direction, Field, Location};
use crate::protocol::gate::Gate;
use crate::protocol::payload::Payload;
use crate::protocol::reader::{Reader, field, offset};
use crate::protocol::sasl::Coding;
use crate::protocol::units::Step;
use crate::protocol::{Malformed, Out};

/// Size, offset of the body, type, channel.
const HEAD: usize = 8;
/// Performatives (section 2.7, section 5.3.3).
const TRANSFER: u64 = 0x14;
const SASL_INIT: u64 = 0x41;
const SASL_RESPONSE: u64 = 0x43;
const SASL_OUTCOME: u64 = 0x44;
/// Sections of a message (section 3.2).
const PROPERTIES: u64 = 0x73;
const DATA: u64 = 0x75;
const VALUE: u64 = 0x77;
/// What the properties are called (section 3.2.4), as far as they are text.
const NAMES: [&[u8]; 13] = [
    b"message-id",
    b"user-id",
    b"to",
    b"subject",
    b"reply-to",
    b"correlation-id",
    b"content-type",
    b"content-encoding",
    b"",
    b"",
    b"group-id",
    b"",
    b"reply-to-group-id",
];

#[derive(Default)]
pub(super) struct One {
    pub(super) gate: Gate,
    halves: [Half; 2],
}

/// One direction.
#[derive(Default)]
struct Half {
    /// The body of a frame that is too long to be read.
    passing: Payload,
    messages: Messages,
}

/// Whether a frame begins with these bytes.
pub(super) fn is_frame(bytes: &[u8]) -> bool {
    match bytes {
        [0, _, _, size, 2, 0 | 1, _, _, rest @ ..] => {
            rest.is_empty() && *size == 8 || matches!(rest, [0, 0x53 | 0x80, ..])
        }
        _ => false,
    }
}

impl One {
    /// Whether a frame is in progress.
    pub(super) fn is_inside(&self, dir: Direction) -> bool {
        self.halves[dir.index()].passing.is_open()
    }

    pub(super) fn step(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        at: u64,
        out: &mut Out<'_>,
    ) -> Result<Step, Malformed> {
        let passing = &mut self.halves[dir.index()].passing;
        if passing.is_open() {
            return Ok(Step::Read(passing.push(dir, bytes, at, out)));
        }
        let Some(head) = bytes.first_chunk::<HEAD>() else { return Ok(Step::Need(HEAD)) };
        let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let body = usize::from(head[4]) * 4;
        if size < body || body < HEAD || head[5] > 1 {
            return Err(BAD);
        }
        if size > limits::UNIT_BYTES {
            let id = out.open(dir, (Location::Publish, Location::Property), at, &[]);
            *passing = Payload::new(id, (size - HEAD) as u64, dir, out);
            return Ok(Step::Read(HEAD));
        }
        let Some(frame) = bytes.get(body..size) else { return Ok(Step::Need(size)) };
        let channel = u16::from_be_bytes([head[6], head[7]]);
        // An empty frame keeps the connection alive.
        if !frame.is_empty() {
            self.frame(dir, channel, frame, at + body as u64, out).ok_or(BAD)?;
        }
        Ok(Step::Read(size))
    }

    pub(super) fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        let passing = &mut self.halves[dir.index()].passing;
        passing.is_open() && passing.skip(dir, len, out)
    }

    pub(super) fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        half.passing.cut(dir, out);
        half.messages.cut_all(dir, out);
        self.gate.settle(None, out);
    }

    /// A performative, and what it carries. `None` if it is malformed.
    fn frame(
        &mut self,
        dir: Direction,
        channel: u16,
        frame: &[u8],
        at: u64,
        out: &mut Out<'_>,
    ) -> Option<()> {
        let mut r = Reader(frame);
        let performative = Value::read(&mut r)?;
        let arguments = performative.elements();
        let argument = |n: usize| arguments.get(n).filter(|a| a.is_text()).map_or(&b""[..], |a| a.bytes);
        let place = |part: &[u8]| at + u64::from(offset(frame, part));
        match (performative.kind?, dir) {
            (SASL_INIT, Direction::Request) => {
                self.gate.sasl(argument(0), out);
                self.gate.response(argument(1), place(argument(1)), Coding::Raw, out);
            }
            (SASL_RESPONSE, Direction::Request) => {
                self.gate.response(argument(0), place(argument(0)), Coding::Raw, out);
            }
            (SASL_OUTCOME, Direction::Response) => {
                self.gate.settle(arguments.first().and_then(Value::number).map(|code| code == 0), out);
            }
            (TRANSFER, _) => {
                let handle = arguments.first().and_then(Value::number).unwrap_or(0);
                let more = arguments.get(5).is_some_and(Value::is_true);
                let key = u64::from(channel) << 32 | handle & 0xffff_ffff;
                self.transfer(dir, key, more, (r.0, at + u64::from(offset(frame, r.0))), out);
            }
            // Properties of a connection, filters, conditions.
            _ => {
                let location = if dir == Direction::Request { Location::Command } else { Location::Reply };
                out.say(dir, location, place(performative.bytes), performative.bytes);
            }
        }
        Some(())
    }

    /// A part of a message, or the whole.
    fn transfer(
        &mut self,
        dir: Direction,
        key: u64,
        more: bool,
        (payload, at): (&[u8], u64),
        out: &mut Out<'_>,
    ) {
        let messages = &mut self.halves[dir.index()].messages;
        if messages.get(key).is_some() {
            messages.body(key, dir, at, payload, out);
        } else {
            let place = |part: &[u8]| at + u64::from(offset(payload, part));
            let (fields, bodies) = sections(payload);
            let id = out.open(dir, (Location::Publish, Location::Property), at, &fields);
            for body in bodies.iter().filter(|b| !b.is_empty()) {
                out.body(id, dir, place(body), body);
            }
            messages.begin(key, id, u64::MAX, dir, out);
        }
        if !more {
            messages.end(key, dir, out);
        }
    }
}

/// The sections of a message: properties of all kinds, and what the body consists of.
fn sections(payload: &[u8]) -> (Vec<Field<'_>>, Vec<&[u8]>) {
    let (mut fields, mut bodies) = (Vec::new(), Vec::new());
    let mut r = Reader(payload);
    while !r.0.is_empty() {
        let before = r.0;
        let Some(section) = Value::read(&mut r) else {
            // Not a section, or one that goes on in the next transfer.
            bodies.push(before);
            break;
        };
        match section.kind {
            Some(PROPERTIES) => {
                for (name, value) in NAMES.iter().zip(section.elements()) {
                    if value.is_text() && !name.is_empty() {
                        fields.push(field(payload, name, value.bytes));
                    }
                }
            }
            Some(DATA) => bodies.push(section.bytes),
            Some(VALUE) if section.is_text() => bodies.push(section.bytes),
            _ if section.is_map() => section.fields(payload, &mut fields),
            _ => bodies.push(section.bytes),
        }
    }
    (fields, bodies)
}
