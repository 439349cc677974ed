//! From stream offsets back to packets: which frame brought which byte.

use crate::message::{Position, Span};
use smallvec::SmallVec;

#[derive(Clone, Copy, Debug)]
struct Step {
    /// Offset of the first byte that this step explains.
    at: u64,
    position: Position,
    /// Whether later bytes lie at later capture offsets (false for decoded bytes: all inherit one position).
    linear: bool,
}

/// The recent origins of one byte stream, oldest first. Where nothing is held of what was pushed, it holds one step and
/// no heap memory.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    steps: SmallVec<[Step; 1]>,
    end: u64,
    /// Nobody asks about offsets before this one any more.
    pruned: u64,
}

impl Trail {
    /// Bytes from `at` on come from `position`, byte for byte.
    pub fn push(&mut self, at: u64, len: u64, position: Position) {
        self.add(at, len, position, true);
    }

    /// Bytes from `at` on were derived from the byte at `position` (decoded, decrypted).
    pub fn push_derived(&mut self, at: u64, len: u64, position: Position) {
        self.add(at, len, position, false);
    }

    /// Bytes that were decrypted from as many of `outer` at `from`: each inherits the frame of its ciphertext.
    pub fn push_decrypted(&mut self, at: u64, outer: &Self, from: u64, len: u64) {
        let start = self.steps.len();
        self.push_from(at, outer, from, len);
        self.steps.iter_mut().skip(start).for_each(|step| step.linear = false);
    }

    /// Copies what `outer` knows about `len` bytes at `from`, as bytes at `at` of this stream.
    pub fn push_from(&mut self, at: u64, outer: &Self, from: u64, len: u64) {
        let first = outer.index(from);
        for (i, step) in outer.steps.iter().enumerate().skip(first) {
            let start = step.at.max(from);
            let end = outer.steps.get(i + 1).map_or(from + len, |next| next.at.min(from + len));
            if start >= from + len || end <= start {
                break;
            }
            self.add(at + (start - from), end - start, outer.position(start), step.linear);
        }
    }

    /// Where the `len` bytes at `from` were captured, in runs: the offset of the first byte of each, its position, and whether
    /// the bytes of the run stand there as they are.
    pub fn runs(&self, from: u64, len: u64) -> impl Iterator<Item = (u64, Position, bool)> {
        let first = self.index(from);
        let later = self.steps.iter().skip(first + 1).take_while(move |step| step.at < from + len);
        let linear = self.steps.get(first).is_some_and(|step| step.linear);
        std::iter::once((from, self.position(from), linear))
            .chain(later.map(|step| (step.at, step.position, step.linear)))
    }

    /// That of `len` bytes which came in pieces: where each begins, and where it was captured.
    pub fn of(len: u64, pieces: impl Iterator<Item = (u64, Position)>) -> Self {
        let mut trail = Self::default();
        let mut pieces = pieces.peekable();
        while let Some((at, position)) = pieces.next() {
            let end = pieces.peek().map_or(len, |(next, _)| *next);
            trail.push(at, end.saturating_sub(at), position);
        }
        trail
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.steps.clear();
        (self.end, self.pruned) = (0, 0);
    }

    fn add(&mut self, at: u64, len: u64, position: Position, linear: bool) {
        self.end = at + len;
        let step = Step { at, position, linear };
        match self.steps.as_mut_slice() {
            // The packet before is done with: its step is written over.
            [last] if self.pruned >= at => *last = step,
            _ => self.steps.push(step),
        }
    }

    /// Offset behind the last byte that was pushed.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// TCP's sequence number behind the last byte that was pushed, if that stands in its segment as it is.
    pub fn sequence(&self) -> Option<u32> {
        let last = self.steps.last().filter(|last| last.linear && last.position.numbers.ack != 0)?;
        Some(last.position.numbers.skip(self.end - last.at).seq)
    }

    /// Forgets what is only needed for offsets before `offset`; the last step stays.
    pub fn prune(&mut self, offset: u64) {
        let offset = offset.min(self.end);
        self.pruned = offset;
        if self.steps.len() > 1 {
            let first = self.index(offset);
            if first > 0 {
                self.steps.drain(..first);
                if self.steps.len() == 1 {
                    self.steps.shrink_to_fit();
                }
            }
        }
    }

