//! Kafka on any port: how clients log in, and the records that they write and read. Text of the protocol: Apache Kafka, "Protocol guide";
//! KIP-43, KIP-152 and KIP-255 for SASL.

mod batch;
mod blank;
mod older;
mod snappy;

use super::gate::Gate;
use super::reader::{Reader, offset};
use super::sasl::Coding;
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::limits;
use crate::message::{Direction, Location};
use batch::Batches;
use std::collections::VecDeque;

/// Kafka.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "kafka", probe, open: || Box::new(Units::new(Kafka::default())), upgrade: None };

/// Kinds of request ("API keys").
const PRODUCE: u16 = 0;
const FETCH: u16 = 1;
const METADATA: u16 = 3;
const SASL_HANDSHAKE: u16 = 17;
const API_VERSIONS: u16 = 18;
const SASL_AUTHENTICATE: u16 = 36;
/// The highest ones that are believed.
const KINDS: u16 = 100;
const VERSIONS: u16 = 20;
/// Longest request or response; brokers take 100 MiB (`socket.request.max.bytes`).
const MESSAGE: u32 = 128 << 20;
/// Size, kind, version, correlation ID, length of the client's name.
const HEAD: usize = 14;
/// Longest name of a client.
const CLIENT: u16 = 255;
/// Requests of one connection that wait for their answer; clients have five.
const WAITING: usize = 1024;
/// Requests that came before the first one that was seen.
const EARLIER: u32 = 1 << 24;

/// A first request: its kind tells most, since a client asks for versions or topics, or logs in.
fn probe(bytes: &[u8]) -> Verdict {
    // Each field as far as it is there: none of what comes before is likely in another protocol.
    if bytes.first().is_some_and(|b| *b != 0) {
        return Verdict::No;
    }
    let Some(request) = Request::read(bytes) else {
        let short = |at: usize, most: u16| {
            bytes.get(at).is_none_or(|high| *high == 0)
                && bytes.get(at + 1).is_none_or(|low| u16::from(*low) <= most)
        };
        return if bytes.len() < HEAD
            && short(4, KINDS)
            && short(6, VERSIONS)
            && bytes.get(8).is_none_or(|b| *b == 0)
        {
            Verdict::More
        } else {
            Verdict::No
        };
    };
    let first = matches!(request.kind, METADATA | SASL_HANDSHAKE | API_VERSIONS | SASL_AUTHENTICATE);
    if !request.is_sane() || !first && request.client.is_none_or(|len| len == 0) {
        return Verdict::No;
    }
    match request.client {
        Some(len) if bytes.len() < HEAD + usize::from(len) && bytes.len() < limits::PROBE_BYTES => {
            Verdict::More
        }
        _ => Verdict::Yes(Some(Direction::Request)),
    }
}

/// The fixed part of a request's header.
struct Request<'a> {
    size: u32,
    kind: u16,
    version: u16,
    correlation: u32,
    /// Length of the client's name; none where it has none.
    client: Option<u16>,
    /// What is there of the name and the rest.
    rest: &'a [u8],
}

impl<'a> Request<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut r = Reader(bytes);
        let (size, kind, version, correlation, client) = (r.u32()?, r.u16()?, r.u16()?, r.u32()?, r.u16()?);
        Some(Self {
            size,
            kind,
            version,
            correlation,
            client: (client != u16::MAX).then_some(client),
            rest: r.0,
        })
    }

    fn is_sane(&self) -> bool {
        let client = self.client.unwrap_or(0);
        let name = self.rest.get(..self.rest.len().min(client.into())).unwrap_or_default();
        (10 + u32::from(client)..=MESSAGE).contains(&self.size)
            && self.kind <= KINDS
            && self.version <= VERSIONS
            && self.correlation <= EARLIER
            && client <= CLIENT
            && name.iter().all(|b| b.is_ascii_graphic() || *b == b' ')
    }

    /// Whether header and body are in the later form, with numbers of any length and tags (KIP-482), for those that are read.
    fn flexible(&self) -> bool {
        match self.kind {
            SASL_AUTHENTICATE => self.version >= 2,
            PRODUCE | METADATA => self.version >= 9,
            FETCH => self.version >= 12,
            API_VERSIONS => self.version >= 3,
            _ => false,
        }
    }
}

