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
    /// Offset of some byte that the first bytes belong to which do not stand in the file as they are.
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
        if len == 0 {
            return;
        }
        if self.len == 0 {
            self.frame = trail.position(from).frame;
        }
        let mut runs = trail.runs(from, len as u64).peekable();
        while let Some((at, position, there)) = runs.next() {
            let end = runs.peek().map_or(from + len as u64, |next| next.0);
            let len = end.saturating_sub(at) as usize;
            if there {
                self.piece(len, position.offset);
            } else {
                self.derived = self.derived.or(Some(position.offset));
            }
            self.len += len;
        }
    }

    /// The next `len` bytes stand at that offset of the file.
    fn piece(&mut self, len: usize, file: u64) {
        match self.pieces.last_mut() {
            Some(last) if last.at + last.len == self.len && last.file + last.len as u64 == file => {
                last.len += len;
            }
            _ => self.pieces.push(Piece { at: self.len, len, file }),
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

    /// The text `old` becomes `new`, as long. False if something else is in it that does not stand in the file.
    pub(super) fn differ(&self, old: &[u8], new: &[u8], patches: &mut Patches) -> bool {
        let differ = |old: &[u8], new: &[u8]| old.iter().zip(new).filter(|(a, b)| a != b).count();
        let mut missing = differ(old, new);
        for piece in &self.pieces {
            let range = piece.at..piece.at + piece.len;
            let (Some(old), Some(new)) = (old.get(range.clone()), new.get(range)) else { continue };
            missing = missing.saturating_sub(differ(old, new));
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
        missing == 0
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
        assert!(!origins.differ(b"abcde", b"abcdx", &mut Patches::default()));
    }

    /// The labels of a name, whose dots are written otherwise.
    #[test]
    fn what_is_left_out_between_two_pieces_may_stay_as_it_is() {
        let mut trail = Trail::default();
        let at = |offset| Position { frame: 3, offset, ..Position::default() };
        trail.push(0, 3, at(1));
        trail.push_derived(3, 1, at(4));
        trail.push(4, 3, at(5));
        let origins = Origins::of(&trail, 0, 7);
        assert_eq!((origins.derived, origins.len()), (Some(4), 7));
        let mut patches = Patches::default();
        assert!(origins.differ(b"one.two", b"uno.tre", &mut patches));
        patches.sort();
        let mut file = *b"\x03one\x03two\0";
        patches.apply(0, &mut file);
        assert_eq!(&file, b"\x03uno\x03tre\0");
        assert!(!origins.differ(b"one.two", b"one-two", &mut patches));
    }
}
