//! The keys of one connection that a key log gives: which of them protects a packet, and what opens it.

use super::header::Level;
use super::keys::{Mask, PacketKey, Unmasked, update_label};
use super::version::Version;
use crate::keylog::{Keyring, Label};
use crate::limits;
use crate::message::Direction;
use crate::protocol::tls::decrypt::{Aead, Hash, Protection, Suite, suite, update_secret};
use crate::protocol::{ClientHello, Lock};

/// The keys of both directions.
pub(super) struct Secrets {
    version: Version,
    client_random: [u8; 32],
    /// TLS 1.3 suites that the client offers: one of them protects early data and, if the ServerHello is lost, all.
    offered: Vec<Suite>,
    /// What the server chose, once that is known; `None` inside for a suite that cannot be opened.
    chosen: Option<Option<Suite>>,
    sides: [Side; 2],
    /// Trials beyond the first that are still allowed.
    trials: u64,
}

/// One direction.
#[derive(Default)]
struct Side {
    /// By level, from [`Level::Early`] on.
    keys: [Option<Box<Keys>>; 3],
    /// Largest numbers that were opened, of handshake and application packets.
    largest: [Option<u64>; 2],
}

/// The keys of one level.
struct Keys {
    suite: (Aead, Hash),
    mask: Mask,
    current: Generation,
    previous: Option<PacketKey>,
    next: Option<Generation>,
    /// Key phase of the current generation.
    phase: bool,
    /// The lowest number that it has opened.
    first: u64,
}

/// A secret and the key that it gives; secrets follow each other (RFC 9001 section 6).
struct Generation {
    secret: Vec<u8>,
    key: PacketKey,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// It has this number.
    Content(u64),
    /// There is no secret for it, yet.
    Secretless,
    /// It is not authentic.
    Failed,
    /// It can never be opened.
    Never(Lock),
}

/// One packet: its level, all of it, and where its number stands.
#[derive(Clone, Copy)]
pub(super) struct Sealed<'a> {
    pub(super) level: Level,
    pub(super) packet: &'a [u8],
    pub(super) number_at: usize,
}

impl Secrets {
    /// Of a connection that begins with this hello.
    pub(super) fn new(version: Version, hello: &ClientHello) -> Self {
        Self {
            version,
            client_random: hello.random,
            offered: hello.ciphers.iter().filter_map(|c| suite(*c)).filter(|s| s.tls13).collect(),
            chosen: None,
            sides: Default::default(),
            trials: limits::TLS_TRIALS,
        }
    }

    /// The server chose this suite, and this version (RFC 9368).
    pub(super) fn server_hello(&mut self, version: Version, cipher: u16) {
        self.version = version;
        self.chosen = Some(suite(cipher).filter(|s| s.tls13));
    }

    /// Opens a packet and adds what is in it to `out`.
    pub(super) fn open(
        &mut self,
        dir: Direction,
        sealed: Sealed<'_>,
        ring: &Keyring,
        out: &mut Vec<u8>,
    ) -> Opened {
        let Some(slot) = slot(sealed.level) else { return Opened::Failed };
        let space = usize::from(sealed.level != Level::Handshake);
        let Self { sides, trials, .. } = self;
        let side = &mut sides[dir.index()];
        let largest = side.largest[space];
        if let Some(keys) = side.keys[slot].as_mut() {
            let number = keys.open(self.version, sealed, largest, trials, out);
            return side.opened(space, number);
        }
        let Some(label) = label(dir, sealed.level) else { return Opened::Failed };
        let Some(secret) = ring.get(label, &self.client_random) else { return Opened::Secretless };
        let suites = match (self.chosen, sealed.level) {
            (Some(None), _) => return Opened::Never(Lock::Suite),
            // Early data is protected by a suite of the session before, of which only the hash must agree.
            (Some(Some(chosen)), Level::Handshake | Level::Application) => &[chosen][..],
            _ => &self.offered,
        };
        for suite in suites {
            let Some(mut keys) = Keys::new(self.version, suite, secret.bytes()) else { continue };
            if let Some(number) = keys.open(self.version, sealed, largest, trials, out) {
                side.keys[slot] = Some(Box::new(keys));
                return side.opened(space, Some(number));
            }
            if suites.len() == 1 {
                side.keys[slot] = Some(Box::new(keys));
            }
        }
        Opened::Failed
    }
}

impl Side {
    fn opened(&mut self, space: usize, number: Option<u64>) -> Opened {
        let Some(number) = number else { return Opened::Failed };
        self.largest[space] = self.largest[space].max(Some(number));
        Opened::Content(number)
    }
}

