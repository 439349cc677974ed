//! The exchanges of a flow that are open, by their ids.

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
    early: Option<Arc<Exchange>>,
    /// Tokens that were reported so.
    reported: u32,
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

/// Places of exchanges, by id.
type Places = Vec<(ExchangeId, Option<Box<Open>>)>;

/// Memory of exchanges that closed, kept for the next ones.
#[derive(Default)]
pub(super) struct SpareExchanges {
    /// Lists without a place in use.
    lists: Vec<Places>,
    #[expect(clippy::vec_box, reason = "the boxes themselves are what is reused")]
    open: Vec<Box<Open>>,
}

/// How many are kept, and how many places a list of them may have.
const SPARE: usize = 64;
const SPARE_PLACES: usize = 8;

impl SpareExchanges {
    /// An exchange that closed is done with.
    pub(super) fn give_back(&mut self, mut open: Box<Open>) {
        if self.open.len() < SPARE {
            open.early = None;
            self.open.push(open);
        }
    }
}

/// Open exchanges in order of their ids. Those that close leave their place empty until half of the places are, so that
/// a thousand streams that close in any order cost no more than in the best one. An idle flow has no list: it takes one
/// of the `spare` ones of its shard, and gives it back.
#[derive(Default)]
pub(super) struct OpenExchanges {
    list: Places,
    empty: usize,
}

impl OpenExchanges {
    pub(super) fn get(&mut self, id: ExchangeId) -> Option<&mut Open> {
        let at = self.list.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.list.get_mut(at)?.1.as_deref_mut()
    }

    /// The exchange of that id, which is opened if it is not.
    pub(super) fn open(
        &mut self,
        id: ExchangeId,
        transport: &Transport,
        spare: &mut SpareExchanges,
    ) -> &mut Open {
        if self.list.capacity() == 0 {
            self.list = spare.lists.pop().unwrap_or_default();
        }
        let at = match self.list.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => at,
            Err(at) => {
                self.empty += 1;
                self.list.insert(at, (id, None));
                at
            }
        };
        let place = &mut self.list[at].1;
        self.empty -= usize::from(place.is_none());
        place.get_or_insert_with(|| {
            let open = Open {
                kind: Kind::Exchange,
                id,
                transport: *transport,
                messages: [None, None],
                ended: [false; 2],
                sightings: Vec::new(),
                early: None,
                reported: 0,
            };
            match spare.open.pop() {
                Some(mut place) => {
                    *place = open;
                    place
                }
                None => Box::new(open),
            }
        })
    }

    #[inline]
    pub(super) fn take(&mut self, id: ExchangeId, spare: &mut SpareExchanges) -> Option<Box<Open>> {
        let at = self.list.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        let open = self.list.get_mut(at)?.1.take()?;
        self.empty += 1;
        if self.empty == self.list.len() {
            let mut list = std::mem::take(&mut self.list);
            self.empty = 0;
            if list.capacity() <= SPARE_PLACES && spare.lists.len() < SPARE {
                list.clear();
                spare.lists.push(list);
            }
        } else if self.empty * 2 > self.list.len() {
            self.list.retain(|(_, open)| open.is_some());
            self.empty = 0;
        }
        Some(open)
    }

    /// The id of the first one, if any is open.
    pub(super) fn first(&self) -> Option<ExchangeId> {
        self.list.iter().find(|(_, open)| open.is_some()).map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Channel;

    const TRANSPORT: Transport =
        Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };

    #[test]
    fn exchanges_close_in_any_order() {
        for step in [1, 3, 7, 999] {
            let (mut open, spare) = (OpenExchanges::default(), &mut SpareExchanges::default());
            for id in 0..1000 {
                open.open(ExchangeId(id), &TRANSPORT, spare);
            }
            for n in 0..1000 {
                let id = ExchangeId(n * step % 1000);
                assert_eq!(open.get(id).map(|o| o.id), Some(id));
                assert_eq!(open.take(id, spare).map(|o| o.id), Some(id));
                assert!(open.get(id).is_none() && open.take(id, spare).is_none());
                assert!(open.list.len() <= 2 * (999 - n as usize), "places are given back");
            }
            assert_eq!((open.first(), open.list.capacity()), (None, 0));
        }
    }
}
