//! HTTP/2 (RFC 9113) on any port: told by its preface, by frames of a connection joined midway, or reached by Upgrade.
//!
//! Frames are followed as they arrive: data is passed on at once, header blocks wait until they are whole. Peers that
//! break the rules are followed as far as frames can be told from other bytes.

mod block;
mod frame;
mod hpack;
mod resync;
mod rewrite;

use super::fields::Fields;
use super::streams::Streams;
use super::{Dissector, Malformed, Out, Protocol, Trail, Upgrade, Upgraded, Verdict};
use crate::message::{Direction, End};
use block::Block;
use frame::{DATA, END_STREAM, Frame, PADDED, PREFACE, RST_STREAM, SETTINGS};
use hpack::Decoder;

pub use rewrite::rewrite_block;

/// HTTP/2.
pub(super) const PROTOCOL: Protocol =
    Protocol { name: "http2", probe, open: || Box::new(Http2::default()), upgrade: Some(upgrade) };

fn probe(bytes: &[u8]) -> Verdict {
    if bytes.starts_with(PREFACE) {
        return Verdict::Yes(Some(Direction::Request));
    }
    if PREFACE.starts_with(bytes) {
        return Verdict::More;
    }
    match frame::starts(bytes) {
        Some(true) => Verdict::Yes(resync::speaker(bytes)),
        Some(false) => Verdict::No,
        None => Verdict::More,
    }
}

/// `h2c` (RFC 7540 section 3.2): the answer to the request that asked for it comes on stream 1.
fn upgrade(upgrade: &Upgrade<'_>) -> Option<Upgraded> {
    let h2c = upgrade.token.eq_ignore_ascii_case(b"h2c");
    h2c.then(|| Upgraded { dissector: Box::new(Http2 { upgraded: true, ..Http2::default() }), answers: true })
}

#[derive(Default)]
struct Http2 {
    halves: [Half; 2],
    streams: Streams,
    /// Stream 1 is that of the request that asked for the upgrade.
    upgraded: bool,
    /// Reused for every header block.
    fields: Fields,
    trails: [Trail; 2],
}

/// One direction.
#[derive(Default)]
struct Half {
    state: State,
    /// An incomplete frame header, and the layer offset of its first byte.
    header: [u8; Frame::SIZE],
    have: usize,
    frame_at: u64,
    frame: Frame,
    block: Block,
    decoder: Decoder,
    /// The stream that the last data of no known stream was for.
    stray: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing was seen.
    #[default]
    Start,
    /// In the client's preface, which is there up to this offset.
    Preface(usize),
    Header,
    /// At the pad length of a data frame.
    PadLength,
    /// In data: bytes of it and of its padding that are to come.
    Data {
        left: u32,
        pad: u32,
    },
    /// In a payload with a part of a header block, which is gathered.
    Block {
        left: u32,
    },
    /// In a payload that is of no interest, or that is scanned as opaque bytes.
    Other {
        left: u32,
        scan: bool,
    },
    /// Framing is lost; the next frames are searched for.
    Lost,
}

