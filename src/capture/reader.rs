//! The streaming reader: one path for a file, a pipe and a decompressor.
//!
//! Bytes are read into the block itself and frames are found in place; only the record that a block's end
//! cuts in two is copied, to the front of the next block.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::damages::Damages;
use super::{Block, CaptureError, Comment, Damage, FileId, FrameRef, More, SecretsBlock, Skipped, Source};
use crate::limits::BLOCK_BYTES;

/// A capture that is read as a stream of bytes.
pub(super) struct FileSource {
    input: Box<dyn Read + Send>,
    format: Box<dyn Format>,
    file: FileId,
    /// Bytes that were read and are not consumed yet.
    carry: Vec<u8>,
    /// Offset of the next block's first byte in the capture.
    base: u64,
    /// Frames so far.
    number: u64,
    /// The damage behind which we look for a later record.
    hole: Option<(u64, String)>,
    damages: Damages,
    /// The input has no more bytes.
    ended: bool,
    /// Nothing is left to be told.
    done: bool,
    progress: Option<(u64, Arc<AtomicU64>)>,
}

impl FileSource {
    /// Reads `input` as `format`. `carry` are bytes that were already read; they begin at offset `base`.
    pub(super) fn new(
        input: Box<dyn Read + Send>,
        format: Box<dyn Format>,
        file: FileId,
        carry: Vec<u8>,
        base: u64,
    ) -> Self {
        Self {
            input,
            format,
            file,
            carry,
            base,
            number: 0,
            hole: None,
            damages: Damages::default(),
            ended: false,
            done: false,
            progress: None,
        }
    }

    /// Reports progress as the count in `consumed` out of `total` bytes.
    pub(super) fn with_progress(mut self, total: u64, consumed: Arc<AtomicU64>) -> Self {
        self.progress = Some((total, consumed));
        self
    }

    /// Reads until `block` holds `want` more bytes or the input ends.
    fn read(&mut self, block: &mut Block, want: usize) {
        let mut left = want;
        while left > 0 && !self.ended {
            let room = block.bytes.room();
            let size = room.len().min(left);
            match self.input.read(&mut room[..size]) {
                Ok(0) => self.ended = true,
                Ok(n) => {
                    let n = n.min(size);
                    block.bytes.advance(n);
                    left -= n;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    // What was read before stays good; a decompressor cannot go on behind its own damage.
                    let offset = self.base + block.bytes.len() as u64;
                    self.damage(block, offset, format!("reading stopped: {error}"), None);
                    self.ended = true;
                }
            }
        }
    }

    fn damage(&mut self, block: &mut Block, offset: u64, cause: String, lost: Option<u64>) {
        self.damages.add(Damage { file: self.file, offset, cause, lost }, &mut block.damage);
    }

    /// Consumes what `block` holds; the number of bytes that are consumed.
    fn consume(&mut self, block: &mut Block) -> usize {
        let mut at = 0;
        loop {
            if let Some((offset, _)) = &self.hole {
                let from = offset.saturating_sub(self.base) as usize;
                let (to, found) = match self.format.find(block.bytes.filled(), at, self.ended) {
                    Search::Found(to) => (to, true),
                    Search::Beyond(to) => (to, false),
                };
                at = if self.ended && !found { block.bytes.len() } else { to };
                block.skipped.push(Skipped { range: from..at, damaged: true });
                if !found && !self.ended {
                    return at;
                }
                if let Some((offset, cause)) = self.hole.take() {
                    let lost = (self.base + at as u64).saturating_sub(offset);
                    self.damage(block, offset, cause, Some(lost));
                }
            }
            let mut out = Out {
                frames: &mut block.frames,
                secrets: &mut block.secrets,
                comments: &mut block.comments,
                skipped: &mut block.skipped,
                faults: Vec::new(),
                base: self.base,
                number: self.number,
            };
            let (to, stop) = self.format.take(block.bytes.filled(), at, self.ended, &mut out);
            self.number = out.number;
            for fault in out.faults {
                let start = (fault.offset - self.base) as usize;
                block.skipped.push(Skipped { range: start..start + fault.lost as usize, damaged: true });
                self.damage(block, fault.offset, fault.cause.to_owned(), Some(fault.lost));
            }
            at = to;
            let left = block.bytes.len() - at;
            match stop {
                Stop::Partial(_) if left == 0 => return at,
                Stop::Partial(need) if !self.ended => {
                    if at > 0 {
                        return at;
                    }
                    // One record is larger than the block: grow as its bytes really come, not as it says.
                    let total = need.min(2 * left).max(left + 1);
                    block.bytes.reserve_total(total);
                    self.read(block, total - left);
                }
                Stop::Partial(_) => {
                    self.hole = Some((self.base + at as u64, "cut in the middle of a record".to_owned()));
                    at += 1;
                }
                Stop::Damaged(cause) => {
                    self.hole = Some((self.base + at as u64, cause));
                    at += 1;
                }
            }
        }
    }
}

