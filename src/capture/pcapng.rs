//! pcapng (draft-ietf-opsawg-pcapng): sections, interfaces and packet blocks in place.

use pcap_parser::{
    parse_decryptionsecretsblock_be, parse_decryptionsecretsblock_le, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le,
};

use super::clock::Clock;
use super::field::{half, word};
use super::reader::{Fault, Format, Out, Search, Stop};
use super::{CaptureError, FrameRef, LinkType, SecretsBlock, SecretsOrigin, Skipped};
use crate::limits::FRAME_BYTES;
use crate::time::Timestamp;

/// Block type of a Section Header Block (section 4.1); the same in both byte orders.
pub(super) const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE: u32 = 3;
pub(super) const ENHANCED: u32 = 6;
const JOURNAL: u32 = 9;
/// Block type of a Decryption Secrets Block.
pub(super) const SECRETS: u32 = 10;
const CUSTOM: u32 = 0xbad;
const CUSTOM_NO_COPY: u32 = 0x4000_0bad;

/// Byte-order magic of a section (section 4.1).
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Longest block that is believed: the longest frame, and its options.
pub(super) const BLOCK: usize = FRAME_BYTES + (1 << 20);

/// Longest block that a search after damage believes in.
const SEARCHED: usize = 262_144 + 4096;

/// Interfaces of a section that are remembered; an Interface Description Block is 20 bytes, so a file of them
/// would fill the memory.
const INTERFACES: usize = 65_536;

/// The blocks of one capture.
pub(super) struct PcapNg {
    big: bool,
    interfaces: Vec<Interface>,
    /// Time of the last packet: a Simple Packet Block has none.
    time: Timestamp,
}

#[derive(Clone, Copy)]
struct Interface {
    link: LinkType,
    snaplen: u32,
    clock: Clock,
}