#[derive(Default)]
struct Kafka {
    gate: Gate,
    /// Requests that wait for their answer.
    waiting: VecDeque<Waiting>,
    /// What comes of the message in progress, if it has records.
    records: [Option<(u64, Batches)>; 2],
    /// Messages of SASL come without a header of Kafka (after version 0 of the handshake).
    bare: bool,
}

#[derive(Clone, Copy)]
struct Waiting {
    correlation: u32,
    kind: u16,
    version: u16,
    flexible: bool,
}

const BAD: Malformed = Malformed("kafka_bad_message");

impl Grammar for Kafka {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        if let Some((left, batches)) = &mut self.records[dir.index()] {
            let n = (*left).min(bytes.len() as u64) as usize;
            *left -= n as u64;
            batches.push(dir, &bytes[..n], at, out);
            if *left == 0
                && let Some((_, batches)) = self.records[dir.index()].take()
            {
                batches.finish(dir, true, out);
            }
            return Ok(Step::Read(n));
        }
        let Some(size) = bytes.first_chunk::<4>() else { return Ok(Step::Need(4)) };
        let size = u32::from_be_bytes(*size);
        if size > MESSAGE {
            return Err(BAD);
        }
        let all = 4 + size as usize;
        if self.bare && self.sasl(dir, bytes, all, at, out) {
            return Ok(if bytes.len() < all { Step::Need(all) } else { Step::Read(all) });
        }
        match dir {
            Direction::Request => self.request(bytes, all, at, out),
            Direction::Response => self.response(bytes, all, at, out),
        }
    }

    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        match &mut self.records[dir.index()] {
            Some((left, batches)) if *left > len => {
                *left -= len;
                batches.hole(dir, len, out);
                true
            }
            _ => false,
        }
    }

    fn lose(&mut self, dir: Direction, out: &mut Out<'_>) {
        if let Some((_, batches)) = self.records[dir.index()].take() {
            batches.finish(dir, false, out);
        }
        self.gate.settle(None, out);
    }

    fn resumes(&self, dir: Direction, bytes: &[u8]) -> bool {
        match (dir, Request::read(bytes)) {
            (Direction::Request, Some(request)) => request.is_sane(),
            (Direction::Response, Some(request)) => {
                let answered = (u32::from(request.kind) << 16) | u32::from(request.version);
                request.size <= MESSAGE && self.waiting.iter().any(|w| w.correlation == answered)
            }
            (_, None) => false,
        }
    }
}

