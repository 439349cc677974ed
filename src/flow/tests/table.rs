//! The table: whose packet it is, and when flows open, close and end.

use crate::{
    decode::{Endpoint, FlowKey, IpProtocol, Packet, Payload, Segment, Side, TcpHeader},
    flow::{Arrival, Chunk, Consumer, FlowInfo, FlowState, FlowTable, Origin},
    limits,
    time::{SECOND, Timestamp},
};

const FIN: u8 = TcpHeader::FIN;
const SYN: u8 = TcpHeader::SYN;
const RST: u8 = TcpHeader::RST;
const ACK: u8 = TcpHeader::ACK;

#[derive(Default)]
pub(super) struct Log {
    pub(super) lines: Vec<String>,
    pub(super) ended: Vec<(FlowInfo, u32)>,
}

impl Consumer<u32> for Log {
    fn open(&mut self, flow: &FlowInfo) -> u32 {
        self.lines.push(format!("{} open", flow.ordinal()));
        0
    }

    fn stream(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut u32,
        from: Side,
        at: u64,
        chunk: Chunk<'_>,
        _: &Origin,
    ) -> bool {
        *state += 1;
        let who = if from == flow.client() { "c" } else { "s" };
        let what = match chunk {
            Chunk::Data(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Chunk::Again(bytes, _) => format!("Again({bytes:?})"),
            other => format!("{other:?}"),
        };
        self.lines.push(format!("{} {who} {at} {what}", flow.ordinal()));
        true
    }

    fn datagram(&mut self, flow: &mut FlowInfo, _: &mut u32, from: Side, bytes: &[u8], _: u32, _: &Origin) {
        let who = if from == flow.client() { "c" } else { "s" };
        self.lines.push(format!("{} {who} {}", flow.ordinal(), String::from_utf8_lossy(bytes)));
    }

    fn closed(&mut self, flow: &mut FlowInfo, _: &mut u32) {
        self.lines.push(format!("{} closed {}", flow.ordinal(), flow.state_name()));
    }

    fn ended(&mut self, flow: &FlowInfo, state: &mut u32) {
        self.lines.push(format!("{} ended", flow.ordinal()));
        self.ended.push((flow.clone(), *state));
    }
}

pub(super) struct Net {
    pub(super) table: FlowTable<u32>,
    pub(super) log: Log,
    now: Timestamp,
    /// Nanoseconds by which the running maximum of packet time is ahead.
    ahead: i64,
    ordinal: u64,
    pub(super) path: u32,
    pub(super) vlan: u32,
}

impl Net {
    pub(super) fn new() -> Self {
        Self {
            table: FlowTable::default(),
            log: Log::default(),
            now: Timestamp::default(),
            ahead: 0,
            ordinal: 0,
            path: 0,
            vlan: 0,
        }
    }

    fn put(&mut self, client: bool, port: u16, segment: Segment, bytes: &[u8]) {
        let end = |port| Endpoint { addr: std::net::Ipv4Addr::LOCALHOST.into(), port };
        let (source, destination) = if client { (end(port), end(8080)) } else { (end(8080), end(port)) };
        let protocol = if segment == Segment::Udp { IpProtocol::Udp } else { IpProtocol::Tcp };
        let (mut key, from) = FlowKey::new(source, destination, protocol, self.path);
        key.vlan = self.vlan;
        let payload = Payload { len: bytes.len() as u32, ..Payload::default() };
        let packet = Packet { frame: 0, key, from, segment, payload };
        let origin = Origin { ordinal: self.ordinal, time: self.now, ..Origin::default() };
        self.ordinal += 1;
        let arrival = Arrival { origin, wire_len: 54 + bytes.len() as u32, now: self.now.plus(self.ahead) };
        self.table.packet(&packet, bytes, &arrival, &mut self.log);
    }

    fn tcp(&mut self, client: bool, port: u16, seq: u32, ack: u32, flags: u8, bytes: &[u8]) {
        self.put(client, port, Segment::Tcp(TcpHeader { seq, ack, flags, urgent: 0 }), bytes);
    }

    pub(super) fn c(&mut self, seq: u32, ack: u32, flags: u8, bytes: &str) {
        self.tcp(true, 40_000, seq, ack, flags, bytes.as_bytes());
    }

    pub(super) fn s(&mut self, seq: u32, ack: u32, flags: u8, bytes: &str) {
        self.tcp(false, 40_000, seq, ack, flags, bytes.as_bytes());
    }

    pub(super) fn handshake(&mut self) {
        self.c(99, 0, SYN, "");
        self.s(499, 100, SYN | ACK, "");
        self.c(100, 500, ACK, "");
    }

    fn later(&mut self, nanos: i64) {
        self.now = self.now.plus(nanos);
        self.table.tick(self.now, &mut self.log);
    }

    pub(super) fn query(&mut self) {
        self.put(true, 9, Segment::Udp, b"query");
    }

    pub(super) fn answer(&mut self) {
        self.put(false, 9, Segment::Udp, b"answer");
    }

