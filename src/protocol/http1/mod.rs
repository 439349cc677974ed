//! HTTP/1.0 and 1.1 (RFC 9112) on any port: pipelining, interim responses, every body framing, CONNECT and
//! Upgrade, and resynchronisation at the next message head after a gap.

mod body;
mod chunked;
mod framing;
mod head;
mod pairing;
mod resync;

use super::{Dissector, Malformed, Out, Protocol, Upgrade, Verdict};
use crate::limits;
use crate::message::{Direction, End, ExchangeId, Head, Start};
use chunked::Chunked;
use framing::{Framing, framing};
use head::Parsed;
pub use head::parse_head;
use pairing::{Asked, Pairing, Pending};
use resync::starts_message;

/// HTTP/1.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "http1", probe, open: || Box::new(Http1::default()), upgrade: None };

fn probe(bytes: &[u8]) -> Verdict {
    let start = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let bytes = &bytes[start..];
    match (head::is_request(bytes), head::is_response(bytes)) {
        (Some(true), _) => Verdict::Yes(Some(Direction::Request)),
        (_, Some(true)) => Verdict::Yes(Some(Direction::Response)),
        (Some(false), Some(false)) => Verdict::No,
        _ => Verdict::More,
    }
}

#[derive(Default)]
struct Http1 {
    halves: [Half; 2],
    pairs: Pairing,
}

#[derive(Default)]
struct Half {
    state: State,
    /// An incomplete head (or trailer section) and the layer offset of its first byte.
    buf: Vec<u8>,
    buf_at: u64,
    scanned: usize,
    current: Option<ExchangeId>,
    /// The body may not be there, because the request is not known: it may have been HEAD.
    doubtful: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    /// After a CONNECT request, until its response decides.
    AwaitTunnel,
    Tunnel,
    /// Framing is lost; the next message head is searched for.
    Resync,
}

