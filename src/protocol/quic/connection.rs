//! One connection: its Initial packets, which everyone can open, and what secrets open.

use super::crypto::Crypto;
use super::decryption::Decryption;
use super::header::{Level, Long};
use super::ids::Ids;
use super::keys::InitialKeys;
use super::secrets::{Opened, Sealed};
use super::waiting::{Packet, Waiting};
use crate::keylog::Keyring;
use crate::limits;
use crate::message::Direction;
use crate::protocol::datagram::DatagramOut;
use crate::protocol::tls::Hellos;
use crate::protocol::{Lock, TlsEvent};

/// A connection.
#[derive(Default)]
pub(super) struct Connection {
    initial: Option<InitialKeys>,
    /// Initial packets that were opened, or tried.
    tried: u8,
    crypto: [Crypto; 2],
    hellos: Hellos,
    /// By direction, what its packets are addressed to.
    ids: [Ids; 2],
    decryption: Option<Box<Decryption>>,
    waiting: Waiting,
}

impl Connection {
    /// Whether a packet with that long header is its own.
    pub(super) fn owns(&self, dir: Direction, long: &Long<'_>) -> bool {
        let first =
            dir == Direction::Request && self.initial.as_ref().is_some_and(|k| k.id == long.destination);
        let answers = !long.source.is_empty() && self.ids[dir.other().index()].has(long.source);
        first || answers || !long.destination.is_empty() && self.ids[dir.index()].has(long.destination)
    }

    /// Whether a packet with a short header is addressed to it; an ID without bytes says nothing.
    pub(super) fn addressed(&self, dir: Direction, packet: &[u8]) -> bool {
        self.ids[dir.index()].prefix(packet.get(1..).unwrap_or_default()).is_some_and(|len| len > 0)
    }

    /// Whether the server has answered.
    pub(super) fn answered(&self) -> bool {
        self.hellos.has(Direction::Response)
    }

    /// Whether there may be secrets.
    pub(super) fn is_keyed(&self) -> bool {
        self.decryption.is_some() || !self.waiting.is_empty()
    }

    /// Whether the client sends from that ID.
    pub(super) fn is_from(&self, source: &[u8]) -> bool {
        self.ids[Direction::Response.index()].has(source)
    }

    /// A server asks the client to come again (RFC 9000 section 8.1).
    pub(super) fn retry(&mut self, long: &Long<'_>) {
        if !self.answered() {
            self.ids[Direction::Request.index()].add(long.source);
        }
    }

    /// An Initial packet. Says whether it is open to whoever has secrets: those that bring nothing new are passed over.
    pub(super) fn initial(
        &mut self,
        dir: Direction,
        long: &Long<'_>,
        (packet, number_at): (&[u8], usize),
        out: &mut DatagramOut<'_>,
    ) -> bool {
        // A client that comes again, after a Retry or in another version, may do so with another hello.
        let other_keys = self.initial.as_ref().is_some_and(|keys| keys.id != long.destination);
        let again = dir == Direction::Request && other_keys && self.hellos.has(dir) && !self.answered();
        if self.hellos.has(dir) && !again || self.tried >= limits::QUIC_INITIALS {
            return self.is_keyed();
        }
        self.tried += 1;
        if self.tried == limits::QUIC_INITIALS {
            out.weird("quic_initials_limit");
        }
        let Some(payload) = self.open_initial(dir, long, packet, number_at) else { return false };
        if again && self.initial.as_ref().is_some_and(|keys| keys.id == long.destination) {
            self.hellos = Hellos::default();
            self.crypto = Default::default();
        }
        self.learn(dir, long.source, out);
        let crypto = &mut self.crypto[dir.index()];
        if !crypto.frames(&payload) {
            out.weird("quic_crypto_limit");
        }
        let Self { hellos, decryption, .. } = self;
        let ring = out.keyring().filter(|ring| !ring.is_empty() || ring.awaits_more());
        crypto.read(Hellos::wanted, |message| {
            hellos.message(dir, message, &mut |event| {
                match &event {
                    Ok(TlsEvent::Client(hello)) if ring.is_some() => {
                        *decryption = Some(Box::new(Decryption::new(long.version, hello)));
                    }
                    Ok(TlsEvent::Server(hello)) => {
                        if let Some(decryption) = decryption {
                            decryption.server_hello(long.version, hello.cipher);
                        }
                    }
                    _ => {}
                }
                out.learned(event);
            });
        });
        if self.hellos.has(dir) {
            self.crypto[dir.index()] = Crypto::default();
            if let Some(ring) = &ring {
                self.try_waiting(ring, out);
            }
        }
        ring.is_some()
    }

    /// The sender of an authentic packet is reached by that ID.
    fn learn(&mut self, dir: Direction, id: &[u8], out: &mut DatagramOut<'_>) {
        if self.ids[dir.other().index()].add(id) && dir == Direction::Response && self.decryption.is_some() {
            out.reachable(id);
        }
    }

