//! Files of recorded exchanges: HAR 1.2 and the cassettes of test libraries. Their entries become blocks of
//! [`ReadyExchange`](crate::message::ReadyExchange)s, one entry read at a time.

mod characters;
mod entry;
mod har;
mod json;
mod nock;
mod nodes;
mod tell;
mod text;
mod vcr;
mod yaml;

pub(super) use tell::Kind;

use super::{Block, CaptureError, Damage, FileId, More, Source};
use crate::limits;
use entry::Recorder;
use serde_json::Value;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One entry of a file.
#[derive(Debug)]
struct Entry {
    /// Offset of its first byte in the (decompressed) file.
    offset: u64,
    /// Its length there, in bytes.
    len: u64,
    /// What it says, or why that cannot be read.
    value: Result<Value, Flaw>,
}

/// An entry that is well framed and wrong inside: it is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Flaw {
    offset: u64,
    cause: String,
}

/// The file cannot be read any further.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broken {
    offset: u64,
    cause: String,
}

/// Entries of a document, read one by one.
trait Entries: Send {
    /// The next one; `None` behind the last.
    fn next(&mut self) -> Result<Option<Entry>, Broken>;
}

/// A file of recorded exchanges.
pub(super) struct ReadySource {
    entries: Box<dyn Entries>,
    recorder: Recorder,
    kind: Kind,
    file: FileId,
    number: u64,
    done: bool,
    progress: Option<(u64, Arc<AtomicU64>)>,
}

impl ReadySource {
    /// Reads `input`, which is of that kind.
    pub(super) fn new(input: Box<dyn Read + Send>, kind: Kind, file: FileId) -> Self {
        Self {
            entries: kind.entries(input),
            recorder: Recorder::default(),
            kind,
            file,
            number: 0,
            done: false,
            progress: None,
        }
    }

    /// Reports progress as the count in `consumed` out of `total` bytes.
    pub(super) fn with_progress(mut self, total: u64, consumed: Arc<AtomicU64>) -> Self {
        self.progress = Some((total, consumed));
        self
    }
}

impl Source for ReadySource {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        block.clear();
        block.file = self.file;
        let mut bytes = 0;
        while !self.done
            && bytes < limits::BLOCK_BYTES as u64
            && block.exchanges.len() < limits::ENTRIES_BLOCK
        {
            let entry = match self.entries.next() {
                Ok(Some(entry)) => entry,
                Ok(None) => {
                    self.done = true;
                    break;
                }
                Err(Broken { offset, cause }) => {
                    self.done = true;
                    if self.number == 0 {
                        return Err(CaptureError::Unreadable { offset, cause });
                    }
                    block.damage.push(Damage { file: self.file, offset, cause, lost: None });
                    break;
                }
            };
            self.number += 1;
            bytes += entry.len;
            match entry.value {
                Ok(value) => {
                    let draft = self.kind.draft(value);
                    let exchange = draft.and_then(|draft| self.recorder.exchange(draft));
                    block.exchanges.extend(exchange.map(|mut exchange| {
                        (exchange.number, exchange.offset, exchange.len) =
                            (self.number, entry.offset, entry.len);
                        exchange
                    }));
                }
                Err(Flaw { offset, cause }) => {
                    let cause = format!("entry {}: {cause}", self.number);
                    block.damage.push(Damage { file: self.file, offset, cause, lost: Some(entry.len) });
                }
            }
        }
        Ok(if self.done { More::End } else { More::Yes })
    }

    fn progress(&self) -> Option<(u64, u64)> {
        let (total, consumed) = self.progress.as_ref()?;
        Some((*total, consumed.load(Ordering::Relaxed).min(*total)))
    }
}