impl Source for FileSource {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        block.clear();
        block.file = self.file;
        if self.done {
            return Ok(More::End);
        }
        block.bytes.restart(&self.carry, BLOCK_BYTES);
        self.carry.clear();
        self.read(block, BLOCK_BYTES);
        let at = self.consume(block);
        self.carry.extend_from_slice(&block.bytes.filled()[at..]);
        (block.base, block.used) = (self.base, at);
        self.base += at as u64;
        if !self.ended {
            return Ok(More::Yes);
        }
        self.done = true;
        self.damages.sum_up(self.file, &mut block.damage);
        Ok(More::End)
    }

    fn awaits_secrets(&self) -> bool {
        self.format.may_hold_secrets()
    }

    fn progress(&self) -> Option<(u64, u64)> {
        let (total, consumed) = self.progress.as_ref()?;
        Some((*total, consumed.load(Ordering::Relaxed).min(*total)))
    }
}

/// A file format: finds records in bytes. `last` says that no bytes follow those given.
pub(super) trait Format: Send {
    /// Takes whole records from `bytes[at..]`: the first byte not taken, and why it stopped there.
    fn take(&mut self, bytes: &[u8], at: usize, last: bool, out: &mut Out<'_>) -> (usize, Stop);

    /// Finds the first place at or behind `at` that looks like the start of a record.
    fn find(&self, bytes: &[u8], at: usize, last: bool) -> Search;

    /// Whether secrets can stand between its records.
    fn may_hold_secrets(&self) -> bool {
        false
    }
}

/// Why a format stopped taking records.
pub(super) enum Stop {
    /// The record is not whole; with its header it has this many bytes, or more.
    Partial(usize),
    /// No record can begin like this.
    Damaged(String),
}

/// What a search for a later record gave.
pub(super) enum Search {
    /// A plausible record begins here.
    Found(usize),
    /// None begins before here; from here on more bytes are needed to tell.
    Beyond(usize),
}

/// A record that is well framed and wrong inside: it is skipped.
pub(super) struct Fault {
    /// Offset of the record in the capture.
    pub(super) offset: u64,
    /// What is wrong.
    pub(super) cause: &'static str,
    /// Its length.
    pub(super) lost: u64,
}

/// Where a format puts what it takes.
pub(super) struct Out<'b> {
    pub(super) frames: &'b mut Vec<FrameRef>,
    pub(super) secrets: &'b mut Vec<SecretsBlock>,
    pub(super) comments: &'b mut Vec<Comment>,
    pub(super) skipped: &'b mut Vec<Skipped>,
    pub(super) faults: Vec<Fault>,
    /// Offset of the block's first byte in the capture.
    pub(super) base: u64,
    /// Number of the last frame.
    pub(super) number: u64,
}

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor};

    use super::*;
    use crate::capture::damages::ALIKE;
    use crate::capture::testing::{All, Dribble, Order, Writer, drain, read_all};
    use crate::capture::{fuzz_capture_file, open_stream};

    fn dribble(data: &[u8], step: usize) -> All {
        let input = Dribble(Cursor::new(data.to_vec()), step);
        drain(open_stream(Box::new(input), FileId(7)).unwrap().as_mut()).unwrap()
    }

    #[test]
    fn blocks_and_short_reads_change_nothing() {
        let mut writer = Writer::default();
        for i in 0..4000usize {
            writer.frame(&vec![i as u8; i * 37 % 1500]);
        }
        let whole = read_all(&writer.bytes).unwrap();
        assert!(writer.bytes.len() > 2 * BLOCK_BYTES);
        assert_eq!((whole.frames.len(), whole.damage.len()), (4000, 0));
        for (i, frame) in whole.frames.iter().enumerate() {
            assert_eq!((frame.number, &frame.data), (i as u64 + 1, &vec![i as u8; i * 37 % 1500]));
            assert!(writer.bytes[frame.offset as usize..].starts_with(&frame.data));
        }
        for step in [701, 65_536] {
            let slow = dribble(&writer.bytes, step);
            assert_eq!(slow.frames, whole.frames);
        }
        assert_eq!(dribble(&writer.bytes[..3000], 1).frames, read_all(&writer.bytes[..3000]).unwrap().frames);
    }

    #[test]
    fn a_frame_may_be_larger_than_a_block() {
        let large = vec![9; 5 * BLOCK_BYTES + 3];
        let mut writer = Writer::new(0xa1b2_c3d4, false, u32::MAX, 1);
        writer.frame(b"before");
        writer.frame(&large);
        writer.frame(b"after");
        let all = read_all(&writer.bytes).unwrap();
        assert_eq!(all.frames.iter().map(|f| f.data.len()).collect::<Vec<_>>(), [6, large.len(), 5]);
        assert_eq!(all.damage, []);
        let order = Order(true);
        let data = [order.section(), order.interface(1, 0, &[]), order.enhanced(0, 1, 1, &large)].concat();
        assert_eq!(read_all(&data).unwrap().frames[0].data, large);
    }

    #[test]
    fn a_length_alone_allocates_nothing() {
        let mut writer = Writer::new(0xa1b2_c3d4, false, u32::MAX, 1);
        writer.record(0, 16 << 20, 16 << 20, b"short");
        let mut source = open_stream(Box::new(Cursor::new(writer.bytes)), FileId(0)).unwrap();
        let mut block = Block::default();
        assert_eq!(source.fill(&mut block).unwrap(), More::End);
        assert_eq!((block.frames.len(), block.damage.len()), (0, 1));
        assert!(block.bytes.capacity() < 2 * BLOCK_BYTES);
    }

    #[test]
    fn an_error_in_the_middle_keeps_what_was_read() {
        struct Broken(Cursor<Vec<u8>>);
        impl Read for Broken {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                match self.0.read(buf)? {
                    0 => Err(io::Error::other("disk on fire")),
                    n => Ok(n),
                }
            }
        }
        let mut writer = Writer::default();
        (0..100).for_each(|_| writer.frame(&[0; 90]));
        let input = Broken(Cursor::new(writer.bytes));
        let all = drain(open_stream(Box::new(input), FileId(7)).unwrap().as_mut()).unwrap();
        assert_eq!(all.frames.len(), 100);
        assert_eq!(all.damage[0].cause, "reading stopped: disk on fire");
    }

    #[test]
    fn many_damages_are_summed_up() {
        let mut writer = Writer::default();
        for i in 0..300 {
            (0..3).for_each(|_| writer.frame(&[i as u8; 40]));
            writer.bytes.extend([0xff; 20]);
        }
        let all = read_all(&writer.bytes).unwrap();
        assert_eq!(all.frames.len(), 900);
        assert_eq!(all.damage.len() as u64, ALIKE + 1);
        assert_eq!(all.damage.iter().filter_map(|d| d.lost).sum::<u64>(), 300 * 20);
    }

    /// Not a proof, a smoke test: the fuzzer has the same entry.
    #[test]
    fn mutated_captures_never_panic() {
        let mut classic = Writer::default();
        (0..20).for_each(|i| classic.frame(&vec![i; usize::from(i) * 7]));
        let order = Order(false);
        let mut ng = [order.section(), order.interface(1, 0, &order.option(9, &[9]))].concat();
        (0..20).for_each(|i| ng.extend(order.enhanced(0, i, 9, &vec![3; i as usize * 5])));
        ng.extend(order.block(10, &[&order.words(&[1, 3]), b"key"]));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gzip, &ng).unwrap();
        let mut random = 0x2545_f491_4f6c_dd1du64;
        for seed in [classic.bytes, ng, gzip.finish().unwrap()] {
            assert!(fuzz_capture_file(&seed) == 20);
            for _ in 0..400 {
                let mut data = seed.clone();
                for _ in 0..3 {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    let at = random as usize % data.len();
                    match random >> 60 {
                        0 => data.truncate(at.max(1)),
                        1 => drop(data.drain(..at / 2)),
                        2 => data.splice(at..at, [0xff; 5]).for_each(drop),
                        bit => data[at] ^= 1 << (bit % 8),
                    }
                }
                fuzz_capture_file(&data);
            }
        }
    }
}
