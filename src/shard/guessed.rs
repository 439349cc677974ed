//! Tokens of flows of which it was not told yet which side is the client: the handshake was not seen, and what came so far
//! begins nothing. They wait a little, since what comes next mostly tells.

use super::body::Found;
use super::book::{Scribe, sighting};
use super::event::{Event, Stamped};
use super::stream::{Feed, Stream};
use crate::decode::Endpoint;
use crate::flow::FlowInfo;
use crate::limits;
use crate::message::{Direction, Transport};
use crate::time::Timestamp;
use crate::token::Sighting;
use std::collections::VecDeque;

/// Those of one partition, oldest first.
#[derive(Default)]
pub(super) struct Guessed(VecDeque<Box<Sighting>>);

impl Guessed {
    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts one to those that wait; gives the oldest, if they are too many.
    fn hold(&mut self, sighting: Box<Sighting>) -> Option<Box<Sighting>> {
        self.0.push_back(sighting);
        if self.0.len() > limits::GUESSED { self.0.pop_front() } else { None }
    }

    /// The oldest, if it has waited long enough.
    fn due(&mut self, now: Timestamp) -> Option<Box<Sighting>> {
        self.0.pop_front_if(|sighting| now.since(sighting.position.time) >= limits::GUESSED_TIME)
    }

    /// Those of a flow.
    fn of(&mut self, flow: u64) -> VecDeque<Box<Sighting>> {
        let (of, others) =
            std::mem::take(&mut self.0).into_iter().partition(|sighting| sighting.transport.flow == flow);
        self.0 = others;
        of
    }
}

impl Scribe<'_> {
    /// A token outside of any exchange.
    pub(super) fn lone(&mut self, transport: &Transport, dir: Option<Direction>, found: Found) {
        let Some(sighting) = sighting(self.tools, transport, dir, found) else { return };
        let mut told = Some(Box::new(sighting));
        if self.book.guessed {
            told = told.and_then(|sighting| self.held.guessed.hold(sighting));
            if told.is_some() {
                self.tools.out.tally.weird("client_guess_limit");
            }
        }
        if let Some(sighting) = told {
            self.emit(Event::Sighting { sighting, exchange: None });
        }
    }
}

impl Feed<'_> {
    /// It is told now who is the client, or it will not be: so are the tokens that waited for it.
    pub(super) fn tell_guessed(&mut self, flow: &FlowInfo, state: &mut Stream) {
        let Some(book) = state.book.as_mut().filter(|book| book.guessed) else { return };
        book.guessed = false;
        if self.held.guessed.is_empty() {
            return;
        }
        let client = flow.key.end(flow.client());
        for mut sighting in self.held.guessed.of(flow.ordinal()) {
            turn(&mut sighting, client);
            self.tell(sighting);
        }
    }

    /// Tells what has waited long enough by `now`.
    pub(super) fn tell_due(&mut self, now: Timestamp) {
        while let Some(sighting) = self.held.guessed.due(now) {
            self.tell(sighting);
        }
    }

    fn tell(&mut self, sighting: Box<Sighting>) {
        let event = Event::Sighting { sighting, exchange: None };
        self.tools.out.events.push(Stamped { ordinal: self.ordinal, event });
    }
}

/// Exchanges the roles of the ends, if the client is the other one.
fn turn(sighting: &mut Sighting, client: Endpoint) {
    let transport = &mut sighting.transport;
    if transport.client != Some(client) {
        std::mem::swap(&mut transport.client, &mut transport.server);
        sighting.direction = sighting.direction.map(Direction::other);
    }
}
