//! An exchange while it is open, and what is held of it.

use super::Demand;
use super::body::Body;
use super::firsts::Firsts;
use super::guessed::Guessed;
use super::reach::Reach;
use crate::facts::marks;
use crate::limits;
use crate::message::{
    Direction, End, Exchange, ExchangeId, Head, Location, Message, Position, StoredHead, Transport,
};
use crate::token::Sighting;
use std::sync::Arc;

/// What one partition holds of messages in progress, in bytes, held to its share of the bounds.
pub(super) struct Held {
    /// Bodies that are kept for context.
    pub(super) context: usize,
    /// Heads of open exchanges.
    pub(super) heads: usize,
    /// Content decoders at work.
    pub(super) decoders: usize,
    /// What dissectors asked for.
    pub(super) dissectors: usize,
    /// By what conversations are reached.
    pub(super) reach: Reach,
    /// Routes and hosts of which something was reported once.
    pub(super) firsts: Firsts,
    /// Tokens of flows whose client is not known yet.
    pub(super) guessed: Guessed,
    /// The bounds of these.
    pub(super) room: limits::Room,
}

impl Default for Held {
    fn default() -> Self {
        Self::within(&limits::Room::WHOLE)
    }
}

impl Held {
    /// Nothing yet, with one partition's share of `room`.
    pub(super) fn within(room: &limits::Room) -> Self {
        let (context, heads, decoders, dissectors) = Default::default();
        Self {
            context,
            heads,
            decoders,
            dissectors,
            reach: Reach::default(),
            firsts: Firsts::default(),
            guessed: Guessed::default(),
            room: room.share(),
        }
    }

    /// Copies a head: without its fields if those would be over the bound, which the result says.
    pub(super) fn store(&mut self, head: &Head<'_>, to: &mut StoredHead) -> bool {
        to.store(head);
        let fits = self.heads + to.size() <= self.room.heads;
        if !fits {
            to.store(&Head::new(head.version, head.start, &[]));
        }
        self.heads += to.size();
        fits
    }

    /// A head is no longer held.
    pub(super) fn release(&mut self, head: &StoredHead) {
        self.heads = self.heads.saturating_sub(head.size());
    }
}

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request and its response.
    Exchange,
    /// A message that stands alone, maybe in the protocol that an exchange was upgraded to, or in a datagram.
    Message { via: Option<ExchangeId>, datagram: bool },
}

/// An open exchange, or a message that stands alone.
pub(super) struct Open {
    pub(super) kind: Kind,
    pub(super) id: ExchangeId,
    pub(super) transport: Transport,
    pub(super) messages: [Option<Box<OpenMessage>>; 2],
    pub(super) ended: [bool; 2],
    pub(super) sightings: Vec<Sighting>,
    /// The exchange as it was when its first token was reported before its end.
    pub(super) early: Option<Arc<Exchange>>,
    /// Tokens that were reported so.
    pub(super) reported: u32,
}

impl Open {
    /// Whether it is a message that stands alone.
    pub(super) fn alone(&self) -> bool {
        matches!(self.kind, Kind::Message { .. })
    }

    /// Which way its tokens go: one in a datagram that stands alone goes nowhere in particular.
    pub(super) fn direction(&self, dir: Direction) -> Option<Direction> {
        (!matches!(self.kind, Kind::Message { datagram: true, .. })).then_some(dir)
    }

    /// The exchange that led to the message.
    pub(super) fn via(&self) -> Option<ExchangeId> {
        match self.kind {
            Kind::Message { via, .. } => via,
            Kind::Exchange => None,
        }
    }

    /// Whether the token stands in the body of a response that goes on for as long as there is something to say.
    pub(super) fn reports(&self, sighting: &Sighting) -> bool {
        let body = self.messages[1].as_ref().and_then(|m| m.body.as_ref());
        sighting.direction == Some(Direction::Response)
            && sighting.place.location == Location::Body
            && body.is_some_and(Body::streams)
    }

    /// Tokens that were reported before the end.
    pub(super) fn reported(&self) -> usize {
        self.reported as usize
    }

    /// A token is reported now: gives the exchange as it is so far.
    pub(super) fn report(&mut self) -> Arc<Exchange> {
        self.reported += 1;
        if let Some(early) = &self.early {
            return Arc::clone(early);
        }
        let marks::Found { marks, places: marked, .. } = self.marks(None);
        let message = |m: &Option<Box<OpenMessage>>| m.as_ref().map(|m| m.snapshot());
        let exchange = Exchange {
            id: self.id,
            transport: self.transport,
            request: message(&self.messages[0]),
            response: message(&self.messages[1]),
            marks,
            marked,
            spent: Vec::new(),
            request_tokens: self.request_tokens(),
            response_tokens: self.response_tokens(),
            document: None,
            derived: Default::default(),
        };
        let early = Arc::new(exchange);
        self.early = Some(Arc::clone(&early));
        early
    }

