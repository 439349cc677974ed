//! Opening of TLS records with keys (TLS 1.0 to 1.3): whole records in, inner bytes out.

mod aead;
mod cbc;
mod exchange;
pub(in crate::protocol) mod fuzz;
mod keys;
mod lock;
mod mac;
mod opener;
mod prf;
mod schedule;
mod side;
mod stream;
mod suite;
#[cfg(test)]
pub(in crate::protocol) mod testing;
mod waiting;

pub use lock::Lock;

pub(in crate::protocol) use aead::AeadKey;
pub(in crate::protocol) use schedule::{expand_label, update_secret};
pub(in crate::protocol) use suite::{Aead, Hash, Protection, Suite, suite};

use super::handshake::{CERTIFICATE, CLIENT_HELLO, MESSAGE_HEADER, SERVER_HELLO, certificates};
use super::inside::{Inside, inside};
use super::{APPLICATION_DATA, CHANGE_CIPHER_SPEC, ClientHello, HANDSHAKE, HEADER, ServerHello, TlsEvent};
use crate::keylog::Keyring;
use crate::limits;
use crate::message::Direction;
use crate::protocol::Out;
use crate::time::Timestamp;
use keys::{Keys, Opened};
use opener::Record;
use side::{Early, Piece, Sealed, Side};

/// Types of handshake messages that matter for keys (IANA "TLS HandshakeType").
mod kind {
    pub(super) const HELLO_REQUEST: u8 = 0;
    pub(super) const END_OF_EARLY_DATA: u8 = 5;
    pub(super) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(super) const FINISHED: u8 = 20;
    pub(super) const KEY_UPDATE: u8 = 24;
}

/// A session that may be opened.
pub(super) struct Decryption {
    keys: Keys,
    sides: [Side; 2],
    /// Protocol that was selected by ALPN.
    alpn: Option<String>,
    early: Early,
    /// Something was opened, and said so.
    opened: bool,
    /// When records began to wait for their secret, and the state of the ring then.
    waits: Option<(Timestamp, u64)>,
}

impl Decryption {
    /// For the session that begins with this hello, if there may be a key for it.
    pub(super) fn new(hello: &ClientHello, message: &[u8], out: &Out<'_>) -> Option<Box<Self>> {
        let ring = out.keyring().filter(|ring| !ring.is_empty() || ring.awaits_more())?;
        Some(Box::new(Self {
            keys: Keys::new(hello, message, &ring),
            sides: Default::default(),
            alpn: None,
            early: Early::default(),
            opened: false,
            waits: None,
        }))
    }

    /// A handshake message in the clear, header included, other than the first ClientHello.
    pub(super) fn message(&mut self, dir: Direction, message: &[u8], out: &mut Out<'_>) {
        let Some(ring) = out.keyring() else { return };
        let body = message.get(MESSAGE_HEADER..).unwrap_or_default();
        match (message.first(), dir) {
            // The second hello, behind a HelloRetryRequest.
            (Some(&CLIENT_HELLO), Direction::Request) => {}
            (Some(&SERVER_HELLO), Direction::Response) => match ServerHello::parse(body) {
                Some(hello) if hello.retry => self.keys.retry(),
                Some(hello) => self.server_hello(&hello, message, &ring),
                None => {}
            },
            _ => self.keys.message(dir, message, &ring),
        }
        self.settle_rejected(out);
    }

    /// Whether a record is to be given to [`Decryption::piece`]. A cipher change in the clear takes effect here.
    pub(super) fn wants(&mut self, dir: Direction, header: [u8; HEADER]) -> bool {
        let [kind, _, _, high, low] = header;
        let side = &mut self.sides[dir.index()];
        side.begin();
        if side.lock.is_some() {
            return false;
        }
        // An encrypted one is longer.
        if kind == CHANGE_CIPHER_SPEC && [high, low] == [0, 1] {
            if !self.keys.is_tls13() {
                self.keys.change_cipher(dir);
                side.changed();
            }
            return false;
        }
        kind == APPLICATION_DATA || side.is_changed() && self.keys.protects(kind)
    }

