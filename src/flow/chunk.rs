//! What a direction yields, and where it was captured.

use crate::{
    capture::FileId,
    message::{End, Numbers, Position},
    time::Timestamp,
};

/// One event of a stream direction. `Data` and `Gap` follow each other without overlap from offset 0;
/// `End` comes exactly once and last, apart from `Again`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// The next bytes, in order.
    Data(&'a [u8]),
    /// Bytes outside the order: a second reading that differs from the first, bytes of a hole that was given
    /// up, bytes after the end. For scanning, so that evasion hides nothing; never for parsing. Where they came in several
    /// segments, the later ones: where each begins, and its origin ([`pieces`]).
    Again(&'a [u8], &'a [(usize, Origin)]),
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

/// Where the pieces of [`Chunk::Again`] begin, and where each was captured.
pub fn pieces(origin: &Origin, seams: &[(usize, Origin)]) -> impl Iterator<Item = (u64, Position)> {
    let later = seams.iter().map(|(at, origin)| (*at as u64, origin.position(0)));
    std::iter::once((0, origin.position(0))).chain(later)
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