impl PcapNg {
    /// Checks the Section Header Block at the start of a capture.
    ///
    /// # Errors
    /// [`CaptureError::Unreadable`] if it is cut, has no byte order or a version that is not known.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, CaptureError> {
        let unreadable = |offset, cause: &str| CaptureError::Unreadable { offset, cause: cause.to_owned() };
        let Some(head) = bytes.first_chunk::<28>() else {
            return Err(unreadable(bytes.len() as u64, "the pcapng section header is cut off"));
        };
        let Some(big) = byte_order(head) else {
            return Err(unreadable(8, "the pcapng section header has no byte-order magic"));
        };
        if (word(head, 4, big) as usize) < 28 {
            return Err(unreadable(4, "the pcapng section header is too short"));
        }
        if half(head, 12, big) != 1 {
            return Err(unreadable(12, "the pcapng major version is not 1"));
        }
        Ok(Self { big, interfaces: Vec::new(), time: Timestamp::default() })
    }

    /// Length of the block at `at` if it is framed as section 3.1 says: both lengths are there and agree.
    fn frame(&self, bytes: &[u8], at: usize, last: bool) -> Framing {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(head) = rest.first_chunk::<12>() else { return Framing::Partial(12) };
        let kind = word(head, 0, self.big);
        let big = if kind == SECTION { byte_order(head) } else { Some(self.big) };
        let Some(big) = big else { return Framing::Bad("a section header has no byte-order magic") };
        let len = word(head, 4, big) as usize;
        if !(12..=BLOCK).contains(&len) {
            return Framing::BadLength(len);
        }
        // Some writers forget the padding, some count it out of the length (readers round up).
        let padded = len.next_multiple_of(4);
        if rest.len() < padded && !(last && rest.len() >= len) {
            return Framing::Partial(padded);
        }
        let size = if word(rest, len - 4, big) as usize == len {
            len
        } else if len < padded && rest.len() >= padded && word(rest, padded - 4, big) as usize == len {
            padded
        } else {
            return Framing::Bad("the two lengths of a block differ");
        };
        Framing::Whole { kind, big, size }
    }

    /// An Enhanced Packet Block (section 4.3) or an obsolete Packet Block (appendix A).
    fn packet(
        &mut self,
        block: &[u8],
        at: usize,
        enhanced: bool,
        out: &mut Out<'_>,
    ) -> Result<(), &'static str> {
        let Some(head) = block.first_chunk::<28>().filter(|_| block.len() >= 32) else {
            return Err("a packet block is too short");
        };
        let big = self.big;
        let interface = if enhanced { word(head, 8, big) } else { u32::from(half(head, 8, big)) };
        let Some(&Interface { link, clock, .. }) = self.interfaces.get(interface as usize) else {
            return Err("a packet is of an interface that is not described");
        };
        let ticks = u64::from(word(head, 12, big)) << 32 | u64::from(word(head, 16, big));
        let (len, wire_len) = (word(head, 20, big), word(head, 24, big));
        if len as usize > block.len() - 32 {
            return Err("a packet is longer than its block");
        }
        self.time = clock.time(ticks);
        self.push(at + 28, len, wire_len, link, out);
        Ok(())
    }

    /// A Simple Packet Block (section 4.4): of the first interface, and as long as its snapshot length allows.
    fn simple(&mut self, block: &[u8], at: usize, out: &mut Out<'_>) -> Result<(), &'static str> {
        let (Some(interface), 16..) = (self.interfaces.first(), block.len()) else {
            return Err("a packet is of an interface that is not described");
        };
        let wire_len = word(block, 8, self.big);
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let len = wire_len.min(snaplen).min((block.len() - 16) as u32);
        self.push(at + 12, len, wire_len, interface.link, out);
        Ok(())
    }

    fn push(&self, start: usize, len: u32, wire_len: u32, link: LinkType, out: &mut Out<'_>) {
        out.number += 1;
        out.frames.push(FrameRef {
            start: start as u32,
            len,
            wire_len,
            link,
            time: self.time,
            offset: out.base + start as u64,
            number: out.number,
        });
    }

    /// An Interface Description Block (section 4.2).
    fn interface(&mut self, block: &[u8]) -> Result<(), &'static str> {
        if self.interfaces.len() >= INTERFACES || block.len() < 20 {
            return Err("an interface description is too short, or there are too many");
        }
        let mut interface = Interface {
            link: LinkType(half(block, 8, self.big)),
            snaplen: word(block, 12, self.big),
            clock: Clock { resolution: 6, offset: 0 },
        };
        let parsed = if self.big {
            parse_interfacedescriptionblock_be(block)
        } else {
            parse_interfacedescriptionblock_le(block)
        };
        // Interfaces are counted: one with broken options must still take its place.
        let Ok((_, parsed)) = parsed else {
            self.interfaces.push(interface);
            return Err("the options of an interface description are broken");
        };
        for option in &parsed.options {
            match (option.code.0, option.value()) {
                (9, [resolution, ..]) => interface.clock.resolution = *resolution,
                (14, value) => {
                    if let Some(&value) = value.first_chunk::<8>() {
                        let offset =
                            if self.big { i64::from_be_bytes(value) } else { i64::from_le_bytes(value) };
                        interface.clock.offset = offset;
                    }
                }
                _ => {}
            }
        }
        self.interfaces.push(interface);
        Ok(())
    }
}

/// A Decryption Secrets Block (section 4.7) at an offset in the capture.
pub(super) fn secrets(block: &[u8], big: bool, offset: u64) -> Result<SecretsBlock, &'static str> {
    let parsed =
        if big { parse_decryptionsecretsblock_be(block) } else { parse_decryptionsecretsblock_le(block) };
    let Ok((_, parsed)) = parsed else { return Err("a block of secrets is broken") };
    let data = parsed.data.get(..parsed.secrets_len as usize).unwrap_or(parsed.data).to_vec();
    Ok(SecretsBlock { before: 0, kind: parsed.secrets_type.0, origin: SecretsOrigin::Capture(offset), data })
}

impl Format for PcapNg {
    fn may_hold_secrets(&self) -> bool {
        true
    }

