//! Conversations of datagrams: which protocol they speak, and what it shows.

use super::inner::Inner;
use super::{
    Carrier, Out, Sink, TlsEvent, Trail, Verdict, coap, dns, dtls, gelf, quic, radius, sip, statsd, syslog,
};
use crate::keylog::Keyring;
use crate::limits;
use crate::message::{Channel, Direction, Location, Position, Transport};
use std::sync::Arc;

/// A protocol of datagrams: one file, one line in [`DATAGRAM_PROTOCOLS`].
pub(super) struct DatagramProtocol {
    /// As the records print it.
    pub(super) name: &'static str,
    /// Looks at one datagram.
    pub(super) probe: fn(&[u8]) -> Verdict,
    /// A fresh dissector.
    pub(super) open: fn() -> Box<dyn DatagramDissector>,
}

/// Every protocol of datagrams, in order of probing.
const DATAGRAM_PROTOCOLS: &[&DatagramProtocol] = &[
    &quic::PROTOCOL,
    &dtls::PROTOCOL,
    &sip::DATAGRAMS,
    &dns::DATAGRAMS,
    &radius::DATAGRAMS,
    &coap::DATAGRAMS,
    &gelf::DATAGRAMS,
    &syslog::DATAGRAMS,
    &statsd::DATAGRAMS,
];

/// The name of a protocol, as transports have it.
pub(super) fn name_of(name: &str) -> Option<&'static str> {
    DATAGRAM_PROTOCOLS.iter().map(|p| p.name).find(|known| *known == name)
}

/// One protocol of one conversation.
pub(super) trait DatagramDissector: Send {
    /// Takes one datagram.
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>);

    /// Whether a datagram that the client may have sent from another port is of this conversation beyond doubt.
    fn opens(&mut self, _datagram: &[u8], _ring: &Keyring) -> bool {
        false
    }

    /// Nothing more comes.
    fn close(&mut self, _out: &mut DatagramOut<'_>) {}
}

/// What such a dissector may do.
pub(super) struct DatagramOut<'a> {
    sink: &'a mut dyn Sink,
    transport: &'a Transport,
    trails: &'a [Trail; 2],
    next_id: &'a mut u64,
}

impl<'a> DatagramOut<'a> {
    /// For one datagram, or for none.
    pub(super) fn new(
        sink: &'a mut dyn Sink,
        transport: &'a Transport,
        trails: &'a [Trail; 2],
        next_id: &'a mut u64,
    ) -> Self {
        Self { sink, transport, trails, next_id }
    }
}

