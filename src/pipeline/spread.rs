//! Equal pieces of work that are there at once.

use crate::facts::Hands;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, Scope};

/// Jobs that a thread is worth: it starts in the time of one that verifies a signature.
const WORTH: usize = 8;

/// That many threads for what judging has to do in many equal parts.
pub fn hands(threads: NonZeroUsize) -> Hands {
    Hands::new(move |jobs, job| spread(threads, jobs, job))
}

/// Starts that many threads in a scope, or as many as there can be: the calling one works, too.
pub(super) fn crew<'s>(scope: &'s Scope<'s, '_>, threads: usize, work: impl Fn() + Copy + Send + 's) {
    for _ in 0..threads {
        if Builder::new().spawn_scoped(scope, work).is_err() {
            break;
        }
    }
}

/// Does the jobs 0 to `jobs`, each once, on up to `threads` threads. The calling one is among them; with one, or few jobs,
/// no other is started.
fn spread(threads: NonZeroUsize, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && at < jobs
        {
            job(at);
        }
    };
    std::thread::scope(|scope| {
        crew(scope, threads.get().min(jobs / WORTH).saturating_sub(1), work);
        work();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn each_job_is_done_once_and_few_by_the_calling_thread() {
        for (threads, jobs) in [(1, 100), (2, 0), (2, 100), (8, 100), (8, 3)] {
            let done = Mutex::new(Vec::new());
            spread(NonZeroUsize::new(threads).unwrap(), jobs, &|at| {
                done.lock().unwrap().push((at, std::thread::current().id()));
            });
            let mut done = done.into_inner().unwrap();
            done.sort_by_key(|(at, _)| *at);
            assert!(done.iter().map(|(at, _)| *at).eq(0..jobs), "{threads} {jobs}");
            let own = done.iter().all(|(_, id)| *id == std::thread::current().id());
            assert!(own || threads > 1 && jobs > WORTH, "{threads} {jobs}");
        }
    }
}
