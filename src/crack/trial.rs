//! What it costs to try a candidate, and what comes of it.

use super::attack::Attack;
use super::job::Job;
use super::keyed::Keyed;
use super::pass::{Candidate, Pass, Scope};
use super::wordlist::is_builtin;
use super::{Found, Origin, derive};
use crate::token::Secret;
use std::ops::Range;

impl Attack {
    /// Words of a job that fit nothing: what they cost on the inputs that are open now.
    pub(super) fn count(&mut self, job: &Job, words: Range<usize>, pass: &Pass) {
        let open = pass.now.len() as u64;
        if self.cut || open == 0 {
            return;
        }
        let mut new = words.len() as u64;
        if !self.known.is_empty() {
            let known = |at: &usize| job.batch.get(*at).is_some_and(|word| self.known.contains(word));
            new -= words.clone().filter(known).count() as u64;
        }
        let room = self.budget - self.trials;
        if new.saturating_mul(open) > room {
            (self.trials, self.cut) = (self.budget, true);
            self.candidates += room / open;
        } else {
            self.trials += new * open;
            self.candidates += words.len() as u64;
        }
        self.replayed();
    }

    pub(super) fn try_candidate(&mut self, candidate: &Candidate<'_>, pass: &mut Pass) {
        let Candidate { word, origin, scope } = candidate;
        let mut keyed = Keyed::new(word);
        let number = self.candidates;
        let dry = self.replay.as_ref().is_some_and(|replay| !replay.is_hit(number));
        let mut sweep =
            |attack: &mut Self, open: &mut Vec<usize>| attack.sweep(&mut keyed, *origin, open, dry);
        let hit = match scope {
            Scope::Everyone => {
                let now = sweep(self, &mut pass.now);
                sweep(self, &mut pass.later) || now
            }
            _ if self.known.contains(&**word) => false,
            Scope::Round => {
                let hit = sweep(self, &mut pass.now);
                if hit {
                    // Those of an earlier round had this word already.
                    sweep(self, &mut pass.later);
                    self.learn(Found { secret: Secret::from(&**word), origin: *origin });
                }
                hit
            }
            Scope::One(at) => {
                let hit = sweep(self, &mut vec![*at]);
                if hit {
                    let mut others: Vec<usize> =
                        (0..self.begun).filter(|at| self.desk.is_open(*at)).collect();
                    sweep(self, &mut others);
                    pass.now.retain(|at| self.desk.is_open(*at));
                    pass.later.retain(|at| self.desk.is_open(*at));
                    self.learn(Found { secret: Secret::from(&**word), origin: *origin });
                }
                hit
            }
        };
        self.candidates += 1;
        if hit {
            self.hits.push(number);
        } else if self.replay.is_some() && !dry {
            self.astray = true;
        }
        self.replayed();
    }

    /// Tries one word on the inputs `open`, within the budget, and takes those out that it solves. Whether it solved any.
    /// A `dry` word is known to solve none.
    fn sweep(&mut self, keyed: &mut Keyed<'_>, origin: Origin, open: &mut Vec<usize>, dry: bool) -> bool {
        let before = open.len();
        open.retain(|&at| {
            let Some(input) = self.desk.inputs.get(at) else { return false };
            if self.cut || self.trials >= self.budget {
                self.cut = true;
                return true;
            }
            self.trials += 1;
            if dry || !keyed.verifies(input.hs, &input.text, &input.signature) {
                return true;
            }
            let origin = match origin {
                Origin::Given => weakness(keyed.word(), &input.seeds),
                other => other,
            };
            let found = Found { secret: Secret::from(keyed.word()), origin };
            for token in self.desk.inputs.tokens(at) {
                self.found.insert(*token, found.clone());
                self.fresh.push(*token);
            }
            if let Some(solved) = self.desk.solved.get_mut(at) {
                *solved = Some(found);
            }
            false
        });
        open.len() < before
    }

    pub(super) fn learn(&mut self, found: Found) {
        if self.known.insert(found.secret.reveal().into()) {
            self.desk.known.push(found);
        }
    }
}

/// Where a secret that the user gave would have been found without.
fn weakness(secret: &[u8], seeds: &[Box<str>]) -> Origin {
    if secret.iter().all(|byte| *byte == 0) {
        Origin::Empty
    } else if derive::words(seeds).iter().any(|word| word == secret) {
        Origin::Derived
    } else if is_builtin(secret) {
        Origin::Builtin
    } else {
        Origin::Given
    }
}
