//! One stage of content decoding: gzip (RFC 1952) and both kinds of deflate (RFC 1950 and 1951).

use super::{
    content::ContentError,
    meter::{Meter, PIECE, Sink},
};
use crc32fast::Hasher as Crc;
use flate2::{Decompress, FlushDecompress, Status};

/// Memory of an inflater in bytes, roughly: its state, its window and the output buffer.
pub(super) const MEMORY: usize = 80 << 10;

/// An inflater with its window and output buffer, for one body at a time.
pub(super) struct Inflater {
    state: State,
    gzip: bool,
    /// Header bytes collected so far.
    head: [u8; 10],
    have: usize,
    /// Header parts (RFC 1952 FLG) that are still to come.
    flags: u8,
    skip: usize,
    members: u32,
    wrong: bool,
    crc: Crc,
    /// Bytes of the member, modulo 2^32 (RFC 1952 section 2.3.1).
    amount: u32,
    inflate: Decompress,
    buffer: Box<[u8]>,
    meter: Meter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The first bytes: 10 of gzip, 2 that tell the kinds of deflate apart.
    Head,
    ExtraLength,
    Skip,
    Text,
    Body,
    Trailer,
    /// All was decoded; what follows is ignored.
    Done,
}

const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const HEADER_CRC: u8 = 2;

impl Default for Inflater {
    fn default() -> Self {
        Self {
            state: State::Head,
            gzip: true,
            head: [0; 10],
            have: 0,
            flags: 0,
            skip: 0,
            members: 0,
            wrong: false,
            crc: Crc::new(),
            amount: 0,
            inflate: Decompress::new(false),
            buffer: vec![0; PIECE].into_boxed_slice(),
            meter: Meter::default(),
        }
    }
}

impl Inflater {
    /// Readies it for a new body.
    pub(super) fn reset(&mut self, gzip: bool) {
        self.gzip = gzip;
        self.state = State::Head;
        self.have = 0;
        self.flags = 0;
        self.members = 0;
        self.wrong = false;
        self.meter = Meter::default();
    }

    /// Whether it undoes gzip, not deflate.
    pub(super) const fn is_gzip(&self) -> bool {
        self.gzip
    }

    /// Decodes the next bytes.
    pub(super) fn push(
        &mut self,
        mut input: &[u8],
        wire: Option<u64>,
        out: &mut Sink<'_>,
    ) -> Result<(), ContentError> {
        while !input.is_empty() {
            let before = input.len();
            input = match self.state {
                State::Head if self.gzip => self.gzip_head(input)?,
                State::Head => self.deflate_head(input, wire, out)?,
                State::ExtraLength => self.extra_length(input),
                State::Skip => self.skip(input),
                State::Text => self.text(input),
                State::Body => self.body(input, wire, out)?,
                State::Trailer => self.trailer(input),
                State::Done => &[],
            };
            if self.state != State::Body {
                self.meter.taken += (before - input.len()) as u64;
            }
        }
        Ok(())
    }

    /// Ends the body.
    pub(super) fn finish(&mut self) -> Result<(), ContentError> {
        let whole = match self.state {
            State::Done => true,
            State::Head => self.members > 0 || self.have == 0,
            _ => false,
        };
        if !whole {
            return Err(ContentError::Truncated(self.name()));
        }
        if self.wrong { Err(ContentError::Checksum(self.name())) } else { Ok(()) }
    }

