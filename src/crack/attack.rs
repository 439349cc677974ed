//! The attack: which candidate is tried on which input, in an order that depends on nothing but the input.

use super::{
    Found, Mutation, Origin, Outcome, derive,
    input::Inputs,
    job::Job,
    kernel::Engine,
    pass::{Candidate, Desk, Next, Pass, Scope},
    resume::Replay,
    wordlist::is_builtin,
};
use crate::token::{Secret, Token};
use foldhash::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{borrow::Cow, collections::BTreeMap, fmt, path::PathBuf, sync::Arc, sync::OnceLock};

/// The number of the next attack.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A dictionary attack on the HMAC tokens of a run.
///
/// Tokens are [added](Self::add) in order of sighting and attacked in passes: a pass takes all that were added before it
/// began. It tries the secrets that are known by then on each input; then, first on the first input of each
/// (algorithm, `iss`, `kid`, host) and afterwards on the others: the empty key, the derived words, the built-in list, the
/// lists of the user. A list is walked once, each word on all inputs that are still open, so that its HMAC key is set
/// up once. A secret that is found is tried on all open inputs at once. A trial is one candidate on one input; the budget is
/// spent in exactly this order.
///
/// Words of lists are drawn in batches ([`Self::draw`]), which any thread can work on ([`Job::run`]), and settled
/// ([`Self::settle`]) in the order in which they were drawn. A batch only says which words may fit; settling it goes through
/// its words as if each had been tried alone, so that batches, threads and slices change nothing in the result.
///
/// The empty key stands for every key of NUL bytes: HMAC pads a key with NUL to the block size (RFC 2104 section 2).
pub struct Attack {
    /// Tells it from other attacks of the process, whose jobs are not its own.
    id: u64,
    pub(super) budget: u64,
    pub(super) trials: u64,
    pub(super) cut: bool,
    pub(super) desk: Desk,
    /// Inputs that already had their pass, or are in it.
    pub(super) begun: usize,
    pub(super) pass: Option<Pass>,
    /// The secrets of `desk.known`: all inputs of a pass had them.
    pub(super) known: HashSet<Box<[u8]>>,
    pub(super) found: BTreeMap<[u8; 32], Found>,
    pub(super) fresh: Vec<[u8; 32]>,
    /// The lists of the user, those that failed included.
    pub(super) lists: Vec<PathBuf>,
    engine: Option<Engine>,
    /// Jobs that were drawn and not settled.
    outstanding: usize,
    /// Rounds begun.
    round: u64,
    /// Candidates that had their turn.
    pub(super) candidates: u64,
    /// The numbers of those that were a secret.
    pub(super) hits: Vec<u64>,
    pub(super) replay: Option<Replay>,
    /// What is over: the session does not fit.
    pub(super) astray: bool,
    /// Tells the attack from others, in sessions; worked out when it is first asked for.
    pub(super) identity: OnceLock<String>,
}

/// What an attack wants next.
#[derive(Debug)]
pub enum Draw {
    /// A batch to be run and settled.
    Job(Job),
    /// A candidate was tried.
    One,
    /// The jobs that were drawn must be settled first.
    Wait,
    /// There is nothing more to do.
    Over,
}

