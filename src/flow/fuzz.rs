//! The fuzz function of this module.

use super::{Arrival, Chunk, Consumer, FlowInfo, FlowTable, Origin};
use crate::{
    decode::{Endpoint, FlowKey, IpProtocol, Packet, Payload, Segment, Side, TcpHeader},
    message::End,
    time::Timestamp,
};

/// Holds a stream of chunks to the contract of [`Consumer`].
#[derive(Default)]
struct Check {
    next: [u64; 2],
    ended: [Option<End>; 2],
    closed: bool,
}

struct Checker;

impl Consumer<Check> for Checker {
    fn open(&mut self, _: &FlowInfo) -> Check {
        Check::default()
    }

    fn stream(
        &mut self,
        _: &mut FlowInfo,
        state: &mut Check,
        from: Side,
        at: u64,
        chunk: Chunk<'_>,
        _: &Origin,
    ) -> bool {
        let n = match chunk {
            Chunk::Again(..) => return true,
            Chunk::Data(bytes) => bytes.len() as u64,
            Chunk::Gap(n) => n,
            Chunk::End(_) => 0,
        };
        let i = from.index();
        assert!(state.ended[i].is_none() && !state.closed && at == state.next[i], "chunks follow each other");
        state.next[i] += n;
        if let Chunk::End(end) = chunk {
            state.ended[i] = Some(end);
        }
        true
    }

    fn datagram(&mut self, _: &mut FlowInfo, _: &mut Check, _: Side, _: &[u8], _: u32, _: &Origin) {}

    fn closed(&mut self, flow: &mut FlowInfo, state: &mut Check) {
        assert!(!state.closed, "closed once");
        state.closed = true;
        assert!(
            flow.key.protocol == IpProtocol::Udp || state.ended.iter().all(Option::is_some),
            "each direction ends"
        );
    }

    fn revived(&mut self, _: &mut FlowInfo, state: &mut Check) {
        assert!(state.closed, "only what was closed is revived");
        state.closed = false;
        for end in &mut state.ended {
            *end = end.filter(|end| *end != End::Reset);
        }
    }

    fn ended(&mut self, _: &FlowInfo, state: &mut Check) {
        assert!(state.closed, "closed before ended");
    }
}

/// Reads `data` as packets of a few flows (records of 8 bytes) and holds the table to its contract.
#[doc(hidden)]
pub fn fuzz_segments(data: &[u8]) {
    let mut table = FlowTable::new(4, 2);
    let mut now = Timestamp::default();
    let content: Vec<u8> = (0..=255).collect();
    for (record, ordinal) in data.as_chunks::<8>().0.iter().zip(0..) {
        let [who, flags, s0, s1, a0, a1, len, time] = *record;
        let end = |port| Endpoint { addr: std::net::Ipv4Addr::LOCALHOST.into(), port };
        let protocol = if who & 0x70 == 0x70 { IpProtocol::Udp } else { IpProtocol::Tcp };
        let (client, server) = (end(40_000 + u16::from(who & 7)), end(80));
        let (source, destination) = if who & 8 == 0 { (client, server) } else { (server, client) };
        let (key, from) = FlowKey::new(source, destination, protocol, 0);
        // Small numbers around the wrap; sometimes far away.
        let number = |high: u8, low: u8| {
            let far = if high & 0xc0 == 0xc0 { u32::from(high) << 24 } else { 0 };
            (u32::from(high & 3) << 8 | u32::from(low)).wrapping_sub(256).wrapping_add(far)
        };
        let header = TcpHeader { seq: number(s1, s0), ack: number(a1, a0), flags, urgent: u16::from(s0) };
        let missing = if time & 0x80 == 0 { 0 } else { u32::from(time & 3) };
        now = now.plus(i64::from(time & 0x7f) << ((time & 0x60) >> 1));
        let segment = if protocol == IpProtocol::Tcp { Segment::Tcp(header) } else { Segment::Udp };
        let payload = Payload { missing, len: u32::from(len & 63), ..Payload::default() };
        let packet = Packet { frame: 0, key, from, segment, payload };
        let origin = Origin { ordinal, time: now, ..Origin::default() };
        let at = usize::from(s0 & 0x7f);
        let bytes = &content[at..at + usize::from(len & 63)];
        table.packet(&packet, bytes, &Arrival { origin, wire_len: 60, now }, &mut Checker);
        if time & 0x10 != 0 {
            table.tick(now, &mut Checker);
        }
    }
    table.finish(now, &mut Checker);
    assert!(table.is_empty() && table.waiting_bytes() == 0, "everything is freed");
}