impl Dissector for Http2 {
    fn data(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Malformed> {
        if std::mem::take(&mut self.upgraded)
            && let Some(id) = out.via()
        {
            self.streams.answer(id);
        }
        let (mut rest, mut at) = (bytes, out.at());
        while !rest.is_empty() {
            let n = self.step(dir, rest, at, out).min(rest.len());
            rest = &rest[n..];
            at += n as u64;
        }
        Ok(())
    }

    fn gap(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> Result<(), Malformed> {
        self.hole(dir, len, out);
        Ok(())
    }

    fn close(&mut self, dir: Direction, _: End, out: &mut Out<'_>) {
        self.cut_block(dir, out);
        self.streams.close(dir, out);
    }

    fn held(&self, dir: Direction) -> u64 {
        let half = &self.halves[dir.index()];
        match half.state {
            _ if half.block.is_open() => half.block.at(),
            State::Header if half.have == 0 => u64::MAX,
            State::Header | State::Block { .. } | State::Preface(_) => half.frame_at,
            _ => u64::MAX,
        }
    }
}

impl Http2 {
    /// Takes some of `bytes` and returns how many; none at a change of state only.
    fn step(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let half = &mut self.halves[dir.index()];
        match half.state {
            State::Start => {
                half.frame_at = at;
                let first = dir == Direction::Request && bytes.first() == PREFACE.first();
                half.state = if first { State::Preface(0) } else { State::Header };
                if !first && (dir == Direction::Request || bytes.get(3).is_some_and(|kind| *kind != SETTINGS))
                {
                    // Joined midway.
                    half.decoder.lose();
                    if Frame::read(bytes).is_some_and(|f| !f.likely()) {
                        half.state = State::Lost;
                    }
                }
                0
            }
            State::Preface(have) => self.preface(dir, have, bytes, at, out),
            State::Header => self.header(dir, bytes, at, out),
            State::PadLength => {
                let (left, pad) =
                    (half.frame.len.saturating_sub(1), bytes.first().copied().unwrap_or(0).into());
                if pad > left {
                    return self.lost("http2_bad_frame", dir, out);
                }
                half.state = State::Data { left: left - pad, pad };
                if left == pad {
                    self.end_data(dir, out)
                }
                1
            }
            State::Data { left: 0, pad } => {
                let n = pad.min(bytes.len() as u32);
                half.state = if n == pad { State::Header } else { State::Data { left: 0, pad: pad - n } };
                n as usize
            }
            State::Data { left, pad } => {
                let n = left.min(bytes.len() as u32);
                half.state = State::Data { left: left - n, pad };
                self.stream_data(dir, at, &bytes[..n as usize], out);
                if n == left {
                    self.end_data(dir, out);
                }
                n as usize
            }
            State::Block { left } => {
                let n = left.min(bytes.len() as u32);
                half.state = State::Block { left: left - n };
                half.block.gather(&bytes[..n as usize]);
                if n == left {
                    half.state = State::Header;
                    let payload = half.block.take_payload();
                    self.part(dir, &payload, out);
                    self.halves[dir.index()].block.give_back(payload);
                }
                n as usize
            }
            State::Other { left, scan } => {
                let n = left.min(bytes.len() as u32);
                half.state = if n == left { State::Header } else { State::Other { left: left - n, scan } };
                if scan {
                    out.opaque(dir, at, &bytes[..n as usize]);
                    if n == left {
                        out.opaque_end(dir);
                    }
                }
                n as usize
            }
            State::Lost => self.resync(dir, bytes, at, out),
        }
    }

    fn preface(&mut self, dir: Direction, have: usize, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let half = &mut self.halves[dir.index()];
        let rest = PREFACE.get(have..).unwrap_or_default();
        let n = rest.len().min(bytes.len());
        if rest[..n] != bytes[..n] {
            out.opaque(dir, half.frame_at, &PREFACE[..have]);
            half.decoder.lose();
            return self.lost("http2_no_preface", dir, out);
        }
        half.state = if n == rest.len() { State::Header } else { State::Preface(have + n) };
        half.frame_at = at + n as u64;
        n
    }

    /// Bytes where a frame header is due.
    fn header(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let half = &mut self.halves[dir.index()];
        let (frame, n) = match Frame::read(bytes) {
            Some(frame) if half.have == 0 => {
                half.frame_at = at;
                (frame, Frame::SIZE)
            }
            _ => {
                if half.have == 0 {
                    half.frame_at = at;
                }
                let n = (Frame::SIZE - half.have).min(bytes.len());
                half.header[half.have..half.have + n].copy_from_slice(&bytes[..n]);
                half.have += n;
                if half.have < Frame::SIZE {
                    return n;
                }
                (Frame::parse(half.header), n)
            }
        };
        half.have = 0;
        half.frame = frame;
        if !frame.valid() {
            // The part that came before stands for itself, the rest is searched.
            out.opaque(dir, half.frame_at, half.header.get(..Frame::SIZE - n).unwrap_or_default());
            return self.lost("http2_bad_frame", dir, out);
        }
        self.frame(dir, frame, bytes.get(n..).unwrap_or_default(), out) + n
    }

    /// A frame whose payload begins in `bytes`; says how much of it was taken already.
    fn frame(&mut self, dir: Direction, frame: Frame, bytes: &[u8], out: &mut Out<'_>) -> usize {
        let half = &mut self.halves[dir.index()];
        let left = frame.len;
        if half.block.is_open() && !half.block.continues(&frame) {
            // RFC 9113 section 6.10: nothing may come between the parts of a block.
            out.weird("http2_block_interrupted");
            self.cut_block(dir, out);
        }
        let half = &mut self.halves[dir.index()];
        match frame.kind {
            DATA => {
                half.state = match frame.has(PADDED) {
                    true => State::PadLength,
                    false => State::Data { left, pad: 0 },
                };
                if left == 0 {
                    self.end_data(dir, out);
                }
                return 0;
            }
            frame::HEADERS | frame::PUSH_PROMISE | frame::CONTINUATION => {
                if !half.block.begin(&frame, half.frame_at) {
                    out.weird("http2_block_limit");
                    half.decoder.lose();
                    half.state = State::Other { left, scan: true };
                } else if let Some(payload) = bytes.get(..left as usize) {
                    half.state = State::Header;
                    self.part(dir, payload, out);
                    return payload.len();
                } else {
                    half.state = State::Block { left };
                }
            }
            RST_STREAM => {
                self.streams.reset(frame.stream.into(), out);
                half.state = State::Other { left, scan: false };
            }
            SETTINGS => half.state = State::Other { left, scan: false },
            // Debug data of GOAWAY, and extensions: there may be text in them.
            _ => half.state = State::Other { left, scan: left > 8 },
        }
        if left == 0 {
            half.state = State::Header;
        }
        0
    }

    fn stream_data(&mut self, dir: Direction, at: u64, bytes: &[u8], out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        let stream = half.frame.stream;
        if !self.streams.data(stream.into(), dir, at, bytes, out) {
            if half.stray != stream {
                half.stray = stream;
                out.opaque_end(dir);
            }
            out.opaque(dir, at, bytes);
        }
    }

    /// The data of a frame is over, its padding is not.
    fn end_data(&mut self, dir: Direction, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        if matches!(half.state, State::Data { pad: 0, .. } | State::PadLength) {
            half.state = State::Header;
        }
        if half.frame.has(END_STREAM) {
            self.streams.end(half.frame.stream.into(), dir, End::Complete, out);
        }
    }
}

#[doc(hidden)]
/// Header blocks in both directions of one compression state: the first byte of each piece is its length.
pub fn fuzz_hpack(data: &[u8]) {
    let (mut decoder, mut fields) = (Decoder::default(), Fields::default());
    let mut rest = data;
    while let Some((len, more)) = rest.split_first() {
        let (block, next) = more.split_at(more.len().min((*len).into()));
        let _ = decoder.decode(block, &mut fields);
        assert!(fields.list.len() <= crate::limits::HEAD_FIELDS);
        rest = next;
    }
}
