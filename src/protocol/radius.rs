//! RADIUS over UDP (RFC 2865, 2866, 5176) on any port: attributes, of which longer values are spread over several.

use super::composed::Composed;
use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::reader::{Reader, offset};
use super::{Out, Verdict};
use crate::message::{Direction, Field, Location};

/// RADIUS.
pub(super) const DATAGRAMS: DatagramProtocol =
    DatagramProtocol { name: "radius", probe, open: || Box::new(Radius) };

/// Code, identifier, length, authenticator (RFC 2865 section 3).
const HEADER: usize = 20;
/// Longest packet.
const PACKET: usize = 4096;
/// Type of what vendors add (section 5.26).
const VENDOR: u8 = 26;

fn probe(bytes: &[u8]) -> Verdict {
    let dir = match bytes.first() {
        // Access, accounting, status, disconnecting and changing: requests, and their answers.
        Some(1 | 4 | 12 | 40 | 43) => Direction::Request,
        Some(2 | 3 | 5 | 11 | 13 | 41 | 42 | 44 | 45) => Direction::Response,
        _ => return Verdict::No,
    };
    if attributes(bytes).is_some_and(|all| !all.is_empty()) { Verdict::Yes(Some(dir)) } else { Verdict::No }
}

/// The attributes of a packet: type and value. `None` if it is malformed.
fn attributes(packet: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let length = usize::from(u16::from_be_bytes(*packet.get(2..4)?.first_chunk()?));
    if !(HEADER..=PACKET).contains(&length) || length != packet.len() {
        return None;
    }
    let mut r = Reader(packet.get(HEADER..)?);
    let mut all = Vec::new();
    while !r.0.is_empty() {
        let (kind, length) = (r.u8()?, r.u8()?);
        let value = r.take(usize::from(length.checked_sub(2)?))?;
        if kind == 0 {
            return None;
        }
        all.push((kind, value));
    }
    Some(all)
}

struct Radius;

impl DatagramDissector for Radius {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        let Some(all) = attributes(bytes) else { return out.unknown(dir, bytes) };
        out.speak(|out| {
            for same in all.chunk_by(|a, b| a.0 == b.0 && vendor(a) == vendor(b)) {
                tell(dir, bytes, same, out);
            }
        });
    }
}

/// Whose attribute it is, and which of them, where a vendor has one in it.
fn vendor((kind, value): &(u8, &[u8])) -> Option<[u8; 5]> {
    if *kind != VENDOR {
        return None;
    }
    let length = usize::from(*value.get(5)?);
    (length == value.len() - 4).then(|| value.first_chunk().copied()).flatten()
}

/// Says attributes of the same type: by themselves where they are short, else as one value.
fn tell(dir: Direction, packet: &[u8], same: &[(u8, &[u8])], out: &mut Out<'_>) {
    let name = name(same.first().map_or(0, |a| a.0));
    let inner = |a: &(u8, _), value| if vendor(&(a.0, value)).is_some() { &value[6..] } else { value };
    let mut text = Composed::default();
    for (i, attribute) in same.iter().enumerate() {
        let value: &[u8] = inner(attribute, attribute.1);
        text.add(value, out.trail(dir), u64::from(offset(packet, value)));
        // One that is not full is the last of its value.
        if i + 1 == same.len() || value.len() + 8 < usize::from(u8::MAX) {
            let value = std::mem::take(&mut text);
            value.speak(dir, out, |value, out| {
                let field = Field { name: name.as_bytes(), value, at: 0 };
                out.tell(dir, Location::Attribute, 0, &[field]);
            });
        }
    }
}

/// What attributes that hold text are called (RFC 2865 section 5, RFC 2869, RFC 4372).
fn name(kind: u8) -> &'static str {
    match kind {
        1 => "user-name",
        11 => "filter-id",
        18 => "reply-message",
        24 => "state",
        25 => "class",
        VENDOR => "vendor-specific",
        30 => "called-station-id",
        31 => "calling-station-id",
        32 => "nas-identifier",
        33 => "proxy-state",
        44 => "acct-session-id",
        79 => "eap-message",
        89 => "chargeable-user-identity",
        _ => "attribute",
    }
}
