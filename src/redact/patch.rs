//! What is to be changed in a capture, by offset in the (decompressed) file. Found in any order, applied in one pass.

use crate::limits;

/// Changes, as differences: a byte that is masked (RFC 6455 section 5.3) changes as the one that it stands for does.
#[derive(Default)]
pub(super) struct Patches {
    list: Vec<Patch>,
    bytes: Vec<u8>,
    sorted: bool,
    /// More than may be held: the capture cannot be redacted as a whole.
    pub(super) full: bool,
}

#[derive(Clone, Copy)]
struct Patch {
    /// Offset in the file.
    at: u64,
    /// Where its bytes lie, and how many there are.
    start: u32,
    len: u32,
    /// They are the new bytes, not the difference to them.
    whole: bool,
}

impl Patches {
    /// The bytes from `at` on differ from the old ones by these.
    pub(super) fn differ(&mut self, at: u64, difference: &[u8]) {
        self.add(at, difference, false);
    }

    /// The bytes from `at` on become these.
    pub(super) fn set(&mut self, at: u64, new: &[u8]) {
        self.add(at, new, true);
    }

    fn add(&mut self, at: u64, bytes: &[u8], whole: bool) {
        self.full |= self.list.len() >= limits::redact::PATCHES
            || self.bytes.len() + bytes.len() > limits::redact::PATCH_BYTES;
        if self.full || bytes.is_empty() {
            return;
        }
        let (start, len) = (self.bytes.len() as u32, bytes.len() as u32);
        self.bytes.extend_from_slice(bytes);
        self.list.push(Patch { at, start, len, whole });
        self.sorted = false;
    }

    /// Puts them in order: of two differences for the same byte the one that was found first counts.
    pub(super) fn sort(&mut self) {
        if !self.sorted {
            self.list.sort_by_key(|patch| patch.at);
            self.sorted = true;
        }
    }

    /// Changes `data`, which begins at offset `base`; says whether any byte became another. What bytes become counts for more
    /// than a difference: a secret may also stand as it is inside of what is replaced. To be called after [`Patches::sort`].
    pub(super) fn apply(&self, base: u64, data: &mut [u8]) -> bool {
        let end = base + data.len() as u64;
        // The longest one may begin that far before.
        let first = self.list.partition_point(|patch| patch.at + (LONGEST as u64) < base);
        let here = self.list.get(first..).unwrap_or_default();
        let here = here.get(..here.partition_point(|patch| patch.at < end)).unwrap_or_default();
        if here.is_empty() {
            return false;
        }
        let old = data.to_vec();
        for whole in [false, true] {
            let mut done = base;
            for patch in here.iter().filter(|patch| patch.whole == whole) {
                let from = patch.at.max(done);
                let to = (patch.at + u64::from(patch.len)).min(end);
                if from >= to {
                    continue;
                }
                let bytes = self.bytes.get(patch.start as usize..).unwrap_or_default();
                let bytes = bytes.iter().skip((from - patch.at) as usize);
                let places = data.iter_mut().skip((from - base) as usize).take((to - from) as usize);
                for (place, byte) in places.zip(bytes) {
                    *place = if whole { *byte } else { *place ^ byte };
                }
                done = to;
            }
        }
        old != data
    }
}

/// Longest patch; longer ones are cut.
pub(super) const LONGEST: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the pieces are in which the file is read, the result is that of one piece; bytes that no patch names stay.
        #[test]
        fn pieces_make_no_difference(
            file in proptest::collection::vec(any::<u8>(), 1..200),
            patches in proptest::collection::vec((0..200_u64, proptest::collection::vec(any::<u8>(), 1..20), any::<bool>()), 0..20),
            cuts in proptest::collection::vec(1..40_usize, 1..40),
        ) {
            let mut all = Patches::default();
            for (at, bytes, whole) in &patches {
                if *whole { all.set(*at, bytes) } else { all.differ(*at, bytes) }
            }
            all.sort();
            let mut whole = file.clone();
            all.apply(0, &mut whole);
            let (mut pieces, mut at) = (file.clone(), 0);
            for cut in cuts.iter().cycle() {
                let end = (at + cut).min(pieces.len());
                let piece = &mut pieces[at..end];
                let before = piece.to_vec();
                let changed = all.apply(at as u64, piece);
                prop_assert_eq!(changed, before != piece);
                at = end;
                if at == file.len() {
                    break;
                }
            }
            // Of two patches that overlap, the earlier one in the file counts: a cut may show more of the later one.
            let overlap = patches.iter().enumerate().any(|(i, a)| patches.iter().skip(i + 1).any(|b| {
                a.0 < b.0 + b.1.len() as u64 && b.0 < a.0 + a.1.len() as u64
            }));
            prop_assert!(overlap || whole == pieces);
            for (i, (new, old)) in whole.iter().zip(&file).enumerate() {
                let named = patches.iter().any(|(at, bytes, _)| (*at..*at + bytes.len() as u64).contains(&(i as u64)));
                prop_assert!(named || new == old);
            }
        }
    }

    #[test]
    fn what_bytes_become_counts_for_more_than_a_difference() {
        let mut patches = Patches::default();
        patches.differ(1, &[9; 4]);
        patches.set(2, b"xy");
        patches.sort();
        let mut data = *b"abcdef";
        assert!(patches.apply(0, &mut data));
        assert_eq!(&data, &[b'a', b'b' ^ 9, b'x', b'y', b'e' ^ 9, b'f']);
    }

    #[test]
    fn a_difference_undoes_itself() {
        let mut patches = Patches::default();
        patches.differ(2, &[1, 2]);
        patches.sort();
        let mut data = *b"abcdef";
        assert!(patches.apply(0, &mut data) && patches.apply(0, &mut data));
        assert_eq!(&data, b"abcdef");
    }
}
