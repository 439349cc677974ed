//! Flows that come by more than one path.

use super::table::Net;
use crate::{decode::TcpHeader, limits};

const FIN: u8 = TcpHeader::FIN;
const SYN: u8 = TcpHeader::SYN;
const ACK: u8 = TcpHeader::ACK;

/// Paths as the decoder numbers them: without and with something that tells networks apart.
const LABELS: u32 = 2;
const TENANTS: [u32; 2] = [3 | 1 << 30, 4 | 1 << 30];

#[test]
fn a_flow_whose_directions_are_encapsulated_differently_is_one() {
    for [there, back] in [[0, LABELS], [LABELS, 0], [TENANTS[0], 0], [0, TENANTS[0]], [LABELS, TENANTS[1]]] {
        for handshake in [true, false] {
            let mut net = Net::new();
            let mut step = |path, act: &dyn Fn(&mut Net)| {
                net.path = path;
                act(&mut net);
            };
            if handshake {
                step(there, &|net| net.c(99, 0, SYN, ""));
                step(back, &|net| net.s(499, 100, SYN | ACK, ""));
            }
            step(there, &|net| net.c(100, 500, ACK, "ping"));
            step(back, &|net| net.s(500, 104, ACK, "po"));
            // Some packets go past the tunnel.
            step(there, &|net| net.s(502, 104, ACK, "ng"));
            step(back, &|net| net.c(104, 504, ACK | FIN, ""));
            step(back, &|net| net.s(504, 105, ACK | FIN, ""));
            net.finish();
            let lines = net.lines();
            assert_eq!(lines.iter().filter(|line| line.ends_with("open")).count(), 1, "{lines:?}");
            assert!(net.log.ended[0].0.anomalies() == Default::default(), "{lines:?}");
            assert!(net.table.bare.is_empty());
        }
    }
}

#[test]
fn a_conversation_in_datagrams_goes_through_a_tunnel_one_way() {
    for [there, back] in [[0, LABELS], [LABELS, 0], [TENANTS[0], 0], [0, TENANTS[0]]] {
        let mut net = Net::new();
        for _ in 0..3 {
            net.path = there;
            net.query();
            net.path = back;
            net.answer();
        }
        net.finish();
        assert_eq!(net.log.ended.len(), 1, "{there} {back}");
    }
    let mut net = Net::new();
    for path in TENANTS {
        net.path = path;
        net.query();
    }
    net.finish();
    assert_eq!(net.log.ended.len(), 2, "two tenants are two conversations");
}

#[test]
fn two_tenants_are_two_flows_and_so_are_numbers_that_do_not_fit() {
    let mut net = Net::new();
    for path in TENANTS {
        net.path = path;
        net.handshake();
        net.c(100, 500, ACK, "ping");
    }
    net.path = 0;
    net.c(1_000_000, 500, ACK, "ping");
    net.finish();
    assert_eq!(net.log.ended.len(), 3);
}

/// Asymmetric routing between the networks of an EVPN, or an OVN that gives each logical switch its number.
#[test]
fn a_flow_with_another_tenant_each_way_is_one_if_its_numbers_fit_exactly() {
    let [there, back] = TENANTS;
    // The first packets of the side that is heard second, and whether they are known for what they are.
    for (handshake, first, joins) in [
        (true, (499, 100, SYN | ACK), true),
        (true, (499, 101, SYN | ACK), false),
        (false, (500, 104, ACK), true),
        (false, (501, 104, ACK), false),
    ] {
        let mut net = Net::new();
        net.path = there;
        if handshake {
            net.c(99, 0, SYN, "");
        } else {
            net.c(100, 500, ACK, "ping");
        }
        net.path = back;
        net.s(first.0, first.1, first.2, "");
        net.path = there;
        net.c(if handshake { 100 } else { 104 }, 500, ACK, "again");
        net.path = back;
        net.s(500, 109, ACK, "pong");
        net.finish();
        assert_eq!(net.log.ended.len(), if joins { 1 } else { 2 }, "{handshake} {first:?}");
    }
    let mut net = Net::new();
    net.path = back;
    net.s(499, 100, SYN | ACK, "");
    net.path = there;
    net.c(99, 0, SYN, "");
    net.c(100, 500, ACK, "ping");
    net.path = back;
    net.s(500, 104, ACK, "pong");
    // The next connection with the same ports begins the right way round.
    net.path = there;
    net.c(90_099, 0, SYN, "");
    net.path = back;
    net.s(80_499, 90_100, SYN | ACK, "");
    net.path = there;
    net.c(90_100, 80_500, ACK, "ping");
    net.finish();
    assert_eq!(net.log.ended.len(), 2, "each is one");
}

#[test]
fn a_flow_in_another_vlan_each_way_is_one_and_two_networks_are_two_flows() {
    for vlans in [[5, 6], [0, 6], [5, 0]] {
        for handshake in [true, false] {
            let mut net = Net::new();
            let mut step = |way: usize, act: &dyn Fn(&mut Net)| {
                net.vlan = vlans[way];
                act(&mut net);
            };
            if handshake {
                step(0, &|net| net.c(99, 0, SYN, ""));
                step(1, &|net| net.s(499, 100, SYN | ACK, ""));
            }
            step(0, &|net| net.c(100, 500, ACK, "ping"));
            // A router is mirrored on both sides.
            step(1, &|net| net.c(100, 500, ACK, "ping"));
            step(1, &|net| net.s(500, 104, ACK, "pong"));
            step(1, &|net| net.query());
            step(0, &|net| net.query());
            step(0, &|net| net.answer());
            net.finish();
            assert_eq!(net.log.ended.len(), 2, "one in segments, one in datagrams");
        }
    }
    let mut net = Net::new();
    for n in 0..3 {
        for (vlan, base) in [(5, 0), (6, 90_000_000)] {
            net.vlan = vlan;
            match n {
                0 => net.c(base + 99, 0, SYN, ""),
                1 => net.s(base + 499, base + 100, SYN | ACK, ""),
                _ => net.c(base + 100, base + 500, ACK, "ping"),
            }
        }
    }
    net.finish();
    let found: Vec<_> = net.log.ended.iter().map(|(flow, _)| (flow.key.vlan, flow.packets)).collect();
    assert_eq!(found, [(5, 3), (6, 3)]);
    assert!(net.table.bare.is_empty());
}

#[test]
fn many_tunnels_with_the_same_ends_do_not_slow_each_other_down() {
    let mut net = Net::new();
    for path in 2..10_000 {
        net.path = path;
        net.c(path << 18, 0, SYN, "");
        assert!(net.table.bare.len() <= limits::JOINED_PATHS);
    }
    net.finish();
    assert_eq!(net.log.ended.len(), 9_998);
}
