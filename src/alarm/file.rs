//! `file:`: lines of JSON in a file that only its owner can read, begun anew when it is large.

use super::{Alarm, Kind, Refusal, Sink, Target};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// The kind.
pub(super) const KIND: Kind = Kind {
    schemes: &["file"],
    doc: "lines of JSON: file:/var/log/wirelint.ndjson?size=100M&files=5",
    port: 0,
    batch: 100,
    open,
};

/// Files that are kept where nothing else is said.
const FILES: u32 = 5;

struct Lines {
    path: PathBuf,
    size: Option<u64>,
    files: u32,
    file: Option<File>,
}

fn open(target: &Target) -> Result<Box<dyn Sink>, String> {
    let size = target.option("size").map(bytes).transpose()?;
    let files = target.option("files").map(|n| n.parse().map_err(|_| "files=N is a number".to_owned()));
    let files = files.transpose()?.unwrap_or(FILES);
    let mut this = Lines { path: PathBuf::from(&target.path), size, files, file: None };
    this.reopen().map_err(|e| format!("{}: {e}", target.path))?;
    Ok(Box::new(this))
}

fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "size=N is a number of bytes, as in 100M".to_owned();
    let shift = match text.chars().last() {
        Some('K') => 10,
        Some('M') => 20,
        Some('G') => 30,
        _ => 0,
    };
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift)).filter(|n| *n > 0).ok_or_else(wrong)
}

impl Lines {
    fn reopen(&mut self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        self.file = Some(options.open(&self.path)?);
        Ok(())
    }

    /// `name` becomes `name.1`, `name.1` becomes `name.2`, as logrotate does it.
    fn rotate(&mut self) -> io::Result<()> {
        let numbered = |n: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{n}"));
            PathBuf::from(name)
        };
        let last = self.files.max(1) - 1;
        if last == 0 {
            fs::remove_file(&self.path)?;
        } else {
            for n in (1..last).rev().filter(|n| numbered(*n).exists()) {
                fs::rename(numbered(n), numbered(n + 1))?;
            }
            fs::rename(&self.path, numbered(1))?;
        }
        self.file = None;
        Ok(())
    }

    fn line(&mut self, alarm: &Alarm) -> io::Result<()> {
        let full = |file: &File| Some(file.metadata().ok()?.len() >= self.size?);
        if self.file.as_ref().and_then(full) == Some(true) {
            self.rotate()?;
        }
        // Somebody else may have moved it away.
        if self.file.is_none() || !self.path.exists() {
            self.reopen()?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let before = file.metadata()?.len();
        let written = file.write_all(format!("{}\n", alarm.record).as_bytes());
        if written.is_err() {
            // Half a line would spoil the next one.
            let _ = file.set_len(before);
        }
        written
    }
}

impl Sink for Lines {
    fn send(&mut self, batch: &[Alarm]) -> Result<(), (usize, Refusal)> {
        batch.iter().enumerate().try_for_each(|(at, alarm)| self.line(alarm).map_err(|e| (at, e.into())))
    }
}
