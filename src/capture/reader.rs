//! The streaming reader: one path for a file, a pipe and a decompressor.
//!
//! Bytes are read into the block itself and frames are found in place; only the record that a block's end
//! cuts in two is copied, to the front of the next block.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Block, CaptureError, Damage, FileId, FrameRef, More, SecretsBlock, Source};
use crate::limits::BLOCK_BYTES;

/// Places of damage that are told one by one; a file of noise must not make a report of noise.
const DAMAGES: u64 = 100;

/// A capture that is read as a stream of bytes.
pub struct FileSource {
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
    damages: u64,
    /// Places and bytes of damage beyond [`DAMAGES`].
    untold: (u64, u64),
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
            damages: 0,
            untold: (0, 0),
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
        self.damages += 1;
        if self.damages <= DAMAGES {
            block.damage.push(Damage { file: self.file, offset, cause, lost });
        } else {
            self.untold.0 += 1;
            self.untold.1 = self.untold.1.saturating_add(lost.unwrap_or(0));
        }
    }

    /// Consumes what `block` holds; the number of bytes that are consumed.
    fn consume(&mut self, block: &mut Block) -> usize {
        let mut at = 0;
        loop {
            if self.hole.is_some() {
                let (to, found) = match self.format.find(block.bytes.filled(), at, self.ended) {
                    Search::Found(to) => (to, true),
                    Search::Beyond(to) => (to, false),
                };
                at = if self.ended && !found { block.bytes.len() } else { to };
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
                faults: Vec::new(),
                base: self.base,
                number: self.number,
            };
            let (to, stop) = self.format.take(block.bytes.filled(), at, self.ended, &mut out);
            self.number = out.number;
            for fault in out.faults {
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
        self.base += at as u64;
        if !self.ended {
            return Ok(More::Yes);
        }
        self.done = true;
        if let (places @ 1.., lost) = self.untold {
            let cause = format!("{places} more damaged places");
            block.damage.push(Damage { file: self.file, offset: self.base, cause, lost: Some(lost) });
        }
        Ok(More::End)
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
    pub(super) faults: Vec<Fault>,
    /// Offset of the block's first byte in the capture.
    pub(super) base: u64,
    /// Number of the last frame.
    pub(super) number: u64,
}

/// A capture's bytes as tests need them.
#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::capture::open_stream;

    /// A frame with its bytes.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct Seen {
        pub(crate) number: u64,
        pub(crate) nanos: i64,
        pub(crate) offset: u64,
        pub(crate) link: u16,
        pub(crate) wire_len: u32,
        pub(crate) data: Vec<u8>,
    }

    /// All that a capture gives.
    #[derive(Debug, Default)]
    pub(crate) struct All {
        pub(crate) frames: Vec<Seen>,
        pub(crate) secrets: Vec<(u64, SecretsBlock)>,
        pub(crate) damage: Vec<Damage>,
    }

    /// Hands out at most `.1` bytes a call.
    pub(crate) struct Dribble(pub(crate) std::io::Cursor<Vec<u8>>, pub(crate) usize);

    impl Read for Dribble {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let n = buf.len().min(self.1);
            self.0.read(&mut buf[..n])
        }
    }

    pub(crate) fn drain(source: &mut dyn Source) -> Result<All, CaptureError> {
        let mut all = All::default();
        let mut block = Block::default();
        loop {
            let more = source.fill(&mut block)?;
            for index in 0..block.frames.len() {
                let frame = block.frame(index).unwrap();
                all.frames.push(Seen {
                    number: frame.number,
                    nanos: frame.time.nanos(),
                    offset: frame.offset,
                    link: frame.link.0,
                    wire_len: frame.wire_len,
                    data: frame.data.to_vec(),
                });
            }
            let before = all.frames.len() as u64;
            all.secrets.extend(block.secrets.drain(..).map(|s| (before, s)));
            all.damage.append(&mut block.damage);
            if more == More::End {
                assert_eq!(source.fill(&mut block).unwrap(), More::End);
                assert!(block.frames.is_empty() && block.damage.is_empty());
                return Ok(all);
            }
        }
    }

    pub(crate) fn read_all(data: &[u8]) -> Result<All, CaptureError> {
        let input = Box::new(std::io::Cursor::new(data.to_vec()));
        drain(open_stream(input, FileId(7))?.as_mut())
    }
}
