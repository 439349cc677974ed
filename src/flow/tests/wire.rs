//! From frames to bytes: conversations that were cut, shuffled, repeated, wrapped, fragmented and encapsulated at random
//! give the very bytes that were sent.

use etherparse::{IpFragOffset, PacketBuilder};
use proptest::prelude::*;

use crate::{
    capture::{Block, FrameRef, LinkType},
    decode::{Decoder, Side},
    flow::{Arrival, Chunk, Consumer, FlowInfo, FlowTable, Origin},
    message::End,
    tally::Tally,
    time::Timestamp,
};

/// Random numbers from one seed (splitmix64), so that a failure names all there is to know.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// What a network may put around an IP packet, giving an IP packet again.
const TUNNELS: usize = 11;

/// The last step: what the capture has around it.
const LINKS: usize = 8;
const PPPOE: usize = 4;

struct Network {
    dice: Dice,
    /// Of the next IP packet.
    id: u16,
    v6: bool,
}

impl Network {
    /// A segment from the client or to it.
    fn segment(&mut self, up: bool, seq: u32, ack: Option<u32>, flags: u8, bytes: &[u8]) -> Vec<u8> {
        let ports = if up { [40_000, 8080] } else { [8080, 40_000] };
        let builder = self.ip([1, 2], up).tcp(ports[0], ports[1], seq, 60_000);
        let builder = if flags & 1 != 0 { builder.fin() } else { builder };
        let builder = if flags & 2 != 0 { builder.syn() } else { builder };
        let builder = if let Some(ack) = ack { builder.ack(ack) } else { builder };
        let mut packet = Vec::new();
        builder.write(&mut packet, bytes).unwrap();
        self.numbered(packet)
    }

    fn ip(&mut self, ends: [u8; 2], up: bool) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
        let [a, b] = if up { ends } else { [ends[1], ends[0]] };
        if self.v6 {
            let addr = |n| std::net::Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, n).octets();
            PacketBuilder::ipv6(addr(a.into()), addr(b.into()), 64)
        } else {
            PacketBuilder::ipv4([10, 0, 0, a], [10, 0, 0, b], 64)
        }
    }

    /// Gives an IPv4 packet a number of its own.
    fn numbered(&mut self, mut packet: Vec<u8>) -> Vec<u8> {
        if packet[0] >> 4 == 4 {
            self.id = self.id.wrapping_add(1);
            packet[4..6].copy_from_slice(&self.id.to_be_bytes());
            fix_checksum(&mut packet);
        }
        packet
    }

    fn tunnel(&mut self, kind: usize, up: bool, inner: &[u8]) -> Vec<u8> {
        let family: [u8; 2] = if inner[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
        let ether = [&[2; 6][..], &[4; 6], &family, inner].concat();
        let udp = |this: &mut Self, port: u16, payload: Vec<u8>| {
            let mut packet = Vec::new();
            this.ip([101, 102], up).udp(50_000 + port % 100, port).write(&mut packet, &payload).unwrap();
            packet
        };
        let over_ip = |this: &mut Self, protocol: u8, payload: Vec<u8>| {
            let mut packet = Vec::new();
            this.ip([101, 102], up).write(&mut packet, etherparse::IpNumber(protocol), &payload).unwrap();
            packet
        };
        let packet = match kind {
            0 => over_ip(self, if family == [8, 0] { 4 } else { 41 }, inner.to_vec()),
            1 => over_ip(self, 47, [&[0, 0][..], &family, inner].concat()),
            2 => over_ip(self, 47, [&[0x20, 0, 0x65, 0x58, 0, 0, 0, 7][..], &ether].concat()),
            3 => over_ip(self, 47, [&[0x20, 0, 0x65, 0x58, 0, 0x20, 0, 1][..], &ether].concat()),
            4 => over_ip(
                self,
                47,
                [&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 5, 0, 0, 0, 0][..], &ether].concat(),
            ),
            5 => udp(self, 4789, [&[8, 0, 0, 0, 0, 0, 100, 0][..], &ether].concat()),
            6 => udp(self, 23_456, [&[8, 0, 0, 0, 0, 0, 100, 0][..], &ether].concat()),
            7 => udp(self, 6081, [&[1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4][..], &ether].concat()),
            8 => {
                let len = (inner.len() as u16).to_be_bytes();
                udp(self, 2152, [&[0x30, 255, len[0], len[1], 0, 0, up.into(), 1][..], inner].concat())
            }
            9 => over_ip(self, 97, [&[0x30, 0][..], &ether].concat()),
            _ => over_ip(self, 137, [&[0, 6, 1 | u8::from(up) << 4, 64][..], inner].concat()),
        };
        self.numbered(packet)
    }

    /// The link type and the frame.
    fn link(&self, kind: usize, up: bool, ip: &[u8]) -> (u16, Vec<u8>) {
        let family: &[u8] = if ip[0] >> 4 == 4 { &[8, 0] } else { &[0x86, 0xdd] };
        let ether = |middle: &[u8]| [&[2; 6][..], &[4; 6], middle, ip].concat();
        match kind {
            0 => (1, ether(family)),
            1 => (1, ether(&[&[0x81, 0, 0, 3 + u8::from(up)], family].concat())),
            2 => (1, ether(&[&[0x88, 0xa8, 0, 3, 0x81, 0, 0, 9], family].concat())),
            3 => (1, ether(&[0x88, 0x47, 0, up.into(), 0x10, 64, 0, 6, 0x41, 64])),
            PPPOE => {
                let ppp = if ip[0] >> 4 == 4 { [0, 0x21] } else { [0, 0x57] };
                let len = (ip.len() as u16 + 2).to_be_bytes();
                (1, ether(&[&[0x88, 0x64, 0x11, 0, 0, 5][..], &len, &ppp].concat()))
            }
            5 => (113, [&[0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0], family, ip].concat()),
            6 => (101, ip.to_vec()),
            _ => (0, [&[if ip[0] >> 4 == 4 { 2 } else { 24 }, 0, 0, 0], ip].concat()),
        }
    }

    /// The fragments of an IP packet, in any order, some of them twice.
    fn fragments(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        let head = if packet[0] >> 4 == 4 { 20 } else { 40 };
        let payload = &packet[head..];
        let size = 8 * (1 + self.dice.below(60));
        let is_one = if head == 20 { packet[6] & 0x3f != 0 || packet[7] != 0 } else { packet[6] == 44 };
        if payload.len() <= size || is_one {
            return vec![packet.to_vec()];
        }
        self.id = self.id.wrapping_add(1);
        let mut all = Vec::new();
        for (at, part) in (0..).step_by(size).zip(payload.chunks(size)) {
            let more = at + part.len() < payload.len();
            let offset = IpFragOffset::try_new(at as u16 / 8).unwrap().value();
            let mut fragment = packet[..head].to_vec();
            if head == 20 {
                fragment[2..4].copy_from_slice(&(part.len() as u16 + 20).to_be_bytes());
                fragment[6..8].copy_from_slice(&(u16::from(more) << 13 | offset).to_be_bytes());
                fix_checksum(&mut fragment);
            } else {
                let next = std::mem::replace(&mut fragment[6], 44);
                fragment[4..6].copy_from_slice(&(part.len() as u16 + 8).to_be_bytes());
                let at = (offset << 3 | u16::from(more)).to_be_bytes();
                let id = self.id.to_be_bytes();
                fragment.extend([next, 0, at[0], at[1], 0, 0, id[0], id[1]]);
            }
            fragment.extend(part);
            if self.dice.one_in(6) {
                all.push(fragment.clone());
            }
            all.push(fragment);
        }
        self.dice.shuffle(&mut all);
        all
    }
}

