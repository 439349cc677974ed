//! A sink that writes down what it is given.

use crate::keylog::Keyring;
use crate::message::{Channel, Direction, End, ExchangeId, Head, Login, Numbers, Position, Start, Transport};
use crate::protocol::{Carrier, Layer, Sink, TlsEvent};
use crate::time::Timestamp;
use std::sync::Arc;

/// What a layer said, one line an event; pieces of a body or of opaque bytes are joined.
#[derive(Default)]
pub(in crate::protocol) struct Tape {
    pub(in crate::protocol) lines: Vec<String>,
    opaque: [bool; 2],
    reserved: usize,
    /// Lengths of the ciphertext that was opened.
    opened: Vec<u64>,
    keyring: Option<Arc<Keyring>>,
}

impl Tape {
    /// TLS secrets that are known from here on.
    pub(in crate::protocol) fn keys(&mut self, ring: Keyring) {
        self.keyring = Some(Arc::new(ring));
    }

    /// Bytes that a dissector holds.
    pub(in crate::protocol) fn reserved(&self) -> usize {
        self.reserved
    }

    fn join(&mut self, start: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        match self.lines.iter_mut().rev().find(|l| l.starts_with(&start[..2])) {
            Some(last) if last.starts_with(start) => last.push_str(&text),
            _ => self.lines.push(format!("{start}{text}")),
        }
    }
}

fn arrow(dir: Direction) -> char {
    if dir == Direction::Request { '>' } else { '<' }
}

impl Sink for Tape {
    fn begin(&mut self, carrier: Carrier<'_>, id: ExchangeId, head: &Head<'_>) {
        let (dir, text) = match head.start {
            Start::Request { method, target } => {
                let text = format!("{} {}", String::from_utf8_lossy(method), String::from_utf8_lossy(target));
                (Direction::Request, text)
            }
            Start::Response { status } => (Direction::Response, status.to_string()),
            Start::Message { dir, location, fields } => {
                let named = |f: &crate::message::Field<'_>| {
                    let (name, value) = (String::from_utf8_lossy(f.name), String::from_utf8_lossy(f.value));
                    let text = format!(" {}:{name}={value}", fields.as_str());
                    let frame = carrier.position(dir, head.at + u64::from(f.at)).frame;
                    if frame == carrier.position(dir, head.at).frame {
                        text
                    } else {
                        format!("{text}@{frame}")
                    }
                };
                (dir, location.as_str().to_owned() + &head.fields.iter().map(named).collect::<String>())
            }
        };
        let frame = carrier.position(dir, head.at).frame;
        self.lines.push(format!("{}{} {text} @{frame}", id.0, arrow(dir)));
    }

    fn body(&mut self, _: Carrier<'_>, id: ExchangeId, dir: Direction, _: u64, bytes: &[u8]) {
        self.join(&format!("{}{} body ", id.0, arrow(dir)), bytes);
    }

    fn body_gap(&mut self, id: ExchangeId, dir: Direction, len: u64) {
        self.lines.push(format!("{}{} hole {len}", id.0, arrow(dir)));
    }

    fn opened(&mut self, _: Carrier<'_>, _: Direction, _: u64, len: u64) {
        self.opened.push(len);
    }

    fn trailers(&mut self, _: Carrier<'_>, id: ExchangeId, dir: Direction, head: &Head<'_>) {
        for field in head.fields {
            let (name, value) = (String::from_utf8_lossy(field.name), String::from_utf8_lossy(field.value));
            self.lines.push(format!("{}{} trailer {name}={value}", id.0, arrow(dir)));
        }
    }

    fn end(&mut self, id: ExchangeId, dir: Direction, end: End) {
        self.lines.push(format!("{}{} {end:?}", id.0, arrow(dir)));
    }

    fn opaque(&mut self, _: Carrier<'_>, dir: Direction, _: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.opaque[dir.index()] = true;
            self.join(&format!("{0}{0} opaque ", arrow(dir)), bytes);
        }
    }

    fn opaque_gap(&mut self, _: &Transport, dir: Direction, ended: bool) {
        if std::mem::take(&mut self.opaque[dir.index()]) {
            self.lines.push(format!("{0}{0} {1}", arrow(dir), if ended { "over" } else { "hole" }));
        }
    }

    fn encrypted(&mut self, len: u64) {
        self.join("## encrypted ", b"");
        let Some(line) = self.lines.iter_mut().rev().find(|l| l.starts_with("##")) else { return };
        let n: u64 = line.trim_start_matches("## encrypted ").parse().unwrap_or(0);
        *line = format!("## encrypted {}", n + len);
    }

    fn tls(&mut self, _: Carrier<'_>, event: TlsEvent<'_>) {
        self.lines.push(match event {
            TlsEvent::Client(hello) => {
                format!("client {:04x} {}", hello.version, hello.sni.unwrap_or_default())
            }
            TlsEvent::Server(hello) => format!("server {:04x} {:04x}", hello.version, hello.cipher),
            TlsEvent::Certificates(from, list) => {
                format!("certificates {} {:?}", arrow(from), list.iter().map(|c| c.len()).collect::<Vec<_>>())
            }
            TlsEvent::Stapled => "stapled".to_owned(),
            TlsEvent::Ticket => "ticket".to_owned(),
            TlsEvent::Renegotiated => "renegotiated".to_owned(),
            TlsEvent::Alert(alert) => {
                format!("alert {} {} {}", arrow(alert.from), alert.level, alert.description)
            }
            TlsEvent::Opened => "opened".to_owned(),
            TlsEvent::Locked(lock) => format!("locked {lock:?}"),
            TlsEvent::Alpn(name) => format!("alpn {name}"),
            TlsEvent::Established => "established".to_owned(),
            TlsEvent::EarlyData(at) => format!("early data at {at}"),
        });
    }

    fn login(&mut self, login: Login) {
        let Login { position, mechanism, disclosed, starttls, accepted, .. } = login;
        let starttls = starttls.as_str().unwrap_or("-");
        let accepted = accepted.map_or("-", |yes| if yes { "accepted" } else { "refused" });
        let disclosed = disclosed.as_str();
        self.lines.push(format!("login {mechanism} {disclosed} {starttls} {accepted} @{}", position.frame));
    }

    fn is_token(&self, secret: &[u8]) -> bool {
        secret.starts_with(b"eyJ")
    }

    fn protocol(&mut self, depth: usize, name: &'static str) {
        self.lines.push(format!("{depth} {name}"));
    }

    fn reserve(&mut self, bytes: usize) -> bool {
        self.reserved += bytes;
        true
    }

    fn keyring(&self) -> Option<Arc<Keyring>> {
        self.keyring.clone()
    }

    fn release(&mut self, bytes: usize) {
        self.reserved -= bytes;
    }

    fn upgraded(&mut self, depth: usize, name: &'static str) {
        self.lines.push(format!("{depth} becomes {name}"));
    }

    fn weird(&mut self, name: &'static str) {
        self.lines.push(format!("weird {name}"));
    }
}

