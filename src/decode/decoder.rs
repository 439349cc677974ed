//! Frames in, packets out.

use std::collections::BTreeMap;

use super::defrag::{Defragmenter, Origin};
use super::fast::{self, Network};
use super::ip::Datagram;
use super::walk::{Found, Step, Walk};
use super::{Link, On, Packet, Paths, Stop, TUNNELS, esp};
use crate::capture::{Block, LinkType};
use crate::tally::Tally;

/// How strict decoding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Drop packets with a wrong IPv4, TCP or UDP checksum. Offloading makes most captured ones wrong.
    pub verify_checksums: bool,
}

/// Frames in, packets out. Traffic cannot make it fail: what is odd is counted.
#[derive(Debug)]
pub struct Decoder {
    options: DecodeOptions,
    paths: Paths,
    defrag: Defragmenter,
    /// The link type of the frame before.
    link: (u16, Option<&'static Link>),
    unknown_links: BTreeMap<u16, u64>,
    /// One bit for each UDP port that some tunnel, or ESP, has.
    tunnel_ports: Box<[u64; 1024]>,
    /// Off: plain packets take the short way. Checksums are verified on the long way only.
    pub(super) long_way_only: bool,
}

const ETHERNET: LinkType = LinkType(1);

impl Default for Decoder {
    fn default() -> Self {
        Self::new(DecodeOptions::default())
    }
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new(options: DecodeOptions) -> Self {
        let mut tunnel_ports = Box::new([0; 1024]);
        for on in TUNNELS.iter().flat_map(|tunnel| tunnel.on).chain(&[On::Udp(esp::UDP)]) {
            if let On::Udp(port) = on {
                tunnel_ports[usize::from(port / 64)] |= 1 << (port % 64);
            }
        }
        Self {
            options,
            paths: Paths::default(),
            defrag: Defragmenter::default(),
            link: (0, Link::find(0)),
            unknown_links: BTreeMap::new(),
            tunnel_ports,
            long_way_only: options.verify_checksums,
        }
    }

    /// Decodes the frame at `index`; call it for each frame in order. `None`: it carries no TCP or UDP, or is
    /// a fragment whose datagram is not whole yet (the packet belongs to the frame that completes it).
    pub fn decode(&mut self, block: &mut Block, index: usize, tally: &mut Tally) -> Option<Packet> {
        let mut found = None;
        self.decode_to(block, index, tally, |packet, _| found = Some(packet));
        found
    }

    /// The same for a receiver, which spares a packet in ten its way through memory.
    #[inline]
    pub fn decode_to(
        &mut self,
        block: &mut Block,
        index: usize,
        tally: &mut Tally,
        take: impl FnOnce(Packet, &mut Tally),
    ) {
        if let Some(frame) = block.frames.get(index)
            && frame.link == ETHERNET
            && !self.long_way_only
            && let Ok(number) = u32::try_from(index)
            && let Some(data) = block.bytes.filled().get(frame.start as usize..)
            && let Some(data) = data.get(..frame.len as usize)
            && let Some(network) = fast::network(data)
            && let end = frame.start.saturating_add(frame.len)
            && let Some(mut packet) = network.packet(number, end, is_in(&self.tunnel_ports))
        {
            for id in network.tags.into_iter().filter(|id| *id != 0) {
                packet.key.vlan = self.paths.tag(packet.key.vlan, id, tally);
            }
            return take(packet, tally);
        }
        if let Some(packet) = self.long_way(block, index, tally) {
            take(packet, tally);
        }
    }