fn fix_checksum(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let sum = etherparse::Ipv4HeaderSlice::from_slice(packet).unwrap().to_header().calc_header_checksum();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// The segments of a conversation in order of capture: sent by the client, sequence number, acknowledgment, flags, bytes.
type Sent = (bool, u32, Option<u32>, u8, Vec<u8>);

fn segments(dice: &mut Dice, said: &[Vec<u8>; 2]) -> Vec<Sent> {
    let isn: [u32; 2] = std::array::from_fn(|_| match dice.below(2) {
        0 => 0_u32.wrapping_sub(dice.below(3000) as u32),
        _ => dice.below(1 << 32) as u32,
    });
    let mut all = vec![
        (true, isn[0], None, 2, vec![]),
        (false, isn[1], Some(isn[0].wrapping_add(1)), 2, vec![]),
        (true, isn[0].wrapping_add(1), Some(isn[1].wrapping_add(1)), 0, vec![]),
    ];
    let mut sent = [0; 2];
    let number = |side: usize, at: usize| isn[side].wrapping_add(1 + at as u32);
    while (0..2).any(|side| sent[side] < said[side].len()) {
        let side = dice.below(2);
        let (bytes, from) = (&said[side], sent[side]);
        let to = (from + 1 + dice.below(4000)).min(bytes.len());
        let ack = Some(number(1 - side, sent[1 - side]));
        let mut turn: Vec<Sent> = Vec::new();
        let mut at = from;
        let longest = [1, 10, 100, 1400][dice.below(4)];
        while at < to {
            let end = (at + 1 + dice.below(longest)).min(to);
            let start = if dice.one_in(4) { at - dice.below(40).min(at) } else { at };
            let segment = (side == 0, number(side, start), ack, 0, bytes[start..end].to_vec());
            if dice.one_in(8) {
                turn.push(segment.clone());
            }
            turn.push(segment);
            at = end;
        }
        let window = 1 + dice.below(12);
        turn.chunks_mut(window).for_each(|part| dice.shuffle(part));
        all.append(&mut turn);
        sent[side] = to;
        if dice.one_in(2) {
            all.push((side == 1, number(1 - side, sent[1 - side]), Some(number(side, to)), 0, vec![]));
        }
    }
    for side in [0, 1] {
        let peer = 1 - side;
        all.push((
            side == 0,
            number(side, said[side].len()),
            Some(number(peer, said[peer].len() + side)),
            1,
            vec![],
        ));
    }
    all
}

#[derive(Default)]
struct Heard {
    bytes: [Vec<u8>; 2],
    ends: [Option<End>; 2],
    flows: usize,
    wrong: Vec<String>,
}

impl Consumer<()> for Heard {
    fn open(&mut self, _: &FlowInfo) {
        self.flows += 1;
    }

    fn stream(
        &mut self,
        flow: &mut FlowInfo,
        (): &mut (),
        from: Side,
        at: u64,
        chunk: Chunk<'_>,
        _: &Origin,
    ) -> bool {
        let i = usize::from(flow.client() != from);
        match chunk {
            Chunk::Data(bytes) => self.bytes[i].extend(bytes),
            Chunk::End(end) => self.ends[i] = Some(end),
            other => self.wrong.push(format!("{at} {other:?}")),
        }
        true
    }

    fn datagram(&mut self, flow: &mut FlowInfo, (): &mut (), _: Side, bytes: &[u8], _: u32, _: &Origin) {
        self.wrong.push(format!("a datagram of {} bytes on {:?}", bytes.len(), flow.key));
    }

    fn closed(&mut self, _: &mut FlowInfo, (): &mut ()) {}

    fn ended(&mut self, _: &FlowInfo, (): &mut ()) {}
}

fn hear(frames: &[(u16, Vec<u8>)]) -> (Heard, Tally) {
    let (mut heard, mut tally) = (Heard::default(), Tally::default());
    let (mut decoder, mut table) = (Decoder::default(), FlowTable::new(64, 64));
    let mut block = Block::default();
    for (link, frame) in frames {
        let (start, len) = (block.bytes.len() as u32, frame.len() as u32);
        block.bytes.extend(frame);
        let link = LinkType(*link);
        block.frames.push(FrameRef { start, len, wire_len: len, link, ..FrameRef::default() });
    }
    let mut now = Timestamp::default();
    for index in 0..frames.len() {
        now = now.plus(1_000_000);
        let Some(packet) = decoder.decode(&mut block, index, &mut tally) else { continue };
        let base = if packet.payload.side { &block.side[..] } else { block.bytes.filled() };
        let bytes = &base[packet.payload.start as usize..][..packet.payload.len as usize];
        let origin = Origin { ordinal: index as u64, time: now, ..Origin::default() };
        table.packet(&packet, bytes, &Arrival { origin, wire_len: 0, now }, &mut heard);
    }
    decoder.end_source(&mut tally);
    table.finish(now, &mut heard);
    (heard, tally)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_sent_is_heard_however_it_travelled(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let said: [Vec<u8>; 2] = std::array::from_fn(|_| {
            let most = [10, 700, 3000][dice.below(3)];
            let len = dice.below(most);
            (0..len).map(|_| dice.below(256) as u8).collect()
        });
        let sent = segments(&mut dice, &said);
        // Perhaps no tunnel one way; then nothing else may name a tenant (PPPoE does).
        let tunnels: Vec<usize> = (0..dice.below(4)).map(|_| dice.below(TUNNELS)).collect();
        let bare = dice.one_in(6).then(|| dice.one_in(2));
        let link = if bare.is_some() { dice.below(PPPOE) } else { dice.below(LINKS) };
        let cut = dice.one_in(2);
        let mut network = Network { v6: dice.one_in(2), dice, id: 0 };
        let inner_v6 = network.v6;
        let mut frames = Vec::new();
        for (up, seq, ack, flags, bytes) in sent {
            network.v6 = inner_v6;
            let mut packets = vec![network.segment(up, seq, ack, flags, &bytes)];
            for (depth, kind) in tunnels.iter().enumerate() {
                if cut && network.dice.one_in(3) {
                    packets = packets.iter().flat_map(|packet| network.fragments(packet)).collect();
                }
                if bare != Some(up) {
                    network.v6 = inner_v6 ^ (depth % 2 == 0);
                    packets = packets.iter().map(|packet| network.tunnel(*kind, up, packet)).collect();
                }
            }
            if cut {
                packets = packets.iter().flat_map(|packet| network.fragments(packet)).collect();
            }
            frames.extend(packets.iter().map(|packet| network.link(link, up, packet)));
        }
        let (heard, tally) = hear(&frames);
        prop_assert!(heard.wrong.is_empty(), "{:?} {:?} {:?}", heard.wrong, tunnels, tally.weirds);
        prop_assert!(heard.bytes == said, "{tunnels:?} {:?}", tally.weirds);
        prop_assert_eq!(heard.ends, [Some(End::Complete); 2], "{:?} {:?} {} flows {:?} {:?}", tunnels, tally.weirds, heard.flows, bare, said.each_ref().map(Vec::len));
        prop_assert_eq!(heard.flows, 1, "{:?}", tunnels);
        prop_assert!(tally.weirds.is_empty(), "{:?}", tally.weirds);
    }
}
