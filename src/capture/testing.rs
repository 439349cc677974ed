//! Captures as the unit tests of this module write and read them.

use std::io::{Cursor, Read};

use super::{Block, CaptureError, Comment, Damage, FileId, More, SecretsBlock, Source, open_stream};

/// A frame with its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) number: u64,
    pub(super) nanos: i64,
    pub(super) offset: u64,
    pub(super) link: u16,
    pub(super) wire_len: u32,
    pub(super) data: Vec<u8>,
}

/// All that a capture gives.
#[derive(Debug, Default)]
pub(super) struct All {
    pub(super) frames: Vec<Seen>,
    pub(super) secrets: Vec<(u64, SecretsBlock)>,
    pub(super) comments: Vec<Comment>,
    pub(super) damage: Vec<Damage>,
}

/// Hands out at most `.1` bytes a call.
pub(super) struct Dribble(pub(super) Cursor<Vec<u8>>, pub(super) usize);

impl Read for Dribble {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = buf.len().min(self.1);
        self.0.read(&mut buf[..n])
    }
}

pub(super) fn drain(source: &mut dyn Source) -> Result<All, CaptureError> {
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
        all.comments.append(&mut block.comments);
        all.damage.append(&mut block.damage);
        if more == More::End {
            assert_eq!(source.fill(&mut block).unwrap(), More::End);
            assert!(block.frames.is_empty() && block.damage.is_empty());
            return Ok(all);
        }
    }
}

pub(super) fn read_all(data: &[u8]) -> Result<All, CaptureError> {
    let input = Box::new(Cursor::new(data.to_vec()));
    drain(open_stream(input, FileId(7))?.as_mut())
}

/// Writes a classic capture.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    big: bool,
    pub(super) seconds: u32,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new(0xa1b2_c3d4, false, 65_535, 1)
    }
}

impl Writer {
    pub(super) fn new(magic: u32, big: bool, snaplen: u32, link: u32) -> Self {
        let mut writer = Self { bytes: Vec::new(), big, seconds: 1_700_000_000 };
        writer.word(magic);
        for half in [2u16, 4] {
            writer.bytes.extend(if big { half.to_be_bytes() } else { half.to_le_bytes() });
        }
        [0, 0, snaplen, link].into_iter().for_each(|word| writer.word(word));
        writer
    }

    pub(super) fn word(&mut self, word: u32) {
        self.bytes.extend(if self.big { word.to_be_bytes() } else { word.to_le_bytes() });
    }

    pub(super) fn record(&mut self, fraction: u32, captured: u32, wire: u32, data: &[u8]) {
        [self.seconds, fraction, captured, wire].into_iter().for_each(|word| self.word(word));
        self.bytes.extend(data);
        self.seconds = self.seconds.wrapping_add(1);
    }

    pub(super) fn frame(&mut self, data: &[u8]) {
        self.record(5, data.len() as u32, data.len() as u32, data);
    }
}

/// Writes blocks of one byte order.
#[derive(Clone, Copy)]
pub(super) struct Order(pub(super) bool);

impl Order {
    pub(super) fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|w| if self.0 { w.to_be_bytes() } else { w.to_le_bytes() }).collect()
    }

    pub(super) fn halves(self, halves: &[u16]) -> Vec<u8> {
        halves.iter().flat_map(|h| if self.0 { h.to_be_bytes() } else { h.to_le_bytes() }).collect()
    }

    pub(super) fn block(self, kind: u32, body: &[&[u8]]) -> Vec<u8> {
        let mut body = body.concat();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = body.len() as u32 + 12;
        [self.words(&[kind, len]), body, self.words(&[len])].concat()
    }

    pub(super) fn section(self) -> Vec<u8> {
        self.block(
            0x0a0d_0d0a,
            &[&self.words(&[0x1a2b_3c4d]), &self.halves(&[1, 0]), &self.words(&[u32::MAX; 2])],
        )
    }

    pub(super) fn interface(self, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        self.block(1, &[&self.halves(&[link, 0]), &self.words(&[snaplen]), options])
    }

    pub(super) fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = [&self.halves(&[code, value.len() as u16])[..], value].concat();
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }

    pub(super) fn enhanced(self, interface: u32, ticks: u64, wire: u32, data: &[u8]) -> Vec<u8> {
        let head = [interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, wire];
        self.block(6, &[&self.words(&head), data])
    }
}
