//! Streams that are sequences of units: lines, frames, messages with their length before them. What has come of one
//! that is not whole yet is kept here, bounded; a grammar sees units as if they had come in one piece.

use super::{Dissector, Malformed, Out};
use crate::limits;
use crate::message::{Direction, End};

/// A protocol as a reader of units.
pub(super) trait Grammar: Send {
    /// Looks at `bytes`, which begin where the last step ended and lie at layer offset `at`.
    ///
    /// # Errors
    /// [`Malformed`] if the protocol cannot be followed any further; nothing of `bytes` may have been emitted then.
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> Result<Step, Malformed>;

    /// `len` bytes never arrived. True if they lie in what it takes in pieces, and it can go on behind them.
    fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool;

    /// It cannot, or a unit was cut: what was begun in this direction is over.
    fn lose(&mut self, dir: Direction, out: &mut Out<'_>);

    /// Whether a unit begins with these bytes, which are the first of a segment behind a hole.
    fn resumes(&self, dir: Direction, bytes: &[u8]) -> bool;

    /// Nothing more is read of this direction: it ended, or the protocol was lost.
    fn close(&mut self, dir: Direction, out: &mut Out<'_>) {
        self.lose(dir, out);
    }
}

/// What a grammar makes of the bytes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// So many were read; at least one.
    Read(usize),
    /// A unit of at least so many bytes is not whole.
    Need(usize),
    /// A unit that ends with that byte is not whole.
    Until(u8),
}

/// A [`Dissector`] of such a stream.
#[derive(Default)]
pub(super) struct Units<G> {
    grammar: G,
    halves: [Half; 2],
}

/// One direction.
#[derive(Default)]
struct Half {
    /// A unit that is not whole, and the layer offset of its first byte.
    held: Vec<u8>,
    at: u64,
    wants: Wants,
    /// Where units begin is not known any more.
    lost: bool,
}

/// What the grammar waits for.
#[derive(Clone, Copy)]
enum Wants {
    Bytes(usize),
    Until(u8),
}

impl Default for Wants {
    fn default() -> Self {
        Self::Bytes(1)
    }
}

impl Step {
    /// A line is not whole.
    pub(super) const LINE: Self = Self::Until(b'\n');
}

impl<G: Grammar> Units<G> {
    /// A stream of units that `grammar` reads.
    pub(super) fn new(grammar: G) -> Self {
        Self { grammar, halves: Default::default() }
    }

    /// Reads units off `bytes` as far as they are whole, and keeps the rest. What cannot be followed is told with the
    /// offset that it begins at.
    fn read(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        at: u64,
        out: &mut Out<'_>,
    ) -> Result<(), (usize, Malformed)> {
        let mut done = 0;
        while let Some(rest @ [_, ..]) = bytes.get(done..) {
            let wants = match self.grammar.step(dir, rest, at + done as u64, out) {
                Ok(Step::Read(n)) => {
                    done += n.clamp(1, rest.len());
                    continue;
                }
                Ok(Step::Need(n)) => Wants::Bytes(n.max(rest.len() + 1)),
                Ok(Step::Until(byte)) => Wants::Until(byte),
                Err(malformed) => return Err((done, malformed)),
            };
            let over = matches!(wants, Wants::Bytes(n) if n > limits::UNIT_BYTES);
            if over || rest.len() > limits::UNIT_BYTES || !out.reserve(rest.len()) {
                return Err((done, Malformed("unit_limit")));
            }
            let half = &mut self.halves[dir.index()];
            half.held = rest.to_vec();
            half.at = at + done as u64;
            half.wants = wants;
            break;
        }
        Ok(())
    }

    /// Adds to the unit that is not whole what it lacks, or all of `bytes`; returns how many were added, and whether it may
    /// be whole now. `None` if there is no room.
    fn fill(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Option<(usize, bool)> {
        let half = &mut self.halves[dir.index()];
        let (n, ready) = match half.wants {
            Wants::Bytes(all) => {
                let n = all.saturating_sub(half.held.len()).min(bytes.len());
                (n, half.held.len() + n >= all)
            }
            Wants::Until(byte) => {
                memchr::memchr(byte, bytes).map_or((bytes.len(), false), |end| (end + 1, true))
            }
        };
        if half.held.len() + n > limits::UNIT_BYTES || !out.reserve(n) {
            return None;
        }
        half.held.extend_from_slice(&bytes[..n]);
        Some((n, ready))
    }

    /// Takes what is held of a unit.
    fn take(&mut self, dir: Direction, out: &mut Out<'_>) -> (Vec<u8>, u64) {
        let half = &mut self.halves[dir.index()];
        let held = std::mem::take(&mut half.held);
        out.release(held.len());
        (held, half.at)
    }

    /// What is held of a unit will not be one.
    fn give_up(&mut self, dir: Direction, out: &mut Out<'_>) {
        let (held, at) = self.take(dir, out);
        out.opaque(dir, at, &held);
    }

    /// The protocol is lost, in both directions.
    fn fail(&mut self, out: &mut Out<'_>) {
        for dir in Direction::BOTH {
            self.give_up(dir, out);
            self.grammar.close(dir, out);
        }
    }
}

impl<G: Grammar> Dissector for Units<G> {
    fn data(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Malformed> {
        let (mut rest, mut at) = (bytes, out.at());
        if self.halves[dir.index()].lost {
            if !self.grammar.resumes(dir, rest) {
                out.opaque(dir, at, rest);
                return Ok(());
            }
            out.opaque_end(dir);
            self.halves[dir.index()].lost = false;
        }
        while !self.halves[dir.index()].held.is_empty() && !rest.is_empty() {
            let Some((n, ready)) = self.fill(dir, rest, out) else {
                self.fail(out);
                out.consumed(at);
                return Err(Malformed("unit_limit"));
            };
            rest = &rest[n..];
            at += n as u64;
            if ready {
                let (held, held_at) = self.take(dir, out);
                if let Err((done, malformed)) = self.read(dir, &held, held_at, out) {
                    out.opaque(dir, held_at + done as u64, held.get(done..).unwrap_or_default());
                    self.fail(out);
                    out.consumed(at);
                    return Err(malformed);
                }
            }
        }
        self.read(dir, rest, at, out).map_err(|(done, malformed)| {
            self.fail(out);
            out.consumed(at + done as u64);
            malformed
        })
    }

    fn gap(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> Result<(), Malformed> {
        let half = &self.halves[dir.index()];
        let border = half.held.is_empty() && !half.lost;
        if !(border && self.grammar.skip(dir, len, out)) {
            self.give_up(dir, out);
            self.grammar.lose(dir, out);
            self.halves[dir.index()].lost = true;
        }
        Ok(())
    }

    fn close(&mut self, dir: Direction, _: End, out: &mut Out<'_>) {
        self.give_up(dir, out);
        self.grammar.close(dir, out);
    }

    fn held(&self, dir: Direction) -> u64 {
        let half = &self.halves[dir.index()];
        if half.held.is_empty() { u64::MAX } else { half.at }
    }
}
