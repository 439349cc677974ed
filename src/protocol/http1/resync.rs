//! Where framing is lost: the next message head is searched for, and half a head is made use of.

use super::{Http1, State, head};
use crate::message::Direction;
use crate::protocol::Out;
use memchr::memmem;

impl Http1 {
    /// Searches for the next message head; what lies before it is scanned.
    pub(super) fn resync(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let found = candidates(dir, bytes).find(|i| may_start(dir, &bytes[*i..]));
        if found.is_none() && dir == Direction::Response && self.tunnel_unanswered() {
            // The answer to the CONNECT is lost, but this can only be what is inside the tunnel.
            self.halves[dir.index()].state = State::Tunnel;
            out.inner(dir, at, bytes);
            return bytes.len();
        }
        let skip = found.unwrap_or(bytes.len());
        if skip > 0 {
            out.opaque(dir, at, &bytes[..skip]);
        }
        if found.is_some() {
            out.opaque_end(dir);
            self.halves[dir.index()].state = State::Head;
            self.pairs.doubt();
        }
        if skip == 0 { self.head(dir, bytes, at, out) } else { skip }
    }

    /// Whether the one request without an answer is a CONNECT.
    fn tunnel_unanswered(&self) -> bool {
        self.halves[Direction::Request.index()].state == State::AwaitTunnel && self.pairs.awaits_only_tunnel()
    }

    /// An incomplete head that will not be completed: its whole lines are a message all the same.
    pub(super) fn salvage(&mut self, dir: Direction, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        half.scanned = 0;
        let buf = std::mem::take(&mut half.buf);
        let at = half.buf_at;
        if buf.is_empty() {
            return;
        }
        let lines = memchr::memrchr(b'\n', &buf).map_or(0, |i| i + 1);
        if half.state == State::Head && lines > 0 && starts_message(dir, &buf) == Some(true) {
            out.weird("http_head_cut");
            self.message(dir, &[&buf[..lines], b"\r\n"].concat(), at, out);
            out.opaque(dir, at + lines as u64, &buf[lines..]);
            let half = &mut self.halves[dir.index()];
            if !matches!(half.state, State::Tunnel | State::AwaitTunnel) {
                half.state = State::Resync;
            }
        } else {
            out.opaque(dir, at, &buf);
        }
    }
}

/// Whether `bytes` begin a message of that direction; `None` if they are too short to tell.
pub(super) fn starts_message(dir: Direction, bytes: &[u8]) -> Option<bool> {
    match dir {
        Direction::Request => head::is_request(bytes),
        Direction::Response => head::is_response(bytes),
    }
}

/// Whether a head can begin here; of requests cut within their method only usual ones are hoped for.
fn may_start(dir: Direction, bytes: &[u8]) -> bool {
    match starts_message(dir, bytes) {
        Some(starts) => starts,
        None => dir == Direction::Response || bytes.first().is_some_and(|b| !b.is_ascii_lowercase()),
    }
}

/// Where a message head could begin: at the start of what arrived, and where the text says so.
fn candidates(dir: Direction, bytes: &[u8]) -> Box<dyn Iterator<Item = usize> + '_> {
    match dir {
        Direction::Response => {
            let inside = memmem::find_iter(bytes, b"HTTP/1.");
            let tail = bytes.len().saturating_sub(12);
            let partial = memchr::memchr_iter(b'H', &bytes[tail..]).map(move |i| tail + i);
            Box::new(inside.chain(partial))
        }
        Direction::Request if memmem::find(bytes, b" HTTP/1.").is_none() => Box::new(std::iter::once(0)),
        Direction::Request => Box::new(
            std::iter::once(0)
                .chain(memchr::memchr_iter(b'\n', bytes).map(|i| i + 1))
                .filter(|i| *i < bytes.len()),
        ),
    }
}
