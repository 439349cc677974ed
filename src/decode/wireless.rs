//! IEEE 802.11 data frames that are not encrypted, and the headers that drivers put before them.

use super::bundle::Bundle;
use super::ethernet;
use super::link::{Inner, Link, Stop, be16, be32, byte, skip};

/// <https://www.tcpdump.org/linktypes/LINKTYPE_IEEE802_11.html>.
pub(super) const IEEE802_11: Link =
    Link { numbers: &[105], name: "IEEE802_11", strip: |data| data_frame(data, false) };

/// <https://www.radiotap.org/>: a little-endian length at 2.
pub(super) const RADIOTAP: Link = Link { numbers: &[127], name: "IEEE802_11_RADIOTAP", strip: radiotap };

/// Per-packet information: a little-endian length at 2, the inner link type at 4.
pub(super) const PPI: Link = Link { numbers: &[192], name: "PPI", strip: ppi };

/// Prism monitor header: 144 bytes, or AVS under its number.
pub(super) const PRISM: Link = Link { numbers: &[119], name: "IEEE802_11_PRISM", strip: prism };

/// AVS monitor header: a big-endian length at 4.
pub(super) const AVS: Link = Link { numbers: &[163], name: "IEEE802_11_AVS", strip: prism };

/// IEEE 802.11 clause 9.2 and 9.3.2. `padded`: the header is filled up to four bytes.
fn data_frame(data: &[u8], padded: bool) -> Result<Inner<'_>, Stop> {
    frame(byte(data, 0)?, byte(data, 1)?, data, padded)
}

/// A frame inside CAPWAP, where Cisco swaps the two bytes of frame control.
pub(super) fn from_controller(data: &[u8]) -> Result<Inner<'_>, Stop> {
    const DATA: u8 = 0x08;
    let (first, second) = (byte(data, 0)?, byte(data, 1)?);
    if first & 0x0f != DATA && second & 0x0f == DATA {
        frame(second, first, data, false)
    } else {
        frame(first, second, data, false)
    }
}

fn frame(first: u8, flags: u8, data: &[u8], padded: bool) -> Result<Inner<'_>, Stop> {
    let (kind, subtype) = (first >> 2 & 3, first >> 4);
    // Only data frames with data; Protected Frame means encrypted.
    if kind != 2 || subtype & 4 != 0 {
        return Err(Stop::Other);
    }
    if flags & 0x40 != 0 {
        return Err(Stop::Closed("wifi_encrypted"));
    }
    let mut len = if flags & 3 == 3 { 30 } else { 24 };
    let mut aggregate = false;
    if subtype & 8 != 0 {
        aggregate = byte(data, len)? & 0x80 != 0;
        len += if flags & 0x80 != 0 { 6 } else { 2 };
    }
    if padded {
        len = len.next_multiple_of(4);
    }
    let rest = skip(data, len)?;
    if aggregate { Ok(Inner::Bundle(Bundle::Aggregate(rest))) } else { ethernet::llc(rest) }
}

fn radiotap(data: &[u8]) -> Result<Inner<'_>, Stop> {
    const TSFT: u32 = 1;
    const FLAGS: u32 = 2;
    const MORE: u32 = 1 << 31;
    const PADDED: u8 = 0x20;
    const BAD_FCS: u8 = 0x40;
    let len = usize::from(be16(data, 2)?.swap_bytes());
    let frame = skip(data, len)?;
    let present = be32(data, 4)?.swap_bytes();
    let mut flags = 0;
    if present & FLAGS != 0 {
        let (mut at, mut word) = (8, present);
        while word & MORE != 0 {
            word = be32(data, at)?.swap_bytes();
            at += 4;
        }
        if present & TSFT != 0 {
            at = at.next_multiple_of(8) + 8;
        }
        flags = byte(data, at)?;
    }
    if flags & BAD_FCS != 0 {
        return Err(Stop::Weird("bad_fcs"));
    }
    data_frame(frame, flags & PADDED != 0)
}

fn ppi(data: &[u8]) -> Result<Inner<'_>, Stop> {
    let len = usize::from(be16(data, 2)?.swap_bytes());
    let link = u16::try_from(be32(data, 4)?.swap_bytes()).map_err(|_| Stop::Weird("bad_ppi_link"))?;
    if len < 8 || link == 192 {
        return Err(Stop::Weird("bad_ppi_header"));
    }
    Ok(Inner::Link(link, skip(data, len)?))
}

fn prism(data: &[u8]) -> Result<Inner<'_>, Stop> {
    let len = if be32(data, 0)? & 0xffff_f000 == 0x8021_1000 { be32(data, 4)? as usize } else { 144 };
    data_frame(skip(data, len)?, false)
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, every_cut, ip4_tcp, seen};

    #[test]
    fn data_frames_behind_every_header() {
        let llc = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip4_tcp(b"abc")].concat();
        let plain = [&[0x08, 1][..], &[1; 22], &llc].concat();
        let bridge = [&[0x08, 3][..], &[1; 28], &llc].concat();
        let qos = [&[0x88, 1][..], &[1; 22], &[0, 0], &llc].concat();
        let mut frames = vec![(105, plain.clone()), (105, bridge), (105, qos.clone())];
        frames.push((127, [&[0, 0, 8, 0, 0, 0, 0, 0][..], &plain].concat()));
        let padded = [&[0x88, 1][..], &[1; 22], &[0, 0, 0, 0], &llc].concat();
        let tap = [&[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0][..], &[0; 8], &[0x20]].concat();
        frames.push((127, [tap, padded].concat()));
        frames.push((192, [&[0, 0, 8, 0, 105, 0, 0, 0][..], &plain].concat()));
        frames.push((119, [&[0; 144][..], &qos].concat()));
        frames.push((163, [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], &qos].concat()));
        for (link, frame) in frames {
            assert_eq!(seen(link, &frame).unwrap(), Seen::of(b"abc"), "{link}");
            every_cut(link, &frame);
        }
        assert_eq!(seen(105, &[&[0x08, 0x41][..], &[1; 80]].concat()), Err(vec!["wifi_encrypted"]));
        assert_eq!(seen(105, &[&[0xb0, 0x40][..], &[1; 80]].concat()), Err(vec![]), "protected management");
    }
}
