//! Content and transfer codings undone as the body arrives (RFC 9110 section 8.4, RFC 9112 section 7).
//!
//! A [`ContentDecoder`] is a stack of stages, outermost coding first; every stage hands decoded pieces to the
//! next from its own reused buffer, so a body is never held. [`ContentPool`] keeps stages for the next body.

use super::{
    inflate::{self, Inflater},
    meter::Sink,
    unbrotli::Unbrotli,
    unzstd::Unzstd,
};
use crate::limits;
use std::fmt;

/// Why a body could not be decoded, or not wholly. What came before was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentError {
    /// A coding that is not known, by its name (lower case, cut to 32 bytes).
    Unknown(Box<str>),
    /// More than [`limits::CODINGS`] codings on top of each other.
    TooMany,
    /// The bytes are not what the coding says.
    Malformed(&'static str),
    /// Everything was decoded, but a checksum in the data differs.
    Checksum(&'static str),
    /// The body ended inside the coding.
    Truncated(&'static str),
    /// Decoding was stopped at [`limits::INFLATE_BYTES`] or [`limits::INFLATE_RATIO`].
    Bomb,
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "unknown coding {name:?}"),
            Self::TooMany => write!(f, "more than {} codings", limits::CODINGS),
            Self::Malformed(coding) => write!(f, "malformed {coding} data"),
            Self::Checksum(coding) => write!(f, "wrong checksum in {coding} data"),
            Self::Truncated(coding) => write!(f, "{coding} data ends early"),
            Self::Bomb => write!(f, "decoded size over the bound"),
        }
    }
}

impl std::error::Error for ContentError {}

/// Undoes the codings of one body. Get one from a [`ContentPool`] where bodies are many.
pub struct ContentDecoder {
    stages: Vec<Stage>,
    failed: Option<ContentError>,
}

impl ContentDecoder {
    /// A decoder for the value (or values joined by commas) of `Content-Encoding` or `Transfer-Encoding`;
    /// `None` if nothing needs to be undone. Names are case-insensitive, `x-gzip` and `x-deflate` are aliases,
    /// `identity` and `chunked` are skipped (chunks are the dissector's; RFC 9110 section 8.4.1).
    pub fn new(codings: &[u8]) -> Result<Option<Self>, ContentError> {
        ContentPool::default().decoder(codings)
    }

    /// Decodes the next bytes of the body; `out` gets them in pieces of at most 32 KiB. After an error every
    /// call gives the same error.
    pub fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Result<(), ContentError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = run(&mut self.stages, input, None, out);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// Whether the one coding is gzip: a body that is [whole](super::Whole) does not need to go through here.
    pub fn is_gzip(&self) -> bool {
        matches!(&self.stages[..], [Stage::Inflate(stage)] if stage.is_gzip())
    }

    /// Memory that the decoder has taken for this body, in bytes, roughly.
    pub fn memory(&self) -> usize {
        self.stages.iter().map(Stage::memory).sum()
    }

    /// Ends the body: hands out what a stage still held back, and reports an early end or a wrong checksum.
    /// A body of no bytes at all is complete (responses to HEAD).
    pub fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Result<(), ContentError> {
        if self.failed == Some(ContentError::Bomb) {
            return Err(ContentError::Bomb);
        }
        let mut first = self.failed.take();
        for at in 0..self.stages.len() {
            let Some((stage, rest)) = self.stages.get_mut(at..).and_then(<[_]>::split_first_mut) else {
                break;
            };
            let result = stage.finish(&mut |piece, wire| run(rest, piece, Some(wire), out));
            first = first.or(result.err());
        }
        self.failed = first.clone();
        first.map_or(Ok(()), Err)
    }
}

/// Stages that were used and wait for the next body: their state is large (an inflater has about 80 KiB with
/// its buffer) and bodies are small and many.
#[derive(Default)]
#[allow(clippy::vec_box)] // The boxes themselves go into a decoder and come back.
pub struct ContentPool {
    inflaters: Vec<Box<Inflater>>,
    zstds: Vec<Box<Unzstd>>,
    brotlis: Vec<Box<Unbrotli>>,
}

/// Stages of one kind that are kept for reuse.
const SPARES: usize = 8;
/// Most memory of a stage that is kept, in bytes.
const SPARE_BYTES: usize = 1 << 20;

