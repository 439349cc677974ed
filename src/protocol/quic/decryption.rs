//! What is inside the packets of one connection that secrets open.

use super::crypto::Crypto;
use super::frame::Frame;
use super::header::Level;
use super::ids::Ids;
use super::secrets::{Opened, Sealed, Secrets};
use super::streams::Streams;
use super::version::Version;
use crate::keylog::Keyring;
use crate::limits;
use crate::message::{Direction, Position};
use crate::protocol::datagram::DatagramOut;
use crate::protocol::reader::Reader;
use crate::protocol::tls::{Inside, inside};
use crate::protocol::{ClientHello, Lock, TlsEvent};

/// A connection that may be opened.
pub(super) struct Decryption {
    secrets: Secrets,
    /// Of the Handshake level, by direction.
    crypto: [Crypto; 2],
    /// The application protocol: what the server selected, else what the client offers.
    alpn: String,
    early: Early,
    streams: Option<Box<Streams>>,
    /// Something was opened, and said so.
    opened: bool,
    /// Packets that were not authentic, before one that was.
    strikes: u32,
    locked: Option<Lock>,
}

/// 0-RTT, until it is known whether the server takes it (RFC 9001 section 4.6.2).
#[derive(Default)]
struct Early {
    /// Numbers and frames of packets that wait, and where they were captured.
    held: Vec<(u64, Vec<u8>, Position)>,
    bytes: usize,
    taken: Option<bool>,
}

impl Decryption {
    /// Of a connection that begins with this hello.
    pub(super) fn new(version: Version, hello: &ClientHello) -> Self {
        let offered = hello.alpn.iter().find(|name| name.starts_with(b"h3")).or(hello.alpn.first());
        Self {
            secrets: Secrets::new(version, hello),
            crypto: Default::default(),
            alpn: offered.map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default(),
            early: Early::default(),
            streams: None,
            opened: false,
            strikes: 0,
            locked: None,
        }
    }

    /// The server chose this version and cipher suite.
    pub(super) fn server_hello(&mut self, version: Version, cipher: u16) {
        self.secrets.server_hello(version, cipher);
    }

    /// Opens a packet that is no Initial, and reads it. Connection IDs that it gives are added to `ids`.
    pub(super) fn packet(
        &mut self,
        dir: Direction,
        sealed: Sealed<'_>,
        ring: &Keyring,
        ids: &mut [Ids; 2],
        out: &mut DatagramOut<'_>,
    ) -> Opened {
        if self.locked.is_some_and(|lock| lock != Lock::Secret) && !self.opened {
            return Opened::Never(Lock::Tag);
        }
        let mut plain = Vec::new();
        let opened = self.secrets.open(dir, sealed, ring, &mut plain);
        match opened {
            Opened::Content(number) => {
                if !self.opened {
                    self.opened = true;
                    out.tls(TlsEvent::Opened);
                }
                if sealed.level != Level::Handshake {
                    out.opened(dir);
                }
                self.content(dir, sealed.level, (number, plain), ids, out);
            }
            Opened::Failed => {
                out.weird("quic_bad_tag");
                self.strikes += 1;
                if !self.opened && self.strikes >= limits::QUIC_STRIKES {
                    self.lock(Lock::Tag, out);
                }
            }
            Opened::Secretless => {}
            Opened::Never(lock) => self.lock(lock, out),
        }
        opened
    }

    /// Whether a packet of the client opens.
    pub(super) fn opens(&mut self, sealed: Sealed<'_>, ring: &Keyring) -> bool {
        let opened = self.secrets.open(Direction::Request, sealed, ring, &mut Vec::new());
        self.opened && matches!(opened, Opened::Content(_))
    }

    /// Why it stays closed.
    pub(super) fn lock(&mut self, lock: Lock, out: &mut DatagramOut<'_>) {
        if self.locked.is_none() {
            self.locked = Some(lock);
            out.weird(lock.counted());
            out.tls(TlsEvent::Locked(lock));
        }
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self, ids: &mut [Ids; 2], out: &mut DatagramOut<'_>) {
        self.settle(true, ids, out);
        if let Some(streams) = &mut self.streams {
            streams.close(out);
        }
        if !self.opened && self.strikes > 0 {
            self.lock(Lock::Tag, out);
        }
    }

