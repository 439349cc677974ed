//! The head of one record of a classic capture.

/// Bytes of a record header (draft-ietf-opsawg-pcap section 5).
pub(super) const RECORD: usize = 16;

/// The same with Kuznetzov's patch to libpcap: interface, protocol and kind of packet come behind the lengths
/// (libpcap's `pcap_sf_patched_pkthdr`).
pub(super) const PATCHED_RECORD: usize = 24;

/// In which order a record has its lengths: before version 2.3 the wire length came first.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Lengths {
    CapturedFirst,
    /// Version 2.3: both orders occur, and the captured length is never the larger one.
    SmallerIsCaptured,
    WireFirst,
}

/// The head of a record, by hand: pcap-parser's `parse_pcap_frame` cuts the data out of a streaming parser, which
/// costs more than all the rest of the loop that reads.
pub(super) struct Record {
    pub(super) seconds: u32,
    pub(super) fraction: u32,
    pub(super) captured: u32,
    pub(super) wire: u32,
}

impl Record {
    /// The head of the record that begins at `at`, as far as all have it in common.
    #[inline(always)]
    pub(super) fn at<const BIG: bool>(bytes: &[u8], at: usize) -> Option<Self> {
        let head = bytes.get(at..)?.first_chunk::<RECORD>()?;
        let word = |i: usize| {
            let word = [head[i], head[i + 1], head[i + 2], head[i + 3]];
            if BIG { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
        };
        Some(Self { seconds: word(0), fraction: word(4), captured: word(8), wire: word(12) })
    }

    /// Puts the lengths in their places.
    pub(super) fn reorder(&mut self, lengths: Lengths) {
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