    fn take(&mut self, bytes: &[u8], mut at: usize, last: bool, out: &mut Out<'_>) -> (usize, Stop) {
        loop {
            let (kind, big, size) = match self.frame(bytes, at, last) {
                Framing::Whole { kind, big, size } => (kind, big, size),
                Framing::Partial(need) => return (at, Stop::Partial(need)),
                Framing::Bad(cause) => return (at, Stop::Damaged(cause.to_owned())),
                Framing::BadLength(len) => {
                    return (at, Stop::Damaged(format!("block length {len} is not possible")));
                }
            };
            let (block, offset) = (&bytes[at..at + size], out.base + at as u64);
            let taken = match kind {
                ENHANCED | PACKET => self.packet(block, at, kind == ENHANCED, out),
                SIMPLE => self.simple(block, at, out),
                INTERFACE => self.interface(block),
                SECRETS => secrets(block, big, offset)
                    .map(|s| out.secrets.push(SecretsBlock { before: out.frames.len() as u32, ..s })),
                SECTION => {
                    self.big = big;
                    self.interfaces.clear();
                    Ok(())
                }
                // Name resolution, statistics.
                4 | 5 => Ok(()),
                _ => {
                    // tshark counts these as frames, and our numbers are to be found there again.
                    out.number += u64::from(matches!(kind, JOURNAL | CUSTOM | CUSTOM_NO_COPY));
                    out.skipped.push(Skipped { range: at..at + size, damaged: false });
                    Ok(())
                }
            };
            match taken {
                Ok(()) => super::comment::note(kind, block, big, out),
                Err(cause) => out.faults.push(Fault { offset, cause, lost: size as u64 }),
            }
            at += size;
        }
    }

    fn find(&self, bytes: &[u8], at: usize, last: bool) -> Search {
        let end = bytes.len().saturating_sub(if last { 11 } else { SEARCHED }).max(at);
        // Not only at multiples of four: the damage may be bytes that are missing.
        let found = (at..end).find(|&place| {
            let Some(head) = bytes[place..].first_chunk::<12>() else { return false };
            let known = match word(head, 0, self.big) {
                SECTION => true,
                // Blocks that the registry knows; packets only with a length that they can have.
                1..=6 | 10 => (16..=SEARCHED).contains(&(word(head, 4, self.big) as usize)),
                _ => false,
            };
            let size = match self.frame(bytes, place, last) {
                Framing::Whole { size, .. } if known => size,
                _ => return false,
            };
            size % 4 == 0 && size <= SEARCHED
        });
        found.map_or(Search::Beyond(end), Search::Found)
    }
}

