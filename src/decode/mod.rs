//! Frames become packets: link layers, network layers and fragments are stripped, the flow key is made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

mod ayiya;
mod bare;
mod bsd;
mod bundle;
mod capwap;
mod control;
mod cooked;
mod decoder;
mod defrag;
mod esp;
mod ethernet;
mod fast;
mod fuzz;
mod gre;
mod gtp;
mod ip;
mod link;
mod mpls;
mod nsh;
mod overlay;
mod paths;
mod ppp;
mod shape;
mod teredo;
mod transport;
mod tunnel;
mod untyped;
mod usb;
mod walk;
#[cfg(test)]
mod wire;
mod wireless;

pub use bundle::{Bundle, unbundle};
pub use decoder::{DecodeOptions, Decoder};
#[doc(hidden)]
pub use fuzz::fuzz_frame;
pub use link::{Inner, LINKS, Link, Stop};
pub use paths::Paths;
pub use tunnel::{Carried, Id, On, TUNNELS, Tunnel};

/// The two ends of a flow as its key orders them; which of them is the client is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The end with the smaller (address, port).
    Low,
    /// The other end.
    High,
}

impl Side {
    /// The opposite side.
    pub const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }

    /// 0 for `Low`, 1 for `High`.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A transport protocol that has flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpProtocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The network address.
    pub addr: IpAddr,
    /// The transport port.
    pub port: u16,
}

/// What makes packets one flow: both ends in canonical order, transport and the encapsulation they came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowKey {
    /// IPv6 addresses, or IPv4 ones in the first four bytes; the smaller (address, port) first.
    addrs: [[u8; 16]; 2],
    ports: [u16; 2],
    /// Number of the tunnel stack in [`Paths`]; 0 is none.
    pub path: u32,
    /// Number of the VLAN stack in [`Paths`]; 0 is none.
    pub vlan: u32,
    /// Transport protocol.
    pub protocol: IpProtocol,
    v6: bool,
}

impl FlowKey {
    /// The key of a packet from `source` to `destination`, and the side that sent it.
    /// Addresses of one packet always have one family. It has no VLAN stack yet.
    pub fn new(source: Endpoint, destination: Endpoint, protocol: IpProtocol, path: u32) -> (Self, Side) {
        let (low, high, from) = if source <= destination {
            (source, destination, Side::Low)
        } else {
            (destination, source, Side::High)
        };
        let key = Self {
            addrs: [octets(low.addr), octets(high.addr)],
            ports: [low.port, high.port],
            path,
            vlan: 0,
            protocol,
            v6: low.addr.is_ipv6(),
        };
        (key, from)
    }

    /// One end of the flow.
    pub fn end(&self, side: Side) -> Endpoint {
        let a = self.addrs[side.index()];
        let addr = if self.v6 {
            IpAddr::V6(Ipv6Addr::from(a))
        } else {
            IpAddr::V4(Ipv4Addr::new(a[0], a[1], a[2], a[3]))
        };
        Endpoint { addr, port: self.ports[side.index()] }
    }

    /// The key of the same ends without encapsulation.
    #[must_use]
    pub const fn bare(self) -> Self {
        Self { path: 0, vlan: 0, ..self }
    }

    /// Everything that tells keys apart, in as few words as there are, and their number.
    #[inline]
    fn words(&self) -> ([u64; 5], usize) {
        let [low, high] = &self.addrs;
        let ports = u64::from(self.ports[0]) << 16 | u64::from(self.ports[1]);
        // Both stacks have small numbers, and what is hashed need not tell all apart.
        let stacks = u64::from(self.path) << 1 ^ u64::from(self.vlan) << 14;
        let rest = ports << 32 | stacks | u64::from(self.protocol == IpProtocol::Udp);
        let half = |addr: &[u8; 16], i: usize| {
            addr.as_chunks::<8>().0.get(i).map_or(0, |word| u64::from_le_bytes(*word))
        };
        if self.v6 {
            ([rest, half(low, 0), half(low, 1), half(high, 0), half(high, 1)], 5)
        } else {
            // The rest of an IPv4 address is zero.
            ([rest, half(low, 0) << 32 | half(high, 0), 0, 0, 0], 2)
        }
    }

    /// A hash with a fixed key, for the partition only (tables use a random seed). The stacks have no part in it:
    /// one direction of a flow may be encapsulated and the other not. Neither has the client's port where HTTP/3 is
    /// spoken: a connection may move to another one.
    pub fn partition(&self) -> usize {
        /// Odd numbers without a pattern: the fraction of the golden ratio, and what MurmurHash3 and SplitMix64 multiply with.
        const BY: [u64; 5] = [
            0x9e37_79b9_7f4a_7c15,
            0xff51_afd7_ed55_8ccd,
            0xc4ce_b9fe_1a85_ec53,
            0xbf58_476d_1ce4_e5b9,
            0x94d0_49bb_1331_11eb,
        ];
        let mut key = self.bare();
        if self.protocol == IpProtocol::Udp
            && let Some(server) = self.ports.into_iter().find(|port| HTTP3.contains(port))
        {
            key.ports = [server; 2];
        }
        // A sum of products, none of which waits for another.
        let (words, _) = key.words();
        let sum = words.iter().zip(BY).fold(0_u64, |sum, (word, by)| sum.wrapping_add(word.wrapping_mul(by)));
        // The high bits: what differs between keys may be at the top of a word, and multiplying carries upwards only.
        ((sum >> 32) as usize * crate::limits::PARTITIONS) >> 32
    }
}

