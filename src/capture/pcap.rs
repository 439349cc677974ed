//! Classic pcap (draft-ietf-opsawg-pcap): the header, and records in place.

use pcap_parser::parse_pcap_header;

use super::reader::{Format, Out, Search, Stop};
use super::{CaptureError, FrameRef, LinkType};
use crate::limits::FRAME_BYTES;
use crate::time::Timestamp;

/// Bytes of the file header (draft-ietf-opsawg-pcap section 4).
pub(super) const HEADER: usize = 24;

/// Bytes of a record header (section 5).
const RECORD: usize = 16;

/// libpcap's largest snapshot length; no tool writes a longer frame if the header declares a shorter one.
const SNAPLEN: u32 = 262_144;

/// Records that must follow each other plausibly before we believe in them after damage.
const CHAIN: usize = 3;

/// Bytes that a search wants to see behind a place: [`CHAIN`] headers and the frames between them.
const LOOKAHEAD: usize = (CHAIN - 1) * (RECORD + SNAPLEN as usize) + RECORD;

/// Seconds between two records that are still plausible in a search.
const STEP: u32 = 30 * 86_400;

/// The records of one classic capture.
pub(super) struct Pcap {
    big: bool,
    /// Nanoseconds of one unit of the fraction.
    unit: i64,
    link: LinkType,
    /// Longest frame that is believed.
    longest: u32,
    lengths: Lengths,
    /// Seconds of the last record.
    last: Option<u32>,
}

/// In which order a record has its lengths: before version 2.3 the wire length came first.
#[derive(Clone, Copy, PartialEq)]
enum Lengths {
    CapturedFirst,
    /// Version 2.3: both orders occur, and the captured length is never the larger one.
    SmallerIsCaptured,
    WireFirst,
}

impl Pcap {
    /// Reads the file header at the start of a capture, whose magic was recognised.
    ///
    /// # Errors
    /// [`CaptureError::Unreadable`] if the header is cut or of an unknown version.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, CaptureError> {
        let unreadable = |offset, cause: String| CaptureError::Unreadable { offset, cause };
        let Ok((_, header)) = parse_pcap_header(bytes) else {
            let at = bytes.len().min(HEADER) as u64;
            return Err(unreadable(at, "the pcap header is cut off".to_owned()));
        };
        let version = (header.version_major, header.version_minor);
        let lengths = match version {
            (0..=1, _) => {
                let cause = format!("pcap version {}.{} is not known", version.0, version.1);
                return Err(unreadable(4, cause));
            }
            (2, 0..=2) => Lengths::WireFirst,
            (2, 3) => Lengths::SmallerIsCaptured,
            _ => Lengths::CapturedFirst,
        };
        // 0 and 0xffffffff mean "no limit"; some tools write nonsense, so any large value does too.
        let longest = match header.snaplen {
            1..=SNAPLEN => SNAPLEN,
            other if other as usize <= FRAME_BYTES && other > 0 => other,
            _ => FRAME_BYTES as u32,
        };
        Ok(Self {
            big: header.is_bigendian(),
            unit: if header.is_nanosecond_precision() { 1 } else { 1000 },
            // The upper half holds the length of the frame check sequence (section 4, "FCS len").
            link: LinkType((header.network.0 & 0xffff) as u16),
            longest,
            lengths,
            last: None,
        })
    }

    fn take_as<const BIG: bool>(
        &mut self,
        bytes: &[u8],
        mut at: usize,
        last: bool,
        out: &mut Out<'_>,
    ) -> (usize, Stop) {
        loop {
            let Some(mut record) = record::<BIG>(bytes, at) else { return (at, Stop::Partial(RECORD)) };
            if self.lengths != Lengths::CapturedFirst {
                record.reorder(self.lengths);
            }
            if record.captured > self.longest {
                return (at, Stop::Damaged(too_long(record.captured, self.longest)));
            }
            let next = at + RECORD + record.captured as usize;
            if next > bytes.len() {
                return (at, Stop::Partial(next - at));
            }
            // A captured length above the wire length, or a fraction above a second, is what damage makes of
            // a header; some tools write such records, so what follows decides.
            if record.captured > record.wire || i64::from(record.fraction) * self.unit >= 1_000_000_000 {
                match self.follows::<BIG>(bytes, next, last) {
                    Some(true) => {}
                    Some(false) => return (at, Stop::Damaged("a record header makes no sense".to_owned())),
                    None => return (at, Stop::Partial(next + RECORD - at)),
                }
            }
            out.number += 1;
            out.frames.push(FrameRef {
                start: (at + RECORD) as u32,
                len: record.captured,
                wire_len: record.wire,
                link: self.link,
                time: Timestamp::from_parts(
                    i64::from(record.seconds),
                    i64::from(record.fraction) * self.unit,
                ),
                offset: out.base + (at + RECORD) as u64,
                number: out.number,
            });
            self.last = Some(record.seconds);
            at = next;
        }
    }

    /// Whether a record or the end of the file stands at `at`; unknown if the bytes end there.
    #[cold]
    fn follows<const BIG: bool>(&self, bytes: &[u8], at: usize, last: bool) -> Option<bool> {
        let Some(mut record) = record::<BIG>(bytes, at) else { return last.then_some(true) };
        record.reorder(self.lengths);
        Some(record.captured <= self.longest)
    }

    fn find_as<const BIG: bool>(&self, bytes: &[u8], at: usize, last: bool) -> Search {
        let margin = if last { RECORD - 1 } else { LOOKAHEAD };
        let end = bytes.len().saturating_sub(margin).max(at);
        match (at..end).find(|&place| self.chain::<BIG>(bytes, place, last)) {
            Some(place) => Search::Found(place),
            None => Search::Beyond(end),
        }
    }

    /// Whether records begin at `at` that are plausible in length and time.
    fn chain<const BIG: bool>(&self, bytes: &[u8], mut at: usize, last: bool) -> bool {
        let mut before = self.last;
        for seen in 0..CHAIN {
            let Some(mut record) = record::<BIG>(bytes, at) else {
                return last && (seen > 1 || (seen == 1 && at == bytes.len()));
            };
            record.reorder(self.lengths);
            let plausible = (1..=self.longest.min(SNAPLEN)).contains(&record.captured)
                && record.captured <= record.wire
                && record.wire as usize <= FRAME_BYTES
                && i64::from(record.fraction) * self.unit < 1_000_000_000
                && before.is_none_or(|before| before.abs_diff(record.seconds) <= STEP);
            if !plausible {
                return false;
            }
            before = Some(record.seconds);
            at += RECORD + record.captured as usize;
        }
        true
    }
}

