//! One flow of a shard: its layers and its book, driven by the flow table.

use super::book::{Book, Scribe};
use super::event::{Event, Stamped};
use super::open::Held;
use super::{Shared, Tools};
use crate::decode::{FlowKey, IpProtocol, Side};
use crate::flow::{Chunk, Consumer, FlowInfo, Origin, Piece};
use crate::message::{Channel, Direction, Location, Transport};
use crate::protocol::{Conversation, Layer, Rest, Trail};
use crate::session::FlowSummary;
use std::ops::Range;

/// What a shard knows about a flow.
pub(super) struct Stream {
    stack: Stack,
    /// Of datagrams.
    conversation: Conversation,
    /// Nothing where nothing was said yet, and where the flow is closed and nobody asks what was: closed flows linger.
    pub(super) book: Option<Box<Book>>,
    next_id: u64,
}

/// The layers of a flow.
#[derive(Default)]
enum Stack {
    /// Nothing was said yet, or the flow is closed.
    #[default]
    None,
    /// Nothing is being said.
    Resting(Rest),
    Busy(Box<Layer>),
}

/// Layers at rest that are kept for the next flow that speaks.
const SPARE_LAYERS: usize = 64;
/// Books that are kept for the next flow that says something.
const SPARE_BOOKS: usize = 64;

/// The shard, as the flow table sees it for the length of one packet or tick.
pub(super) struct Feed<'a> {
    pub(super) shared: &'a Shared,
    pub(super) tools: &'a mut Tools,
    /// What the partition holds of messages in progress.
    pub(super) held: &'a mut Held,
    pub(super) ordinal: u64,
}

