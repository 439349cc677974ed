//! What carried a message: put into the value and inherited by inner layers, so that no stage asks an earlier one.

use crate::{
    capture::FileId,
    decode::{Endpoint, Packet, Segment, TcpHeader},
    limits,
    time::Timestamp,
};

/// The protection of a byte range (not of a flow: STARTTLS, CONNECT and Upgrade change it midway).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Readable by anyone on the path.
    #[default]
    Cleartext,
    /// TLS without keys.
    TlsOpaque,
    /// TLS that was opened with keys.
    TlsDecrypted,
}

impl Channel {
    /// As rules and records name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cleartext => "cleartext",
            Self::TlsOpaque => "tls-opaque",
            Self::TlsDecrypted => "tls-decrypted",
        }
    }

    /// Whether the bytes were encrypted on the wire.
    pub const fn encrypted(self) -> bool {
        !matches!(self, Self::Cleartext)
    }
}

/// Which way bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Client to server.
    Request,
    /// Server to client.
    Response,
}

impl Direction {
    /// Both of them.
    pub const BOTH: [Self; 2] = [Self::Request, Self::Response];

    /// 0 or 1.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The opposite direction.
    pub const fn other(self) -> Self {
        match self {
            Self::Request => Self::Response,
            Self::Response => Self::Request,
        }
    }
}

/// Where a stream byte was captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Frame number in its file.
    pub frame: u64,
    /// Its time.
    pub time: Timestamp,
    /// Offset of the byte in the capture file.
    pub offset: u64,
    /// The file.
    pub file: FileId,
    /// Where it stands in its connection.
    pub numbers: Numbers,
}

/// TCP's numbers of a stream byte: they relate the two directions of a connection, whatever the clocks of those who
/// captured them say. All zero where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Its sequence number.
    pub seq: u32,
    /// The acknowledgment number of its segment: the next byte that its sender expected from the peer; 0 for none.
    pub ack: u32,
}

impl Numbers {
    /// Those of the first payload byte of a packet.
    #[inline]
    pub fn of(packet: &Packet) -> Self {
        match packet.segment {
            Segment::Tcp(header) if header.has(TcpHeader::ACK) => {
                Self { seq: header.seq.wrapping_add(header.has(TcpHeader::SYN).into()), ack: header.ack }
            }
            _ => Self::default(),
        }
    }

    /// Those of the byte `n` further on in the same segment.
    #[must_use]
    pub const fn skip(self, n: u64) -> Self {
        let known = (self.ack != 0) as u32;
        Self { seq: self.seq.wrapping_add(n as u32 * known), ..self }
    }

    /// Whether what begins here can be the answer to what begins at `asked` in the other direction: its sender had heard
    /// the question, and who asked had no byte of the answer. `None` if the numbers do not tell.
    pub fn can_answer(self, asked: Self) -> Option<bool> {
        if self.ack == 0 || asked.ack == 0 {
            return None;
        }
        let heard = self.ack.wrapping_sub(asked.seq) as i32;
        let unheard = self.seq.wrapping_sub(asked.ack) as i32;
        let far = |n: i32| i64::from(n.unsigned_abs()) >= limits::FAR_AHEAD;
        if !far(heard) && !far(unheard) { Some(heard > 0 && unheard >= 0) } else { None }
    }
}

/// A run of captured bytes in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Span {
    /// Frame number in its file.
    pub frame: u64,
    /// Offset of the first byte in the capture file.
    pub offset: u64,
    /// Length in bytes.
    pub len: u32,
}

/// The carrier of a message: inherited and refined layer by layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Ordinal of the flow's first frame in the run (its identity until it gets its number).
    pub flow: u64,
    /// The client's end; `None` where there is none.
    pub client: Option<Endpoint>,
    /// The server's end.
    pub server: Option<Endpoint>,
    /// Protection.
    pub channel: Channel,
    /// Name of the protocol of the layer that emits ("http1", "unknown").
    pub protocol: &'static str,
}
