//! BPF filters on frames of a file, compiled by libpcap for each link type that occurs.

use pcap::{Capture, Linktype};

use super::bpf::Program;
use super::libpcap::available;
use super::{Block, CaptureError, Frame, LinkType, More, Source};

/// Link types that an expression is tried on before any frame is seen: `type mgt` is right only on 802.11.
const TRIED: [u16; 4] = [1, 113, 127, 101];

/// Link types whose programs are kept; a capture with more is compiled anew.
const KEPT: usize = 64;

/// A filter expression in the language of `pcap-filter(7)`.
pub struct Filter {
    expression: String,
    /// A program for each link type met, or why the expression does not fit it.
    programs: Vec<(LinkType, Result<Program, String>)>,
    /// Frames of link types that the expression cannot be asked of, with the reason.
    unfit: Vec<(LinkType, String, u64)>,
    /// Some frame could be asked.
    fits: bool,
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
                    let programs = vec![(LinkType(link), Ok(program))];
                    let expression = expression.to_owned();
                    return Ok(Self { expression, programs, unfit: Vec::new(), fits: false });
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
            let program = compile(frame.link, &self.expression).map_err(|error| explain(&error));
            self.programs.push((frame.link, program));
            self.programs.len() - 1
        });
        match self.programs.get(index) {
            Some((_, Ok(program))) => {
                self.fits = true;
                program.matches(frame.data, frame.wire_len)
            }
            Some((link, Err(why))) => {
                if let Some((.., frames)) = self.unfit.iter_mut().find(|(known, ..)| known == link) {
                    *frames += 1;
                } else if self.unfit.len() < KEPT {
                    self.unfit.push((*link, why.clone(), 1));
                }
                false
            }
            None => false,
        }
    }

    /// What is to be said of the frames that could not be asked, once all were there.
    ///
    /// # Errors
    /// [`CaptureError::Live`] as from [`Filter::compile`], if none could.
    fn verdict(&mut self) -> Result<Vec<String>, CaptureError> {
        let unfit = std::mem::take(&mut self.unfit);
        match unfit.first() {
            Some((_, why, _)) if !self.fits => {
                Err(CaptureError::Live(format!("filter {:?}: {why}", self.expression)))
            }
            _ => Ok(unfit.into_iter().map(|(link, why, frames)| text(link, &why, frames)).collect()),
        }
    }
}

fn text(link: LinkType, why: &str, frames: u64) -> String {
    let name =
        dlt(link).get_name().map_or_else(|_| link.0.to_string(), |name| format!("{} ({name})", link.0));
    let s = if frames == 1 { "" } else { "s" };
    format!("--filter cannot be used on link type {name}: {why}: {frames} packet{s} left out")
}

/// A source without the frames that a filter refuses. Numbers and offsets stay those of the capture.
pub struct Filtered<S> {
    source: S,
    filter: Filter,
    tell: Box<dyn FnMut(String) + Send>,
}

impl<S: Source> Filtered<S> {
    /// Filters `source`; `tell` hears once of each link type that the expression cannot be used on, if it can on another.
    pub fn new(source: S, filter: Filter, tell: impl FnMut(String) + Send + 'static) -> Self {
        Self { source, filter, tell: Box::new(tell) }
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
        if more == More::End {
            self.filter.verdict()?.into_iter().for_each(&mut self.tell);
        }
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

fn compile(link: LinkType, expression: &str) -> Result<Program, pcap::Error> {
    Ok(Program::new(&Capture::dead(dlt(link))?.compile(expression, true)?))
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
    use crate::capture::testing::{Order, Writer, drain, read_all};
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
        let mut filtered =
            Filtered::new(source, Filter::compile("udp port 80").unwrap(), |text| panic!("{text}"));
        let kept = drain(&mut filtered).unwrap().frames;
        assert_eq!(kept, [all.frames[1].clone(), all.frames[4].clone()]);
    }

    #[test]
    fn lengths_are_those_on_the_wire() {
        if available().is_err() {
            return;
        }
        let bytes = udp(80);
        let frame = |expression: &str, wire_len| {
            let number = 1;
            let (time, link) = (crate::time::Timestamp::default(), LinkType(1));
            let frame = Frame { number, time, offset: 0, link, data: &bytes, wire_len };
            Filter::compile(expression).unwrap().matches(&frame)
        };
        let captured = bytes.len() as u32;
        for (expression, wire_len, want) in [
            ("greater 150", 200, true),
            ("greater 150", captured, false),
            ("len > 150 and udp port 80", 200, true),
            ("less 140", 200, false),
            ("less 140", captured, true),
            // What was not captured cannot be looked at.
            ("not udp[20] = 7", 200, false),
        ] {
            assert_eq!(frame(expression, wire_len), want, "{expression} {wire_len}");
        }
    }

    #[test]
    fn link_types_that_an_expression_cannot_be_used_on_are_told_once() {
        use std::sync::{Arc, Mutex};
        if available().is_err() {
            return;
        }
        let run = |links: &[u16]| {
            let (order, data) = (Order(false), udp(80));
            let interfaces = links.iter().map(|link| order.interface(*link, 0, &[]));
            let mut bytes = [order.section()].into_iter().chain(interfaces).collect::<Vec<_>>().concat();
            for number in 0..links.len() as u32 * 2 {
                bytes.extend(order.enhanced(number / 2, 0, data.len() as u32, &data));
            }
            let source = open_stream(Box::new(std::io::Cursor::new(bytes)), FileId(0)).unwrap();
            let told = Arc::new(Mutex::new(vec![]));
            let heard = Arc::clone(&told);
            let tell = move |text| heard.lock().unwrap().push(text);
            let mut filtered = Filtered::new(source, Filter::compile("udp port 80").unwrap(), tell);
            let kept = drain(&mut filtered).map(|all| all.frames.len()).map_err(|error| error.to_string());
            (kept, told.lock().unwrap().clone())
        };
        assert_eq!(run(&[1]), (Ok(2), vec![]));
        let (kept, told) = run(&[220, 1]);
        assert_eq!((kept, told.len()), (Ok(2), 1));
        assert!(told[0].contains("link type 220 (") && told[0].ends_with("2 packets left out"), "{told:?}");
        let (kept, told) = run(&[220]);
        assert!(kept.unwrap_err().starts_with("filter \"udp port 80\": "));
        assert!(told.is_empty());
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