impl Consumer<Stream> for Feed<'_> {
    fn open(&mut self, flow: &FlowInfo) -> Stream {
        self.tools.out.births.push(flow.ordinal());
        Stream { stack: Stack::None, conversation: Conversation::default(), book: None, next_id: 0 }
    }

    fn stream(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut Stream,
        from: Side,
        _at: u64,
        chunk: Chunk<'_>,
        origin: &Origin,
    ) -> bool {
        match chunk {
            Chunk::Data(bytes) => {
                let dir = direction(flow, from);
                if let Stack::Busy(layer) = &mut state.stack
                    && layer.pass_over(dir, bytes.len() as u64)
                {
                    self.tools.out.tally.opaque_bytes += bytes.len() as u64;
                    return false;
                }
                self.find_client(flow, state, from, bytes);
                let dir = direction(flow, from);
                self.wake(flow, state);
                if let Stack::None = state.stack {
                    state.stack = Stack::Busy(self.begin(flow, state, dir, bytes));
                }
                self.drive(state, |layer, scribe, id| layer.data(dir, bytes, origin.position(0), scribe, id));
                self.settle_client(flow, state);
                self.rest(&mut state.stack);
            }
            Chunk::Gap(len) => {
                let dir = direction(flow, from);
                self.wake(flow, state);
                self.drive(state, |layer, scribe, id| layer.gap(dir, len, scribe, id));
            }
            Chunk::End(end) => {
                let dir = direction(flow, from);
                if let Stack::Resting(rest) = state.stack {
                    rest.close(transport(flow), dir, &mut self.scribe(&mut state.book));
                    return true;
                }
                self.drive(state, |layer, scribe, id| layer.close(dir, end, scribe, id));
                self.rest(&mut state.stack);
            }
            Chunk::Again(bytes, pieces) => {
                let dir = direction(flow, from);
                let transport = transport(flow);
                let trail = Trail::of(bytes.len() as u64, pieces.iter().map(Piece::place));
                let is_told = |range: &Range<usize>| Piece::are_told(pieces, range);
                let to = (&transport, Some(dir), Location::Stream);
                self.scribe(&mut state.book).raw(to, bytes, &trail, &is_told);
            }
        }
        true
    }

    fn datagram(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut Stream,
        from: Side,
        bytes: &[u8],
        missing: u32,
        origin: &Origin,
    ) {
        if missing > 0 {
            self.tools.out.tally.weird("snapped");
        }
        let Stream { conversation, book, next_id, .. } = state;
        let mut scribe = self.scribe(book);
        if let Some(said) = conversation.probe(bytes, &mut scribe) {
            flow.set_client(if said == Direction::Request { from } else { from.other() });
        }
        let (dir, transport, position) = (direction(flow, from), transport(flow), origin.position(0));
        if !conversation.datagram(dir, bytes, position, transport, &mut scribe, next_id) {
            let trail = Trail::of(bytes.len() as u64, std::iter::once((0, position)));
            scribe.raw((&transport, None, Location::Datagram), bytes, &trail, &|_| false);
        }
        self.held.reach.settle(flow.key);
    }

    fn owner(&mut self, payload: &[u8]) -> Option<FlowKey> {
        self.held.reach.owner(payload)
    }

    fn opens(&mut self, state: &mut Stream, payload: &[u8]) -> bool {
        state.conversation.opens(payload, &self.tools.keyring)
    }

    fn closed(&mut self, flow: &mut FlowInfo, state: &mut Stream) {
        state.stack = Stack::None;
        if state.book.is_none() {
            return;
        }
        self.tell_guessed(flow, state);
        let mut scribe = self.scribe(&mut state.book);
        state.conversation.close(transport(flow), &mut scribe, &mut state.next_id);
        scribe.close_all();
        if !self.records(state) {
            self.give_back(state.book.take());
        }
    }

    fn ended(&mut self, flow: &FlowInfo, state: &mut Stream) {
        self.tools.out.deaths.push(flow.ordinal());
        if !self.records(state) {
            return;
        }
        let mut book = state.book.take().unwrap_or_default();
        let transport = Transport {
            protocol: book.protocols.first().copied().unwrap_or("unknown"),
            channel: match &book.tls {
                Some(session) if session.opened => Channel::TlsDecrypted,
                Some(_) => Channel::TlsOpaque,
                None => Channel::Cleartext,
            },
            ..transport(flow)
        };
        let summary = FlowSummary {
            file: flow.first.file,
            first: flow.first.position(0),
            key: flow.key,
            vlan: flow.key.vlan,
            transport,
            start: flow.start,
            end: flow.end,
            protocols: book.protocols.to_vec(),
            packets: flow.packets,
            bytes: flow.bytes,
            state: flow.state_name(),
            anomalies: flow.anomalies(),
            tls: book.tls.take(),
        };
        self.emit(Event::Flow(Box::new(summary)));
    }

    fn starts_message(&self, bytes: &[u8]) -> bool {
        Layer::probe(bytes).is_some()
    }
}

