//! Work that memories give to other threads: they start none themselves.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// Does the jobs of numbers below the first argument, each once, in any order, and returns when all are done.
type Spread = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + Send + Sync;

/// Who does work that has many equal parts: the calling thread, or whom it was made of.
#[derive(Clone, Default)]
pub struct Hands(Option<Arc<Spread>>);

impl Hands {
    /// Hands that work as `spread` does: it calls the job with each number below the one that it gets, once, and returns
    /// when that is done.
    pub fn new(spread: impl Fn(usize, &(dyn Fn(usize) + Sync)) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(spread)))
    }

    /// What `job` makes of each item, in order.
    pub(super) fn map<I: Sync, T: Send + Sync>(&self, items: &[I], job: impl Fn(&I) -> T + Sync) -> Vec<T> {
        let Some(spread) = &self.0 else { return items.iter().map(job).collect() };
        let done: Vec<OnceLock<T>> = items.iter().map(|_| OnceLock::new()).collect();
        spread(items.len(), &|at| {
            if let Some((item, done)) = items.get(at).zip(done.get(at)) {
                done.get_or_init(|| job(item));
            }
        });
        done.into_iter().filter_map(OnceLock::into_inner).collect()
    }
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Hands(many)" } else { "Hands(own)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_in_order_whoever_made_it() {
        let backwards = Hands::new(|jobs, job| (0..jobs).rev().for_each(job));
        for hands in [Hands::default(), backwards] {
            assert_eq!(hands.map(&[1, 2, 3], |item| item * 10), [10, 20, 30], "{hands:?}");
        }
    }
}
