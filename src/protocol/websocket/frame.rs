//! Frames of WebSocket (RFC 6455 section 5.2) and their mask.

use crate::message::Direction;

pub(super) const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PONG: u8 = 10;

/// The header of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) fin: bool,
    /// RSV1: the message is compressed (RFC 7692 section 6).
    pub(super) compressed: bool,
    reserved: bool,
    pub(super) opcode: u8,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) len: u64,
}

impl Frame {
    /// Longest header.
    pub(super) const LONGEST: usize = 14;

    /// Reads the header that `bytes` begin with, and its length; `None` if it is cut.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let [first, second, rest @ ..] = bytes else { return None };
        let (len, at) = match second & 0x7f {
            126 => (u16::from_be_bytes(*rest.first_chunk()?).into(), 4),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
            len => (len.into(), 2),
        };
        let masked = second & 0x80 != 0;
        let mask = if masked { Some(*bytes.get(at..)?.first_chunk()?) } else { None };
        let frame = Self {
            fin: first & 0x80 != 0,
            compressed: first & 0x40 != 0,
            reserved: first & 0x30 != 0,
            opcode: first & 0x0f,
            mask,
            len,
        };
        Some((frame, at + if masked { 4 } else { 0 }))
    }

    pub(super) fn is_control(&self) -> bool {
        self.opcode >= CLOSE
    }

    /// Whether a peer would take it (RFC 6455 sections 5.2 and 5.5), its mask aside.
    pub(super) fn valid(&self) -> bool {
        let known = matches!(self.opcode, CONTINUATION | TEXT | BINARY | CLOSE..=PONG);
        let control = !self.is_control() || self.fin && self.len <= 125 && !self.compressed;
        known && control && !self.reserved && self.len >> 63 == 0
    }

    /// Whether it is one of that direction: clients mask, servers do not (section 5.1).
    fn likely(&self, dir: Direction) -> bool {
        self.valid() && self.mask.is_some() == (dir == Direction::Request)
    }
}

/// Whether `bytes` are whole frames of that direction.
pub(super) fn whole(mut bytes: &[u8], dir: Direction) -> bool {
    while let Some((frame, header)) = Frame::read(bytes) {
        let end = usize::try_from(frame.len).ok().and_then(|len| len.checked_add(header));
        match end.and_then(|end| bytes.get(end..)) {
            Some(rest) if frame.likely(dir) => bytes = rest,
            _ => return false,
        }
        if bytes.is_empty() {
            return true;
        }
    }
    false
}

/// Takes the mask off bytes that begin `at` bytes into the payload (section 5.3).
pub(super) fn unmask(mask: [u8; 4], at: u64, bytes: &mut [u8]) {
    let mut key = mask;
    key.rotate_left((at % 4) as usize);
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let (frame, header) = Frame::read(&[0x81, 0x05, 0x48]).unwrap();
        assert_eq!((frame.fin, frame.opcode, frame.len, frame.mask, header), (true, TEXT, 5, None, 2));
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let (frame, header) = Frame::read(&masked).unwrap();
        let mut text = masked[header..].to_vec();
        unmask(frame.mask.unwrap(), 0, &mut text);
        assert_eq!(text, b"Hello");
        let (frame, header) = Frame::read(&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]).unwrap();
        assert_eq!((frame.len, header), (65536, 10));
        assert!(Frame::read(&masked[..5]).is_none());
    }

    #[test]
    fn a_mask_is_taken_off_in_any_pieces() {
        let plain: Vec<u8> = (0..100).collect();
        let masked: Vec<u8> = plain.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(a, b)| a ^ b).collect();
        for piece in 1..20 {
            let mut out = masked.clone();
            let mut at = 0;
            for chunk in out.chunks_mut(piece) {
                unmask([1, 2, 3, 4], at, chunk);
                at += chunk.len() as u64;
            }
            assert_eq!(out, plain);
        }
    }

    #[test]
    fn whole_frames_are_told_from_other_bytes() {
        let frames = [&[0x81, 0x02][..], b"ab", &[0x89, 0x00]].concat();
        assert!(whole(&frames, Direction::Response) && !whole(&frames, Direction::Request));
        assert!(!whole(&frames[..3], Direction::Response) && !whole(b"plain text", Direction::Response));
        assert!(!whole(&[0xb1, 0], Direction::Response), "reserved bits");
        assert!(!whole(&[0x09, 0], Direction::Response), "control frames are not cut");
    }
}
