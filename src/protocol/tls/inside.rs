//! What handshake messages of TLS 1.3 say that are encrypted: the same over TCP and in QUIC.

use super::handshake::{CERTIFICATE, MESSAGE_HEADER, certificates13};
use crate::message::Direction;
use crate::protocol::reader::Reader;

/// EncryptedExtensions (IANA "TLS HandshakeType").
const ENCRYPTED_EXTENSIONS: u8 = 8;
/// Extension `early_data` (RFC 8446 section 4.2.10) and ALPN (RFC 7301).
const EARLY_DATA: u16 = 42;
const ALPN: u16 = 16;

/// What such a message says.
pub(in crate::protocol) enum Inside<'a> {
    /// Certificates in their DER form.
    Certificates(&'a [&'a [u8]]),
    /// What the server answers to the client's extensions (RFC 8446 section 4.3.1).
    Extensions {
        /// The protocol that it selected.
        alpn: Option<String>,
        /// It takes early data.
        early: bool,
    },
}

/// Reads a message, header included; most say nothing.
pub(in crate::protocol) fn inside(from: Direction, message: &[u8], say: &mut dyn FnMut(Inside<'_>)) {
    let body = message.get(MESSAGE_HEADER..).unwrap_or_default();
    match (message.first(), from) {
        (Some(&CERTIFICATE), _) => say(Inside::Certificates(&certificates13(body))),
        (Some(&ENCRYPTED_EXTENSIONS), Direction::Response) => {
            let mut list = Reader(Reader(body).vec16().unwrap_or_default());
            let (mut alpn, mut early) = (None, false);
            while let (Some(number), Some(data)) = (list.u16(), list.vec16()) {
                early |= number == EARLY_DATA;
                if number == ALPN {
                    let names = Reader(data).vec16().unwrap_or_default();
                    alpn = Reader(names).vec8().map(|name| String::from_utf8_lossy(name).into_owned());
                }
            }
            say(Inside::Extensions { alpn, early });
        }
        _ => {}
    }
}