    #[inline(never)]
    fn long_way(&mut self, block: &mut Block, index: usize, tally: &mut Tally) -> Option<Packet> {
        let frame = *block.frames.get(index)?;
        let filled = block.bytes.filled();
        let data = filled.get(frame.start as usize..)?.get(..frame.len as usize)?;
        let cut = frame.wire_len.saturating_sub(frame.len);
        if self.link.0 != frame.link.0 {
            self.link = (frame.link.0, Link::find(frame.link.0));
        }
        let Some(link) = self.link.1 else {
            tally.weird("unknown_link_type");
            *self.unknown_links.entry(frame.link.0).or_default() += 1;
            return None;
        };
        let stripped = (link.strip)(data);
        // Ethernet has been tried.
        if !self.long_way_only
            && frame.link != ETHERNET
            && let Some(network) = stripped.ok().and_then(Network::of)
        {
            let number = u32::try_from(index).ok()?;
            let end = frame.start.saturating_add(frame.len);
            let packet = network.packet(number, end, is_in(&self.tunnel_ports));
            if packet.is_some() {
                return packet;
            }
        }
        let mut walk = Walk {
            verify: self.options.verify_checksums,
            paths: &mut self.paths,
            tunnel_ports: &self.tunnel_ports,
            tally,
            path: 0,
            vlan: 0,
            layers: 0,
            cut,
        };
        let mut side = false;
        let mut found = stripped.and_then(|inner| walk.run(Step::Inner(inner)));
        loop {
            let arrival = match found {
                Ok(Found::Packet(packet)) => {
                    let base = if side { &block.side } else { filled };
                    return packet.place(index, base, side);
                }
                Ok(Found::Fragment(arrival)) => arrival,
                Err(stop) => {
                    match stop {
                        Stop::Short => walk.tally.weird("truncated"),
                        Stop::Closed(name) | Stop::Weird(name) => walk.tally.weird(name),
                        Stop::Other => {}
                    }
                    return None;
                }
            };
            let Origin { source, destination, .. } = arrival.origin;
            let joined = self.defrag.push(arrival, frame.time, walk.tally)?;
            let start = block.side.len();
            block.side.extend_from_slice(&joined.bytes);
            side = true;
            found = walk.run(Step::Ip(Datagram {
                source,
                destination,
                protocol: joined.protocol,
                data: &block.side[start..],
                cut: joined.missing,
                fragment: None,
            }));
        }
    }

    /// The packets end here, or what follows does not go on where they end: datagrams that are not whole are given up.
    pub fn end_source(&mut self, tally: &mut Tally) {
        self.defrag.clear(tally);
    }

