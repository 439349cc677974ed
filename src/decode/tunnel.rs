//! The registry of tunnels, and the small ones among them.

use super::link::{Inner, Stop, be16, byte, skip};
use super::{ayiya, capwap, ethernet, gre, gtp, mpls, nsh, overlay, ppp, shape, teredo};

/// An encapsulation inside a packet.
#[derive(Clone, Copy, Debug)]
pub struct Tunnel {
    /// Its name.
    pub name: &'static str,
    /// What carries it.
    pub on: &'static [On],
    /// Whether a datagram of this length on the wire is this tunnel's beyond doubt, on whatever port.
    pub shape: Option<fn(&[u8], usize) -> bool>,
    /// Removes its header; what it returns is always the end of what it was given.
    pub strip: fn(&[u8]) -> Result<Carried<'_>, Stop>,
}

/// Where a tunnel is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// An `EtherType`.
    Ether(u16),
    /// An IP protocol number.
    Ip(u8),
    /// Either port of a UDP datagram.
    Udp(u16),
}

/// What a tunnel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried<'a> {
    /// Name for the path ("gre" and "erspan" are one protocol, but not one thing).
    pub kind: &'static str,
    /// What tells networks apart.
    pub id: Id,
    /// What is inside.
    pub inner: Inner<'a>,
}

/// What tells the networks in a tunnel apart: both directions of a flow must have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// Nothing, or numbers that differ between the directions.
    None,
    /// A network number.
    Number(u32),
    /// The two ends of the tunnel.
    Ends,
}

/// Every tunnel that is followed.
pub const TUNNELS: &[Tunnel] = &[
    overlay::VXLAN,
    overlay::VXLAN_GPE,
    overlay::GENEVE,
    gtp::GTP_U,
    teredo::TEREDO,
    ayiya::AYIYA,
    capwap::CAPWAP,
    overlay::LISP,
    overlay::TZSP,
    L2TP,
    gre::GRE,
    IP_IN_IP,
    IPV6_IN_IP,
    ETHERIP,
    mpls::MPLS,
    nsh::NSH,
    ppp::PPPOE,
    ethernet::PBB,
];

impl Tunnel {
    /// The tunnel that a datagram on any port is.
    pub(super) fn guess(data: &[u8], total: usize) -> Option<&'static Self> {
        if !shape::possible(data) {
            return None;
        }
        TUNNELS.iter().find(|tunnel| tunnel.shape.is_some_and(|is| is(data, total)))
    }

    /// The tunnel that is carried so.
    pub(super) fn find(on: On) -> Option<&'static Self> {
        TUNNELS.iter().find(|tunnel| tunnel.on.contains(&on))
    }
}

/// IPv4 in IP (RFC 2003).
const IP_IN_IP: Tunnel = Tunnel {
    name: "ipip",
    on: &[On::Ip(4)],
    shape: None,
    strip: |data| Ok(Carried { kind: "ipip", id: Id::Ends, inner: Inner::EtherType(0x0800, data) }),
};

/// IPv6 in IP (RFC 2473, RFC 4213).
const IPV6_IN_IP: Tunnel = Tunnel {
    name: "6in4",
    on: &[On::Ip(41)],
    shape: None,
    strip: |data| Ok(Carried { kind: "6in4", id: Id::Ends, inner: Inner::EtherType(0x86dd, data) }),
};

/// Ethernet in IP (RFC 3378).
const ETHERIP: Tunnel = Tunnel { name: "etherip", on: &[On::Ip(97)], shape: None, strip: etherip };

/// L2TP version 2 (RFC 2661): session numbers differ between the directions.
const L2TP: Tunnel = Tunnel { name: "l2tp", on: &[On::Udp(1701)], shape: None, strip: l2tp };

fn etherip(data: &[u8]) -> Result<Carried<'_>, Stop> {
    if be16(data, 0)? >> 12 != 3 {
        return Err(Stop::Weird("bad_etherip_version"));
    }
    Ok(Carried { kind: "etherip", id: Id::Ends, inner: Inner::Ethernet(skip(data, 2)?) })
}

fn l2tp(data: &[u8]) -> Result<Carried<'_>, Stop> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    let flags = be16(data, 0)?;
    if flags & 0x000f != 2 {
        return Err(Stop::Weird("bad_l2tp_version"));
    }
    if flags & CONTROL != 0 {
        return Err(Stop::Other);
    }
    let mut at = 6;
    at += if flags & LENGTH != 0 { 2 } else { 0 };
    at += if flags & SEQUENCE != 0 { 4 } else { 0 };
    at += if flags & OFFSET != 0 { 2 + usize::from(be16(data, at)?) } else { 0 };
    byte(data, at)?;
    Ok(Carried { kind: "l2tp", id: Id::None, inner: ppp::ppp(skip(data, at)?)? })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, every_cut, ip4, ip4_tcp, ip4_udp_to, ip6, ip6_udp, seen};
    use super::*;

    #[test]
    fn no_two_tunnels_are_carried_alike() {
        let all: Vec<_> = TUNNELS.iter().flat_map(|t| t.on).collect();
        for (i, on) in all.iter().enumerate() {
            assert!(!all[..i].contains(on), "{on:?}");
        }
    }

    #[test]
    fn ip_in_ip_of_all_four_kinds() {
        let cases = [
            (ip4(4, &ip4_tcp(b"abc")), "ipip"),
            (ip4(41, &ip6_udp(b"abc")), "6in4"),
            (ip6(4, &ip4_tcp(b"abc")), "4in6"),
            (ip6(41, &ip6_udp(b"abc")), "6in6"),
            (ip4(97, &[&[0x30, 0][..], &ether(0x0800, &ip4_tcp(b"abc"))].concat()), "etherip"),
        ];
        for (packet, kind) in cases {
            let got = seen(101, &packet).unwrap();
            assert_eq!((got.tunnels, got.payload), (vec![kind.to_owned()], b"abc".to_vec()));
            every_cut(101, &packet);
        }
    }

    #[test]
    fn l2tp_with_and_without_optional_fields() {
        let ppp = [&[0xff, 3, 0, 0x21][..], &ip4_tcp(b"abc")].concat();
        for head in [&[0, 2, 0, 1, 0, 2][..], &[0x4a, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 2, 9, 9]] {
            let packet = ip4_udp_to(1701, &[head, &ppp].concat());
            let got = seen(101, &packet).unwrap();
            assert_eq!((got.tunnels, got.payload), (vec!["l2tp".to_owned()], b"abc".to_vec()));
            every_cut(101, &packet);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let mut packet = ip4_tcp(b"abc");
        for _ in 0..crate::limits::DECODE_DEPTH {
            packet = ip4(4, &packet);
        }
        assert_eq!(seen(101, &packet).unwrap().tunnels.len(), crate::limits::DECODE_DEPTH);
        assert_eq!(seen(101, &ip4(4, &packet)), Err(vec!["too_deep"]));
    }
}
