//! The work of the shards: what waits, who does it, what is done.

use crate::limits;
use crate::shard::{Batch, Item, Output, Shard, Shared};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The work of the shards and its results, shared by all threads.
pub(super) struct Board {
    shards: Vec<Mutex<Shard>>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queues: Vec<Queue>,
    done: BTreeMap<u64, Vec<Option<(Output, Batch)>>>,
    closed: bool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(u64, Batch)>,
    busy: bool,
}

impl Board {
    pub(super) fn new(shared: &Arc<Shared>, shards: usize) -> Self {
        let per = limits::PARTITIONS / shards;
        let numbers = |i: usize| (i * per..(i + 1) * per).map(|n| n as u8);
        Self {
            shards: (0..shards).map(|i| Mutex::new(Shard::new(Arc::clone(shared), numbers(i)))).collect(),
            state: Mutex::new(State {
                queues: (0..shards).map(|_| Queue::default()).collect(),
                done: BTreeMap::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn push(&self, number: u64, lists: Vec<Vec<Item>>, batch: impl Fn(Vec<Item>) -> Batch) {
        let mut state = self.lock();
        state.done.insert(number, (0..lists.len()).map(|_| None).collect());
        for (queue, items) in state.queues.iter_mut().zip(lists) {
            queue.waiting.push_back((number, batch(items)));
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Does one piece of work; `false` if there is none at the moment.
    pub(super) fn step(&self) -> bool {
        let mut state = self.lock();
        let Some(i) = state.queues.iter().position(|q| !q.busy && !q.waiting.is_empty()) else {
            return false;
        };
        let Some((number, batch)) = state.queues[i].waiting.pop_front() else { return false };
        state.queues[i].busy = true;
        drop(state);
        let output = self.shards[i].lock().unwrap_or_else(PoisonError::into_inner).process(&batch);
        let mut state = self.lock();
        state.queues[i].busy = false;
        if let Some(done) = state.done.get_mut(&number) {
            done[i] = Some((output, batch));
        }
        drop(state);
        self.changed.notify_all();
        true
    }

    /// A worker's life.
    pub(super) fn work(&self) {
        loop {
            if self.step() {
                continue;
            }
            let mut state = self.lock();
            let idle = |s: &State| !s.queues.iter().any(|q| !q.busy && !q.waiting.is_empty());
            while idle(&state) {
                if state.closed {
                    return;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Waits until block `number` is done or there is work.
    pub(super) fn wait(&self, number: u64) {
        let mut state = self.lock();
        loop {
            let ready = state.done.get(&number).is_some_and(|d| d.iter().all(Option::is_some));
            if ready || state.queues.iter().any(|q| !q.busy && !q.waiting.is_empty()) {
                return;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The results of block `number`, if all shards are done with it.
    pub(super) fn take(&self, number: u64) -> Option<Vec<(Output, Batch)>> {
        let mut state = self.lock();
        if !state.done.get(&number)?.iter().all(Option::is_some) {
            return None;
        }
        state.done.remove(&number).map(|d| d.into_iter().flatten().collect())
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
