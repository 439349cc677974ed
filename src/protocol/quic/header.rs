//! Headers of packets (RFC 9000 section 17), as far as they are in the clear.

use super::version::Version;
use crate::protocol::reader::Reader;

/// Longest connection ID (RFC 9000 section 17.2).
pub(super) const ID: usize = 20;

/// What protects a packet, and in which space its number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Initial,
    /// 0-RTT: its numbers are of the space of [`Level::Application`].
    Early,
    Handshake,
    /// 1-RTT: the only packets with a short header.
    Application,
}

/// A long header, and the packet that it begins.
pub(super) struct Long<'a> {
    pub(super) version: Version,
    pub(super) destination: &'a [u8],
    pub(super) source: &'a [u8],
    /// A packet that is not a Retry and not cut: what protects it, all of it, and where its number stands.
    pub(super) packet: Option<(Level, &'a [u8], usize)>,
    /// What follows in the datagram.
    pub(super) rest: &'a [u8],
}

impl<'a> Long<'a> {
    /// `None` if there is no long header of a version that is known.
    pub(super) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let mut r = Reader(datagram);
        let first = r.u8()?;
        // Most packets have a short header.
        if first & 0x80 == 0 {
            return None;
        }
        let version = Version::of(r.u32()?)?;
        let (destination, source) = (r.vec8()?, r.vec8()?);
        if destination.len() > ID || source.len() > ID {
            return None;
        }
        let kind = (first >> 4).wrapping_sub(u8::from(version.second)) & 3;
        let mut long = Self { version, destination, source, packet: None, rest: &[] };
        let level = match kind {
            0 => Level::Initial,
            1 => Level::Early,
            2 => Level::Handshake,
            // Retry: in version 2, number 0 (RFC 9369 section 3.2).
            _ => return Some(long),
        };
        if level == Level::Initial {
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
        long.packet = Some((level, packet, number_at));
        Some(long)
    }

    /// An Initial packet, and where its number stands.
    pub(super) fn initial(&self) -> Option<(&'a [u8], usize)> {
        self.packet.filter(|(level, ..)| *level == Level::Initial).map(|(_, packet, at)| (packet, at))
    }
}

/// Whether a packet has a short header (RFC 9000 section 17.3).
pub(super) fn is_short(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first & 0xc0 == 0x40)
}
