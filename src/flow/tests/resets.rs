//! RST segments, true and forged.

use super::table::Net;
use crate::{decode::TcpHeader, flow::FlowState};

const FIN: u8 = TcpHeader::FIN;
const SYN: u8 = TcpHeader::SYN;
const RST: u8 = TcpHeader::RST;
const ACK: u8 = TcpHeader::ACK;

#[test]
fn resets_close_both_directions_if_they_are_valid() {
    let mut net = Net::new();
    net.handshake();
    net.c(100, 500, ACK, "ping");
    net.s(0x5000_0000, 0, RST, "");
    assert_eq!(net.lines(), ["0 open", "0 c 0 ping"]);
    net.s(500, 104, RST | ACK, "go away");
    let expected = [
        "0 s 0 End(Reset)",
        "0 s 0 Again([103, 111, 32, 97, 119, 97, 121])",
        "0 c 4 End(Reset)",
        "0 closed reset",
    ];
    assert_eq!(net.lines(), expected);
    net.c(104, 500, ACK, "on");
    assert_eq!(net.lines(), ["0 c 4 Again([111, 110])"]);
    net.finish();
    assert_eq!(net.log.ended[0].0.anomalies().resets_ignored, 1);
}

#[test]
fn a_second_answer_to_a_syn_is_no_new_connection() {
    let mut net = Net::new();
    net.handshake();
    net.c(100, 500, ACK, "ping");
    net.s(0x7000_0000, 100, SYN | ACK, "");
    net.s(500, 104, ACK, "pong");
    net.finish();
    assert_eq!(net.log.ended.len(), 1);
    assert!(net.log.lines.contains(&"0 s 0 pong".to_owned()), "{:?}", net.log.lines);
}

#[test]
fn a_flow_outlives_a_reset_that_its_sender_does_not_know_of() {
    let mut net = Net::new();
    net.handshake();
    net.c(100, 500, RST | ACK, "");
    assert_eq!(net.lines().last().unwrap(), "0 closed reset");
    net.c(100, 500, ACK, "ping");
    net.s(500, 104, ACK, "pong");
    assert_eq!(net.lines(), ["0 c 0 ping", "0 s 0 pong"]);
    net.finish();
    let (flow, _) = &net.log.ended[0];
    assert_eq!((net.log.ended.len(), flow.anomalies().resets_ignored), (1, 1));
}

#[test]
fn what_speaks_after_a_reset_of_nothing_is_another_connection() {
    let mut net = Net::new();
    net.s(0, 100, RST | ACK, "");
    net.c(100, 900, ACK, "GET ");
    net.s(900, 104, ACK, "200 ");
    net.finish();
    let lines = net.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("ended")).count(), 2, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("GET ")), "{lines:?}");
}

#[test]
fn a_refused_connection_is_reset() {
    let mut net = Net::new();
    net.c(99, 0, SYN, "");
    net.s(0, 77, RST | ACK, "");
    assert_eq!(net.lines(), ["0 open"], "answers nothing");
    net.s(0, 100, RST | ACK, "");
    assert_eq!(net.lines().last().unwrap(), "0 closed reset");
    net.finish();
}

#[test]
fn a_reset_after_fin_closes_too() {
    let mut net = Net::new();
    net.handshake();
    net.c(100, 500, ACK | FIN, "");
    net.c(101, 0, RST, "");
    net.finish();
    assert_eq!(net.log.ended[0].0.state, FlowState::Reset);
}
