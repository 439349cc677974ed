//! A short memory of delivered segments, so that a retransmission with other content is noticed.

use std::collections::VecDeque;

use super::{Origin, disorder::Moment, second::Second};
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

    /// Where it begins and ends, counted from an offset that is near.
    const fn from(self, at: i64) -> (i64, i64) {
        let from = self.at.wrapping_sub(at as u32) as i32 as i64;
        (from, from + self.len as i64)
    }
}

/// The last delivered ranges of one direction, and what else is remembered of it.
#[derive(Debug, Default)]
pub(super) struct Recent {
    last: [Range; 2],
    more: Option<Box<More>>,
}

/// What few directions have at a time.
#[derive(Debug, Default)]
struct More {
    /// The ranges before the last ones that the peer has not acknowledged.
    unacknowledged: VecDeque<Range>,
    second: Option<Second>,
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
        if let Some(more) = &mut self.more {
            more.unacknowledged = VecDeque::new();
            if more.second.is_none() {
                self.more = None;
            }
        }
    }

    #[cold]
    fn keep(&mut self, range: Range) {
        let ranges = &mut self.more.get_or_insert_default().unacknowledged;
        if ranges.len() >= limits::UNACKNOWLEDGED {
            ranges.pop_front();
        }
        ranges.push_back(range);
    }

    /// The second reading that is under way.
    pub(super) fn second(&self) -> Option<&Second> {
        self.more.as_ref()?.second.as_ref()
    }

    /// Takes it out.
    pub(super) fn take_second(&mut self) -> Option<Second> {
        let more = self.more.as_mut()?;
        let second = more.second.take();
        if more.unacknowledged.is_empty() {
            self.more = None;
        }
        second
    }

    /// Delivered bytes come again: they are kept, with those right before them if these came again, too. What follows may be
    /// something else than what was delivered, and what begins here may go on there. Says whether they themselves are known
    /// to be something else.
    pub(super) fn again(
        &mut self,
        at: i64,
        bytes: &[u8],
        (origin, now): (&Origin, Moment),
        seed: u64,
    ) -> bool {
        let goes_on = self.second().is_some_and(|second| second.end() == at);
        let end = at + bytes.len() as i64;
        let may_be_same = !self.differs(at, bytes, (at, end), seed);
        // A packet that was captured twice is no retransmission.
        if !goes_on && may_be_same && self.last[0].from(at) == (0, end - at) {
            return false;
        }
        self.read(at, bytes, may_be_same && self.covers(at, end), (origin, now));
        let second = self.second();
        let differs = second.is_some_and(|second| self.differs(second.at, &second.bytes, (at, end), seed));
        self.mark(differs);
        differs
    }

    /// Adds to the second reading, or begins another one.
    pub(super) fn read(&mut self, at: i64, bytes: &[u8], told: bool, (origin, now): (&Origin, Moment)) {
        let second = &mut self.more.get_or_insert_default().second;
        if second.as_ref().is_none_or(|second| second.end() != at) {
            *second = Some(Second::new(at));
        }
        if let Some(second) = second {
            second.push(bytes, told, origin, now);
        }
    }

    /// Something in it is known to be something else, or not.
    pub(super) fn mark(&mut self, differs: bool) {
        if let Some(second) = self.more.as_mut().and_then(|more| more.second.as_mut()) {
            second.differs |= differs;
        }
    }

    fn ranges(&self) -> impl Iterator<Item = &Range> {
        let older = self.more.iter().flat_map(|more| &more.unacknowledged);
        self.last.iter().chain(older).filter(|range| range.len > 0)
    }

    /// Whether remembered ranges are all of these.
    fn covers(&self, at: i64, end: i64) -> bool {
        let inside =
            self.ranges().map(|range| range.from(at)).filter(|(from, to)| *from >= 0 && *to <= end - at);
        inside.map(|(from, to)| to - from).sum::<i64>() == end - at
    }

    /// Whether `bytes` at `at` contain a remembered range with other content that ends within `last`.
    fn differs(&self, at: i64, bytes: &[u8], last: (i64, i64), seed: u64) -> bool {
        self.ranges().any(|range| {
            let (from, to) = range.from(at);
            let (Ok(start), Ok(stop)) = (usize::try_from(from), usize::try_from(to)) else { return false };
            (last.0 + 1..=last.1).contains(&(at + to))
                && bytes.get(start..stop).is_some_and(|part| fingerprint(part, seed) != range.print)
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
