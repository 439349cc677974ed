//! The stack of layers of a flow: probing, dissecting, opaque.

use super::inner::Inner;
use super::{Carrier, Dissector, Malformed, Out, PROTOCOLS, Protocol, Sink, Trail, Upgrade, Verdict};
use crate::limits;
use crate::message::{Direction, End, ExchangeId, Position, Transport};

pub(super) enum State {
    /// Not known yet. Bytes wait only while a probe asks for more; those that no probe wants are scanned as
    /// opaque, and every later chunk is probed again (a stream may be joined in the middle of a message).
    Probing(Waiting),
    Active(&'static Protocol, Box<dyn Dissector>),
}

/// First bytes that wait for a probe's answer, by direction: hardly ever any.
pub(super) type Waiting = Option<Box<[Vec<u8>; 2]>>;

fn take(waiting: &mut Waiting, i: usize) -> Vec<u8> {
    waiting.as_mut().map(|held| std::mem::take(&mut held[i])).unwrap_or_default()
}

/// One layer of a flow and everything inside it.
pub struct Layer {
    pub(super) transport: Transport,
    pub(super) state: State,
    pub(super) trails: [Trail; 2],
    pub(super) offsets: [u64; 2],
    /// Bytes of each direction that the dissector does not want to see.
    pub(super) unwanted: [u64; 2],
    pub(super) inner: Inner,
    pub(super) via: Option<ExchangeId>,
    /// What the encryption carries that this layer is, if the layer around it knows.
    pub(super) carries: Option<&'static Protocol>,
    pub(super) depth: u8,
    /// The protocol's client part is spoken by the transport's server.
    pub(super) flipped: bool,
}

impl Layer {
    /// A layer that knows nothing yet.
    pub fn new(transport: Transport, depth: usize) -> Self {
        Self {
            transport: Transport { protocol: "unknown", ..transport },
            state: State::Probing(Default::default()),
            trails: Default::default(),
            offsets: [0; 2],
            unwanted: [0; 2],
            inner: Inner::default(),
            via: None,
            carries: None,
            depth: depth as u8,
            flipped: false,
        }
    }

    /// Sets the protocol without probing (`--decode-as`).
    pub fn set_protocol(&mut self, protocol: &'static Protocol, sink: &mut dyn Sink) {
        self.carry(protocol, (protocol.open)());
        sink.protocol(self.depth.into(), protocol.name);
    }

    /// Sets the protocol that the layer around this one carries.
    pub(super) fn carry(&mut self, protocol: &'static Protocol, dissector: Box<dyn Dissector>) {
        self.transport.protocol = protocol.name;
        self.state = State::Active(protocol, dissector);
    }

    /// Sets the protocol that the exchange `via` is upgraded to, if it is known; `alone` says that nothing else goes on
    /// in the layer around it.
    pub(super) fn upgrade(
        &mut self,
        via: ExchangeId,
        upgrade: &Upgrade<'_>,
        alone: bool,
        sink: &mut dyn Sink,
    ) -> bool {
        let found = PROTOCOLS.iter().find_map(|p| Some((p, p.upgrade?(upgrade)?)));
        let Some((protocol, upgraded)) = found else { return false };
        self.via = Some(via);
        self.carry(protocol, upgraded.dissector);
        if alone {
            sink.upgraded(usize::from(self.depth).saturating_sub(1), protocol.name);
        }
        upgraded.answers
    }

    /// Whether its protocol is not known (yet, or any more).
    pub fn is_probing(&self) -> bool {
        matches!(self.state, State::Probing(_))
    }