impl Dissector for Http1 {
    fn data(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Malformed> {
        let (mut rest, mut at) = (bytes, out.at());
        while !rest.is_empty() {
            let n = self.step(dir, rest, at, out).clamp(1, rest.len());
            rest = &rest[n..];
            at += n as u64;
        }
        Ok(())
    }

    fn gap(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> Result<(), Malformed> {
        let half = &self.halves[dir.index()];
        let between = half.state == State::Head && half.buf.is_empty();
        self.salvage(dir, out);
        let half = &mut self.halves[dir.index()];
        let id = half.current;
        match &mut half.state {
            State::Length(left) if *left >= len => {
                *left -= len;
                if let Some(id) = id {
                    out.body_gap(id, dir, len);
                }
                if *left == 0 {
                    self.finish(dir, End::Complete, out);
                }
                return Ok(());
            }
            State::Chunked(Chunked::Data { left }) if *left > len => *left -= len,
            State::Chunked(state @ Chunked::Data { .. }) if *state == (Chunked::Data { left: len }) => {
                *state = Chunked::DataEnd;
            }
            State::UntilClose => {}
            State::Tunnel | State::AwaitTunnel => {
                out.inner_gap(dir, len);
                return Ok(());
            }
            _ => half.state = State::Resync,
        }
        if let Some(id) = id {
            out.body_gap(id, dir, len);
        }
        if half.state == State::Resync {
            self.finish(dir, End::Cut, out);
            self.halves[dir.index()].state = State::Resync;
            self.pairs.tear(dir, between);
        }
        Ok(())
    }

    fn close(&mut self, dir: Direction, end: End, out: &mut Out<'_>) {
        self.salvage(dir, out);
        let complete = matches!(self.halves[dir.index()].state, State::UntilClose) && end == End::Complete;
        self.finish(dir, if complete { End::Complete } else { End::Cut }, out);
        self.pairs.close(dir, out);
    }

    fn held(&self, dir: Direction) -> u64 {
        let half = &self.halves[dir.index()];
        if half.buf.is_empty() { u64::MAX } else { half.buf_at }
    }

    fn is_idle(&self) -> bool {
        let idle = |half: &Half| half.state == State::Head && half.buf.is_empty() && half.current.is_none();
        self.halves.iter().all(idle) && self.pairs.is_idle()
    }
}

impl Http1 {
    /// Takes some of `bytes` and returns how many.
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let half = &mut self.halves[dir.index()];
        match &mut half.state {
            State::Head => self.head(dir, bytes, at, out),
            State::Length(_) => self.counted(dir, bytes, at, out),
            State::UntilClose => {
                if let Some(id) = half.current {
                    out.body(id, dir, at, bytes);
                }
                bytes.len()
            }
            State::Chunked(_) => self.chunk(dir, bytes, at, out),
            State::AwaitTunnel | State::Tunnel => {
                // A refused CONNECT is followed by the next request on the same connection.
                let refused = half.state == State::AwaitTunnel && !self.pairs.awaits_tunnel();
                if refused && head::is_request(bytes) != Some(false) {
                    self.halves[dir.index()].state = State::Head;
                    return self.head(dir, bytes, at, out);
                }
                out.inner(dir, at, bytes);
                bytes.len()
            }
            State::Resync => self.resync(dir, bytes, at, out),
        }
    }

    /// Bytes where a head is due.
    fn head(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let half = &mut self.halves[dir.index()];
        if half.buf.is_empty() {
            // RFC 9112 section 2.2: empty lines before a request line are ignored.
            let blank = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            if blank > 0 {
                return blank;
            }
            // Many heads came before, and nearly every other one is whole and flawless: then one pass does it.
            let known = &out.recall(dir, bytes);
            if let Some(len) = known.read(bytes, at, |head| self.begin(head, out)) {
                return len;
            }
            let request = dir == Direction::Request;
            if let Ok(len) =
                head::strict(bytes, at, request, |head| self.begin(&Head { known, ..*head }, out))
            {
                return len;
            }
            let half = &mut self.halves[dir.index()];
            if starts_message(dir, bytes) == Some(false) {
                half.state = State::Resync;
                out.weird("http_no_message_head");
                return self.resync(dir, bytes, at, out);
            }
            let mut scanned = 0;
            let Some(len) = head::end(bytes, &mut scanned) else {
                half.buf.extend_from_slice(bytes);
                half.buf_at = at;
                half.scanned = scanned;
                return bytes.len();
            };
            self.message(dir, &bytes[..len], at, out);
            return len;
        }
        let before = half.buf.len();
        half.buf.extend_from_slice(bytes);
        if let Some(len) = head::end(&half.buf, &mut half.scanned) {
            let buf = std::mem::take(&mut half.buf);
            let start = half.buf_at;
            half.scanned = 0;
            self.message(dir, &buf[..len], start, out);
            return len.saturating_sub(before).max(1);
        }
        if starts_message(dir, &half.buf) == Some(false) {
            // What waited was no beginning; the new bytes may be one.
            half.buf.truncate(before);
            self.give_up("http_no_message_head", dir, out);
            return self.resync(dir, bytes, at, out);
        }
        if half.buf.len() > limits::HEAD_BYTES {
            self.give_up("http_head_too_large", dir, out);
        }
        bytes.len()
    }

    /// What waits to be a head is none.
    fn give_up(&mut self, weird: &'static str, dir: Direction, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        let buf = std::mem::take(&mut half.buf);
        half.scanned = 0;
        half.state = State::Resync;
        out.weird(weird);
        out.opaque(dir, half.buf_at, &buf);
    }

    /// A whole head.
    fn message(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) {
        let parsed = head::parse(bytes, at, dir == Direction::Request, |head| self.begin(head, out));
        match parsed {
            Parsed::Yes { lenient: false } => {}
            Parsed::Yes { lenient: true } => out.weird("http_malformed_head"),
            Parsed::Part(end) => {
                out.weird("http_head_too_large");
                out.opaque(dir, at + end as u64, bytes.get(end..).unwrap_or_default());
            }
            Parsed::No => {
                out.weird("http_malformed_head");
                out.opaque(dir, at, bytes);
                self.halves[dir.index()].state = State::Resync;
            }
        }
    }

    fn begin(&mut self, head: &Head<'_>, out: &mut Out<'_>) {
        match head.start {
            Start::Request { method, .. } => self.request(head, method, out),
            Start::Response { status } => self.response(head, status, out),
            Start::Message { .. } => {}
        }
    }

    fn request(&mut self, head: &Head<'_>, method: &[u8], out: &mut Out<'_>) {
        let position = out.position(Direction::Request, head.at);
        let id = match self.pairs.answer(&position, out) {
            Some(id) => {
                out.begin_in(id, head);
                id
            }
            None => {
                let id = out.begin(head);
                self.pairs.ask(Pending::new(id, method, &position), out);
                id
            }
        };
        let state = match framing(head, out) {
            _ if method == b"CONNECT" => State::AwaitTunnel,
            Framing::Length(n) => State::Length(n),
            Framing::Chunked => State::Chunked(Chunked::START),
            Framing::None | Framing::Unknown => State::Length(0),
        };
        self.begin_body(Direction::Request, id, state, out);
    }

    fn response(&mut self, head: &Head<'_>, status: u16, out: &mut Out<'_>) {
        if matches!(status, 100 | 102..=199) {
            return;
        }
        let asked = self.pairs.asked(head.at, out);
        if status == 101
            && let Asked::By(p) = &asked
            && self.upgrade(p.id, head, out)
        {
            return;
        }
        let (bodiless, connect) = match &asked {
            Asked::By(p) => (p.head, p.connect),
            Asked::Later | Asked::Lost => (false, false),
        };
        let id = match &asked {
            Asked::By(p) => {
                out.begin_in(p.id, head);
                p.id
            }
            Asked::Later | Asked::Lost => out.begin(head),
        };
        match &asked {
            Asked::By(_) => {}
            Asked::Later => self.pairs.wait(id, head.at, out),
            Asked::Lost => out.end(id, Direction::Request, End::Cut),
        }
        let tunnel = status == 101 || connect && (200..300).contains(&status);
        let state = match framing(head, out) {
            _ if tunnel => State::Tunnel,
            _ if bodiless || matches!(status, 204 | 304) => State::Length(0),
            Framing::Length(n) => State::Length(n),
            Framing::Chunked => State::Chunked(Chunked::START),
            Framing::None | Framing::Unknown => State::UntilClose,
        };
        if tunnel {
            out.end(id, Direction::Response, End::Complete);
            self.halves[Direction::Response.index()].state = State::Tunnel;
            self.tunnel_request(out);
            return;
        }
        self.halves[Direction::Response.index()].doubtful = !matches!(asked, Asked::By(_));
        self.begin_body(Direction::Response, id, state, out);
    }

    /// Both sides turn to another protocol. True if that answers the request, as h2c does.
    fn upgrade(&mut self, id: ExchangeId, head: &Head<'_>, out: &mut Out<'_>) -> bool {
        let token = head.field("upgrade").unwrap_or_default();
        let token = token.split(|b| matches!(b, b',' | b'/')).next().unwrap_or_default().trim_ascii();
        let answers = out.upgrade(0, id, &Upgrade { token, response: head });
        if answers {
            self.halves[Direction::Response.index()].state = State::Tunnel;
            self.tunnel_request(out);
        }
        answers
    }

    /// The client's side of a tunnel opens; what it sent early goes inside.
    fn tunnel_request(&mut self, out: &mut Out<'_>) {
        let half = &mut self.halves[Direction::Request.index()];
        half.state = State::Tunnel;
        half.scanned = 0;
        let buf = std::mem::take(&mut half.buf);
        if !buf.is_empty() {
            out.inner(Direction::Request, half.buf_at, &buf);
        }
    }

    fn begin_body(&mut self, dir: Direction, id: ExchangeId, state: State, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        half.current = Some(id);
        half.state = state;
        match state {
            State::Length(0) => self.finish(dir, End::Complete, out),
            State::AwaitTunnel => {
                half.current = None;
                out.end(id, dir, End::Complete);
            }
            _ => {}
        }
    }

    /// The message in progress is over; a head is due.
    fn finish(&mut self, dir: Direction, end: End, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        if !matches!(half.state, State::Tunnel | State::AwaitTunnel) {
            half.state = State::Head;
        }
        if let Some(id) = half.current.take() {
            out.end(id, dir, end);
        }
    }
}
