//! Facts with memory: what was seen before the case at hand, or comes after it.
//!
//! Everything here happens on the judging thread in the order of events, which does not depend on threads.

use super::{Case, Entity, Family, Hands};
use crate::keys::KeyStore;
use crate::tally::Tally;
use crate::time::Timestamp;
use crate::token::Sighting;
use foldhash::HashMap;
use std::any::{Any, TypeId};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the facts of a family come from.
#[derive(Clone, Copy)]
pub enum Source {
    /// From the case alone.
    Pure,
    /// From what a memory noted. It is kept only if an enabled rule names a fact of the family.
    Memory {
        /// Tells memories apart: families may share one.
        id: fn() -> TypeId,
        /// Makes an empty one.
        make: fn(&Given) -> Box<dyn Memory>,
        /// What it must be told about.
        wants: fn() -> Wants,
    },
}

impl Source {
    /// The source of facts that `M` remembers.
    pub const fn memory<M: Memory>() -> Self {
        Self::Memory { id: TypeId::of::<M>, make: |given| Box::new(M::new(given)), wants: M::wants }
    }
}

/// What the user gave that facts depend on.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `--now`, or nothing: then the time of the packet counts.
    pub now: Option<Timestamp>,
    /// `--key`, `--jwks`, `--secret-file`.
    pub keys: Arc<KeyStore>,
    /// `--wordlist`.
    pub wordlists: Vec<PathBuf>,
    /// `--crack-budget`; 0: the dictionary attack is off.
    pub crack_budget: u64,
    /// Who does what takes long.
    pub hands: Hands,
}

/// What a memory must be told about. Shards report nothing that nobody asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wants {
    /// Tokens, and the exchanges that carry them.
    pub tokens: bool,
    /// Exchanges without tokens, too: those that have a bit of each of these [`marks`](super::marks); all, if there are
    /// no masks. A memory may see others as well, which somebody else asked for: it must not count them.
    pub exchanges: Option<&'static [u64]>,
    /// Bodies of responses that have one of these marks ([`Exchange::document`](crate::message::Exchange::document)).
    pub documents: u64,
    /// The memory of public keys is kept beside this one.
    pub keys: bool,
    /// Flows at their end.
    pub flows: bool,
    /// Flows with TLS, at their end.
    pub tls: bool,
    /// Tokens inside of JWEs, too, which are not on the wire.
    pub inside: bool,
    /// It tells of keys, hosts, clients or issuers that are over ([`Memory::over`]).
    pub entities: bool,
}

/// What a family remembers. Its size is bounded by constants of [`crate::limits`]; what a bound costs is counted in the
/// tally under a name that `coverage.rs` explains.
pub trait Memory: Any + Send {
    /// Nothing remembered yet.
    fn new(given: &Given) -> Self
    where
        Self: Sized;

    /// What it must be told about.
    fn wants() -> Wants
    where
        Self: Sized;

    /// A subject has closed and is about to be judged: a flow (`case.flow`), an exchange (`case.exchange` without a
    /// sighting), or a sighting (`case.sighting`, and the exchange around it). An exchange comes before its sightings.
    fn note(&mut self, case: &Case<'_>, tally: &mut Tally);

    /// Late facts are about to be looked at before the end: what is known already may become final.
    fn settle(&mut self, _others: &Memories, _tally: &mut Tally) {}

    /// The input has ended. Late facts, which were [`Pending`](super::value::Value::Pending) as long as they could
    /// change, are final from here on. `others` are the memories of the families before and behind this one; those
    /// before have been closed.
    fn close(&mut self, _others: &Memories, _tally: &mut Tally) {}

    /// The keys, hosts, clients or issuers that it knows to be over, each once: those that expired; all that are left,
    /// if the input has ended.
    fn over(&mut self, _ended: bool) -> Vec<Entity> {
        Vec::new()
    }
}

/// The memories of a run.
#[derive(Default)]
pub struct Memories {
    /// Their types: every fact with a memory looks here first.
    ids: HashMap<TypeId, usize>,
    /// In order of the families.
    slots: Vec<Slot>,
    /// What bounds of memories cost.
    pub tally: Tally,
}

/// One of them.
struct Slot {
    wants: Wants,
    /// Nothing while it is at work on all others.
    memory: Option<Box<dyn Memory>>,
}

impl Memories {
    /// Those of some families, in that order.
    pub fn of<'f>(families: impl Iterator<Item = &'f Family>, given: &Given) -> Self {
        let mut this = Self::default();
        for family in families {
            if let Source::Memory { id, make, wants } = family.source
                && !this.ids.contains_key(&id())
            {
                this.ids.insert(id(), this.slots.len());
                this.slots.push(Slot { wants: wants(), memory: Some(make(given)) });
            }
        }
        this
    }

    /// The memory of a type, if it is kept.
    pub fn get<M: Memory>(&self) -> Option<&M> {
        let slot = self.slots.get(self.place::<M>()?)?;
        let memory: &dyn Any = &**slot.memory.as_ref()?;
        memory.downcast_ref()
    }

    /// The same, to change it.
    pub fn get_mut<M: Memory>(&mut self) -> Option<&mut M> {
        let place = self.place::<M>()?;
        let slot = self.slots.get_mut(place)?;
        let memory: &mut dyn Any = &mut **slot.memory.as_mut()?;
        memory.downcast_mut()
    }

    fn place<M: Memory>(&self) -> Option<usize> {
        self.ids.get(&TypeId::of::<M>()).copied()
    }

    /// Tells all of them of a subject; of a token inside of a JWE those that ask for it.
    pub fn note(&mut self, case: &Case<'_>) {
        let inside = case.sighting.is_some_and(Sighting::is_inside);
        let told = self.slots.iter_mut().filter(|slot| slot.wants.inside || !inside);
        for memory in told.filter_map(|slot| slot.memory.as_mut()) {
            memory.note(case, &mut self.tally);
        }
    }

    /// Tells all of them that the input has ended.
    pub fn close(&mut self) {
        self.each(|memory, others, tally| memory.close(others, tally));
    }

    /// Tells all of them that late facts are about to be looked at.
    pub fn settle(&mut self) {
        self.each(|memory, others, tally| memory.settle(others, tally));
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn Memory, &Self, &mut Tally)) {
        let mut tally = std::mem::take(&mut self.tally);
        for at in 0..self.slots.len() {
            if let Some(mut memory) = self.slots.get_mut(at).and_then(|slot| slot.memory.take()) {
                act(&mut *memory, self, &mut tally);
                if let Some(slot) = self.slots.get_mut(at) {
                    slot.memory = Some(memory);
                }
            }
        }
        self.tally = tally;
    }

    /// The keys, hosts, clients and issuers that are over, in order of their first sight.
    pub fn over(&mut self, ended: bool) -> Vec<Entity> {
        let mut all = Vec::new();
        let told = self.slots.iter_mut().filter(|slot| slot.wants.entities);
        for memory in told.filter_map(|slot| slot.memory.as_mut()) {
            let mut over = memory.over(ended);
            over.sort_by_key(|e| (e.origin.position.file, e.origin.position.frame));
            all.append(&mut over);
        }
        all
    }
}