    /// Exchanges the roles of the two ends while it is probing: no SYN was seen, and now content tells the client.
    /// Bytes that were emitted as opaque keep the direction that they were given.
    pub fn swap_ends(&mut self) {
        self.trails.swap(0, 1);
        self.offsets.swap(0, 1);
        if let State::Probing(held) = &mut self.state {
            held.iter_mut().for_each(|held| held.swap(0, 1));
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

    /// Passes over the next `len` bytes of one direction, if nobody wants to see any of them.
    #[inline]
    pub fn pass_over(&mut self, dir: Direction, len: u64) -> bool {
        let i = dir.index();
        self.unwanted[i] >= len && self.pass_over_some(dir, len) == len
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

    /// Passes over as many of the next `len` bytes as nobody wants to see.
    fn pass_over_some(&mut self, dir: Direction, len: u64) -> u64 {
        let n = self.unwanted[dir.index()].min(len);
        self.unwanted[dir.index()] -= n;
        self.offsets[dir.index()] += n;
        n
    }

    pub(super) fn deliver(
        &mut self,
        dir: Direction,
        mut bytes: &[u8],
        sink: &mut dyn Sink,
        next_id: &mut u64,
    ) {
        let i = dir.index();
        if self.unwanted[i] > 0 {
            let passed = self.pass_over_some(dir, bytes.len() as u64);
            sink.encrypted(passed);
            bytes = bytes.get(passed as usize..).unwrap_or_default();
            if bytes.is_empty() {
                return;
            }
        }
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
        let len = len - self.pass_over_some(dir, len);
        if len == 0 {
            return;
        }
        let at = self.offsets[i];
        if let State::Probing(held) = &mut self.state {
            let held = take(held, i);
            if !held.is_empty() {
                self.emit_opaque(dir, &held, at - held.len() as u64, sink);
            }
        }
        self.offsets[i] += len;
        let to = self.to_protocol(dir);
        let (result, _) = self.act(dir, at, sink, next_id, |dissector, to, out| dissector.gap(to, len, out));
        if let Err(Malformed(name)) = result {
            sink.weird(name);
            self.lose();
        }
        sink.opaque_gap(&self.transport, to, false);
    }

    /// One direction is over.
    pub fn close(&mut self, dir: Direction, end: End, sink: &mut dyn Sink, next_id: &mut u64) {
        let i = dir.index();
        let at = self.offsets[i];
        let to = self.to_protocol(dir);
        if let State::Probing(held) = &mut self.state {
            let held = take(held, i);
            if !held.is_empty() {
                self.emit_opaque(dir, &held, at - held.len() as u64, sink);
            }
        }
        let _ = self.act(dir, at, sink, next_id, |dissector, to, out| {
            dissector.close(to, end, out);
            Ok(())
        });
        for inner in self.inner.all() {
            inner.close(to, end, sink, next_id);
        }
        sink.opaque_gap(&self.transport, to, true);
    }

    fn probing(&mut self, dir: Direction, bytes: &[u8], at: u64, sink: &mut dyn Sink, next_id: &mut u64) {
        let i = dir.index();
        let State::Probing(held) = &mut self.state else { return };
        let joined;
        let mut buffer = take(held, i);
        let (all, start) = if buffer.is_empty() {
            (bytes, at)
        } else {
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
                    let other = take(held, 1 - i);
                    self.flipped = said.is_some_and(|said| said != dir);
                    self.transport.protocol = protocol.name;
                    self.state = State::Active(protocol, (protocol.open)());
                    sink.protocol(self.depth.into(), protocol.name);
                    if !other.is_empty() {
                        let start = self.offsets[1 - i] - other.len() as u64;
                        // It waited for a verdict of some protocol, which need not be this one.
                        if (protocol.probe)(&other) == Verdict::No {
                            self.emit_opaque(dir.other(), &other, start, sink);
                            sink.opaque_gap(&self.transport, dir.other(), true);
                        } else {
                            self.feed(dir.other(), &other, start, sink, next_id);
                        }
                    }
                    return self.feed(dir, all, start, sink, next_id);
                }
            }
        }
        if more && all.len() < limits::PROBE_BYTES {
            held.get_or_insert_default()[i] = all.to_vec();
        } else if start < at {
            // What waited was no beginning; the new bytes may be one.
            self.emit_opaque(dir, &all[..(at - start) as usize], start, sink);
            self.probing(dir, bytes, at, sink, next_id);
        } else {
            self.emit_opaque(dir, all, start, sink);
        }
    }

    fn emit_opaque(&mut self, dir: Direction, bytes: &[u8], at: u64, sink: &mut dyn Sink) {
        let (transport, trails) = (&self.transport, &self.trails);
        let carrier = Carrier { transport, trails, via: self.via, datagram: false };
        sink.opaque(carrier, dir, at, bytes);
        self.trails[dir.index()].prune(u64::MAX);
    }

    /// The protocol cannot be followed any further: what comes is probed again.
    fn lose(&mut self) {
        self.state = State::Probing(Default::default());
        self.unwanted = [0; 2];
        self.flipped = false;
    }

    fn feed(&mut self, dir: Direction, bytes: &[u8], at: u64, sink: &mut dyn Sink, next_id: &mut u64) {
        if let State::Probing(_) = self.state {
            return self.emit_opaque(dir, bytes, at, sink);
        }
        let (result, consumed) =
            self.act(dir, at, sink, next_id, |dissector, to, out| dissector.data(to, bytes, out));
        let to = self.to_protocol(dir);
        match result {
            Ok(()) => {
                if let State::Active(_, dissector) = &mut self.state {
                    self.trails[dir.index()].prune(dissector.held(to));
                    self.unwanted[dir.index()] = dissector.passed_over(to);
                }
            }
            Err(Malformed(name)) => {
                let rest = consumed.saturating_sub(at) as usize;
                sink.weird(name);
                self.lose();
                self.emit_opaque(dir, bytes.get(rest..).unwrap_or_default(), at + rest as u64, sink);
            }
        }
    }

    /// Lets the dissector act, if there is one; also says what it has consumed.
    fn act(
        &mut self,
        dir: Direction,
        at: u64,
        sink: &mut dyn Sink,
        next_id: &mut u64,
        f: impl FnOnce(&mut dyn Dissector, Direction, &mut Out<'_>) -> Result<(), Malformed>,
    ) -> (Result<(), Malformed>, u64) {
        let to = self.to_protocol(dir);
        let State::Active(_, dissector) = &mut self.state else { return (Ok(()), at) };
        // The protocol has its own idea of the directions.
        if self.flipped {
            self.trails.swap(0, 1);
        }
        let mut out = Out {
            sink,
            transport: &self.transport,
            trails: &self.trails,
            inner: &mut self.inner,
            via: self.via,
            depth: self.depth.into(),
            at,
            consumed: at,
            next_id,
            carries: self.carries,
            datagram: false,
        };
        let result = f(dissector.as_mut(), to, &mut out);
        let consumed = out.consumed;
        if self.flipped {
            self.trails.swap(0, 1);
        }
        (result, consumed)
    }

    fn to_protocol(&self, dir: Direction) -> Direction {
        if self.flipped { dir.other() } else { dir }
    }
}
