//! The short way for what nearly every frame is: a link header, perhaps VLAN tags on Ethernet, IP without
//! options or fragments, TCP or UDP, all captured. Whatever is odd in any way takes the long way
//! ([`super::walk`]), which gives the same packet seven times slower.

use super::{FlowKey, Inner, IpProtocol, Packet, Payload, Segment, Side, TcpHeader, ethernet, shape};

/// The part of a frame behind Ethernet and VLAN tags.
#[derive(Clone, Copy)]
pub(super) struct Network<'a> {
    pub(super) kind: u16,
    pub(super) data: &'a [u8],
    /// VLAN numbers, outermost first; zero is none.
    pub(super) tags: [u16; 2],
}

/// Where the network layer begins in an Ethernet frame.
#[inline(always)]
pub(super) fn network(frame: &[u8]) -> Option<Network<'_>> {
    let (head, mut data) = frame.split_first_chunk::<14>()?;
    let mut kind = u16::from_be_bytes([head[12], head[13]]);
    let mut tags = [0; 2];
    // Two tags are what is common; more take the long way.
    for tag in &mut tags {
        if !ethernet::is_vlan(kind) {
            break;
        }
        let (head, rest) = data.split_first_chunk::<4>()?;
        *tag = u16::from_be_bytes([head[0] & 0x0f, head[1]]);
        (kind, data) = (u16::from_be_bytes([head[2], head[3]]), rest);
    }
    Some(Network { kind, data, tags })
}

impl<'a> Network<'a> {
    /// What a link header leads to, if that is a network layer.
    #[inline]
    pub(super) fn of(inner: Inner<'a>) -> Option<Self> {
        match inner {
            Inner::EtherType(kind, data) => Some(Self { kind, data, tags: [0; 2] }),
            Inner::Ip(data) => match data.first()? >> 4 {
                4 => Some(Self { kind: 0x0800, data, tags: [0; 2] }),
                6 => Some(Self { kind: 0x86dd, data, tags: [0; 2] }),
                _ => None,
            },
            _ => None,
        }
    }

    /// The packet of the frame with index `frame`, if it is a plain one. `end` is the position behind the frame in the block;
    /// `is_tunnel` says which UDP ports need a closer look. The packet has no VLAN stack yet.
    #[inline(always)]
    pub(super) fn packet(self, frame: u32, end: u32, is_tunnel: impl Fn(u16) -> bool) -> Option<Packet> {
        let Self { kind, data, .. } = self;
        let (len, addrs, protocol, rest) = match kind {
            0x0800 => {
                let (head, rest) = data.split_first_chunk::<20>()?;
                // Version 4 without options; neither offset nor more fragments.
                if head[0] != 0x45 || head[6] & 0x3f != 0 || head[7] != 0 {
                    return None;
                }
                let len = usize::from(u16::from_be_bytes([head[2], head[3]])).checked_sub(20)?;
                let a = *head[12..].first_chunk::<4>()?;
                let b = *head[16..].first_chunk::<4>()?;
                (len, Addrs::V4(a, b), head[9], rest)
            }
            0x86dd => {
                let (head, rest) = data.split_first_chunk::<40>()?;
                if head[0] >> 4 != 6 {
                    return None;
                }
                let len = usize::from(u16::from_be_bytes([head[4], head[5]]));
                (len, Addrs::V6(head[8..].first_chunk()?, head[24..].first_chunk()?), head[6], rest)
            }
            _ => return None,
        };
        let padding = rest.len().checked_sub(len)?;
        let segment = &rest[..len];
        let (header, ports, protocol, kind) = match protocol {
            6 => {
                let head = segment.first_chunk::<20>()?;
                let header = usize::from(head[12] >> 4) * 4;
                if header < 20 {
                    return None;
                }
                let tcp = TcpHeader {
                    seq: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
                    ack: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
                    flags: head[13],
                    urgent: u16::from_be_bytes([head[18], head[19]]),
                };
                let ports = [u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]])];
                (header, ports, IpProtocol::Tcp, Segment::Tcp(tcp))
            }
            17 => {
                let (head, data) = segment.split_first_chunk::<8>()?;
                let ports = [u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]])];
                if usize::from(u16::from_be_bytes([head[4], head[5]])) != len
                    || ports.into_iter().any(is_tunnel)
                    || shape::possible(data)
                {
                    return None;
                }
                (8, ports, IpProtocol::Udp, Segment::Udp)
            }
            _ => return None,
        };
        let len = u32::try_from(len.checked_sub(header)?).ok()?;
        let (key, from) = addrs.key(ports, protocol);
        let start = end.checked_sub(u32::try_from(padding).ok()?)?.checked_sub(len)?;
        let payload = Payload { start, len, missing: 0, side: false };
        Some(Packet { frame, key, from, segment: kind, payload })
    }
}

