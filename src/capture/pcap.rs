//! Classic pcap (draft-ietf-opsawg-pcap): the header, and records in place.

use pcap_parser::parse_pcap_header;

use super::reader::{Format, Out, Search, Stop};
use super::record::{Lengths, PATCHED_RECORD, RECORD, Record};
use super::{CaptureError, FrameRef, LinkType};
use crate::limits::FRAME_BYTES;
use crate::time::{SECOND, Timestamp};

/// Bytes of the file header (draft-ietf-opsawg-pcap section 4).
pub(super) const HEADER: usize = 24;

/// libpcap's largest snapshot length; no tool writes a longer frame if the header declares a shorter one.
const SNAPLEN: u32 = 262_144;

/// Records that must follow each other plausibly before we believe in them after damage.
const CHAIN: usize = 3;

/// Bytes that a search wants to see behind a place: [`CHAIN`] headers and the frames between them.
const LOOKAHEAD: usize = (CHAIN - 1) * (PATCHED_RECORD + SNAPLEN as usize) + PATCHED_RECORD;

/// Seconds between two records that are still plausible in a search.
const STEP: u32 = 30 * 86_400;

/// The records of one classic capture.
pub(super) struct Pcap {
    big: bool,
    /// Bytes of a record header.
    head: usize,
    /// Nanoseconds of one unit of the fraction.
    unit: i64,
    link: LinkType,
    /// Longest frame that is believed.
    longest: u32,
    lengths: Lengths,
    /// Seconds of the first record; damage may have made the last one's.
    first: Option<u32>,
    /// Seconds of the last record.
    last: u32,
}