impl DatagramOut<'_> {
    /// What carries the datagrams.
    pub(super) fn transport(&self) -> &Transport {
        self.transport
    }

    /// Where the datagram was captured.
    pub(super) fn position(&self, dir: Direction) -> Position {
        self.trails[dir.index()].position(0)
    }

    /// Speaks of what is inside: a stream or more, whose bytes have other `trails`, in a layer that is `depth` deep.
    pub(super) fn stream<R>(
        &mut self,
        transport: &Transport,
        trails: &[Trail; 2],
        (inner, depth): (&mut Inner, usize),
        speak: impl FnOnce(&mut Out<'_>) -> R,
    ) -> R {
        let next_id = &mut *self.next_id;
        speak(&mut Out {
            sink: self.sink,
            transport,
            trails,
            inner,
            via: None,
            depth,
            at: 0,
            consumed: 0,
            next_id,
            carries: None,
            datagram: false,
        })
    }

    /// Speaks of the datagram itself.
    pub(super) fn speak<R>(&mut self, speak: impl FnOnce(&mut Out<'_>) -> R) -> R {
        speak(&mut Out {
            sink: self.sink,
            transport: self.transport,
            trails: self.trails,
            inner: &mut Inner::default(),
            via: None,
            depth: 0,
            at: 0,
            consumed: 0,
            next_id: self.next_id,
            carries: None,
            datagram: true,
        })
    }

    /// Where the bytes of a datagram were captured.
    pub(super) fn trail(&self, dir: Direction) -> &Trail {
        &self.trails[dir.index()]
    }

    /// The datagram has content that was opened, and that is no handshake.
    pub(super) fn opened(&mut self, dir: Direction) {
        let Self { transport, trails, .. } = *self;
        let carrier = Carrier { transport, trails, via: None, datagram: true };
        self.sink.opened(carrier, dir, 0, 0);
    }

    /// A datagram that is none of the protocol is searched by itself.
    pub(super) fn unknown(&mut self, dir: Direction, bytes: &[u8]) {
        self.speak(|out| out.say(dir, Location::Datagram, 0, bytes));
    }

    /// Speaks of a datagram that came before, in that direction.
    pub(super) fn again<R>(
        &mut self,
        dir: Direction,
        position: Position,
        speak: impl FnOnce(&mut DatagramOut<'_>) -> R,
    ) -> R {
        let mut trails = <[Trail; 2]>::default();
        trails[dir.index()].push(0, u64::from(u16::MAX), position);
        let (transport, next_id) = (self.transport, &mut *self.next_id);
        speak(&mut DatagramOut { sink: self.sink, transport, trails: &trails, next_id })
    }

    /// Datagrams with these bytes behind their first one are of this conversation.
    pub(super) fn reachable(&mut self, id: &[u8]) {
        self.sink.reachable(id);
    }

    /// The protocol inside is known.
    pub(super) fn inside(&mut self, name: &'static str) {
        self.sink.protocol(1, name);
    }

    /// What stands in decrypted bytes that are part of no stream is searched by itself.
    pub(super) fn opaque_opened(&mut self, dir: Direction, bytes: &[u8]) {
        let mut trails = <[Trail; 2]>::default();
        trails[dir.index()].push_derived(0, bytes.len() as u64, self.position(dir));
        let transport = Transport { channel: Channel::TlsDecrypted, ..*self.transport };
        self.sink.opaque(
            Carrier { transport: &transport, trails: &trails, via: None, datagram: false },
            dir,
            0,
            bytes,
        );
        self.sink.opaque_gap(&transport, dir, true);
    }

    /// TLS secrets that are known at this point of the input, if any can be.
    pub(super) fn keyring(&self) -> Option<Arc<Keyring>> {
        self.sink.keyring()
    }

    /// Asks to hold that many bytes until they are released, at the latest when the conversation is closed.
    pub(super) fn reserve(&mut self, bytes: usize) -> bool {
        self.sink.reserve(bytes)
    }

    /// Gives back what was reserved.
    pub(super) fn release(&mut self, bytes: usize) {
        self.sink.release(bytes);
    }

    /// What was learned about the session.
    pub(super) fn tls(&mut self, event: TlsEvent<'_>) {
        let carrier = Carrier { transport: self.transport, trails: self.trails, via: None, datagram: true };
        self.sink.tls(carrier, event);
    }

    /// What a handshake message showed, or the oddity that it is.
    pub(super) fn learned(&mut self, event: Result<TlsEvent<'_>, &'static str>) {
        match event {
            Ok(event) => self.tls(event),
            Err(name) => self.weird(name),
        }
    }

    /// Bytes that no key opens.
    pub(super) fn encrypted(&mut self, len: usize) {
        if len > 0 {
            self.sink.encrypted(len as u64);
        }
    }

    /// Counts an oddity.
    pub(super) fn weird(&mut self, name: &'static str) {
        self.sink.weird(name);
    }
}

/// The datagrams between two ends.
pub enum Conversation {
    /// Not known yet; so many datagrams were looked at.
    Probing(u8),
    /// Of a protocol that is known.
    Known(Box<Known>),
}

/// A conversation of a known protocol.
pub struct Known {
    name: &'static str,
    dissector: Box<dyn DatagramDissector>,
}

impl Default for Conversation {
    fn default() -> Self {
        Self::Probing(0)
    }
}

impl Conversation {
    /// One of a protocol, by its number.
    pub(super) fn numbered(number: usize) -> Self {
        let protocol =
            DATAGRAM_PROTOCOLS.get(number % DATAGRAM_PROTOCOLS.len()).copied().unwrap_or(&dtls::PROTOCOL);
        Self::Known(Box::new(Known { name: protocol.name, dissector: (protocol.open)() }))
    }

    /// Looks at a datagram while the protocol is not known; the direction is that of the datagram, if it can be told.
    pub fn probe(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Option<Direction> {
        let Self::Probing(seen) = self else { return None };
        if *seen >= limits::PROBE_DATAGRAMS {
            return None;
        }
        *seen += 1;
        let (protocol, dir) = DATAGRAM_PROTOCOLS.iter().find_map(|p| match (p.probe)(bytes) {
            Verdict::Yes(dir) => Some((p, dir)),
            Verdict::No | Verdict::More => None,
        })?;
        sink.protocol(0, protocol.name);
        *self = Self::Known(Box::new(Known { name: protocol.name, dissector: (protocol.open)() }));
        dir
    }

    /// Takes a datagram that was captured at `position`. Says whether a protocol knows it; if not, it is of no known
    /// protocol.
    pub fn datagram(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        position: Position,
        transport: Transport,
        sink: &mut dyn Sink,
        next_id: &mut u64,
    ) -> bool {
        let Self::Known(known) = self else { return false };
        let mut trails: [Trail; 2] = Default::default();
        trails[dir.index()].push(0, bytes.len() as u64, position);
        let transport = Transport { protocol: known.name, ..transport };
        let mut out = DatagramOut::new(sink, &transport, &trails, next_id);
        known.dissector.datagram(dir, bytes, &mut out);
        true
    }

    /// Whether a datagram that the client may have sent from another port is of this conversation beyond doubt.
    pub fn opens(&mut self, datagram: &[u8], ring: &Keyring) -> bool {
        if let Self::Known(known) = self { known.dissector.opens(datagram, ring) } else { false }
    }

    /// Nothing more comes.
    pub fn close(&mut self, transport: Transport, sink: &mut dyn Sink, next_id: &mut u64) {
        let Self::Known(known) = self else { return };
        let trails: [Trail; 2] = Default::default();
        let transport = Transport { protocol: known.name, ..transport };
        known.dissector.close(&mut DatagramOut::new(sink, &transport, &trails, next_id));
        *self = Self::default();
    }
}
