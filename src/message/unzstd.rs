//! One stage of content decoding: Zstandard (RFC 8878, as HTTP uses it: RFC 9659).

use super::{
    content::ContentError,
    meter::{Meter, PIECE, Sink},
};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::Read;

/// Largest window of the content coding (RFC 9659 section 3).
const WINDOW: u64 = 8 << 20;
/// Largest block (RFC 8878 section 3.1.1.2.4).
const BLOCK: usize = 128 << 10;
const NAME: &str = "zstd";

/// A Zstandard decoder with its window and output buffer, for one body at a time. It decodes block by block and
/// holds back the window until the frame ends; [`Unzstd::finish`] hands out what a cut frame held back.
pub(super) struct Unzstd {
    state: State,
    frame: FrameDecoder,
    /// The bytes of a header or block that has not wholly arrived.
    pending: Vec<u8>,
    buffer: Box<[u8]>,
    meter: Meter,
    checksum: bool,
    frames: u32,
    wrong: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Block,
    Skip(u32),
    /// What follows the last frame is not one; ignored.
    Done,
}

impl Default for Unzstd {
    fn default() -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(WINDOW);
        Self {
            state: State::Header,
            frame,
            pending: Vec::new(),
            buffer: vec![0; PIECE].into_boxed_slice(),
            meter: Meter::default(),
            checksum: false,
            frames: 0,
            wrong: false,
        }
    }
}

impl Unzstd {
    /// Readies it for a new body.
    pub(super) fn reset(&mut self) {
        self.state = State::Header;
        self.pending.clear();
        self.meter = Meter::default();
        self.frames = 0;
        self.wrong = false;
    }

    /// Decodes the next bytes.
    pub(super) fn push(
        &mut self,
        mut input: &[u8],
        wire: Option<u64>,
        out: &mut Sink<'_>,
    ) -> Result<(), ContentError> {
        while !input.is_empty() {
            match self.state {
                State::Done => return Ok(()),
                State::Skip(left) => {
                    let n = input.len().min(left as usize);
                    input = &input[n..];
                    self.meter.taken += n as u64;
                    let left = left - n as u32;
                    self.state = if left == 0 { State::Header } else { State::Skip(left) };
                    continue;
                }
                State::Header | State::Block => {}
            }
            if self.pending.is_empty() {
                let need = self.need(input)?;
                if input.len() < need {
                    self.pending.extend_from_slice(input);
                    return Ok(());
                }
                let (unit, rest) = input.split_at(need);
                input = rest;
                self.unit(unit, wire, out)?;
            } else {
                let need = self.need(&self.pending)?;
                let n = input.len().min(need.saturating_sub(self.pending.len()));
                self.pending.extend_from_slice(&input[..n]);
                input = &input[n..];
                if self.pending.len() >= self.need(&self.pending)? {
                    let mut unit = std::mem::take(&mut self.pending);
                    let result = self.unit(&unit, wire, out);
                    unit.clear();
                    self.pending = unit;
                    result?;
                }
            }
        }
        Ok(())
    }

    /// Ends the body: a frame that was cut is closed with an empty last block, so that its window comes out.
    pub(super) fn finish(&mut self, out: &mut Sink<'_>) -> Result<(), ContentError> {
        let whole = match self.state {
            State::Header => self.pending.is_empty() || self.frames > 0,
            State::Done => true,
            State::Block => false,
            State::Skip(_) => self.frames > 0,
        };
        if self.state == State::Block {
            let empty = [1, 0, 0, 0, 0, 0, 0];
            let closed = self.frame.decode_blocks(&empty[..], BlockDecodingStrategy::UptoBlocks(1)).is_ok();
            self.state = State::Done;
            if closed {
                self.drain(None, out)?;
            }
        }
        if !whole {
            return Err(ContentError::Truncated(NAME));
        }
        if self.wrong { Err(ContentError::Checksum(NAME)) } else { Ok(()) }
    }

    /// How many bytes the next header or block has, as far as those that are there tell.
    fn need(&self, have: &[u8]) -> Result<usize, ContentError> {
        if self.state == State::Block {
            let &[a, b, c, ..] = have else { return Ok(3) };
            let header = u32::from_le_bytes([a, b, c, 0]);
            let size = if (header >> 1) & 3 == 1 { 1 } else { (header >> 3) as usize };
            if size > BLOCK || (header >> 1) & 3 == 3 {
                return Err(ContentError::Malformed(NAME));
            }
            return Ok(3 + size + if header & 1 == 1 && self.checksum { 4 } else { 0 });
        }
        let &[a, b, c, d, ref rest @ ..] = have else { return Ok(4) };
        match u32::from_le_bytes([a, b, c, d]) {
            0x184D_2A50..=0x184D_2A5F => Ok(8),
            0xFD2F_B528 => {
                let Some(&descriptor) = rest.first() else { return Ok(5) };
                let single = descriptor & 0x20 != 0;
                let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
                let size = [usize::from(single), 2, 4, 8][usize::from(descriptor >> 6)];
                Ok(5 + usize::from(!single) + dictionary + size)
            }
            // Not a frame: `unit` judges.
            _ => Ok(4),
        }
    }

    /// Takes one whole header or block.
    fn unit(&mut self, unit: &[u8], wire: Option<u64>, out: &mut Sink<'_>) -> Result<(), ContentError> {
        let malformed = ContentError::Malformed(NAME);
        self.meter.taken += unit.len() as u64;
        if self.state == State::Header {
            return match *unit {
                [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d] => {
                    let length = u32::from_le_bytes([a, b, c, d]);
                    self.frames += 1;
                    self.state = if length == 0 { State::Header } else { State::Skip(length) };
                    Ok(())
                }
                [0x28, 0xb5, 0x2f, 0xfd, descriptor, ..] => {
                    self.frame.reset(unit).map_err(|_| malformed)?;
                    self.checksum = descriptor & 4 != 0;
                    self.state = State::Block;
                    Ok(())
                }
                _ if self.frames > 0 => {
                    self.state = State::Done;
                    Ok(())
                }
                _ => Err(malformed),
            };
        }
        let finished =
            self.frame.decode_blocks(unit, BlockDecodingStrategy::UptoBlocks(1)).map_err(|_| malformed)?;
        self.drain(wire, out)?;
        if finished {
            let sums = (self.frame.get_checksum_from_data(), self.frame.get_calculated_checksum());
            self.wrong |= self.checksum && sums.0 != sums.1;
            self.frames += 1;
            self.state = State::Header;
        }
        Ok(())
    }

    /// Hands out what the window no longer needs.
    fn drain(&mut self, wire: Option<u64>, out: &mut Sink<'_>) -> Result<(), ContentError> {
        loop {
            let room = self.meter.room();
            let given = self.frame.read(&mut self.buffer[..room]).unwrap_or(0);
            if given == 0 {
                return Ok(());
            }
            self.meter.give(self.buffer.get(..given).unwrap_or_default(), wire, out)?;
        }
    }
}
