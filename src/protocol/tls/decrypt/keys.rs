//! The keys of one session: which of them protects the next record of a direction, and what opens it.

use super::Lock;
use super::exchange::{Exchange, Hellos};
use super::kind;
use super::opener::{Opener, Record, Share, share_lengths};
use super::prf::{Prf, prf};
use super::schedule::next_secret;
use super::suite::{Suite, suite};
use crate::keylog::{Keyring, Label};
use crate::limits;
use crate::message::Direction;
use crate::protocol::reader::Reader;
use crate::protocol::tls::handshake::MESSAGE_HEADER;
use crate::protocol::tls::{APPLICATION_DATA, ClientHello, ServerHello};
use flate2::{Decompress, FlushDecompress};

/// Extensions of the ServerHello that change keys or records (RFC 7366, RFC 7627).
const ENCRYPT_THEN_MAC: u16 = 22;
const EXTENDED_MASTER_SECRET: u16 = 23;
const TLS13: u16 = 0x0304;
const DEFLATE: u8 = 1;

/// The keys of both directions.
pub(super) struct Keys {
    client_random: [u8; 32],
    /// TLS 1.3 suites that the client offers: one of them protects early data and, if the ServerHello is lost, all.
    offered: Vec<Suite>,
    /// Early data may come and has not ended.
    early: bool,
    server: Option<Server>,
    exchange: Exchange,
    sides: [Side; 2],
    /// Trials of record numbers that are still allowed.
    trials: u64,
}

/// What the ServerHello said.
struct Server {
    version: u16,
    random: [u8; 32],
    session_id: [u8; 32],
    suite: Option<Suite>,
    encrypt_then_mac: bool,
    extended: bool,
    /// Records are compressed (RFC 3749).
    deflate: bool,
}

/// What protects the records of a direction in TLS 1.3, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Early,
    #[default]
    Handshake,
    Traffic,
}

#[derive(Default)]
struct Side {
    stage: Stage,
    opener: Option<Opener>,
    /// The traffic secret of TLS 1.3 that the opener has, and its suite.
    secret: Option<(Vec<u8>, Suite)>,
    inflate: Option<Box<Decompress>>,
    /// Records of a stage without a secret that were passed over.
    passed: u32,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// Its content type; the plaintext begins that far into the fragment; it is early data.
    Content { kind: u8, prefix: usize, early: bool },
    /// There is no secret for it, yet.
    Secretless,
    /// It is not authentic.
    Failed,
    /// Of a part of the session that need not be opened: early data or a handshake without its secret.
    Passed,
    /// It can never be opened.
    Never(Lock),
}

impl Keys {
    /// Of a session that begins with this hello.
    pub(super) fn new(hello: &ClientHello, message: &[u8], ring: &Keyring) -> Self {
        let mut keys = Self {
            client_random: hello.random,
            offered: hello.ciphers.iter().filter_map(|c| suite(*c)).filter(|s| s.tls13).collect(),
            early: hello.early_data(),
            server: None,
            exchange: Exchange::default(),
            sides: Default::default(),
            trials: limits::TLS_TRIALS,
        };
        if keys.early {
            keys.sides[Direction::Request.index()].stage = Stage::Early;
        }
        keys.exchange.message(Direction::Request, message, false, ring);
        keys
    }

    /// A hello inside the session: renegotiation. The keys of now hold until the next ChangeCipherSpec.
    pub(super) fn renegotiate(&mut self, hello: &ClientHello, message: &[u8], ring: &Keyring) {
        let sides = std::mem::take(&mut self.sides);
        let trials = self.trials;
        *self = Self { sides, trials, ..Self::new(hello, message, ring) };
    }

    /// A HelloRetryRequest: early data that was sent is not read (RFC 8446 section 4.2.10).
    pub(super) fn retry(&mut self) {
        self.early = false;
    }

    /// The server has chosen.
    pub(super) fn server_hello(&mut self, hello: &ServerHello, message: &[u8], ring: &Keyring) {
        let mut session_id = [0; 32];
        session_id.iter_mut().zip(&hello.session_id).for_each(|(to, from)| *to = *from);
        let has = |number| hello.extensions.contains(&number);
        self.server = Some(Server {
            version: hello.version,
            random: hello.random,
            session_id,
            suite: suite(hello.cipher).filter(|s| s.tls13 == (hello.version == TLS13)),
            encrypt_then_mac: has(ENCRYPT_THEN_MAC),
            extended: has(EXTENDED_MASTER_SECRET),
            deflate: hello.version != TLS13 && compression(message) == Some(DEFLATE),
        });
        self.early &= hello.version == TLS13 && hello.psk();
        self.message(Direction::Response, message, ring);
    }

