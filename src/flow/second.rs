//! Delivered bytes that come again. What differs is a second reading of the stream, which the peer may have taken for the
//! first; it may be cut in other places, so that what belongs together is put together before anybody searches it.

use super::{Assembler, Chunk, Origin, Piece, Step, anomalies::one, assembler::Phase, disorder::Moment};
use crate::limits;

/// Bytes of a second reading, in one run.
#[derive(Debug)]
pub(super) struct Second {
    /// Offset of the first of them.
    pub(super) at: i64,
    pub(super) bytes: Vec<u8>,
    pieces: Vec<Piece>,
    /// When the last piece came.
    since: Moment,
    /// They are known to say something else than the first reading.
    pub(super) differs: bool,
}

impl Second {
    pub(super) fn new(at: i64) -> Self {
        Self { at, bytes: Vec::new(), pieces: Vec::new(), since: Moment::default(), differs: false }
    }

    /// Adds a piece; `told`: the first reading has the same there.
    pub(super) fn push(&mut self, bytes: &[u8], told: bool, origin: &Origin, now: Moment) {
        self.pieces.push(Piece { at: self.bytes.len(), origin: *origin, told });
        self.bytes.extend_from_slice(bytes);
        self.since = now;
    }

    /// Whether the last piece of it is the one of that origin at `at`.
    fn has(&self, at: i64, origin: &Origin) -> bool {
        self.pieces.last().is_some_and(|last| self.at + last.at as i64 == at && last.origin == *origin)
    }

    /// Bytes that it holds, bookkeeping included, so that pieces of one byte are not free.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.pieces.len() * size_of::<Piece>()
    }

    /// Offset behind the last byte.
    pub(super) fn end(&self) -> i64 {
        self.at + self.bytes.len() as i64
    }

    /// Whether nothing more is to be waited for.
    pub(super) fn is_over(&self, now: Moment) -> bool {
        self.since.passed(now, limits::HOLD_PACKETS, limits::HOLD_TIME)
    }

    fn show(&self, step: &mut Step<'_>) {
        if let Some(first) = self.pieces.first().filter(|_| self.differs) {
            let again = Chunk::Again(&self.bytes, &self.pieces);
            step.out.chunk(self.at.max(0) as u64, again, &first.origin);
        }
    }
}

impl Assembler {
    /// Bytes whose place has passed.
    pub(super) fn old(&mut self, at: i64, bytes: &[u8], origin: &Origin, step: &mut Step<'_>) {
        let end = at + bytes.len() as i64;
        let found = self.disorder.as_mut().map(|d| d.find_lost(at, end)).unwrap_or_default();
        if at < 0 || !found.is_empty() {
            one(&mut step.out.anomalies().late);
            let before = (at < 0).then_some((at, end.min(0)));
            for (from, to) in before.into_iter().chain(found) {
                let (a, b) = ((from - at) as usize, (to - at) as usize);
                step.again(from, &bytes[a..b], &origin.skip(a));
            }
            return;
        }
        let goes_on = self.recent.second().is_some_and(|second| second.end() == at);
        if bytes.len() == 1 && end == self.next as i64 && !goes_on {
            one(&mut step.out.anomalies().keepalives);
            return;
        }
        one(&mut step.out.anomalies().retransmitted);
        if !goes_on {
            self.read_again(step);
        }
        let before = self.recent.second().map_or(0, Second::size);
        if self.recent.again(at, bytes, (origin, step.moment()), step.seed) {
            one(&mut step.out.anomalies().overlap_conflicts);
        }
        self.hold_second(before, step);
    }

    /// What comes behind a second reading goes on there, too; `at`: its offset.
    pub(super) fn read_on(&mut self, at: i64, bytes: &[u8], origin: &Origin, step: &mut Step<'_>) {
        match self.recent.second() {
            Some(second) if second.end() == at => self.reread(at, bytes, origin, false, step),
            Some(_) => self.read_again(step),
            None => {}
        }
    }

    /// A segment is read a second time, as it is; `differs`: something in it is known to be something else than what waits.
    pub(super) fn reread(
        &mut self,
        at: i64,
        bytes: &[u8],
        origin: &Origin,
        differs: bool,
        step: &mut Step<'_>,
    ) {
        let second = self.recent.second();
        if second.is_some_and(|second| second.has(at, origin)) {
            return self.recent.mark(differs);
        }
        if second.is_some_and(|second| second.end() != at) {
            self.read_again(step);
        }
        let before = self.recent.second().map_or(0, Second::size);
        self.recent.read(at, bytes, !differs, (origin, step.moment()));
        self.recent.mark(differs);
        self.hold_second(before, step);
    }

    /// Counts what the second reading has grown by, and holds its bounds; `before`: its size.
    fn hold_second(&mut self, before: usize, step: &mut Step<'_>) {
        let Some(second) = self.recent.second() else { return };
        self.rereads = true;
        step.budget.take(second.size().saturating_sub(before));
        if self.phase != Phase::Open || second.size() > limits::SECOND_READING || step.budget.over() {
            self.read_again(step);
        }
    }

    /// What was read again is shown, if it says something else, as far as it has come.
    pub(super) fn read_again(&mut self, step: &mut Step<'_>) {
        let Some(second) = self.recent.take_second() else { return };
        step.budget.give(second.size());
        self.rereads = false;
        second.show(step);
    }
}