    pub(super) fn finish(&mut self) {
        self.table.finish(self.now, &mut self.log);
        assert!(self.table.is_empty());
        assert_eq!(self.table.waiting_bytes(), 0);
    }

    pub(super) fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log.lines)
    }
}

#[test]
fn a_connection_from_syn_to_last_ack() {
    let mut net = Net::new();
    net.handshake();
    net.c(100, 500, ACK, "ping");
    net.s(500, 104, ACK | FIN, "pong");
    net.c(104, 505, ACK | FIN, "");
    net.s(505, 105, ACK, "");
    net.s(500, 104, ACK | FIN, "pong"); // retransmitted: nothing new
    let expected = ["0 open", "0 c 0 ping", "0 s 0 pong", "0 s 4 End(Complete)", "0 c 4 End(Complete)"];
    assert_eq!(net.log.lines[..5], expected);
    assert_eq!(net.log.lines[5..], ["0 closed closed"]);
    net.later(limits::LINGER);
    assert_eq!(net.log.lines.last().unwrap(), "0 ended");
    let (flow, calls) = &net.log.ended[0];
    assert_eq!((flow.packets, flow.midstream, *calls), (8, false, 4));
    assert_eq!(flow.bytes, 8 * 54 + 12);
    net.finish();
    assert_eq!(net.table.tally().flows, 1);
    assert_eq!(net.table.tally().weirds["retransmitted"], 1);
}

#[test]
fn ports_used_again_are_a_new_flow() {
    for closed in [true, false] {
        let mut net = Net::new();
        net.handshake();
        if closed {
            net.c(100, 500, ACK | FIN, "");
            net.s(500, 101, ACK | FIN, "");
        } else {
            net.c(100, 500, ACK, "old");
        }
        net.c(99, 0, SYN, ""); // a late copy of the first SYN
        assert_eq!(net.table.len(), 1);
        net.c(70_000, 0, SYN, "");
        net.s(900, 70_001, SYN | ACK, "");
        net.c(70_001, 901, ACK, "new");
        net.finish();
        assert_eq!(net.log.ended.len(), 2);
        let first = if closed { FlowState::Closed } else { FlowState::Reused };
        assert_eq!(net.log.ended[0].0.state, first);
        assert!(net.log.lines.iter().any(|l| l.ends_with("c 0 new")), "{:?}", net.log.lines);
    }
}

#[test]
fn the_client_is_told_by_the_handshake_else_guessed() {
    let mut net = Net::new();
    net.s(499, 100, SYN | ACK, "");
    net.finish();
    let (flow, _) = &net.log.ended[0];
    assert_eq!(flow.key.end(flow.known_client().unwrap()).port, 40_000);
    let mut net = Net::new();
    net.s(499, 100, ACK, "data");
    net.finish();
    let (flow, _) = &net.log.ended[0];
    assert_eq!((flow.known_client(), flow.key.end(flow.client()).port), (None, 40_000));
    assert_eq!(flow.state_name(), "midstream");
}

#[test]
fn simultaneous_open_keeps_the_first_client() {
    let mut net = Net::new();
    net.c(99, 0, SYN, "");
    net.s(499, 0, SYN, "");
    net.c(100, 500, ACK, "a");
    net.s(500, 101, ACK, "b");
    net.finish();
    assert_eq!(net.log.ended.len(), 1);
    assert!(net.log.lines.contains(&"0 c 0 a".to_owned()) && net.log.lines.contains(&"0 s 0 b".to_owned()));
}

#[test]
fn holes_use_the_acknowledgments_of_the_other_direction() {
    let mut net = Net::new();
    net.handshake();
    net.c(104, 500, ACK, "lost before");
    for _ in 0..=limits::GAP_PACKETS {
        net.s(500, 115, ACK, "");
    }
    assert_eq!(net.lines(), ["0 open", "0 c 0 Gap(4)", "0 c 4 lost before"]);
    net.later(0);
    for port in 0..2 * limits::TICK_WAITING as u16 {
        net.tcp(true, port, 99, 0, SYN, b"");
        net.tcp(true, port, 103, 0, ACK, b"late");
        net.tcp(true, port, 100, 0, ACK, b"the");
    }
    net.lines();
    net.c(116, 500, ACK, "x");
    net.s(500, 117, ACK, "");
    net.later(limits::GAP_TIME);
    let expected = ["0 c 15 Gap(1)", "0 c 16 x"];
    assert_eq!(net.lines(), expected, "a tick suffices; flows that wait no more take no turn");
    net.finish();
}

#[test]
fn idle_flows_time_out_at_ticks_or_when_a_packet_comes() {
    let mut net = Net::new();
    net.handshake();
    net.put(true, 9, Segment::Udp, b"query");
    net.later(limits::UDP_IDLE - 1);
    net.put(false, 9, Segment::Udp, b"answer");
    net.later(limits::UDP_IDLE - 1);
    assert_eq!(net.table.len(), 2);
    net.later(1);
    assert_eq!(net.table.len(), 1);
    net.later(limits::TCP_IDLE - 2 * limits::UDP_IDLE - SECOND);
    assert_eq!(net.table.len(), 1);
    net.later(3 * SECOND);
    assert_eq!(net.table.len(), 0);
    assert_eq!(net.log.ended[1].0.state_name(), "timeout");
    net.put(true, 9, Segment::Udp, b"query");
    net.now = net.now.plus(limits::UDP_IDLE);
    net.put(true, 9, Segment::Udp, b"query");
    net.finish();
    assert_eq!(net.log.ended.len(), 4);
}

