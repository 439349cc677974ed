//! TLS records (RFC 8446 section 5.1) on any port: what is in the clear is read, everything encrypted is counted and
//! skipped.

mod certificate;
pub(super) mod decrypt;
mod event;
mod extension;
mod fingerprint;
mod half;
mod handshake;
mod hello;
mod hellos;
mod inside;
mod names;
mod order;
mod probe;

pub use certificate::Certificate;
pub use decrypt::Lock;
pub use event::{Alert, TlsEvent};
pub use fingerprint::Over;
pub use hello::{ClientHello, ServerHello, is_grease};
pub use names::{alert_name, group_name, signature_name};

pub(super) use handshake::Messages;
pub(super) use hellos::Hellos;
pub(super) use inside::{Inside, inside};

use super::{Dissector, Malformed, Out, Protocol, Verdict};
use crate::message::{Direction, End};
use decrypt::Decryption;
use half::{Half, Keep};
use handshake::{
    CERTIFICATE, CERTIFICATE_STATUS, CLIENT_HELLO, MESSAGE_HEADER, NEW_SESSION_TICKET, SERVER_HELLO,
    certificates,
};
use order::Order;
use probe::{find_record, probe, record_header};

/// TLS and SSL.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "tls", probe, open: || Box::new(Tls::default()), upgrade: None };

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;
const HEADER: usize = 5;
/// Longest record: 2^14 bytes of plaintext and 2048 of expansion (RFC 5246 section 6.2.3).
const RECORD: usize = (1 << 14) + 2048;

const TLS_1_3: u16 = 0x0304;

#[derive(Default)]
struct Tls {
    halves: [Half; 2],
    session: Session,
    /// Gone if nothing can be opened.
    decryption: Option<Box<Decryption>>,
    order: Order,
}

/// What both directions know.
#[derive(Default)]
struct Session {
    established: bool,
    client: bool,
    server: bool,
    renegotiated: bool,
    /// Negotiated version.
    version: u16,
}