    fn open_initial(
        &mut self,
        dir: Direction,
        long: &Long<'_>,
        packet: &[u8],
        number_at: usize,
    ) -> Option<Vec<u8>> {
        if let Some(keys) = self.initial.as_ref().filter(|keys| keys.version == long.version)
            && let Some(payload) = keys.open(dir, packet, number_at)
        {
            return Some(payload);
        }
        // The server may choose another version (RFC 9368), with the ID that the client chose first.
        let id = match (&self.initial, dir) {
            (Some(keys), _) if keys.version != long.version => keys.id.clone(),
            // After a Retry the client derives its keys anew (RFC 9001 section 5.2).
            (known, Direction::Request) if known.as_ref().is_none_or(|k| k.id != long.destination) => {
                long.destination.to_vec()
            }
            _ => return None,
        };
        let keys = InitialKeys::new(long.version, &id);
        let payload = keys.open(dir, packet, number_at)?;
        self.initial = Some(keys);
        Some(payload)
    }

    /// A packet of another level. Says whether it was opened, or may be.
    pub(super) fn packet(
        &mut self,
        dir: Direction,
        sealed: Sealed<'_>,
        source: Option<&[u8]>,
        out: &mut DatagramOut<'_>,
    ) -> bool {
        let Some(ring) = out.keyring().filter(|ring| !ring.is_empty() || ring.awaits_more()) else {
            return false;
        };
        self.awake(&ring, dir, out);
        let missing = match &mut self.decryption {
            Some(decryption) if self.waiting.is_empty() => {
                match decryption.packet(dir, sealed, &ring, &mut self.ids, out) {
                    Opened::Content(_) => {
                        if let Some(source) = source {
                            self.learn(dir, source, out);
                        }
                        return true;
                    }
                    Opened::Secretless => true,
                    Opened::Failed | Opened::Never(_) => false,
                }
            }
            Some(_) => true,
            // The hello may come behind it.
            None => !self.hellos.has(Direction::Request) && self.initial.is_some(),
        };
        let may_come = ring.awaits_more() || self.decryption.is_none();
        let len = sealed.packet.len();
        if missing && may_come && self.waiting.fits(len) && out.reserve(len) {
            let Sealed { level, packet, number_at } = sealed;
            let position = out.position(dir);
            self.waiting.generation = ring.generation();
            self.waiting.push(Packet { dir, level, bytes: packet.to_vec(), number_at, position });
            return true;
        }
        if missing && sealed.level == Level::Application {
            self.give_up(out);
        }
        false
    }

    /// Tries a packet with a short header: where its number stands is known by its ID.
    pub(super) fn short(&mut self, dir: Direction, packet: &[u8], out: &mut DatagramOut<'_>) -> bool {
        let ids = &self.ids[dir.index()];
        let lengths = match ids.prefix(packet.get(1..).unwrap_or_default()) {
            Some(len) => smallvec::smallvec![len],
            None => ids.lengths(),
        };
        lengths.into_iter().any(|len| {
            let sealed = Sealed { level: Level::Application, packet, number_at: 1 + len };
            self.packet(dir, sealed, None, out)
        })
    }

    /// Whether a packet of the client with a short header opens.
    pub(super) fn opens(&mut self, packet: &[u8], ring: &Keyring) -> bool {
        let ids = &self.ids[Direction::Request.index()];
        let Some(len) = ids.prefix(packet.get(1..).unwrap_or_default()) else { return false };
        let sealed = Sealed { level: Level::Application, packet, number_at: 1 + len };
        self.decryption.as_mut().is_some_and(|decryption| decryption.opens(sealed, ring))
    }

    /// What waits is tried again where there is news, and given up when it is old.
    fn awake(&mut self, ring: &Keyring, dir: Direction, out: &mut DatagramOut<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        if ring.generation() != self.waiting.generation {
            self.try_waiting(ring, out);
        } else if self.waiting.is_old(out.position(dir).time) {
            self.give_up(out);
        }
    }

    fn try_waiting(&mut self, ring: &Keyring, out: &mut DatagramOut<'_>) {
        let (packets, bytes) = self.waiting.take();
        let Some(decryption) = self.decryption.as_mut().filter(|_| !packets.is_empty()) else { return };
        out.release(bytes);
        for packet in packets {
            let Packet { dir, level, bytes, number_at, position } = packet;
            let sealed = Sealed { level, packet: &bytes, number_at };
            let opened =
                out.again(dir, position, |out| decryption.packet(dir, sealed, ring, &mut self.ids, out));
            let waits = opened == Opened::Secretless && ring.awaits_more() && out.reserve(bytes.len());
            if waits {
                self.waiting.generation = ring.generation();
                self.waiting.push(Packet { dir, level, bytes, number_at, position });
            } else if !matches!(opened, Opened::Content(_)) {
                out.encrypted(bytes.len());
            }
        }
    }

    /// What waits will not be opened.
    fn give_up(&mut self, out: &mut DatagramOut<'_>) {
        let (_, bytes) = self.waiting.take();
        out.release(bytes);
        out.encrypted(bytes);
        if let Some(decryption) = &mut self.decryption {
            decryption.lock(Lock::Secret, out);
        }
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self, out: &mut DatagramOut<'_>) {
        if let Some(ring) = out.keyring() {
            self.try_waiting(&ring, out);
        }
        if !self.waiting.is_empty() {
            self.give_up(out);
        }
        if let Some(decryption) = &mut self.decryption {
            decryption.close(&mut self.ids, out);
        }
    }
}
