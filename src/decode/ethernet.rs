//! Ethernet II, IEEE 802.3 with LLC and SNAP, VLAN tags, provider backbone tags, Cisco metadata and unencrypted MACsec.

use super::control;
use super::link::{Inner, Link, Stop, be16, be32, byte, skip};
use super::tunnel::{Carried, Id, On, Tunnel};
use crate::limits;

/// IEEE 802.3 Ethernet without FCS.
pub(super) const ETHERNET: Link = Link { numbers: &[1], name: "ETHERNET", strip };

/// IEEE 802.1ah: a backbone service tag, then the customer's frame.
pub(super) const PBB: Tunnel = Tunnel { name: "pbb", on: &[On::Ether(0x88e7)], shape: None, strip: pbb };

/// The `EtherType` of IEEE 802.1AE.
pub(super) const MACSEC: u16 = 0x88e5;

/// The `EtherType` of Cisco's metadata.
pub(super) const METADATA: u16 = 0x8909;

/// The `EtherType` of a whole Ethernet frame (RFC 1701).
pub(super) const BRIDGED: u16 = 0x6558;

/// Whether an `EtherType` is that of a VLAN tag: 802.1Q, 802.1ad and what was in use before it. Asked for every frame.
#[inline(always)]
pub(super) const fn is_vlan(kind: u16) -> bool {
    matches!(kind, 0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300)
}

/// Removes addresses and type; a length instead of a type means LLC (IEEE 802.3 clause 3.2.6).
pub(super) fn strip(data: &[u8]) -> Result<Inner<'_>, Stop> {
    let (head, rest) = data.split_first_chunk::<14>().ok_or(Stop::Short)?;
    typed(u16::from_be_bytes([head[12], head[13]]), rest)
}

/// The VLAN number of a tag and what lies behind it (IEEE 802.1Q clause 9.6).
pub(super) fn vlan(data: &[u8]) -> Result<(u16, Inner<'_>), Stop> {
    let (tag, rest) = data.split_first_chunk::<4>().ok_or(Stop::Short)?;
    Ok((u16::from_be_bytes([tag[0] & 0x0f, tag[1]]), typed(u16::from_be_bytes([tag[2], tag[3]]), rest)?))
}

/// IEEE 802.2 LLC: SNAP (RFC 1042) and the IP service access point.
pub(super) fn llc(data: &[u8]) -> Result<Inner<'_>, Stop> {
    match (byte(data, 0)?, byte(data, 1)?, byte(data, 2)?) {
        (0xaa, 0xaa, 0x03) => {
            let rest = skip(data, 8)?;
            match (be32(data, 2)? & 0x00ff_ffff, be16(data, 6)?) {
                // RFC 1042, and 802.1H for the types that cannot be translated.
                (0x00_0000 | 0x00_00f8, kind) => Ok(Inner::EtherType(kind, rest)),
                // RFC 2684 section 5.2: bridged 802.3 with and without FCS, two bytes of padding.
                (0x00_80c2, 1 | 7) => Ok(Inner::Ethernet(skip(rest, 2)?)),
                _ => Err(Stop::Other),
            }
        }
        (0x06, 0x06, 0x03) => Ok(Inner::Ip(skip(data, 3)?)),
        // RFC 2684 section 5.2 routed ISO NLPID: 0xfefe03 and an NLPID; 0xcc is IPv4, 0x8e IPv6.
        (0xfe, 0xfe, 0x03) if matches!(data.get(3), Some(0xcc | 0x8e)) => Ok(Inner::Ip(skip(data, 4)?)),
        _ => Err(Stop::Other),
    }
}

/// IEEE 802.1AE: a security tag; only integrity without encryption can be read.
pub(super) fn macsec(data: &[u8]) -> Result<Inner<'_>, Stop> {
    let control = byte(data, 0)?;
    if control & 0x0c != 0 {
        return Err(Stop::Closed("macsec_encrypted"));
    }
    let rest = skip(data, if control & 0x20 != 0 { 14 } else { 6 })?;
    typed(be16(rest, 0)?, skip(rest, 2)?)
}

/// Cisco `TrustSec`: version, length, one option with the security group of the sender, then the frame goes on.
pub(super) fn metadata(data: &[u8]) -> Result<Inner<'_>, Stop> {
    if be16(data, 0)? != 0x0101 {
        return Err(Stop::Weird("bad_metadata_version"));
    }
    typed(be16(data, 6)?, skip(data, 8)?)
}

