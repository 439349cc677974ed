//! Frame headers of HTTP/2 (RFC 9113 section 4.1), and how to tell them from other bytes.

use crate::message::Direction;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
const HAS_PRIORITY: u8 = 0x20;

/// What a client sends first (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The header of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// Length of the payload.
    pub(super) len: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// The stream; 0 is the connection.
    pub(super) stream: u32,
    /// The reserved bit, which means nothing and is 0.
    reserved: bool,
}

impl Frame {
    /// Bytes of a header.
    pub(super) const SIZE: usize = 9;
    /// Longest payload unless the peer allows more (RFC 9113 section 6.5.2).
    const USUAL: u32 = 1 << 14;

    pub(super) fn parse([a, b, c, kind, flags, id @ ..]: [u8; Self::SIZE]) -> Self {
        let id = u32::from_be_bytes(id);
        Self {
            len: u32::from_be_bytes([0, a, b, c]),
            kind,
            flags,
            stream: id & 0x7fff_ffff,
            reserved: id >> 31 != 0,
        }
    }

    /// The header that `bytes` begin with.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().map(|header| Self::parse(*header))
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether a peer would take it (RFC 9113 section 6); of types that are not known, none of unusual length.
    pub(super) fn valid(&self) -> bool {
        let Self { len, stream, .. } = *self;
        match self.kind {
            DATA | HEADERS | CONTINUATION => stream != 0,
            PRIORITY => stream != 0 && len == 5,
            RST_STREAM => stream != 0 && len == 4,
            SETTINGS => stream == 0 && len.is_multiple_of(6) && (!self.has(ACK) || len == 0),
            PUSH_PROMISE => stream != 0 && len >= 4,
            PING => stream == 0 && len == 8,
            GOAWAY => stream == 0 && len >= 8,
            WINDOW_UPDATE => len == 4,
            _ => len <= Self::USUAL,
        }
    }

    /// Whether it would be there by chance once in many millions of bytes: nothing unusual in it.
    pub(super) fn likely(&self) -> bool {
        let flags = match self.kind {
            DATA => END_STREAM | PADDED,
            HEADERS => END_STREAM | END_HEADERS | PADDED | HAS_PRIORITY,
            PUSH_PROMISE => END_HEADERS | PADDED,
            CONTINUATION => END_HEADERS,
            SETTINGS | PING => ACK,
            PRIORITY | RST_STREAM | GOAWAY | WINDOW_UPDATE => 0,
            _ => return false,
        };
        self.valid()
            && !self.reserved
            && self.flags & !flags == 0
            && self.len <= Self::USUAL
            && self.stream < 1 << 24
    }
}

/// What a payload holds between its padding (RFC 9113 section 6.1): the range without pad length and padding, and
/// `skip` bytes more left out at its beginning. `None` if the padding is longer than the payload.
pub(super) fn unpad(frame: &Frame, payload: &[u8], skip: usize) -> Option<std::ops::Range<usize>> {
    let (start, pad) = if frame.has(PADDED) { (1, usize::from(*payload.first()?)) } else { (0, 0) };
    let skip = skip + if frame.kind == HEADERS && frame.has(HAS_PRIORITY) { 5 } else { 0 };
    let end = payload.len().checked_sub(pad)?;
    (start + skip <= end).then_some(start + skip..end)
}

