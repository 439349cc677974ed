//! Several Ethernet frames in one frame of the capture: aggregates of 802.11, transfers of USB adapters.

use super::link::{be16, be32};
use super::{Inner, Link};
use crate::capture::{Block, FrameRef, LinkType};

/// Frames that travel together, in order. Each is a part of the bytes of its own: no two overlap, so they are never more
/// bytes than what they came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bundle<'a> {
    /// IEEE 802.11 clause 9.3.2.2.2: A-MSDU subframes with addresses, length and padding to four bytes.
    Aggregate(&'a [u8]),
    /// \[MS-RNDIS\] 2.2.14: packet messages one behind the other.
    Rndis(&'a [u8]),
    /// CDC EEM 1.0 section 5.1: packets with a header of two bytes and a checksum, one behind the other.
    Eem(&'a [u8]),
    /// CDC NCM 1.0 section 3: a block with a table of its datagrams.
    Ncm {
        /// The block, from its `NCMH`.
        block: &'a [u8],
        /// Where the next entry of the table is.
        entry: usize,
        /// Where the datagram before it ends.
        least: usize,
    },
}

impl<'a> Iterator for Bundle<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::Aggregate(rest) => {
                let len = 14 + usize::from(be16(rest, 12).ok()?);
                Some(split(rest, len, len.next_multiple_of(4)))
            }
            Self::Rndis(rest) => {
                // The offset of the data counts from its own field; lengths are little-endian.
                let word = |at| be32(rest, at).ok().map(|n| n.swap_bytes() as usize);
                if rest.len() < 44 || word(0)? != 1 {
                    return None;
                }
                let (message, at, len) = (word(4)?, word(8)?.checked_add(8)?, word(12)?);
                let frame = split(rest, at.checked_add(len)?, message.max(44));
                frame.get(at..)
            }
            Self::Eem(rest) => loop {
                const COMMAND: u16 = 0x8000;
                const CHECKSUM: usize = 4;
                let head = be16(rest, 0).ok()?.swap_bytes();
                let (is_echo, len) = (head >> 11 & 7 < 2, usize::from(head & 0x3fff));
                if head & COMMAND != 0 {
                    split(rest, 0, 2 + if is_echo { usize::from(head & 0x07ff) } else { 0 });
                } else if len <= CHECKSUM {
                    split(rest, 0, 2 + len);
                } else {
                    let part = split(rest, 2 + len - CHECKSUM, 2 + len);
                    return part.get(2..).filter(|frame| !frame.is_empty());
                }
            },
            Self::Ncm { block, entry, least } => {
                let half = |at| be16(block, at).ok().map(|n| usize::from(n.swap_bytes()));
                let (at, len) = (half(*entry)?, half(*entry + 2)?);
                if at < *least || len < 14 {
                    return None;
                }
                (*entry, *least) = (*entry + 4, at + len);
                block.get(at..(at + len).min(block.len())).filter(|frame| !frame.is_empty())
            }
        }
    }
}

/// Takes `step` bytes off the front; of these the first `len`, or what was captured of them.
fn split<'a>(rest: &mut &'a [u8], len: usize, step: usize) -> &'a [u8] {
    let frame = rest.get(..len).unwrap_or(rest);
    *rest = rest.get(step..).unwrap_or_default();
    frame
}

/// Puts what travels together in one frame of the block side by side: each part becomes a frame with the packet number, the
/// time and the place of the one that it came in. To be called once, before decoding.
pub fn unbundle(block: &mut Block) {
    if !block.frames.iter().any(|frame| may_bundle(frame.link)) {
        return;
    }
    let Block { frames, bytes, .. } = block;
    let filled = bytes.filled();
    *frames = frames.drain(..).flat_map(|frame| parts(frame, filled)).collect();
}

/// Link types whose frames may be bundles: 802.11 behind any header, USB.
const fn may_bundle(link: LinkType) -> bool {
    matches!(link.0, 105 | 119 | 127 | 163 | 189 | 192 | 220 | 249)
}

fn parts<'a>(frame: FrameRef, filled: &'a [u8]) -> impl Iterator<Item = FrameRef> + use<'a> {
    let data = filled.get(frame.start as usize..).and_then(|data| data.get(..frame.len as usize));
    let several = data
        .filter(|_| may_bundle(frame.link))
        .and_then(|data| Some((data, bundle(frame.link.0, data)?)))
        .filter(|(_, bundle)| bundle.clone().nth(1).is_some());
    let whole = several.is_none().then_some(frame);
    let parts = several.into_iter().flat_map(move |(data, bundle)| {
        bundle.map(move |part| {
            let at = part.as_ptr().addr().wrapping_sub(data.as_ptr().addr()) as u32;
            let len = part.len() as u32;
            // What the snap length cut is missing from the last part.
            let cut = if at + len == frame.len { frame.wire_len.saturating_sub(frame.len) } else { 0 };
            FrameRef {
                start: frame.start + at,
                len,
                wire_len: len + cut,
                link: LinkType(1),
                offset: frame.offset + u64::from(at),
                ..frame
            }
        })
    });
    whole.into_iter().chain(parts)
}

