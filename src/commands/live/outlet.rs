//! Who is told what a watch sees.

use super::announce::Change;
use super::stats::Stats;
use crate::finding::Finding;
use crate::message::Exchange;
use crate::token::Sighting;

/// A sighting, and what stands around it.
pub(super) struct Seen<'a> {
    pub(super) sighting: &'a Sighting,
    pub(super) exchange: Option<&'a Exchange>,
    /// All sightings of the exchange.
    pub(super) others: &'a [Sighting],
    /// Number of the flow.
    pub(super) flow: u64,
}

/// Somebody who is told. None of this may wait: a packet comes every few microseconds.
pub(super) trait Outlet {
    /// A finding is new, worse than it was, or came again. `names` are those of the interfaces.
    fn finding(&mut self, finding: &Finding, change: Change, names: &[String]);

    /// How the watch is doing, a few times a second. False to end it.
    fn stats(&mut self, _stats: &Stats) -> bool {
        true
    }

    /// Whether it is to be told of every sighting.
    fn wants_sightings(&self) -> bool {
        false
    }

    /// A token was sighted.
    fn seen(&mut self, _seen: &Seen<'_>) {}

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