enum Framing {
    Whole { kind: u32, big: bool, size: usize },
    Partial(usize),
    Bad(&'static str),
    BadLength(usize),
}

/// Whether a section is big-endian; none if its byte-order magic is wrong.
pub(super) fn byte_order(head: &[u8]) -> Option<bool> {
    match (word(head, 8, false), word(head, 8, true)) {
        (BYTE_ORDER, _) => Some(false),
        (_, BYTE_ORDER) => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::{Order, read_all};

    #[test]
    fn sections_interfaces_and_packets_of_all_kinds() {
        let mut data = Vec::new();
        for order in [Order(false), Order(true)] {
            let offset = if order.0 { (-5i64).to_be_bytes() } else { (-5i64).to_le_bytes() };
            data.extend(order.section());
            data.extend(order.interface(1, 5, &[]));
            let clock = [order.option(9, &[9]), order.option(14, &offset)].concat();
            data.extend(order.interface(101, 0, &clock));
            data.extend(order.block(4, &[&[0; 4]]));
            data.extend(order.enhanced(0, 1_500_000, 9, b"abc"));
            data.extend(order.enhanced(1, 7_000_000_001, 4, b"defg"));
            data.extend(order.block(SIMPLE, &[&order.words(&[7]), b"simple!"]));
            let obsolete = [&order.halves(&[1, 0])[..], &order.words(&[0, 0, 2, 3])].concat();
            data.extend(order.block(PACKET, &[&obsolete, b"pb"]));
            data.extend(order.block(SECRETS, &[&order.words(&[0x544c_534b, 5]), b"key 1"]));
            data.extend(order.block(0x8000_1234, &[b"private"]));
            data.extend(order.block(CUSTOM, &[&order.words(&[1])]));
            data.extend(order.block(5, &[&order.words(&[0, 0, 0])]));
        }
        let all = read_all(&data).unwrap();
        assert_eq!(all.damage, []);
        let seen: Vec<_> =
            all.frames.iter().map(|f| (f.number, f.nanos, f.link, f.wire_len, &f.data[..])).collect();
        let first: [(u64, i64, u16, u32, &[u8]); 4] = [
            (1, 1_500_000_000, 1, 9, b"abc"),
            (2, 2_000_000_001, 101, 4, b"defg"),
            (3, 2_000_000_001, 1, 7, b"simpl"),
            (4, -5_000_000_000, 101, 3, b"pb"),
        ];
        // tshark counts a custom block as a frame.
        let second = first.map(|(number, nanos, link, wire, data)| (number + 5, nanos, link, wire, data));
        assert_eq!(seen, [first, second].concat());
        for frame in &all.frames {
            assert!(data[frame.offset as usize..].starts_with(&frame.data));
        }
        let secrets: Vec<_> = all.secrets.iter().map(|(_, s)| (s.before, s.kind, &s.data[..])).collect();
        assert_eq!(secrets, [(4, 0x544c_534b, &b"key 1"[..]), (8, 0x544c_534b, b"key 1")]);
    }

    #[test]
    fn headers_that_cannot_be_read_are_refused() {
        let section = Order(false).section();
        for len in 4..28 {
            assert!(matches!(read_all(&section[..len]), Err(CaptureError::Unreadable { .. })), "{len}");
        }
        for (at, value) in [(8, 0), (4, 3), (12, 2)] {
            let mut bad = section.clone();
            bad[at] = value;
            assert!(matches!(read_all(&bad), Err(CaptureError::Unreadable { .. })), "{at}");
        }
    }

    #[test]
    fn goes_on_behind_damage() {
        for order in [Order(false), Order(true)] {
            for garbage in [1, 12, 5000, 3_000_000] {
                let mut data = [order.section(), order.interface(1, 0, &[])].concat();
                data.extend(order.enhanced(0, 1, 3, b"abc"));
                let hole = data.len() as u64;
                data.extend((0..garbage as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8));
                data.extend(order.enhanced(0, 2, 3, b"def"));
                data.extend(order.enhanced(0, 3, 3, b"ghi"));
                let all = read_all(&data).unwrap();
                let frames: Vec<_> = all.frames.iter().map(|f| (f.number, &f.data[..])).collect();
                assert_eq!(frames, [(1, &b"abc"[..]), (2, b"def"), (3, b"ghi")], "{garbage}");
                let damage: Vec<_> = all.damage.iter().map(|d| (d.offset, d.lost)).collect();
                assert_eq!(damage, [(hole, Some(garbage))]);
            }
        }
    }

    #[test]
    fn a_block_that_is_wrong_inside_is_skipped() {
        let order = Order(false);
        let mut data = [order.section(), order.interface(1, 0, &[])].concat();
        data.extend(order.enhanced(9, 1, 3, b"abc"));
        data.extend(order.block(ENHANCED, &[&order.words(&[0, 0, 0, 1000, 1000]), b"short"]));
        data.extend(order.enhanced(0, 2, 3, b"def"));
        data.extend(&order.enhanced(0, 2, 3, b"cut off")[..30]);
        let all = read_all(&data).unwrap();
        assert_eq!(all.frames.len(), 1);
        let causes: Vec<_> = all.damage.iter().map(|d| (d.cause.as_str(), d.lost)).collect();
        assert_eq!(
            causes,
            [
                ("a packet is of an interface that is not described", Some(36)),
                ("a packet is longer than its block", Some(40)),
                ("cut in the middle of a record", Some(30)),
            ]
        );
    }

    #[test]
    fn lengths_without_their_padding_are_understood() {
        let order = Order(false);
        for counted in [false, true] {
            let mut packet = order.enhanced(0, 1, 3, b"abc");
            // The length does not count the padding; the padding itself may be there or not.
            let len = packet.len();
            if !counted {
                packet.remove(len - 5);
            }
            packet[4..8].copy_from_slice(&(len as u32 - 1).to_le_bytes());
            let end = packet.len();
            packet[end - 4..].copy_from_slice(&(len as u32 - 1).to_le_bytes());
            let mut data = [order.section(), order.interface(1, 0, &[])].concat();
            data.extend(packet);
            data.extend(order.enhanced(0, 1, 3, b"def"));
            let all = read_all(&data).unwrap();
            assert_eq!((all.frames.len(), all.damage.len()), (2, 0), "{counted}");
        }
    }
}