fn bundle(number: u16, data: &[u8]) -> Option<Bundle<'_>> {
    let strip = |number, data| (Link::find(number)?.strip)(data).ok();
    let mut inner = strip(number, data)?;
    // PPI names the link type behind it.
    if let Inner::Link(number, rest) = inner {
        inner = strip(number, rest)?;
    }
    match inner {
        Inner::Bundle(bundle) => Some(bundle),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, ip4_tcp};
    use super::super::{DecodeOptions, Decoder, Segment};
    use super::*;
    use crate::tally::Tally;

    fn block(link: u16, frame: &[u8], wire_len: usize) -> Block {
        let mut block = Block::default();
        block.bytes.extend(&[0xcc; 24]);
        block.bytes.extend(frame);
        let (len, wire_len) = (frame.len() as u32, wire_len as u32);
        block.frames.push(FrameRef {
            start: 24,
            len,
            wire_len,
            link: LinkType(link),
            offset: 1000,
            number: 7,
            ..FrameRef::default()
        });
        unbundle(&mut block);
        block
    }

    /// Payloads of all packets, and where the capture has them.
    fn payloads(link: u16, frame: &[u8]) -> Vec<(Vec<u8>, u64)> {
        let mut block = block(link, frame, frame.len());
        let mut decoder = Decoder::new(DecodeOptions::default());
        (0..block.frames.len())
            .filter_map(|index| {
                let packet = decoder.decode(&mut block, index, &mut Tally::default())?;
                assert!(matches!(packet.segment, Segment::Tcp(_)));
                let (start, len) = (packet.payload.start as usize, packet.payload.len as usize);
                let frame = &block.frames[index];
                assert_eq!(frame.number, 7);
                let offset = frame.offset + start as u64 - u64::from(frame.start);
                Some((block.bytes.filled()[start..][..len].to_vec(), offset))
            })
            .collect()
    }

    fn usb(data: &[u8]) -> Vec<u8> {
        let mut head = vec![0; 64];
        (head[8], head[9]) = (b'C', 3);
        [&head, data].concat()
    }

    fn check(link: u16, frame: &[u8]) {
        let found = payloads(link, frame);
        assert_eq!(
            found.iter().map(|(p, _)| &p[..]).collect::<Vec<_>>(),
            [&b"first"[..], b"second", b"third"],
            "{link}"
        );
        for (payload, offset) in &found {
            assert_eq!(&frame[*offset as usize - 1000..][..payload.len()], payload);
        }
        for n in 0..frame.len() {
            payloads(link, &frame[..n]);
            let short = block(link, &frame[..n], frame.len());
            // What is missing stays missing, once.
            let missing: u32 = short.frames.iter().map(|f| f.wire_len - f.len).sum();
            assert!(missing as usize <= frame.len() - n);
        }
    }

    #[test]
    fn every_frame_of_an_aggregate_is_a_packet() {
        let sub = |text: &[u8]| {
            let inner = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip4_tcp(text)].concat();
            let mut sub = [&[2; 12][..], &(inner.len() as u16).to_be_bytes(), &inner].concat();
            sub.resize(sub.len().next_multiple_of(4), 0);
            sub
        };
        let all = [sub(b"first"), sub(b"second"), sub(b"third")].concat();
        let frame = [&[0x88, 1][..], &[1; 22], &[0x80, 0], &all].concat();
        check(105, &frame);
        check(127, &[&[0, 0, 8, 0, 0, 0, 0, 0][..], &frame].concat());
        check(192, &[&[0, 0, 8, 0, 105, 0, 0, 0][..], &frame].concat());
    }

    #[test]
    fn every_frame_of_a_transfer_is_a_packet() {
        let frames = [&b"first"[..], b"second", b"third"].map(|text| ether(0x0800, &ip4_tcp(text)));
        let message = |frame: &Vec<u8>| {
            let len = frame.len() as u32;
            let head = [1, len + 44 + 3, 36, len, 0, 0, 0, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
            [&head, frame, &[0; 3][..]].concat()
        };
        check(220, &usb(&frames.iter().flat_map(message).collect::<Vec<_>>()));

        // An echo command and a packet of no length stand between.
        let packet = |frame: &Vec<u8>| {
            let head = (frame.len() as u16 + 4).to_le_bytes();
            [&head, &frame[..], &[0xde, 0xad, 0xbe, 0xef, 3, 0x80, 7, 7, 7, 0, 0]].concat()
        };
        check(220, &usb(&frames.iter().flat_map(packet).collect::<Vec<_>>()));

        let mut ncm = b"NCMH\x0c\0\x01\0\0\0\x0c\0NCM0\x18\0\0\0".to_vec();
        let mut at = 12 + 8 + 4 * 4;
        for frame in &frames {
            ncm.extend([at as u16, frame.len() as u16].map(u16::to_le_bytes).concat());
            at += frame.len();
        }
        ncm.extend([0; 4]);
        check(220, &usb(&[ncm, frames.concat()].concat()));
    }

    #[test]
    fn a_table_cannot_name_the_same_bytes_again_and_again() {
        let frame = ether(0x0800, &ip4_tcp(b"abc"));
        let mut ncm = b"NCMH\x0c\0\x01\0\0\0\x0c\0NCM0\x18\0\0\0".to_vec();
        let at = 20 + 4 * 1000;
        for _ in 0..1000 {
            ncm.extend([at as u16, frame.len() as u16].map(u16::to_le_bytes).concat());
        }
        let all = usb(&[ncm, frame].concat());
        assert_eq!(payloads(220, &all).len(), 1);
    }
}