/// A flow's outermost layer, with a packet counter and clock: each packet is a frame and a second.
pub(super) struct Wire {
    layer: Layer,
    tape: Tape,
    next_id: u64,
    pub(super) frame: u64,
    /// Bytes are delivered in pieces of this size.
    piece: usize,
}

impl Wire {
    pub(super) fn new() -> Self {
        Self::in_pieces(usize::MAX)
    }

    pub(super) fn in_pieces(piece: usize) -> Self {
        let transport =
            Transport { flow: 0, client: None, server: None, channel: Channel::Cleartext, protocol: "" };
        Self { layer: Layer::new(transport, 0), tape: Tape::default(), next_id: 0, frame: 0, piece }
    }

    fn data(&mut self, dir: Direction, bytes: &[u8]) {
        let time = Timestamp::from_parts(self.frame as i64 + 1, 0);
        self.deliver(dir, bytes, Position { time, ..Position::default() });
    }

    /// One of them says with these numbers, a millisecond after what was said before.
    pub(super) fn numbered(&mut self, dir: Direction, bytes: &[u8], numbers: Numbers) {
        let time = Timestamp::from_nanos(self.frame as i64 * 1_000_000);
        self.deliver(dir, bytes, Position { time, numbers, ..Position::default() });
    }

    fn deliver(&mut self, dir: Direction, bytes: &[u8], position: Position) {
        self.frame += 1;
        let position = Position { frame: self.frame, ..position };
        for piece in bytes.chunks(self.piece) {
            self.layer.data(dir, piece, position, &mut self.tape, &mut self.next_id);
        }
    }

    /// One of them says.
    pub(super) fn say(&mut self, dir: Direction, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.data(dir, bytes);
        }
    }

    /// What one of them said was lost.
    pub(super) fn lose(&mut self, dir: Direction, len: u64) {
        self.layer.gap(dir, len, &mut self.tape, &mut self.next_id);
    }

    /// TLS secrets that are known from here on.
    pub(super) fn keys(&mut self, ring: Keyring) -> &mut Self {
        self.tape.keys(ring);
        self
    }

    /// The client says.
    pub(super) fn c(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.data(Direction::Request, bytes.as_ref());
        self
    }

    /// The server says.
    pub(super) fn s(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.data(Direction::Response, bytes.as_ref());
        self
    }

    pub(super) fn c_gap(&mut self, len: u64) -> &mut Self {
        self.layer.gap(Direction::Request, len, &mut self.tape, &mut self.next_id);
        self
    }

    pub(super) fn s_gap(&mut self, len: u64) -> &mut Self {
        self.layer.gap(Direction::Response, len, &mut self.tape, &mut self.next_id);
        self
    }

    pub(super) fn c_end(&mut self, end: End) -> &mut Self {
        self.layer.close(Direction::Request, end, &mut self.tape, &mut self.next_id);
        self
    }

    pub(super) fn s_end(&mut self, end: End) -> &mut Self {
        self.layer.close(Direction::Response, end, &mut self.tape, &mut self.next_id);
        self
    }

    /// Bytes that dissectors have reserved.
    pub(super) fn reserved(&self) -> usize {
        self.tape.reserved
    }

    /// Lengths of the ciphertext that was opened.
    pub(super) fn opened(&self) -> &[u64] {
        &self.tape.opened
    }

    /// What was written since this was last asked, the protocol's name left out.
    pub(super) fn said(&mut self) -> Vec<String> {
        let mut lines = std::mem::take(&mut self.tape.lines);
        lines.retain(|l| l != "0 http1" && l != "0 http2" && l != "0 tls");
        lines
    }

    /// The same, both ends closed before.
    pub(super) fn all(&mut self) -> Vec<String> {
        let said = self.c_end(End::Complete).s_end(End::Complete).said();
        assert_eq!(self.tape.reserved, 0);
        said
    }
}