/// Ports of servers of HTTP/3.
const HTTP3: [u16; 2] = [443, 8443];

/// In whole words, because a table is asked for every packet.
impl std::hash::Hash for FlowKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let (words, n) = self.words();
        words[..n].iter().for_each(|word| state.write_u64(*word));
    }
}

fn octets(addr: IpAddr) -> [u8; 16] {
    match addr {
        IpAddr::V6(a) => a.octets(),
        IpAddr::V4(a) => {
            let mut out = [0; 16];
            out[..4].copy_from_slice(&a.octets());
            out
        }
    }
}

/// Where payload bytes lie: in the block's capture bytes or in its side arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// First byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
    /// Bytes that were on the wire behind them but were not captured (snap length).
    pub missing: u32,
    /// True if `start` points into [`crate::capture::Block::side`].
    pub side: bool,
}

/// TCP header fields that reassembly needs (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpHeader {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number; meaningful with [`TcpHeader::ACK`].
    pub ack: u32,
    /// Flag bits as on the wire (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32).
    pub flags: u8,
    /// Offset behind the last byte of urgent data; meaningful with [`TcpHeader::URG`].
    pub urgent: u16,
}

impl TcpHeader {
    /// FIN flag bit.
    pub const FIN: u8 = 1;
    /// SYN flag bit.
    pub const SYN: u8 = 2;
    /// RST flag bit.
    pub const RST: u8 = 4;
    /// ACK flag bit.
    pub const ACK: u8 = 16;
    /// URG flag bit.
    pub const URG: u8 = 32;

    /// Whether all of `bits` are set.
    pub const fn has(self, bits: u8) -> bool {
        self.flags & bits == bits
    }
}

/// The transport part of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A TCP segment.
    Tcp(TcpHeader),
    /// A UDP datagram.
    Udp,
}

/// One decoded packet, as the reader sends it to a shard; bytes stay in the block.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Index in [`crate::capture::Block::frames`].
    pub frame: u32,
    /// Which flow.
    pub key: FlowKey,
    /// Which end sent it.
    pub from: Side,
    /// TCP or UDP.
    pub segment: Segment,
    /// Transport payload.
    pub payload: Payload,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever it is that differs between flows, no partition gets much more than its share.
    #[test]
    fn flows_spread_over_all_partitions() {
        const FLOWS: u32 = 64_000;
        let end = |addr: IpAddr, port| Endpoint { addr, port };
        let v4 = |n: u32| IpAddr::from(n.to_be_bytes());
        let v6 = |high: u32, low: u32| IpAddr::from((u128::from(high) << 96 | u128::from(low)).to_be_bytes());
        let (server, client) = (v4(0x0aff_0001), v4(0x0a00_0001));
        let ways: [&dyn Fn(u32) -> [Endpoint; 2]; 6] = [
            &|n| [end(v4(0x0a00_0000 + n), 40_000), end(server, 80)],
            &|n| [end(client, n as u16), end(server, 80)],
            &|n| [end(client, 40_000), end(v4(0xc000_0000 + n), 443)],
            &|n| [end(v4(n << 16), 40_000), end(server, 80)],
            &|n| [end(v6(0xfd00_0000, n), 40_000), end(v6(0xfd00_0000, 0x9999_9999), 80)],
            &|n| [end(v6(n, 1), 40_000), end(v6(0xffff_0000, 1), 80)],
        ];
        for (i, way) in ways.iter().enumerate() {
            let mut counts = [0; crate::limits::PARTITIONS];
            for n in 0..FLOWS {
                let [a, b] = way(n);
                counts[FlowKey::new(a, b, IpProtocol::Tcp, 0).0.partition()] += 1;
            }
            let share = FLOWS / crate::limits::PARTITIONS as u32;
            assert!(counts.iter().all(|n| (share / 2..share * 2).contains(n)), "way {i}: {counts:?}");
        }
    }

    #[test]
    fn a_client_that_moves_to_another_port_stays_in_its_partition() {
        let end = |last, port| Endpoint { addr: IpAddr::from([10, 0, 0, last]), port };
        let partition = |client, server, protocol| FlowKey::new(client, server, protocol, 0).0.partition();
        for server in [end(1, 443), end(9, 8443), end(2, 443)] {
            let at = |port| partition(end(2, port), server, IpProtocol::Udp);
            assert!((1025..2000).all(|port| at(port) == at(1024)), "{server:?}");
            assert!((1025..2000).any(|port| partition(end(2, port), server, IpProtocol::Tcp) != at(1024)));
        }
        let dns = |port| partition(end(2, port), end(1, 53), IpProtocol::Udp);
        assert!((1025..2000).any(|port| dns(port) != dns(1024)));
    }
}
