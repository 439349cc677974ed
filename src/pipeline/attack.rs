//! The threads of the dictionary attack: batches of words are worked on by whichever is free and settled in the order in
//! which they were drawn, so that the result is the same for any number.

use super::spread::crew;
use crate::crack::{Attack, Draw, Job};
use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Batches in flight for each thread.
const AHEAD: usize = 3;
/// Threads beyond which there is no machine that gains by them.
const ATTACKERS: usize = 1024;

/// Runs an attack to its end, or until `watch`, which is called after every step, gives false. The calling thread draws,
/// settles, and works where it has nothing else to do; with one thread no other is started.
pub fn attack(attack: &mut Attack, threads: NonZeroUsize, watch: &mut dyn FnMut(&mut Attack) -> bool) {
    let board = Board::default();
    let workers = threads.get().min(ATTACKERS) - 1;
    std::thread::scope(|scope| {
        crew(scope, workers, || board.work());
        lead(attack, &board, AHEAD * (workers + 1), watch);
        board.lock().closed = true;
        board.called.notify_all();
    });
}

/// An attack that goes on beside other work: it has one thread, which is never waited for but at the end.
#[derive(Default)]
pub struct Beside {
    board: Arc<Board>,
    worker: Option<JoinHandle<()>>,
    drawn: VecDeque<Arc<Job>>,
    next: u64,
    settled: u64,
}

impl Beside {
    /// Batches that are given out at a time, and single candidates that are tried on the calling thread.
    const AHEAD: usize = 16;
    const SINGLES: usize = 512;

    /// Settles what is done, and gives out more.
    pub fn step(&mut self, attack: &mut Attack) {
        while self.settle(attack, false) {}
        let mut singles = 0;
        while self.drawn.len() < Self::AHEAD && singles < Self::SINGLES {
            match attack.draw() {
                Draw::Job(job) => {
                    let job = Arc::new(job);
                    self.drawn.push_back(Arc::clone(&job));
                    self.board.lock().waiting.push_back((self.next, job));
                    self.next += 1;
                    self.call();
                }
                Draw::One => singles += 1,
                Draw::Wait | Draw::Over => break,
            }
        }
    }

    /// Waits for what was given out.
    pub fn finish(mut self, attack: &mut Attack) {
        while self.settle(attack, true) {}
    }

    fn settle(&mut self, attack: &mut Attack, wait: bool) -> bool {
        if self.drawn.is_empty() {
            return false;
        }
        let hits = if wait {
            Some(self::wait(&self.board, self.settled))
        } else {
            self.board.lock().done.remove(&self.settled)
        };
        let Some((hits, job)) = hits.and_then(|hits| Some((hits, self.drawn.pop_front()?))) else {
            return false;
        };
        attack.settle(&job, &hits);
        self.settled += 1;
        true
    }

    /// Wakes the worker; the first call makes it.
    fn call(&mut self) {
        let board = &self.board;
        self.worker.get_or_insert_with(|| {
            let board = Arc::clone(board);
            std::thread::spawn(move || board.work())
        });
        self.board.called.notify_one();
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.board.lock().closed = true;
        self.board.called.notify_all();
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// Jobs that wait, and those that are done.
#[derive(Default)]
struct Board {
    state: Mutex<State>,
    /// There is work, or there will be no more.
    called: Condvar,
    /// A job is done.
    done: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(u64, Arc<Job>)>,
    done: BTreeMap<u64, Vec<usize>>,
    closed: bool,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker: takes jobs until the board is closed.
    fn work(&self) {
        let mut state = self.lock();
        while !state.closed {
            match state.waiting.pop_front() {
                None => state = self.called.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some((number, job)) => {
                    drop(state);
                    let hits = job.run();
                    state = self.lock();
                    state.done.insert(number, hits);
                    self.done.notify_one();
                }
            }
        }
    }
}

fn lead(attack: &mut Attack, board: &Board, ahead: usize, watch: &mut dyn FnMut(&mut Attack) -> bool) {
    let mut drawn: VecDeque<Arc<Job>> = VecDeque::new();
    let (mut next, mut settled) = (0_u64, 0_u64);
    loop {
        // As much as may be in flight, as long as the attack gives something.
        while drawn.len() < ahead {
            match attack.draw() {
                Draw::Job(job) => {
                    let job = Arc::new(job);
                    drawn.push_back(Arc::clone(&job));
                    board.lock().waiting.push_back((next, job));
                    board.called.notify_one();
                    next += 1;
                }
                Draw::One if watch(attack) => {}
                Draw::One => return,
                Draw::Wait | Draw::Over => break,
            }
        }
        let Some(job) = drawn.pop_front() else { return };
        let hits = wait(board, settled);
        attack.settle(&job, &hits);
        settled += 1;
        if !watch(attack) {
            return;
        }
    }
}

/// The hits of a job. While it is not done, other jobs are worked on.
fn wait(board: &Board, number: u64) -> Vec<usize> {
    let mut state = board.lock();
    loop {
        if let Some(hits) = state.done.remove(&number) {
            return hits;
        }
        match state.waiting.pop_front() {
            Some((at, job)) => {
                drop(state);
                let hits = job.run();
                state = board.lock();
                state.done.insert(at, hits);
            }
            None => state = board.done.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }
}