    /// Whether early data that was sent may still turn out to be read by the server.
    pub(super) fn early(&self) -> bool {
        self.early
    }

    /// Any other handshake message, in the clear or opened.
    pub(super) fn message(&mut self, dir: Direction, message: &[u8], ring: &Keyring) {
        if !self.is_tls13() {
            let rsa = self.server.as_ref().and_then(|s| s.suite).is_some_and(|s| s.rsa);
            return self.exchange.message(dir, message, rsa, ring);
        }
        let side = &mut self.sides[dir.index()];
        match (message.first(), side.stage) {
            (Some(&kind::END_OF_EARLY_DATA), Stage::Early) => side.enter(Stage::Handshake),
            (Some(&kind::FINISHED), Stage::Handshake) => side.enter(Stage::Traffic),
            (Some(&kind::KEY_UPDATE), Stage::Traffic) => side.update(),
            _ => {}
        }
    }

    /// A ChangeCipherSpec: the new keys hold from here on. In TLS 1.3 it means nothing.
    pub(super) fn change_cipher(&mut self, dir: Direction) {
        let Some(server) = self.server.as_ref().filter(|s| s.version != TLS13) else { return };
        let inflate = server.deflate.then(|| Box::new(Decompress::new(true)));
        self.sides[dir.index()] = Side { inflate, ..Side::default() };
    }

    /// Whether the session is one of TLS 1.3, as far as is known.
    pub(super) fn is_tls13(&self) -> bool {
        self.server.as_ref().map_or(!self.offered.is_empty(), |s| s.version == TLS13)
    }

    /// Whether a record of that type is protected, once its direction is.
    pub(super) fn protects(&self, kind: u8) -> bool {
        kind == APPLICATION_DATA || !self.is_tls13()
    }

    /// Bytes of a direction never arrived.
    pub(super) fn lose(&mut self, dir: Direction) {
        if let Some(opener) = &mut self.sides[dir.index()].opener {
            opener.lose();
        }
    }

    /// Opens a record, before which `missing` bytes never arrived or were not opened; adds its content to `out`.
    pub(super) fn open(
        &mut self,
        dir: Direction,
        record: Record<'_>,
        missing: u64,
        ring: &Keyring,
        out: &mut Vec<u8>,
    ) -> Opened {
        let range = self.range(missing);
        if self.is_tls13() {
            self.open13(dir, record, range, ring, out)
        } else {
            self.open12(dir, record, range, ring, out)
        }
    }

    /// How many records may be missing, least and most, within what is left to try.
    fn range(&mut self, missing: u64) -> (u64, u64) {
        const LARGEST: u64 = 5 + (1 << 14) + 256;
        const SMALLEST: u64 = 5 + 17;
        let least = missing / LARGEST;
        let most = (missing / SMALLEST).min(least + limits::TLS_SEEK).min(least + self.trials);
        self.trials -= most - least;
        (least, most)
    }

    fn open12(
        &mut self,
        dir: Direction,
        record: Record<'_>,
        range: (u64, u64),
        ring: &Keyring,
        out: &mut Vec<u8>,
    ) -> Opened {
        if self.sides[dir.index()].opener.is_none() {
            match self.opener12(dir, ring) {
                Ok(opener) => self.sides[dir.index()].opener = Some(opener),
                Err(said) => return said,
            }
        }
        let Side { opener: Some(opener), inflate, .. } = &mut self.sides[dir.index()] else {
            return Opened::Secretless;
        };
        let start = out.len();
        let Some(kind) = opener.seek(record, range, out) else { return Opened::Failed };
        if self.server.as_ref().is_some_and(|s| s.deflate) {
            // Behind a hole nothing can be inflated.
            let inflated =
                inflate.as_mut().filter(|_| range.1 == 0).and_then(|i| inflated(i, out.get(start..)?));
            let Some(plain) = inflated else {
                *inflate = None;
                return Opened::Passed;
            };
            out.truncate(start);
            out.extend_from_slice(&plain);
        }
        Opened::Content { kind, prefix: opener.prefix(), early: false }
    }