    const fn name(&self) -> &'static str {
        if self.gzip { "gzip" } else { "deflate" }
    }

    /// Fills `head` up to `want` bytes; whether it is full, and the rest.
    fn collect<'i>(&mut self, input: &'i [u8], want: usize) -> (bool, &'i [u8]) {
        let n = input.len().min(want.saturating_sub(self.have));
        let (part, rest) = input.split_at(n);
        if let Some(to) = self.head.get_mut(self.have..self.have + n) {
            to.copy_from_slice(part);
        }
        self.have += n;
        (self.have >= want, rest)
    }

    fn gzip_head<'i>(&mut self, input: &'i [u8]) -> Result<&'i [u8], ContentError> {
        let (full, rest) = self.collect(input, 10);
        let magic = [0x1f, 0x8b, 8];
        let seen = self.have.min(3);
        if self.head[..seen] != magic[..seen] {
            if self.members == 0 {
                return Err(ContentError::Malformed(self.name()));
            }
            self.state = State::Done;
            return Ok(&[]);
        }
        if full {
            self.flags = self.head[3] & (EXTRA | NAME | COMMENT | HEADER_CRC);
            self.next_part();
        }
        Ok(rest)
    }

    /// Goes to the next part of the gzip header, or to the body.
    fn next_part(&mut self) {
        self.have = 0;
        self.state = if self.flags & EXTRA != 0 {
            self.flags &= !EXTRA;
            State::ExtraLength
        } else if self.flags & NAME != 0 {
            self.flags &= !NAME;
            State::Text
        } else if self.flags & COMMENT != 0 {
            self.flags &= !COMMENT;
            State::Text
        } else if self.flags & HEADER_CRC != 0 {
            self.flags &= !HEADER_CRC;
            self.skip = 2;
            State::Skip
        } else {
            self.inflate.reset(false);
            self.crc.reset();
            self.amount = 0;
            State::Body
        };
    }

    fn extra_length<'i>(&mut self, input: &'i [u8]) -> &'i [u8] {
        let (full, rest) = self.collect(input, 2);
        if full {
            self.skip = usize::from(u16::from_le_bytes([self.head[0], self.head[1]]));
            if self.skip == 0 {
                self.next_part();
            } else {
                self.state = State::Skip;
            }
        }
        rest
    }

    fn skip<'i>(&mut self, input: &'i [u8]) -> &'i [u8] {
        let n = self.skip.min(input.len());
        self.skip -= n;
        if self.skip == 0 {
            self.next_part();
        }
        &input[n..]
    }

    fn text<'i>(&mut self, input: &'i [u8]) -> &'i [u8] {
        match memchr::memchr(0, input) {
            Some(end) => {
                self.next_part();
                &input[end + 1..]
            }
            None => &[],
        }
    }

    /// Tells a zlib header (RFC 1950 section 2.2) from a bare DEFLATE stream, which many servers send. A bare
    /// stream looks like one only if it begins with a stored block whose padding is not zero.
    fn deflate_head<'i>(
        &mut self,
        input: &'i [u8],
        wire: Option<u64>,
        out: &mut Sink<'_>,
    ) -> Result<&'i [u8], ContentError> {
        let (full, rest) = self.collect(input, 2);
        if full {
            let [method, flags, ..] = self.head;
            let zlib = method & 0x8f == 8 && u16::from_be_bytes([method, flags]).is_multiple_of(31);
            self.inflate.reset(zlib);
            self.state = State::Body;
            self.body(&[method, flags], wire, out)?;
        }
        Ok(rest)
    }

    /// Inflates; gives back what follows the DEFLATE stream.
    fn body<'i>(
        &mut self,
        mut input: &'i [u8],
        wire: Option<u64>,
        out: &mut Sink<'_>,
    ) -> Result<&'i [u8], ContentError> {
        loop {
            let room = self.meter.room();
            let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
            let result = self.inflate.decompress(input, &mut self.buffer[..room], FlushDecompress::None);
            let taken = (self.inflate.total_in() - taken) as usize;
            let given = (self.inflate.total_out() - given) as usize;
            input = input.get(taken..).unwrap_or_default();
            self.meter.taken += taken as u64;
            let piece = self.buffer.get(..given).unwrap_or_default();
            if self.gzip {
                self.crc.update(piece);
                self.amount = self.amount.wrapping_add(piece.len() as u32);
            }
            self.meter.give(piece, wire, out)?;
            match result {
                Ok(Status::StreamEnd) => {
                    self.have = 0;
                    self.state = if self.gzip { State::Trailer } else { State::Done };
                    return Ok(input);
                }
                // The trailer of zlib comes after all data.
                Err(e) if e.message() == Some("incorrect data check") => {
                    self.wrong = true;
                    self.state = State::Done;
                    return Ok(&[]);
                }
                Err(_) => return Err(ContentError::Malformed(self.name())),
                Ok(_) if given < room => return Ok(&[]),
                Ok(_) => {}
            }
        }
    }

    fn trailer<'i>(&mut self, input: &'i [u8]) -> &'i [u8] {
        let (full, rest) = self.collect(input, 8);
        if full {
            let [a, b, c, d, e, f, g, h, ..] = self.head;
            let sum = u32::from_le_bytes([a, b, c, d]);
            self.wrong |=
                sum != self.crc.clone().finalize() || u32::from_le_bytes([e, f, g, h]) != self.amount;
            self.members += 1;
            self.have = 0;
            self.state = State::Head;
        }
        rest
    }
}