impl Attack {
    /// An attack of at most `budget` trials (0: none at all) that knows some secrets and tries the words of some files
    /// after the built-in ones.
    pub fn new(budget: u64, known_secrets: Vec<Secret>, wordlists: Vec<PathBuf>) -> Self {
        let long_lines = vec![0; wordlists.len()];
        let mut attack = Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            budget,
            trials: 0,
            cut: false,
            desk: Desk {
                inputs: Inputs::default(),
                solved: Vec::new(),
                known: Vec::new(),
                shared: Vec::new(),
                mutations: Arc::default(),
                wordlists: wordlists.iter().cloned().map(Some).collect(),
                long_lines,
                errors: Vec::new(),
                read: 0,
            },
            begun: 0,
            pass: None,
            known: HashSet::default(),
            found: BTreeMap::new(),
            fresh: Vec::new(),
            lists: wordlists,
            engine: None,
            outstanding: 0,
            round: 0,
            candidates: 0,
            hits: Vec::new(),
            replay: None,
            astray: false,
            identity: OnceLock::new(),
        };
        for secret in known_secrets {
            attack.learn(Found { secret, origin: Origin::Given });
        }
        attack
    }

    /// The same attack by one engine instead of the fastest.
    #[must_use]
    pub fn with_engine(mut self, engine: Engine) -> Self {
        self.engine = Some(engine);
        self
    }

    /// The same attack with words that are made of others.
    #[must_use]
    pub fn with_mutations(mut self, mutations: Arc<[Mutation]>) -> Self {
        self.desk.mutations = mutations;
        self
    }

    /// Takes a token that was seen, on its way to or from `host`. Tokens that are not signed with HMAC or whose
    /// signature has not the right length are left out, as are those that bounds of [`crate::limits`] refuse. Whether it
    /// was taken.
    pub fn add(&mut self, token: &Arc<Token>, host: Option<&str>) -> bool {
        if self.budget == 0 {
            return false;
        }
        let Some(at) = self.desk.inputs.add(token, host) else { return false };
        self.desk.solved.resize(self.desk.inputs.len(), None);
        if let Some(Some(found)) = self.desk.solved.get(at) {
            self.found.insert(*token.sha256(), found.clone());
            self.fresh.push(*token.sha256());
        }
        true
    }

    /// Makes words of texts that belong to the whole capture, such as hosts, and of what its tokens say, for all inputs.
    pub fn share(&mut self, texts: &[Box<str>]) {
        let of_tokens = (0..self.desk.inputs.len()).filter_map(|at| self.desk.inputs.get(at));
        let of_tokens = of_tokens.flat_map(|input| derive::words(&input.seeds));
        let mut seen: HashSet<Vec<u8>> = HashSet::default();
        let texts = texts.iter().flat_map(|text| derive::words(std::slice::from_ref(text)));
        let all = of_tokens.chain(texts).filter(|word| !is_builtin(word) && seen.insert(word.clone()));
        self.desk.shared = all.take(derive::SHARED).map(Into::into).collect();
    }

    /// Runs to the end.
    pub fn run(&mut self) -> Outcome {
        while self.run_some(u64::MAX) {}
        self.outcome()
    }

    /// Makes about `max_trials` trials (it stops between two batches) and says whether there is more to do. How the
    /// attack is sliced changes nothing in what it tries.
    pub fn run_some(&mut self, max_trials: u64) -> bool {
        let end = self.trials.saturating_add(max_trials.max(1));
        // Words that are skipped make no trials; they are counted so that they do not hold the caller either.
        let mut words = 0;
        while self.trials < end && words < max_trials.max(1) {
            match self.draw() {
                Draw::Job(job) => {
                    words += job.batch.len() as u64;
                    let hits = job.run();
                    self.settle(&job, &hits);
                }
                Draw::One => words += 1,
                Draw::Wait | Draw::Over => return false,
            }
        }
        !self.cut && !self.astray && (self.pass.is_some() || self.begun < self.desk.inputs.len())
    }

    /// What to do next.
    pub fn draw(&mut self) -> Draw {
        loop {
            if self.cut || self.budget == 0 || self.astray {
                return Draw::Over;
            }
            if self.replay.is_some() && self.outstanding > 0 {
                return Draw::Wait;
            }
            if self.pass.is_none() {
                self.pass = Pass::begin(&self.desk, self.begun);
                self.begun = self.desk.inputs.len();
                self.round += 1;
            }
            let Some(mut pass) = self.pass.take() else { return Draw::Over };
            let next = pass.next(&mut self.desk);
            match next {
                Next::One(candidate) => {
                    self.try_candidate(&candidate, &mut pass);
                    self.pass = Some(pass);
                    return Draw::One;
                }
                Next::Words(batch, origin) => {
                    let open = pass.now.iter().filter_map(|at| self.desk.inputs.get(*at).cloned()).collect();
                    self.pass = Some(pass);
                    self.outstanding += 1;
                    let known = self.replay.as_ref().and_then(|r| r.hits_in(self.candidates, batch.len()));
                    let (round, engine) = (self.round, self.engine);
                    let attack = self.id;
                    return Draw::Job(Job { attack, round, batch, origin, open, engine, known });
                }
                Next::RoundOver if self.outstanding > 0 => {
                    self.pass = Some(pass);
                    return Draw::Wait;
                }
                Next::RoundOver => {
                    if pass.turn() {
                        self.pass = Some(pass);
                        self.round += 1;
                    }
                }
            }
        }
    }

    /// Takes what came of a job. Jobs are settled in the order in which they were drawn.
    pub fn settle(&mut self, job: &Job, hits: &[usize]) {
        if job.attack != self.id {
            return;
        }
        self.outstanding = self.outstanding.saturating_sub(1);
        if job.round != self.round || self.cut || self.astray {
            return;
        }
        let Some(mut pass) = self.pass.take() else { return };
        let mut from = 0;
        for &hit in hits {
            let Some(word) = job.batch.get(hit) else { continue };
            self.count(job, from..hit, &pass);
            if self.cut || pass.now.is_empty() {
                break;
            }
            let candidate = Candidate { word: Cow::Borrowed(word), origin: job.origin, scope: Scope::Round };
            self.try_candidate(&candidate, &mut pass);
            from = hit + 1;
        }
        self.count(job, from..job.batch.len(), &pass);
        self.pass = Some(pass);
    }

    /// Tokens that were solved since this was asked last, in the order in which they were.
    pub fn take_fresh(&mut self) -> Vec<[u8; 32]> {
        std::mem::take(&mut self.fresh)
    }

    /// The secret of a token, if it was found.
    pub fn found(&self, sha256: &[u8; 32]) -> Option<&Found> {
        self.found.get(sha256)
    }

    /// Trials made so far.
    pub const fn trials(&self) -> u64 {
        self.trials
    }

    /// Distinct inputs, and how many of them are still open.
    pub fn inputs(&self) -> (usize, usize) {
        let open = self.desk.solved.iter().filter(|solved| solved.is_none()).count();
        (self.desk.inputs.len(), open)
    }

    /// Which of its rounds the attack is in, counted from 1; bytes of the lists' files that were read in it.
    pub const fn place(&self) -> (u64, u64) {
        (self.round, self.desk.read)
    }

    /// Whether another round follows this one.
    pub fn another_round(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| !pass.later.is_empty())
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
