//! Gzip in one go: where all of a body is there, decoding takes half the time that it takes piece by piece.

use crate::limits;
use libdeflater::Decompressor;

/// First bytes of a gzip member (RFC 1952 section 2.3.1): the magic and the only method there is.
const MEMBER: &[u8] = &[0x1f, 0x8b, 8];
/// Header and trailer of the shortest member.
const SHORTEST: usize = 18;
/// Most of the output buffer that is kept for the next body, in bytes: every shard has one.
const KEPT: usize = 256 << 10;

/// A decoder of whole bodies, with its output buffer.
pub struct Whole {
    decompressor: Decompressor,
    buffer: Vec<u8>,
}

impl Default for Whole {
    fn default() -> Self {
        Self { decompressor: Decompressor::new(), buffer: Vec::new() }
    }
}

impl Whole {
    /// What one gzip member of at most [`limits::INFLATE_FREE`] bytes decodes to, its checksum found right. `None` for
    /// everything else: what has several members, is damaged or long is for the decoder that goes step by step.
    pub fn gzip(&mut self, input: &[u8]) -> Option<&[u8]> {
        // The library does not say where it stopped: what follows the member may be ignored, but not another member.
        let rest = input.strip_prefix(MEMBER)?;
        if input.len() < SHORTEST || memchr::memmem::find(rest, MEMBER).is_some() {
            return None;
        }
        // ISIZE. Wrong where something follows the member; the library sees to it that it is right then.
        let len = u32::from_le_bytes(*input.last_chunk()?) as usize;
        if len as u64 > limits::INFLATE_FREE {
            return None;
        }
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        let len = self.decompressor.gzip_decompress(input, &mut self.buffer).ok()?;
        self.buffer.get(..len)
    }

    /// Gives back what a long body took.
    pub fn trim(&mut self) {
        self.buffer.truncate(KEPT);
        self.buffer.shrink_to(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn only_a_single_right_member_is_decoded() {
        let mut whole = Whole::default();
        let (one, other) = (member(b"one".repeat(1000).as_slice()), member(b"other"));
        assert_eq!(whole.gzip(&other), Some(&b"other"[..]));
        assert_eq!(whole.gzip(&one).map(<[u8]>::len), Some(3000));
        // A second member, also one that is disguised by the trailer of the first behind it.
        let trailer = &one[one.len() - 8..];
        for more in [&other[..], &[&other[..], trailer].concat()] {
            assert_eq!(whole.gzip(&[&one[..], more].concat()), None);
        }
        for end in 0..other.len() {
            assert_eq!(whole.gzip(&other[..end]), None, "{end}");
        }
        for at in 0..other.len() {
            let mut wrong = other.clone();
            wrong[at] ^= 1;
            assert!(whole.gzip(&wrong).is_none_or(|text| text == b"other"), "{at}");
        }
        let long = member(&vec![0; limits::INFLATE_FREE as usize + 1]);
        assert_eq!(whole.gzip(&long), None);
    }
}
