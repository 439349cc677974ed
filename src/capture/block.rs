//! The recycled unit of work: a buffer of capture bytes and what lies in it.

use crate::time::Timestamp;

use super::{Comment, Damage, FileId, Frame, FrameRef, SecretsBlock, Skipped};

const PAGE: usize = 4096;

/// Room beyond what is asked for that a recycled buffer may keep.
const KEEP: usize = 2 << 20;

/// A byte buffer whose first byte is page-aligned: a `read` into a buffer that starts a few bytes into a
/// page is up to three times slower on some processors.
#[derive(Debug, Default)]
pub struct PageBuf {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl PageBuf {
    /// Room in bytes.
    pub fn capacity(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Filled bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is filled.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets the content, keeps the room.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Makes room for at least `capacity` bytes in all; keeps the content.
    pub fn reserve_total(&mut self, capacity: usize) {
        if self.capacity() >= capacity {
            return;
        }
        let mut bytes = vec![0; capacity + PAGE];
        let start = bytes.as_ptr().align_offset(PAGE).min(PAGE);
        bytes[start..start + self.len].copy_from_slice(self.filled());
        *self = Self { bytes, start, len: self.len };
    }

    /// Starts over with `prefix`, which is placed so that the room behind it, at least `room` bytes, begins
    /// on a page boundary: the carried tail of a block must not push every later `read` off alignment.
    pub fn restart(&mut self, prefix: &[u8], room: usize) {
        let front = prefix.len().next_multiple_of(PAGE);
        let total = front + room + PAGE;
        // A buffer that one huge frame blew up is given back.
        if self.bytes.len() < total || self.bytes.len() > total + KEEP {
            self.bytes = vec![0; total];
        }
        let aligned = self.bytes.as_ptr().align_offset(PAGE).min(PAGE);
        self.start = aligned + front - prefix.len();
        self.len = prefix.len();
        self.bytes[self.start..self.start + self.len].copy_from_slice(prefix);
    }

    /// The filled bytes.
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }

    /// The room behind the filled bytes; call [`PageBuf::advance`] for what was written.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start + self.len..]
    }

    /// Declares `n` bytes of the room as filled.
    pub fn advance(&mut self, n: usize) {
        self.len = (self.len + n).min(self.capacity());
    }

    /// Appends bytes, growing if needed.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.reserve_total(self.len + bytes.len());
        self.room()[..bytes.len()].copy_from_slice(bytes);
        self.advance(bytes.len());
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

/// Frames of one input, in the order of capture, and what travels with them.
#[derive(Debug, Default)]
pub struct Block {
    /// The input that all of it comes from.
    pub file: FileId,
    /// Capture bytes; [`FrameRef::start`] points into them.
    pub bytes: PageBuf,
    /// Offset of the first of them in the (decompressed) capture.
    pub base: u64,
    /// How many of them are done with: what is behind them comes again with the next block.
    pub used: usize,
    /// The frames.
    pub frames: Vec<FrameRef>,
    /// Time of the first frame that a filter saw, whether it kept it or not; none without a filter.
    pub seen_from: Option<Timestamp>,
    /// Side arena: payloads that are not contiguous in `bytes` (joined fragments). Written by the decoder.
    pub side: Vec<u8>,
    /// TLS secrets, in order.
    pub secrets: Vec<SecretsBlock>,
    /// Comments that speak to this program, in order.
    pub comments: Vec<Comment>,
    /// Bytes that are no frame and nothing else that is known.
    pub skipped: Vec<Skipped>,
    /// Exchanges that were never packets: they enter at `message`, as if a dissector had emitted them.
    pub exchanges: Vec<crate::message::ReadyExchange>,
    /// Damage found while filling.
    pub damage: Vec<Damage>,
    /// Packet time goes on although no packet says so (live sources): idle flows expire behind this block.
    pub clock: Option<Timestamp>,
    /// The clock jumped behind this block: what is open ends with it, and time begins anew.
    pub cut: bool,
}

impl Block {
    /// Forgets the content, keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
        self.seen_from = None;
        self.side.clear();
        self.secrets.clear();
        self.comments.clear();
        self.skipped.clear();
        self.exchanges.clear();
        self.damage.clear();
        (self.base, self.used) = (0, 0);
        (self.clock, self.cut) = (None, false);
    }

    /// Time of the first frame that was read.
    pub fn begins(&self) -> Option<Timestamp> {
        self.seen_from.or_else(|| self.frames.first().map(|frame| frame.time))
    }

    /// The frame at `index` of [`Block::frames`].
    pub fn frame(&self, index: usize) -> Option<Frame<'_>> {
        let r = self.frames.get(index)?;
        let data = self.bytes.filled().get(r.start as usize..r.start as usize + r.len as usize)?;
        Some(Frame {
            number: r.number,
            time: r.time,
            offset: r.offset,
            link: r.link,
            data,
            wire_len: r.wire_len,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffer_is_aligned_and_keeps_its_content_when_it_grows() {
        let mut buf = PageBuf::default();
        buf.extend(b"hello");
        buf.reserve_total(100_000);
        assert_eq!(buf.filled(), b"hello");
        assert_eq!(buf.filled().as_ptr().align_offset(PAGE), 0);
        buf.truncate(2);
        assert_eq!(buf.filled(), b"he");
    }

    #[test]
    fn room_behind_a_carried_tail_is_aligned() {
        let mut buf = PageBuf::default();
        for len in [0, 1, 700, PAGE, PAGE + 1, 100_000, 3] {
            let tail = vec![7; len];
            buf.restart(&tail, 50_000);
            assert_eq!(buf.filled(), tail);
            assert_eq!(buf.room().as_ptr().align_offset(PAGE), 0);
            assert!(buf.room().len() >= 50_000);
        }
    }
}
