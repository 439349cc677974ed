//! What begins without a type, as in GTP-U and MPLS: IP or an Ethernet frame. Real addresses make one look like the
//! other (8.6.0.0/16 stands where an `EtherType` would be ARP's), so what is whole decides, and IP comes first.

use super::link::{Inner, be16, byte};
use super::shape::SHORTEST;
use super::tunnel::{On, Tunnel};
use super::{control, ethernet, ip};

/// How well bytes fit what they are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Nothing contradicts, and the end may have been cut off.
    Likely,
    /// The length says so.
    Whole,
    /// A checksum says so, or several fields that have one value.
    Proven,
}

/// IP or Ethernet, if it can be one of them.
pub(super) fn untyped(data: &[u8]) -> Option<Inner<'_>> {
    let network = network(data, data.len()).map(|(_, fit)| fit);
    if frame(data) > network || network.is_none() && ethernet::plausible(data) {
        return Some(Inner::Ethernet(data));
    }
    match byte(data, 0).ok()? {
        0x45..=0x4f => Some(Inner::EtherType(0x0800, data)),
        0x60..=0x6f => Some(Inner::EtherType(0x86dd, data)),
        _ => None,
    }
}

/// Whether this is an Ethernet frame beyond doubt, because what is in it is whole.
pub(super) fn is_whole_frame(data: &[u8]) -> bool {
    frame(data) >= Some(Fit::Whole)
}

/// Whether this is an Ethernet frame, by what is in it.
fn frame(data: &[u8]) -> Option<Fit> {
    let (kind, rest) = ethernet::untagged(data)?;
    match kind {
        0x0800 | 0x86dd => network(rest, rest.len()).filter(|(found, _)| *found == kind).map(|(_, fit)| fit),
        // ARP for IPv4 on Ethernet (RFC 826).
        0x0806 => rest.starts_with(&[0, 1, 8, 0, 6, 4]).then_some(Fit::Proven),
        // A session of PPPoE that carries IP.
        0x8864 => matches!(rest, [0x11, 0, _, _, _, _, 0, 0x21 | 0x57, ..]).then_some(Fit::Proven),
        0x8847 | 0x8848 => {
            let bottom = rest.as_chunks::<4>().0.iter().position(|entry| entry[2] & 1 == 1)?;
            let rest = &rest[(bottom + 1) * 4..];
            network(rest, rest.len()).map(|(_, fit)| fit).filter(|fit| *fit > Fit::Likely)
        }
        0..=1500 => {
            (rest.starts_with(&[0xaa, 0xaa, 3]) && usize::from(kind) <= rest.len()).then_some(Fit::Whole)
        }
        _ => None,
    }
}

/// Whether a tunnel holds what its header promises, of which `cut` bytes were not captured.
#[cold]
pub(super) fn holds(inner: Inner<'_>, cut: usize) -> bool {
    let is_whole = |kind, data: &[u8]| match network(data, data.len() + cut) {
        Some((found, fit)) => fit > Fit::Likely && (kind == 0 || kind == found),
        None => false,
    };
    match inner {
        Inner::EtherType(kind @ (0x0800 | 0x86dd), data) => is_whole(kind, data),
        Inner::Ip(data) => is_whole(0, data),
        Inner::Ethernet(data) => match ethernet::untagged(data) {
            Some((kind @ (0x0800 | 0x86dd), rest)) => is_whole(kind, rest),
            _ => ethernet::plausible(data),
        },
        Inner::EtherType(..) | Inner::Link(..) | Inner::Bundle(_) => true,
    }
}

/// Whether this is IP, by all that its header tells, where `total` bytes are all there may be of it.
fn network(data: &[u8], total: usize) -> Option<(u16, Fit)> {
    match byte(data, 0).ok()? {
        0x45..=0x4f => {
            let len = usize::from(be16(data, 2).ok()?);
            let fit = if ip::header_checks(data) {
                Fit::Proven
            } else if len >= 20 && is_long(len, total) {
                Fit::Whole
            } else if len > total && is_known(byte(data, 9).ok()?) {
                Fit::Likely
            } else {
                return None;
            };
            Some((0x0800, fit))
        }
        0x60..=0x6f if data.len() >= 40 && is_known(data[6]) => {
            // A length of zero is that of segmentation offload.
            let len = match usize::from(be16(data, 4).ok()?) {
                0 => usize::MAX,
                len => len + 40,
            };
            // Zero, hop-by-hop options, is the first byte of many a hardware address.
            match is_long(len, total) {
                true => Some((0x86dd, Fit::Whole)),
                false if len > total && data[6] != 0 => Some((0x86dd, Fit::Likely)),
                false => None,
            }
        }
        _ => None,
    }
}

