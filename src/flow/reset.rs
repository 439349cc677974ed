//! RST segments: which are believed, and what happens when one was a forgery (RFC 9293 section 3.5.2, RFC 5961).

use super::{Assembler, Step, anomalies::one, assembler::Phase};
use crate::message::End;

impl Assembler {
    /// Whether a RST ended it, and yet `seq` goes on where it was.
    pub const fn outlives_reset(&self, seq: u32) -> bool {
        self.aborted && seq == self.sequence()
    }

    /// Takes back the end that a RST made.
    pub(super) const fn revive(&mut self) {
        if self.aborted {
            let known = self.syn || self.next > 0;
            self.phase = if known { Phase::Open } else { Phase::Unseen };
            self.aborted = false;
        }
    }

    /// Takes a RST; `answers` says that its acknowledgment number fits the peer's stream. False: out of the window
    /// and ignored (RFC 5961 section 3).
    pub fn reset(&mut self, seq: u32, answers: bool, step: &mut Step<'_>) -> bool {
        let at = self.offset(seq);
        let next = self.next as i64;
        let acked = if self.acked { self.offset(self.ack) } else { next };
        let known = self.disorder.as_ref().and_then(|d| d.end().max(d.fin.map(|(at, _)| at + 1)));
        let valid = match self.phase {
            Phase::Unseen => answers || (self.acked && self.ack == seq),
            Phase::Expected => (0..=1).contains(&at),
            Phase::Holding | Phase::Open => {
                at == next || (at > next && at <= known.unwrap_or(next).max(acked))
            }
            Phase::Ended => (next..=next + 1).contains(&at),
        };
        if !valid {
            one(&mut step.out.anomalies().resets_ignored);
        } else if self.phase == Phase::Open && at > next {
            let since = step.moment();
            self.disorder(since).fin = Some((at, End::Reset));
            self.waiting = true;
        } else {
            if let Some(d) = &mut self.disorder {
                d.fin = None;
            }
            if self.phase == Phase::Unseen {
                self.base = seq;
            }
            self.finish(End::Reset, step);
        }
        valid
    }
}