    /// The next bytes of a record's fragment, from layer offset `at`; `left` bytes of it follow.
    pub(super) fn piece(
        &mut self,
        dir: Direction,
        header: [u8; HEADER],
        bytes: &[u8],
        (at, left): (u64, usize),
        out: &mut Out<'_>,
    ) {
        match self.sides[dir.index()].push(header, bytes, at, left, out) {
            Piece::Whole(at) => self.record(dir, Sealed { header, at, fragment: bytes.into() }, out),
            Piece::Joined(sealed) => {
                let len = sealed.fragment.len();
                self.record(dir, sealed, out);
                out.release(len);
            }
            Piece::More => {}
            Piece::Dropped => out.encrypted(bytes.len() as u64),
        }
    }

    /// Bytes of a direction never arrived.
    pub(super) fn gap(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) {
        self.sides[dir.index()].lose(len, out);
        self.keys.lose(dir);
        if self.opened {
            out.inner_gap(dir, len);
        }
    }

    /// Bytes were passed over because it is not known where records begin.
    pub(super) fn passed(&mut self, dir: Direction, len: u64) {
        self.sides[dir.index()].missing += len;
    }

    /// One direction is over: what waits is tried once more, then given up.
    pub(super) fn close(&mut self, dir: Direction, out: &mut Out<'_>) {
        if dir == Direction::Request {
            self.settle(true, out);
        }
        if self.waits.is_some() {
            self.retry(out);
            self.give_up(dir, out);
        }
        if self.sides[dir.index()].clear(out) {
            self.lock(dir, Lock::Tag, out);
        }
    }

    /// The oldest layer offset whose position is still asked for.
    pub(super) fn held(&self, dir: Direction) -> u64 {
        let early = if dir == Direction::Request { self.early.oldest() } else { None };
        self.sides[dir.index()].oldest().into_iter().chain(early).min().unwrap_or(u64::MAX)
    }

    /// Whether nothing can be opened any more.
    pub(super) fn is_over(&self) -> bool {
        self.sides.iter().all(|side| side.lock.is_some())
    }

    fn server_hello(&mut self, hello: &ServerHello, message: &[u8], ring: &Keyring) {
        self.keys.server_hello(hello, message, ring);
        self.alpn.clone_from(&hello.alpn);
    }

    /// A whole record: opened, or put to those that wait.
    fn record(&mut self, dir: Direction, sealed: Sealed<'_>, out: &mut Out<'_>) {
        if let Some((since, generation)) = self.waits {
            let Some(ring) = out.keyring() else { return };
            if ring.generation() != generation {
                self.retry(out);
            } else if out.time(dir, sealed.at).since(since) > limits::TLS_WAIT_TIME {
                Direction::BOTH.into_iter().for_each(|dir| self.give_up(dir, out));
            }
        }
        if self.sides[dir.index()].waits() {
            return self.wait(dir, sealed, out);
        }
        if let Err(sealed) = self.open(dir, sealed, out) {
            self.wait(dir, sealed, out);
        }
    }

    /// Opens a record; gives it back if there is no secret for it.
    fn open<'b>(&mut self, dir: Direction, sealed: Sealed<'b>, out: &mut Out<'_>) -> Result<(), Sealed<'b>> {
        let len = sealed.fragment.len() as u64;
        let side = &mut self.sides[dir.index()];
        let Some(ring) = out.keyring().filter(|_| side.lock.is_none()) else {
            out.encrypted(len);
            return Ok(());
        };
        let mut plain = Vec::new();
        let record = Record { header: sealed.header, fragment: &sealed.fragment };
        match self.keys.open(dir, record, side.missing, &ring, &mut plain) {
            Opened::Content { kind, prefix, early } => {
                side.good();
                if !self.opened {
                    self.opened = true;
                    out.tls(TlsEvent::Opened);
                }
                let (at, prefix) = (sealed.at + prefix as u64, prefix as u64);
                if kind == APPLICATION_DATA && !plain.is_empty() {
                    out.opened(dir, at, len.saturating_sub(prefix));
                }
                self.content(dir, kind, early, (at, &plain), &ring, out);
            }
            Opened::Secretless => return Err(sealed),
            Opened::Passed => out.encrypted(len),
            Opened::Failed => {
                out.weird("tls_bad_tag");
                out.encrypted(len);
                if side.bad(len) {
                    self.lock(dir, Lock::Tag, out);
                }
                out.inner_gap(dir, len);
            }
            Opened::Never(lock) => {
                out.encrypted(len);
                self.lock(dir, lock, out);
            }
        }
        Ok(())
    }

