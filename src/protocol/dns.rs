//! DNS over UDP and TCP (RFC 1035), and multicast DNS (RFC 6762), on any port: tokens in names, which stand in labels of at
//! most 63 bytes, and in text records.

use super::composed::Composed;
use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::reader::{Reader, offset};
use super::units::{Grammar, Step, Units};
use super::{Malformed, Out, Protocol, Verdict};
use crate::limits;
use crate::message::{BASE64URL, Direction, Field, Location};
use ::base64::Engine as _;

/// DNS over TCP.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "dns", probe: probe_stream, open: || Box::new(Units::new(Stream)), upgrade: None };

/// DNS over UDP.
pub(super) const DATAGRAMS: DatagramProtocol =
    DatagramProtocol { name: "dns", probe, open: || Box::new(Datagrams) };

const HEADER: usize = 12;
/// Longest label and name (section 2.3.4), and the jumps that one may make to end.
const LABEL: usize = 63;
const NAME: usize = 255;
const JUMPS: usize = 32;
/// Longest message that a stream begins with: a query.
const FIRST: usize = 1280;
/// Records of one message that are looked at: a zone transfer is told record by record, in many messages.
const RECORDS: usize = 4096;

/// Types of records (section 3.2.2) that hold a name, and those that hold strings of text.
const NAMES: [u16; 5] = [2, 5, 12, 15, 39];
const TEXTS: [u16; 2] = [16, 99];
const ADDRESSES: [u16; 2] = [1, 28];

/// A whole message.
fn probe(bytes: &[u8]) -> Verdict {
    if !plausible(bytes) {
        return Verdict::No;
    }
    let mut seen = |_: Part<'_>| {};
    match walk(bytes, &mut seen) {
        Some(0) => Verdict::Yes(Some(direction(bytes))),
        _ => Verdict::No,
    }
}

/// A message behind its length (section 4.2.2); of a long one, the first question.
fn probe_stream(bytes: &[u8]) -> Verdict {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return if bytes.first().is_some_and(|b| usize::from(*b) > FIRST >> 8) {
            Verdict::No
        } else {
            Verdict::More
        };
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if !(HEADER + 5..=FIRST).contains(&length) {
        return Verdict::No;
    }
    if rest.len() < HEADER {
        // The flags, as far as they are there.
        let odd = rest.get(2).is_some_and(|b| b & 0x78 != 0) || rest.get(3).is_some_and(|b| b & 0x40 != 0);
        let counts = rest.get(4).is_some_and(|b| *b != 0) || rest.get(5).is_some_and(|b| *b != 1);
        return if odd || counts { Verdict::No } else { Verdict::More };
    }
    if !plausible(rest) {
        return Verdict::No;
    }
    if let Some(message) = rest.get(..length) {
        return probe(message);
    }
    // A long name: what came so far is enough.
    let undecided = || {
        if bytes.len() < limits::PROBE_BYTES { Verdict::More } else { Verdict::Yes(Some(direction(rest))) }
    };
    let mut r = Reader(rest.get(HEADER..).unwrap_or_default());
    loop {
        match r.u8() {
            Some(0) => break,
            Some(n @ 1..=63) => match r.take(n.into()) {
                Some(label) if label.iter().all(u8::is_ascii_graphic) => {}
                Some(_) => return Verdict::No,
                None => return undecided(),
            },
            Some(_) => return Verdict::No,
            None => return undecided(),
        }
    }
    match (r.u16(), r.u16()) {
        (Some(_), Some(class)) if classed(class) => Verdict::Yes(Some(direction(rest))),
        (Some(_), Some(_)) => Verdict::No,
        _ => undecided(),
    }
}

/// Whether a header (section 4.1.1) is one of a query or its answer.
fn plausible(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<HEADER>() else { return false };
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let [questions, answers, authorities, additional] = [4, 6, 8, 10].map(count);
    let query = header[2] & 0x80 == 0;
    let opcode = header[2] >> 3 & 0x0f;
    // The bit that was never given a meaning, and answers to a query that has none.
    header[3] & 0x40 == 0
        && opcode <= 5
        && (questions == 1 || opcode == 0 && questions <= 64 && questions.max(answers) > 0)
        && (!query || opcode == 5 || header[3] & 0x0f == 0)
        && [answers, authorities, additional].iter().all(|n| *n <= 512)
}

fn direction(bytes: &[u8]) -> Direction {
    if bytes.get(2).is_some_and(|b| b & 0x80 != 0) { Direction::Response } else { Direction::Request }
}

/// Internet, Chaos, Hesiod, none, any (section 3.2.4); the first bit is one of multicast DNS.
fn classed(class: u16) -> bool {
    matches!(class & 0x7fff, 1 | 3 | 4 | 254 | 255)
}

struct Datagrams;

impl DatagramDissector for Datagrams {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        if plausible(bytes) {
            out.speak(|out| tell(dir, bytes, 0, out));
        } else {
            out.unknown(dir, bytes);
        }
    }
}

struct Stream;

impl Grammar for Stream {
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed> {
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return Ok(Step::Need(2)) };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some(message) = rest.get(..length) else { return Ok(Step::Need(2 + length)) };
        if !plausible(message) {
            return Err(Malformed("dns_bad_message"));
        }
        tell(dir, message, at + 2, out);
        Ok(Step::Read(2 + length))
    }

    fn skip(&mut self, _: Direction, _: u64, _: &mut Out<'_>) -> bool {
        false
    }

    fn lose(&mut self, _: Direction, _: &mut Out<'_>) {}

    fn resumes(&self, _: Direction, bytes: &[u8]) -> bool {
        matches!(probe_stream(bytes), Verdict::Yes(_))
    }
}

