//! The stack of layers of a flow: probing, dissecting, opaque.

use super::{Dissector, Malformed, PROTOCOLS, Protocol, TlsEvent, Trail, Verdict};
use crate::limits;
use crate::message::{Direction, End, ExchangeId, Head, Position, Transport};
use crate::time::Timestamp;

/// What carries the bytes that a sink is given.
#[derive(Clone, Copy, Debug)]
pub struct Carrier<'a> {
    /// The transport of the emitting layer.
    pub transport: &'a Transport,
    /// Where its bytes were captured, by direction.
    pub trails: &'a [Trail; 2],
}

impl Carrier<'_> {
    /// Where the byte at `offset` of the layer was captured.
    pub fn position(&self, dir: Direction, offset: u64) -> Position {
        self.trails[dir.index()].position(offset)
    }
}

/// Who listens to the layers of a flow.
pub trait Sink {
    /// A message begins.
    fn begin(&mut self, carrier: Carrier<'_>, id: ExchangeId, head: &Head<'_>);
    /// The next bytes of its body, from layer offset `at`, transfer coding undone.
    fn body(&mut self, carrier: Carrier<'_>, id: ExchangeId, dir: Direction, at: u64, bytes: &[u8]);
    /// Bytes of its body that never arrived.
    fn body_gap(&mut self, id: ExchangeId, dir: Direction, len: u64);
    /// Trailer fields (RFC 9110 section 6.5); `head.start` repeats nothing and is to be ignored.
    fn trailers(&mut self, carrier: Carrier<'_>, id: ExchangeId, dir: Direction, head: &Head<'_>);
    /// The message is over.
    fn end(&mut self, id: ExchangeId, dir: Direction, end: End);
    /// Bytes of no known protocol, from layer offset `at`.
    fn opaque(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, bytes: &[u8]);
    /// A hole in such bytes, or their end.
    fn opaque_gap(&mut self, transport: &Transport, dir: Direction, ended: bool);
    /// Bytes inside encryption that no key opens: only counted.
    fn encrypted(&mut self, len: u64);
    /// What a TLS layer learned.
    fn tls(&mut self, carrier: Carrier<'_>, event: TlsEvent);
    /// A layer found its protocol; `depth` 0 is the outermost.
    fn protocol(&mut self, depth: usize, name: &'static str);
    /// An oddity.
    fn weird(&mut self, name: &'static str);
}

/// What a dissector may do.
pub struct Out<'a> {
    sink: &'a mut dyn Sink,
    transport: &'a Transport,
    trails: &'a [Trail; 2],
    inner: &'a mut Option<Box<Layer>>,
    depth: usize,
    at: u64,
    consumed: u64,
    next_id: &'a mut u64,
}

impl Out<'_> {
    /// Layer offset of the first byte that [`Dissector::data`] was given.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Says that everything before layer offset `at` has been emitted, in case of [`Malformed`].
    pub fn consumed(&mut self, at: u64) {
        self.consumed = at;
    }

    /// When the byte at layer offset `at` was captured.
    pub fn time(&self, dir: Direction, at: u64) -> Timestamp {
        self.trails[dir.index()].position(at).time
    }

    /// Begins a request of a new exchange.
    pub fn begin(&mut self, head: &Head<'_>) -> ExchangeId {
        let id = ExchangeId(*self.next_id);
        *self.next_id += 1;
        self.begin_in(id, head);
        id
    }

    /// Begins a message of an exchange that is there already: its response.
    pub fn begin_in(&mut self, id: ExchangeId, head: &Head<'_>) {
        let carrier = Carrier { transport: self.transport, trails: self.trails };
        self.sink.begin(carrier, id, head);
    }

    /// The next bytes of a body, from layer offset `at`.
    pub fn body(&mut self, id: ExchangeId, dir: Direction, at: u64, bytes: &[u8]) {
        let carrier = Carrier { transport: self.transport, trails: self.trails };
        self.sink.body(carrier, id, dir, at, bytes);
    }

    /// Body bytes that never arrived.
    pub fn body_gap(&mut self, id: ExchangeId, dir: Direction, len: u64) {
        self.sink.body_gap(id, dir, len);
    }

    /// Trailer fields.
    pub fn trailers(&mut self, id: ExchangeId, dir: Direction, head: &Head<'_>) {
        let carrier = Carrier { transport: self.transport, trails: self.trails };
        self.sink.trailers(carrier, id, dir, head);
    }

    /// Ends a message.
    pub fn end(&mut self, id: ExchangeId, dir: Direction, end: End) {
        self.sink.end(id, dir, end);
    }

    /// Bytes for the layer inside, which lie unchanged at layer offset `at`.
    pub fn inner(&mut self, dir: Direction, at: u64, bytes: &[u8]) {
        if self.depth + 1 >= limits::LAYERS {
            self.sink.weird("too_many_layers");
            return self.opaque(dir, at, bytes);
        }
        let inner = self.inner.get_or_insert_with(|| Box::new(Layer::new(*self.transport, self.depth + 1)));
        let to = inner.offsets[dir.index()];
        inner.trails[dir.index()].push_from(to, &self.trails[dir.index()], at, bytes.len() as u64);
        inner.deliver(dir, bytes, self.sink, self.next_id);
    }

    /// A hole in the inner bytes.
    pub fn inner_gap(&mut self, dir: Direction, len: u64) {
        if let Some(inner) = self.inner {
            inner.gap(dir, len, self.sink, self.next_id);
        }
    }

    /// Bytes that belong to nothing known: they are scanned as a stream.
    pub fn opaque(&mut self, dir: Direction, at: u64, bytes: &[u8]) {
        let carrier = Carrier { transport: self.transport, trails: self.trails };
        self.sink.opaque(carrier, dir, at, bytes);
    }

    /// Bytes that no key opens.
    pub fn encrypted(&mut self, len: u64) {
        self.sink.encrypted(len);
    }

    /// What a TLS layer learned about its session.
    pub fn tls(&mut self, event: TlsEvent) {
        let carrier = Carrier { transport: self.transport, trails: self.trails };
        self.sink.tls(carrier, event);
    }

    /// Counts an oddity.
    pub fn weird(&mut self, name: &'static str) {
        self.sink.weird(name);
    }
}

enum State {
    /// Not known yet. Bytes wait only while a probe asks for more; those that no probe wants are scanned as
    /// opaque, and every later chunk is probed again (a stream may be joined in the middle of a message).
    Probing([Vec<u8>; 2]),
    Active(Box<dyn Dissector>),
}

/// One layer of a flow and everything inside it.
pub struct Layer {
    transport: Transport,
    state: State,
    trails: [Trail; 2],
    offsets: [u64; 2],
    inner: Option<Box<Layer>>,
    depth: u8,
    /// The protocol's client part is spoken by the transport's server.
    flipped: bool,
}

impl Layer {
    /// A layer that knows nothing yet.
    pub fn new(transport: Transport, depth: usize) -> Self {
        Self {
            transport: Transport { protocol: "unknown", ..transport },
            state: State::Probing(Default::default()),
            trails: Default::default(),
            offsets: [0; 2],
            inner: None,
            depth: depth as u8,
            flipped: false,
        }
    }

    /// Sets the protocol without probing (`--decode-as`).
    pub fn set_protocol(&mut self, protocol: &'static Protocol, sink: &mut dyn Sink) {
        self.transport.protocol = protocol.name;
        self.state = State::Active((protocol.open)());
        sink.protocol(self.depth.into(), protocol.name);
    }

    /// The transport that this layer's messages carry.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Exchanges the roles of the two ends, once, before anything was emitted (no SYN was seen).
    pub fn swap_ends(&mut self) {
        self.trails.swap(0, 1);
        self.offsets.swap(0, 1);
        if let State::Probing(held) = &mut self.state {
            held.swap(0, 1);
        }
        std::mem::swap(&mut self.transport.client, &mut self.transport.server);
    }

    /// What the protocols would make of the first bytes of this layer; used to find the client's side.
    pub fn probe(bytes: &[u8]) -> Option<(&'static Protocol, Option<Direction>)> {
        PROTOCOLS.iter().find_map(|p| match (p.probe)(bytes) {
            Verdict::Yes(dir) => Some((*p, dir)),
            Verdict::No | Verdict::More => None,
        })
    }

    /// Bytes of one direction that were captured at `position`.
    pub fn data(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        position: Position,
        sink: &mut dyn Sink,
        next_id: &mut u64,
    ) {
        let i = dir.index();
        self.trails[i].push(self.offsets[i], bytes.len() as u64, position);
        self.deliver(dir, bytes, sink, next_id);
    }

    fn deliver(&mut self, dir: Direction, bytes: &[u8], sink: &mut dyn Sink, next_id: &mut u64) {
        let i = dir.index();
        let at = self.offsets[i];
        self.offsets[i] += bytes.len() as u64;
        if let State::Probing(_) = self.state {
            return self.probing(dir, bytes, at, sink, next_id);
        }
        self.feed(dir, bytes, at, sink, next_id);
    }

    /// `len` bytes never arrived.
    pub fn gap(&mut self, dir: Direction, len: u64, sink: &mut dyn Sink, next_id: &mut u64) {
        let i = dir.index();
        let at = self.offsets[i];
        if let State::Probing(held) = &mut self.state {
            let held = std::mem::take(&mut held[i]);
            if !held.is_empty() {
                self.emit_opaque(dir, &held, at - held.len() as u64, sink);
            }
            sink.opaque_gap(&self.transport, dir, false);
        }
        self.offsets[i] += len;
        let to = self.to_protocol(dir);
        if let State::Active(dissector) = &mut self.state {
            let mut out = Out {
                sink,
                transport: &self.transport,
                trails: &self.trails,
                inner: &mut self.inner,
                depth: self.depth.into(),
                at,
                consumed: at,
                next_id,
            };
            if let Err(Malformed(name)) = dissector.gap(to, len, &mut out) {
                sink.weird(name);
                self.state = State::Probing(Default::default());
            }
            // What the dissector left to the search for tokens does not go on behind the hole.
            sink.opaque_gap(&self.transport, to, false);
        }
    }

    /// One direction is over.
    pub fn close(&mut self, dir: Direction, end: End, sink: &mut dyn Sink, next_id: &mut u64) {
        let i = dir.index();
        let at = self.offsets[i];
        let to = self.to_protocol(dir);
        match &mut self.state {
            State::Probing(held) => {
                let held = std::mem::take(&mut held[i]);
                if !held.is_empty() {
                    self.emit_opaque(dir, &held, at - held.len() as u64, sink);
                }
                sink.opaque_gap(&self.transport, dir, true);
            }
            State::Active(dissector) => {
                let mut out = Out {
                    sink,
                    transport: &self.transport,
                    trails: &self.trails,
                    inner: &mut self.inner,
                    depth: self.depth.into(),
                    at,
                    consumed: at,
                    next_id,
                };
                dissector.close(to, end, &mut out);
                sink.opaque_gap(&self.transport, to, end == End::Complete);
            }
        }
        if let Some(inner) = &mut self.inner {
            inner.close(to, end, sink, next_id);
        }
    }

    fn probing(&mut self, dir: Direction, bytes: &[u8], at: u64, sink: &mut dyn Sink, next_id: &mut u64) {
        let i = dir.index();
        let State::Probing(held) = &mut self.state else { return };
        let joined;
        let (all, start) = if held[i].is_empty() {
            (bytes, at)
        } else {
            let mut buffer = std::mem::take(&mut held[i]);
            let start = at - buffer.len() as u64;
            buffer.extend_from_slice(bytes);
            joined = buffer;
            (joined.as_slice(), start)
        };
        let mut more = false;
        for protocol in PROTOCOLS {
            match (protocol.probe)(all) {
                Verdict::No => {}
                Verdict::More => more = true,
                Verdict::Yes(said) => {
                    let other = std::mem::take(&mut held[1 - i]);
                    self.flipped = said.is_some_and(|said| said != dir);
                    self.transport.protocol = protocol.name;
                    self.state = State::Active((protocol.open)());
                    sink.protocol(self.depth.into(), protocol.name);
                    if !other.is_empty() {
                        let start = self.offsets[1 - i] - other.len() as u64;
                        self.feed(dir.other(), &other, start, sink, next_id);
                    }
                    return self.feed(dir, all, start, sink, next_id);
                }
            }
        }
        if more && all.len() < limits::PROBE_BYTES {
            held[i] = all.to_vec();
        } else {
            self.emit_opaque(dir, all, start, sink);
        }
    }

    fn emit_opaque(&mut self, dir: Direction, bytes: &[u8], at: u64, sink: &mut dyn Sink) {
        let carrier = Carrier { transport: &self.transport, trails: &self.trails };
        sink.opaque(carrier, dir, at, bytes);
        self.trails[dir.index()].prune(u64::MAX);
    }

    fn feed(&mut self, dir: Direction, bytes: &[u8], at: u64, sink: &mut dyn Sink, next_id: &mut u64) {
        let i = dir.index();
        let to = self.to_protocol(dir);
        let State::Active(dissector) = &mut self.state else { return };
        let trails = if self.flipped { None } else { Some(&self.trails) };
        let swapped;
        let trails = match trails {
            Some(trails) => trails,
            None => {
                swapped = [self.trails[1].clone(), self.trails[0].clone()];
                &swapped
            }
        };
        let mut out = Out {
            sink,
            transport: &self.transport,
            trails,
            inner: &mut self.inner,
            depth: self.depth.into(),
            at,
            consumed: at,
            next_id,
        };
        match dissector.data(to, bytes, &mut out) {
            Ok(()) => {
                let held = dissector.held(to);
                self.trails[i].prune(held);
            }
            Err(Malformed(name)) => {
                let rest = out.consumed.saturating_sub(at) as usize;
                let from = at + rest as u64;
                sink.weird(name);
                self.state = State::Probing(Default::default());
                self.emit_opaque(dir, bytes.get(rest..).unwrap_or_default(), from, sink);
            }
        }
    }

    fn to_protocol(&self, dir: Direction) -> Direction {
        if self.flipped { dir.other() } else { dir }
    }
}
