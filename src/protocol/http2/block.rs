//! Header blocks: gathered from their frames, decoded, and made message heads.

use super::Http2;
use super::frame::{CONTINUATION, END_HEADERS, END_STREAM, Frame, HEADERS, PUSH_PROMISE, unpad};
use super::hpack::{Coding, Entry, Fields, symbols_before};
use crate::limits;
use crate::message::{Direction, Field, Head, Start, Version};
use crate::protocol::{Out, Trail};
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

/// A block and where its bytes lie in the layer.
struct Source<'a> {
    bytes: &'a [u8],
    parts: &'a [(usize, u64)],
    at: u64,
}

impl Source<'_> {
    /// The runs of a range of the block that are contiguous in the layer: offset in the block, layer offset, length.
    fn runs(&self, from: usize, to: usize) -> impl Iterator<Item = (usize, u64, usize)> {
        let first = self.parts.partition_point(|(start, _)| *start <= from).saturating_sub(1);
        let ends = self.parts.iter().skip(first + 1).map(|(start, _)| *start).chain([usize::MAX]);
        self.parts
            .iter()
            .skip(first)
            .zip(ends)
            .take_while(move |((start, _), _)| *start < to.max(from + 1))
            .map(move |((start, at), end)| {
                let begin = from.max(*start);
                (begin, at + (begin - start) as u64, to.min(end).saturating_sub(begin))
            })
    }
}

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
        let mut fields = std::mem::take(&mut self.fields);
        let mut trails = std::mem::take(&mut self.trails);
        let decoder = &mut self.halves[dir.index()].decoder;
        if decoder.decode(bytes, &mut fields).is_err() {
            out.weird("hpack_malformed");
        }
        for (name, met) in [
            ("hpack_state_lost", fields.lost > 0),
            ("hpack_table_limit", fields.large),
            ("http_head_too_large", fields.over),
        ] {
            if met {
                out.weird(name);
            }
        }
        // A promised request is the client's, though the server sends it.
        let to = if open.promised.is_some() { Direction::Request } else { dir };
        let trail = &mut trails[to.index()];
        let source = Source { bytes, parts, at: open.at };
        lay(trail, out.trail(dir), &source, &fields);
        let pseudo = Pseudo::of(&fields);
        let list: SmallVec<[Field<'_>; 32]> = fields
            .list
            .iter()
            .filter(|e| !matches!(fields.name(e), b":method" | b":path" | b":status"))
            .map(|e| Field { name: fields.name(e), value: fields.value(e), at: e.value.start })
            .collect();
        let (start, start_at) = pseudo.start(to, &fields);
        let head = Head { version: Version::Http2, start, start_at, fields: &list, at: 0, raw: &fields.text };
        let streams = &mut self.streams;
        out.decoded(&trails, |out| match open.promised {
            Some(promised) => streams.promised(promised, &head, out),
            None => streams.headers(open.stream, dir, &head, pseudo.any(), open.end_stream, out),
        });
        drop(list);
        self.fields = fields;
        self.trails = trails;
    }
}

/// Says of each byte of the decoded text where it was captured.
fn lay(trail: &mut Trail, outer: &Trail, source: &Source<'_>, fields: &Fields) {
    trail.clear();
    trail.push_derived(0, 0, outer.position(source.at));
    for Entry { value, coded, coding, .. } in &fields.list {
        let (from, to) = (coded.start as usize, coded.end as usize);
        let start = u64::from(value.start);
        for (begin, at, len) in source.runs(from, to) {
            let ahead = (begin - from) as u64;
            match coding {
                Coding::Plain => trail.push_from(start + ahead, outer, at, len as u64),
                Coding::Index if ahead > 0 => {}
                Coding::Index => trail.push_derived(start, 0, outer.position(at)),
                Coding::Huffman => {
                    for (run, position) in outer.runs(at, len as u64) {
                        let passed = begin + (run - at) as usize - from;
                        let string = source.bytes.get(from..to).unwrap_or_default();
                        let before = if passed == 0 { 0 } else { symbols_before(string, passed) as u64 };
                        trail.push_derived(start + before, 0, position);
                    }
                }
            }
        }
    }
}

/// The pseudo-header fields that make a start line (RFC 9113 section 8.3).
struct Pseudo<'a> {
    method: Option<&'a Entry>,
    path: Option<&'a Entry>,
    authority: Option<&'a Entry>,
    status: Option<&'a Entry>,
}

impl<'a> Pseudo<'a> {
    fn of(fields: &'a Fields) -> Self {
        let mut found = Self { method: None, path: None, authority: None, status: None };
        for entry in &fields.list {
            let place = match fields.name(entry) {
                b":method" => &mut found.method,
                b":path" => &mut found.path,
                b":authority" => &mut found.authority,
                b":status" => &mut found.status,
                _ => continue,
            };
            place.get_or_insert(entry);
        }
        found
    }

    fn any(&self) -> bool {
        self.method.is_some() || self.path.is_some() || self.status.is_some()
    }

    /// The start line; what is lost of it is empty, or 0.
    fn start(&self, dir: Direction, fields: &'a Fields) -> (Start<'a>, u32) {
        let value = |entry: Option<&'a Entry>| entry.map_or(&b""[..], |e| fields.value(e));
        if dir == Direction::Response {
            let digits = value(self.status).iter().take(3).filter(|b| b.is_ascii_digit());
            let status = digits.fold(0, |n, b| n * 10 + u16::from(b - b'0'));
            return (Start::Response { status }, self.status.map_or(0, |e| e.value.start));
        }
        // CONNECT has no path (RFC 9113 section 8.5).
        let target = self.path.or(self.authority.filter(|_| value(self.method) == b"CONNECT"));
        let start = Start::Request { method: value(self.method), target: value(target) };
        (start, target.map_or(0, |e| e.value.start))
    }
}