/// Whether `bytes` begin with frames beyond doubt: two likely ones behind each other, or one of settings or with a
/// header block that begins as messages do. `None`: too few to tell.
pub(super) fn starts(bytes: &[u8]) -> Option<bool> {
    let Some(frame) = Frame::read(bytes) else {
        // Lengths below 2^16 and types below 10 are all that is likely.
        let possible =
            bytes.first().is_none_or(|b| *b == 0) && bytes.get(3).is_none_or(|b| *b <= CONTINUATION);
        return if possible { None } else { Some(false) };
    };
    if !frame.likely() {
        return Some(false);
    }
    let payload = bytes.get(Frame::SIZE..).unwrap_or_default();
    let (payload, next) = payload.split_at_checked(frame.len as usize).unwrap_or((payload, &[]));
    match Frame::read(next) {
        Some(next) => return Some(next.likely()),
        None if frame.kind == HEADERS && speaker(&frame, payload).is_some() => return Some(true),
        None if frame.kind == SETTINGS && frame.len > 0 && payload.len() == frame.len as usize => {
            // Identifiers that are defined, or reserved for grease (RFC 9113 section 6.5.2).
            let known = |s: &[u8]| s[0] == 0 && s[1] < 10 || s[0] & 15 == 10;
            return Some(next.is_empty() && payload.chunks_exact(6).all(known));
        }
        None => {}
    }
    if payload.len() < frame.len as usize || bytes.len() < crate::limits::PROBE_BYTES {
        None
    } else {
        Some(false)
    }
}

/// Whose header block this is, if its first field says so: `:method` and `:path` or `:status`.
pub(super) fn speaker(frame: &Frame, payload: &[u8]) -> Option<Direction> {
    let start = usize::from(frame.has(PADDED)) + if frame.has(HAS_PRIORITY) { 5 } else { 0 };
    let mut block = payload.get(start..)?;
    // A change of the table's size may come first.
    while let Some((0x20..=0x3f, rest)) = block.split_first() {
        let more = if block[0] == 0x3f { rest.iter().position(|b| b & 0x80 == 0)? + 1 } else { 0 };
        block = rest.get(more..)?;
    }
    let index = match *block.first()? {
        first @ 0x80.. => first & 0x7f,
        first @ 0x40.. => first & 0x3f,
        first @ 0x00..=0x1f => first & 0x0f,
        _ => return None,
    };
    match index {
        1..=7 => Some(Direction::Request),
        8..=14 => Some(Direction::Response),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let len = (payload.len() as u32).to_be_bytes();
        [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    #[test]
    fn frames_are_told_from_other_bytes() {
        let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]);
        assert_eq!(starts(&settings), Some(true));
        assert_eq!(starts(&settings[..8]), None);
        assert_eq!(starts(&frame(SETTINGS, 0, 0, &[])), None, "nine bytes, nearly all zero");
        assert_eq!(starts(&[frame(SETTINGS, 0, 0, &[]), frame(SETTINGS, 1, 0, &[])].concat()), Some(true));
        assert_eq!(starts(&frame(HEADERS, 5, 1, &[0x82, 0x86])), Some(true));
        assert_eq!(starts(&frame(HEADERS, 5, 1, &[0xc0, 0x86])), None);
        assert_eq!(starts(&frame(DATA, 0, 0, &[7; 80])), Some(false), "no stream");
        assert_eq!(starts(&frame(PING, 0, 0, &[7; 7])), Some(false));
        assert_eq!(starts(&[0; 64]), Some(false));
        assert_eq!(starts(b"GET / HTTP/1.1\r\n"), Some(false));
        assert_eq!(starts(&[0, 0, 0, 0x54, 0xff, b'S', b'M', b'B', 0x72]), Some(false));
        assert_eq!(starts(PREFACE), Some(false));
    }

    #[test]
    fn padding_is_stripped() {
        let padded = Frame::read(&frame(DATA, PADDED, 1, b"\x02abcPP")).unwrap();
        assert_eq!(unpad(&padded, b"\x02abcPP", 0), Some(1..4));
        assert_eq!(unpad(&padded, b"\x06abcPP", 0), None);
        assert_eq!(unpad(&padded, b"", 0), None);
        let headers = Frame { kind: HEADERS, flags: HAS_PRIORITY, ..padded };
        assert_eq!(unpad(&headers, b"12345h", 0), Some(5..6));
        assert_eq!(unpad(&headers, b"1234", 0), None);
    }
}
