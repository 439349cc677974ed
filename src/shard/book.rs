//! The open exchanges of a flow, and how they close.

use super::body::{Body, Found, Text};
use super::event::{Event, Stamped};
use super::exchanges::OpenExchanges;
use super::fields::Fields;
use super::heads::HeadScan;
use super::opaque::OpaqueScan;
use super::open::{Held, Kind, Open};
use super::{Shared, Tools};
use crate::facts::marks;
use crate::keylog::Keyring;
use crate::limits;
use crate::message::{Direction, End, Exchange, ExchangeId, Head, Known, Login, Start, Transport};
use crate::protocol::{Carrier, Sink, TlsEvent};
use crate::session::TlsSession;
use crate::token::Sighting;
use smallvec::SmallVec;
use std::sync::Arc;

/// What is remembered of one flow between its bytes.
#[derive(Default)]
pub(super) struct Book {
    open: OpenExchanges,
    /// Searches in bytes of no known protocol, by direction.
    streams: Option<Box<[OpaqueScan; 2]>>,
    pub(super) tls: Option<Box<TlsSession>>,
    pub(super) protocols: SmallVec<[&'static str; 2]>,
    /// Exchanges that led to another protocol.
    upgraded: Vec<(ExchangeId, Arc<Exchange>)>,
    /// Who is the client is only guessed, and may still be told: tokens wait for that.
    pub(super) guessed: bool,
}

impl Book {
    /// As new, for another flow.
    pub(super) fn clear(&mut self) {
        let Self { open, streams, tls, protocols, upgraded, guessed } = self;
        (*open, *streams, *tls, *guessed) = Default::default();
        protocols.clear();
        upgraded.clear();
    }

    /// The ends have exchanged their roles.
    pub(super) fn swap_ends(&mut self) {
        if let Some(streams) = &mut self.streams {
            streams.swap(0, 1);
        }
    }
}

/// Closed messages whose memory is kept for the next ones.
const SPARE: usize = 64;

/// A flow's book, opened for the length of one event.
pub(super) struct Scribe<'a> {
    pub(super) book: &'a mut Book,
    pub(super) shared: &'a Shared,
    pub(super) tools: &'a mut Tools,
    pub(super) held: &'a mut Held,
    pub(super) ordinal: u64,
}

