//! What shards tell the main thread.

use crate::message::{Exchange, Login};
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
    /// A token outside of any exchange, or before the end of one: in a stream of events, or in the protocol that an
    /// exchange was upgraded to.
    Sighting {
        /// The token.
        sighting: Box<Sighting>,
        /// That exchange, as it is so far.
        exchange: Option<Arc<Exchange>>,
    },
    /// Somebody tried to log in, in a protocol other than HTTP.
    Login(Box<Login>),
    /// A flow ended.
    Flow(Box<FlowSummary>),
}

impl Event {
    /// The ordinal of the flow that it happened in.
    pub fn flow(&self) -> u64 {
        match self {
            Self::Exchange { exchange, .. } => exchange.transport.flow,
            Self::Sighting { sighting, .. } => sighting.transport.flow,
            Self::Login(login) => login.transport.flow,
            Self::Flow(summary) => summary.transport.flow,
        }
    }
}

/// An event and its place in the order of all.
#[derive(Debug)]
pub struct Stamped {
    /// Ordinal of the frame that caused it.
    pub ordinal: u64,
    /// What happened.
    pub event: Event,
}

impl Stamped {
    /// Where it stands among all events: by the frame that caused it, then (where a tick or the end of input closes many
    /// flows) ended flows behind the rest, each in order of the flows' first frames. Within a flow, as it happened.
    pub fn order(&self) -> (u64, bool, u64) {
        let (ended, flow) = match &self.event {
            Event::Exchange { exchange, .. } => (false, exchange.transport.flow),
            Event::Sighting { sighting, .. } => (false, sighting.transport.flow),
            Event::Login(login) => (false, login.transport.flow),
            Event::Flow(summary) => (true, summary.transport.flow),
        };
        (self.ordinal, ended, flow)
    }
}
