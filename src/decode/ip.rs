//! IPv4 and IPv6 headers: lengths that lie, options, extension headers, and where fragments show.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::checksum::Sum16BitWords;
use etherparse::{IpAuthHeaderSlice, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice};

use super::link::{Stop, be16, byte, skip};
use crate::limits;
use crate::tally::Tally;

/// One IP packet without its headers, or one fragment of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// What `data` is: an IP protocol number.
    pub(super) protocol: u8,
    pub(super) data: &'a [u8],
    /// Bytes that were on the wire behind `data` but were not captured.
    pub(super) cut: u32,
    pub(super) fragment: Option<Fragment>,
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) id: u32,
    pub(super) offset: u32,
    pub(super) more: bool,
}

/// IPv4 (RFC 791). `cut` bytes of the frame are missing behind `data`.
#[inline]
pub(super) fn v4<'a>(
    data: &'a [u8],
    cut: u32,
    verify: bool,
    tally: &mut Tally,
) -> Result<Datagram<'a>, Stop> {
    if byte(data, 0)? >> 4 != 4 {
        return Err(Stop::Weird("bad_ip_version"));
    }
    if data[0] & 0x0f < 5 {
        return Err(Stop::Weird("bad_ip_header_length"));
    }
    let head = Ipv4HeaderSlice::from_slice(data).map_err(|_| Stop::Short)?;
    let header = head.slice();
    if verify && !sums_to_zero(Sum16BitWords::new().add_slice(header)) {
        return Err(Stop::Weird("bad_checksum"));
    }
    // Segmentation offload writes a total length of zero: the frame's length is all there is.
    let total = match usize::from(head.total_len()) {
        0 => None,
        total if total < header.len() => return Err(Stop::Weird("bad_ip_length")),
        total => Some(total - header.len()),
    };
    let (data, cut) = trim(&data[header.len()..], cut, total, tally);
    let offset = u32::from(head.fragments_offset().value()) * 8;
    let more = head.more_fragments();
    let id = u32::from(head.identification());
    Ok(Datagram {
        source: IpAddr::V4(Ipv4Addr::from(head.source())),
        destination: IpAddr::V4(Ipv4Addr::from(head.destination())),
        protocol: head.protocol().0,
        data,
        cut,
        fragment: (more || offset != 0).then_some(Fragment { id, offset, more }),
    })
}

/// IPv6 (RFC 8200) without its extension headers, which [`extensions`] walks.
pub(super) fn v6<'a>(data: &'a [u8], cut: u32, tally: &mut Tally) -> Result<Datagram<'a>, Stop> {
    const HOP_BY_HOP: u8 = 0;
    if byte(data, 0)? >> 4 != 6 {
        return Err(Stop::Weird("bad_ip_version"));
    }
    let head = Ipv6HeaderSlice::from_slice(data).map_err(|_| Stop::Short)?;
    let rest = &data[head.slice().len()..];
    let protocol = head.next_header().0;
    // Zero is either a jumbogram (RFC 2675) or segmentation offload.
    let total = match usize::from(head.payload_length()) {
        0 if protocol == HOP_BY_HOP => jumbo(rest),
        0 => None,
        len => Some(len),
    };
    let (data, cut) = trim(rest, cut, total, tally);
    Ok(Datagram {
        source: IpAddr::V6(Ipv6Addr::from(head.source())),
        destination: IpAddr::V6(Ipv6Addr::from(head.destination())),
        protocol,
        data,
        cut,
        fragment: None,
    })
}

