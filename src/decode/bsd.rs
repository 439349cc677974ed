//! Pseudo links of the BSDs and macOS: loopback, enc, pflog and pktap.

use super::link::{Inner, Link, Stop, byte, skip};

/// <https://www.tcpdump.org/linktypes/LINKTYPE_NULL.html>: an address family in the capturing host's byte order.
pub(super) const NULL: Link = Link { numbers: &[0], name: "NULL", strip: family };

/// OpenBSD loopback: the same in network byte order (some files have it the other way).
pub(super) const LOOP: Link = Link { numbers: &[108], name: "LOOP", strip: family };

/// <https://www.tcpdump.org/linktypes/LINKTYPE_ENC.html>: family, SPI and flags of OpenBSD's IPsec interface.
pub(super) const ENC: Link =
    Link { numbers: &[109], name: "ENC", strip: |data| Ok(Inner::Ip(skip(data, 12)?)) };

/// <https://www.tcpdump.org/linktypes/LINKTYPE_PFLOG.html>: the first byte is the length, padding not counted.
pub(super) const PFLOG: Link = Link {
    numbers: &[117],
    name: "PFLOG",
    strip: |data| match usize::from(byte(data, 0)?) {
        0..4 => Err(Stop::Weird("bad_pflog_length")),
        len => Ok(Inner::Ip(skip(data, len.next_multiple_of(4))?)),
    },
};

/// Apple's pktap: a little-endian header that names the link type behind it.
pub(super) const PKTAP: Link = Link { numbers: &[258, 149], name: "PKTAP", strip: pktap };

fn family(data: &[u8]) -> Result<Inner<'_>, Stop> {
    let (family, rest) = data.split_first_chunk::<4>().ok_or(Stop::Short)?;
    match family {
        [2, 0, 0, 0] | [0, 0, 0, 2] => Ok(Inner::EtherType(0x0800, rest)),
        // AF_INET6 of NetBSD and OpenBSD, FreeBSD, macOS, Windows (23) and Linux (10).
        [10 | 23 | 24 | 28 | 30, 0, 0, 0] | [0, 0, 0, 10 | 23 | 24 | 28 | 30] => {
            Ok(Inner::EtherType(0x86dd, rest))
        }
        [_, 0, 0, 0] | [0, 0, 0, _] => Err(Stop::Other),
        _ => Err(Stop::Weird("unknown_address_family")),
    }
}

fn pktap(data: &[u8]) -> Result<Inner<'_>, Stop> {
    let word = |at: usize| match data.get(at..).and_then(<[u8]>::first_chunk::<4>) {
        Some(bytes) => Ok(u32::from_le_bytes(*bytes)),
        None => Err(Stop::Short),
    };
    let (len, link) = (word(0)?, word(8)?);
    // Shorter headers than the fixed part were never written.
    if !(108..=4096).contains(&len) {
        return Err(Stop::Weird("bad_pktap_length"));
    }
    let link = u16::try_from(link).map_err(|_| Stop::Weird("bad_pktap_link"))?;
    // A pktap in a pktap would only serve to nest without end.
    if PKTAP.numbers.contains(&link) {
        return Err(Stop::Weird("bad_pktap_link"));
    }
    Ok(Inner::Link(link, skip(data, len as usize)?))
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, ether, every_cut, ip4_tcp, ip6_udp, seen};

    #[test]
    fn loopback_in_both_byte_orders() {
        for link in [0, 108] {
            for head in [[2, 0, 0, 0], [0, 0, 0, 2]] {
                let frame = [&head[..], &ip4_tcp(b"abc")].concat();
                assert_eq!(seen(link, &frame).unwrap(), Seen::of(b"abc"));
                every_cut(link, &frame);
            }
            for head in [[24, 0, 0, 0], [0, 0, 0, 30], [28, 0, 0, 0]] {
                let frame = [&head[..], &ip6_udp(b"abc")].concat();
                assert_eq!(seen(link, &frame).unwrap(), Seen::udp6(b"abc"));
            }
            assert_eq!(seen(link, &[7, 0, 0, 0, 1]), Err(vec![]));
            assert_eq!(seen(link, &[7, 7, 0, 0, 1]), Err(vec!["unknown_address_family"]));
        }
    }

    #[test]
    fn enc_pflog_and_pktap() {
        let mut pflog = vec![0; 64];
        pflog[0] = 61;
        let mut pktap = vec![0; 108];
        pktap[0] = 108;
        pktap[8] = 1;
        let ip = ip4_tcp(b"abc");
        for (link, frame) in [
            (109, [vec![1; 12], ip.clone()].concat()),
            (117, [pflog, ip.clone()].concat()),
            (258, [pktap, ether(0x0800, &ip)].concat()),
        ] {
            assert_eq!(seen(link, &frame).unwrap(), Seen::of(b"abc"), "{link}");
            every_cut(link, &frame);
        }
    }
}
