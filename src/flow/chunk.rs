//! What a direction yields, and where it was captured.

use crate::{
    capture::FileId,
    message::{End, Numbers, Position},
    time::Timestamp,
};
use std::ops::Range;

/// One event of a stream direction. `Data` and `Gap` follow each other without overlap from offset 0;
/// `End` comes exactly once and last, apart from `Again`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// The next bytes, in order.
    Data(&'a [u8]),
    /// Bytes outside the order: a second reading that differs from the first, bytes of a hole that was given
    /// up, bytes after the end. For scanning, so that evasion hides nothing; never for parsing. They came in these pieces,
    /// one at least.
    Again(&'a [u8], &'a [Piece]),
    /// So many bytes of the stream were not captured.
    Gap(u64),
    /// Nothing follows in this direction.
    End(End),
}

/// Where the first byte of a chunk was captured. For a gap or an end: the packet that made it known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The frame's number in the run, over all inputs.
    pub ordinal: u64,
    /// The frame's number in its file.
    pub frame: u64,
    /// Capture time of the frame.
    pub time: Timestamp,
    /// Offset of the byte in the capture file.
    pub offset: u64,
    /// The file.
    pub file: FileId,
    /// Of the byte, in its connection.
    pub numbers: Numbers,
}

/// A piece of [`Chunk::Again`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins.
    pub at: usize,
    /// Where that was captured.
    pub origin: Origin,
    /// The stream has the same there: what is whole in such pieces was found already.
    pub told: bool,
}

impl Piece {
    /// Where it begins, and where that was captured.
    pub const fn place(&self) -> (u64, Position) {
        (self.at as u64, self.origin.position(0))
    }

    /// Whether all of a range of [`Chunk::Again`] lies in pieces that were told.
    pub fn are_told(pieces: &[Self], range: &Range<usize>) -> bool {
        let last = pieces.partition_point(|piece| piece.at < range.end);
        let first = pieces.partition_point(|piece| piece.at <= range.start).saturating_sub(1);
        pieces.get(first..last).is_some_and(|pieces| pieces.iter().all(|piece| piece.told))
    }
}

impl Origin {
    /// The origin of the byte `n` further on in the same frame.
    #[must_use]
    pub const fn skip(mut self, n: usize) -> Self {
        self.offset += n as u64;
        self.numbers = self.numbers.skip(n as u64);
        self
    }

    /// The position of the byte `n` further on in the same frame.
    pub const fn position(&self, n: usize) -> Position {
        let Self { frame, time, offset, file, numbers, .. } = *self;
        Position { frame, time, offset: offset + n as u64, file, numbers: numbers.skip(n as u64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_told_pieces_is_told() {
        let piece = |at, told| Piece { at, origin: Origin::default(), told };
        let pieces = [piece(0, true), piece(4, true), piece(8, false), piece(12, true)];
        for (range, told) in
            [(0..4, true), (1..8, true), (0..9, false), (8..12, false), (11..13, false), (12..20, true)]
        {
            assert_eq!(Piece::are_told(&pieces, &range), told, "{range:?}");
        }
    }
}