/// Walks IPv6 extension headers (RFC 8200 section 4) and AH (RFC 4302) up to what is carried, or to a fragment.
#[inline]
pub(super) fn extensions(mut datagram: Datagram<'_>) -> Result<Datagram<'_>, Stop> {
    for _ in 0..=limits::DECODE_DEPTH {
        let data = datagram.data;
        match datagram.protocol {
            // Hop-by-hop, routing, destination options, mobility, HIP and shim6 have one form (RFC 6564).
            0 | 43 | 60 | 135 | 139 | 140 if datagram.source.is_ipv6() => {
                datagram.protocol = byte(data, 0)?;
                datagram.data = skip(data, (usize::from(byte(data, 1)?) + 1) * 8)?;
            }
            44 if datagram.source.is_ipv6() => {
                let head = Ipv6FragmentHeaderSlice::from_slice(data).map_err(|_| Stop::Short)?;
                datagram.protocol = head.next_header().0;
                datagram.data = skip(data, head.slice().len())?;
                if head.is_fragmenting_payload() {
                    datagram.fragment = Some(Fragment {
                        id: head.identification(),
                        offset: u32::from(head.fragment_offset().value()) * 8,
                        more: head.more_fragments(),
                    });
                    return Ok(datagram);
                }
            }
            51 => {
                if data.get(1).is_some_and(|&len| len < 1) {
                    return Err(Stop::Weird("bad_ah_length"));
                }
                let head = IpAuthHeaderSlice::from_slice(data).map_err(|_| Stop::Short)?;
                datagram.protocol = head.next_header().0;
                datagram.data = skip(data, head.slice().len())?;
            }
            _ => return Ok(datagram),
        }
    }
    Err(Stop::Weird("too_deep"))
}

/// Whether this begins with an IPv4 header whose checksum is right.
pub(super) fn header_checks(data: &[u8]) -> bool {
    Ipv4HeaderSlice::from_slice(data).is_ok_and(|h| sums_to_zero(Sum16BitWords::new().add_slice(h.slice())))
}

/// Whether the checksum of a transport segment with its pseudo header is right (RFC 9293 section 3.1).
pub(super) fn transport_checks(datagram: &Datagram<'_>, segment: &[u8]) -> bool {
    let Ok(len) = u32::try_from(segment.len()) else { return true };
    let mut sum = Sum16BitWords::new();
    sum = match (datagram.source, datagram.destination) {
        (IpAddr::V4(a), IpAddr::V4(b)) => sum.add_4bytes(a.octets()).add_4bytes(b.octets()),
        (IpAddr::V6(a), IpAddr::V6(b)) => sum.add_16bytes(a.octets()).add_16bytes(b.octets()),
        _ => return false,
    };
    sum = sum.add_4bytes(len.to_be_bytes());
    sums_to_zero(sum.add_2bytes([0, datagram.protocol]).add_slice(segment))
}

fn sums_to_zero(sum: Sum16BitWords) -> bool {
    sum.ones_complement() == 0
}

/// Cuts padding off, or says how much is missing, if IP says that its payload has `total` bytes.
#[inline]
fn trim<'a>(data: &'a [u8], cut: u32, total: Option<usize>, tally: &mut Tally) -> (&'a [u8], u32) {
    match total {
        None => (data, cut),
        Some(total) if total <= data.len() => (&data[..total], 0),
        Some(total) => {
            let lacking = u32::try_from(total - data.len()).unwrap_or(u32::MAX);
            if lacking > cut {
                tally.weird("ip_length_beyond_frame");
            }
            (data, lacking.min(cut))
        }
    }
}