    /// The content of a record, of which `at` is the layer offset.
    fn content(
        &mut self,
        dir: Direction,
        kind: u8,
        early: bool,
        (at, plain): (u64, &[u8]),
        ring: &Keyring,
        out: &mut Out<'_>,
    ) {
        match kind {
            APPLICATION_DATA if early => {
                if self.early.taken.is_none() && self.early.push(at, plain, out) {
                    return;
                }
                self.settle(true, out);
                match self.early.taken {
                    Some(false) => rejected(at, plain, out),
                    _ => {
                        out.tls(TlsEvent::EarlyData(at));
                        self.inner(dir, at, plain, out);
                    }
                }
            }
            APPLICATION_DATA => self.inner(dir, at, plain, out),
            HANDSHAKE => self.handshake(dir, plain, ring, out),
            CHANGE_CIPHER_SPEC => self.keys.change_cipher(dir),
            // Alerts and heartbeats say nothing to the layer inside.
            _ => {}
        }
    }

    fn inner(&mut self, dir: Direction, at: u64, plain: &[u8], out: &mut Out<'_>) {
        // TLS 1.0 sends empty records so that the next IV cannot be foreseen.
        if plain.is_empty() {
            return;
        }
        if dir == Direction::Request && self.early.is_pending() {
            // The client goes on under other keys: only if it has said so was its early data taken.
            self.settle(self.early.ended, out);
        }
        out.inner_opened(dir, at, plain, self.alpn.as_deref());
    }

    /// Handshake messages inside records.
    fn handshake(&mut self, dir: Direction, plain: &[u8], ring: &Keyring, out: &mut Out<'_>) {
        let mut messages = std::mem::take(&mut self.sides[dir.index()].messages);
        let over = messages.push(plain, |_| true, |message| self.inside(dir, message, ring, out));
        self.sides[dir.index()].messages = messages;
        if over {
            out.weird("tls_handshake_limit");
        }
    }

    /// A handshake message that was encrypted.
    fn inside(&mut self, dir: Direction, message: &[u8], ring: &Keyring, out: &mut Out<'_>) {
        let body = message.get(MESSAGE_HEADER..).unwrap_or_default();
        match (message.first(), dir) {
            (Some(&CLIENT_HELLO), Direction::Request) => {
                if let Some(hello) = ClientHello::parse(body) {
                    self.keys.renegotiate(&hello, message, ring);
                }
                return;
            }
            (Some(&SERVER_HELLO), Direction::Response) => {
                if let Some(hello) = ServerHello::parse(body) {
                    self.keys.server_hello(&hello, message, ring);
                }
                return;
            }
            _ if self.keys.is_tls13() && message.first() != Some(&kind::END_OF_EARLY_DATA) => {
                self.inside13(dir, message, out);
            }
            (Some(&CERTIFICATE), _) => out.tls(TlsEvent::Certificates(dir, &certificates(body))),
            (Some(&kind::END_OF_EARLY_DATA), Direction::Request) => self.early.ended = true,
            _ => {}
        }
        self.keys.message(dir, message, ring);
    }

    /// A handshake message of TLS 1.3.
    fn inside13(&mut self, dir: Direction, message: &[u8], out: &mut Out<'_>) {
        inside(dir, message, &mut |said| match said {
            Inside::Certificates(list) => out.tls(TlsEvent::Certificates(dir, list)),
            Inside::Extensions { alpn, early } => {
                if let Some(name) = alpn {
                    self.alpn = Some(name.clone());
                    out.tls(TlsEvent::Alpn(name));
                }
                self.settle(early, out);
            }
        });
    }

    fn settle_rejected(&mut self, out: &mut Out<'_>) {
        if !self.keys.early() {
            self.settle(false, out);
        }
    }

    /// Early data was taken by the server, or was not.
    fn settle(&mut self, taken: bool, out: &mut Out<'_>) {
        let taken = *self.early.taken.get_or_insert(taken);
        for (at, bytes) in self.early.take(out) {
            if taken {
                out.tls(TlsEvent::EarlyData(at));
                out.inner_opened(Direction::Request, at, &bytes, self.alpn.as_deref());
            } else {
                rejected(at, &bytes, out);
            }
        }
    }
}

/// Early data that the server did not take: the client sends it once more, so it is part of no exchange.
fn rejected(at: u64, plain: &[u8], out: &mut Out<'_>) {
    out.weird("tls_early_data_rejected");
    out.opaque_opened(Direction::Request, at, plain);
}