/// The type of an Ethernet frame and what lies behind it, tags taken off: as many as are followed.
pub(super) fn untagged(data: &[u8]) -> Option<(u16, &[u8])> {
    let (mut kind, mut rest) = (be16(data, 12).ok()?, data.get(14..)?);
    for _ in 0..limits::DECODE_DEPTH {
        if !is_vlan(kind) {
            break;
        }
        (kind, rest) = (be16(rest, 2).ok()?, rest.get(4..)?);
    }
    Some((kind, rest))
}

/// Whether this can be an Ethernet frame that carries something we know: a guess for what has no type field.
pub(super) fn plausible(data: &[u8]) -> bool {
    let Some((kind, rest)) = untagged(data) else { return false };
    match kind {
        0x0800 => rest.first().is_none_or(|first| (0x45..=0x4f).contains(first)),
        0x86dd => rest.first().is_none_or(|first| first >> 4 == 6),
        0..=1500 => matches!(rest.get(..2), Some([0xaa, 0xaa] | [0x42, 0x42] | [0x06, 0x06])),
        MACSEC | METADATA | BRIDGED => true,
        _ => Tunnel::find(On::Ether(kind)).is_some() || control::ether_type(kind),
    }
}

fn typed(kind: u16, rest: &[u8]) -> Result<Inner<'_>, Stop> {
    if kind > 1500 { Ok(Inner::EtherType(kind, rest)) } else { llc(rest) }
}

fn pbb(data: &[u8]) -> Result<Carried<'_>, Stop> {
    let id = be32(data, 0)? & 0x00ff_ffff;
    Ok(Carried { kind: "pbb", id: Id::Number(id), inner: Inner::Ethernet(skip(data, 4)?) })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, ether, every_cut, ip4_tcp, seen};

    #[test]
    fn ethernet_of_every_kind_carries_the_same_packet() {
        let ip = ip4_tcp(b"hello");
        let plain = Seen::of(b"hello");
        let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip].concat();
        let len = u16::try_from(snap.len()).unwrap();
        let macsec = [&[0x20, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 0][..], &ip, &[9; 16]].concat();
        let frames = [
            (ether(0x0800, &ip), vec![]),
            (ether(len, &snap), vec![]),
            (ether(0x88e5, &macsec), vec![]),
            (ether(0x8909, &[&[1, 1, 0, 1, 0, 7, 8, 0][..], &ip].concat()), vec![]),
            (ether(0x8100, &[&[0x20, 5, 8, 0][..], &ip].concat()), vec![5]),
            (ether(0x8100, &[&[0x20, 0, 8, 0][..], &ip].concat()), vec![]),
            (ether(0x88a8, &[&[0, 7, 0x81, 0, 0, 9, 8, 0][..], &ip].concat()), vec![7, 9]),
            (ether(0x8100, &[&[0, 7, 0, 100][..], &snap].concat()), vec![7]),
        ];
        for (frame, vlans) in frames {
            let mut want = plain.clone();
            want.vlans = vlans;
            assert_eq!(seen(1, &frame).unwrap(), want, "{frame:02x?}");
            every_cut(1, &frame);
        }
    }

    #[test]
    fn backbone_frames_keep_their_service_number() {
        let inner = ether(0x0800, &ip4_tcp(b"x"));
        let frame = ether(0x88e7, &[&[0, 0, 1, 2][..], &inner].concat());
        assert_eq!(seen(1, &frame).unwrap().tunnels, ["pbb:258"]);
        every_cut(1, &frame);
    }

    #[test]
    fn control_frames_are_silent_and_unknown_ones_counted() {
        assert_eq!(seen(1, &ether(0x0806, &[0; 28])), Err(vec![]));
        assert_eq!(seen(1, &ether(0xabcd, &[0; 28])), Err(vec!["unknown_ethertype"]));
        assert_eq!(seen(1, &ether(0x88e5, &[0x0c; 60])), Err(vec!["macsec_encrypted"]));
        assert_eq!(seen(1, &ether(38, &[0x42, 0x42, 3, 0])), Err(vec![]));
        assert_eq!(seen(1, &[0; 13]), Err(vec!["truncated"]));
    }
}