impl Dissector for Tls {
    fn data(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Malformed> {
        let said = self.hear(dir, bytes, out);
        if said.is_err() {
            self.abandon(out);
        }
        said
    }

    fn gap(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> Result<(), Malformed> {
        if self.waits(dir)
            && let said @ Err(_) = self.hurry(out)
        {
            self.abandon(out);
            return said;
        }
        if let Some(decryption) = &mut self.decryption {
            decryption.gap(dir, len, out);
        }
        let half = &mut self.halves[dir.index()];
        half.sealed = true;
        half.messages.clear();
        if half.keep != Keep::Sealed {
            half.keep = Keep::Nothing;
        }
        half.ssl2 = Vec::new();
        if half.header_len == 0 && u64::from(half.left) >= len {
            half.left -= len as u32;
        } else {
            half.left = 0;
            half.header_len = 0;
            half.lost = true;
        }
        let said = self.resume(out);
        if said.is_err() {
            self.abandon(out);
        }
        said
    }

    fn close(&mut self, dir: Direction, end: End, out: &mut Out<'_>) {
        if self.closes_later(dir) {
            return;
        }
        if self.hurry(out).is_err() {
            self.abandon(out);
        }
        if self.order.closes_late(dir.other()) {
            self.end_decryption(out);
            out.inner_end(0, end);
            return;
        }
        if let Some(decryption) = &mut self.decryption {
            decryption.close(dir, out);
        }
        self.halves[dir.index()].messages.clear();
    }

    fn held(&self, dir: Direction) -> u64 {
        let sealed = self.decryption.as_ref().map_or(u64::MAX, |d| d.held(dir));
        sealed.min(self.order.held(dir))
    }

    fn passed_over(&mut self, dir: Direction) -> u64 {
        let half = &mut self.halves[dir.index()];
        if half.keep != Keep::Nothing || self.decryption.is_some() {
            return 0;
        }
        std::mem::take(&mut half.left).into()
    }
}

impl Tls {
    /// Reads what comes and need not wait, and what waited for it.
    fn hear(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Malformed> {
        let at = out.at();
        let done = if self.waits(dir) { 0 } else { self.read(dir, bytes, at, out)? };
        if let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            self.wait(dir, rest, at + done as u64, out);
        }
        if self.is_ordered() { Ok(()) } else { self.resume(out) }
    }

    /// Reads bytes from layer offset `start`, up to where those behind must wait for the other direction; says how many.
    fn read(
        &mut self,
        dir: Direction,
        bytes: &[u8],
        start: u64,
        out: &mut Out<'_>,
    ) -> Result<usize, Malformed> {
        let half = &mut self.halves[dir.index()];
        let mut rest = bytes;
        if half.lost {
            let verdict = probe(rest);
            let found = match &self.decryption {
                _ if matches!(verdict, Verdict::Yes(_)) || record_header(rest) => Some(0),
                // A record that turns out to be none is not authentic.
                Some(_) => find_record(rest),
                None => None,
            };
            let skipped = found.unwrap_or(rest.len());
            out.encrypted(skipped as u64);
            if let Some(decryption) = &mut self.decryption {
                decryption.passed(dir, skipped as u64);
            }
            rest = rest.get(skipped..).unwrap_or_default();
            if found.is_none() {
                return Ok(bytes.len());
            }
            half.lost = false;
            // A hello in its place: the hole was before the session.
            if verdict == Verdict::Yes(Some(dir)) && !self.session.established {
                half.sealed = false;
            }
        }
        while !rest.is_empty() {
            let half = &mut self.halves[dir.index()];
            if half.left > 0 {
                let n = (half.left as usize).min(rest.len());
                half.left -= n as u32;
                let at = start + (bytes.len() - rest.len()) as u64;
                let (piece, after) = rest.split_at(n);
                rest = after;
                match half.keep {
                    Keep::Nothing => out.encrypted(n as u64),
                    Keep::Handshake => self.handshake(dir, piece, out),
                    Keep::Alert => half.alert(dir, piece, out),
                    Keep::Ssl2 => self.ssl2(dir, piece, out),
                    Keep::Sealed => {
                        let (header, left) = (half.header, half.left as usize);
                        self.sealed(dir, header, piece, (at, left), out);
                    }
                }
                continue;
            }
            let have = usize::from(half.header_len);
            if have == 0 && self.must_wait(dir, rest[0], out) {
                return Ok(bytes.len() - rest.len());
            }
            let half = &mut self.halves[dir.index()];
            let n = (HEADER - have).min(rest.len());
            half.header[have..have + n].copy_from_slice(&rest[..n]);
            half.header_len += n as u8;
            rest = &rest[n..];
            if usize::from(half.header_len) == HEADER {
                half.header_len = 0;
                match half.record(dir, &mut self.session, &mut self.decryption, out) {
                    Ok(()) => {}
                    Err(name) if half.sealed || self.session.established => {
                        out.weird(name);
                        half.lost = true;
                        out.encrypted(rest.len() as u64);
                        if let Some(decryption) = &mut self.decryption {
                            decryption.passed(dir, (HEADER + rest.len()) as u64);
                        }
                        return Ok(bytes.len());
                    }
                    Err(name) => {
                        self.end_decryption(out);
                        out.consumed(start + (bytes.len() - rest.len()) as u64);
                        return Err(Malformed(name));
                    }
                }
            }
        }
        Ok(bytes.len())
    }

    /// Bytes of handshake records in the clear.
    fn handshake(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) {
        let Self { halves, session, decryption, .. } = self;
        let half = &mut halves[dir.index()];
        let mut retry = false;
        let all = decryption.is_some();
        let wanted = |kind| {
            all || matches!(
                kind,
                CLIENT_HELLO | SERVER_HELLO | NEW_SESSION_TICKET | CERTIFICATE | CERTIFICATE_STATUS
            )
        };
        let over = half.messages.push(bytes, wanted, |message| {
            let body = message.get(MESSAGE_HEADER..).unwrap_or_default();
            if let Some(decryption) = decryption {
                decryption.message(dir, message, out);
            }
            match (message[0], dir) {
                (CLIENT_HELLO, Direction::Request) => {
                    half.retried = false;
                    let hello = ClientHello::parse(body);
                    if decryption.is_none() && !session.client {
                        *decryption = hello.as_ref().and_then(|h| Decryption::new(h, message, out));
                    }
                    session.client(hello, out);
                }
                (SERVER_HELLO, Direction::Response) => match ServerHello::parse(body) {
                    Some(hello) if hello.retry => retry = true,
                    hello => {
                        half.retried = false;
                        session.server(hello, out);
                    }
                },
                (CLIENT_HELLO | SERVER_HELLO, _) => out.weird("tls_bad_hello"),
                (CERTIFICATE, _) => out.tls(TlsEvent::Certificates(dir, &certificates(body))),
                (CERTIFICATE_STATUS, Direction::Response) => out.tls(TlsEvent::Stapled),
                (NEW_SESSION_TICKET, Direction::Response) => out.tls(TlsEvent::Ticket),
                _ => {}
            }
        });
        if over {
            out.weird("tls_handshake_limit");
        }
        if retry && !session.server {
            halves.iter_mut().for_each(|half| half.retried = true);
        }
    }

    /// Bytes of a record that is to be opened.
    fn sealed(
        &mut self,
        dir: Direction,
        header: [u8; HEADER],
        bytes: &[u8],
        place: (u64, usize),
        out: &mut Out<'_>,
    ) {
        let Some(decryption) = &mut self.decryption else { return out.encrypted(bytes.len() as u64) };
        decryption.piece(dir, header, bytes, place, out);
        if decryption.is_over() {
            self.end_decryption(out);
        }
    }

    fn end_decryption(&mut self, out: &mut Out<'_>) {
        if let Some(mut decryption) = self.decryption.take() {
            Direction::BOTH.into_iter().for_each(|dir| decryption.close(dir, out));
        }
    }

    /// Reads an SSLv2-compatible hello once it is whole.
    fn ssl2(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        half.ssl2.extend_from_slice(bytes);
        if half.left == 0 {
            let hello = ClientHello::parse_ssl2(&std::mem::take(&mut half.ssl2));
            if self.decryption.is_none() && !self.session.client {
                self.decryption = hello.as_ref().and_then(|h| Decryption::new(h, &[], out));
            }
            self.session.client(hello, out);
        }
    }
}

impl Session {
    fn client(&mut self, hello: Option<ClientHello>, out: &mut Out<'_>) {
        match hello {
            Some(hello) if !self.client => {
                self.client = true;
                out.tls(TlsEvent::Client(Box::new(hello)));
            }
            Some(_) => {}
            None => out.weird("tls_bad_hello"),
        }
    }

    fn server(&mut self, hello: Option<ServerHello>, out: &mut Out<'_>) {
        match hello {
            Some(hello) if !self.server => {
                self.server = true;
                self.version = hello.version;
                out.tls(TlsEvent::Server(Box::new(hello)));
            }
            Some(_) => {}
            None => out.weird("tls_bad_hello"),
        }
    }
}
