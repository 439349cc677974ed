//! A batch of words on the inputs that are open: work that needs nothing of the attack's state, on whichever thread is free.

use super::batch::Batch;
use super::input::Input;
use super::kernel::{Engine, States};
use super::{Origin, keyed::Hs};
use std::fmt;
use std::sync::Arc;

/// A batch of words, and the inputs that were open when it was drawn.
pub struct Job {
    /// The attack that it belongs to, and the round.
    pub(super) attack: u64,
    pub(super) round: u64,
    pub(super) batch: Batch,
    pub(super) origin: Origin,
    pub(super) open: Vec<Arc<Input>>,
    pub(super) engine: Option<Engine>,
    /// The words that fit, where they are known from before.
    pub(super) known: Option<Vec<usize>>,
}

impl Job {
    /// The numbers of the words that may fit some input, in order.
    pub fn run(&self) -> Vec<usize> {
        if let Some(known) = &self.known {
            return known.clone();
        }
        let mut hits = Vec::new();
        for hs in [Hs::Hs256, Hs::Hs384, Hs::Hs512] {
            let mut inputs = self.open.iter().filter(|input| input.hs == hs).peekable();
            if inputs.peek().is_some() {
                let mut states = States::new(&self.batch, hs, self.engine);
                inputs.for_each(|input| states.matches(input, &mut hits));
            }
        }
        hits.sort_unstable();
        hits.dedup();
        hits
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({} words on {} inputs)", self.batch.len(), self.open.len())
    }
}
