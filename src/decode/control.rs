//! What leads to no TCP or UDP and yet is no loss: protocols by which networks run themselves. Every capture is full of
//! them, and what they carry is addresses, routes and timers. Whatever is on none of these lists may carry what users
//! said, so that a frame of it is counted.

/// `EtherType`s (IEEE 802 numbers), and the protocol types that Cisco puts into GRE.
pub(super) const fn ether_type(kind: u16) -> bool {
    matches!(
        kind,
        0x0000 | 0x00fe | 0x2000 | 0x2001 // GRE keep-alive, IS-IS, CDP, NHRP
            | 0x0806 | 0x8035 // ARP, RARP
            | 0x0842 // Wake-on-LAN
            | 0x22ea | 0x22f0 | 0x22f4 // SRP, AVTP, IS-IS of TRILL
            | 0x6001..=0x6004 // DEC MOP, DECnet
            | 0x809b | 0x80f3 | 0x8137 | 0x8138 // AppleTalk, IPX: older than any token
            | 0x8808 | 0x8809 // flow control, slow protocols
            | 0x8863 | 0x888e | 0x8892 | 0x88a4 // PPPoE discovery, EAPOL, PROFINET, EtherCAT
            | 0x886c | 0x886d | 0x8874 | 0x8899 // Broadcom, Intel and Realtek: probes of drivers and switches
            | 0x887b | 0x88e1 | 0x8912 | 0x893a // HomePlug, Mediaxtream, IEEE 1905.1
            | 0x88ab | 0x88cd | 0x88b8..=0x88ba // POWERLINK, SERCOS, IEC 61850
            | 0x88bf | 0x88f8 // RoMON, NC-SI
            | 0x88c7 | 0x890d // 802.11 pre-authentication and fast transition
            | 0x88cc | 0x88d9 | 0x8940 // LLDP, LLTD, edge control
            | 0x88e3 | 0x88f5..=0x88f7 // MRP, MVRP, PTP
            | 0x8902 | 0x8914 | 0x891d // CFM, FIP, TTEthernet
            | 0x9000 // loopback test
    )
}

/// IP protocol numbers: messages about the network, groups and routes.
pub(super) const fn ip_protocol(protocol: u8) -> bool {
    matches!(
        protocol,
        1 | 2 | 58 // ICMP, IGMP, ICMPv6
            | 3 | 8 | 9 | 88 | 89 | 124 // GGP, EGP, IGRP, EIGRP, OSPF, IS-IS
            | 46 | 54 | 103 // RSVP, NARP, PIM
            | 59 // no next header
            | 112 | 240 // VRRP and CARP, pfsync
            | 135 | 139 | 140 // mobility, HIP, shim6
    )
}

/// PPP protocol numbers (RFC 1661 section 2): control protocols, those of bridges and routers, and IPX and AppleTalk.
pub(super) const fn ppp(protocol: u16) -> bool {
    matches!(protocol, 0x8000..|0x0023| 0x0029 | 0x002b | 0x0031 | 0x0201..=0x0207)
}

/// The name under which protocols are counted that have no other.
pub(super) const UNKNOWN: &str = "unknown_ip_protocol";

/// The name under which a packet of an IP protocol is counted that nothing here reads.
pub(super) const fn unread(protocol: u8) -> &'static str {
    match protocol {
        33 => "dccp",
        108 => "ipcomp",
        115 => "l2tpv3",
        132 => "sctp",
        136 => "udp_lite",
        _ => UNKNOWN,
    }
}