    /// Marks, with those of heads and bodies if they are wanted.
    pub(super) fn marks(&self, demand: Option<&Demand>) -> marks::Found {
        let [request, response] = &self.messages;
        let mut found = if let Some(demand) = demand.filter(|demand| demand.marks) {
            let empty: &[u8] = &[];
            marks::find(marks::Parts {
                request: request.as_ref().map(|m| &m.head),
                response: response.as_ref().map(|m| &m.head),
                request_body: request.as_ref().and_then(|m| m.body.as_ref()).map_or(empty, Body::kept),
                response_body: response.as_ref().and_then(|m| m.body.as_ref()).map_or(empty, Body::kept),
                policy: &demand.policy,
            })
        } else {
            Default::default()
        };
        if !self.transport.channel.encrypted() {
            found.marks.set(marks::CLEARTEXT);
        }
        if !self.request_tokens().is_empty() {
            found.marks.set(marks::REQUEST_TOKEN);
        }
        if response.as_ref().is_some_and(|r| {
            matches!(r.head.status, 401 | 403)
                || r.head.status >= 300 && r.head.field("www-authenticate").is_some()
        }) {
            found.marks.set(marks::REFUSED);
        }
        let success = response.as_ref().is_some_and(|r| (200..400).contains(&r.head.status));
        if success && self.response_tokens() > 0 {
            found.marks.set(marks::ISSUES_TOKEN);
        }
        found
    }

    /// Whether the request began no later than that.
    pub(super) fn began_by(&self, last: Position) -> bool {
        let first = self.messages[0].as_ref().map(|request| request.position);
        first.is_some_and(|first| first.file == last.file && first.frame <= last.frame)
    }

    fn request_tokens(&self) -> Vec<Location> {
        let waiting = self.sightings.iter().filter(|s| s.direction == Some(Direction::Request));
        waiting.map(|s| s.place.location).collect()
    }

    fn response_tokens(&self) -> u32 {
        let waiting = self.sightings.iter().filter(|s| s.direction == Some(Direction::Response));
        waiting.count() as u32 + self.reported
    }

    /// Whether another protocol follows on its connection or stream.
    pub(super) fn leads_on(&self) -> bool {
        let [request, response] = &self.messages;
        let Some(response) = response else { return false };
        let connect = || request.as_ref().is_some_and(|r| r.head.method() == b"CONNECT");
        !self.alone()
            && (response.head.status == 101 || (200..300).contains(&response.head.status) && connect())
    }

    /// The closed exchange, and the tokens that waited for that.
    pub(super) fn close(
        self,
        found: marks::Found,
        document: Option<Arc<[u8]>>,
        lean: bool,
    ) -> (Exchange, Vec<Sighting>) {
        let (request_tokens, response_tokens) = (self.request_tokens(), self.response_tokens());
        let [mut request, response] = self.messages.map(|m| m.map(|m| m.close()));
        if let Some(request) = request.as_mut().filter(|_| lean) {
            request.head.forget_bearer();
        }
        let (id, transport) = (self.id, self.transport);
        let marks::Found { marks, places: marked, spent, .. } = found;
        let exchange = Exchange {
            id,
            transport,
            request,
            response,
            marks,
            marked,
            spent,
            request_tokens,
            response_tokens,
            document,
            derived: Default::default(),
        };
        (exchange, self.sightings)
    }

    /// The body of the response, if it is a document that somebody asked for.
    pub(super) fn document(&self, marks: crate::message::Marks, demand: &Demand) -> Option<Arc<[u8]>> {
        let body = self.messages[1].as_ref()?.body.as_ref()?;
        (marks.0 & demand.documents != 0).then(|| body.kept().into())
    }
}

pub(super) struct OpenMessage {
    pub(super) head: StoredHead,
    pub(super) position: Position,
    pub(super) body: Option<Body>,
    pub(super) end: End,
    pub(super) grpc_status: Option<u32>,
}

impl Default for OpenMessage {
    fn default() -> Self {
        let (head, position) = Default::default();
        Self { head, position, body: None, end: End::Cut, grpc_status: None }
    }
}

impl OpenMessage {
    /// The message as it is so far.
    fn snapshot(&self) -> Message {
        Message {
            head: self.head.clone(),
            position: self.position,
            body_len: self.body.as_ref().map_or(0, |b| b.len),
            body_sha256: None,
            end: self.end,
            damaged: self.body.as_ref().is_some_and(|b| b.damaged),
            grpc_status: self.grpc_status,
        }
    }

    fn close(mut self) -> Message {
        self.head.settle();
        Message {
            position: self.position,
            body_len: self.body.as_ref().map_or(0, |b| b.len),
            body_sha256: self.body.as_mut().and_then(Body::sha256),
            damaged: self.body.as_ref().is_some_and(|b| b.damaged),
            grpc_status: self.grpc_status,
            end: self.end,
            head: self.head,
        }
    }
}
