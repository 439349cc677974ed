//! Tunnels on ports that nobody registered: a datagram that is one beyond doubt, down to the lengths and the checksum
//! of what it carries. (Docker, Cilium, OVN and others let users choose the port.)

use super::link::be16;
use super::{ethernet, gtp, ip};

/// The length of the shortest frames, up to which they are padded.
pub(super) const SHORTEST: usize = 64;

/// Whether a datagram may be a tunnel's: the first bytes, for every datagram.
#[inline(always)]
pub(super) fn possible(data: &[u8]) -> bool {
    let Some((head, rest)) = data.split_first_chunk::<8>() else { return false };
    match head {
        [0x08, 0, 0, 0, _, _, _, 0] | [0x30..=0x37, 0xff, ..] | [0x60..=0x6f, ..] => true,
        [0, 0, ..] if rest.first().is_some_and(|first| first >> 4 == 6) => true,
        [0..=0x3f, flags, 0x65, 0x58, _, _, _, 0]
        | [0..=0x3f, flags, 0x08, 0x00, _, _, _, 0]
        | [0..=0x3f, flags, 0x86, 0xdd, _, _, _, 0] => flags & 0xbf == 0,
        _ => false,
    }
}

/// VXLAN (RFC 7348 section 5) with nothing in its reserved fields. `total` is the length on the wire.
pub(super) fn vxlan(data: &[u8], total: usize) -> bool {
    matches!(data.first_chunk(), Some([0x08, 0, 0, 0, _, _, _, 0]))
        && data.get(8..).is_some_and(|inner| is_ethernet(inner, total - 8))
}

/// Geneve (RFC 8926 section 3.4) with nothing in its reserved fields.
pub(super) fn geneve(data: &[u8], total: usize) -> bool {
    let Some(&[first, flags, a, b, _, _, _, 0]) = data.first_chunk() else { return false };
    let len = 8 + usize::from(first & 0x3f) * 4;
    let Some(inner) = data.get(len..) else { return false };
    first < 0x40
        && flags & 0xbf == 0
        && match u16::from_be_bytes([a, b]) {
            0x6558 => is_ethernet(inner, total - len),
            kind @ (0x0800 | 0x86dd) => is_ip(kind, inner, total - len, 0),
            _ => false,
        }
}

/// GTP-U version 1 (3GPP TS 29.281 section 5.1) with a user's packet, perhaps behind extension headers.
pub(super) fn gtp(data: &[u8], total: usize) -> bool {
    be16(data, 2).is_ok_and(|len| usize::from(len) + 8 == total)
        && gtp::user_packet(data).is_ok_and(|inner| {
            let total = total - (data.len() - inner.len());
            is_ip(0x0800, inner, total, 0) || is_ip(0x86dd, inner, total, 0)
        })
}

/// Teredo (RFC 4380 section 4): IPv6 from or to the service's prefix, perhaps behind an origin indication.
pub(super) fn teredo(data: &[u8], total: usize) -> bool {
    const PREFIX: &[u8] = &[0x20, 0x01, 0, 0];
    let skipped = if data.starts_with(&[0, 0]) { 8 } else { 0 };
    let Some(inner) = data.get(skipped..) else { return false };
    let has_prefix = |at: usize| inner.get(at..at + 4) == Some(PREFIX);
    (has_prefix(8) || has_prefix(24)) && is_ip(0x86dd, inner, total - skipped, 0)
}

/// A frame of IP, perhaps tagged, that is as long as IP says; short ones may be padded.
fn is_ethernet(data: &[u8], total: usize) -> bool {
    let (mut at, Ok(mut kind)) = (14, be16(data, 12)) else { return false };
    while ethernet::is_vlan(kind) && at < 22 {
        let Ok(next) = be16(data, at + 2) else { return false };
        (kind, at) = (next, at + 4);
    }
    let padding = if total <= SHORTEST { SHORTEST } else { 0 };
    data.get(at..).is_some_and(|inner| is_ip(kind, inner, total - at, padding))
}

