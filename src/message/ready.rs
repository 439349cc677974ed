//! Exchanges that were never packets: recorded as requests and responses by a browser, a proxy or a test library.

use super::{Direction, Field, Head, Start, StoredHead, Version};
use crate::decode::Endpoint;
use crate::limits;
use crate::time::Timestamp;

/// A recorded exchange. It enters at `message` with the same `begin`, `body`, `end` as one from a dissector; its packet
/// number is the number of its entry.
#[derive(Clone, Debug, Default)]
pub struct ReadyExchange {
    /// Number of the entry in its file, from 1.
    pub number: u64,
    /// Offset of the entry in its (decompressed) file.
    pub offset: u64,
    /// Length of the entry in its file, in bytes.
    pub len: u64,
    /// How many exchanges before this one its connection began; `None` if the entry names no connection, or alone has it.
    pub connection: Option<u64>,
    /// The client, where the entry names it.
    pub client: Option<Endpoint>,
    /// The server, where the entry names it.
    pub server: Option<Endpoint>,
    /// The protocol, as records name it; empty for HTTP/1.
    pub protocol: &'static str,
    /// Whether the entry's own scheme says TLS.
    pub encrypted: bool,
    /// The request; `None` if only a response was recorded.
    pub request: Option<ReadyMessage>,
    /// The response; `None` if there was none.
    pub response: Option<ReadyMessage>,
    /// What followed in the protocol that the exchange was upgraded to (WebSocket).
    pub frames: Vec<ReadyFrame>,
}

/// One message of a recorded exchange.
#[derive(Clone, Debug, Default)]
pub struct ReadyMessage {
    /// When it was sent.
    pub time: Timestamp,
    /// Its head.
    pub head: StoredHead,
    /// Its body.
    pub body: Vec<u8>,
    /// The content codings that the head names are still around the body.
    pub coded: bool,
    /// The body, or a part of it, was not recorded.
    pub lacking: bool,
    /// Some fields were over [`limits::HEAD_FIELDS`] and left out.
    pub cut: bool,
}

/// One message behind an upgrade.
#[derive(Clone, Debug)]
pub struct ReadyFrame {
    /// Which way it went.
    pub dir: Direction,
    /// When.
    pub time: Timestamp,
    /// What it said.
    pub data: Vec<u8>,
}

impl ReadyMessage {
    /// A message with this head and no body.
    pub fn new(time: Timestamp, version: Version, start: Start<'_>, fields: &[(&[u8], &[u8])]) -> Self {
        let cut = fields.len() > limits::HEAD_FIELDS;
        let fields = fields.iter().take(limits::HEAD_FIELDS);
        let fields: Vec<_> = fields.map(|(name, value)| Field { name, value, at: 0 }).collect();
        let mut this = Self { time, cut, ..Self::default() };
        this.head.store(&Head::new(version, start, &fields));
        this
    }
}

impl StoredHead {
    /// Gives the head as it would have been borrowed from a stream.
    pub fn replay(&self, dir: Direction, then: impl FnOnce(&Head<'_>)) {
        let start = match dir {
            Direction::Request => Start::Request { method: self.method(), target: self.target() },
            Direction::Response => Start::Response { status: self.status },
        };
        let fields: Vec<_> = self.fields().map(|(name, value)| Field { name, value, at: 0 }).collect();
        then(&Head::new(self.version, start, &fields));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_replayed_as_it_was_recorded() {
        let start = Start::Request { method: b"GET", target: b"/x" };
        let fields = [(&b":authority"[..], &b"a.test"[..]), (b"X", b"1\r\n2")];
        let message = ReadyMessage::new(Timestamp::default(), Version::Http2, start, &fields);
        assert!(!message.cut);
        message.head.replay(Direction::Request, |head| {
            assert_eq!((head.version, head.start), (Version::Http2, start));
            assert_eq!(head.field(":authority"), Some(&b"a.test"[..]));
            assert_eq!(head.field("x"), Some(&b"1\r\n2"[..]));
        });
        let many = vec![fields[1]; limits::HEAD_FIELDS + 1];
        let message = ReadyMessage::new(Timestamp::default(), Version::Http11, start, &many);
        assert_eq!((message.cut, message.head.fields().count()), (true, limits::HEAD_FIELDS));
    }
}
