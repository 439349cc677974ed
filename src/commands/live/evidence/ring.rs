//! A file, or a ring of files. A full disk stops writing, not watching.

use crate::capture::{Frame, PcapngWriter};
use crate::limits::EVIDENCE_SECRETS;
use crate::report::text::counted;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time after which writing is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Files that are counted in their names: then numbers begin anew.
const NUMBERS: u32 = 100_000;

/// What is written to.
pub(super) struct Ring {
    path: PathBuf,
    size: Option<u64>,
    most: Option<u32>,
    writer: Option<PcapngWriter<BufWriter<File>>>,
    files: VecDeque<PathBuf>,
    number: u32,
    written: u64,
    lost: u64,
    /// TLS secrets that came last: each file has its own copy.
    secrets: Vec<u8>,
    retry: Instant,
    trouble: Option<String>,
    broken: bool,
}

impl Ring {
    /// The one file `path`; with a `size`, files named after it, of which `most` are kept.
    pub(super) fn new(path: PathBuf, size: Option<u64>, most: Option<u32>) -> io::Result<Self> {
        let mut this = Self {
            path,
            size,
            most,
            writer: None,
            files: VecDeque::new(),
            number: 0,
            written: 0,
            lost: 0,
            secrets: Vec::new(),
            retry: Instant::now(),
            trouble: None,
            broken: false,
        };
        // Said now, not at the first finding.
        let name = this.name(None);
        this.open(name)?;
        Ok(this)
    }

    /// Writes a frame.
    pub(super) fn frame(&mut self, frame: &Frame<'_>) {
        if let Err(error) = self.write(frame) {
            self.lost += 1;
            self.fail(&error);
        }
    }

    fn write(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let full = |w: &PcapngWriter<_>| self.size.is_some_and(|size| w.written() >= size);
        if self.writer.as_ref().is_none_or(full) {
            if self.broken && Instant::now() < self.retry {
                self.lost += 1;
                return Ok(());
            }
            let name = self.name(Some(frame.time));
            self.open(name)?;
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.frame("", frame)?;
        self.written += 1;
        Ok(())
    }

    /// TLS secrets: behind them frames can be opened.
    pub(super) fn secrets(&mut self, lines: &[u8]) {
        self.secrets.extend(lines);
        if self.secrets.len() > EVIDENCE_SECRETS {
            let from = self.secrets.len() - EVIDENCE_SECRETS;
            let line =
                memchr::memchr(b'\n', &self.secrets[from..]).map_or(self.secrets.len(), |at| from + at + 1);
            self.secrets.drain(..line);
        }
        if let Some(Err(error)) = self.writer.as_mut().map(|writer| writer.secrets(lines)) {
            self.fail(&error);
        }
    }

    /// Hands everything to the system.
    pub(super) fn flush(&mut self) {
        if let Some(Err(error)) = self.writer.as_mut().map(PcapngWriter::flush) {
            self.fail(&error);
        }
    }

    /// What went wrong, or right again, since the last call.
    pub(super) fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// For the summary.
    pub(super) fn describe(&self) -> String {
        let lost =
            if self.lost > 0 { format!(", {} could not be written", self.lost) } else { String::new() };
        let files = self.files.len();
        let (packets, files) = (counted(self.written, "packet"), counted(files as u64, "file"));
        format!("{packets} written to {files} ({}){lost}", self.path.display())
    }

    fn fail(&mut self, error: &io::Error) {
        self.writer = None;
        self.retry = Instant::now() + RETRY;
        if !self.broken {
            self.broken = true;
            self.trouble = Some(format!(
                "warning: --write {}: {error}: packets are not kept until that is mended",
                self.path.display()
            ));
        }
    }

    fn open(&mut self, path: PathBuf) -> io::Result<()> {
        if let Some(mut old) = self.writer.take() {
            old.flush()?;
        }
        while self.most.is_some_and(|most| self.files.len() >= most as usize)
            && let Some(oldest) = self.files.pop_front()
        {
            let _ = fs::remove_file(oldest);
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut writer = PcapngWriter::new(BufWriter::with_capacity(256 << 10, options.open(&path)?))?;
        writer.secrets(&self.secrets)?;
        writer.flush()?;
        self.writer = Some(writer);
        if self.files.back() != Some(&path) {
            self.files.push_back(path);
        }
        if std::mem::take(&mut self.broken) {
            self.trouble = Some(format!("note: --write {}: packets are kept again", self.path.display()));
        }
        Ok(())
    }

    /// `ring.pcapng`, or `ring_00001_20261127T120000.pcapng` as dumpcap names them.
    fn name(&mut self, time: Option<Timestamp>) -> PathBuf {
        if self.size.is_none() {
            // After trouble a second file: the first one holds what came before.
            return match self.files.len() {
                0 => self.path.clone(),
                n => numbered(&self.path, &format!("_{n:05}")),
            };
        }
        self.number = self.number % NUMBERS + 1;
        let time = time.unwrap_or_else(|| {
            let since =
                std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_parts(since.as_secs() as i64, 0)
        });
        let text: String = time.to_string().chars().take(19).filter(char::is_ascii_alphanumeric).collect();
        numbered(&self.path, &format!("_{:05}_{text}", self.number))
    }
}

fn numbered(path: &Path, what: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    path.with_file_name(format!("{stem}{what}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;

    fn frame(seconds: i64) -> Frame<'static> {
        let time = Timestamp::from_parts(1_700_000_000 + seconds, 0);
        Frame { number: 1, time, offset: 0, link: LinkType(1), data: &[7; 1000], wire_len: 1000 }
    }

    #[test]
    fn the_oldest_file_goes_when_there_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let mut ring = Ring::new(folder.path().join("ring.pcapng"), Some(10_000), Some(3)).unwrap();
        ring.secrets(b"CLIENT_RANDOM a b\n");
        (0..100).for_each(|at| ring.frame(&frame(at)));
        ring.flush();
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(names[2].starts_with("ring_000") && names[2].ends_with(".pcapng"), "{names:?}");
        for name in &names {
            let bytes = fs::read(folder.path().join(name)).unwrap();
            assert!((1000..12_000).contains(&bytes.len()), "{}", bytes.len());
            assert!(bytes.windows(13).any(|w| w == b"CLIENT_RANDOM"), "each file has the secrets");
        }
        assert_eq!(ring.describe().split(' ').next(), Some("100"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_at_once() {
        assert!(Ring::new("/nowhere/at/all.pcapng".into(), None, None).is_err());
    }
}
