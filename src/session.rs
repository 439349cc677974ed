//! What is remembered of a flow when it ends: the `flows` record and the subject of `on = "tls"` rules.

use crate::capture::FileId;
use crate::decode::FlowKey;
use crate::flow::Anomalies;
use crate::message::{Direction, Position, Transport};
pub use crate::protocol::Certificate;
use crate::protocol::{Alert, ClientHello, Lock, ServerHello};
use crate::time::Timestamp;
use std::sync::Arc;

/// What a TLS session showed.
#[derive(Clone, Debug, Default)]
pub struct TlsSession {
    /// The first ClientHello.
    pub client: Option<ClientHello>,
    /// The ServerHello.
    pub server: Option<ServerHello>,
    /// Certificates of the client and of the server, each one's own first.
    pub chains: [Vec<Arc<Certificate>>; 2],
    /// The server sent an OCSP response along.
    pub stapled: bool,
    /// The server issued a ticket in the clear.
    pub ticket: bool,
    /// It was negotiated anew.
    pub renegotiated: bool,
    /// Alerts in the clear.
    pub alerts: Vec<Alert>,
    /// ALPN protocol that was selected inside encryption (TLS 1.3).
    pub alpn: Option<String>,
    /// Records of it were opened with keys.
    pub opened: bool,
    /// Why it, or a direction of it, stayed closed although there were keys.
    pub lock: Option<Lock>,
    /// Where the last early data was captured that the server took.
    pub early: Option<Position>,
    /// Application data passed.
    pub established: bool,
    /// Where the hello was captured.
    pub position: Position,
}

impl TlsSession {
    /// Negotiated version, or the highest offered one while no server answered.
    pub fn version(&self) -> Option<u16> {
        match (&self.server, &self.client) {
            (Some(server), _) => Some(server.version),
            (None, Some(client)) => Some(client.highest_version()),
            (None, None) => None,
        }
    }

    /// A version number as records print it; those of DTLS (RFC 9147) have the names of their TLS.
    pub fn version_name(version: u16) -> &'static str {
        match version {
            0x0002 | 0x0200 => "SSLv2",
            0x0300 => "SSLv3",
            0x0301 | 0xfeff | 0x0100 => "1.0",
            0x0302 => "1.1",
            0x0303 | 0xfefd => "1.2",
            0x0304 | 0xfefc => "1.3",
            _ => "unknown",
        }
    }

    /// Why its records, or those of a direction, stay closed.
    pub fn closed(&self) -> Option<&'static str> {
        match self.lock {
            Some(lock) => Some(lock.as_str()),
            None if self.opened || !self.established => None,
            None if self.client.is_none() => Some(Lock::Handshake.as_str()),
            None => Some("no keys were given"),
        }
    }

    /// Whether the version is below TLS 1.2 or DTLS 1.2 (RFC 8996).
    pub fn deprecated(version: u16) -> bool {
        version < 0x0303 || version == 0xfeff
    }

    /// The certificates of the server, its own first.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.chains[Direction::Response.index()]
    }

    /// How an earlier session goes on in this one: by its "id", by a "ticket", or by a "psk" (TLS 1.3).
    pub fn resumed(&self) -> Option<&'static str> {
        let (client, server) = (self.client.as_ref()?, self.server.as_ref()?);
        if server.version == 0x0304 {
            return server.psk().then_some("psk");
        }
        let same = !client.session_id.is_empty() && client.session_id == server.session_id;
        same.then_some(if client.ticket { "ticket" } else { "id" })
    }
}

/// One ended flow.
#[derive(Clone, Debug)]
pub struct FlowSummary {
    /// The file of its first packet.
    pub file: FileId,
    /// Where that was captured.
    pub first: Position,
    /// Its key.
    pub key: FlowKey,
    /// Number of its VLAN stack.
    pub vlan: u32,
    /// Identity, client and server.
    pub transport: Transport,
    /// First packet.
    pub start: Timestamp,
    /// Last packet.
    pub end: Timestamp,
    /// The protocols of its layers, outermost first; empty if none was recognised.
    pub protocols: Vec<&'static str>,
    /// Packets of both directions.
    pub packets: u64,
    /// Wire bytes of their frames.
    pub bytes: u64,
    /// How it stood, as the `flows` record says it.
    pub state: &'static str,
    /// What reassembly met.
    pub anomalies: Anomalies,
    /// TLS, if any was seen.
    pub tls: Option<Box<TlsSession>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resumption_is_told_by_what_the_server_repeats() {
        let session = |version, id: &[u8], echo: &[u8], ticket, extensions: &[u16]| TlsSession {
            client: Some(ClientHello { session_id: id.to_vec(), ticket, ..ClientHello::default() }),
            server: Some(ServerHello {
                version,
                session_id: echo.to_vec(),
                extensions: extensions.to_vec(),
                ..ServerHello::default()
            }),
            ..TlsSession::default()
        };
        for (session, resumed) in [
            (session(0x0303, &[1], &[1], false, &[]), Some("id")),
            (session(0x0303, &[1], &[1], true, &[]), Some("ticket")),
            (session(0x0303, &[1], &[2], true, &[]), None),
            (session(0x0303, &[], &[], false, &[]), None),
            (session(0x0304, &[1], &[1], false, &[43, 51]), None),
            (session(0x0304, &[1], &[1], false, &[43, 51, 41]), Some("psk")),
        ] {
            assert_eq!(session.resumed(), resumed, "{session:?}");
        }
    }

    #[test]
    fn versions_of_dtls_count_downwards() {
        assert!(TlsSession::deprecated(0xfeff) && !TlsSession::deprecated(0xfefd));
        assert!(TlsSession::deprecated(0x0302) && !TlsSession::deprecated(0x0303));
    }
}