impl Sink for Scribe<'_> {
    fn begin(&mut self, carrier: Carrier<'_>, id: ExchangeId, head: &Head<'_>) {
        let fields = Fields::of(head);
        let body = fields.body_expected(head);
        self.start(carrier, id, head, &fields, body);
    }

    fn recall(&self, request: bool, bytes: &[u8]) -> Known {
        self.tools.heads.recall(request, bytes)
    }

    fn body(&mut self, carrier: Carrier<'_>, id: ExchangeId, dir: Direction, at: u64, bytes: &[u8]) {
        let Some(open) = self.book.open.get(id) else { return };
        let Some(message) = &mut open.messages[dir.index()] else { return };
        let Some(body) = &mut message.body else { return };
        let mut found = Vec::new();
        let trail = &carrier.trails[dir.index()];
        body.push((trail, at), bytes, self.shared, self.tools, self.held, &mut found);
        if !found.is_empty() {
            self.sightings(id, dir, found);
        }
    }

    fn body_gap(&mut self, id: ExchangeId, dir: Direction, len: u64) {
        let Some(open) = self.book.open.get(id) else { return };
        let Some(message) = &mut open.messages[dir.index()] else { return };
        let mut found = Vec::new();
        if let Some(body) = &mut message.body {
            body.gap(len, self.shared, self.tools, self.held, &mut found);
        }
        self.sightings(id, dir, found);
    }

    fn trailers(&mut self, carrier: Carrier<'_>, id: ExchangeId, dir: Direction, head: &Head<'_>) {
        let mut found = Vec::new();
        if let Some(message) = self.book.open.get(id).and_then(|open| open.messages[dir.index()].as_mut()) {
            message.grpc_status = Fields::of(head).grpc_status.or(message.grpc_status);
        }
        if self.shared.demand.tokens {
            let trail = &carrier.trails[dir.index()];
            let mut scan = HeadScan { scanner: &self.shared.scanner, trail, at: head.at, found: &mut found };
            scan.head(head, true);
        }
        self.sightings(id, dir, found);
    }

    fn end(&mut self, id: ExchangeId, dir: Direction, end: End) {
        self.end_message(id, dir, end);
        let Some(open) = self.book.open.get(id) else { return };
        open.ended[dir.index()] = true;
        let over = open.ended == [true; 2] || open.alone();
        if over && let Some(open) = self.book.open.take(id, &mut self.tools.exchanges) {
            self.close(open);
        }
    }

    fn opaque(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, bytes: &[u8]) {
        if !self.shared.demand.tokens || bytes.is_empty() {
            return;
        }
        let streams = self.book.streams.get_or_insert_default();
        let found =
            streams[dir.index()].feed(&carrier.trails[dir.index()], at, bytes, self.shared, self.tools);
        for found in found {
            self.lone(carrier.transport, Some(dir), found);
        }
    }

    fn opaque_gap(&mut self, transport: &Transport, dir: Direction, ended: bool) {
        let Some(streams) = &mut self.book.streams else { return };
        for found in streams[dir.index()].cut(ended, self.shared, self.tools) {
            self.lone(transport, Some(dir), found);
        }
    }

    fn keyring(&self) -> Option<Arc<Keyring>> {
        Some(Arc::clone(&self.tools.keyring))
    }

    fn encrypted(&mut self, len: u64) {
        self.tools.out.tally.opaque_bytes += len;
    }

    fn tls(&mut self, carrier: Carrier<'_>, event: TlsEvent<'_>) {
        let session = self.book.tls.get_or_insert_default();
        super::tls::learn(session, carrier, event, self.tools);
    }

    fn login(&mut self, login: Login) {
        if self.shared.demand.logins {
            self.emit(Event::Login(Box::new(login)));
        }
    }

    fn is_token(&self, secret: &[u8]) -> bool {
        let mut found = false;
        self.shared.scanner.find_in_value(secret, &mut |_| found = true);
        found
    }

    fn protocol(&mut self, depth: usize, name: &'static str) {
        if self.book.protocols.len() == depth {
            self.book.protocols.push(name);
        }
    }

    fn reserve(&mut self, bytes: usize) -> bool {
        let fits = self.held.dissectors + bytes <= self.held.room.dissectors;
        self.held.dissectors += if fits { bytes } else { 0 };
        fits
    }

    fn release(&mut self, bytes: usize) {
        self.held.dissectors = self.held.dissectors.saturating_sub(bytes);
    }

    fn reachable(&mut self, id: &[u8]) {
        self.held.reach.add(id);
    }

    fn upgraded(&mut self, depth: usize, name: &'static str) {
        if let Some(protocol) = self.book.protocols.get_mut(depth) {
            *protocol = name;
        }
    }

    fn weird(&mut self, name: &'static str) {
        self.tools.out.tally.weird(name);
    }
}

