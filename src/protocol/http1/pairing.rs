//! Which response answers which request. The order within each direction is certain, so the next final response answers
//! the oldest open request, whatever the times of their packets say. Only where a hole took whole messages that does not
//! hold: there TCP's numbers tell, which each segment carries of both directions, and times where there are none.

use crate::limits;
use crate::message::{Direction, End, ExchangeId, Numbers, Position};
use crate::protocol::Out;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Messages whose counterpart is yet to come: at most one of the two lists has any.
#[derive(Default)]
pub(super) struct Pairing {
    /// Requests that wait for their response, oldest first.
    pending: SmallVec<[Pending; 1]>,
    /// Responses that came before their requests did; their exchanges stay open.
    early: VecDeque<Early>,
    /// Messages were lost, so the order alone does not tell.
    unsure: bool,
    /// The client does not wait for a response before it asks again.
    pipelined: bool,
    /// The early response whose request came last.
    answered: Option<When>,
    /// A hole began between two messages of this direction, and none was seen since: it took one at least.
    torn: [bool; 2],
    /// The client says nothing more.
    over: bool,
}

/// A request that waits for its response.
pub(super) struct Pending {
    pub(super) id: ExchangeId,
    pub(super) head: bool,
    pub(super) connect: bool,
    at: When,
    /// Requests right before it were lost.
    torn: bool,
}

/// A response that waits for its request.
struct Early {
    id: ExchangeId,
    at: When,
    /// Responses right before it were lost.
    torn: bool,
}

/// When a message began: by its connection's numbers, and by the clock.
#[derive(Clone, Copy)]
struct When {
    numbers: Numbers,
    time: Timestamp,
}

/// What a response answers.
pub(super) enum Asked {
    /// This request.
    By(Pending),
    /// One that is yet to come.
    Later,
    /// One that never comes.
    Lost,
}

impl Pending {
    pub(super) fn new(id: ExchangeId, method: &[u8], at: &Position) -> Self {
        Self { id, head: method == b"HEAD", connect: method == b"CONNECT", at: When::of(at), torn: false }
    }
}

impl When {
    const fn of(position: &Position) -> Self {
        Self { numbers: position.numbers, time: position.time }
    }

    fn can_answer(&self, asked: &Self) -> bool {
        self.numbers.can_answer(asked.numbers).unwrap_or(self.time >= asked.time)
    }

    /// Whether the numbers say that it can.
    fn comes_after(&self, asked: &Self) -> bool {
        self.numbers.can_answer(asked.numbers) == Some(true)
    }

    /// Whether the server may have heard more by then than was seen of the client.
    fn heard_more(&self, out: &Out<'_>) -> bool {
        let seen = out.trail(Direction::Request).sequence();
        seen.is_none_or(|seen| self.numbers.ack.wrapping_sub(seen) as i32 > 0)
    }

    /// Whether the client had received all before this response, and nothing of it, when it asked.
    const fn follows(&self, asked: &Self) -> bool {
        asked.numbers.ack != 0 && self.numbers.seq == asked.numbers.ack
    }
}

impl Pairing {
    /// A request begins there: the response that answers it, if that came before it.
    pub(super) fn answer(&mut self, at: &Position, out: &mut Out<'_>) -> Option<ExchangeId> {
        let torn = self.torn[Direction::Request.index()];
        if self.early.is_empty() {
            return None;
        }
        let (at, waiting) = (When::of(at), self.early.len());
        let answered = self.answered.take();
        self.pipelined |= !self.unsure && answered.is_some_and(|answered| answered.comes_after(&at));
        while self.early.front().is_some_and(|early| !early.at.can_answer(&at)) {
            self.forgo(out);
        }
        if torn && self.pipelined && self.early.len() == waiting {
            self.forgo(out);
        }
        let early = self.early.front_mut()?;
        let skipped = at.numbers.ack != 0 && !early.at.follows(&at) && early.at.heard_more(out);
        if early.torn && (skipped || self.pipelined) {
            // What answers this request was lost.
            early.torn = !self.pipelined;
            return None;
        }
        let id = early.id;
        self.torn[Direction::Request.index()] = false;
        self.answered = Some(early.at);
        self.early.pop_front();
        out.release(limits::EARLY_COST);
        self.settle();
        Some(id)
    }

    /// A request waits for its response from now on.
    pub(super) fn ask(&mut self, mut asked: Pending, out: &mut Out<'_>) {
        asked.torn = std::mem::take(&mut self.torn[Direction::Request.index()]);
        if !self.early.is_empty() {
            return out.end(asked.id, Direction::Response, End::Cut);
        }
        if self.pending.len() >= limits::PIPELINE {
            out.weird("http_pipeline_limit");
            self.unsure = true;
            let oldest = self.pending.remove(0);
            out.end(oldest.id, Direction::Response, End::Cut);
        }
        self.pending.push(asked);
    }