impl Kafka {
    fn request(&mut self, bytes: &[u8], all: usize, at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let Some(request) = Request::read(bytes) else {
            return if all < HEAD { Err(BAD) } else { Ok(Step::Need(HEAD)) };
        };
        if !request.is_sane() {
            return Err(BAD);
        }
        let head = HEAD + usize::from(request.client.unwrap_or(0));
        let large = all > limits::UNIT_BYTES;
        if bytes.len() < if large || request.kind == PRODUCE { head } else { all } {
            return Ok(Step::Need(if large || request.kind == PRODUCE { head } else { all }));
        }
        let Request { kind, version, correlation, .. } = request;
        if self.waiting.len() >= WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { correlation, kind, version, flexible: request.flexible() });
        if large || kind == PRODUCE {
            return Ok(self.bulk(Direction::Request, head, all, out));
        }
        let body = bytes.get(head..all).unwrap_or_default();
        let body_at = at + head as u64;
        match kind {
            SASL_HANDSHAKE => {
                let mechanism = Reader(body).vec16().ok_or(BAD)?;
                self.gate.sasl(mechanism, out);
            }
            SASL_AUTHENTICATE => {
                // Behind a header of the later form stand its tags, none.
                let flexible = request.flexible();
                let message =
                    bytes_of(body.get(usize::from(flexible)..).unwrap_or_default(), flexible).ok_or(BAD)?;
                self.gate.response(message, body_at + u64::from(offset(body, message)), Coding::Raw, out);
            }
            _ => out.say(Direction::Request, Location::Command, body_at, body),
        }
        Ok(Step::Read(all))
    }

    fn response(&mut self, bytes: &[u8], all: usize, at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let mut r = Reader(bytes.get(4..).unwrap_or_default());
        let Some(correlation) = r.u32() else { return if all < 8 { Err(BAD) } else { Ok(Step::Need(8)) } };
        // Answers come in order; a producer may want none.
        let which = self.waiting.iter().position(|w| w.correlation == correlation);
        let asked = which.and_then(|i| self.waiting.get(i).copied());
        let records = all > limits::UNIT_BYTES || asked.is_none_or(|w| w.kind == FETCH);
        if !records && bytes.len() < all {
            return Ok(Step::Need(all));
        }
        self.waiting.drain(..which.map_or(0, |i| i + 1));
        if records {
            return Ok(self.bulk(Direction::Response, 8, all, out));
        }
        let body = bytes.get(8..all).unwrap_or_default();
        let Some(asked) = asked else { return Ok(Step::Read(all)) };
        match asked.kind {
            SASL_HANDSHAKE => {
                if Reader(body).u16() == Some(0) {
                    self.bare = asked.version == 0;
                } else {
                    self.gate.settle(Some(false), out);
                }
            }
            SASL_AUTHENTICATE => self.outcome(body, asked.flexible, out),
            _ => out.say(Direction::Response, Location::Reply, at + 8, body),
        }
        Ok(Step::Read(all))
    }

    /// A message with records, or one that is too long to be read as a whole: what stands behind its head is looked at as it comes.
    fn bulk(&mut self, dir: Direction, head: usize, all: usize, out: &mut Out<'_>) -> Step {
        let left = (all - head.min(all)) as u64;
        if left > 0 {
            self.records[dir.index()] = Some((left, Batches::new(dir, out)));
        }
        Step::Read(head.min(all))
    }

    /// The answer to SaslAuthenticate: an error, and what the server says.
    fn outcome(&mut self, body: &[u8], flexible: bool, out: &mut Out<'_>) {
        let mut r = Reader(body);
        if flexible {
            r.u8();
        }
        let Some(error) = r.u16() else { return };
        if error != 0 {
            return self.gate.settle(Some(false), out);
        }
        // The text of the error, of which there is none here.
        let text = if flexible {
            unsigned(&mut r).map(|n| n.saturating_sub(1))
        } else {
            r.u16().map(|n| if n == u16::MAX { 0 } else { n.into() })
        };
        let said = text
            .and_then(|len| r.take(usize::try_from(len).ok()?))
            .and_then(|_| bytes_of(r.0, flexible))
            .unwrap_or_default();
        // SCRAM goes on until the server proves itself (RFC 5802 section 5.1); OAUTHBEARER has an error in JSON.
        if said.is_empty() || said.starts_with(b"v=") {
            self.gate.settle(Some(true), out);
        }
    }

    /// A message of SASL behind nothing but its length. False if it is a request again.
    fn sasl(&mut self, dir: Direction, bytes: &[u8], all: usize, at: u64, out: &mut Out<'_>) -> bool {
        let request = Request::read(bytes).is_some_and(|r| r.is_sane() && r.kind != PRODUCE);
        if dir == Direction::Request && request || all > limits::UNIT_BYTES {
            self.bare = false;
            self.gate.settle(Some(true), out);
            return false;
        }
        let Some(message) = bytes.get(4..all) else { return true };
        if dir == Direction::Request {
            self.gate.response(message, at + 4, Coding::Raw, out);
        } else {
            out.say(dir, Location::Sasl, at + 4, message);
        }
        true
    }
}

/// Bytes behind their length: four bytes, or a number of any length that is greater by one (KIP-482).
fn bytes_of(body: &[u8], flexible: bool) -> Option<&[u8]> {
    let mut r = Reader(body);
    let len = if flexible {
        unsigned(&mut r)?.saturating_sub(1)
    } else {
        r.u32().filter(|len| *len != u32::MAX).unwrap_or(0).into()
    };
    r.take(usize::try_from(len).ok()?)
}

/// A number in groups of seven bits, the lowest first.
fn unsigned(r: &mut Reader<'_>) -> Option<u64> {
    let mut value = 0;
    for i in 0..10 {
        let byte = r.u8()?;
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
