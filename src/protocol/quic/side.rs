//! One side of a stream: what has come of it and must wait for what has not.

use crate::message::Position;
use std::collections::BTreeMap;

/// What a waiting piece costs beside its bytes.
pub(super) const OVERHEAD: usize = 96;

/// One side of a stream.
#[derive(Default)]
pub(super) struct Side {
    /// Offset of the first byte that was not delivered.
    pub(super) next: u64,
    /// Pieces behind that, by offset; they may overlap.
    waiting: BTreeMap<u64, (Vec<u8>, Position)>,
    /// Length of the whole.
    pub(super) fin: Option<u64>,
    /// Nothing more is delivered.
    pub(super) over: bool,
    /// The application takes no more for now.
    pub(super) blocked: bool,
    /// Offset of the hole that is in the queue of those that may be given up.
    pub(super) hole: Option<u64>,
}

impl Side {
    /// What of a piece is new, and where it begins.
    pub(super) fn fresh<'a>(&self, offset: u64, piece: &'a [u8]) -> (u64, &'a [u8]) {
        let known = usize::try_from(self.next.saturating_sub(offset)).unwrap_or(usize::MAX);
        (offset.max(self.next), piece.get(known..).unwrap_or_default())
    }

    /// Keeps a piece; says how many bytes that takes more.
    pub(super) fn keep(&mut self, offset: u64, piece: &[u8], position: Position) -> usize {
        match self.waiting.get(&offset) {
            Some((known, _)) if known.len() >= piece.len() => 0,
            Some((known, _)) => {
                let more = piece.len() - known.len();
                self.waiting.insert(offset, (piece.to_vec(), position));
                more
            }
            None => {
                self.waiting.insert(offset, (piece.to_vec(), position));
                piece.len() + OVERHEAD
            }
        }
    }

    /// The offset of the first piece that waits.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|(offset, _)| *offset)
    }

    /// The first piece, if no hole is before it, and what it took.
    pub(super) fn pop(&mut self) -> Option<(u64, Vec<u8>, Position, usize)> {
        if self.blocked || self.first()? > self.next {
            return None;
        }
        let (offset, (piece, position)) = self.waiting.pop_first()?;
        let cost = piece.len() + OVERHEAD;
        Some((offset, piece, position, cost))
    }

    /// The hole before the first piece: where it begins, and how long it is.
    pub(super) fn hole(&self) -> Option<(u64, u64)> {
        let first = self.first()?;
        (first > self.next && !self.over).then(|| (self.next, first - self.next))
    }

    /// Forgets what waits; says what that took.
    pub(super) fn clear(&mut self) -> usize {
        let cost = self.waiting.values().map(|(piece, _)| piece.len() + OVERHEAD).sum();
        self.waiting.clear();
        cost
    }
}