impl Keys {
    fn new(version: Version, suite: &Suite, secret: &[u8]) -> Option<Self> {
        let Protection::Aead(aead) = suite.protection else { return None };
        if secret.len() != suite.hash.len() {
            return None;
        }
        Some(Self {
            suite: (aead, suite.hash),
            mask: Mask::new(version, aead, suite.hash, secret),
            current: Generation::new(version, (aead, suite.hash), secret.to_vec())?,
            previous: None,
            next: None,
            phase: false,
            first: u64::MAX,
        })
    }

    /// The number of the packet, if it opens.
    fn open(
        &mut self,
        version: Version,
        sealed: Sealed<'_>,
        largest: Option<u64>,
        trials: &mut u64,
        out: &mut Vec<u8>,
    ) -> Option<u64> {
        let Sealed { level, packet, number_at } = sealed;
        let unmasked = self.mask.remove(packet, number_at)?;
        let number = unmasked.number(largest);
        let updates = level == Level::Application && unmasked.phase != self.phase;
        let old = updates && number < self.first;
        if old && self.previous.as_ref().is_some_and(|key| key.open(packet, &unmasked, number, out)) {
            return Some(number);
        }
        if !updates && self.current.key.open(packet, &unmasked, number, out) {
            return Some(self.good(number));
        }
        // Generations may have passed in a hole: the next one has the other phase, the one after it this phase again.
        if level == Level::Application {
            let next = self.next(version)?;
            if updates && next.key.open(packet, &unmasked, number, out) {
                self.update(version);
                self.first = number;
                return Some(self.good(number));
            }
        }
        self.seek(version, level, packet, &unmasked, number, updates, trials, out)
    }

    /// Tries other numbers that the header may mean where many packets are missing, and the generation after the next.
    #[expect(clippy::too_many_arguments, reason = "the state of one attempt")]
    fn seek(
        &mut self,
        version: Version,
        level: Level,
        packet: &[u8],
        unmasked: &Unmasked,
        number: u64,
        updates: bool,
        trials: &mut u64,
        out: &mut Vec<u8>,
    ) -> Option<u64> {
        if level == Level::Application && !updates && *trials > 0 {
            *trials -= 1;
            let suite = self.suite;
            let after = self.next(version)?.after(version, suite)?;
            if after.key.open(packet, unmasked, number, out) {
                self.update(version);
                self.update(version);
                self.first = number;
                return Some(self.good(number));
            }
        }
        for step in 1..=limits::QUIC_SEEK.min(*trials) {
            *trials -= 1;
            let number = number.checked_add(step << unmasked.bits)?;
            let key = if updates { &self.next.as_ref()?.key } else { &self.current.key };
            if key.open(packet, unmasked, number, out) {
                if updates {
                    self.update(version);
                    self.first = number;
                }
                return Some(self.good(number));
            }
        }
        None
    }

    fn good(&mut self, number: u64) -> u64 {
        self.first = self.first.min(number);
        number
    }

    /// The generation that follows.
    fn next(&mut self, version: Version) -> Option<&Generation> {
        if self.next.is_none() {
            self.next = Some(self.current.after(version, self.suite)?);
        }
        self.next.as_ref()
    }

    /// The next generation is the current one from now on.
    fn update(&mut self, version: Version) {
        let _ = self.next(version);
        if let Some(next) = self.next.take() {
            let old = std::mem::replace(&mut self.current, next);
            self.previous = Some(old.key);
            self.phase = !self.phase;
        }
    }
}

impl Generation {
    fn new(version: Version, (aead, hash): (Aead, Hash), secret: Vec<u8>) -> Option<Self> {
        let key = PacketKey::new(version, aead, hash, &secret)?;
        Some(Self { secret, key })
    }

    fn after(&self, version: Version, suite: (Aead, Hash)) -> Option<Self> {
        Self::new(version, suite, update_secret(suite.1, &self.secret, update_label(version)))
    }
}

fn slot(level: Level) -> Option<usize> {
    match level {
        Level::Initial => None,
        Level::Early => Some(0),
        Level::Handshake => Some(1),
        Level::Application => Some(2),
    }
}

fn label(dir: Direction, level: Level) -> Option<Label> {
    match (level, dir) {
        (Level::Early, Direction::Request) => Some(Label::ClientEarly),
        (Level::Handshake, Direction::Request) => Some(Label::ClientHandshake),
        (Level::Handshake, Direction::Response) => Some(Label::ServerHandshake),
        (Level::Application, Direction::Request) => Some(Label::ClientTraffic),
        (Level::Application, Direction::Response) => Some(Label::ServerTraffic),
        (Level::Initial, _) | (Level::Early, Direction::Response) => None,
    }
}
