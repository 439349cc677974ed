//! A short memory of delivered segments, so that a retransmission with other content is noticed.

use crate::limits;

/// A delivered range: low bits of the offset, length, fingerprint.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    at: u32,
    len: u32,
    print: u32,
}

impl Range {
    const fn end(self) -> u32 {
        self.at.wrapping_add(self.len)
    }
}

/// The last delivered ranges of one direction, and those before them that the peer has not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Recent {
    last: [Range; 2],
    unacknowledged: Option<Box<Ring>>,
}

#[derive(Debug)]
struct Ring {
    ranges: [Range; limits::UNACKNOWLEDGED],
    next: usize,
}

impl Recent {
    /// Remembers `bytes` at offset `at`; the peer has acknowledged all before offset `acknowledged`.
    #[inline]
    pub(super) fn remember(&mut self, at: u64, bytes: &[u8], acknowledged: u32, seed: u64) {
        let old = self.last[1];
        self.last[1] = self.last[0];
        self.last[0] = Range { at: at as u32, len: bytes.len() as u32, print: fingerprint(bytes, seed) };
        if old.len > 0 && old.end().wrapping_sub(acknowledged) as i32 > 0 {
            self.keep(old);
        }
    }

    /// The peer has everything: what it did not take, it never will.
    #[inline]
    pub(super) fn acknowledged(&mut self) {
        self.unacknowledged = None;
    }

    #[cold]
    fn keep(&mut self, range: Range) {
        let fresh = || Box::new(Ring { ranges: [Range::default(); limits::UNACKNOWLEDGED], next: 0 });
        let ring = self.unacknowledged.get_or_insert_with(fresh);
        if let Some(place) = ring.ranges.get_mut(ring.next % limits::UNACKNOWLEDGED) {
            *place = range;
        }
        ring.next += 1;
    }

    /// Whether `bytes` at `at` (delivered already) contain a remembered range with other content.
    pub(super) fn differs(&self, at: i64, bytes: &[u8], seed: u64) -> bool {
        let older = self.unacknowledged.iter().flat_map(|ring| &ring.ranges);
        self.last.iter().chain(older).any(|range| {
            let from = range.at.wrapping_sub(at as u32) as usize;
            let Some(to) = from.checked_add(range.len as usize) else { return false };
            range.len > 0 && bytes.get(from..to).is_some_and(|part| fingerprint(part, seed) != range.print)
        })
    }
}

/// A sum of products of keyed words (as NH in UMAC, RFC 4418): one multiplication for 16 bytes, no chain between
/// them. The seed is random, so that nobody can prepare two contents of one fingerprint.
fn fingerprint(bytes: &[u8], seed: u64) -> u32 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let (blocks, rest) = bytes.as_chunks::<16>();
    let mut sum = seed ^ bytes.len() as u64;
    let mut key = seed;
    let mut add = |block: &[u8; 16]| {
        let words = u128::from_le_bytes(*block);
        let (a, b) = (words as u64 ^ key, (words >> 64) as u64 ^ key.rotate_left(32));
        let product = u128::from(a) * u128::from(b);
        sum = sum.wrapping_add(product as u64 ^ (product >> 64) as u64);
        key = key.wrapping_add(STEP);
    };
    for block in blocks {
        add(block);
    }
    if !rest.is_empty() {
        let mut block = [0; 16];
        block[..rest.len()].copy_from_slice(rest);
        add(&block);
    }
    (sum ^ sum >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_the_length_count() {
        let bytes: Vec<u8> = (0..=200).collect();
        for len in 0..200 {
            let print = fingerprint(&bytes[..len], 7);
            assert_ne!(print, fingerprint(&bytes[..=len], 7));
            for i in 0..len {
                let mut other = bytes[..len].to_vec();
                other[i] ^= 1;
                assert_ne!(print, fingerprint(&other, 7), "{i} of {len}");
            }
        }
    }
}