/// An IP packet of exactly this length, or with this much padding.
pub(super) fn is_ip(kind: u16, data: &[u8], total: usize, padding: usize) -> bool {
    let len = match (kind, data.first().map(|first| first >> 4)) {
        (0x0800, Some(4)) if ip::header_checks(data) => be16(data, 2).map(usize::from),
        (0x86dd, Some(6)) if data.len() >= 40 => be16(data, 4).map(|len| 40 + usize::from(len)),
        _ => return false,
    };
    len.is_ok_and(|len| len <= total && total - len <= padding)
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, ether, every_cut, ip4_tcp, ip4_udp_to, ip6, seen, seen_as, tcp};

    /// Datagrams that are tunnels, with the text of the path.
    fn tunnels() -> Vec<(Vec<u8>, &'static str)> {
        let v4 = ip4_tcp(b"abc");
        let v6 = ip6(6, &tcp(b"abc"));
        let mut service = v6.clone();
        service[8..12].copy_from_slice(&[0x20, 1, 0, 0]);
        let tagged = ether(0x8100, &[&[0, 5, 8, 0][..], &v4].concat());
        let padded = [ether(0x0800, &v4), vec![0; 3]].concat();
        let gtp = |flags, more: &[u8], inner: &[u8]| {
            let len = ((more.len() + inner.len()) as u16).to_be_bytes();
            [&[flags, 255, len[0], len[1], 0, 0, 0, 9][..], more, inner].concat()
        };
        let head = |head: &[u8], inner: &[u8]| [head, inner].concat();
        vec![
            (head(&[8, 0, 0, 0, 0, 0, 7, 0], &ether(0x0800, &v4)), "vxlan:7"),
            (head(&[8, 0, 0, 0, 0, 0, 7, 0], &ether(0x86dd, &v6)), "vxlan:7"),
            (head(&[8, 0, 0, 0, 0, 0, 7, 0], &tagged), "vxlan:7"),
            (head(&[8, 0, 0, 0, 0, 0, 7, 0], &padded), "vxlan:7"),
            (head(&[0, 0, 0x65, 0x58, 0, 0, 9, 0], &ether(0x0800, &v4)), "geneve:9"),
            (head(&[1, 0x40, 8, 0, 0, 0, 9, 0, 1, 2, 3, 4], &v4), "geneve:9"),
            (head(&[0, 0, 0x86, 0xdd, 0, 0, 9, 0], &v6), "geneve:9"),
            (gtp(0x30, &[], &v4), "gtp"),
            (gtp(0x32, &[0, 1, 0, 0], &v6), "gtp"),
            (gtp(0x34, &[0, 0, 0, 0x85, 1, 0x10, 9, 0], &v4), "gtp"),
            (gtp(0x37, &[0, 1, 0, 0xc0, 1, 1, 2, 0x85, 1, 0x10, 9, 0], &v6), "gtp"),
            (service.clone(), "teredo"),
            (head(&[0, 0, 1, 2, 3, 4, 5, 6], &service), "teredo"),
        ]
    }

    #[test]
    fn tunnels_on_any_port_are_followed() {
        for (datagram, kind) in tunnels() {
            let packet = ip4_udp_to(12_345, &datagram);
            let got = seen(101, &packet).unwrap();
            assert_eq!((got.tunnels, got.payload), (vec![kind.to_owned()], b"abc".to_vec()));
            let frame = ether(0x0800, &packet);
            assert_eq!(seen(1, &frame).unwrap().tunnels, [kind]);
            every_cut(101, &packet);
            // Cut by the snap length in the inner payload.
            let got = seen_as(101, &packet[..packet.len() - 1], packet.len(), false).unwrap();
            assert!(got.tunnels == [kind] || kind == "vxlan:7" && got.missing == 0, "{kind}");
        }
    }

    #[test]
    fn what_is_wrong_in_any_byte_that_must_be_right_is_a_datagram() {
        for (datagram, kind) in tunnels() {
            let plain = |bad: Vec<u8>| {
                let got = seen(101, &ip4_udp_to(12_345, &bad)).unwrap();
                assert!(got.tunnels.is_empty(), "{kind} {bad:02x?}");
                assert_eq!(got.payload, bad);
            };
            // Of padding a byte may lack.
            plain(datagram[..datagram.len() - 4].to_vec());
            plain([&datagram[..], &[0; 30]].concat());
            if kind == "vxlan:7" && datagram.len() < 80 {
                for at in [0, 1, 2, 3, 7] {
                    let mut bad = datagram.clone();
                    bad[at] ^= 0x21;
                    plain(bad);
                }
            }
        }
        let text = b"0\xff\0\x30 is no tunnel, 8000 neither; a text in a datagram that goes on and on and on";
        assert_eq!(seen(101, &ip4_udp_to(9, text)).unwrap().payload, text);
        let _: Seen = seen(101, &ip4_udp_to(9, b"")).unwrap();
    }
}
