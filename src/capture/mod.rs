//! Bytes of a file, pipe, decompressor or interface become frames in recycled blocks.

use crate::time::Timestamp;
use std::ops::Range;

mod ahead;
mod block;
#[cfg(feature = "live")]
mod bpf;
mod clock;
mod comment;
mod compressed;
mod damages;
mod field;
#[cfg(feature = "live")]
mod filter;
mod followed;
#[cfg(feature = "live")]
mod libpcap;
#[cfg(feature = "live")]
mod live;
mod open;
mod packets;
mod pcap;
mod pcapng;
mod reader;
mod ready;
mod record;
mod rotation;
#[cfg(test)]
mod testing;
mod writer;

pub use block::{Block, PageBuf};
pub use compressed::decompressed;
#[cfg(feature = "live")]
pub use filter::{Filter, Filtered};
pub use followed::Followed;
#[cfg(feature = "live")]
pub use libpcap::available;
#[cfg(feature = "live")]
pub use live::{Interface, InterfaceCounts, LiveOptions, LiveSource, LiveStatus, interfaces};
pub use open::{Input, expand, fuzz_capture_file, open, open_stream, plain};
pub use packets::{Packets, RawPacket};
pub use writer::PcapngWriter;

/// A comment in a capture that speaks to this program, or the start of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The packet that it is about, or the first of its section.
    pub packet: u64,
    /// It is about a section.
    pub section: bool,
    /// A section begins: what was said about the one before holds no longer.
    pub begins: bool,
    /// What it says; nothing where a section begins without a comment.
    pub text: String,
}

/// A link-layer type as pcap numbers them (`LINKTYPE_*`), without the FCS bits of a pcap header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

/// Index of an input in the order in which the run opens them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// One captured frame, borrowed from its block.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'b> {
    /// Number in its file, from 1, as tshark's `frame.number` (which also counts pcapng's custom blocks).
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Offset of its first byte in the (decompressed) capture.
    pub offset: u64,
    /// Its link type.
    pub link: LinkType,
    /// The captured bytes.
    pub data: &'b [u8],
    /// Its length on the wire, in bytes.
    pub wire_len: u32,
}

/// Where a frame lies in its block: what a source writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameRef {
    /// Start in [`Block::bytes`].
    pub start: u32,
    /// Captured length, in bytes.
    pub len: u32,
    /// Length on the wire, in bytes.
    pub wire_len: u32,
    /// Link type.
    pub link: LinkType,
    /// Capture time.
    pub time: Timestamp,
    /// Offset of the first byte in the (decompressed) capture.
    pub offset: u64,
    /// Number in its file, from 1.
    pub number: u64,
}

/// Whether a source may fill another block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// Call `fill` again; the block may be empty (a live source whose time was up).
    Yes,
    /// This source is exhausted.
    End,
}

/// Damage in a capture: said to the user, never the end of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The capture.
    pub file: FileId,
    /// Offset of the damage in the (decompressed) capture.
    pub offset: u64,
    /// What is wrong, as a clause: "record length 4294967295 is larger than any frame".
    pub cause: String,
    /// Bytes that were skipped because of it, if that is known.
    pub lost: Option<u64>,
}

/// Bytes of a block that nothing here reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where they lie in [`Block::bytes`].
    pub range: Range<usize>,
    /// [`Block::damage`] tells of them; otherwise they are a whole block of a type that is not known, or a custom one
    /// (draft-ietf-opsawg-pcapng section 4.9).
    pub damaged: bool,
}

/// Where secrets stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretsOrigin {
    /// In the capture itself, in a block at this offset.
    Capture(u64),
    /// In a key log that is followed, from this line on.
    KeyLog(u64),
}

/// Secrets that travel in band with the frames (pcapng Decryption Secrets Block, draft-ietf-opsawg-pcapng section 4.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretsBlock {
    /// The frame index in the block before which they became known.
    pub before: u32,
    /// The `Secrets Type` field.
    pub kind: u32,
    /// Where they stood.
    pub origin: SecretsOrigin,
    /// The secrets.
    pub data: Vec<u8>,
}

impl SecretsBlock {
    /// The type of a TLS key log; others are those of SSH, WireGuard, ZigBee and OPC UA.
    pub const TLS_KEY_LOG: u32 = 0x544c_534b;

    /// Whether they stood in the capture itself.
    pub fn is_embedded(&self) -> bool {
        matches!(self.origin, SecretsOrigin::Capture(_))
    }
}

/// Anything that yields frames.
pub trait Source: Send {
    /// Fills a cleared `block` with as much as is at hand. Damage goes to [`Block::damage`].
    /// The block that comes with [`More::End`] may hold frames, too.
    ///
    /// # Errors
    /// [`CaptureError`] if nothing more can be read from this source because of the user's input or the system.
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError>;

    /// Total bytes of the input and bytes consumed so far, where they are known (for progress).
    fn progress(&self) -> Option<(u64, u64)> {
        None
    }

    /// Whether secrets may come later than the frames that need them.
    fn awaits_secrets(&self) -> bool {
        false
    }

    /// Packets that the kernel or the interface dropped so far (live sources).
    fn drops(&self) -> u64 {
        0
    }
}

impl Source for Box<dyn Source> {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        (**self).fill(block)
    }

    fn progress(&self) -> Option<(u64, u64)> {
        (**self).progress()
    }

    fn awaits_secrets(&self) -> bool {
        (**self).awaits_secrets()
    }

    fn drops(&self) -> u64 {
        (**self).drops()
    }
}

/// Why an input cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum CaptureError {
    /// The system refused: not found, permission denied, input/output error.
    Io(std::io::Error),
    /// The content is not a capture of any format we know.
    NotACapture {
        /// What it looks like instead, e.g. "text", "empty file".
        looks_like: &'static str,
    },
    /// A capture's magic, but a format that we refuse by name, or a header that cannot be read.
    Unreadable {
        /// Offset of the problem.
        offset: u64,
        /// What is wrong and, if possible, what to do.
        cause: String,
    },
    /// A live source or filter cannot be opened; says what to install or grant.
    Live(String),
}

impl std::fmt::Display for CaptureError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::NotACapture { looks_like } => write!(f, "not a capture ({looks_like})"),
            Self::Unreadable { offset, cause } => write!(f, "unreadable at offset {offset}: {cause}"),
            Self::Live(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for CaptureError {}

impl From<std::io::Error> for CaptureError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}
