//! A capture in, the same capture without its secrets out: tokens, credentials and cookies are replaced by pseudonyms of the
//! same length, in place, and what cannot be is dropped or blanked.
//!
//! The capture is read four times: to learn all secrets, to locate them, to copy it with what was located changed, and,
//! as the output, to find what is left. Nothing is held of it but the secrets and the changes.

mod align;
mod blank;
mod book;
mod checksum;
mod claims;
mod context;
mod copy;
mod envelopes;
mod finder;
mod fragments;
mod fuzz;
mod listen;
mod look;
mod message;
mod origins;
mod patch;
mod pseudonym;
mod quic;
mod random;
mod recode;
mod text;
mod witness;
mod work;
mod yaml;

use crate::capture::{CaptureError, Damage, FileId, Source, open, open_stream, plain};
use crate::keylog::Keyring;
use crate::policy::SecretPattern;
use crate::protocol::Protocol;
use book::Book;
use copy::{CopyError, copy};
use listen::{Reading, listen};
use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;
use work::{Task, Work};

#[doc(hidden)]
pub use fuzz::fuzz_redact;
pub use pseudonym::Pseudonyms;
pub use work::{Left, Told};

/// A capture that can be read more than once.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A file.
    File(&'a Path),
    /// The bytes of one.
    Bytes(&'a [u8]),
}

impl Input<'_> {
    fn open(self) -> Result<Box<dyn Source>, CaptureError> {
        match self {
            Self::File(path) => open(path, FileId(0)),
            Self::Bytes(bytes) => open_stream(Box::new(Cursor::new(bytes.to_vec())), FileId(0)),
        }
    }

    /// Its bytes, decompressed.
    fn plain(self) -> Result<Box<dyn Read + Send>, CaptureError> {
        match self {
            Self::File(path) => plain(Box::new(File::open(path)?)),
            Self::Bytes(bytes) => plain(Box::new(Cursor::new(bytes.to_vec()))),
        }
    }
}

/// What is to be redacted, and how it is read.
pub struct Redaction<'a> {
    /// The capture.
    pub input: Input<'a>,
    /// Protocols that were set for a server port.
    pub decode_as: &'a [(u16, &'static Protocol)],
    /// TLS secrets beside those in the capture.
    pub keyring: Keyring,
    /// What else is secret, wherever it stands.
    pub secrets: Arc<[SecretPattern]>,
}

/// Why nothing was redacted.
#[derive(Debug)]
pub enum RedactError {
    /// The input cannot be read.
    Input(CaptureError),
    /// The output cannot be written.
    Output(std::io::Error),
    /// There are more secrets, or more places of them, than may be held.
    Full,
}

impl std::fmt::Display for RedactError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(error) => write!(f, "{error}"),
            Self::Output(error) => write!(f, "cannot write the output: {error}"),
            Self::Full => {
                f.write_str("too many secrets for one go: cut the capture (editcap -c) and redact its parts")
            }
        }
    }
}

impl std::error::Error for RedactError {}

impl From<CaptureError> for RedactError {
    fn from(error: CaptureError) -> Self {
        Self::Input(error)
    }
}

impl From<CopyError> for RedactError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Read(error) => Self::Input(error),
            CopyError::Write(error) => Self::Output(error),
        }
    }
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How much was changed.
    pub told: Told,
    /// What is still there: the output must not be given away.
    pub left: Vec<Left>,
    /// How much that is.
    pub left_count: u64,
    /// Packets, or recorded exchanges, of the input.
    pub packets: u64,
    /// What could not be read of the input: it is not in the output, or blanked there.
    pub damage: Vec<Damage>,
    /// How many such places are not in that list (limits::redact::DAMAGES).
    pub damage_more: u64,
}

/// Writes the capture again without its secrets. `check` says where what was written can be read.
///
/// # Errors
/// [`RedactError`]; what was written until then is of no use.
pub fn redact(
    this: &Redaction<'_>,
    names: Pseudonyms,
    out: &mut dyn Write,
    check: impl FnOnce() -> Result<Box<dyn Source>, CaptureError>,
) -> Result<Outcome, RedactError> {
    let mut work = this.learn(names)?;
    work.task = Task::Locate;
    this.pass(this.input.open()?, &mut work)?;
    work.fragments.settle(&mut work.patches);
    if work.patches.full {
        return Err(RedactError::Full);
    }
    if work.recorded {
        text::copy(&mut this.input.plain()?, out, &mut work)?;
    } else {
        copy(this.input.open()?, &mut this.input.plain()?, &mut work, out)?;
    }
    work.task = Task::Check;
    this.pass(check()?, &mut work)?;
    let told = Told { tokens: work.book.tokens, others: work.book.others, ..work.told };
    let Work { left, left_count, seen: packets, damage, damage_more, .. } = work;
    Ok(Outcome { told, left, left_count, packets, damage, damage_more })
}

impl Redaction<'_> {
    /// Learns all secrets. Where what stands for one of them is another, all are learned again with that in mind.
    fn learn(&self, names: Pseudonyms) -> Result<Work, RedactError> {
        let work = self.learned(names)?;
        if !work.book.clashes() {
            return Ok(work);
        }
        let Book { names, finder, .. } = work.book;
        self.learned(names.avoiding(finder.texts()))
    }

    fn learned(&self, names: Pseudonyms) -> Result<Work, RedactError> {
        let mut work = Work::new(Book::new(names), Arc::clone(&self.secrets));
        self.pass(self.input.open()?, &mut work)?;
        if work.book.full { Err(RedactError::Full) } else { Ok(work) }
    }

    fn pass(&self, source: Box<dyn Source>, work: &mut Work) -> Result<(), CaptureError> {
        let reading = Reading { decode_as: self.decode_as, keyring: self.keyring.clone() };
        listen(source, reading, work, &mut |block, work| {
            work.file(block);
        })
    }
}
