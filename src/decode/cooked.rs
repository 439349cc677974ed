//! Linux cooked captures, as `tcpdump -i any` writes them.

use super::ethernet;
use super::link::{Inner, Link, Stop, be16, skip};

/// <https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html>: 16 bytes, the protocol at the end.
pub(super) const SLL: Link = Link {
    numbers: &[113],
    name: "LINUX_SLL",
    strip: |data| protocol(be16(data, 2)?, be16(data, 14)?, skip(data, 16)?),
};

/// <https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html>: 20 bytes, the protocol at the start.
pub(super) const SLL2: Link = Link {
    numbers: &[276],
    name: "LINUX_SLL2",
    strip: |data| protocol(be16(data, 8)?, be16(data, 0)?, skip(data, 20)?),
};

/// `hardware` is the ARPHRD number, which for some interfaces gives the protocol field another meaning.
fn protocol(hardware: u16, kind: u16, rest: &[u8]) -> Result<Inner<'_>, Stop> {
    const NETLINK: u16 = 824;
    const RADIOTAP: u16 = 803;
    match (hardware, kind) {
        (NETLINK, _) => Err(Stop::Other),
        (RADIOTAP, _) => Ok(Inner::Link(127, rest)),
        // 1 is Novell's 802.3 without LLC, 4 is 802.2 LLC; the rest below 0x0600 is no network protocol.
        (_, 4) => ethernet::llc(rest),
        (_, 0..0x0600) => Err(Stop::Other),
        _ => Ok(Inner::EtherType(kind, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, every_cut, ip4_tcp, ip6_udp, seen};

    #[test]
    fn both_versions_carry_both_families() {
        let sll = |kind: [u8; 2]| [&[0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0][..], &kind].concat();
        let sll2 =
            |kind: [u8; 2]| [&kind[..], &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0]].concat();
        for (link, head) in [(113, &sll as &dyn Fn([u8; 2]) -> Vec<u8>), (276, &sll2)] {
            let v4 = [head([8, 0]), ip4_tcp(b"abc")].concat();
            assert_eq!(seen(link, &v4).unwrap(), Seen::of(b"abc"));
            every_cut(link, &v4);
            let v6 = [head([0x86, 0xdd]), ip6_udp(b"abc")].concat();
            assert_eq!(seen(link, &v6).unwrap(), Seen::udp6(b"abc"));
            let tagged = [head([0x81, 0]), vec![0, 3, 8, 0], ip4_tcp(b"abc")].concat();
            assert_eq!(seen(link, &tagged).unwrap().vlans, [3]);
            let snap = [head([0, 4]), vec![0xaa, 0xaa, 3, 0, 0, 0, 8, 0], ip4_tcp(b"abc")].concat();
            assert_eq!(seen(link, &snap).unwrap(), Seen::of(b"abc"));
            assert_eq!(seen(link, &[head([0, 1]), vec![0; 40]].concat()), Err(vec![]));
        }
    }
}