    /// What the final response at layer offset `at` answers. Older requests stay without an answer.
    pub(super) fn asked(&mut self, at: u64, out: &mut Out<'_>) -> Asked {
        if self.pending.len() == 1 && !self.unsure {
            return self.pending.pop().map_or(Asked::Later, Asked::By);
        }
        if self.pending.is_empty() {
            return self.later();
        }
        let at = When::of(&out.position(Direction::Response, at));
        if !self.unsure {
            self.pipelined |= self.pending.get(1).is_some_and(|next| at.comes_after(&next.at));
            return Asked::By(self.pending.remove(0));
        }
        let can = self.pending.iter().take_while(|asked| at.can_answer(&asked.at)).count();
        let lost = self.lost(&at, can, out);
        for lost in self.pending.drain(..lost) {
            out.end(lost.id, Direction::Response, End::Cut);
        }
        if self.pending.is_empty() {
            return self.later();
        }
        self.torn[Direction::Response.index()] = false;
        if lost == can {
            return Asked::Lost;
        }
        let asked = self.pending.remove(0);
        self.settle();
        Asked::By(asked)
    }

    /// The response at layer offset `at` waits for its request from now on.
    pub(super) fn wait(&mut self, id: ExchangeId, at: u64, out: &mut Out<'_>) {
        let at = When::of(&out.position(Direction::Response, at));
        while self.early.front().is_some_and(|early| at.time.since(early.at.time) > limits::EARLY_TIME) {
            self.forgo(out);
        }
        while self.early.len() >= limits::EARLY_RESPONSES || !out.reserve(limits::EARLY_COST) {
            out.weird("http_early_limit");
            if self.early.is_empty() {
                return out.end(id, Direction::Request, End::Cut);
            }
            self.forgo(out);
        }
        let torn = std::mem::take(&mut self.torn[Direction::Response.index()]);
        self.answered = self.answered.filter(|_| !self.early.is_empty());
        self.early.push_back(Early { id, at, torn });
    }

    /// Messages of a direction may have been lost in a hole, one at least if it began `between` two.
    pub(super) fn tear(&mut self, dir: Direction, between: bool) {
        self.torn[dir.index()] |= between;
    }

    /// Framing was lost: the order alone no longer tells.
    pub(super) const fn doubt(&mut self) {
        self.unsure = true;
    }

    /// One direction is over.
    pub(super) fn close(&mut self, dir: Direction, out: &mut Out<'_>) {
        match dir {
            Direction::Response => {
                for pending in std::mem::take(&mut self.pending) {
                    out.end(pending.id, Direction::Response, End::Cut);
                }
            }
            Direction::Request => {
                self.over = true;
                while !self.early.is_empty() {
                    self.forgo(out);
                }
            }
        }
    }

    /// Whether a CONNECT waits for its answer.
    pub(super) fn awaits_tunnel(&self) -> bool {
        self.pending.iter().any(|asked| asked.connect)
    }

    /// Whether nothing else does.
    pub(super) fn awaits_only_tunnel(&self) -> bool {
        matches!(self.pending.as_slice(), [asked] if asked.connect)
    }

    /// Whether it is as it was at first.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
            && self.early.is_empty()
            && !(self.unsure || self.pipelined || self.over || self.torn != [false; 2])
    }

    /// What a response answers where no request is open.
    const fn later(&self) -> Asked {
        if self.over { Asked::Lost } else { Asked::Later }
    }

    /// How many of the oldest open requests were answered in holes, if a response is to one of the first `can`, or to one
    /// behind them that is yet to come.
    fn lost(&self, at: &When, can: usize, out: &Out<'_>) -> usize {
        let torn = self.torn[Direction::Response.index()];
        let Some(newest) = can.checked_sub(1).and_then(|newest| self.pending.get(newest)) else { return 0 };
        if self.pipelined {
            return usize::from(torn);
        }
        let ack = newest.at.numbers.ack;
        if ack == 0 {
            return can - 1;
        }
        // Who waits for responses asks with a higher acknowledgment each time; of those that asked at once, the first
        // is the next, unless the hole took its response.
        let at_once =
            self.pending.iter().take(can).rev().take_while(|asked| asked.at.numbers.ack == ack).count();
        let heard_more = || match self.pending.get(can) {
            Some(next) => next.torn,
            None => at.heard_more(out),
        };
        let took = torn && !at.follows(&newest.at) && (at_once > 1 || heard_more());
        can - at_once + usize::from(took)
    }

    /// The oldest early response stays without its request.
    fn forgo(&mut self, out: &mut Out<'_>) {
        if let Some(early) = self.early.pop_front() {
            out.release(limits::EARLY_COST);
            out.end(early.id, Direction::Request, End::Cut);
        }
    }

    /// Nothing is open: the next request and the next response belong together.
    fn settle(&mut self) {
        if self.pending.is_empty() && self.early.is_empty() {
            (self.unsure, self.pipelined, self.answered, self.torn) = Default::default();
        }
    }
}