/// What a message consists of, as far as it is looked at.
enum Part<'a> {
    /// A name: its labels.
    Name(Vec<&'a [u8]>),
    /// Strings of text that belong together.
    Text(Vec<&'a [u8]>),
    /// Anything else.
    Data(&'a [u8]),
}

/// Goes through a message. `None` if it is malformed or cut; else the bytes behind it.
fn walk<'a>(message: &'a [u8], seen: &mut impl FnMut(Part<'a>)) -> Option<usize> {
    let mut r = Reader(message);
    r.take(4)?;
    let counts = [r.u16()?, r.u16()?, r.u16()?, r.u16()?];
    for _ in 0..counts[0] {
        let labels = name(message, &mut r)?;
        r.u16()?;
        if !classed(r.u16()?) {
            return None;
        }
        seen(Part::Name(labels));
    }
    let records: usize = counts[1..].iter().map(|n| usize::from(*n)).sum();
    for _ in 0..records.min(RECORDS) {
        name(message, &mut r)?;
        let kind = r.u16()?;
        r.take(6)?;
        let data = r.vec16()?;
        let mut inside = Reader(data);
        match kind {
            kind if ADDRESSES.contains(&kind) => {}
            kind if NAMES.contains(&kind) => {
                if kind == 15 {
                    inside.u16()?;
                }
                seen(Part::Name(name(message, &mut inside)?));
            }
            kind if TEXTS.contains(&kind) => {
                let mut strings = Vec::new();
                while !inside.0.is_empty() {
                    strings.push(inside.vec8()?);
                }
                seen(Part::Text(strings));
            }
            _ => seen(Part::Data(data)),
        }
    }
    Some(r.0.len())
}

/// A name, whose end may stand somewhere before (section 4.1.4).
fn name<'a>(message: &'a [u8], r: &mut Reader<'a>) -> Option<Vec<&'a [u8]>> {
    let (mut labels, mut length, mut jumps) = (Vec::new(), 0, 0);
    let mut at = *r;
    loop {
        match at.u8()? {
            0 => break,
            n @ 1..=63 => {
                let label = at.take(n.into())?;
                length += 1 + label.len();
                labels.push(label);
            }
            high @ 0xc0.. => {
                let to = usize::from(high & 0x3f) << 8 | usize::from(at.u8()?);
                if jumps == 0 {
                    *r = at;
                }
                jumps += 1;
                at = Reader(message.get(to..)?);
            }
            _ => return None,
        }
        if length > NAME || jumps > JUMPS {
            return None;
        }
    }
    if jumps == 0 {
        *r = at;
    }
    Some(labels)
}

/// Says what in a message may hold a token.
fn tell(dir: Direction, message: &[u8], at: u64, out: &mut Out<'_>) {
    let mut parts = Vec::new();
    if walk(message, &mut |part| parts.push(part)).is_none() {
        out.weird("dns_bad_message");
        return out.say(dir, Location::Dns, at, message);
    }
    for part in parts {
        match part {
            Part::Name(labels) => {
                let token = token(&labels);
                if !token.is_empty() {
                    compose(dir, b"name", &token, message, at, out);
                }
            }
            Part::Text(strings) => {
                let pieces: Vec<_> = strings.iter().map(|s| (*s, false)).collect();
                compose(dir, b"txt", &pieces, message, at, out);
            }
            Part::Data(data) => out.say(dir, Location::Dns, at + u64::from(offset(message, data)), data),
        }
    }
}

/// The labels of a name that are a token, each with whether a dot stands before it. A part of the token that is too long for
/// a label fills several, of which all but the last have the same length.
fn token<'a>(labels: &[&'a [u8]]) -> Vec<(&'a [u8], bool)> {
    let Some(first) = labels.iter().position(|l| l.starts_with(b"eyJ")) else { return Vec::new() };
    let mut labels = labels.get(first..).unwrap_or_default().iter().copied();
    let (mut pieces, mut part, mut full, mut parts) = (Vec::new(), Vec::new(), 0, 0);
    // A header; of JWS, claims (RFC 7515 section 7.1). They end where their JSON does.
    let mut wanted = 3;
    for label in labels.by_ref() {
        pieces.push((label, part.is_empty() && parts > 0));
        // One label may be the whole part, and then says nothing of the others.
        full =
            if part.is_empty() { full } else { full.max(label.len()).max(pieces[pieces.len() - 2].0.len()) };
        part.extend_from_slice(label);
        let Ok(text) = BASE64URL.decode(&part) else { continue };
        if serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok() {
            part.clear();
            parts += 1;
            if parts == 1 && memchr::memmem::find(&text, b"\"enc\"").is_some() {
                wanted = 5;
            }
            if parts == 2 || wanted == 5 {
                break;
            }
        }
    }
    // What is no JSON: a part ends with a label that is not full.
    let full = if full == 0 { LABEL } else { full };
    let mut dot = true;
    for label in labels {
        if parts == 0 || parts == wanted {
            break;
        }
        pieces.push((label, dot));
        dot = label.len() != full;
        parts += usize::from(dot);
    }
    pieces
}

/// Says a text that stands in pieces.
fn compose(
    dir: Direction,
    name: &[u8],
    pieces: &[(&[u8], bool)],
    message: &[u8],
    at: u64,
    out: &mut Out<'_>,
) {
    let mut text = Composed::default();
    for (piece, dot) in pieces {
        let start = at + u64::from(offset(message, piece));
        if *dot {
            text.glue(b".", out.trail(dir).position(start));
        }
        text.add(piece, out.trail(dir), start);
    }
    text.speak(dir, out, |value, out| out.tell(dir, Location::Dns, 0, &[Field { name, value, at: 0 }]));
}
