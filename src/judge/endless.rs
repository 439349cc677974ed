//! Judging where there is no end: repetitions are told, and the oldest is forgotten.

use super::Judge;
use crate::finding::Finding;
use crate::limits;

impl Judge {
    /// Makes this the judge of a run without an end: it tells repetitions ([`Judge::take_touched`]), forgets the tokens
    /// that it has not seen for longest when there are too many, and keeps within `room`.
    #[must_use]
    pub fn endless(mut self, room: limits::Room) -> Self {
        self.court.ledger.endless(room.findings);
        self.court.seen.forget_beyond(room.tokens);
        self
    }

    /// Findings with new occurrences since the last call, in order of their first one.
    pub fn take_touched(&mut self) -> Vec<&Finding> {
        self.court.ledger.take_touched()
    }
}