impl Feed<'_> {
    pub(super) fn emit(&mut self, event: Event) {
        self.tools.out.events.push(Stamped { ordinal: self.ordinal, event });
    }

    /// Whether the flow is told of at its end.
    fn records(&self, state: &Stream) -> bool {
        let demand = &self.shared.demand;
        demand.flows || demand.tls && state.book.as_ref().is_some_and(|book| book.tls.is_some())
    }

    /// A book is done with: the next flow that says something has it.
    pub(super) fn give_back(&mut self, book: Option<Box<Book>>) {
        if let Some(mut book) = book.filter(|_| self.tools.books.len() < SPARE_BOOKS) {
            book.clear();
            self.tools.books.push(book);
        }
    }

    /// Opens the book of a flow, which has one from then on.
    pub(super) fn scribe<'b>(&'b mut self, book: &'b mut Option<Box<Book>>) -> Scribe<'b> {
        let book = book.get_or_insert_with(|| self.tools.books.pop().unwrap_or_default());
        Scribe { book, shared: self.shared, tools: self.tools, held: self.held, ordinal: self.ordinal }
    }

    fn drive(&mut self, state: &mut Stream, act: impl FnOnce(&mut Layer, &mut Scribe<'_>, &mut u64)) {
        let Stack::Busy(layer) = &mut state.stack else { return };
        let mut scribe = self.scribe(&mut state.book);
        act(layer, &mut scribe, &mut state.next_id);
    }

    /// Without a handshake, content tells which side is the client, as long as no protocol was found.
    fn find_client(&mut self, flow: &mut FlowInfo, state: &mut Stream, from: Side, bytes: &[u8]) {
        let probing = match &state.stack {
            Stack::None => true,
            Stack::Resting(_) => false,
            Stack::Busy(layer) => layer.is_probing(),
        };
        if flow.known_client().is_some() || !probing {
            return;
        }
        let Some((_, Some(said))) = Layer::probe(bytes) else {
            self.scribe(&mut state.book).book.guessed = true;
            return;
        };
        let client = if said == Direction::Request { from } else { from.other() };
        let guessed = flow.client();
        flow.set_client(client);
        if client != guessed
            && let Stack::Busy(layer) = &mut state.stack
        {
            layer.swap_ends();
            if let Some(book) = &mut state.book {
                book.swap_ends();
            }
        }
    }

    /// Nothing more will tell which side is the client once a protocol was found.
    fn settle_client(&mut self, flow: &FlowInfo, state: &mut Stream) {
        if state.book.as_ref().is_some_and(|book| book.guessed)
            && (flow.known_client().is_some()
                || !matches!(&state.stack, Stack::Busy(layer) if layer.is_probing()))
        {
            self.tell_guessed(flow, state);
        }
    }

    /// The layer of a flow of which these are the first bytes.
    fn begin(&mut self, flow: &FlowInfo, state: &mut Stream, dir: Direction, bytes: &[u8]) -> Box<Layer> {
        let transport = transport(flow);
        let port = transport.server.map(|s| s.port);
        if let Some((_, protocol)) = self.shared.decode_as.iter().find(|(p, _)| Some(*p) == port) {
            let mut layer = Box::new(Layer::new(transport, 0));
            layer.set_protocol(protocol, &mut self.scribe(&mut state.book));
            return layer;
        }
        if !self.tools.layers.is_empty()
            && let Some(rest) = Rest::probe(dir, bytes)
            && let Some(spare) = self.spare(rest)
        {
            rest.announce(&mut self.scribe(&mut state.book));
            return Layer::resume(rest, transport, Some(spare));
        }
        Box::new(Layer::new(transport, 0))
    }

    /// Something happens in a flow: its layer is needed.
    fn wake(&mut self, flow: &FlowInfo, state: &mut Stream) {
        if let Stack::Resting(rest) = state.stack {
            let spare = self.spare(rest);
            state.stack = Stack::Busy(Layer::resume(rest, transport(flow), spare));
        }
    }

    /// Takes the layer away where nothing is being said.
    fn rest(&mut self, stack: &mut Stack) {
        if let Stack::Busy(layer) = stack
            && let Some(rest) = layer.rest()
            && let Stack::Busy(layer) = std::mem::replace(stack, Stack::Resting(rest))
            && self.tools.layers.len() < SPARE_LAYERS
        {
            self.tools.layers.push(layer);
        }
    }

    fn spare(&mut self, rest: Rest) -> Option<Box<Layer>> {
        let at = self.tools.layers.iter().rposition(|layer| rest.fits(layer))?;
        Some(self.tools.layers.swap_remove(at))
    }
}

fn direction(flow: &FlowInfo, from: Side) -> Direction {
    if from == flow.client() { Direction::Request } else { Direction::Response }
}

fn transport(flow: &FlowInfo) -> Transport {
    let client = flow.client();
    debug_assert!(matches!(flow.key.protocol, IpProtocol::Tcp | IpProtocol::Udp));
    Transport {
        flow: flow.ordinal(),
        client: Some(flow.key.end(client)),
        server: Some(flow.key.end(client.other())),
        channel: Channel::Cleartext,
        protocol: "unknown",
    }
}
