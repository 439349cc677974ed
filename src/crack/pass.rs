//! One walk through all candidates: which comes next, and for whom.

use super::batch::Batch;
use super::stream::Stream;
use super::{Found, Mutation, Origin, WordlistError, derive, input::Inputs};
use std::sync::Arc;
use std::{borrow::Cow, collections::VecDeque, path::PathBuf};

/// Inputs that a candidate is tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All that the pass has.
    Everyone,
    /// Those of the round.
    Round,
    /// One.
    One(usize),
}

/// What is to be tried next.
pub(super) struct Candidate<'w> {
    pub(super) word: Cow<'w, [u8]>,
    pub(super) origin: Origin,
    pub(super) scope: Scope,
}

/// What comes next in a pass.
pub(super) enum Next {
    /// One candidate.
    One(Candidate<'static>),
    /// Words for all inputs of the round.
    Words(Batch, Origin),
    /// Nothing more in this round.
    RoundOver,
}

/// What passes read, and what they have to say.
pub(super) struct Desk {
    pub(super) inputs: Inputs,
    /// By number of input.
    pub(super) solved: Vec<Option<Found>>,
    /// Secrets given, then those found, in that order.
    pub(super) known: Vec<Found>,
    /// Words of the whole capture, which are tried on every input.
    pub(super) shared: Vec<Box<[u8]>>,
    /// What is made of each word beside the word itself.
    pub(super) mutations: Arc<[Mutation]>,
    /// Lists of the user; one that failed is gone.
    pub(super) wordlists: Vec<Option<PathBuf>>,
    /// Of each list, the lines left out.
    pub(super) long_lines: Vec<u64>,
    pub(super) errors: Vec<WordlistError>,
    /// Bytes of the lists' files that were read in this round.
    pub(super) read: u64,
}

impl Desk {
    pub(super) fn is_open(&self, at: usize) -> bool {
        self.solved.get(at).is_some_and(Option::is_none)
    }

    pub(super) fn give_up(&mut self, list: usize, error: WordlistError) {
        if let Some(path) = self.wordlists.get_mut(list) {
            *path = None;
        }
        self.errors.push(error);
    }
}

/// Two rounds through the candidates: one for the inputs that lead their group, one for the others.
pub(super) struct Pass {
    /// Open inputs of the round.
    pub(super) now: Vec<usize>,
    /// Open inputs of the round to come.
    pub(super) later: Vec<usize>,
    phase: Phase,
}

enum Phase {
    Known(usize),
    Empty,
    Derived { rest: VecDeque<usize>, current: usize, words: VecDeque<Vec<u8>> },
    Words(Box<Stream>),
}

impl Pass {
    /// A pass for the inputs from `from` on, if there are any.
    pub(super) fn begin(desk: &Desk, from: usize) -> Option<Self> {
        let leads = |at: &usize| desk.inputs.get(*at).is_some_and(|input| input.leader);
        let open = (from..desk.inputs.len()).filter(|at| desk.is_open(*at));
        let (now, later): (Vec<usize>, Vec<usize>) = open.partition(leads);
        let some = !now.is_empty() || !later.is_empty();
        some.then_some(Self { now, later, phase: Phase::Known(0) })
    }

    /// What comes next. It asks for [`turn`](Self::turn) when a round is over.
    pub(super) fn next(&mut self, desk: &mut Desk) -> Next {
        loop {
            let for_later = matches!(self.phase, Phase::Known(_)) && !self.later.is_empty();
            if self.now.is_empty() && !for_later {
                return Next::RoundOver;
            }
            match &mut self.phase {
                Phase::Known(at) => {
                    if let Some(found) = desk.known.get(*at) {
                        *at += 1;
                        let word = Cow::Owned(found.secret.reveal().to_vec());
                        let (origin, scope) = (found.origin, Scope::Everyone);
                        return Next::One(Candidate { word, origin, scope });
                    }
                    self.phase = Phase::Empty;
                }
                Phase::Empty => {
                    let rest = self.now.iter().copied().collect();
                    self.phase = Phase::Derived { rest, current: usize::MAX, words: VecDeque::new() };
                    let (origin, scope) = (Origin::Empty, Scope::Round);
                    return Next::One(Candidate { word: Cow::Borrowed(&[]), origin, scope });
                }
                Phase::Derived { rest, current, words } => {
                    if let Some(word) = words.pop_front() {
                        let (origin, scope) = (Origin::Derived, Scope::One(*current));
                        if desk.is_open(*current) {
                            return Next::One(Candidate { word: word.into(), origin, scope });
                        }
                        words.clear();
                    } else if let Some(at) = rest.pop_front() {
                        *current = at;
                        if let Some(input) = desk.inputs.get(at).filter(|_| desk.is_open(at)) {
                            *words = derive::words(&input.seeds).into();
                        }
                    } else {
                        desk.read = 0;
                        self.phase = Phase::Words(Box::default());
                    }
                }
                Phase::Words(stream) => {
                    let mut batch = Batch::default();
                    let origin = stream.fill(desk, &mut batch);
                    return if batch.is_empty() { Next::RoundOver } else { Next::Words(batch, origin) };
                }
            }
        }
    }

    /// Begins the second round; false where the pass has ended.
    pub(super) fn turn(&mut self) -> bool {
        self.now = std::mem::take(&mut self.later);
        self.phase = Phase::Empty;
        !self.now.is_empty()
    }
}
