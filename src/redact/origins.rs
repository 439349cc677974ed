//! Where the bytes of a text stand in the file, so that a change of the one becomes a change of the other.

use super::patch::{LONGEST, Patches};
use crate::protocol::Trail;

/// A run of bytes that stand one behind the other in the file too.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Offset in the text.
    at: usize,
    len: usize,
    /// Offset in the file.
    file: u64,
}

/// The places of a text's bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    pieces: Vec<Piece>,
    len: usize,
    /// Number in the file of the first frame.
    pub(super) frame: u64,
    /// Offset of some byte that the first bytes were decoded from which do not stand in the file as they are.
    pub(super) derived: Option<u64>,
}

impl Origins {
    /// Those of `len` bytes at `from` of a layer.
    pub(super) fn of(trail: &Trail, from: u64, len: usize) -> Self {
        let mut this = Self::default();
        this.push(trail, from, len);
        this
    }

    /// More bytes follow, at `from` of a layer.
    pub(super) fn push(&mut self, trail: &Trail, from: u64, len: usize) {
        let spans = trail.spans(from, len as u64);
        if self.len == 0 {
            self.frame = spans.first().map_or(0, |span| span.frame);
        }
        let known: u64 = spans.iter().map(|span| u64::from(span.len)).sum();
        if known != len as u64 {
            self.derived = self.derived.or(Some(spans.first().map_or(0, |span| span.offset)));
            self.len += len;
            return;
        }
        for span in spans {
            let len = span.len as usize;
            match self.pieces.last_mut() {
                Some(last)
                    if last.at + last.len == self.len && last.file + last.len as u64 == span.offset =>
                {
                    last.len += len;
                }
                _ => self.pieces.push(Piece { at: self.len, len, file: span.offset }),
            }
            self.len += len;
        }
    }

    /// Bytes of the text.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Offset in the file of the first byte that stands there.
    pub(super) fn first(&self) -> Option<u64> {
        self.pieces.first().map(|piece| piece.file)
    }

    /// Forgets the first `n` bytes.
    pub(super) fn skip(&mut self, n: usize) {
        self.pieces.retain_mut(|piece| {
            let cut = n.saturating_sub(piece.at).min(piece.len);
            *piece = Piece {
                at: piece.at + cut - n.min(piece.at + cut),
                len: piece.len - cut,
                file: piece.file + cut as u64,
            };
            piece.len > 0
        });
        self.len = self.len.saturating_sub(n);
    }

    /// The text `old` becomes `new`, as long.
    pub(super) fn differ(&self, old: &[u8], new: &[u8], patches: &mut Patches) {
        for piece in &self.pieces {
            let range = piece.at..piece.at + piece.len;
            let (Some(old), Some(new)) = (old.get(range.clone()), new.get(range)) else { continue };
            let difference: Vec<u8> = old.iter().zip(new).map(|(a, b)| a ^ b).collect();
            // Only what differs: the rest may be somebody else's to change.
            let mut at = 0;
            for run in difference.split(|b| *b == 0) {
                for (i, part) in run.chunks(LONGEST).enumerate() {
                    patches.differ(piece.file + (at + i * LONGEST) as u64, part);
                }
                at += run.len() + 1;
            }
        }
    }

    /// The bytes in the file become `new`, whatever they were.
    pub(super) fn set(&self, new: &[u8], patches: &mut Patches) {
        for piece in &self.pieces {
            let Some(new) = new.get(piece.at..piece.at + piece.len) else { continue };
            for (i, part) in new.chunks(LONGEST).enumerate() {
                patches.set(piece.file + (i * LONGEST) as u64, part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Position;
    use proptest::prelude::*;

    fn trail(parts: &[(u64, usize)]) -> Trail {
        let (mut trail, mut at) = (Trail::default(), 0);
        for (i, (offset, len)) in parts.iter().enumerate() {
            trail.push(at, *len as u64, Position { frame: i as u64, offset: *offset, ..Position::default() });
            at += *len as u64;
        }
        trail
    }

    proptest! {
        /// A text that is scattered over a file is changed there as it is changed itself.
        #[test]
        fn a_change_of_the_text_is_one_of_the_file(
            lens in proptest::collection::vec(1..30_usize, 1..8),
            new in proptest::collection::vec(any::<u8>(), 240),
            skip in 0..20_usize,
        ) {
            let total: usize = lens.iter().sum();
            let mut file: Vec<u8> = (0..400_u32).map(|i| i as u8).collect();
            let mut parts = Vec::new();
            for (i, len) in lens.iter().enumerate() {
                parts.push((i as u64 * 37 + 11, *len));
            }
            let read = |file: &[u8]| parts.iter().flat_map(|(at, len)| file[*at as usize..*at as usize + len].to_vec()).collect::<Vec<u8>>();
            let old = read(&file);
            let mut origins = Origins::of(&trail(&parts), 0, total);
            prop_assert_eq!((origins.len(), origins.derived), (total, None));
            let skip = skip.min(total);
            origins.skip(skip);
            let mut wanted = old.clone();
            wanted[skip..].copy_from_slice(&new[skip..total]);
            let mut patches = Patches::default();
            origins.differ(&old[skip..], &wanted[skip..], &mut patches);
            patches.sort();
            patches.apply(0, &mut file);
            prop_assert_eq!(read(&file), wanted);
        }
    }

    #[test]
    fn decoded_bytes_have_no_place() {
        let mut trail = Trail::default();
        trail.push_derived(0, 10, Position { frame: 3, offset: 70, ..Position::default() });
        let origins = Origins::of(&trail, 2, 5);
        assert_eq!((origins.derived, origins.frame), (Some(70), 3));
    }
}
