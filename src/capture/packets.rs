//! Packets that a program hands over.

use super::{Block, CaptureError, FileId, FrameRef, LinkType, More, Source};
use crate::limits::{BLOCK_BYTES, FRAME_BYTES};
use crate::time::Timestamp;

/// A packet as it was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPacket {
    /// When.
    pub time: Timestamp,
    /// What its first byte belongs to; 1 is Ethernet (`LINKTYPE_*` of tcpdump.org).
    pub link: LinkType,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// A source of packets from an iterator. They are numbered from 1 in its order; offsets are those of their bytes, one packet after
/// the other.
pub struct Packets<I> {
    packets: I,
    file: FileId,
    number: u64,
    offset: u64,
}

impl<I: Iterator<Item = RawPacket> + Send> Packets<I> {
    /// The packets of the input `file`.
    pub fn new(packets: I, file: FileId) -> Self {
        Self { packets, file, number: 0, offset: 0 }
    }
}

impl<I: Iterator<Item = RawPacket> + Send> Source for Packets<I> {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        block.clear();
        block.file = self.file;
        while block.bytes.len() < BLOCK_BYTES {
            let Some(packet) = self.packets.next() else { return Ok(More::End) };
            let data = packet.data.get(..FRAME_BYTES).unwrap_or(&packet.data);
            self.number += 1;
            block.frames.push(FrameRef {
                start: block.bytes.len() as u32,
                len: data.len() as u32,
                wire_len: u32::try_from(packet.data.len()).unwrap_or(u32::MAX),
                link: packet.link,
                time: packet.time,
                offset: self.offset,
                number: self.number,
            });
            self.offset += data.len() as u64;
            block.bytes.extend(data);
        }
        Ok(More::Yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_as_they_went_in() {
        let packets = (0..5000u32).map(|n| RawPacket {
            time: Timestamp::from_parts(i64::from(n), 0),
            link: LinkType(1),
            data: vec![n as u8; n as usize % 300],
        });
        let mut source = Packets::new(packets, FileId(2));
        let (mut block, mut seen) = (Block::default(), 0u64);
        loop {
            let more = source.fill(&mut block).unwrap();
            assert!(block.bytes.len() < BLOCK_BYTES + 300);
            for frame in (0..block.frames.len()).map(|at| block.frame(at).unwrap()) {
                assert_eq!((frame.number, frame.time.seconds()), (seen + 1, seen as i64));
                assert!(frame.data.len() as u64 == seen % 300 && frame.data.iter().all(|b| *b == seen as u8));
                seen += 1;
            }
            if more == More::End {
                break;
            }
        }
        assert_eq!(seen, 5000);
    }
}
