//! One walk through all candidates: which comes next, and for whom.

use super::{Found, Origin, WordlistError, Words, builtin, derive, input::Inputs, wordlist::is_builtin};
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
pub(super) struct Candidate {
    pub(super) word: Cow<'static, [u8]>,
    pub(super) origin: Origin,
    pub(super) scope: Scope,
}

/// What passes read, and what they have to say.
pub(super) struct Desk {
    pub(super) inputs: Inputs,
    /// By number of input.
    pub(super) solved: Vec<Option<Found>>,
    /// Secrets given, then those found, in that order.
    pub(super) known: Vec<Found>,
    /// Lists of the user; one that failed is gone.
    pub(super) wordlists: Vec<Option<PathBuf>>,
    /// Of each list, the lines left out.
    pub(super) long_lines: Vec<u64>,
    pub(super) errors: Vec<WordlistError>,
}

impl Desk {
    pub(super) fn is_open(&self, at: usize) -> bool {
        self.solved.get(at).is_some_and(Option::is_none)
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
    Builtin(usize),
    Files { next: usize, open: Option<Words> },
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

    /// The next candidate, or `None` at the end.
    pub(super) fn next(&mut self, desk: &mut Desk) -> Option<Candidate> {
        loop {
            let for_later = matches!(self.phase, Phase::Known(_)) && !self.later.is_empty();
            if self.now.is_empty() && !for_later {
                self.turn()?;
            }
            match &mut self.phase {
                Phase::Known(at) => {
                    if let Some(found) = desk.known.get(*at) {
                        *at += 1;
                        let word = Cow::Owned(found.secret.reveal().to_vec());
                        return Some(Candidate { word, origin: found.origin, scope: Scope::Everyone });
                    }
                    self.phase = Phase::Empty;
                }
                Phase::Empty => {
                    let rest = self.now.iter().copied().collect();
                    self.phase = Phase::Derived { rest, current: usize::MAX, words: VecDeque::new() };
                    let (origin, scope) = (Origin::Empty, Scope::Round);
                    return Some(Candidate { word: Cow::Borrowed(&[]), origin, scope });
                }
                Phase::Derived { rest, current, words } => {
                    if let Some(word) = words.pop_front() {
                        let (origin, scope) = (Origin::Derived, Scope::One(*current));
                        if desk.is_open(*current) {
                            return Some(Candidate { word: word.into(), origin, scope });
                        }
                        words.clear();
                    } else if let Some(at) = rest.pop_front() {
                        *current = at;
                        if let Some(input) = desk.inputs.get(at).filter(|_| desk.is_open(at)) {
                            *words = derive::words(&input.seeds).into();
                        }
                    } else {
                        self.phase = Phase::Builtin(0);
                    }
                }
                Phase::Builtin(at) => {
                    if let Some(word) = builtin().get(*at) {
                        *at += 1;
                        let (origin, scope) = (Origin::Builtin, Scope::Round);
                        return Some(Candidate { word: Cow::Borrowed(&**word), origin, scope });
                    }
                    self.phase = Phase::Files { next: 0, open: None };
                }
                Phase::Files { next, open } => match read(desk, next, open) {
                    Some(word) if is_builtin(&word) => {}
                    Some(word) => {
                        let (origin, scope) = (Origin::Wordlist, Scope::Round);
                        return Some(Candidate { word: word.into(), origin, scope });
                    }
                    None => self.turn()?,
                },
            }
        }
    }

    /// Begins the second round, or ends the pass.
    fn turn(&mut self) -> Option<()> {
        self.now = std::mem::take(&mut self.later);
        self.phase = Phase::Empty;
        (!self.now.is_empty()).then_some(())
    }
}

/// The next word of the user's lists.
fn read(desk: &mut Desk, next: &mut usize, open: &mut Option<Words>) -> Option<Vec<u8>> {
    loop {
        if let Some(words) = open {
            let mut word = Vec::new();
            let more = words.next_into(&mut word);
            let list = next.saturating_sub(1);
            if let Some(count) = desk.long_lines.get_mut(list) {
                *count = words.long_lines().max(*count);
            }
            match more {
                Ok(true) => return Some(word),
                Ok(false) => *open = None,
                Err(error) => {
                    *open = None;
                    give_up(desk, list, error);
                }
            }
        }
        let path = desk.wordlists.get(*next)?;
        *next += 1;
        match path.as_deref().map(Words::open) {
            Some(Ok(words)) => *open = Some(words),
            Some(Err(error)) => give_up(desk, *next - 1, error),
            None => {}
        }
    }
}

fn give_up(desk: &mut Desk, list: usize, error: WordlistError) {
    if let Some(path) = desk.wordlists.get_mut(list) {
        *path = None;
    }
    desk.errors.push(error);
}
