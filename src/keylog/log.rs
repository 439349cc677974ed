//! Whole key logs, and pieces of them as they grow.

use super::{BadLine, Entry, parse_line};
use crate::limits::{KEYLOG_COMPLAINTS, KEYLOG_LINE, KEYLOG_SECRETS};
use std::io::{self, BufRead};

/// What a key log, or a piece of one, holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KeyLog {
    /// Its secrets in order, the last [`KEYLOG_SECRETS`] at most.
    pub entries: Vec<Entry>,
    /// The first lines that are of no use: number from 1, and why.
    pub bad: Vec<(u64, BadLine)>,
    /// All such lines.
    pub bad_lines: u64,
    /// Lines.
    pub lines: u64,
    /// Secrets that were left out because there are too many.
    pub dropped: u64,
}

impl KeyLog {
    /// Reads a key log to its end. No line is ever held that is longer than a line can be.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn read(mut input: impl BufRead) -> io::Result<Self> {
        let mut log = Self::default();
        let mut lines = Lines::default();
        loop {
            let chunk = match input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                lines.finish(&mut log);
                return Ok(log);
            }
            lines.push(chunk, &mut log);
            let n = chunk.len();
            input.consume(n);
        }
    }

    /// Reads a key log that is in memory.
    pub fn parse(text: &[u8]) -> Self {
        let mut log = Self::default();
        let mut lines = Lines::default();
        lines.push(text, &mut log);
        lines.finish(&mut log);
        log
    }

    fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        match parse_line(line) {
            Ok(None) => {}
            Ok(Some(entry)) => {
                // The newest are the likeliest to be needed; halves go, so that no line costs much.
                if self.entries.len() >= 2 * KEYLOG_SECRETS {
                    self.trim();
                }
                self.entries.push(entry);
            }
            Err(cause) => {
                self.bad_lines += 1;
                if self.bad.len() < KEYLOG_COMPLAINTS {
                    self.bad.push((self.lines, cause));
                }
            }
        }
    }

    fn trim(&mut self) {
        let surplus = self.entries.len().saturating_sub(KEYLOG_SECRETS);
        self.entries.drain(..surplus);
        self.dropped += surplus as u64;
    }
}

/// Cuts pieces of a key log into lines; the last, unfinished one waits for the next piece.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Reads the lines that end in `piece`.
    pub fn push(&mut self, piece: &[u8], log: &mut KeyLog) {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = &after[1..];
            if self.partial.is_empty() {
                log.line(line);
            } else {
                self.keep(line);
                log.line(&std::mem::take(&mut self.partial));
            }
        }
        self.keep(rest);
    }

    /// The last line, if it has no end.
    pub fn finish(&mut self, log: &mut KeyLog) {
        if !self.partial.is_empty() {
            log.line(&std::mem::take(&mut self.partial));
        }
        log.trim();
    }

    /// One byte more than a line can have is kept, which shows that it is too long.
    fn keep(&mut self, bytes: &[u8]) {
        let room = (KEYLOG_LINE + 1).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

/// Reads arbitrary bytes as a key log, whole and in pieces, which must come to the same: the entry of the fuzzer.
#[doc(hidden)]
pub fn fuzz_key_log(data: &[u8]) {
    let whole = KeyLog::parse(data);
    let (mut log, mut lines) = (KeyLog::default(), Lines::default());
    for piece in data.chunks(1 + data.len() % 61) {
        lines.push(piece, &mut log);
    }
    lines.finish(&mut log);
    assert_eq!(whole, log);
    let mut ring = super::Keyring::default();
    let count = whole.entries.len();
    let last = whole.entries.last().cloned();
    ring.add(whole.entries);
    assert!(ring.len() <= count);
    if let Some(last) = last {
        assert_eq!(ring.get(last.label, &last.id), Some(&last.secret));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keylog::Label;

    fn line(n: u32) -> String {
        format!("CLIENT_RANDOM {n:064x} {}", "0f".repeat(48))
    }

    #[test]
    fn bad_lines_are_counted_and_lose_nothing_around_them() {
        let text = format!("# log\r\n{}\r\nnonsense\n\n{}\nCLIENT_RANDOM 00", line(1), line(2));
        let log = KeyLog::parse(text.as_bytes());
        assert_eq!(log.entries.iter().map(|e| e.id[31]).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(log.bad, [(3, BadLine::Shape), (6, BadLine::Shape)]);
        assert_eq!((log.bad_lines, log.lines), (2, 6));
        assert_eq!(KeyLog::read(io::BufReader::with_capacity(7, text.as_bytes())).unwrap(), log);
    }

    #[test]
    fn complaints_and_lines_are_bounded() {
        let log = KeyLog::parse("x\n".repeat(1000).as_bytes());
        assert_eq!((log.bad.len(), log.bad_lines), (KEYLOG_COMPLAINTS, 1000));
        let mut lines = Lines::default();
        let mut log = KeyLog::default();
        for _ in 0..1000 {
            lines.push(&[b'a'; 1000], &mut log);
        }
        assert!(lines.partial.len() <= KEYLOG_LINE + 1);
        lines.push(format!("\n{}\n", line(9)).as_bytes(), &mut log);
        assert_eq!((log.bad, log.entries[0].label), (vec![(1, BadLine::Long)], Label::Master));
    }

    #[test]
    fn pieces_come_to_the_same() {
        for text in [&b""[..], b"\n", b"\r\n\r\n", line(3).as_bytes(), b"\xff\xfe\0C\0L", b"RSA 00 11\nRSA"] {
            fuzz_key_log(text);
            fuzz_key_log(&text.repeat(9));
        }
    }
}
