//! Header blocks: gathered from their frames, decoded, and made message heads.

use super::Http2;
use super::frame::{CONTINUATION, END_HEADERS, END_STREAM, Frame, HEADERS, PUSH_PROMISE, unpad};
use crate::limits;
use crate::message::{Direction, Version};
use crate::protocol::Out;
use crate::protocol::fields::{Pieces, speak};
use smallvec::SmallVec;

/// The header block of one direction that is being gathered (only one can be, RFC 9113 section 4.3).
#[derive(Default)]
pub(super) struct Block {
    /// The block so far, and where in it each part came from: offset in the block, and in the layer.
    bytes: Vec<u8>,
    parts: SmallVec<[(usize, u64); 2]>,
    /// The payload of the frame in progress.
    payload: Vec<u8>,
    open: Option<Open>,
    frame: Frame,
    frame_at: u64,
    /// CONTINUATION frames so far.
    continued: usize,
}

#[derive(Clone, Copy)]
struct Open {
    stream: u32,
    /// The stream that a PUSH_PROMISE announces.
    promised: Option<u32>,
    end_stream: bool,
    at: u64,
}

impl Block {
    /// Whether a part was seen and the last one was not.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Layer offset of the frame that began the block.
    pub(super) fn at(&self) -> u64 {
        self.open.map_or(u64::MAX, |open| open.at)
    }

    /// Whether that frame may come next.
    pub(super) fn continues(&self, frame: &Frame) -> bool {
        frame.kind == CONTINUATION && self.open.is_some_and(|open| open.stream == frame.stream)
    }

    /// A frame with a part of a block begins. False if the block would be over a bound, or if nothing was begun.
    pub(super) fn begin(&mut self, frame: &Frame, at: u64) -> bool {
        self.frame = *frame;
        self.frame_at = at;
        let continues = self.continues(frame);
        self.continued = if continues { self.continued + 1 } else { 0 };
        let orphan = frame.kind == CONTINUATION && !continues;
        let room = limits::HEADER_BLOCK.saturating_sub(self.bytes.len());
        if orphan || frame.len as usize > room || self.continued > limits::CONTINUATIONS {
            self.clear();
            return false;
        }
        true
    }

    pub(super) fn gather(&mut self, bytes: &[u8]) {
        self.payload.extend_from_slice(bytes);
    }

    pub(super) fn take_payload(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.payload)
    }

    /// Keeps a small buffer for the next frame.
    pub(super) fn give_back(&mut self, mut payload: Vec<u8>) {
        if payload.capacity() <= KEEP {
            payload.clear();
            self.payload = payload;
        }
    }

    pub(super) fn clear(&mut self) {
        self.open = None;
        self.bytes.clear();
        if self.bytes.capacity() > KEEP {
            self.bytes = Vec::new();
        }
        self.parts.clear();
        self.payload.clear();
        self.continued = 0;
    }
}

/// Largest buffer that is kept between blocks.
const KEEP: usize = 4096;

impl Http2 {
    /// The whole payload of a frame with a part of a header block.
    pub(super) fn part(&mut self, dir: Direction, payload: &[u8], out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        let block = &mut half.block;
        let (frame, frame_at) = (block.frame, block.frame_at);
        let promise = if frame.kind == PUSH_PROMISE { 4 } else { 0 };
        let Some(range) = unpad(&frame, payload, promise) else {
            out.weird("http2_bad_frame");
            block.clear();
            half.decoder.lose();
            return;
        };
        let part_at = frame_at + (Frame::SIZE + range.start) as u64;
        let promised = payload.get(..range.start).and_then(|p| p.last_chunk()).filter(|_| promise > 0);
        let open = block.open.unwrap_or(Open {
            stream: frame.stream,
            promised: promised.map(|id| u32::from_be_bytes(*id) & 0x7fff_ffff),
            end_stream: frame.kind == HEADERS && frame.has(END_STREAM),
            at: frame_at,
        });
        let bytes = payload.get(range).unwrap_or_default();
        if block.open.is_none() && frame.has(END_HEADERS) {
            let parts = [(0, part_at)];
            return self.block(dir, open, bytes, &parts, out);
        }
        block.open = Some(open);
        if !bytes.is_empty() {
            block.parts.push((block.bytes.len(), part_at));
            block.bytes.extend_from_slice(bytes);
        }
        if frame.has(END_HEADERS) {
            self.end_block(dir, open, out);
        }
    }

    /// The block that is being gathered will not be completed: what is there of it is used.
    pub(super) fn cut_block(&mut self, dir: Direction, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        let gathering =
            half.state == super::State::Header || matches!(half.state, super::State::Block { .. });
        if gathering && !half.block.payload.is_empty() {
            let (at, payload) = (half.block.frame_at + Frame::SIZE as u64, half.block.take_payload());
            out.opaque(dir, at, &payload);
            out.opaque_end(dir);
            half.decoder.lose();
        }
        if let Some(open) = half.block.open {
            self.end_block(dir, open, out);
            self.halves[dir.index()].decoder.lose();
        }
        self.halves[dir.index()].block.clear();
    }

    fn end_block(&mut self, dir: Direction, open: Open, out: &mut Out<'_>) {
        let block = &mut self.halves[dir.index()].block;
        let (bytes, parts) = (std::mem::take(&mut block.bytes), std::mem::take(&mut block.parts));
        block.clear();
        self.block(dir, open, &bytes, &parts, out);
    }

    /// A whole header block.
    fn block(&mut self, dir: Direction, open: Open, bytes: &[u8], parts: &[(usize, u64)], out: &mut Out<'_>) {
        let Self { halves, streams, fields, trails, .. } = self;
        if halves[dir.index()].decoder.decode(bytes, fields).is_err() {
            out.weird("hpack_malformed");
        }
        if fields.lost > 0 {
            out.weird("hpack_state_lost");
        }
        if fields.large {
            out.weird("hpack_table_limit");
        }
        // A promised request is the client's, though the server sends it.
        let to = if open.promised.is_some() { Direction::Request } else { dir };
        let source = Pieces { bytes, parts, at: open.at };
        speak(Version::Http2, (dir, to), &source, (fields, trails), out, |head, any, out| {
            match open.promised {
                Some(promised) => streams.promised(promised.into(), head, out),
                None => streams.headers(open.stream.into(), dir, head, any, open.end_stream, out),
            }
        });
        out.block(dir, bytes, parts);
    }
}
