//! The registry of link types, and the words in which every header says what lies behind it.

use super::bundle::Bundle;
use super::{bare, bsd, cooked, ethernet, ppp, usb, wireless};

/// A link-layer type of <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Its `LINKTYPE_*` numbers (and `DLT_*` numbers that careless writers use).
    pub numbers: &'static [u16],
    /// Its name without `LINKTYPE_`.
    pub name: &'static str,
    /// Removes its header; what it returns is always the end of what it was given.
    pub strip: fn(&[u8]) -> Result<Inner<'_>, Stop>,
}

impl Link {
    /// The link type with this number.
    pub fn find(number: u16) -> Option<&'static Self> {
        LINKS.iter().find(|link| link.numbers.contains(&number))
    }
}

/// Every link type that is decoded; the most frequent first.
pub const LINKS: &[Link] = &[
    ethernet::ETHERNET,
    cooked::SLL2,
    cooked::SLL,
    bare::RAW,
    bare::IPV4,
    bare::IPV6,
    bsd::NULL,
    bsd::LOOP,
    ppp::PPP,
    ppp::PPP_HDLC,
    ppp::PPP_ETHER,
    ppp::PPP_WITH_DIR,
    ppp::C_HDLC,
    bare::NFLOG,
    bare::IPNET,
    bare::RFC1483,
    bare::FIREWIRE,
    bsd::ENC,
    bsd::PFLOG,
    bsd::PKTAP,
    wireless::IEEE802_11,
    wireless::RADIOTAP,
    wireless::PPI,
    wireless::PRISM,
    wireless::AVS,
    usb::LINUX,
    usb::LINUX_MMAPPED,
    usb::USBPCAP,
];

/// What lies behind a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inner<'a> {
    /// An Ethernet frame, from its destination address.
    Ethernet(&'a [u8]),
    /// What an `EtherType` (IEEE 802 numbers) names.
    EtherType(u16, &'a [u8]),
    /// IPv4 or IPv6, as the version field says.
    Ip(&'a [u8]),
    /// A frame of another link type.
    Link(u16, &'a [u8]),
    /// Several Ethernet frames, or what looks like them.
    Bundle(Bundle<'a>),
}

/// Why a header leads no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The bytes end before the header does.
    Short,
    /// In order, but nothing that it carries is of interest (ARP, ICMP, control frames).
    Other,
    /// In order, but what it carries cannot be looked into (encrypted, or nothing reads it); counted by this name.
    Closed(&'static str),
    /// Not what it claims to be; counted by this name.
    Weird(&'static str),
}

/// Big-endian 16 bits at `at`.
pub(super) fn be16(data: &[u8], at: usize) -> Result<u16, Stop> {
    match data.get(at..).and_then(<[u8]>::first_chunk::<2>) {
        Some(bytes) => Ok(u16::from_be_bytes(*bytes)),
        None => Err(Stop::Short),
    }
}

/// Big-endian 32 bits at `at`.
pub(super) fn be32(data: &[u8], at: usize) -> Result<u32, Stop> {
    match data.get(at..).and_then(<[u8]>::first_chunk::<4>) {
        Some(bytes) => Ok(u32::from_be_bytes(*bytes)),
        None => Err(Stop::Short),
    }
}

/// The byte at `at`.
pub(super) fn byte(data: &[u8], at: usize) -> Result<u8, Stop> {
    data.get(at).copied().ok_or(Stop::Short)
}

/// Everything behind the first `n` bytes.
pub(super) fn skip(data: &[u8], n: usize) -> Result<&[u8], Stop> {
    data.get(n..).ok_or(Stop::Short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_links_have_one_number_or_name() {
        let mut numbers: Vec<_> = LINKS.iter().flat_map(|l| l.numbers).collect();
        let mut names: Vec<_> = LINKS.iter().map(|l| l.name).collect();
        let (n, m) = (numbers.len(), names.len());
        numbers.sort();
        numbers.dedup();
        names.sort();
        names.dedup();
        assert_eq!((numbers.len(), names.len()), (n, m));
    }

    #[test]
    fn a_number_finds_its_link() {
        assert_eq!(Link::find(1).map(|l| l.name), Some("ETHERNET"));
        assert_eq!(Link::find(12).map(|l| l.name), Some("RAW"));
        assert!(Link::find(9999).is_none());
    }
}
