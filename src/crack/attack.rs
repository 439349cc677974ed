//! The attack: which candidate is tried on which input, in an order that depends on nothing but the input.

use super::{
    Found, Origin, Outcome, derive,
    input::Inputs,
    keyed::Keyed,
    pass::{Candidate, Desk, Pass, Scope},
    wordlist::is_builtin,
};
use crate::token::{Secret, Token};
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    path::PathBuf,
    sync::Arc,
};

/// A dictionary attack on the HMAC tokens of a run.
///
/// Tokens are [added](Self::add) in order of sighting and attacked in passes: a pass takes all that were added before it
/// began. It tries the secrets that are known by then on each input; then, first on the first input of each
/// (algorithm, `iss`, `kid`, host) and afterwards on the others: the empty key, the derived words, the built-in list, the
/// lists of the user. A list is walked once, each word on all inputs that are still open, so that its HMAC key is set
/// up once. A secret that is found is tried on all open inputs at once. A trial is one candidate on one input; the budget is
/// spent in exactly this order.
///
/// The empty key stands for every key of NUL bytes: HMAC pads a key with NUL to the block size (RFC 2104 section 2).
pub struct Attack {
    budget: u64,
    trials: u64,
    cut: bool,
    desk: Desk,
    /// Inputs that already had their pass, or are in it.
    begun: usize,
    pass: Option<Pass>,
    /// The secrets of `desk.known`: all inputs of a pass had them.
    known: HashSet<Box<[u8]>>,
    found: BTreeMap<[u8; 32], Found>,
    fresh: Vec<[u8; 32]>,
}

impl Attack {
    /// An attack of at most `budget` trials (0: none at all) that knows some secrets and tries the words of some files
    /// after the built-in ones.
    pub fn new(budget: u64, known_secrets: Vec<Secret>, wordlists: Vec<PathBuf>) -> Self {
        let long_lines = vec![0; wordlists.len()];
        let mut attack = Self {
            budget,
            trials: 0,
            cut: false,
            desk: Desk {
                inputs: Inputs::default(),
                solved: Vec::new(),
                known: Vec::new(),
                wordlists: wordlists.into_iter().map(Some).collect(),
                long_lines,
                errors: Vec::new(),
            },
            begun: 0,
            pass: None,
            known: HashSet::new(),
            found: BTreeMap::new(),
            fresh: Vec::new(),
        };
        for secret in known_secrets {
            attack.learn(Found { secret, origin: Origin::Given });
        }
        attack
    }

    /// Takes a token that was seen, on its way to or from `host`. Tokens that are not signed with HMAC or whose
    /// signature has not the right length are left out, as are those that bounds of [`crate::limits`] refuse.
    pub fn add(&mut self, token: &Arc<Token>, host: Option<&str>) {
        if self.budget == 0 {
            return;
        }
        let Some(at) = self.desk.inputs.add(token, host) else { return };
        self.desk.solved.resize(self.desk.inputs.len(), None);
        if let Some(Some(found)) = self.desk.solved.get(at) {
            self.found.insert(*token.sha256(), found.clone());
            self.fresh.push(*token.sha256());
        }
    }

    /// Runs to the end.
    pub fn run(&mut self) -> Outcome {
        while self.run_some(u64::MAX) {}
        self.outcome()
    }

    /// Makes about `max_trials` trials (it stops between two words) and says whether there is more to do. How the
    /// attack is sliced changes nothing in what it tries.
    pub fn run_some(&mut self, max_trials: u64) -> bool {
        let end = self.trials.saturating_add(max_trials.max(1));
        // Words that are skipped make no trials; they are counted so that they do not hold the caller either.
        let mut words = 0;
        while self.trials < end && words < max_trials.max(1) {
            if self.cut || self.budget == 0 {
                return false;
            }
            if self.pass.is_none() {
                self.pass = Pass::begin(&self.desk, self.begun);
                self.begun = self.desk.inputs.len();
            }
            let Some(mut pass) = self.pass.take() else { return false };
            if let Some(candidate) = pass.next(&mut self.desk) {
                self.try_candidate(&candidate, &mut pass);
                self.pass = Some(pass);
            }
            words += 1;
        }
        !self.cut && (self.pass.is_some() || self.begun < self.desk.inputs.len())
    }

    /// Tokens that were solved since this was asked last, in the order in which they were.
    pub fn take_fresh(&mut self) -> Vec<[u8; 32]> {
        std::mem::take(&mut self.fresh)
    }

    /// Trials made so far.
    pub const fn trials(&self) -> u64 {
        self.trials
    }

    /// What was found so far. Errors are given once.
    pub fn outcome(&mut self) -> Outcome {
        Outcome {
            found: self.found.clone(),
            trials: self.trials,
            inputs: self.desk.inputs.len(),
            cut: self.cut,
            refused: self.desk.inputs.refused(),
            long_lines: self.desk.long_lines.iter().sum(),
            errors: std::mem::take(&mut self.desk.errors),
        }
    }

    fn try_candidate(&mut self, candidate: &Candidate, pass: &mut Pass) {
        let Candidate { word, origin, scope } = candidate;
        let mut keyed = Keyed::new(word);
        match scope {
            Scope::Everyone => {
                self.sweep(&mut keyed, *origin, &mut pass.now);
                self.sweep(&mut keyed, *origin, &mut pass.later);
            }
            _ if self.known.contains(&**word) => {}
            Scope::Round => {
                if self.sweep(&mut keyed, *origin, &mut pass.now) {
                    // Those of an earlier round had this word already.
                    self.sweep(&mut keyed, *origin, &mut pass.later);
                    self.learn(Found { secret: Secret::from(&**word), origin: *origin });
                }
            }
            Scope::One(at) => {
                if self.sweep(&mut keyed, *origin, &mut vec![*at]) {
                    let mut others: Vec<usize> =
                        (0..self.begun).filter(|at| self.desk.is_open(*at)).collect();
                    self.sweep(&mut keyed, *origin, &mut others);
                    pass.now.retain(|at| self.desk.is_open(*at));
                    pass.later.retain(|at| self.desk.is_open(*at));
                    self.learn(Found { secret: Secret::from(&**word), origin: *origin });
                }
            }
        }
    }

    /// Tries one word on the inputs `open`, within the budget, and takes those out that it solves. Whether it solved any.
    fn sweep(&mut self, keyed: &mut Keyed<'_>, origin: Origin, open: &mut Vec<usize>) -> bool {
        let before = open.len();
        open.retain(|&at| {
            let Some(input) = self.desk.inputs.get(at) else { return false };
            if self.cut || self.trials >= self.budget {
                self.cut = true;
                return true;
            }
            self.trials += 1;
            if !keyed.verifies(input.hs, &input.text, &input.signature) {
                return true;
            }
            let origin = match origin {
                Origin::Given => weakness(keyed.word(), &input.seeds),
                other => other,
            };
            let found = Found { secret: Secret::from(keyed.word()), origin };
            for token in &input.tokens {
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

    fn learn(&mut self, found: Found) {
        if self.known.insert(found.secret.reveal().into()) {
            self.desk.known.push(found);
        }
    }
}

impl fmt::Debug for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attack")
            .field("inputs", &self.desk.inputs.len())
            .field("found", &self.found.len())
            .field("trials", &self.trials)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
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
