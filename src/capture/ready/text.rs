//! The text of a JSON document as it is read: values are passed, and kept only if they are asked for and within bounds.

use super::Broken;
use crate::limits;
use memchr::memchr2;
use std::io::{ErrorKind, Read};
use std::ops::Range;

/// Bytes that are read at once.
const READ: usize = 256 << 10;
/// Room that the buffer keeps behind a large value.
const KEEP: usize = 4 << 20;

/// A value that was passed.
pub(super) struct Passed {
    pub(super) len: u64,
    /// Where it stands in the buffer until more is read, if it was to be kept and is within the bounds.
    pub(super) text: Range<usize>,
    /// Why it is not.
    pub(super) over: Option<&'static str>,
}

/// The document as far as it was read.
pub(super) struct Text {
    input: Box<dyn Read + Send>,
    /// Bytes that were read and may still be needed.
    buffer: Vec<u8>,
    /// What comes next in it.
    pub(super) at: usize,
    /// Where in it begins what is to be kept.
    mark: Option<usize>,
    /// Offset in the document of its first byte.
    base: u64,
}

impl Text {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input, buffer: Vec::new(), at: 0, mark: None, base: 0 }
    }

    pub(super) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// The text of what was just passed.
    pub(super) fn of(&self, passed: &Passed) -> &[u8] {
        self.buffer.get(passed.text.clone()).unwrap_or_default()
    }

    /// Reads more; what is done with is forgotten. False at the end of the input.
    fn more(&mut self) -> Result<bool, Broken> {
        let gone = self.mark.unwrap_or(self.at);
        self.buffer.drain(..gone);
        self.at -= gone;
        self.mark = self.mark.map(|_| 0);
        self.base += gone as u64;
        if self.buffer.capacity() > KEEP && self.buffer.len() < KEEP / 2 {
            self.buffer.shrink_to(KEEP);
        }
        let filled = self.buffer.len();
        self.buffer.resize(filled + READ, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(filled + read.as_ref().map_or(0, |n| *n));
        let offset = self.base + filled as u64;
        read.map(|n| n > 0).map_err(|error| Broken { offset, cause: format!("reading stopped: {error}") })
    }

    /// The next byte that is no white space (and no byte order mark); `None` at the end of the input.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Broken> {
        let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf);
        loop {
            let rest = self.rest();
            if let Some(skip) = rest.iter().position(|b| !space(b)) {
                self.at += skip;
                return Ok(self.rest().first().copied());
            }
            self.at = self.buffer.len();
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Passes the value that begins here; `None` if the input ends in it.
    pub(super) fn value(&mut self, keep: bool) -> Result<Option<Passed>, Broken> {
        let offset = self.offset();
        self.mark = keep.then_some(self.at);
        let (mut walk, mut over) = (Walk::default(), None);
        loop {
            let (taken, ended) = walk.take(self.rest());
            self.at += taken;
            let len = self.offset() - offset;
            if keep && over.is_none() {
                over = if len > limits::ENTRY_BYTES as u64 {
                    Some("the entry is larger than is read at once")
                } else if walk.values > limits::ENTRY_VALUES {
                    Some("the entry has more values than are read at once")
                } else {
                    None
                };
            }
            if over.is_some() {
                self.mark = None;
            }
            if ended || !self.more()? && walk.is_scalar() {
                let text = self.mark.take().map_or(0..0, |from| from..self.at);
                return Ok(Some(Passed { len, text, over }));
            }
            if self.rest().is_empty() {
                self.mark = None;
                return Ok(None);
            }
        }
    }
}

/// How far into a value the walk has come.
#[derive(Default)]
struct Walk {
    depth: usize,
    string: bool,
    escaped: bool,
    /// A number or a word began at depth 0.
    scalar: bool,
    /// Values and member names, about.
    values: usize,
}

impl Walk {
    /// Whether it is in a value that has no end of its own.
    fn is_scalar(&self) -> bool {
        self.scalar && self.depth == 0 && !self.string
    }

    /// Goes on: the bytes taken, and whether the value ends behind them.
    fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.escaped {
                self.escaped = false;
            } else if self.string {
                let rest = bytes.get(at..).unwrap_or_default();
                let Some(end) = memchr2(b'"', b'\\', rest) else { return (bytes.len(), false) };
                at += end;
                if rest.get(end) == Some(&b'\\') {
                    self.escaped = true;
                } else {
                    self.string = false;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
            } else {
                match byte {
                    b'"' | b'{' | b'[' | b'}' | b']' | b',' | b':' if self.is_scalar() => return (at, true),
                    b'"' => self.string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    b',' | b':' => self.values += 1,
                    _ => self.scalar |= self.depth == 0,
                }
            }
            at += 1;
        }
        (at, false)
    }
}
