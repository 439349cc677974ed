//! One interface that is captured on.

use pcap::{Active, Capture, Precision};

use super::super::filter::{explain, linktype};
use super::super::libpcap::nanoseconds;
use super::super::{Block, CaptureError, FileId, FrameRef, LinkType};
use super::{LiveOptions, refused};
use crate::limits::BLOCK_BYTES;
use crate::time::Timestamp;

/// Frames after which a block is handed on.
const FRAMES: usize = 2048;

/// An open interface.
pub(super) struct Port {
    capture: Capture<Active>,
    file: FileId,
    link: LinkType,
    snaplen: usize,
    /// Nanoseconds of one unit of the fraction of a second.
    unit: i64,
}

/// What the frames of an interface are numbered by, across reopening.
#[derive(Clone, Copy)]
pub(super) struct Place {
    number: u64,
    /// Where the next record would lie if a classic capture were written.
    offset: u64,
}

impl Default for Place {
    fn default() -> Self {
        Self { number: 0, offset: super::super::pcap::HEADER as u64 }
    }
}

impl Port {
    pub(super) fn open(name: &str, file: FileId, options: &LiveOptions) -> Result<Self, CaptureError> {
        let refuse = |error: pcap::Error| refused(name, &explain(&error));
        // With immediate mode libpcap cannot use the kernel's block-wise ring (TPACKET_V3).
        let mut capture = Capture::from_device(name)
            .map_err(refuse)?
            .promisc(options.promiscuous)
            .snaplen(i32::try_from(options.snaplen).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(options.buffer).unwrap_or(i32::MAX))
            .timeout(i32::try_from(options.patience.as_millis() / 2).unwrap_or(50).max(1))
            .immediate_mode(options.immediate)
            .precision(Precision::Nano)
            .open()
            .and_then(Capture::setnonblock)
            .map_err(refuse)?;
        if let Some(filter) = &options.filter {
            capture
                .filter(filter, true)
                .map_err(|error| CaptureError::Live(format!("filter {filter:?}: {}", explain(&error))))?;
        }
        Ok(Self {
            link: linktype(capture.get_datalink()),
            snaplen: options.snaplen as usize,
            unit: if nanoseconds(&capture) { 1 } else { 1000 },
            capture,
            file,
        })
    }

    /// Copies at most `most` of the frames that have come into an empty block, as far as there is room.
    ///
    /// # Errors
    /// What libpcap says; frames that came before it are in the block.
    pub(super) fn take(&mut self, block: &mut Block, place: &mut Place, most: u64) -> Result<(), String> {
        block.file = self.file;
        let room = |block: &Block| block.bytes.len() + self.snaplen.min(BLOCK_BYTES / 2) <= BLOCK_BYTES;
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(FRAMES);
        while block.frames.len() < most && room(block) {
            let packet = match self.capture.next_packet() {
                Ok(packet) => packet,
                Err(pcap::Error::TimeoutExpired) => break,
                Err(error) => return Err(explain(&error)),
            };
            let start = block.bytes.len();
            block.bytes.extend(packet.data);
            place.number += 1;
            place.offset += 16;
            block.frames.push(FrameRef {
                start: start as u32,
                len: packet.data.len() as u32,
                wire_len: packet.header.len,
                link: self.link,
                // With nanosecond precision `tv_usec` holds nanoseconds.
                time: Timestamp::from_parts(packet.header.ts.tv_sec, packet.header.ts.tv_usec * self.unit),
                offset: place.offset,
                number: place.number,
            });
            place.offset += packet.data.len() as u64;
        }
        Ok(())
    }

    /// Received, dropped and dropped by the interface since it was opened.
    pub(super) fn stats(&mut self) -> Option<[u64; 3]> {
        let stat = self.capture.stats().ok()?;
        Some([stat.received, stat.dropped, stat.if_dropped].map(u64::from))
    }
}
