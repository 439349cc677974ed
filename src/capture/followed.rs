//! A key log that is still being written: what is new in it goes along with the frames.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::{Block, CaptureError, More, SecretsBlock, SecretsOrigin, Source};
use crate::limits::{KEYLOG_LINE, SECRETS_AHEAD};

/// A source with key logs that are followed. A file that is not there yet is waited for, and one that became shorter is
/// read again from its start.
pub struct Followed<S> {
    source: S,
    logs: Vec<Log>,
}

struct Log {
    path: PathBuf,
    at: u64,
    /// Lines before `at`.
    lines: u64,
    /// The beginning of a line whose end is not written yet.
    partial: Vec<u8>,
}

impl<S: Source> Followed<S> {
    /// Follows `paths` while `source` is read.
    pub fn new(source: S, paths: &[PathBuf]) -> Self {
        let log = |path: &PathBuf| Log { path: path.clone(), at: 0, lines: 0, partial: Vec::new() };
        Self { source, logs: paths.iter().map(log).collect() }
    }
}

impl<S: Source> Source for Followed<S> {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        let more = self.source.fill(block)?;
        // After the frames, so that the secrets of a handshake among them are there.
        block.secrets.extend(self.logs.iter_mut().filter_map(|log| log.news()));
        Ok(more)
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.source.progress()
    }

    fn awaits_secrets(&self) -> bool {
        true
    }

    fn drops(&self) -> u64 {
        self.source.drops()
    }
}

impl Log {
    /// The lines that were finished since the last call. A file that cannot be read has no news.
    fn news(&mut self) -> Option<SecretsBlock> {
        let mut file = File::open(&self.path).ok()?;
        let len = file.metadata().ok()?.len();
        if len < self.at {
            (self.at, self.lines, self.partial) = (0, 0, Vec::new());
        }
        if len == self.at {
            return None;
        }
        file.seek(SeekFrom::Start(self.at)).ok()?;
        let mut data = std::mem::take(&mut self.partial);
        // An error in the middle leaves what was read before it.
        let read = file.take(SECRETS_AHEAD as u64).read_to_end(&mut data);
        self.at += read.map_or(0, |n| n as u64);
        let end = memchr::memrchr(b'\n', &data).map_or(0, |at| at + 1);
        self.partial = data.split_off(end);
        // The start of a line that is too long shows as well that it is.
        self.partial.truncate(KEYLOG_LINE + 1);
        if data.is_empty() {
            return None;
        }
        let origin = SecretsOrigin::KeyLog(self.lines);
        self.lines += memchr::memchr_iter(b'\n', &data).count() as u64;
        Some(SecretsBlock { before: 0, kind: SecretsBlock::TLS_KEY_LOG, origin, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_come_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let mut log = Log { path: path.clone(), at: 0, lines: 0, partial: Vec::new() };
        assert_eq!(log.news(), None);
        let mut step = |text: &str| {
            std::fs::write(&path, text).unwrap();
            log.news().map(|s| (s.origin, String::from_utf8(s.data).unwrap()))
        };
        let lines = SecretsOrigin::KeyLog;
        assert_eq!(step("one\ntw"), Some((lines(0), "one\n".into())));
        assert_eq!(step("one\ntw"), None);
        assert_eq!(step("one\ntwo\nthree\n"), Some((lines(1), "two\nthree\n".into())));
        assert_eq!(step("new\n"), Some((lines(0), "new\n".into())));
    }
}