enum Addrs<'a> {
    V4([u8; 4], [u8; 4]),
    V6(&'a [u8; 16], &'a [u8; 16]),
}

impl Addrs<'_> {
    #[inline(always)]
    fn key(self, ports: [u16; 2], protocol: IpProtocol) -> (FlowKey, Side) {
        let (low_first, a, b, v6) = match self {
            Self::V4(a, b) => {
                let rank = |addr, port| (u64::from(u32::from_be_bytes(addr)) << 16) | u64::from(port);
                let wide = |addr| (u128::from(u32::from_le_bytes(addr))).to_le_bytes();
                (rank(a, ports[0]) <= rank(b, ports[1]), wide(a), wide(b), false)
            }
            Self::V6(a, b) => {
                let rank = |addr: &[u8; 16], port: u16| (u128::from_be_bytes(*addr), port);
                (rank(a, ports[0]) <= rank(b, ports[1]), *a, *b, true)
            }
        };
        let (addrs, ports, from) =
            if low_first { ([a, b], ports, Side::Low) } else { ([b, a], [ports[1], ports[0]], Side::High) };
        (FlowKey { addrs, ports, path: 0, vlan: 0, protocol, v6 }, from)
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, ip4_tcp, ip4_udp_to, ip6, ip6_udp, samples, tcp};
    use super::super::{DecodeOptions, Decoder};
    use crate::capture::{Block, FrameRef, LinkType};
    use crate::tally::Tally;

    /// Both ways for one frame, cut at any byte, with padding and with any byte changed.
    #[test]
    fn the_short_way_gives_what_the_long_way_gives() {
        let frames = vec![
            ether(0x0800, &ip4_tcp(b"abc")),
            ether(0x0800, &[&ip4_tcp(b"abc")[..], &[0; 9]].concat()),
            ether(0x0800, &ip4_udp_to(53, b"abc")),
            ether(0x86dd, &ip6(6, &tcp(b"abc"))),
            ether(0x86dd, &ip6_udp(b"abc")),
            ether(0x8100, &[&[0, 7, 0x81, 0, 0, 9, 8, 0][..], &ip4_tcp(b"abc")].concat()),
        ];
        let mut frames: Vec<_> = frames.into_iter().map(|frame| (1, frame)).collect();
        frames.extend(samples());
        let mut state = 1_u64;
        let mut fast = 0;
        for (link, frame) in &frames {
            for n in 0..frame.len() * 6 {
                let mut bad = frame.clone();
                match n / frame.len() {
                    0 => bad.truncate(n + 1),
                    1 => bad.extend(vec![0xee; n]),
                    _ => {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        bad[n % frame.len()] = (state >> 40) as u8;
                    }
                }
                let decode = |long: bool| {
                    let mut block = Block::default();
                    block.bytes.extend(&[0xcc; 5]);
                    block.bytes.extend(&bad);
                    let (len, wire_len) = (bad.len() as u32, frame.len().max(bad.len()) as u32);
                    let link = LinkType(*link);
                    block.frames.push(FrameRef { start: 5, len, wire_len, link, ..FrameRef::default() });
                    let (mut decoder, mut tally) = (Decoder::new(DecodeOptions::default()), Tally::default());
                    decoder.long_way_only = long;
                    (format!("{:?}", decoder.decode(&mut block, 0, &mut tally)), tally)
                };
                let (short, long) = (decode(false), decode(true));
                assert_eq!(short, long, "{bad:02x?}");
                fast += usize::from(short.0 != "None");
            }
        }
        assert!(fast > 1000);
    }
}
