//! What is remembered of a flow when it ends: the `flows` record and the subject of `on = "tls"` rules.

use crate::capture::FileId;
use crate::decode::FlowKey;
use crate::flow::Anomalies;
use crate::message::{Position, Transport};
use crate::protocol::{ClientHello, ServerHello};
use crate::time::Timestamp;

/// What the hellos of a TLS session said.
#[derive(Clone, Debug, Default)]
pub struct TlsSession {
    /// The first ClientHello.
    pub client: Option<ClientHello>,
    /// The ServerHello.
    pub server: Option<ServerHello>,
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

    /// A version number as records print it.
    pub fn version_name(version: u16) -> &'static str {
        match version {
            0x0002 | 0x0200 => "SSLv2",
            0x0300 => "SSLv3",
            0x0301 => "1.0",
            0x0302 => "1.1",
            0x0303 => "1.2",
            0x0304 => "1.3",
            _ => "unknown",
        }
    }
}

/// How a flow stood when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowState {
    /// Both sides said FIN.
    Closed,
    /// A RST ended it.
    Reset,
    /// Still open at the end of the capture.
    Open,
    /// The capture began after the connection did.
    Midstream,
    /// Idle for too long, or evicted.
    Timeout,
}

impl FlowState {
    /// As the `flows` record prints it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Open => "open",
            Self::Midstream => "midstream",
            Self::Timeout => "timeout",
        }
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
    /// How it stood.
    pub state: FlowState,
    /// What reassembly met.
    pub anomalies: Anomalies,
    /// TLS, if any was seen.
    pub tls: Option<Box<TlsSession>>,
}
