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
        block.seen_from = block.begins();
        let kept: Vec<bool> = (0..block.frames.len())
            .map(|index| block.frame(index).is_some_and(|frame| self.filter.matches(&frame)))
            .collect();
        for secrets in &mut block.secrets {
            let before = kept.iter().take(secrets.before as usize).filter(|&&keep| keep).count();
            secrets.before = u32::try_from(before).unwrap_or(u32::MAX);
        }
        let mut keep = kept.into_iter();
        block.frames.retain(|_| keep.next().unwrap_or(false));
        // What never was a packet matches no filter of packets.
        block.exchanges.clear();
        Ok(more)
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.source.progress()
    }

    fn awaits_secrets(&self) -> bool {
        self.source.awaits_secrets()
    }

    fn drops(&self) -> u64 {
        self.source.drops()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::{Writer, drain, read_all};
    use crate::capture::{FileId, open_stream};

    /// An Ethernet frame with a UDP datagram to `port`.
    fn udp(port: u16) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1]);
        frame.extend(port.to_be_bytes());
        frame.extend([0, 8, 0, 0]);
        frame
    }

    #[test]
    fn frames_that_do_not_match_are_dropped_and_numbers_stay() {
        if available().is_err() {
            return;
        }
        let mut writer = Writer::default();
        for port in [53, 80, 53, 443, 80] {
            writer.frame(&udp(port));
        }
        let data = writer.bytes;
        let all = read_all(&data).unwrap();
        let source = open_stream(Box::new(std::io::Cursor::new(data)), FileId(0)).unwrap();
        let mut filtered = Filtered::new(source, Filter::compile("udp port 80").unwrap());
        let kept = drain(&mut filtered).unwrap().frames;
        assert_eq!(kept, [all.frames[1].clone(), all.frames[4].clone()]);
    }

    #[test]
    fn a_bad_expression_is_named() {
        if available().is_err() {
            return;
        }
        let error = Filter::compile("tcp prot 80").err().unwrap().to_string();
        assert!(error.contains("\"tcp prot 80\"") && error.contains("syntax error"), "{error}");
        assert!(Filter::compile("").is_ok());
    }

    #[test]
    fn an_expression_is_compiled_for_each_link_type() {
        if available().is_err() {
            return;
        }
        let mut filter = Filter::compile("udp port 80").unwrap();
        let bytes = udp(80);
        let frame = |link, data| Frame {
            number: 1,
            time: crate::time::Timestamp::default(),
            offset: 0,
            link: LinkType(link),
            data,
            wire_len: 0,
        };
        assert!(filter.matches(&frame(1, &bytes)));
        assert!(filter.matches(&frame(101, &bytes[14..])));
        assert!(!filter.matches(&frame(101, &bytes)));
        assert!(!filter.matches(&frame(65_000, &bytes)));
        for link in 1000..1200 {
            assert!(!filter.matches(&frame(link, &bytes)));
        }
    }
}
