//! USB network adapters, where the bus was captured: bulk transfers that carry Ethernet frames bare (CDC ECM),
//! behind a header of CDC EEM or RNDIS or in a CDC NCM block.

use super::bundle::Bundle;
use super::ethernet;
use super::link::{Inner, Link, Stop, byte, skip};

/// <https://www.tcpdump.org/linktypes/LINKTYPE_USB_LINUX.html>: Linux' usbmon, a header of 48 bytes.
pub(super) const LINUX: Link = Link { numbers: &[189], name: "USB_LINUX", strip: |data| usbmon(data, 48) };

/// <https://www.tcpdump.org/linktypes/LINKTYPE_USB_LINUX_MMAPPED.html>: the same with 64 bytes.
pub(super) const LINUX_MMAPPED: Link =
    Link { numbers: &[220], name: "USB_LINUX_MMAPPED", strip: |data| usbmon(data, 64) };

/// <https://desowin.org/usbpcap/captureformat.html>: Windows' USBPcap.
pub(super) const USBPCAP: Link = Link { numbers: &[249], name: "USBPCAP", strip: usbpcap };

const BULK: u8 = 3;

fn usbmon(data: &[u8], header: usize) -> Result<Inner<'_>, Stop> {
    // Fields: identity, 8 transfer type, 15 zero if there is data.
    if byte(data, 9)? != BULK || byte(data, 15)? != 0 {
        return Err(Stop::Other);
    }
    transfer(skip(data, header)?)
}

fn usbpcap(data: &[u8]) -> Result<Inner<'_>, Stop> {
    let header = usize::from(le16(data, 0)?);
    if byte(data, 22)? != BULK {
        return Err(Stop::Other);
    }
    if header < 27 {
        return Err(Stop::Weird("bad_usbpcap_header"));
    }
    transfer(skip(data, header)?)
}

fn transfer(data: &[u8]) -> Result<Inner<'_>, Stop> {
    const RNDIS_PACKET: &[u8] = &[1, 0, 0, 0];
    if data.is_empty() {
        return Err(Stop::Other);
    }
    let bundle = if data.starts_with(b"NCMH") {
        ncm(data)?
    } else if data.starts_with(RNDIS_PACKET) && data.len() >= 44 {
        Bundle::Rndis(data)
    } else {
        return match Bundle::Eem(data).next() {
            _ if ethernet::plausible(data) => Ok(Inner::Ethernet(data)),
            // Of a disk's data, few begin with a length that they have.
            Some(frame) if data.len() >= frame.len() + 6 && ethernet::plausible(frame) => {
                Ok(Inner::Bundle(Bundle::Eem(data)))
            }
            _ => Err(Stop::Other),
        };
    };
    // A disk's data are no frame, whatever they look like.
    match bundle.clone().next() {
        Some(frame) if ethernet::plausible(frame) => Ok(Inner::Bundle(bundle)),
        Some(_) => Err(Stop::Other),
        None => Err(Stop::Short),
    }
}

/// CDC NCM 1.0 sections 3.2.1 and 3.3.1: the datagrams that the block's first table points to.
fn ncm(data: &[u8]) -> Result<Bundle<'_>, Stop> {
    let at = usize::from(le16(data, 10)?);
    let table = skip(data, at)?;
    if !table.starts_with(b"NCM0") && !table.starts_with(b"NCM1") {
        return Err(Stop::Weird("bad_ncm_table"));
    }
    Ok(Bundle::Ncm { block: data, entry: at + 8, least: 12 })
}

fn le16(data: &[u8], at: usize) -> Result<u16, Stop> {
    Ok(super::link::be16(data, at)?.swap_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, ether, every_cut, ip4_tcp, seen};

    #[test]
    fn frames_in_transfers_of_every_kind() {
        let frame = ether(0x0800, &ip4_tcp(b"abc"));
        let len = frame.len() as u32;
        let rndis = [1, len + 44, 36, len, 0, 0, 0, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
        let rndis = [rndis, frame.clone()].concat();
        let ncm = [
            &b"NCMH\x0c\0\x01\0\0\0\x0c\0NCM0\x10\0\0\0\x1e\0"[..],
            &(len as u16).to_le_bytes(),
            &[0; 6],
            &frame,
        ]
        .concat();
        let mut mon = [0; 64];
        (mon[8], mon[9]) = (b'C', 3);
        let mut pcap = [0; 27];
        (pcap[0], pcap[22]) = (27, 3);
        let eem = [&(len as u16 + 4).to_le_bytes(), &frame[..], &[0xde, 0xad, 0xbe, 0xef]].concat();
        for data in [&frame, &rndis, &ncm, &eem] {
            for (link, head) in [(189, &mon[..48]), (220, &mon[..]), (249, &pcap[..])] {
                let frame = [head, data].concat();
                assert_eq!(seen(link, &frame).unwrap(), Seen::of(b"abc"), "{link}");
                every_cut(link, &frame);
            }
        }
        let disk = [&pcap[..], &[0x55; 512]].concat();
        assert_eq!(seen(249, &disk), Err(vec![]));
        pcap[22] = 1;
        assert_eq!(seen(249, &[&pcap[..], &frame].concat()), Err(vec![]));
    }
}