    /// What was in a packet.
    pub(super) fn content(
        &mut self,
        dir: Direction,
        level: Level,
        (number, plain): (u64, Vec<u8>),
        ids: &mut [Ids; 2],
        out: &mut DatagramOut<'_>,
    ) {
        if level == Level::Early {
            if self.early.taken.is_none() {
                if self.early.bytes + plain.len() <= limits::TLS_WAIT_FLOW && out.reserve(plain.len()) {
                    self.early.bytes += plain.len();
                    self.early.held.push((number, plain, out.position(dir)));
                    return;
                }
                self.settle(true, ids, out);
            }
            if self.early.taken == Some(false) {
                return rejected(&plain, dir, out);
            }
            out.tls(TlsEvent::EarlyData(0));
        }
        if level == Level::Application && dir == Direction::Request {
            // What the server said of it was not read: most take it.
            self.settle(true, ids, out);
        }
        if let (Level::Application | Level::Early, streams) = (level, self.streams(out)) {
            streams.packet(dir, number);
        }
        self.frames(dir, level, &plain, ids, out);
        if let Some(streams) = &mut self.streams {
            streams.settle(dir, out);
        }
    }

    fn frames(
        &mut self,
        dir: Direction,
        level: Level,
        plain: &[u8],
        ids: &mut [Ids; 2],
        out: &mut DatagramOut<'_>,
    ) {
        let mut r = Reader(plain);
        while let Some(frame) = Frame::read(&mut r, false) {
            match (frame, level) {
                (Frame::Crypto { offset, data }, Level::Handshake) => {
                    if !self.crypto[dir.index()].insert(offset, data) {
                        out.weird("quic_crypto_limit");
                    }
                    self.handshake(dir, ids, out);
                }
                (Frame::NewId(id), _) => {
                    let new = ids[dir.other().index()].add(id);
                    if new && dir == Direction::Response {
                        out.reachable(id);
                    }
                }
                (Frame::Stream { stream, offset, data, fin }, Level::Early | Level::Application) => {
                    self.streams(out).piece(stream, dir, (offset, data, fin), out);
                }
                (Frame::Reset { stream }, Level::Early | Level::Application) => {
                    self.streams(out).reset(stream, dir, out);
                }
                (Frame::Ack(ranges), Level::Application) => self.streams(out).acknowledged(dir, &ranges),
                (Frame::Datagram(data), _) => out.opaque_opened(dir, data),
                _ => {}
            }
        }
        if !r.0.is_empty() {
            // An extension: nothing tells where its frame ends.
            out.weird("quic_unknown_frame");
            out.opaque_opened(dir, r.0);
        }
    }

    fn handshake(&mut self, dir: Direction, ids: &mut [Ids; 2], out: &mut DatagramOut<'_>) {
        let (mut alpn, mut early) = (None, None);
        self.crypto[dir.index()].read(
            |_| true,
            |message| {
                inside(dir, message, &mut |said| match said {
                    Inside::Certificates(list) => out.tls(TlsEvent::Certificates(dir, list)),
                    Inside::Extensions { alpn: selected, early: taken } => {
                        (alpn, early) = (selected, Some(taken));
                    }
                });
            },
        );
        if let Some(name) = alpn {
            self.alpn.clone_from(&name);
            out.tls(TlsEvent::Alpn(name));
        }
        if let Some(taken) = early {
            self.settle(taken, ids, out);
        }
    }

    /// The server takes early data, or does not.
    fn settle(&mut self, taken: bool, ids: &mut [Ids; 2], out: &mut DatagramOut<'_>) {
        if self.early.taken.is_some() {
            return;
        }
        self.early.taken = Some(taken);
        out.release(std::mem::take(&mut self.early.bytes));
        let dir = Direction::Request;
        for (number, plain, position) in std::mem::take(&mut self.early.held) {
            out.again(dir, position, |out| {
                if taken {
                    out.tls(TlsEvent::EarlyData(0));
                    self.streams(out).packet(dir, number);
                    self.frames(dir, Level::Early, &plain, ids, out);
                } else {
                    rejected(&plain, dir, out);
                }
            });
        }
    }

    fn streams(&mut self, out: &mut DatagramOut<'_>) -> &mut Streams {
        self.streams.get_or_insert_with(|| Box::new(Streams::new(&self.alpn, out)))
    }
}

/// Early data that the server did not take: the client sends it once more, so it is part of no exchange.
fn rejected(plain: &[u8], dir: Direction, out: &mut DatagramOut<'_>) {
    out.weird("tls_early_data_rejected");
    let mut r = Reader(plain);
    while let Some(frame) = Frame::read(&mut r, false) {
        if let Frame::Stream { data, .. } = frame {
            out.opaque_opened(dir, data);
        }
    }
}