/// Whether an IP protocol number is one that we know.
fn is_known(protocol: u8) -> bool {
    matches!(protocol, 0 | 6 | 17 | 43 | 44 | 50 | 51 | 60)
        || Tunnel::find(On::Ip(protocol)).is_some()
        || control::ip_protocol(protocol)
        || control::unread(protocol) != control::UNKNOWN
}

/// Whether a packet of `len` bytes may be all of `total`: short frames are padded, and a checksum may follow.
const fn is_long(len: usize, total: usize) -> bool {
    const CHECKSUM: usize = 4;
    len <= total && (total <= SHORTEST || total - len <= CHECKSUM)
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, ip4, ip4_tcp, ip4_udp_to, ip6, seen, seen_as, tcp};
    use super::*;

    /// Packets whose source addresses stand where an `EtherType` would be a known one.
    fn ambiguous() -> Vec<(String, Vec<u8>)> {
        let v4 = [
            [8, 6, 1, 1],
            [136, 71, 1, 1],
            [136, 72, 1, 1],
            [136, 99, 1, 1],
            [136, 100, 5, 6],
            [8, 0, 69, 1],
        ];
        let v4 = v4.into_iter().map(|address| {
            let mut packet = ip4_tcp(b"abc");
            packet[12..16].copy_from_slice(&address);
            packet[10..12].fill(0);
            let header = etherparse::Ipv4HeaderSlice::from_slice(&packet).unwrap().to_header();
            packet[10..12].copy_from_slice(&header.calc_header_checksum().to_be_bytes());
            packet
        });
        let v6 = [[0x88, 0x64, 0, 1], [0x88, 0x47, 0, 1], [8, 6, 0, 1], [8, 0, 0x45, 1], [0x81, 0, 0, 1]];
        let v6 = v6.into_iter().map(|at| {
            let mut packet = ip6(6, &tcp(b"abc"));
            packet[8..16].copy_from_slice(&[&[0x20, 1, 0x0d, 0xb8][..], &at].concat());
            packet
        });
        v4.chain(v6).map(|packet| (format!("{:02x?}", &packet[8..16]), packet)).collect()
    }

    #[test]
    fn packets_with_addresses_that_look_like_a_frame_are_packets() {
        for (address, inner) in ambiguous() {
            let len = (inner.len() as u16).to_be_bytes();
            let gtp = [&[0x30, 255, len[0], len[1], 0, 0, 0, 1][..], &inner].concat();
            let label = [&[0, 6, 0x41, 64][..], &inner].concat();
            let packets = [
                (101, ip4_udp_to(2152, &gtp), "gtp"),
                (1, ether(0x8847, &label), "mpls"),
                (1, [ether(0x8847, &label), vec![0; 4]].concat(), "mpls"),
                (101, ip4_udp_to(6635, &label), "mpls"),
            ];
            for (link, packet, kind) in packets {
                let got = seen(link, &packet).unwrap();
                assert_eq!(
                    (&got.tunnels[..], &got.payload[..]),
                    (&[kind.to_owned()][..], &b"abc"[..]),
                    "{address}"
                );
            }
            // Cut by the snap length.
            let packet = ip4_udp_to(2152, &gtp);
            let got = seen_as(101, &packet[..packet.len() - 1], packet.len(), false).unwrap();
            assert_eq!((&got.tunnels[..], got.missing), (&["gtp".to_owned()][..], 1), "{address}");
        }
    }

    #[test]
    fn frames_with_addresses_that_look_like_a_packet_are_frames() {
        let (v4, v6) = (ip4_tcp(b"abc"), ip6(6, &tcp(b"abc")));
        for first in [0x45, 0x46, 0x60, 0x6c] {
            for source in [0, 2, 6, 17] {
                let frames = [
                    ether(0x0800, &v4),
                    ether(0x86dd, &v6),
                    ether(0x8100, &[&[0, 5, 8, 0][..], &v4].concat()),
                ];
                for mut frame in frames {
                    (frame[0], frame[6]) = (first, source);
                    assert_eq!(untyped(&frame), Some(Inner::Ethernet(&frame)), "{first:x} {source}");
                    let cut = &frame[..frame.len() - 1];
                    assert_eq!(untyped(cut), Some(Inner::Ethernet(cut)), "{first:x} {source}");
                }
            }
        }
        assert_eq!(untyped(&ip4(1, b"")), Some(Inner::EtherType(0x0800, &ip4(1, b""))));
        assert_eq!(untyped(&[0x12; 60]), None);
        assert_eq!(untyped(&[]), None);
    }
}