impl Pcap {
    /// Reads the file header at the start of a capture, whose magic was recognised.
    ///
    /// # Errors
    /// [`CaptureError::Unreadable`] if the header is cut or of an unknown version.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, CaptureError> {
        let unreadable = |offset, cause: String| CaptureError::Unreadable { offset, cause };
        let cut = || unreadable(bytes.len().min(HEADER) as u64, "the pcap header is cut off".to_owned());
        let mut start = *bytes.first_chunk::<HEADER>().ok_or_else(cut)?;
        let patched = match &mut start {
            // All behind the magic is as usual.
            [low @ 0x34, next @ 0xcd, 0xb2, 0xa1, ..] | [0xa1, 0xb2, next @ 0xcd, low @ 0x34, ..] => {
                (*low, *next) = (0xd4, 0xc3);
                true
            }
            _ => false,
        };
        let (_, header) = parse_pcap_header(&start).map_err(|_| cut())?;
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
            head: if patched { PATCHED_RECORD } else { RECORD },
            unit: if header.is_nanosecond_precision() { 1 } else { 1000 },
            // The upper half holds the length of the frame check sequence (section 4, "FCS len").
            link: LinkType((header.network.0 & 0xffff) as u16),
            longest,
            lengths,
            first: None,
            last: 0,
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
            let Some(mut record) = Record::at::<BIG>(bytes, at) else { return (at, Stop::Partial(RECORD)) };
            if self.lengths != Lengths::CapturedFirst {
                record.reorder(self.lengths);
            }
            if record.captured > self.longest {
                return (at, Stop::Damaged(too_long(record.captured, self.longest)));
            }
            let data = at + self.head;
            let next = data + record.captured as usize;
            if next > bytes.len() {
                return (at, Stop::Partial(next - at));
            }
            // Some tools write odd records, and damage makes them: what follows decides.
            if self.first.is_none() {
                self.last = record.seconds;
            }
            let odd = self.oddity(&record, self.last);
            if odd != 0 {
                match self.follows::<BIG>(bytes, next, last, odd, record.seconds) {
                    Ok(true) => {}
                    Ok(false) => return (at, Stop::Damaged("a record header makes no sense".to_owned())),
                    Err(need) => return (at, Stop::Partial(need - at)),
                }
            }
            self.first.get_or_insert(record.seconds);
            out.number += 1;
            out.frames.push(FrameRef {
                start: data as u32,
                len: record.captured,
                wire_len: record.wire,
                link: self.link,
                time: Timestamp::from_parts(
                    i64::from(record.seconds),
                    i64::from(record.fraction) * self.unit,
                ),
                offset: out.base + data as u64,
                number: out.number,
            });
            self.last = record.seconds;
            at = next;
        }
    }

    /// What is odd in a record: a captured length above the wire length, a fraction above a second, a leap
    /// in time from `before`; one bit each.
    #[inline(always)]
    fn oddity(&self, record: &Record, before: u32) -> u8 {
        u8::from(record.captured > record.wire)
            | u8::from(i64::from(record.fraction) * self.unit >= SECOND) << 1
            | u8::from(!near(before, record.seconds)) << 2
    }

    /// Whether the file ends at `at`, or [`CHAIN`] records stand there that are in no way odder than the one
    /// before them, `record`; unknown, with the bytes that are needed, if they end too early.
    #[cold]
    fn follows<const BIG: bool>(
        &self,
        bytes: &[u8],
        mut at: usize,
        last: bool,
        odd: u8,
        mut seconds: u32,
    ) -> Result<bool, usize> {
        for seen in 0..CHAIN {
            let Some(mut record) = Record::at::<BIG>(bytes, at) else {
                return if last { Ok(seen > 0 || at == bytes.len()) } else { Err(at + RECORD) };
            };
            record.reorder(self.lengths);
            if record.captured > SNAPLEN || self.oddity(&record, seconds) & !odd != 0 {
                return Ok(false);
            }
            seconds = record.seconds;
            at += self.head + record.captured as usize;
        }
        Ok(true)
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
        let mut before = None;
        let mut known_time = false;
        for seen in 0..CHAIN {
            let Some(mut record) = Record::at::<BIG>(bytes, at) else {
                // A shorter chain at the end of the file must at least be of the time of the others.
                return last && known_time && (seen > 1 || at == bytes.len());
            };
            record.reorder(self.lengths);
            let plausible = (1..=self.longest.min(SNAPLEN)).contains(&record.captured)
                && record.captured <= record.wire
                && record.wire as usize <= FRAME_BYTES
                && i64::from(record.fraction) * self.unit < SECOND
                && before.is_none_or(|before| near(before, record.seconds));
            if !plausible {
                return false;
            }
            known_time |=
                self.first.is_none_or(|first| near(first, record.seconds)) || near(self.last, record.seconds);
            before = Some(record.seconds);
            at += self.head + record.captured as usize;
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

fn near(a: u32, b: u32) -> bool {
    a.abs_diff(b) <= STEP
}

#[cold]
fn too_long(captured: u32, longest: u32) -> String {
    format!("record length {captured} is larger than any frame here (at most {longest})")
}

#[cfg(test)]
mod tests {

    use crate::capture::CaptureError;
    use crate::capture::testing::{Writer, read_all};

    #[test]
    fn both_byte_orders_and_both_units() {
        for big in [false, true] {
            for (magic, unit) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1)] {
                let mut writer = Writer::new(magic, big, 0, 113);
                writer.record(7, 3, 60, b"abc");
                writer.record(999_999, 4, 4, b"defg");
                let all = read_all(&writer.bytes).unwrap();
                assert_eq!(all.damage, []);
                let [first, second] = &all.frames[..] else { panic!("{:?}", all.frames) };
                assert_eq!((first.number, first.offset, first.link, first.wire_len), (1, 40, 113, 60));
                assert_eq!(first.nanos, 1_700_000_000_000_000_000 + 7 * unit);
                assert_eq!((second.number, second.offset), (2, 59));
                assert_eq!(second.nanos, 1_700_000_001_000_000_000 + 999_999 * unit);
                assert_eq!((&first.data[..], &second.data[..]), (&b"abc"[..], &b"defg"[..]));
            }
        }
    }

    #[test]
    fn header_oddities_are_accepted() {
        for snaplen in [0, 1, u32::MAX] {
            // The upper bits say that frames end with a check sequence of four bytes.
            let mut writer = Writer::new(0xa1b2_c3d4, false, snaplen, 0x2400_0001);
            writer.frame(b"abc");
            let all = read_all(&writer.bytes).unwrap();
            assert_eq!((all.frames.len(), all.frames[0].link), (1, 1));
        }
        let mut writer = Writer::default();
        writer.seconds = u32::MAX - 1;
        writer.record(u32::MAX, 1, 1, b"a");
        writer.frame(b"b");
        let all = read_all(&writer.bytes).unwrap();
        assert_eq!((all.frames.len(), all.damage.len()), (2, 0));
    }

    #[test]
    fn old_versions_have_their_lengths_the_other_way_round() {
        for (minor, swapped) in [(2, true), (3, true), (3, false), (4, false)] {
            let mut writer = Writer::default();
            writer.bytes[6] = minor;
            for _ in 0..3 {
                let (a, b) = if swapped { (60, 3) } else { (3, 60) };
                writer.record(0, a, b, b"abc");
            }
            let all = read_all(&writer.bytes).unwrap();
            assert_eq!((all.frames.len(), all.damage.len()), (3, 0), "2.{minor}");
            assert!(all.frames.iter().all(|f| f.wire_len == 60 && f.data == b"abc"));
        }
    }

    #[test]
    fn other_versions_and_cut_headers_are_refused() {
        let mut old = Writer::default();
        old.bytes[4] = 1;
        assert!(matches!(read_all(&old.bytes), Err(CaptureError::Unreadable { offset: 4, .. })));
        assert!(matches!(read_all(&old.bytes[..20]), Err(CaptureError::Unreadable { offset: 20, .. })));
    }

    #[test]
    fn records_may_have_the_fields_of_kuznetzov() {
        for big in [false, true] {
            let mut writer = Writer::new(0xa1b2_cd34, big, 65_535, 1);
            for i in 0..6 {
                writer.record(5, 100, 100, &[0, 0, 0, 2, 8, 0, 4, 0]);
                writer.bytes.extend([i; 100]);
            }
            let all = read_all(&writer.bytes).unwrap();
            assert_eq!((all.frames.len(), all.damage.len()), (6, 0));
            assert_eq!((all.frames[1].offset, &all.frames[1].data[..]), (24 + 124 + 24, &[1; 100][..]));
            // Damage costs one record here, too.
            writer.bytes[24 + 124..][8..12].fill(0xff);
            let all = read_all(&writer.bytes).unwrap();
            assert_eq!(all.frames.iter().map(|f| f.data[0]).collect::<Vec<_>>(), [0, 2, 3, 4, 5]);
            assert_eq!(all.damage.len(), 1);
        }
    }

    #[test]
    fn goes_on_behind_damage() {
        for big in [false, true] {
            let mut writer = Writer::new(0xa1b2_c3d4, big, 65_535, 1);
            writer.frame(&[1; 100]);
            let hole = writer.bytes.len();
            writer.bytes.extend((0..5000u32).map(|i| (i * 31 % 251) as u8 | 0x10));
            let resumed = writer.bytes.len();
            (2..6).for_each(|i| writer.frame(&[i; 100]));
            let all = read_all(&writer.bytes).unwrap();
            assert_eq!(all.frames.iter().map(|f| f.data[0]).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
            assert_eq!(all.frames[1].offset, resumed as u64 + 16);
            let [damage] = &all.damage[..] else { panic!("{:?}", all.damage) };
            assert_eq!((damage.offset, damage.lost), (hole as u64, Some((resumed - hole) as u64)));
            assert_eq!(damage.file.0, 7);
        }
    }

    #[test]
    fn a_length_that_was_flipped_costs_one_record() {
        for bit in 0..32 {
            let mut writer = Writer::default();
            (0..8).for_each(|i| writer.frame(&[i; 100]));
            let third = 24 + 2 * 116;
            writer.bytes[third + 8 + bit / 8] ^= 1 << (bit % 8);
            let all = read_all(&writer.bytes).unwrap();
            assert!(all.frames.len() >= 7, "bit {bit}: {}", all.frames.len());
            assert_eq!(all.damage.len(), 1, "bit {bit}");
            assert_eq!(all.frames.last().unwrap().data, [7; 100]);
        }
    }

    #[test]
    fn a_cut_file_says_so() {
        let mut writer = Writer::default();
        writer.frame(&[1; 100]);
        let second = writer.bytes.len();
        writer.frame(&[2; 100]);
        for len in second..writer.bytes.len() {
            let all = read_all(&writer.bytes[..len]).unwrap();
            assert_eq!(all.frames.len(), 1);
            let damage: Vec<_> = all.damage.iter().map(|d| (d.offset, d.lost)).collect();
            let lost = (len - second) as u64;
            assert_eq!(damage, if lost > 0 { vec![(second as u64, Some(lost))] } else { vec![] });
        }
    }
}