    fn opener12(&self, dir: Direction, ring: &Keyring) -> Result<Opener, Opened> {
        let Some(server) = &self.server else { return Err(Opened::Never(Lock::Handshake)) };
        if server.version < 0x0301 {
            return Err(Opened::Never(Lock::Version));
        }
        let Some(suite) = server.suite else { return Err(Opened::Never(Lock::Suite)) };
        let which = if server.version >= 0x0303 { Prf::Of(suite.hash) } else { Prf::Md5Sha1 };
        let hellos = Hellos {
            prf: which,
            client_random: &self.client_random,
            server_random: &server.random,
            session_id: &server.session_id,
            extended: server.extended,
        };
        let master = self.exchange.master(&hellos, ring).ok_or(Opened::Secretless)?;
        let [mac, key, iv] = share_lengths(&suite, server.version);
        let mut block = vec![0; 2 * (mac + key + iv)];
        prf(which, &master, "key expansion", &[&server.random, &self.client_random], &mut block);
        let part = |before: usize, len: usize| {
            let start = 2 * before + dir.index() * len;
            block.get(start..start + len).unwrap_or_default()
        };
        let share = Share { mac: part(0, mac), key: part(mac, key), iv: part(mac + key, iv) };
        Opener::tls12(&suite, server.version, &share, server.encrypt_then_mac)
            .ok_or(Opened::Never(Lock::Suite))
    }

    fn open13(
        &mut self,
        dir: Direction,
        record: Record<'_>,
        range: (u64, u64),
        ring: &Keyring,
        out: &mut Vec<u8>,
    ) -> Opened {
        let chosen = self.server.as_ref().map(|s| s.suite);
        if chosen == Some(None) {
            return Opened::Never(Lock::Suite);
        }
        let side = &mut self.sides[dir.index()];
        let content = |kind, stage| Opened::Content { kind, prefix: 0, early: stage == Stage::Early };
        if let Some(opener) = &mut side.opener
            && let Some(kind) = opener.seek(record, range, out)
        {
            return content(kind, side.stage);
        }
        let mut secrets = 0;
        let from = side.stage;
        for stage in [Stage::Early, Stage::Handshake, Stage::Traffic].into_iter().filter(|s| *s >= from) {
            let Some(secret) = ring.get(label(dir, stage), &self.client_random) else { continue };
            secrets += 1;
            if stage == from && side.opener.is_some() {
                continue;
            }
            let suites = chosen.flatten().map_or_else(|| self.offered.clone(), |s| vec![s]);
            for suite in suites {
                let Some(mut opener) = Opener::tls13(&suite, secret.bytes()) else { continue };
                if let Some(kind) = opener.seek(record, (0, range.1), out) {
                    side.stage = stage;
                    side.opener = Some(opener);
                    side.secret = Some((secret.bytes().to_vec(), suite));
                    return content(kind, stage);
                }
            }
        }
        // A KeyUpdate may be among what is missing.
        if range.1 > 0
            && let Some((secret, suite)) = side.secret.clone().filter(|_| side.stage == Stage::Traffic)
        {
            let next = next_secret(suite.hash, &secret);
            if let Some(mut opener) = Opener::tls13(&suite, &next)
                && let Some(kind) = opener.seek(record, (0, range.1), out)
            {
                side.opener = Some(opener);
                side.secret = Some((next, suite));
                return content(kind, Stage::Traffic);
            }
        }
        if secrets == 0 && side.opener.is_none() {
            return Opened::Secretless;
        }
        // Early data or a handshake whose secret is missing comes before what can be opened.
        let lacks = from < Stage::Traffic && ring.get(label(dir, from), &self.client_random).is_none();
        if side.opener.is_none() && lacks && side.passed < limits::TLS_PASSED {
            side.passed += 1;
            return Opened::Passed;
        }
        Opened::Failed
    }
}

impl Side {
    fn enter(&mut self, stage: Stage) {
        *self = Self { stage, ..Self::default() };
    }

    fn update(&mut self) {
        let Some((secret, suite)) = &self.secret else { return };
        let next = next_secret(suite.hash, secret);
        self.opener = Opener::tls13(suite, &next);
        self.secret = Some((next, *suite));
    }
}

/// The compression method of a ServerHello of TLS 1.2 and below.
fn compression(message: &[u8]) -> Option<u8> {
    let mut r = Reader(message);
    r.take(MESSAGE_HEADER + 2 + 32)?;
    r.vec8()?;
    r.u16()?;
    r.u8()
}

/// One record's plaintext; `None` if it does not inflate to one record.
fn inflated(inflate: &mut Decompress, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(1 << 14);
    let before = inflate.total_in();
    inflate.decompress_vec(bytes, &mut plain, FlushDecompress::Sync).ok()?;
    (inflate.total_in() - before == bytes.len() as u64).then_some(plain)
}

fn label(dir: Direction, stage: Stage) -> Label {
    match (stage, dir) {
        // A server sends no early data: what it has there is its handshake.
        (Stage::Early, Direction::Request) => Label::ClientEarly,
        (Stage::Handshake, Direction::Request) => Label::ClientHandshake,
        (Stage::Early | Stage::Handshake, Direction::Response) => Label::ServerHandshake,
        (Stage::Traffic, Direction::Request) => Label::ClientTraffic,
        (Stage::Traffic, Direction::Response) => Label::ServerTraffic,
    }
}
