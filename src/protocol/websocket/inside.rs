//! What the messages of a connection are: each one for itself, or together the stream of a protocol (MQTT, STOMP, ...), as the
//! subprotocol or the first message tells.

use crate::limits;
use crate::message::{Direction, End, ExchangeId, Head, Location, Start, Version};
use crate::protocol::composed::Composed;
use crate::protocol::{Out, Protocol, Trail, Verdict, amqp, mqtt, nats, sip, stomp};

/// Protocols that are carried so.
const CARRIED: [&Protocol; 5] =
    [&mqtt::PROTOCOL, &stomp::PROTOCOL, &nats::PROTOCOL, &amqp::PROTOCOL, &sip::PROTOCOL];

#[derive(Clone, Copy, Default)]
pub(super) enum Inside {
    /// Not known before the first message is.
    #[default]
    Unknown,
    /// Each message stands for itself.
    Messages,
    /// They are pieces of a stream.
    Stream(&'static Protocol),
}

impl Inside {
    /// What the subprotocol says that was agreed on (IANA, "WebSocket Subprotocol Name Registry").
    pub(super) fn agreed(response: &Head<'_>) -> Self {
        let name = response.field("sec-websocket-protocol").unwrap_or_default().to_ascii_lowercase();
        match name.as_slice() {
            b"mqtt" | b"mqttv3.1" => Self::Stream(&mqtt::PROTOCOL),
            b"v10.stomp" | b"v11.stomp" | b"v12.stomp" => Self::Stream(&stomp::PROTOCOL),
            b"amqp" | b"amqpwsb10" => Self::Stream(&amqp::PROTOCOL),
            b"sip" => Self::Stream(&sip::PROTOCOL),
            _ => Self::Unknown,
        }
    }

    /// Bytes of messages never arrived, and where the next one begins is not known.
    pub(super) fn lose(&self, dir: Direction, len: u64, out: &mut Out<'_>) {
        if let Self::Stream(_) = self {
            out.inner_gap(dir, len);
        }
    }
}

/// The message in progress.
pub(super) struct Message {
    /// None where it is a piece of a stream, or that is not known yet.
    id: Option<ExchangeId>,
    /// Its first bytes, as long as they do not tell what it is.
    first: Composed,
    pub(super) compressed: bool,
    /// Some of it came, and is compressed.
    pub(super) packed: bool,
    /// What follows of it cannot be read.
    pub(super) broken: bool,
}

impl Message {
    /// A message that begins at layer offset `at`.
    pub(super) fn new(dir: Direction, at: u64, inside: &Inside, out: &mut Out<'_>) -> Self {
        let id = if let Inside::Messages = inside { Some(begin(dir, at, out)) } else { None };
        Self { id, first: Composed::default(), compressed: false, packed: false, broken: false }
    }

    /// The next bytes.
    pub(super) fn deliver(
        &mut self,
        dir: Direction,
        at: u64,
        bytes: &[u8],
        inside: &mut Inside,
        out: &mut Out<'_>,
    ) {
        match (self.id, *inside) {
            (Some(id), _) => out.body(id, dir, at, bytes),
            (None, Inside::Stream(protocol)) => {
                self.piece(protocol, dir, out);
                out.inner_as(protocol, dir, at, bytes);
            }
            (None, Inside::Messages) => {
                self.alone(dir, at, out);
                self.deliver(dir, at, bytes, inside, out);
            }
            (None, Inside::Unknown) => {
                self.first.add(bytes, out.trail(dir), at);
                let first = self.first.text();
                let mut more = false;
                for protocol in CARRIED {
                    match (protocol.probe)(first) {
                        Verdict::No => {}
                        Verdict::More => more = true,
                        Verdict::Yes(_) => {
                            *inside = Inside::Stream(protocol);
                            return self.piece(protocol, dir, out);
                        }
                    }
                }
                if !more || first.len() >= limits::PROBE_BYTES {
                    *inside = Inside::Messages;
                    self.alone(dir, at, out);
                }
            }
        }
    }

    /// Bytes that were decompressed: they come from where their compressed ones do.
    pub(super) fn derived(
        &mut self,
        dir: Direction,
        at: u64,
        bytes: &[u8],
        inside: &mut Inside,
        out: &mut Out<'_>,
    ) {
        let mut trails = [Trail::default(), Trail::default()];
        trails[dir.index()].push_derived(0, bytes.len() as u64, out.trail(dir).position(at));
        out.decoded(&trails, |out| self.deliver(dir, 0, bytes, inside, out));
    }

    /// Bytes that never arrived, or cannot be read.
    pub(super) fn hole(&mut self, dir: Direction, len: u64, inside: &mut Inside, out: &mut Out<'_>) {
        if let Inside::Stream(_) = inside {
            return inside.lose(dir, len, out);
        }
        *inside = Inside::Messages;
        self.alone(dir, out.at(), out);
        if let Some(id) = self.id {
            out.body_gap(id, dir, len);
        }
    }

    /// It is over.
    pub(super) fn end(mut self, dir: Direction, end: End, inside: &mut Inside, out: &mut Out<'_>) {
        if let Inside::Stream(protocol) = inside {
            return self.piece(protocol, dir, out);
        }
        // One that is too short to tell.
        if !self.first.text().is_empty() {
            *inside = Inside::Messages;
        }
        self.alone(dir, out.at(), out);
        if let Some(id) = self.id {
            out.end(id, dir, end);
        }
    }

    /// It is a piece of a stream: what was kept of it is passed on.
    fn piece(&mut self, protocol: &'static Protocol, dir: Direction, out: &mut Out<'_>) {
        let first = std::mem::take(&mut self.first);
        if !first.text().is_empty() {
            first.speak(dir, out, |text, out| out.inner_as(protocol, dir, 0, text));
        }
    }

    /// It stands for itself, and begins at layer offset `at` if nothing was kept of it.
    fn alone(&mut self, dir: Direction, at: u64, out: &mut Out<'_>) {
        if self.id.is_none() && !self.first.text().is_empty() {
            let first = std::mem::take(&mut self.first);
            self.id = Some(first.speak(dir, out, |text, out| {
                let id = begin(dir, 0, out);
                out.body(id, dir, 0, text);
                id
            }));
        } else if self.id.is_none() {
            self.id = Some(begin(dir, at, out));
        }
    }
}

fn begin(dir: Direction, at: u64, out: &mut Out<'_>) -> ExchangeId {
    let start = Start::Message { dir, location: Location::WebSocket, fields: Location::Header };
    out.begin(&Head { at, ..Head::new(Version::Http11, start, &[]) })
}
