//! What shards tell the main thread.

use crate::message::Exchange;
use crate::session::FlowSummary;
use crate::token::Sighting;
use std::sync::Arc;

/// Something closed.
#[derive(Debug)]
pub enum Event {
    /// An exchange and the tokens sighted in it.
    Exchange {
        /// The exchange.
        exchange: Arc<Exchange>,
        /// Its sightings, in order of their places.
        sightings: Vec<Sighting>,
    },
    /// A token outside of any exchange.
    Sighting(Box<Sighting>),
    /// A flow ended.
    Flow(Box<FlowSummary>),
}

/// An event and its place in the order of all.
#[derive(Debug)]
pub struct Stamped {
    /// Ordinal of the frame that caused it.
    pub ordinal: u64,
    /// Partition that it happened in.
    pub partition: u8,
    /// What happened.
    pub event: Event,
}
