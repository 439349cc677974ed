//! Nanoseconds a packet, by hand: `CARGO_PROFILE_TEST_OPT_LEVEL=3 CARGO_PROFILE_TEST_OVERFLOW_CHECKS=false cargo test --lib flow::tests::bench -- --ignored --nocapture`

use std::{hint::black_box, time::Instant};

use crate::{
    decode::{Endpoint, FlowKey, IpProtocol, Packet, Payload, Segment, Side, TcpHeader},
    flow::{Arrival, Chunk, Consumer, FlowInfo, FlowTable, Origin},
    time::Timestamp,
};

struct Nothing;

impl Consumer<u64> for Nothing {
    fn open(&mut self, _: &FlowInfo) -> u64 {
        0
    }
    fn stream(&mut self, _: &mut FlowInfo, s: &mut u64, _: Side, at: u64, _: Chunk<'_>, _: &Origin) {
        *s ^= at;
    }
    fn datagram(&mut self, _: &mut FlowInfo, _: &mut u64, _: Side, _: &[u8], _: u32, _: &Origin) {}
    fn closed(&mut self, _: &mut FlowInfo, _: &mut u64) {}
    fn ended(&mut self, flow: FlowInfo, s: u64) {
        black_box((flow.packets, s));
    }
}

fn packet(client: u32, up: bool, seq: u32, ack: u32, flags: u8, len: usize) -> Packet {
    let end = |addr: u32, port| Endpoint { addr: std::net::Ipv4Addr::from(addr).into(), port };
    let (c, s) = (end(0x0a00_0000 + client, 40_000), end(0x0b00_0000, 80));
    let (key, from) = FlowKey::new(if up { c } else { s }, if up { s } else { c }, IpProtocol::Tcp, 0);
    let segment = Segment::Tcp(TcpHeader { seq, ack, flags });
    Packet {
        frame: 0,
        key,
        from,
        segment,
        payload: Payload { len: len as u32, ..Payload::default() },
        vlan: 0,
    }
}

fn measure(name: &str, packets: &[(Packet, usize)], per: usize) {
    let bytes = vec![7_u8; 2000];
    let mut best = f64::MAX;
    for _ in 0..40 {
        let mut table: FlowTable<u64> = FlowTable::new(1 << 20, 512);
        let start = Instant::now();
        for ((packet, len), ordinal) in packets.iter().zip(0..) {
            let origin = Origin { ordinal, ..Origin::default() };
            let arrival = Arrival { origin, wire_len: 1500, now: Timestamp::default() };
            table.packet(packet, &bytes[..*len], &arrival, &mut Nothing);
        }
        best = best.min(start.elapsed().as_nanos() as f64);
    }
    #[expect(clippy::print_stderr, reason = "a measurement is for people")]
    {
        eprintln!("{name}: {:.1} ns", best / (packets.len() / per) as f64);
    }
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    const ACK: u8 = TcpHeader::ACK;
    for (flows, len) in [(1, 100), (1, 1460), (1000, 100), (1000, 1460), (5_000, 1460)] {
        let mut packets = Vec::new();
        for i in 0..50_000_u32 {
            let (flow, turn) = (i % flows, i / flows);
            packets.push((packet(flow, true, 100 + turn * len as u32, 1, ACK, len), len));
        }
        // The first packet of each flow makes a midstream start, which is noise here.
        for flow in 0..flows {
            packets[flow as usize] = (packet(flow, true, 99 + len as u32, 0, TcpHeader::SYN, 0), 0);
        }
        measure(&format!("in order, {flows} flows, {len} bytes"), &packets, 1);
    }
    let mut packets = Vec::new();
    for flow in 0..10_000 {
        packets.push((packet(flow, true, 99, 0, TcpHeader::SYN, 0), 0));
        packets.push((packet(flow, false, 499, 100, TcpHeader::SYN | ACK, 0), 0));
        packets.push((packet(flow, true, 100, 500, ACK | TcpHeader::FIN, 0), 0));
        packets.push((packet(flow, false, 500, 101, ACK | TcpHeader::FIN, 0), 0));
    }
    measure("open and close (4 packets)", &packets, 4);
}
