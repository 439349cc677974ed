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
    /// Threads that wait for a change.
    asleep: usize,
}

impl State {
    /// The shard to go on with: one whose next batch is of the oldest block. So blocks are done one after the other, and the
    /// judge has something to do while the shards are at the next ones.
    ///
    /// Workers begin with the last shards, and the main thread, which `helps`, with the first: so a shard mostly stays with the
    /// thread that has its flows in its cache, and its memory in its arena.
    fn next(&self, helps: bool) -> Option<usize> {
        let free = self.queues.iter().enumerate().filter(|(_, queue)| !queue.busy);
        let waiting = free.filter_map(|(at, queue)| Some((queue.waiting.front()?.0, at)));
        let order = |&(number, at): &(u64, usize)| (number, if helps { at } else { usize::MAX - at });
        waiting.min_by_key(order).map(|(_, at)| at)
    }

    /// Whether every shard is done with a block.
    fn is_done(&self, number: u64) -> bool {
        self.done.get(&number).is_some_and(|done| done.iter().all(Option::is_some))
    }
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
                asleep: 0,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn push(&self, number: u64, lists: Vec<Vec<Item>>, batch: impl Fn(Vec<Item>) -> Batch) {
        let batches: Vec<Batch> = lists.into_iter().map(batch).collect();
        let mut state = self.lock();
        let give = |(queue, batch): (&mut Queue, Batch)| {
            // Few flows speak at a time, and a block of `live` may be a packet: most shards have nothing to do then.
            if is_idle(&batch) {
                return Some((Output::default(), batch));
            }
            queue.waiting.push_back((number, batch));
            None
        };
        let done = state.queues.iter_mut().zip(batches).map(give).collect();
        state.done.insert(number, done);
        self.wake(state);
    }

    /// Does one piece of work; `false` if there is none at the moment.
    pub(super) fn step(&self, helps: bool) -> bool {
        let mut state = self.lock();
        let Some(i) = state.next(helps) else { return false };
        let Some((number, batch)) = state.queues[i].waiting.pop_front() else { return false };
        state.queues[i].busy = true;
        drop(state);
        let output = self.shards[i].lock().unwrap_or_else(PoisonError::into_inner).process(&batch);
        let mut state = self.lock();
        state.queues[i].busy = false;
        if let Some(done) = state.done.get_mut(&number) {
            done[i] = Some((output, batch));
        }
        self.wake(state);
        true
    }

    /// A worker's life.
    pub(super) fn work(&self) {
        loop {
            if self.step(false) {
                continue;
            }
            let mut state = self.lock();
            while state.next(false).is_none() {
                if state.closed {
                    return;
                }
                state = self.sleep(state);
            }
        }
    }

    /// Waits until block `number` is done or there is work.
    pub(super) fn wait(&self, number: u64) {
        let mut state = self.lock();
        while !state.is_done(number) && state.next(true).is_none() {
            state = self.sleep(state);
        }
    }

    /// The results of block `number`, if all shards are done with it.
    pub(super) fn take(&self, number: u64) -> Option<Vec<(Output, Batch)>> {
        let mut state = self.lock();
        if !state.is_done(number) {
            return None;
        }
        state.done.remove(&number).map(|d| d.into_iter().flatten().collect())
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(state);
    }

    fn sleep<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.asleep += 1;
        let mut state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.asleep -= 1;
        state
    }

    /// Wakes who waits for what changed: mostly nobody, and to wake nobody would be a call of the system all the same.
    fn wake(&self, state: MutexGuard<'_, State>) {
        let asleep = state.asleep;
        drop(state);
        if asleep > 0 {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a batch has nothing to be processed.
fn is_idle(batch: &Batch) -> bool {
    batch.items.is_empty() && batch.ticks.is_empty() && !batch.last && batch.block.exchanges.is_empty()
}
