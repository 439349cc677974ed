//! What handshake messages show that come in datagrams: of QUIC and of DTLS.

use super::handshake::{CERTIFICATE, CLIENT_HELLO, MESSAGE_HEADER, SERVER_HELLO, certificates};
use super::{ClientHello, ServerHello, TlsEvent};
use crate::message::Direction;

/// The hellos of one session: the first of each side counts.
#[derive(Default)]
pub(in crate::protocol) struct Hellos {
    client: bool,
    server: bool,
}

/// Takes what is learned, or the name of an oddity.
pub(in crate::protocol) type Learn<'a> = dyn FnMut(Result<TlsEvent<'_>, &'static str>) + 'a;

impl Hellos {
    /// Whether a message of that type is looked at.
    pub(in crate::protocol) fn wanted(kind: u8) -> bool {
        matches!(kind, CLIENT_HELLO | SERVER_HELLO | CERTIFICATE)
    }

    /// Reads a message, header included.
    pub(in crate::protocol) fn message(&mut self, from: Direction, message: &[u8], learn: &mut Learn<'_>) {
        let (Some(kind), Some(body)) = (message.first(), message.get(MESSAGE_HEADER..)) else { return };
        match (*kind, from) {
            (CLIENT_HELLO, Direction::Request) if !self.client => match ClientHello::parse(body) {
                Some(hello) => {
                    self.client = true;
                    learn(Ok(TlsEvent::Client(Box::new(hello))));
                }
                None => learn(Err("tls_bad_hello")),
            },
            (SERVER_HELLO, Direction::Response) if !self.server => match ServerHello::parse(body) {
                Some(hello) if hello.retry => {}
                Some(hello) => {
                    self.server = true;
                    learn(Ok(TlsEvent::Server(Box::new(hello))));
                }
                None => learn(Err("tls_bad_hello")),
            },
            (CERTIFICATE, _) => learn(Ok(TlsEvent::Certificates(from, &certificates(body)))),
            _ => {}
        }
    }

    /// Whether that side's hello was read.
    pub(in crate::protocol) fn has(&self, from: Direction) -> bool {
        if from == Direction::Request { self.client } else { self.server }
    }
}
