//! Links that carry network packets almost bare: raw IP, NFLOG, IPNET, classical ATM and FireWire.

use super::ethernet;
use super::link::{Inner, Link, Stop, be16, byte, skip};
use super::untyped::untyped;

/// Raw IP, the version field decides. 12 and 14 are `DLT_RAW` of BSD and OpenBSD, seen in files all the same.
pub(super) const RAW: Link = Link { numbers: &[101, 12, 14], name: "RAW", strip: |data| Ok(Inner::Ip(data)) };

/// Raw IPv4.
pub(super) const IPV4: Link =
    Link { numbers: &[228], name: "IPV4", strip: |data| Ok(Inner::EtherType(0x0800, data)) };

/// Raw IPv6.
pub(super) const IPV6: Link =
    Link { numbers: &[229], name: "IPV6", strip: |data| Ok(Inner::EtherType(0x86dd, data)) };

/// <https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html>: attributes, of which one is the packet.
pub(super) const NFLOG: Link = Link { numbers: &[239], name: "NFLOG", strip: nflog };

/// <https://www.tcpdump.org/linktypes/LINKTYPE_IPNET.html>: Solaris, 24 bytes.
pub(super) const IPNET: Link =
    Link { numbers: &[226], name: "IPNET", strip: |data| Ok(Inner::Ip(skip(data, 24)?)) };

/// LLC-encapsulated ATM (RFC 2684).
pub(super) const RFC1483: Link = Link { numbers: &[100], name: "ATM_RFC1483", strip: ethernet::llc };

/// IP over FireWire (RFC 2734): two addresses of eight bytes and a type.
pub(super) const FIREWIRE: Link = Link {
    numbers: &[138],
    name: "APPLE_IP_OVER_IEEE1394",
    strip: |data| Ok(Inner::EtherType(be16(data, 16)?, skip(data, 18)?)),
};

fn nflog(data: &[u8]) -> Result<Inner<'_>, Stop> {
    const PAYLOAD: u16 = 9;
    const BRIDGE: u8 = 7;
    let family = byte(data, 0)?;
    if byte(data, 1)? != 0 {
        return Err(Stop::Weird("unknown_nflog_version"));
    }
    let mut rest = skip(data, 4)?;
    while let Some(&[a, b, c, d]) = rest.first_chunk() {
        // Attributes are in the byte order of the capturing host, which no field tells: types are below 256, with two
        // flags above (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
        let little = d & 0x3f == 0;
        let read = |bytes| if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
        let (len, kind) = (usize::from(read([a, b])), read([c, d]));
        if kind & 0x3fff == PAYLOAD {
            let packet = skip(rest, 4)?;
            // The kernel gives what is behind the hardware header, which is an attribute of its own.
            return match family {
                BRIDGE => Ok(untyped(packet).unwrap_or(Inner::Ethernet(packet))),
                _ => Ok(Inner::Ip(packet)),
            };
        }
        if len < 4 {
            return Err(Stop::Weird("bad_nflog_attribute"));
        }
        rest = skip(rest, len.next_multiple_of(4))?;
    }
    if rest.is_empty() { Err(Stop::Other) } else { Err(Stop::Short) }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, ether, every_cut, ip4_tcp, ip6_udp, seen};

    #[test]
    fn raw_ip_by_all_its_numbers() {
        for link in [101, 12, 14, 228] {
            assert_eq!(seen(link, &ip4_tcp(b"abc")).unwrap(), Seen::of(b"abc"));
            every_cut(link, &ip4_tcp(b"abc"));
        }
        for link in [101, 229] {
            assert_eq!(seen(link, &ip6_udp(b"abc")).unwrap(), Seen::udp6(b"abc"));
            every_cut(link, &ip6_udp(b"abc"));
        }
        assert_eq!(seen(228, &ip6_udp(b"abc")), Err(vec!["bad_ip_version"]));
        assert_eq!(seen(101, &[0x12; 60]), Err(vec!["bad_ip_version"]));
    }

    #[test]
    fn nflog_payload_in_either_byte_order() {
        let ip = ip4_tcp(b"abc");
        for big in [false, true] {
            let n = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
            // A nested attribute (VLAN) has a flag in its type.
            let vlan = [n(12), n(19 | 0x8000), n(8), n(2 | 0x4000), [0, 0], [0, 5]].concat();
            for (family, packet) in [(2, &ip), (7, &ip), (7, &ether(0x0800, &ip))] {
                for nested in [&[][..], &vlan] {
                    let len = u16::try_from(packet.len() + 4).unwrap();
                    let mut frame = vec![family, 0, 0, 5];
                    frame.extend([n(8), n(1), [8, 0], [3, 0], n(5), n(10), [0, 0], [0, 0]].concat());
                    frame.extend([nested, &n(len), &n(9), packet].concat());
                    assert_eq!(seen(239, &frame).unwrap(), Seen::of(b"abc"));
                    every_cut(239, &frame);
                }
            }
        }
    }

    #[test]
    fn small_headers() {
        let ip = ip4_tcp(b"abc");
        let llc = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
        let firewire = [[1_u8; 16].as_slice(), &[8, 0]].concat();
        for (link, head) in [(226, vec![1; 24]), (100, llc.to_vec()), (138, firewire)] {
            let frame = [head, ip.clone()].concat();
            assert_eq!(seen(link, &frame).unwrap(), Seen::of(b"abc"), "{link}");
            every_cut(link, &frame);
        }
    }
}
