//! The words that all inputs of a round have in common, in order: those of the capture, the built-in lists, the lists of the
//! user; each followed by what the mutations make of it.

use super::batch::{BATCH, Batch};
use super::pass::Desk;
use super::wordlist::is_builtin;
use super::{Origin, WORD_BYTES, Words, builtin};

/// Where the stream stands.
#[derive(Default)]
pub(super) struct Stream {
    stage: Stage,
    /// The word that mutations are made of, and how many of them were.
    word: Vec<u8>,
    mutated: usize,
    begun: bool,
    scratch: Vec<u8>,
}

enum Stage {
    Shared(usize),
    Builtin(usize),
    /// The next list, and the one that is open.
    Files(usize, Option<Words>),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Shared(0)
    }
}

impl Stream {
    /// Fills a batch with words of one origin; it stays empty at the end.
    pub(super) fn fill(&mut self, desk: &mut Desk, batch: &mut Batch) -> Origin {
        let mut origin = self.origin();
        while batch.len() < BATCH {
            if self.begun && self.mutate(desk, batch) {
                continue;
            }
            if !self.next_word(desk) {
                self.begun = false;
                self.word.clear();
                break;
            }
            if self.origin() != origin {
                // A batch is of one origin. The word that was just read begins the next one.
                if !batch.is_empty() {
                    self.begun = false;
                    return origin;
                }
                origin = self.origin();
            }
            batch.push(&self.word);
            (self.begun, self.mutated) = (true, 0);
        }
        origin
    }

    fn origin(&self) -> Origin {
        match self.stage {
            Stage::Shared(_) => Origin::Derived,
            Stage::Builtin(_) => Origin::Builtin,
            Stage::Files(..) => Origin::Wordlist,
        }
    }

    /// Tries the next mutation on the word; false if there are no more.
    fn mutate(&mut self, desk: &Desk, batch: &mut Batch) -> bool {
        let Some(mutation) = desk.mutations.get(self.mutated) else { return false };
        self.mutated += 1;
        let fits = mutation.apply(&self.word, &mut self.scratch);
        if fits && !self.scratch.is_empty() && self.scratch.len() <= WORD_BYTES && self.scratch != self.word {
            batch.push(&self.scratch);
        }
        true
    }

    /// Reads the next word; false at the end. One that was read and is not yet in a batch is that word.
    fn next_word(&mut self, desk: &mut Desk) -> bool {
        if !self.begun && !self.word.is_empty() {
            return true;
        }
        loop {
            match &mut self.stage {
                Stage::Shared(at) => match desk.shared.get(*at) {
                    Some(word) => {
                        *at += 1;
                        self.word.clear();
                        self.word.extend_from_slice(word);
                        return true;
                    }
                    None => self.stage = Stage::Builtin(0),
                },
                Stage::Builtin(at) => match builtin().get(*at) {
                    Some(word) => {
                        *at += 1;
                        self.word.clear();
                        self.word.extend_from_slice(word);
                        return true;
                    }
                    None => self.stage = Stage::Files(0, None),
                },
                Stage::Files(next, open) => {
                    if !read(desk, next, open, &mut self.word) {
                        return false;
                    }
                    if !is_builtin(&self.word) {
                        return true;
                    }
                }
            }
        }
    }
}

/// The next word of the user's lists; false at their end.
fn read(desk: &mut Desk, next: &mut usize, open: &mut Option<Words>, word: &mut Vec<u8>) -> bool {
    loop {
        if let Some(words) = open {
            let before = words.consumed();
            let more = words.next_into(word);
            desk.read += words.consumed().saturating_sub(before);
            let list = next.saturating_sub(1);
            if let Some(count) = desk.long_lines.get_mut(list) {
                *count = words.long_lines().max(*count);
            }
            match more {
                Ok(true) => return true,
                Ok(false) => *open = None,
                Err(error) => {
                    *open = None;
                    desk.give_up(list, error);
                }
            }
        }
        let Some(path) = desk.wordlists.get(*next) else { return false };
        *next += 1;
        match path.as_deref().map(Words::open) {
            Some(Ok(words)) => *open = Some(words),
            Some(Err(error)) => desk.give_up(*next - 1, error),
            None => {}
        }
    }
}
