//! Overlays in UDP that data centres use: VXLAN, VXLAN-GPE, Geneve, LISP; and TZSP, which mirrors use.

use super::link::{Inner, Stop, be16, be32, byte, skip};
use super::shape;
use super::tunnel::{Carried, Id, On, Tunnel};

/// VXLAN (RFC 7348); 8472 is what Linux used before the port was assigned.
pub(super) const VXLAN: Tunnel =
    Tunnel { name: "vxlan", on: &[On::Udp(4789), On::Udp(8472)], shape: Some(shape::vxlan), strip: vxlan };

/// VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe): a next-protocol byte.
pub(super) const VXLAN_GPE: Tunnel =
    Tunnel { name: "vxlan-gpe", on: &[On::Udp(4790)], shape: None, strip: gpe };

/// Geneve (RFC 8926): options are skipped.
pub(super) const GENEVE: Tunnel =
    Tunnel { name: "geneve", on: &[On::Udp(6081)], shape: Some(shape::geneve), strip: geneve };

/// LISP data (RFC 9300 section 5.1).
pub(super) const LISP: Tunnel = Tunnel { name: "lisp", on: &[On::Udp(4341)], shape: None, strip: lisp };

/// TaZmen Sniffer Protocol, as Aruba, `MikroTik` and others mirror with.
pub(super) const TZSP: Tunnel = Tunnel { name: "tzsp", on: &[On::Udp(37008)], shape: None, strip: tzsp };

/// The next protocols that VXLAN-GPE and NSH (RFC 8300 section 2.2) have in common.
pub(super) fn next(protocol: u8, nsh: u8, rest: &[u8]) -> Result<Inner<'_>, Stop> {
    match protocol {
        1 => Ok(Inner::EtherType(0x0800, rest)),
        2 => Ok(Inner::EtherType(0x86dd, rest)),
        3 => Ok(Inner::Ethernet(rest)),
        5 => Ok(Inner::EtherType(0x8847, rest)),
        _ if protocol == nsh => Ok(Inner::EtherType(0x894f, rest)),
        _ => Err(Stop::Weird("unknown_next_protocol")),
    }
}

fn vxlan(data: &[u8]) -> Result<Carried<'_>, Stop> {
    // The group policy extension uses 0x80 and the bytes between; the reserved bits of 0x07 are GPE's.
    if byte(data, 0)? & 0x0f != 0x08 {
        return Err(Stop::Weird("bad_vxlan_header"));
    }
    Ok(Carried { kind: "vxlan", id: Id::Number(be32(data, 4)? >> 8), inner: Inner::Ethernet(skip(data, 8)?) })
}

fn gpe(data: &[u8]) -> Result<Carried<'_>, Stop> {
    let flags = byte(data, 0)?;
    if flags & 0x38 != 0x08 {
        return Err(Stop::Weird("bad_vxlan_header"));
    }
    let rest = skip(data, 8)?;
    let inner = if flags & 0x04 != 0 { next(byte(data, 3)?, 4, rest)? } else { Inner::Ethernet(rest) };
    Ok(Carried { kind: "vxlan-gpe", id: Id::Number(be32(data, 4)? >> 8), inner })
}

fn geneve(data: &[u8]) -> Result<Carried<'_>, Stop> {
    const CONTROL: u8 = 0x80;
    let first = byte(data, 0)?;
    if first >> 6 != 0 {
        return Err(Stop::Weird("bad_geneve_version"));
    }
    if byte(data, 1)? & CONTROL != 0 {
        return Err(Stop::Other);
    }
    let rest = skip(data, 8 + usize::from(first & 0x3f) * 4)?;
    Ok(Carried {
        kind: "geneve",
        id: Id::Number(be32(data, 4)? >> 8),
        inner: Inner::EtherType(be16(data, 2)?, rest),
    })
}

fn lisp(data: &[u8]) -> Result<Carried<'_>, Stop> {
    const INSTANCE: u8 = 0x08;
    let flags = byte(data, 0)?;
    let id = if flags & INSTANCE != 0 { Id::Number(be32(data, 4)? >> 8) } else { Id::None };
    Ok(Carried { kind: "lisp", id, inner: Inner::Ip(skip(data, 8)?) })
}

fn tzsp(data: &[u8]) -> Result<Carried<'_>, Stop> {
    if byte(data, 0)? != 1 {
        return Err(Stop::Weird("bad_tzsp_version"));
    }
    // Received packets and packets to transmit; the rest is control.
    if byte(data, 1)? > 1 {
        return Err(Stop::Other);
    }
    let protocol = be16(data, 2)?;
    let mut rest = skip(data, 4)?;
    loop {
        rest = match byte(rest, 0)? {
            0 => skip(rest, 1)?,
            1 => {
                rest = skip(rest, 1)?;
                break;
            }
            _ => skip(rest, 2 + usize::from(byte(rest, 1)?))?,
        };
    }
    let inner = match protocol {
        1 => Inner::Ethernet(rest),
        18 => Inner::Link(105, rest),
        _ => return Err(Stop::Other),
    };
    Ok(Carried { kind: "tzsp", id: Id::None, inner })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, every_cut, ip4_tcp, ip4_udp_to, ip6_udp, seen};

    #[test]
    fn every_overlay() {
        let (ip, six) = (ip4_tcp(b"abc"), ip6_udp(b"abc"));
        let frame = ether(0x0800, &ip);
        let cases: [(u16, &[u8], &[u8], &str); 12] = [
            (4789, &[8, 0, 0, 0, 0, 0, 100, 0], &frame, "vxlan:100"),
            (8472, &[0x88, 0, 0, 1, 1, 0, 100, 0], &frame, "vxlan:65636"),
            (4790, &[0x0c, 0, 0, 1, 0, 0, 5, 0], &ip, "vxlan-gpe:5"),
            (4790, &[0x0c, 0, 0, 2, 0, 0, 5, 0], &six, "vxlan-gpe:5"),
            (4790, &[0x0c, 0, 0, 3, 0, 0, 5, 0], &frame, "vxlan-gpe:5"),
            (4790, &[0x08, 0, 0, 0, 0, 0, 5, 0], &frame, "vxlan-gpe:5"),
            (6081, &[0, 0, 0x65, 0x58, 0, 0, 9, 0], &frame, "geneve:9"),
            (6081, &[1, 0x40, 8, 0, 0, 0, 9, 0, 1, 2, 3, 4], &ip, "geneve:9"),
            (4341, &[0, 0, 0, 0, 0, 0, 0, 0], &ip, "lisp"),
            (4341, &[8, 0, 0, 0, 0, 0, 3, 0], &six, "lisp:3"),
            (37008, &[1, 0, 0, 1, 1], &frame, "tzsp"),
            (37008, &[1, 0, 0, 1, 0, 10, 1, 9, 1], &frame, "tzsp"),
        ];
        for (port, head, inner, kind) in cases {
            let packet = ip4_udp_to(port, &[head, inner].concat());
            let got = seen(101, &packet).unwrap();
            assert_eq!((got.tunnels, got.payload), (vec![kind.to_owned()], b"abc".to_vec()));
            every_cut(101, &packet);
        }
    }

    #[test]
    fn what_is_not_an_overlay_stays_a_datagram() {
        for port in [4789, 4790, 6081, 37008, 2152, 3544, 1701] {
            let packet = ip4_udp_to(port, b"\xffno tunnel at all, only text in a datagram");
            let got = seen(101, &packet).unwrap();
            assert!(got.tunnels.is_empty() && got.payload.starts_with(b"\xffno tunnel"), "{port}");
        }
    }
}
