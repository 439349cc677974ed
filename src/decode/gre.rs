//! GRE and what switches put into it: NVGRE, ERSPAN, PPTP, WCCP.

use super::link::{Inner, Stop, be16, be32, byte, skip};
use super::ppp;
use super::tunnel::{Carried, Id, On, Tunnel};

/// GRE (RFC 2784, RFC 2890), version 1 is PPTP's (RFC 2637); also in UDP (RFC 8086).
pub(super) const GRE: Tunnel = Tunnel { name: "gre", on: &[On::Ip(47), On::Udp(4754)], shape: None, strip };

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;

fn strip(data: &[u8]) -> Result<Carried<'_>, Stop> {
    let (flags, protocol) = (be16(data, 0)?, be16(data, 2)?);
    if flags & ROUTING != 0 {
        return Err(Stop::Weird("gre_source_routing"));
    }
    let mut at = 4;
    at += if flags & CHECKSUM != 0 { 4 } else { 0 };
    let key = if flags & KEY != 0 { Some(be32(data, at)?) } else { None };
    let id = key.map_or(Id::Ends, Id::Number);
    at += if flags & KEY != 0 { 4 } else { 0 };
    at += if flags & SEQUENCE != 0 { 4 } else { 0 };
    match flags & 0x0007 {
        0 => {}
        1 => {
            at += if flags & ACKNOWLEDGMENT != 0 { 4 } else { 0 };
            let rest = skip(data, at)?;
            // Without a payload it is an acknowledgment; the call number differs between the directions.
            return if protocol == 0x880b && !rest.is_empty() {
                Ok(Carried { kind: "pptp", id: Id::None, inner: ppp::ppp(rest)? })
            } else {
                Err(Stop::Other)
            };
        }
        _ => return Err(Stop::Weird("bad_gre_version")),
    }
    let rest = skip(data, at)?;
    match protocol {
        // Transparent Ethernet bridging. RFC 7637: 24 bits of network number (those below 0x1000 are
        // reserved) and 8 bits that vary within it; other users of TEB use the key as they like.
        0x6558 => Ok(match key {
            Some(key) if key >> 8 >= 0x1000 => {
                Carried { kind: "nvgre", id: Id::Number(key >> 8), inner: Inner::Ethernet(rest) }
            }
            _ => Carried { kind: "gre", id, inner: Inner::Ethernet(rest) },
        }),
        0x88be | 0x22eb => erspan(protocol, flags & SEQUENCE != 0, rest),
        // WCCP: a redirect header of four bytes, in version 2 only.
        0x883e if byte(rest, 0)? >> 4 != 4 => {
            Ok(Carried { kind: "gre", id, inner: Inner::EtherType(0x0800, skip(rest, 4)?) })
        }
        0x883e => Ok(Carried { kind: "gre", id, inner: Inner::EtherType(0x0800, rest) }),
        0x880b => Ok(Carried { kind: "gre", id, inner: ppp::ppp(rest)? }),
        // Aruba access points: 802.11 frames.
        0x8200..=0x8390 => Ok(Carried { kind: "gre", id, inner: Inner::Link(105, rest) }),
        _ => Ok(Carried { kind: "gre", id, inner: Inner::EtherType(protocol, rest) }),
    }
}

/// draft-foschiano-erspan: type I has no header, type II 8 bytes, type III 12 and perhaps 8 more.
/// A session number names the mirror, not the network, and each direction may have its own.
fn erspan(protocol: u16, sequence: bool, data: &[u8]) -> Result<Carried<'_>, Stop> {
    let inner = match (protocol, sequence) {
        (0x88be, false) => Inner::Ethernet(data),
        (0x88be, true) if byte(data, 0)? >> 4 == 1 => Inner::Ethernet(skip(data, 8)?),
        (0x22eb, _) if byte(data, 0)? >> 4 == 2 => {
            let fixed = be16(data, 10)?;
            let rest = skip(data, if fixed & 1 != 0 { 20 } else { 12 })?;
            match fixed >> 10 & 0x1f {
                2 => Inner::Ip(rest),
                _ => Inner::Ethernet(rest),
            }
        }
        _ => return Err(Stop::Weird("bad_erspan_version")),
    };
    Ok(Carried { kind: "erspan", id: Id::None, inner })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, every_cut, ip4, ip4_tcp, ip4_udp_to, ip6, seen};

    #[test]
    fn every_kind_of_gre() {
        let ip = ip4_tcp(b"abc");
        let frame = ether(0x0800, &ip);
        let wifi = [&[0x08, 1][..], &[1; 22], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0]].concat();
        let three = |o: u8| [0x20, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, o];
        type Case<'a> = (&'a [u8], &'a [u8], &'a [u8], &'a str);
        let cases: [Case<'_>; 14] = [
            (&[0, 0, 0x82, 0x40], &wifi, &ip, "gre"),
            (&[0, 0, 8, 0], &[], &ip, "gre"),
            (&[0x20, 0, 8, 0, 0, 0, 0, 7], &[], &ip, "gre:7"),
            (&[0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1], &[], &ip, "gre:7"),
            (&[0, 0, 0x65, 0x58], &[], &frame, "gre"),
            (&[0x20, 0, 0x65, 0x58, 0, 0, 1, 1], &[], &frame, "gre:257"),
            (&[0x20, 0, 0x65, 0x58, 0, 0x10, 1, 0x77], &[], &frame, "nvgre:4097"),
            (&[0, 0, 0x88, 0xbe], &[], &frame, "erspan"),
            (&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x10, 1, 0, 5, 0, 0, 0, 0], &frame, "erspan"),
            (&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &three(0), &frame, "erspan"),
            (&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &[three(1).as_slice(), &[0; 8]].concat(), &frame, "erspan"),
            (&[0, 0, 0x88, 0x3e], &[0, 0, 0, 0], &ip, "gre"),
            (&[0, 0, 0x88, 0x3e], &[], &ip, "gre"),
            (&[0x30, 0x81, 0x88, 0x0b, 0, 9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], &[0, 0x21], &ip, "pptp"),
        ];
        for (head, more, inner, kind) in cases {
            let gre = [head, more, inner].concat();
            for packet in [ip4(47, &gre), ip6(47, &gre), ip4_udp_to(4754, &gre)] {
                let got = seen(101, &packet).unwrap();
                assert_eq!((got.tunnels, got.payload), (vec![kind.to_owned()], b"abc".to_vec()));
                every_cut(101, &packet);
            }
        }
    }
}