    /// What the numbers in [`FlowKey::path`](super::FlowKey::path) and [`FlowKey::vlan`](super::FlowKey::vlan) stand for.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Link types that nothing here decodes, with their number of frames.
    pub fn unknown_links(&self) -> &BTreeMap<u16, u64> {
        &self.unknown_links
    }
}

/// Whether a port is in a set of ports.
pub(super) fn is_in(ports: &[u64; 1024]) -> impl Fn(u16) -> bool {
    |port| ports[usize::from(port / 64)] >> (port % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, ether, ip4, ip4_tcp, ip4_udp_to, ip6, seen, seen_all, tcp, udp};
    use super::*;
    use crate::limits;

    /// The payload of an IP packet in fragments of 16 bytes.
    fn fragments(v6: bool, protocol: u8, payload: &[u8]) -> Vec<(Vec<u8>, usize)> {
        let mut out = vec![];
        for (n, part) in payload.chunks(16).enumerate() {
            let more = (n + 1) * 16 < payload.len();
            let packet = if v6 {
                let at = ((n as u16 * 16) | u16::from(more)).to_be_bytes();
                ip6(44, &[&[protocol, 0, at[0], at[1], 0, 0, 0, 9][..], part].concat())
            } else {
                let mut packet = ip4(protocol, part);
                packet[4..6].copy_from_slice(&[0, 9]);
                packet[6..8].copy_from_slice(&((n as u16 * 2) | (u16::from(more) << 13)).to_be_bytes());
                packet
            };
            let frame = ether(if v6 { 0x86dd } else { 0x0800 }, &packet);
            let len = frame.len();
            out.push((frame, len));
        }
        out
    }

    #[test]
    fn fragments_in_any_order_belong_to_the_frame_that_completes_them() {
        let text = b"a payload that is long enough for a number of fragments";
        for v6 in [false, true] {
            for shift in 0..5 {
                let mut frames = fragments(v6, 6, &tcp(text));
                frames.rotate_left(shift);
                frames.insert(2, frames[0].clone());
                let mut got = seen_all(&mut Decoder::default(), 1, &frames);
                let last = got.pop().unwrap().unwrap();
                assert_eq!((last.payload, last.weirds), (text.to_vec(), vec![]));
                assert!(got.iter().all(|g| *g == Err(vec![])));
            }
        }
    }

    #[test]
    fn tunnels_in_fragments_in_tunnels() {
        let text = b"a payload that is long enough for a number of fragments";
        let inner = fragments(false, 6, &tcp(text));
        let mut frames = vec![];
        for (frame, _) in inner {
            frames.extend(fragments(true, 17, &udp(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0][..], &frame].concat())));
        }
        let got = seen_all(&mut Decoder::default(), 1, &frames);
        let whole: Vec<_> = got.into_iter().flatten().collect();
        assert_eq!(whole.len(), 1);
        assert_eq!((&whole[0].payload[..], &whole[0].tunnels[..]), (&text[..], &["vxlan:7".to_owned()][..]));
    }

    #[test]
    fn fragments_cut_by_the_snap_length_give_what_there_is() {
        let mut frames = fragments(false, 6, &tcp(b"0123456789abcdefghij"));
        for (frame, _) in &mut frames {
            frame.truncate(14 + 20 + 12);
        }
        let got = seen_all(&mut Decoder::default(), 1, &frames).pop().unwrap();
        assert_eq!(got, Err(vec!["truncated"]), "not even a TCP header");
        let mut frames = fragments(false, 6, &tcp(b"0123456789abcdefghij"));
        frames[1].0.truncate(14 + 20 + 12);
        let got = seen_all(&mut Decoder::default(), 1, &frames).pop().unwrap().unwrap();
        assert_eq!((&got.payload[..], got.missing), (&b"01234567"[..], 12));
    }

    #[test]
    fn both_directions_have_one_key_and_tenants_have_two() {
        let key = |vni: u8, reverse: bool| {
            let mut inner = ip4_tcp(b"x");
            if reverse {
                inner.copy_within(12..16, 16 + 8);
                inner[12..20].copy_from_slice(&[10, 0, 0, 2, 10, 0, 0, 1]);
                inner[20..24].copy_from_slice(&[0, 80, 156, 64]);
            }
            let vxlan = [&[8, 0, 0, 0, 0, 0, vni, 0][..], &ether(0x0800, &inner)].concat();
            let vlan = if reverse { [0, 3, 8, 0] } else { [0, 4, 8, 0] };
            ether(0x8100, &[&vlan[..], &ip4_udp_to(4789, &vxlan)].concat())
        };
        let mut block = Block::default();
        for frame in [key(1, false), key(1, true), key(2, false)] {
            let (start, len) = (block.bytes.len() as u32, frame.len() as u32);
            block.bytes.extend(&frame);
            let link = LinkType(1);
            block.frames.push(crate::capture::FrameRef {
                start,
                len,
                wire_len: len,
                link,
                ..Default::default()
            });
        }
        let (mut decoder, mut tally) = (Decoder::default(), Tally::default());
        let p: Vec<_> = (0..3).map(|n| decoder.decode(&mut block, n, &mut tally).unwrap()).collect();
        let untagged = |n: usize| super::super::FlowKey { vlan: 0, ..p[n].key };
        assert_eq!((untagged(0), p[0].from), (untagged(1), p[1].from.other()));
        assert_ne!(untagged(0), untagged(2));
        assert_ne!(p[0].key.vlan, p[1].key.vlan);
    }

    #[test]
    fn fragments_do_not_outlive_their_source() {
        let (mut decoder, mut tally) = (Decoder::default(), Tally::default());
        let mut frames = fragments(false, 6, &tcp(b"0123456789abcdefghij"));
        let rest = frames.split_off(1);
        assert_eq!(seen_all(&mut decoder, 1, &frames), [Err(vec![])]);
        decoder.end_source(&mut tally);
        assert_eq!(tally.weirds, [("fragments_expired", 1)].into());
        assert!(seen_all(&mut decoder, 1, &rest).iter().all(Result::is_err));
    }

    #[test]
    fn fragments_of_two_vlans_are_two_datagrams() {
        let mut frames = vec![];
        let (one, two) = (fragments(false, 6, &tcp(b"0123456789")), fragments(false, 6, &tcp(b"abcdefghij")));
        for (a, b) in one.into_iter().zip(two) {
            for (id, (frame, _)) in [(5, a), (6, b)] {
                let tagged = ether(0x8100, &[&[0, id, 8, 0][..], &frame[14..]].concat());
                let len = tagged.len();
                frames.push((tagged, len));
            }
        }
        let got: Vec<_> = seen_all(&mut Decoder::default(), 1, &frames).into_iter().flatten().collect();
        let got: Vec<_> = got.iter().map(|seen| (&seen.vlans[..], &seen.payload[..])).collect();
        assert_eq!(got, [(&[5][..], &b"0123456789"[..]), (&[6], b"abcdefghij")]);
    }

    #[test]
    fn a_vlan_stack_over_the_limit_is_counted_once_a_frame() {
        let mut decoder = Decoder::default();
        for n in 1..=u16::MAX {
            decoder.paths.tag(0, n, &mut Tally::default());
        }
        decoder.paths.tag(1, 1, &mut Tally::default());
        let mut options = ip4_tcp(b"abc");
        options[0] = 0x46;
        options[3] += 4;
        options.splice(20..20, [1; 4]);
        for ip in [ip4_tcp(b"abc"), options] {
            let mut block = Block::default();
            let frame = ether(0x8100, &[&[0, 7, 0x81, 0, 0, 9, 8, 0][..], &ip].concat());
            block.bytes.extend(&frame);
            let (len, link) = (frame.len() as u32, LinkType(1));
            block.frames.push(crate::capture::FrameRef { len, wire_len: len, link, ..Default::default() });
            let mut tally = Tally::default();
            assert!(decoder.decode(&mut block, 0, &mut tally).is_some());
            assert_eq!(tally.weirds, [("vlan_stacks_over_limit", 1)].into());
        }
    }

    #[test]
    fn unknown_links_are_listed() {
        let mut decoder = Decoder::default();
        let frames = [(vec![0; 60], 60), (vec![0; 60], 60)];
        let got = seen_all(&mut decoder, 9999, &frames);
        assert_eq!(got, [Err(vec!["unknown_link_type"]), Err(vec!["unknown_link_type"])]);
        assert_eq!(*decoder.unknown_links(), [(9999, 2)].into());
    }

    #[test]
    fn vlan_depth_is_bounded() {
        let tags = |n: usize| {
            ether(0x8100, &[[0, 5, 0x81, 0].repeat(n - 1), vec![0, 6, 8, 0], ip4_tcp(b"x")].concat())
        };
        assert_eq!(seen(1, &tags(limits::DECODE_DEPTH)).unwrap().vlans.len(), limits::DECODE_DEPTH);
        assert_eq!(seen(1, &tags(limits::DECODE_DEPTH + 1)), Err(vec!["too_deep"]));
        let icmp = ether(0x0800, &ip4(1, &[8; 16]));
        assert_eq!(seen(1, &icmp), Err(vec![]));
        assert_eq!(seen(1, &ether(0x0800, &ip4_tcp(b"x"))).unwrap(), Seen::of(b"x"));
    }
}
