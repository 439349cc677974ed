//! BPF filters on frames of a file, compiled by libpcap for each link type that occurs.

use pcap::{BpfProgram, Capture, Linktype};

use super::libpcap::available;
use super::{Block, CaptureError, Frame, LinkType, More, Source};

/// Link types that an expression is tried on before any frame is seen: `type mgt` is right only on 802.11.
const TRIED: [u16; 4] = [1, 113, 127, 101];

/// Link types whose programs are kept; a capture with more is compiled anew.
const KEPT: usize = 64;

/// A filter expression in the language of `pcap-filter(7)`.
pub struct Filter {
    expression: String,
    /// A program for each link type met; none where the expression does not fit the link type.
    programs: Vec<(LinkType, Option<BpfProgram>)>,
}

impl Filter {
    /// Compiles an expression.
    ///
    /// # Errors
    /// [`CaptureError::Live`] that names the expression and what libpcap says, or what to install.
    pub fn compile(expression: &str) -> Result<Self, CaptureError> {
        available()?;
        let mut first = None;
        for link in TRIED {
            match compile(LinkType(link), expression) {
                Ok(program) => {
                    let programs = vec![(LinkType(link), Some(program))];
                    return Ok(Self { expression: expression.to_owned(), programs });
                }
                Err(error) => first = first.or(Some(error)),
            }
        }
        let why = first.map(|error| explain(&error)).unwrap_or_default();
        Err(CaptureError::Live(format!("filter {expression:?}: {why}")))
    }

    /// Whether a frame matches. No frame matches whose link type the expression cannot be asked of.
    pub fn matches(&mut self, frame: &Frame<'_>) -> bool {
        let known = self.programs.iter().position(|(link, _)| *link == frame.link);
        let index = known.unwrap_or_else(|| {
            self.programs.truncate(KEPT - 1);
            self.programs.push((frame.link, compile(frame.link, &self.expression).ok()));
            self.programs.len() - 1
        });
        let program = self.programs.get(index).and_then(|(_, program)| program.as_ref());
        program.is_some_and(|program| program.filter(frame.data))
    }
}

/// A source without the frames that a filter refuses. Numbers and offsets stay those of the capture.
pub struct Filtered<S> {
    source: S,
    filter: Filter,
}

impl<S: Source> Filtered<S> {
    /// Filters `source`.
    pub fn new(source: S, filter: Filter) -> Self {
        Self { source, filter }
    }
}

impl<S: Source> Source for Filtered<S> {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        let more = self.source.fill(block)?;
        let kept: Vec<bool> = (0..block.frames.len())
            .map(|index| block.frame(index).is_some_and(|frame| self.filter.matches(&frame)))
            .collect();
        for secrets in &mut block.secrets {
            let before = kept.iter().take(secrets.before as usize).filter(|&&keep| keep).count();
            secrets.before = u32::try_from(before).unwrap_or(u32::MAX);
        }
        let mut keep = kept.into_iter();
        block.frames.retain(|_| keep.next().unwrap_or(false));
        Ok(more)
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.source.progress()
    }

    fn drops(&self) -> u64 {
        self.source.drops()
    }
}

impl Source for Box<dyn Source> {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        (**self).fill(block)
    }

    fn progress(&self) -> Option<(u64, u64)> {
        (**self).progress()
    }

    fn drops(&self) -> u64 {
        (**self).drops()
    }
}

fn compile(link: LinkType, expression: &str) -> Result<BpfProgram, pcap::Error> {
    Capture::dead(dlt(link))?.compile(expression, true)
}

/// The `DLT_*` value of a `LINKTYPE_*`: they differ where systems disagreed (libpcap's `pcap-common.c`).
fn dlt(link: LinkType) -> Linktype {
    Linktype(match link.0 {
        100 => 11,
        101 => 12,
        other => i32::from(other),
    })
}

/// The link type of a `DLT_*` value.
pub(super) fn linktype(dlt: Linktype) -> LinkType {
    LinkType(match dlt.0 {
        11 => 100,
        12 | 14 => 101,
        other => u16::try_from(other).unwrap_or(u16::MAX),
    })
}

/// What libpcap says, without the crate's preface.
pub(super) fn explain(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}
