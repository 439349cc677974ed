//! What a decoding stage has taken and given, held to the bounds against bombs.

use super::content::ContentError;
use crate::limits;

/// Where a stage's pieces go: the bytes, and the wire bytes that they took so far.
pub(super) type Sink<'s> = dyn FnMut(&[u8], u64) -> Result<(), ContentError> + 's;

/// Output is handed out, and its bound checked, at every multiple of this, wherever the input is cut.
pub(super) const PIECE: usize = 32 << 10;

/// What a stage has taken and given, held to the bounds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    /// Bytes taken.
    pub(super) taken: u64,
    given: u64,
}

impl Meter {
    /// How many bytes the next piece may have.
    pub(super) const fn room(&self) -> usize {
        PIECE - (self.given % PIECE as u64) as usize
    }

    /// Hands a piece out and checks the bounds: `wire` counts what the outermost stage took (`None` in that one).
    pub(super) fn give(
        &mut self,
        piece: &[u8],
        wire: Option<u64>,
        out: &mut Sink<'_>,
    ) -> Result<(), ContentError> {
        if piece.is_empty() {
            return Ok(());
        }
        let wire = wire.unwrap_or(self.taken);
        self.given += piece.len() as u64;
        out(piece, wire)?;
        if self.over(0, wire) { Err(ContentError::Bomb) } else { Ok(()) }
    }

    /// Whether what was given, and what the stage holds back of its output, is more than the bounds allow.
    pub(super) const fn over(&self, held: u64, wire: u64) -> bool {
        let all = self.given.saturating_add(held);
        all > limits::INFLATE_FREE && all / limits::INFLATE_RATIO > wire || all >= limits::INFLATE_BYTES
    }
}