impl Scribe<'_> {
    /// Begins a message; `body`: bytes of a body may follow, in the codings of its `fields`.
    pub(super) fn start(
        &mut self,
        carrier: Carrier<'_>,
        id: ExchangeId,
        head: &Head<'_>,
        fields: &Fields<'_>,
        body: bool,
    ) {
        self.tools.out.tally.messages += 1;
        let dir = head.start.direction();
        let mut message = self.tools.spare.pop().unwrap_or_default();
        if !self.held.store(head, &mut message.head) {
            self.tools.out.tally.weird("open_heads_limit");
        }
        message.position = carrier.position(dir, head.at);
        message.end = End::Cut;
        message.grpc_status = fields.grpc_status;
        if body {
            message.body = Some(Body::new(head, fields, self.shared, self.tools, self.held));
        }
        let mut found = Vec::new();
        if self.shared.demand.tokens && !head.known.is_quiet() {
            let trail = &carrier.trails[dir.index()];
            let mut scan = HeadScan { scanner: &self.shared.scanner, trail, at: head.at, found: &mut found };
            scan.head(head, false);
            if found.is_empty() {
                head.known.set_quiet();
            }
        }
        if let Known::New(print) = *head.known {
            self.tools.heads.learn(print, &mut message.head);
        }
        let open = self.book.open.open(id, carrier.transport, &mut self.tools.exchanges);
        if let Start::Message { .. } = head.start {
            open.kind = Kind::Message { via: carrier.via, datagram: carrier.datagram };
        }
        let mut before = Vec::new();
        if let Some(interim) = open.messages[dir.index()].replace(message) {
            self.held.release(&interim.head);
            if let Some(mut body) = interim.body {
                body.finish(false, self.shared, self.tools, self.held, &mut before);
                body.release(self.held, self.tools);
            }
        }
        self.sightings(id, dir, before);
        self.sightings(id, dir, found);
    }

    /// Closes what is still open when the flow does.
    pub(super) fn close_all(&mut self) {
        while let Some(id) = self.book.open.first() {
            for dir in [Direction::Request, Direction::Response] {
                if self.book.open.get(id).is_some_and(|open| !open.ended[dir.index()]) {
                    self.end_message(id, dir, End::Cut);
                }
            }
            if let Some(open) = self.book.open.take(id, &mut self.tools.exchanges) {
                self.close(open);
            }
        }
        self.book.streams = None;
    }

    fn end_message(&mut self, id: ExchangeId, dir: Direction, end: End) {
        let Some(open) = self.book.open.get(id) else { return };
        let Some(message) = &mut open.messages[dir.index()] else { return };
        message.end = end;
        let mut found = Vec::new();
        if let Some(body) = &mut message.body {
            body.finish(end == End::Complete, self.shared, self.tools, self.held, &mut found);
        }
        self.sightings(id, dir, found);
    }

    /// Tokens of an exchange or message. They wait for the exchange to close, unless that may take forever.
    #[inline]
    fn sightings(&mut self, id: ExchangeId, dir: Direction, found: Vec<Found>) {
        if !found.is_empty() {
            self.report(id, dir, found);
        }
    }

    fn report(&mut self, id: ExchangeId, dir: Direction, found: Vec<Found>) {
        let Some(open) = self.book.open.get(id) else { return };
        for found in found {
            if open.sightings.len() + open.reported() >= limits::SIGHTINGS_EXCHANGE && !open.alone() {
                self.tools.out.tally.weird("sightings_limit");
                break;
            }
            let way = open.direction(dir);
            let Some(sighting) = sighting(self.tools, &open.transport, way, found) else { continue };
            if !open.alone() && !open.reports(&sighting) {
                open.sightings.push(sighting);
                continue;
            }
            let exchange = match open.via() {
                Some(via) => self.book.upgraded.iter().find(|(id, _)| *id == via).map(|(_, e)| Arc::clone(e)),
                None if open.alone() => None,
                None => Some(open.report()),
            };
            let event = Event::Sighting { sighting: Box::new(sighting), exchange };
            self.tools.out.events.push(Stamped { ordinal: self.ordinal, event });
        }
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.tools.out.events.push(Stamped { ordinal: self.ordinal, event });
    }

    /// An exchange is over: its marks are found, and it is reported if anyone wants it.
    fn close(&mut self, mut open: Box<Open>) {
        let demand = &self.shared.demand;
        let mut wanted = if open.alone() { None } else { Some(open.marks(Some(demand))) };
        if let Some(found) = &mut wanted
            && let Some(early) = self.book.tls.as_ref().and_then(|tls| tls.early)
            && open.began_by(early)
        {
            found.marks.set(marks::EARLY_DATA);
        }
        if let Some(found) = wanted.as_mut().filter(|_| demand.firsts) {
            self.held.firsts.look(&open, &mut found.marks);
        }
        let document = wanted.as_ref().and_then(|found| open.document(found.marks, demand));
        for message in open.messages.iter_mut().flatten() {
            self.held.release(&message.head);
            if let Some(body) = &mut message.body {
                body.release(self.held, self.tools);
            }
        }
        let leads_on = open.leads_on();
        let wanted = wanted
            .filter(|found| !open.sightings.is_empty() || leads_on || self.tools.wants(demand, found.marks));
        let Some(found) = wanted else {
            let room = SPARE.saturating_sub(self.tools.spare.len());
            let closed = open.messages.iter_mut().filter_map(Option::take).take(room);
            self.tools.spare.extend(closed.map(|mut message| {
                message.body = None;
                message
            }));
            self.tools.exchanges.give_back(open);
            return;
        };
        let (exchange, sightings) = open.close(found, document, demand.lean);
        let exchange = Arc::new(exchange);
        if leads_on && self.book.upgraded.len() < limits::INNER_LAYERS {
            self.book.upgraded.push((exchange.id, Arc::clone(&exchange)));
        }
        if !sightings.is_empty() || self.tools.wants(demand, exchange.marks) {
            self.emit(Event::Exchange { exchange, sightings });
        }
    }
}

pub(super) fn sighting(
    tools: &mut Tools,
    transport: &Transport,
    dir: Option<Direction>,
    found: Found,
) -> Option<Sighting> {
    let token = match found.text {
        Text::Compact(text) => tools.cache.get(&text)?,
        Text::Read(token) => token,
    };
    tools.out.tally.sightings += 1;
    Some(Sighting {
        token,
        spans: found.spans,
        position: found.position,
        direction: dir,
        place: found.place,
        wrapping: found.wrappings.iter().map(|w| w.as_str()).collect(),
        transport: *transport,
    })
}