impl ContentPool {
    /// As [`ContentDecoder::new`], from reused stages.
    pub fn decoder(&mut self, codings: &[u8]) -> Result<Option<ContentDecoder>, ContentError> {
        let mut stages = Vec::new();
        for name in codings.rsplit(|&b| b == b',').map(<[u8]>::trim_ascii) {
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            if name.is_empty() || is("identity") || is("chunked") {
                continue;
            }
            if stages.len() == limits::CODINGS {
                return Err(ContentError::TooMany);
            }
            stages.push(if is("gzip") || is("x-gzip") {
                self.inflater(true)
            } else if is("deflate") || is("x-deflate") {
                self.inflater(false)
            } else if is("br") {
                let mut stage = self.brotlis.pop().unwrap_or_default();
                stage.reset();
                Stage::Brotli(stage)
            } else if is("zstd") {
                let mut stage = self.zstds.pop().unwrap_or_default();
                stage.reset();
                Stage::Zstd(stage)
            } else {
                let name = String::from_utf8_lossy(name.get(..32).unwrap_or(name)).to_ascii_lowercase();
                return Err(ContentError::Unknown(name.into()));
            });
        }
        Ok((!stages.is_empty()).then_some(ContentDecoder { stages, failed: None }))
    }

    /// Takes back a decoder when its body has ended.
    pub fn recycle(&mut self, decoder: ContentDecoder) {
        for stage in decoder.stages {
            match stage {
                Stage::Inflate(s) if self.inflaters.len() < SPARES => self.inflaters.push(s),
                Stage::Brotli(mut s) if self.brotlis.len() < SPARES => {
                    s.reset();
                    self.brotlis.push(s);
                }
                // One that met a large window still has the memory.
                Stage::Zstd(s) if self.zstds.len() < SPARES && s.memory() <= SPARE_BYTES => {
                    self.zstds.push(s);
                }
                _ => {}
            }
        }
    }

    fn inflater(&mut self, gzip: bool) -> Stage {
        let mut stage = self.inflaters.pop().unwrap_or_default();
        stage.reset(gzip);
        Stage::Inflate(stage)
    }
}

enum Stage {
    Inflate(Box<Inflater>),
    Brotli(Box<Unbrotli>),
    Zstd(Box<Unzstd>),
}

impl Stage {
    fn memory(&self) -> usize {
        match self {
            Self::Inflate(_) => inflate::MEMORY,
            Self::Brotli(stage) => stage.memory(),
            Self::Zstd(stage) => stage.memory(),
        }
    }

    fn push(&mut self, input: &[u8], wire: Option<u64>, out: &mut Sink<'_>) -> Result<(), ContentError> {
        match self {
            Self::Inflate(stage) => stage.push(input, wire, out),
            Self::Brotli(stage) => stage.push(input, wire, out),
            Self::Zstd(stage) => stage.push(input, wire, out),
        }
    }

    fn finish(&mut self, out: &mut Sink<'_>) -> Result<(), ContentError> {
        match self {
            Self::Inflate(stage) => stage.finish(),
            Self::Brotli(stage) => stage.finish(),
            Self::Zstd(stage) => stage.finish(out),
        }
    }
}

/// Runs bytes through the stages; recursion is bounded by [`limits::CODINGS`].
fn run(
    stages: &mut [Stage],
    input: &[u8],
    wire: Option<u64>,
    out: &mut dyn FnMut(&[u8]),
) -> Result<(), ContentError> {
    match stages.split_first_mut() {
        None => out(input),
        Some((stage, rest)) => {
            return stage.push(input, wire, &mut |piece, wire| run(rest, piece, Some(wire), out));
        }
    }
    Ok(())
}

#[doc(hidden)]
/// Decodes arbitrary bytes with codings that the first byte chooses. What is decoded in one go must be what is decoded
/// step by step.
pub fn fuzz_content(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else { return };
    if let Some(text) = super::Whole::default().gzip(body) {
        let (mut steps, mut decoder) = (Vec::new(), ContentDecoder::new(b"gzip").ok().flatten());
        let result = decoder.as_mut().map(|decoder| {
            body.chunks(7)
                .try_for_each(|part| decoder.push(part, &mut |out| steps.extend_from_slice(out)))?;
            decoder.finish(&mut |_| ())
        });
        assert_eq!((result, &steps[..]), (Some(Ok(())), text));
    }
    let names = ["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate", "identity"];
    let name = names.get(usize::from(choice) % names.len()).copied().unwrap_or_default();
    let Ok(Some(mut decoder)) = ContentDecoder::new(name.as_bytes()) else { return };
    let (first, second) = body.split_at(body.len() / 2);
    let _ = decoder.push(first, &mut |_| ());
    let _ = decoder.push(second, &mut |_| ());
    let _ = decoder.finish(&mut |_| ());
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
