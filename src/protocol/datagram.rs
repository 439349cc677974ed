//! Conversations of datagrams: which protocol they speak, and what it shows.

use super::{Carrier, Sink, TlsEvent, Trail, Verdict, dtls, quic};
use crate::limits;
use crate::message::{Direction, Position, Transport};

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
const DATAGRAM_PROTOCOLS: &[&DatagramProtocol] = &[&quic::PROTOCOL, &dtls::PROTOCOL];

/// One protocol of one conversation.
pub(super) trait DatagramDissector: Send {
    /// Takes one datagram.
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>);
}

/// What such a dissector may do.
pub(super) struct DatagramOut<'a> {
    sink: &'a mut dyn Sink,
    transport: &'a Transport,
    trails: &'a [Trail; 2],
}

impl DatagramOut<'_> {
    /// What was learned about the session.
    pub(super) fn tls(&mut self, event: TlsEvent<'_>) {
        let carrier = Carrier { transport: self.transport, trails: self.trails, via: None };
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
        self.sink.encrypted(len as u64);
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
    ) -> bool {
        let Self::Known(known) = self else { return false };
        let mut trails: [Trail; 2] = Default::default();
        trails[dir.index()].push(0, bytes.len() as u64, position);
        let transport = Transport { protocol: known.name, ..transport };
        let mut out = DatagramOut { sink, transport: &transport, trails: &trails };
        known.dissector.datagram(dir, bytes, &mut out);
        true
    }
}
