//! The streams of a connection of HTTP/2 (RFC 9113 section 5) or HTTP/3 (RFC 9114 section 4.1): each is an exchange.

use crate::limits;
use crate::message::{Direction, End, ExchangeId, Head, Start};
use crate::protocol::{Out, Upgrade};
use std::collections::BTreeMap;

/// The streams that are open, by number.
#[derive(Default)]
pub(super) struct Streams {
    open: BTreeMap<u64, Stream>,
    names: Names,
}

/// What oddities of a connection are called.
struct Names {
    after_end: &'static str,
    second_head: &'static str,
    limit: &'static str,
}

impl Default for Names {
    fn default() -> Self {
        Self { after_end: "http2_after_end", second_head: "http2_second_head", limit: "http2_streams_limit" }
    }
}

struct Stream {
    id: ExchangeId,
    begun: [bool; 2],
    ended: [bool; 2],
    /// What a CONNECT request asks for: the value of `:protocol` (RFC 8441), or nothing.
    connect: Option<Box<[u8]>>,
    /// Its data is that of another layer.
    tunnel: bool,
}

impl Stream {
    /// Whether data of this side belongs to the stream: its head was seen, and its end was not.
    fn has_body(&self, dir: Direction) -> bool {
        self.begun[dir.index()] && !self.ended[dir.index()]
    }
}

impl Streams {
    /// Those of a connection of HTTP/3.
    pub(super) fn http3() -> Self {
        let names = Names {
            after_end: "http3_after_end",
            second_head: "http3_second_head",
            limit: "http3_streams_limit",
        };
        Self { open: BTreeMap::new(), names }
    }

    /// Stream 1 answers a request that is known already.
    pub(super) fn answer(&mut self, id: ExchangeId) {
        let stream = Stream { id, begun: [true, false], ended: [true, false], connect: None, tunnel: false };
        self.open.insert(1, stream);
    }

    /// A message head or trailers; `message` says that there are fields that only a message begins with.
    pub(super) fn headers(
        &mut self,
        number: u64,
        dir: Direction,
        head: &Head<'_>,
        message: bool,
        end_stream: bool,
        out: &mut Out<'_>,
    ) {
        if let Start::Response { status: 100 | 102..=199 } = head.start {
            return;
        }
        let known = self.open.get_mut(&number);
        match known {
            // Nothing may follow the end (RFC 9113 section 5.1): what does stands for itself, so that nothing hides in it.
            Some(stream) if stream.begun[dir.index()] && stream.ended[dir.index()] => {
                out.weird(self.names.after_end);
                let id = out.begin(head);
                for side in [Direction::Request, Direction::Response] {
                    out.end(id, side, End::Cut);
                }
                return;
            }
            Some(stream) if stream.begun[dir.index()] => {
                if message {
                    out.weird(self.names.second_head);
                }
                out.trailers(stream.id, dir, head);
            }
            Some(stream) => {
                stream.begun[dir.index()] = true;
                out.begin_in(stream.id, head);
                if let (Start::Response { status: 200..=299 }, Some(token)) = (head.start, &stream.connect) {
                    stream.tunnel = true;
                    let upgrade = Upgrade { token, response: head };
                    out.upgrade(number, stream.id, &upgrade);
                    for dir in [Direction::Request, Direction::Response] {
                        if !stream.ended[dir.index()] {
                            out.end(stream.id, dir, End::Complete);
                        }
                    }
                }
            }
            None => {
                let id = out.begin(head);
                self.insert(number, id, dir, head, out);
            }
        }
        if end_stream {
            self.end(number, dir, End::Complete, out);
        }
    }

    /// A request that the server makes in the client's place (RFC 9113 section 8.4).
    pub(super) fn promised(&mut self, number: u64, head: &Head<'_>, out: &mut Out<'_>) {
        if self.open.contains_key(&number) {
            out.weird(self.names.second_head);
            return;
        }
        let id = out.begin(head);
        self.insert(number, id, Direction::Request, head, out);
        self.end(number, Direction::Request, End::Complete, out);
    }

    /// Bytes of a body or a tunnel. False if there is no such stream.
    pub(super) fn data(
        &mut self,
        number: u64,
        dir: Direction,
        at: u64,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) -> bool {
        let Some(stream) = self.open.get(&number).filter(|s| s.has_body(dir)) else { return false };
        if stream.tunnel || stream.connect.is_some() && dir == Direction::Request {
            out.inner_of(number, dir, at, bytes);
        } else {
            out.body(stream.id, dir, at, bytes);
        }
        true
    }

    /// One side of a stream is over.
    pub(super) fn end(&mut self, number: u64, dir: Direction, end: End, out: &mut Out<'_>) {
        self.finish(number, [dir], end, out);
    }

    /// A stream was reset (RFC 9113 section 6.4).
    pub(super) fn reset(&mut self, number: u64, out: &mut Out<'_>) {
        self.finish(number, [Direction::Request, Direction::Response], End::Reset, out);
    }

    /// No more bytes of one direction.
    pub(super) fn close(&mut self, dir: Direction, out: &mut Out<'_>) {
        let open: Vec<_> = self.open.keys().copied().collect();
        for number in open {
            self.finish(number, [dir], End::Cut, out);
        }
    }

    /// Bytes of one direction were lost, of whatever streams.
    pub(super) fn hole(&mut self, dir: Direction, out: &mut Out<'_>) {
        for (number, stream) in &self.open {
            if stream.tunnel {
                out.inner_gap_of(*number, dir, 1);
            } else if stream.has_body(dir) {
                out.body_gap(stream.id, dir, 0);
            }
        }
    }

    /// Bytes of one stream were lost.
    pub(super) fn data_hole(&mut self, number: u64, dir: Direction, len: u64, out: &mut Out<'_>) {
        match self.open.get(&number) {
            Some(stream) if stream.tunnel => out.inner_gap_of(number, dir, len),
            Some(stream) if stream.has_body(dir) => out.body_gap(stream.id, dir, len),
            _ => {}
        }
    }

    fn insert(&mut self, number: u64, id: ExchangeId, dir: Direction, head: &Head<'_>, out: &mut Out<'_>) {
        if self.open.len() >= limits::HTTP2_STREAMS
            && let Some(oldest) = self.open.keys().next().copied()
        {
            out.weird(self.names.limit);
            self.finish(oldest, [Direction::Request, Direction::Response], End::Cut, out);
        }
        let mut begun = [false; 2];
        begun[dir.index()] = true;
        let connect = match head.start {
            Start::Request { method: b"CONNECT", .. } => {
                Some(head.field(":protocol").unwrap_or_default().into())
            }
            _ => None,
        };
        self.open.insert(number, Stream { id, begun, ended: [false; 2], connect, tunnel: false });
    }

    fn finish<const N: usize>(&mut self, number: u64, dirs: [Direction; N], end: End, out: &mut Out<'_>) {
        let Some(stream) = self.open.get_mut(&number) else { return };
        for dir in dirs {
            if !std::mem::replace(&mut stream.ended[dir.index()], true) && !stream.tunnel {
                out.end(stream.id, dir, end);
            }
        }
        // A response whose request did not come meanwhile is an exchange of its own.
        let [request, response] = &mut stream.ended;
        if *response && !stream.begun[0] && !std::mem::replace(request, true) {
            out.end(stream.id, Direction::Request, End::Cut);
        }
        if stream.ended == [true; 2] {
            if stream.connect.is_some() {
                out.inner_end(number, end);
            }
            self.open.remove(&number);
        }
    }
}
