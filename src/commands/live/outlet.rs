//! Who is told what a watch sees.

use super::announce::Change;
use super::stats::Stats;
use crate::finding::Finding;

/// Somebody who is told. None of this may wait: a packet comes every few microseconds.
pub(super) trait Outlet {
    /// A finding is new, worse than it was, or came again. `names` are those of the interfaces.
    fn finding(&mut self, finding: &Finding, change: Change, names: &[String]);

    /// How the watch is doing, a few times a second. False to end it.
    fn stats(&mut self, _stats: &Stats) -> bool {
        true
    }

    /// What is to be said about itself.
    fn news(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// The watch is over.
    fn finish(&mut self) {}

    /// Something is to be said. True if it was said here, so that standard error need not.
    fn notice(&mut self, _text: &str) -> bool {
        false
    }
}
