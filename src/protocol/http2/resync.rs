//! Holes, and frames that are found again behind them.

use super::frame::{self, Frame, HEADERS};
use super::{Http2, State};
use crate::message::Direction;
use crate::protocol::Out;

impl Http2 {
    /// `len` bytes will never arrive.
    pub(super) fn hole(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) {
        let half = &mut self.halves[dir.index()];
        match &mut half.state {
            State::Data { left, .. } if u64::from(*left) > len => {
                *left -= len as u32;
                let stream = half.frame.stream;
                return self.streams.data_hole(stream.into(), dir, len, out);
            }
            State::Other { left, .. } if u64::from(*left) > len => {
                *left -= len as u32;
                return;
            }
            _ => {}
        }
        // Frames were lost, and with them what headers there were: the state of the compression is not known.
        self.cut_block(dir, out);
        let half = &mut self.halves[dir.index()];
        half.have = 0;
        half.decoder.lose();
        half.state = State::Lost;
        self.streams.hole(dir, out);
    }

    /// What comes is no frame.
    pub(super) fn lost(&mut self, weird: &'static str, dir: Direction, out: &mut Out<'_>) -> usize {
        out.weird(weird);
        self.cut_block(dir, out);
        let half = &mut self.halves[dir.index()];
        half.state = State::Lost;
        half.have = 0;
        half.decoder.lose();
        0
    }

    /// Searches for frames; what lies before them is scanned.
    pub(super) fn resync(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        // A segment often begins with a frame; elsewhere two must follow each other.
        let first = Frame::read(bytes).is_some_and(|f| f.likely() && fits(&f, bytes));
        let found = if first { Some(0) } else { search(bytes) };
        let skip = found.unwrap_or(bytes.len());
        if skip > 0 {
            out.opaque(dir, at, &bytes[..skip]);
        }
        if found.is_some() {
            out.opaque_end(dir);
            self.halves[dir.index()].state = State::Header;
        }
        skip
    }
}

/// Whether what follows the frame, if it is there, is a frame too.
fn fits(frame: &Frame, bytes: &[u8]) -> bool {
    let next = bytes.get(Frame::SIZE + frame.len as usize..).unwrap_or_default();
    Frame::read(next).is_none_or(|next| next.likely())
}

/// Where frames begin: one whole and likely, and behind it another one, or the end.
fn search(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(Frame::SIZE)?;
    memchr::memchr_iter(0, &bytes[..=last]).find(|start| {
        let rest = bytes.get(*start..).unwrap_or_default();
        Frame::read(rest).is_some_and(|frame| {
            let end = Frame::SIZE + frame.len as usize;
            frame.likely()
                && rest.get(end..).is_some_and(|next| match Frame::read(next) {
                    Some(next) => next.likely(),
                    None => next.is_empty() && frame.kind == HEADERS,
                })
        })
    })
}

/// Who sends frames that begin with a message.
pub(super) fn speaker(bytes: &[u8]) -> Option<Direction> {
    let frame = Frame::read(bytes)?;
    let payload = bytes.get(Frame::SIZE..)?;
    if frame.kind == HEADERS { frame::speaker(&frame, payload) } else { None }
}
