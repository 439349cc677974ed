//! A pass over the block headers of a pcapng file before its first packet: secrets may stand behind the packets that
//! need them, and whoever reads in order would pass those by.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::field::word;
use super::pcapng::{BLOCK, SECRETS, SECTION, byte_order, secrets};
use super::{Block, CaptureError, More, SecretsBlock, SecretsOrigin, Source};
use crate::limits::SECRETS_AHEAD;

/// Bytes that are read at once: headers lie close together, as packets are small.
const CHUNK: usize = 256 << 10;

/// A file, all of whose secrets come with its first block.
pub(super) struct Ahead<S> {
    source: S,
    /// Not read ahead yet.
    path: Option<PathBuf>,
    /// Secrets before this offset have come.
    until: u64,
    /// That is the end of the file.
    complete: bool,
}

impl<S: Source> Ahead<S> {
    pub(super) fn new(source: S, path: &Path) -> Self {
        Self { source, path: Some(path.to_owned()), until: 0, complete: false }
    }
}

impl<S: Source> Source for Ahead<S> {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        let more = self.source.fill(block)?;
        let mut ahead = Vec::new();
        if let Some(path) = self.path.take().filter(|_| self.source.awaits_secrets()) {
            let found = read(&path);
            (ahead, self.until, self.complete) = (found.secrets, found.until, found.complete);
        }
        let until = self.until;
        block.secrets.retain(|s| !matches!(s.origin, SecretsOrigin::Capture(at) if at < until));
        block.secrets.splice(..0, ahead);
        Ok(more)
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.source.progress()
    }

    fn awaits_secrets(&self) -> bool {
        !self.complete && self.source.awaits_secrets()
    }
}

struct Found {
    secrets: Vec<SecretsBlock>,
    until: u64,
    complete: bool,
}

/// Reads as far as blocks are well framed.
fn read(path: &Path) -> Found {
    let mut found = Found { secrets: Vec::new(), until: 0, complete: false };
    if let Ok(file) = File::open(path) {
        // What cannot be read here is read again in order, and complained about there.
        found.complete = scan(BufReader::with_capacity(CHUNK, file), &mut found).is_ok_and(|end| end);
    }
    found
}

/// Whether the end was reached.
fn scan(mut file: BufReader<File>, found: &mut Found) -> std::io::Result<bool> {
    let len = file.get_ref().metadata()?.len();
    let (mut big, mut bytes) = (false, 0);
    loop {
        let mut head = [0; 12];
        match file.read_exact(&mut head) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(found.until >= len),
            other => other?,
        }
        let kind = word(&head, 0, big);
        if kind == SECTION {
            let Some(order) = byte_order(&head) else { return Ok(false) };
            big = order;
        }
        let size = (word(&head, 4, big) as usize).next_multiple_of(4);
        if !(12..=BLOCK).contains(&size) || found.until == 0 && kind != SECTION {
            return Ok(false);
        }
        if kind == SECRETS {
            bytes += size;
            if bytes > SECRETS_AHEAD {
                return Ok(false);
            }
            let mut block = vec![0; size];
            block[..12].copy_from_slice(&head);
            file.read_exact(&mut block[12..])?;
            // A broken one is complained about when it is read in order.
            let Ok(secrets) = secrets(&block, big, found.until) else { return Ok(false) };
            found.secrets.push(secrets);
        } else {
            file.seek_relative(size as i64 - 12)?;
        }
        found.until += size as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::{Order, drain};
    use crate::capture::{FileId, open};

    fn secrets(order: &Order, text: &[u8]) -> Vec<u8> {
        order.block(SECRETS, &[&order.words(&[SecretsBlock::TLS_KEY_LOG, text.len() as u32]), text])
    }

    fn capture() -> Vec<u8> {
        let mut data = Vec::new();
        for (order, name) in [(Order(false), &b"one"[..]), (Order(true), b"fourteen bytes")] {
            data.extend([order.section(), order.interface(1, 0, &[])].concat());
            for i in 0..3000 {
                data.extend(order.enhanced(0, i, 200, &[7; 200]));
            }
            data.extend(secrets(&order, name));
        }
        data
    }

    fn seen(data: &[u8]) -> (bool, Vec<(u64, Vec<u8>)>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        std::fs::write(&path, data).unwrap();
        let mut source = open(&path, FileId(0)).unwrap();
        let all = drain(source.as_mut()).unwrap();
        (source.awaits_secrets(), all.secrets.into_iter().map(|(before, s)| (before, s.data)).collect())
    }

    #[test]
    fn secrets_come_with_the_first_block_and_only_once() {
        let (awaits, secrets) = seen(&capture());
        assert!(!awaits);
        let first = secrets[0].0;
        assert!(first > 0 && first < 3000);
        assert_eq!(secrets, [(first, b"one".to_vec()), (first, b"fourteen bytes".to_vec())]);
    }

    #[test]
    fn behind_damage_they_come_in_order() {
        let mut data = capture();
        let half = data.len() / 2 + 100_000;
        data[half..half + 5000].fill(0xee);
        let (awaits, secrets) = seen(&data);
        assert!(awaits);
        let texts: Vec<_> = secrets.iter().map(|(_, text)| &text[..]).collect();
        assert_eq!(texts, [&b"one"[..], b"fourteen bytes"]);
        assert!(secrets[0].0 < 3000 && secrets[1].0 > 5000);
    }
}
