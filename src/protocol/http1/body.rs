//! Bodies of counted length and of chunks.

use super::{Chunked, Http1, State, head};
use crate::limits;
use crate::message::{Direction, End};
use crate::protocol::Out;
use crate::protocol::http1::chunked::Step;

impl Http1 {
    /// Bytes of a body whose length was announced.
    pub(super) fn counted(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let half = &mut self.halves[dir.index()];
        let State::Length(left) = &mut half.state else { return bytes.len() };
        if std::mem::take(&mut half.doubtful) && head::is_response(bytes) == Some(true) {
            self.finish(dir, End::Complete, out);
            return self.head(dir, bytes, at, out);
        }
        let n = (*left).min(bytes.len() as u64);
        *left -= n;
        let done = *left == 0;
        if let Some(id) = half.current {
            out.body(id, dir, at, &bytes[..n as usize]);
        }
        if done {
            self.finish(dir, End::Complete, out);
        }
        n as usize
    }

    pub(super) fn chunk(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let half = &mut self.halves[dir.index()];
        let State::Chunked(chunked) = &mut half.state else { return bytes.len() };
        if *chunked == Chunked::Trailers {
            return self.trailers(dir, bytes, at, out);
        }
        match chunked.step(bytes) {
            Step::Framing(n) => n,
            Step::Data(n) => {
                if let Some(id) = half.current {
                    out.body(id, dir, at, &bytes[..n]);
                }
                n
            }
            Step::Malformed => {
                out.weird("http_malformed_chunk");
                self.finish(dir, End::Cut, out);
                self.halves[dir.index()].state = State::Resync;
                self.resync(dir, bytes, at, out)
            }
        }
    }

    /// The trailer section: fields up to an empty line, which may be all there is.
    fn trailers(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let half = &mut self.halves[dir.index()];
        let before = half.buf.len();
        if before == 0 {
            half.buf_at = at;
            half.scanned = 0;
        }
        half.buf.extend_from_slice(bytes);
        let empty = match half.buf.as_slice() {
            [b'\n', ..] => Some(1),
            [b'\r', b'\n', ..] => Some(2),
            [b'\r'] => return bytes.len(),
            _ => None,
        };
        let end = empty.or_else(|| head::end(&half.buf, &mut half.scanned));
        let Some(len) = end else {
            if half.buf.len() > limits::HEAD_BYTES {
                out.weird("http_head_too_large");
                half.buf.clear();
                half.scanned = 0;
                self.finish(dir, End::Cut, out);
                self.halves[dir.index()].state = State::Resync;
            }
            return bytes.len();
        };
        let buf = std::mem::take(&mut half.buf);
        half.scanned = 0;
        if let Some(id) = half.current
            && empty.is_none()
        {
            let start = half.buf_at;
            // The trailer section has the grammar of fields; a start line is put before it in name only.
            const LINE: &[u8] = b"GET / HTTP/1.1\r\n";
            let text = [LINE, &buf[..len]].concat();
            let at = start.wrapping_sub(LINE.len() as u64);
            let parsed = head::parse(&text, at, true, |h| out.trailers(id, dir, h));
            if let head::Parsed::Part(end) = parsed {
                out.weird("http_head_too_large");
                out.opaque(dir, at.wrapping_add(end as u64), text.get(end..).unwrap_or_default());
            }
        }
        self.finish(dir, End::Complete, out);
        len.saturating_sub(before).max(1)
    }
}
