//! What a TLS layer says.

use super::{ClientHello, Lock, ServerHello};
use crate::message::Direction;

/// What a TLS layer learns about its session.
#[derive(Clone, Debug)]
pub enum TlsEvent<'a> {
    /// The first ClientHello.
    Client(Box<ClientHello>),
    /// The first ServerHello that is not a HelloRetryRequest.
    Server(Box<ServerHello>),
    /// The certificates of one side in their DER form, its own first.
    Certificates(Direction, &'a [&'a [u8]]),
    /// The server sent an OCSP response along (RFC 6066 section 8).
    Stapled,
    /// The server issued a ticket in the clear (RFC 5077).
    Ticket,
    /// The session was negotiated anew, inside its encryption (RFC 5746).
    Renegotiated,
    /// An alert in the clear.
    Alert(Alert),
    /// The first record of application data (in TLS 1.3 that may be an encrypted handshake message).
    Established,
    /// A record was opened with keys.
    Opened,
    /// The session, or a direction of it, stays closed although there are keys.
    Locked(Lock),
    /// A record of early data (RFC 8446 section 2.3), or a 0-RTT packet (RFC 9001 section 4.6), that the server took, at that
    /// offset of the layer.
    EarlyData(u64),
    /// The protocol that was selected, found inside encryption.
    Alpn(String),
}

/// An alert (RFC 8446 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Who sent it.
    pub from: Direction,
    /// 1 is a warning, 2 is fatal.
    pub level: u8,
    /// What is wrong ([`super::alert_name`]).
    pub description: u8,
}
