//! What reassembly costs a packet, by number of flows and size of segments: `cargo bench --bench flows`.
//!
//! The packets are decoded already and all alike; each line is the best of several passes. How the flow table
//! does in the chute, on packets that are not alike, is in `stages`.
#![allow(missing_docs, clippy::print_stdout)]

use std::{hint::black_box, net::Ipv4Addr, time::Instant};
use wirelint::decode::{Endpoint, FlowKey, IpProtocol, Packet, Payload, Segment, Side, TcpHeader};
use wirelint::flow::{Arrival, Chunk, Consumer, FlowInfo, FlowTable, Origin};
use wirelint::limits;
use wirelint::time::Timestamp;

const PASSES: usize = 40;
const ACK: u8 = TcpHeader::ACK;

fn main() {
    for (flows, len) in [(1, 100), (1, 1460), (1000, 100), (1000, 1460), (5000, 1460)] {
        let mut packets: Vec<Packet> =
            (0..50_000).map(|i| packet(i % flows, true, 100 + i / flows * len, 1, ACK, len)).collect();
        // The first packet of each flow makes a midstream start, which is noise here.
        for flow in 0..flows {
            packets[flow as usize] = packet(flow, true, 99 + len, 0, TcpHeader::SYN, 0);
        }
        println!("in order, {flows} flows, {len} bytes: {:.1} ns/packet", nanoseconds(&packets));
    }
    let life = |flow| {
        [
            packet(flow, true, 99, 0, TcpHeader::SYN, 0),
            packet(flow, false, 499, 100, TcpHeader::SYN | ACK, 0),
            packet(flow, true, 100, 500, ACK | TcpHeader::FIN, 0),
            packet(flow, false, 500, 101, ACK | TcpHeader::FIN, 0),
        ]
    };
    let packets: Vec<Packet> = (0..10_000).flat_map(life).collect();
    println!("open and close, 4 packets: {:.1} ns/packet", nanoseconds(&packets));
}

/// Nanoseconds a packet in the fastest pass.
fn nanoseconds(packets: &[Packet]) -> f64 {
    let bytes = [7; 2000];
    let pass = |_| {
        let mut table = FlowTable::new(limits::FLOWS, limits::TOMBSTONES);
        let start = Instant::now();
        for (packet, ordinal) in packets.iter().zip(0..) {
            let origin = Origin { ordinal, ..Origin::default() };
            let arrival = Arrival { origin, wire_len: 1500, now: Timestamp::default() };
            table.packet(packet, &bytes[..packet.payload.len as usize], &arrival, &mut Nothing);
        }
        start.elapsed().as_nanos() as f64
    };
    (0..PASSES).map(pass).fold(f64::INFINITY, f64::min) / packets.len() as f64
}

fn packet(client: u32, up: bool, seq: u32, ack: u32, flags: u8, len: u32) -> Packet {
    let end = |addr: u32, port| Endpoint { addr: Ipv4Addr::from(addr).into(), port };
    let (client, server) = (end(0x0a00_0000 + client, 40_000), end(0x0b00_0000, 80));
    let (source, destination) = if up { (client, server) } else { (server, client) };
    let (key, from) = FlowKey::new(source, destination, IpProtocol::Tcp, 0);
    Packet {
        frame: 0,
        key,
        from,
        segment: Segment::Tcp(TcpHeader { seq, ack, flags, urgent: 0 }),
        payload: Payload { len, ..Payload::default() },
    }
}

struct Nothing;

impl Consumer<u64> for Nothing {
    fn open(&mut self, _: &FlowInfo) -> u64 {
        0
    }
    fn stream(&mut self, _: &mut FlowInfo, s: &mut u64, _: Side, at: u64, _: Chunk<'_>, _: &Origin) -> bool {
        *s ^= at;
        true
    }
    fn datagram(&mut self, _: &mut FlowInfo, _: &mut u64, _: Side, _: &[u8], _: u32, _: &Origin) {}
    fn closed(&mut self, _: &mut FlowInfo, _: &mut u64) {}
    fn ended(&mut self, flow: &FlowInfo, s: &mut u64) {
        black_box((flow.packets, s));
    }
}