#[test]
fn a_packet_of_another_time_ends_no_flow_that_goes_on() {
    let mut net = Net::new();
    net.handshake();
    net.ahead = 2 * limits::TCP_IDLE;
    net.c(100, 500, ACK, "ping");
    net.finish();
    assert_eq!(net.log.ended.len(), 1);
}

#[test]
fn a_closed_flow_takes_no_later_connection() {
    let mut net = Net::new();
    net.handshake();
    net.c(100, 500, ACK | FIN, "");
    net.s(500, 101, ACK | FIN, "");
    net.now = net.now.plus(limits::LINGER - 1);
    net.c(101, 501, ACK, "");
    net.now = net.now.plus(limits::LINGER);
    net.c(101, 501, ACK, "");
    net.now = net.now.plus(limits::LINGER);
    net.c(9000, 700, ACK, "GET /");
    net.finish();
    assert_eq!(net.log.ended.iter().map(|(flow, _)| flow.packets).collect::<Vec<_>>(), [7, 1]);
}

#[test]
fn datagrams_have_the_first_sender_as_client() {
    let mut net = Net::new();
    net.put(false, 40_000, Segment::Udp, b"hi");
    net.put(true, 40_000, Segment::Udp, b"ho");
    assert_eq!(net.lines(), ["0 open", "0 c hi", "0 s ho"]);
}

#[test]
fn eviction_takes_closed_flows_then_those_idle_for_longest() {
    let mut net = Net::new();
    net.table = FlowTable::new(16, 2);
    for port in 1..=17 {
        net.tcp(true, port, 99, 0, SYN, b"");
        net.now = net.now.plus(1);
    }
    net.tcp(true, 1, 100, 0, ACK, b"still here");
    net.tcp(true, 9, 100, 0, ACK | FIN, b"");
    net.tcp(false, 9, 0, 101, ACK | FIN, b"");
    net.finish_at_tick(15);
    let ports: Vec<u16> = net.log.ended.iter().map(|(f, _)| f.key.end(f.client()).port).collect();
    assert_eq!(ports, [9, 2]);
    assert_eq!(net.log.ended[1].0.state_name(), "timeout");
    assert_eq!(net.table.tally().weirds["flows_evicted"], 1);
    net.finish();
}

impl Net {
    fn finish_at_tick(&mut self, left: usize) {
        self.table.tick(self.now, &mut self.log);
        assert_eq!(self.table.len(), left);
    }
}

#[test]
fn tombstones_are_few() {
    let mut net = Net::new();
    net.table = FlowTable::new(100_000, 10);
    for port in 1..=1000 {
        net.tcp(true, port, 99, 0, SYN, b"");
        net.tcp(false, port, 0, 100, RST | ACK, b"");
        assert!(net.table.len() <= 10);
    }
    net.finish();
    assert_eq!(net.log.ended.len(), 1000);
    let order: Vec<u64> = net.log.ended.iter().map(|(f, _)| f.ordinal()).collect();
    assert!(order.is_sorted());
}

#[test]
fn the_end_comes_in_order_of_first_frames() {
    let mut net = Net::new();
    for port in (1..=500).rev() {
        net.tcp(true, port, 99, 0, SYN, b"");
    }
    net.finish();
    let order: Vec<u64> = net.log.ended.iter().map(|(f, _)| f.ordinal()).collect();
    assert!(order.is_sorted() && order.len() == 500);
}

#[test]
fn every_packet_twice_changes_nothing_but_counts() {
    let mut net = Net::new();
    let script: [(bool, u32, u32, u8, &str); 8] = [
        (true, 99, 0, SYN, ""),
        (false, 499, 100, SYN | ACK, ""),
        (true, 100, 500, ACK, ""),
        (true, 100, 500, ACK, "GET"),
        (false, 500, 103, ACK, "OK"),
        (true, 103, 502, ACK | FIN, "bye"),
        (false, 502, 107, ACK | FIN, ""),
        (true, 107, 503, ACK, ""),
    ];
    for (client, seq, ack, flags, bytes) in script {
        for _ in 0..2 {
            if client { net.c(seq, ack, flags, bytes) } else { net.s(seq, ack, flags, bytes) }
        }
    }
    net.finish();
    let expected = [
        "0 open",
        "0 c 0 GET",
        "0 s 0 OK",
        "0 c 3 bye",
        "0 c 6 End(Complete)",
        "0 s 2 End(Complete)",
        "0 closed closed",
        "0 ended",
    ];
    assert_eq!(net.lines(), expected);
}
