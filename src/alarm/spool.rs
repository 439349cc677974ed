//! Alarms that wait for their sink: in a file if there is a folder for it, else in memory. Both are bounded.

use super::Alarm;
use crate::limits::{SPOOL_BYTES, SPOOL_MEMORY};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// A queue, oldest first.
#[derive(Debug)]
pub struct Spool {
    memory: VecDeque<Alarm>,
    disk: Option<Disk>,
    most: u64,
}

#[derive(Debug)]
struct Disk {
    path: PathBuf,
    file: File,
    /// Where the oldest one begins.
    from: u64,
    len: u64,
    count: u64,
}

impl Spool {
    /// A queue in memory, or in the file `path`, which may hold what an earlier run could not deliver, of at most `most` bytes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(path: Option<PathBuf>, most: Option<u64>) -> io::Result<Self> {
        let disk = path.map(Disk::open).transpose()?;
        Ok(Self { memory: VecDeque::new(), disk, most: most.unwrap_or(SPOOL_BYTES) })
    }

    /// How many wait.
    pub fn len(&self) -> u64 {
        self.memory.len() as u64 + self.disk.as_ref().map_or(0, |disk| disk.count)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether what waits outlives this run.
    pub fn keeps(&self) -> bool {
        self.disk.is_some()
    }

    /// Adds one; false if there is no room for it.
    pub fn push(&mut self, alarm: Alarm) -> bool {
        if let Some(disk) = &mut self.disk {
            // Memory is what is left when the disk is full, too.
            if disk.len - disk.from < self.most && disk.push(&alarm).is_ok() {
                return true;
            }
            return false;
        }
        let fits = self.memory.len() < SPOOL_MEMORY;
        if fits {
            self.memory.push_back(alarm);
        }
        fits
    }

    /// The oldest ones, which stay until they are [taken away](Self::done).
    pub fn front(&mut self, most: usize) -> Vec<Alarm> {
        match &mut self.disk {
            Some(disk) => disk.front(most).into_iter().map(|(alarm, _)| alarm).collect(),
            None => self.memory.iter().take(most).cloned().collect(),
        }
    }

    /// The oldest `n` have arrived.
    pub fn done(&mut self, n: usize) {
        match &mut self.disk {
            Some(disk) => disk.done(n),
            None => drop(self.memory.drain(..n.min(self.memory.len()))),
        }
    }
}

impl Disk {
    fn open(path: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let count = BufReader::new(&file).lines().map_while(Result::ok).count() as u64;
        let len = file.metadata()?.len();
        Ok(Self { path, file, from: 0, len, count })
    }

    fn push(&mut self, alarm: &Alarm) -> io::Result<()> {
        let line = format!("{}\n", serde_json::to_string(alarm)?);
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a line would spoil the next one.
            let _ = self.file.set_len(self.len);
            return Err(error);
        }
        self.len += line.len() as u64;
        self.count += 1;
        Ok(())
    }

    /// The oldest, each with the bytes it takes.
    fn front(&mut self, most: usize) -> Vec<(Alarm, u64)> {
        let mut all = Vec::new();
        if self.file.seek(SeekFrom::Start(self.from)).is_err() {
            return all;
        }
        let mut reader = BufReader::new(&self.file);
        let mut line = String::new();
        while all.len() < most && reader.read_line(&mut line).is_ok_and(|n| n > 0) {
            match serde_json::from_str(&line) {
                Ok(alarm) => all.push((alarm, line.len() as u64)),
                // Damage is passed over with the next one, or at the end.
                Err(_) if all.is_empty() => {
                    self.from += line.len() as u64;
                    self.count = self.count.saturating_sub(1);
                }
                Err(_) => break,
            }
            line.clear();
        }
        all
    }

    fn done(&mut self, n: usize) {
        let all = self.front(n);
        self.from += all.iter().map(|(_, len)| len).sum::<u64>();
        self.count = self.count.saturating_sub(all.len() as u64);
        if self.count == 0 || self.from >= self.len {
            let _ = self.file.set_len(0);
            (self.from, self.len, self.count) = (0, 0, 0);
        } else if self.from > SPOOL_BYTES / 4 {
            self.compact();
        }
    }

    /// Copies what is left to a new file: the front of the old one is of no use.
    fn compact(&mut self) {
        let new = self.path.with_extension("new");
        let copied = (|| {
            self.file.seek(SeekFrom::Start(self.from))?;
            let mut to = File::create(&new)?;
            #[cfg(unix)]
            to.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            io::copy(&mut &self.file, &mut to)?;
            std::fs::rename(&new, &self.path)?;
            Self::open(self.path.clone())
        })();
        if let Ok(disk) = copied {
            *self = disk;
        }
    }
}