impl Format for Pcap {
    fn take(&mut self, bytes: &[u8], at: usize, last: bool, out: &mut Out<'_>) -> (usize, Stop) {
        match self.big {
            true => self.take_as::<true>(bytes, at, last, out),
            false => self.take_as::<false>(bytes, at, last, out),
        }
    }

    fn find(&self, bytes: &[u8], at: usize, last: bool) -> Search {
        match self.big {
            true => self.find_as::<true>(bytes, at, last),
            false => self.find_as::<false>(bytes, at, last),
        }
    }
}

/// The name of a pcap variant that we refuse, by its magic (libpcap's `sf-pcap.c`, Wireshark's `libpcap.h`).
pub(super) fn variant(magic: [u8; 4]) -> Option<&'static str> {
    let name = |magic| match magic {
        0xa1b2_cd34 => Some("modified pcap (Kuznetzov's patch)"),
        0xa1b2_34cd => Some("modified pcap (Esquire's patch)"),
        0xa12b_3c4d => Some("Navtel pcap"),
        0x1c00_01ac => Some("IXIA lcap (hardware)"),
        0x1c00_01ab => Some("IXIA lcap (software)"),
        _ => None,
    };
    name(u32::from_le_bytes(magic)).or_else(|| name(u32::from_be_bytes(magic)))
}

/// A record header by hand: pcap-parser's `parse_pcap_frame` cuts the data out of a streaming parser, which
/// costs more than all the rest of this loop.
struct Record {
    seconds: u32,
    fraction: u32,
    captured: u32,
    wire: u32,
}

impl Record {
    fn reorder(&mut self, lengths: Lengths) {
        let swap = match lengths {
            Lengths::CapturedFirst => false,
            Lengths::SmallerIsCaptured => self.captured > self.wire,
            Lengths::WireFirst => true,
        };
        if swap {
            std::mem::swap(&mut self.captured, &mut self.wire);
        }
    }
}

#[inline(always)]
fn record<const BIG: bool>(bytes: &[u8], at: usize) -> Option<Record> {
    let head = bytes.get(at..)?.first_chunk::<RECORD>()?;
    let word = |i: usize| {
        let word = [head[i], head[i + 1], head[i + 2], head[i + 3]];
        if BIG { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    };
    Some(Record { seconds: word(0), fraction: word(4), captured: word(8), wire: word(12) })
}

#[cold]
fn too_long(captured: u32, longest: u32) -> String {
    format!("record length {captured} is larger than any frame here (at most {longest})")
}
