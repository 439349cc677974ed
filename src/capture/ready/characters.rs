//! The characters of a YAML document, and where in it they stand.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are read at once.
const READ: usize = 64 << 10;
/// Lines whose offsets are remembered: the parser looks ahead by one, and across those of a long text.
const LINES: usize = 4096;

/// What the parser's input knows about where it is.
pub(super) struct Marks {
    /// Offsets of the starts of the last lines; the first is that of `line`.
    starts: VecDeque<u64>,
    /// From 1, as the parser counts.
    line: usize,
    /// Offset at which reading ends, so that no interaction is larger than is read at once.
    pub(super) limit: u64,
    /// Why it ended before the input did.
    pub(super) error: Option<String>,
}

impl Marks {
    /// The offset of a place that has only ASCII before it in its line; of the nearest line that is remembered.
    pub(super) fn offset(&self, line: usize, column: usize) -> u64 {
        match self.starts.get(line.saturating_sub(self.line)) {
            Some(start) if line >= self.line => start + column as u64,
            Some(start) => *start,
            None => self.starts.back().copied().unwrap_or(0),
        }
    }

    fn newline(&mut self, offset: u64) {
        self.starts.push_back(offset);
        if self.starts.len() > LINES {
            self.starts.pop_front();
            self.line += 1;
        }
    }
}

/// Characters of a stream in UTF-8; what is none becomes U+FFFD.
pub(super) struct Characters {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// Offset of the next byte in the stream.
    offset: u64,
    /// As it was when last asked for.
    limit: u64,
    ended: bool,
    marks: Arc<Mutex<Marks>>,
}

impl Characters {
    /// Those of `input`, as far as marks that others move allow.
    pub(super) fn new(input: Box<dyn Read + Send>, limit: u64) -> (Self, Arc<Mutex<Marks>>) {
        let marks = Marks { starts: VecDeque::from([0]), line: 1, limit, error: None };
        let marks = Arc::new(Mutex::new(marks));
        let buffer = vec![0; READ];
        let this = Self {
            input,
            buffer,
            at: 0,
            filled: 0,
            offset: 0,
            limit,
            ended: false,
            marks: Arc::clone(&marks),
        };
        (this, marks)
    }

    /// Tries to have four bytes at hand: the longest character.
    fn fill(&mut self) {
        while self.filled - self.at < 4 && !self.ended {
            self.buffer.copy_within(self.at..self.filled, 0);
            self.filled -= self.at;
            self.at = 0;
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.filled += n.min(self.buffer.len() - self.filled),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
                    marks.error = Some(format!("reading stopped: {error}"));
                }
            }
        }
    }
}

impl Iterator for Characters {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.fill();
        let bytes = self.buffer.get(self.at..self.filled)?;
        let (character, len) = match *bytes.first()? {
            // The parser takes a zero for the end.
            0 => (char::REPLACEMENT_CHARACTER, 1),
            ascii @ 1..0x80 => (char::from(ascii), 1),
            _ => {
                let chunk = bytes.get(..4).unwrap_or(bytes).utf8_chunks().next()?;
                match chunk.valid().chars().next() {
                    Some(character) => (character, character.len_utf8()),
                    None => (char::REPLACEMENT_CHARACTER, chunk.invalid().len().max(1)),
                }
            }
        };
        self.at += len;
        self.offset += len as u64;
        if character == '\n' || self.offset >= self.limit {
            let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
            self.limit = marks.limit;
            if self.offset >= self.limit {
                marks.error.get_or_insert_with(|| "the entry is larger than is read at once".to_owned());
                self.ended = true;
                return None;
            }
            if character == '\n' {
                marks.newline(self.offset);
            }
        }
        Some(character)
    }
}
