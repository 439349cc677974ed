//! QUIC (RFC 9000, RFC 9369, drafts): Initial packets are opened with the keys that everyone can derive, for the hellos
//! in them; everything else is counted.

mod keys;
#[cfg(test)]
mod tests;

use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::pieces::Pieces;
use super::reader::Reader;
use super::tls::{Hellos, Messages};
use super::{TlsEvent, Verdict};
use crate::limits;
use crate::message::Direction;
use keys::{InitialKeys, Version};

/// QUIC.
pub(super) const PROTOCOL: DatagramProtocol =
    DatagramProtocol { name: "quic", probe, open: || Box::new(Quic::default()) };

/// Longest connection ID (RFC 9000 section 17.2).
const ID: usize = 20;

/// A long header (RFC 9000 section 17.2), and the packet that it begins.
struct Long<'a> {
    version: Version,
    destination: &'a [u8],
    /// An Initial packet: all of it, and where its number stands.
    initial: Option<(&'a [u8], usize)>,
    /// What follows in the datagram.
    rest: &'a [u8],
}

impl<'a> Long<'a> {
    /// `None` if there is no long header of a version that is known.
    fn parse(datagram: &'a [u8]) -> Option<Self> {
        let mut r = Reader(datagram);
        let first = r.u8()?;
        let version = Version::of(r.u32()?)?;
        let (destination, source) = (r.vec8()?, r.vec8()?);
        if first & 0x80 == 0 || destination.len() > ID || source.len() > ID {
            return None;
        }
        let kind = first >> 4 & 3;
        let (initial, retry) = if version.second { (1, 0) } else { (0, 3) };
        let mut long = Self { version, destination, initial: None, rest: &[] };
        if kind == retry {
            return Some(long);
        }
        if kind == initial {
            let token = r.varint()?;
            r.take(usize::try_from(token).ok()?)?;
        }
        let len = usize::try_from(r.varint()?).ok()?;
        let number_at = datagram.len() - r.0.len();
        // A datagram may be cut by the snap length; then nothing of the packet can be checked.
        let Some((packet, rest)) = datagram.split_at_checked(number_at.checked_add(len)?) else {
            return Some(long);
        };
        long.rest = rest;
        long.initial = (kind == initial).then_some((packet, number_at));
        Some(long)
    }
}

fn probe(datagram: &[u8]) -> Verdict {
    let Some(long) = Long::parse(datagram) else { return Verdict::No };
    let opened = long.initial.and_then(|(packet, number_at)| {
        InitialKeys::new(long.version, long.destination).open(Direction::Request, packet, number_at)
    });
    Verdict::Yes(opened.map(|_| Direction::Request))
}

#[derive(Default)]
struct Quic {
    keys: Option<InitialKeys>,
    /// Initial packets that were opened, or tried.
    tried: u8,
    handshake: [Handshake; 2],
    hellos: Hellos,
    /// A packet with a short header was seen.
    established: bool,
}

/// One direction of the handshake.
#[derive(Default)]
struct Handshake {
    pieces: Pieces,
    /// Bytes of it that were read.
    read: usize,
    messages: Messages,
}

impl DatagramDissector for Quic {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        let mut rest = bytes;
        while let Some(long) = Long::parse(rest) {
            if let Some((packet, number_at)) = long.initial {
                self.initial(dir, &long, packet, number_at, out);
            }
            rest = long.rest;
        }
        if !self.established && rest.first().is_some_and(|b| b & 0xc0 == 0x40) {
            self.established = true;
            out.tls(TlsEvent::Established);
        }
        out.encrypted(bytes.len());
    }
}

impl Quic {
    fn initial(
        &mut self,
        dir: Direction,
        long: &Long<'_>,
        packet: &[u8],
        number_at: usize,
        out: &mut DatagramOut<'_>,
    ) {
        if self.hellos.has(dir) {
            return;
        }
        if self.tried >= limits::QUIC_INITIALS {
            return;
        }
        self.tried += 1;
        if self.tried == limits::QUIC_INITIALS {
            out.weird("quic_initials_limit");
        }
        let mut payload = self.keys.as_ref().and_then(|k| k.open(dir, packet, number_at));
        // After a Retry the client derives its keys anew (RFC 9001 section 5.2); a new connection may have the same ends.
        let known = self.keys.as_ref().is_some_and(|k| k.id == long.destination);
        if payload.is_none() && dir == Direction::Request && !known {
            let keys = InitialKeys::new(long.version, long.destination);
            payload = keys.open(dir, packet, number_at);
            if payload.is_some() {
                self.keys = Some(keys);
            }
        }
        let Some(payload) = payload else { return };
        let handshake = &mut self.handshake[dir.index()];
        if !frames(&payload, &mut handshake.pieces) {
            out.weird("quic_crypto_limit");
        }
        let ready = handshake.pieces.prefix();
        let fresh = ready.get(handshake.read..).unwrap_or_default();
        handshake.read = ready.len();
        handshake.messages.push(fresh, Hellos::wanted, |message| {
            self.hellos.message(dir, message, &mut |event| out.learned(event));
        });
        if self.hellos.has(dir) {
            *handshake = Handshake::default();
        }
    }
}

/// Puts the CRYPTO frames of an Initial packet (RFC 9000 section 19.6) to the others; `false` if a bound left one out.
fn frames(payload: &[u8], pieces: &mut Pieces) -> bool {
    let mut r = Reader(payload);
    let mut fits = true;
    let mut frame = || -> Option<()> {
        match r.varint()? {
            // PADDING, PING.
            0 | 1 => {}
            // ACK, with and without ECN counts.
            kind @ (2 | 3) => {
                r.varint()?;
                r.varint()?;
                let ranges = r.varint()?;
                r.varint()?;
                for _ in 0..ranges {
                    r.varint()?;
                    r.varint()?;
                }
                for _ in 0..if kind == 3 { 3 } else { 0 } {
                    r.varint()?;
                }
            }
            // Google's T050 and T051 number it 8.
            6 | 8 => {
                let (offset, len) = (r.varint()?, r.varint()?);
                fits &= pieces.insert(offset, r.take(usize::try_from(len).ok()?)?);
            }
            _ => return None,
        }
        Some(())
    };
    while frame().is_some() {}
    fits
}