/// The length in a jumbo payload option (RFC 2675 section 2) of this hop-by-hop header.
fn jumbo(options: &[u8]) -> Option<usize> {
    const PAD1: u8 = 0;
    const JUMBO: u8 = 0xc2;
    let len = (usize::from(byte(options, 1).ok()?) + 1) * 8;
    let options = &options[..len.min(options.len())];
    let mut at = 2;
    loop {
        match byte(options, at).ok()? {
            PAD1 => at += 1,
            JUMBO => {
                let high = be16(options, at + 2).ok()?;
                let low = be16(options, at + 4).ok()?;
                return Some((usize::from(high) << 16) | usize::from(low));
            }
            _ => at += 2 + usize::from(byte(options, at + 1).ok()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, ether, every_cut, ip4, ip4_tcp, ip6, ip6_udp, seen, seen_as, tcp, udp};

    #[test]
    fn options_and_extension_headers_are_skipped() {
        let mut packet = ip4_tcp(b"abc");
        packet[0] = 0x47;
        packet[3] += 8;
        packet.splice(20..20, [1; 8]);
        assert_eq!(seen(101, &packet).unwrap(), Seen::of(b"abc"));
        every_cut(101, &packet);
        // Hop-by-hop, routing, destination options, mobility, HIP, atomic fragment, AH.
        let mut chain = udp(53, b"abc");
        let mut protocol = 17;
        for kind in [51, 44, 139, 135, 60, 43, 0] {
            let mut head = match kind {
                51 => vec![protocol, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
                44 => vec![protocol, 0, 0, 0, 0, 0, 0, 9],
                _ => vec![protocol, 1, 1, 4, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0],
            };
            head.extend(chain);
            (chain, protocol) = (head, kind);
        }
        let packet = ip6(protocol, &chain);
        assert_eq!(seen(229, &packet).unwrap(), Seen::udp6(b"abc"));
        every_cut(229, &packet);
    }

    #[test]
    fn endless_extension_headers_end() {
        let packet = ip6(60, &[60, 0, 0, 0, 0, 0, 0, 0].repeat(100));
        assert_eq!(seen(229, &packet), Err(vec!["too_deep"]));
    }

    #[test]
    fn padding_is_no_payload_and_zero_means_the_frame() {
        let ip = ip4_tcp(b"abc");
        let padded = ether(0x0800, &[&ip[..], &[0xee; 20]].concat());
        assert_eq!(seen(1, &padded).unwrap(), Seen::of(b"abc"));
        let mut offload = ip;
        offload[2..4].fill(0);
        assert_eq!(seen(101, &offload).unwrap(), Seen::of(b"abc"));
        let mut offload = ip6(6, &tcp(b"abc"));
        offload[4..6].fill(0);
        assert_eq!(seen(229, &offload).unwrap().payload, b"abc");
        let jumbo = [&[6, 0, 0xc2, 4, 0, 0, 0, 31][..], &tcp(b"abc"), &[0xee; 9]].concat();
        let mut packet = ip6(0, &jumbo);
        packet[4..6].fill(0);
        assert_eq!(seen(229, &packet).unwrap().payload, b"abc");
    }

    #[test]
    fn what_was_not_captured_is_missing() {
        let frame = ether(0x0800, &ip4_tcp(b"0123456789"));
        for lost in 1..=10 {
            let got = seen_as(1, &frame[..frame.len() - lost], frame.len(), false).unwrap();
            assert_eq!((got.payload.len(), got.missing as usize), (10 - lost, lost));
        }
        // Padding that was cut off is not missing.
        let got = seen_as(1, &frame, frame.len() + 6, false).unwrap();
        assert_eq!(got.missing, 0);
        // IP claims more than was ever sent.
        let got = seen_as(1, &frame[..frame.len() - 4], frame.len() - 4, false).unwrap();
        assert_eq!((got.payload.len(), got.missing, got.weirds), (6, 0, vec!["ip_length_beyond_frame"]));
        let mut offload = ip6_udp(b"0123456789");
        offload[4..6].fill(0);
        let got = seen_as(229, &offload[..offload.len() - 3], offload.len(), false).unwrap();
        assert_eq!((got.payload.len(), got.missing), (7, 3));
    }

    #[test]
    fn what_nothing_reads_is_counted_unless_it_is_the_networks_own() {
        for (protocol, counted) in [
            (1, &[][..]),
            (89, &[]),
            (112, &[]),
            (33, &["dccp"]),
            (115, &["l2tpv3"]),
            (132, &["sctp"]),
            (136, &["udp_lite"]),
            (253, &["unknown_ip_protocol"]),
        ] {
            assert_eq!(seen(101, &ip4(protocol, &[0x30; 40])), Err(counted.to_vec()), "{protocol}");
            assert_eq!(seen(101, &ip4(protocol, b"")), Err(vec![]), "{protocol}");
        }
        assert_eq!(seen(229, &ip6(58, &[8; 16])), Err(vec![]));
        assert_eq!(seen(229, &ip6(59, &[8; 16])), Err(vec![]));
    }

    #[test]
    fn wrong_headers_are_counted() {
        let mut packet = ip4_tcp(b"abc");
        packet[0] = 0x44;
        assert_eq!(seen(101, &packet), Err(vec!["bad_ip_header_length"]));
        packet[0] = 0x45;
        packet[2..4].copy_from_slice(&[0, 19]);
        assert_eq!(seen(101, &packet), Err(vec!["bad_ip_length"]));
        assert_eq!(seen(101, &[]), Err(vec!["truncated"]));
    }
}