    /// Where the byte at `offset` was captured; the nearest known byte for one that was forgotten.
    pub fn position(&self, offset: u64) -> Position {
        let Some(step) = self.steps.get(self.index(offset)) else { return Position::default() };
        let ahead = if step.linear { offset.saturating_sub(step.at) } else { 0 };
        let Position { offset, numbers, .. } = step.position;
        Position { offset: offset + ahead, numbers: numbers.skip(ahead), ..step.position }
    }

    /// The captured runs that `len` bytes at `offset` come from.
    pub fn spans(&self, offset: u64, len: u64) -> SmallVec<[Span; 1]> {
        let mut spans = SmallVec::<[Span; 1]>::new();
        let end = offset + len.max(1);
        for i in self.index(offset)..self.steps.len() {
            let step = &self.steps[i];
            if step.at >= end && !spans.is_empty() {
                break;
            }
            let start = step.at.max(offset);
            let stop = self.steps.get(i + 1).map_or(end, |next| next.at.min(end));
            let position = self.position(start);
            let len = if step.linear { stop.saturating_sub(start) as u32 } else { 0 };
            match spans.last_mut() {
                Some(last)
                    if last.frame == position.frame
                        && last.offset + u64::from(last.len) == position.offset =>
                {
                    last.len += len;
                }
                Some(last) if last.frame == position.frame && !step.linear => {}
                _ => spans.push(Span { frame: position.frame, offset: position.offset, len }),
            }
        }
        spans
    }

    /// Index of the step that explains `offset`.
    fn index(&self, offset: u64) -> usize {
        match self.steps.len() {
            0 | 1 => 0,
            _ => self.steps.partition_point(|s| s.at <= offset).saturating_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(frame: u64, offset: u64) -> Position {
        Position { frame, offset, ..Position::default() }
    }

    #[test]
    fn offsets_lead_back_to_frames() {
        let mut trail = Trail::default();
        trail.push(0, 10, at(1, 100));
        trail.push(10, 10, at(2, 200));
        trail.push(20, 10, at(4, 400));
        assert_eq!(trail.position(3), at(1, 103));
        assert_eq!(trail.position(19), at(2, 209));
        let spans = trail.spans(8, 14);
        assert_eq!(
            spans.iter().map(|s| (s.frame, s.offset, s.len)).collect::<Vec<_>>(),
            [(1, 108, 2), (2, 200, 10), (4, 400, 2)]
        );
        trail.prune(12);
        assert_eq!(trail.position(19), at(2, 209));
        assert_eq!(trail.position(25), at(4, 405));
        let mut inner = Trail::default();
        inner.push_from(0, &trail, 15, 10);
        let runs: Vec<_> = trail.runs(15, 10).collect();
        assert_eq!(runs, [(15, at(2, 205), true), (20, at(4, 400), true)]);
        assert_eq!(inner.position(0), at(2, 205));
        assert_eq!(inner.position(5), at(4, 400));
    }

    #[test]
    fn what_is_done_with_makes_room_and_what_is_held_stays() {
        let mut trail = Trail::default();
        for n in 0..10 {
            trail.push(n * 10, 10, at(n, n * 100));
            assert_eq!((trail.steps.len(), trail.position(n * 10 + 3)), (1, at(n, n * 100 + 3)));
            trail.prune(u64::MAX);
            assert_eq!(trail.position(n * 10 + 3), at(n, n * 100 + 3), "the last step stays");
        }
        trail.push(100, 10, at(10, 1000));
        trail.prune(104);
        trail.push(110, 10, at(11, 1100));
        assert_eq!((trail.position(105), trail.position(110)), (at(10, 1005), at(11, 1100)));
    }

    #[test]
    fn derived_bytes_inherit_one_position() {
        let mut trail = Trail::default();
        trail.push_derived(0, 1000, at(7, 70));
        assert_eq!(trail.position(999), at(7, 70));
        assert_eq!(trail.spans(5, 50)[0], Span { frame: 7, offset: 70, len: 0 });
        assert_eq!(trail.runs(5, 50).collect::<Vec<_>>(), [(5, at(7, 70), false)]);
    }
}
