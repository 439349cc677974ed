//! QUIC (RFC 9000, RFC 9369, drafts): Initial packets are opened with the keys that everyone can derive, for the hellos
//! in them; with secrets from a key log the other packets too, and what their streams carry goes on as HTTP/3 or as bytes
//! of a protocol that is yet to be found. Everything else is counted.

mod connection;
mod crypto;
mod decryption;
mod frame;
pub(in crate::protocol) mod fuzz;
mod header;
mod holes;
mod ids;
mod keys;
mod secrets;
mod side;
mod streams;
#[cfg(test)]
mod tests;
mod version;
mod waiting;

use super::datagram::{DatagramDissector, DatagramOut, DatagramProtocol};
use super::{TlsEvent, Verdict};
use crate::keylog::Keyring;
use crate::limits;
use crate::message::Direction;
use connection::Connection;
use header::{Level, Long, is_short};
use keys::InitialKeys;
use secrets::Sealed;

/// QUIC.
pub(super) const PROTOCOL: DatagramProtocol =
    DatagramProtocol { name: "quic", probe, open: || Box::new(Quic::default()) };

fn probe(datagram: &[u8]) -> Verdict {
    let Some(long) = Long::parse(datagram) else { return Verdict::No };
    let opened = long.initial().and_then(|(packet, number_at)| {
        InitialKeys::new(long.version, long.destination).open(Direction::Request, packet, number_at)
    });
    Verdict::Yes(opened.map(|_| Direction::Request))
}

/// The packets between two ends: hardly ever of more than one connection.
#[derive(Default)]
struct Quic {
    connections: Vec<Connection>,
    /// Initial packets that were tried as the first of a new connection.
    tried: usize,
    /// A packet with a short header was seen.
    established: bool,
}

impl DatagramDissector for Quic {
    fn datagram(&mut self, dir: Direction, bytes: &[u8], out: &mut DatagramOut<'_>) {
        let (mut rest, mut opened) = (bytes, 0);
        while let Some(long) = Long::parse(rest) {
            if self.long(dir, &long, out) {
                opened += rest.len() - long.rest.len();
            }
            rest = long.rest;
        }
        if is_short(rest) {
            if !self.established {
                self.established = true;
                out.tls(TlsEvent::Established);
            }
            if self.short(dir, rest, out) {
                opened += rest.len();
            }
        }
        if rest.first() == Some(&0) && rest.iter().all(|byte| *byte == 0) {
            // Some clients fill up the datagram instead of the packet.
            opened += rest.len();
        }
        out.encrypted(bytes.len() - opened);
    }

    fn opens(&mut self, datagram: &[u8], ring: &Keyring) -> bool {
        let mut addressed = self.connections.iter_mut().filter(|c| c.addressed(Direction::Request, datagram));
        addressed.any(|connection| connection.opens(datagram, ring))
    }

    fn close(&mut self, out: &mut DatagramOut<'_>) {
        self.connections.iter_mut().for_each(|connection| connection.close(out));
    }
}

impl Quic {
    /// A packet with a long header. Says whether secrets opened it, or may.
    fn long(&mut self, dir: Direction, long: &Long<'_>, out: &mut DatagramOut<'_>) -> bool {
        let owner = self.connections.iter().rposition(|connection| connection.owns(dir, long));
        if let Some(initial) = long.initial() {
            let at = self.receiver(owner, dir, long, initial, out);
            let connection = self.connections.get_mut(at);
            return connection.is_some_and(|connection| connection.initial(dir, long, initial, out));
        }
        let at = owner.or(self.connections.len().checked_sub(1));
        let Some(connection) = at.and_then(|at| self.connections.get_mut(at)) else { return false };
        match long.packet {
            Some((level @ (Level::Early | Level::Handshake), packet, number_at)) => {
                connection.packet(dir, Sealed { level, packet, number_at }, Some(long.source), out)
            }
            Some(_) => false,
            None => {
                if dir == Direction::Response {
                    connection.retry(long);
                }
                false
            }
        }
    }

    /// The connection that an Initial packet is for: it may begin a new one.
    fn receiver(
        &mut self,
        owner: Option<usize>,
        dir: Direction,
        long: &Long<'_>,
        (packet, number_at): (&[u8], usize),
        out: &mut DatagramOut<'_>,
    ) -> usize {
        if let Some(at) = owner {
            return at;
        }
        if let Some(last) = self.connections.last() {
            // A client that goes on after a Retry, or in another version, sends from the same ID.
            let goes_on = !last.answered() && last.is_from(long.source);
            if dir == Direction::Response || goes_on || self.tried >= limits::QUIC_BEGINNINGS {
                return self.connections.len() - 1;
            }
            self.tried += 1;
            if self.tried == limits::QUIC_BEGINNINGS {
                out.weird("quic_connections_limit");
            }
            if InitialKeys::new(long.version, long.destination).open(dir, packet, number_at).is_none() {
                return self.connections.len() - 1;
            }
        }
        if self.connections.len() >= limits::QUIC_CONNECTIONS {
            self.connections.remove(0).close(out);
        }
        self.connections.push(Connection::default());
        self.connections.len() - 1
    }

    /// A packet with a short header. Says whether it was opened, or may be.
    fn short(&mut self, dir: Direction, packet: &[u8], out: &mut DatagramOut<'_>) -> bool {
        if !self.connections.iter().any(Connection::is_keyed) {
            return false;
        }
        let addressed = self.connections.iter().rposition(|connection| connection.addressed(dir, packet));
        match addressed {
            Some(at) => self.connections.get_mut(at).is_some_and(|c| c.short(dir, packet, out)),
            None => self.connections.iter_mut().rev().any(|c| c.short(dir, packet, out)),
        }
    }
}
