//! One stage of content decoding: Zstandard (RFC 8878, as HTTP uses it: RFC 9659).

use super::{
    content::ContentError,
    meter::{Meter, PIECE, Sink},
};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::{borrow::Cow, io::Read};

/// Largest window of the content coding (RFC 9659 section 3).
const WINDOW: u64 = 8 << 20;
/// Largest block (RFC 8878 section 3.1.1.2.4).
const BLOCK: usize = 128 << 10;
/// Memory of a stage beside its window, in bytes: tables, the sequences and literals of a block, output.
const WORK: usize = 512 << 10;
const NAME: &str = "zstd";

/// A Zstandard decoder with its window and output buffer, for one body at a time. It decodes block by block and
/// holds back the window until the frame ends; [`Unzstd::finish`] hands out what a cut frame held back.
pub(super) struct Unzstd {
    state: State,
    frame: FrameDecoder,
    /// The window of the frame. The decoder itself is told of [`BLOCK`] bytes at most: it says only how much it
    /// holds beyond that.
    window: usize,
    /// Most bytes that were held back in this body.
    peak: usize,
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
        frame.set_max_window_size(BLOCK as u64);
        Self {
            state: State::Header,
            frame,
            window: 0,
            peak: 0,
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
        self.peak = 0;
        self.pending.clear();
        self.meter = Meter::default();
        self.frames = 0;
        self.wrong = false;
    }

    /// Memory that this body has taken, in bytes, roughly. A window that has grown stays as it is.
    pub(super) const fn memory(&self) -> usize {
        WORK + self.peak
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
            self.flush(None, out)?;
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
                    let (window, narrow) = narrow(unit).ok_or(malformed.clone())?;
                    self.window = window;
                    self.frame.reset(&narrow[..]).map_err(|_| malformed)?;
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
        if !finished {
            self.peak = self.peak.max(self.held());
            if self.meter.over(self.held() as u64, wire.unwrap_or(self.meter.taken)) {
                self.flush(wire, out)?;
                return Err(ContentError::Bomb);
            }
        }
        self.drain(finished, wire, out)?;
        if finished {
            let sums = (self.frame.get_checksum_from_data(), self.frame.get_calculated_checksum());
            self.wrong |= self.checksum && sums.0 != sums.1;
            self.frames += 1;
            self.state = State::Header;
        }
        Ok(())
    }

    /// Closes a frame that goes no further with an empty last block, so that its window comes out.
    fn flush(&mut self, wire: Option<u64>, out: &mut Sink<'_>) -> Result<(), ContentError> {
        let empty = [1, 0, 0, 0, 0, 0, 0];
        let closed = self.frame.decode_blocks(&empty[..], BlockDecodingStrategy::UptoBlocks(1)).is_ok();
        self.state = State::Done;
        if closed { self.drain(true, wire, out) } else { Ok(()) }
    }

    /// Bytes that an open frame holds back; less than a block counts as none.
    fn held(&self) -> usize {
        match self.frame.can_collect() {
            0 => 0,
            more => more + self.window.min(BLOCK),
        }
    }

    /// Hands out what the window no longer needs, all of it when the frame is `finished`.
    fn drain(&mut self, finished: bool, wire: Option<u64>, out: &mut Sink<'_>) -> Result<(), ContentError> {
        loop {
            let spare =
                if finished { self.frame.can_collect() } else { self.held().saturating_sub(self.window) };
            let room = self.meter.room().min(spare);
            let given = self.frame.read(&mut self.buffer[..room]).unwrap_or(0);
            if given == 0 {
                return Ok(());
            }
            self.meter.give(self.buffer.get(..given).unwrap_or_default(), wire, out)?;
        }
    }
}

/// The window of a frame by its header (RFC 8878 section 3.1.1.1), and the same header with a window of [`BLOCK`]
/// bytes at most. `None` if the window is larger than the content coding has.
fn narrow(header: &[u8]) -> Option<(usize, Cow<'_, [u8]>)> {
    let (&descriptor, fields) = header.get(4..)?.split_first()?;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let (window, dictionary) = if descriptor & 0x20 == 0 {
        let (&window, rest) = fields.split_first()?;
        let base = 1_u64 << (10 + (window >> 3));
        (base + base / 8 * u64::from(window & 7), rest.get(..dictionary)?)
    } else {
        let (dictionary, size) = fields.split_at_checked(dictionary)?;
        let size = match *size {
            [a] => a.into(),
            [a, b] => 256 + u64::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]).into(),
            _ => u64::from_le_bytes(size.try_into().ok()?),
        };
        (size, dictionary)
    };
    if window > WINDOW {
        return None;
    }
    if window <= BLOCK as u64 {
        return Some((window as usize, Cow::Borrowed(header)));
    }
    // Neither a single segment nor a content size; a window of 2^(10 + 7) bytes.
    let start = [&header[..4], &[descriptor & 0x0f, 7 << 3]].concat();
    Some((window as usize, Cow::Owned([&start, dictionary].concat())))
}
