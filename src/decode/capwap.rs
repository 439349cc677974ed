//! CAPWAP data: what a wireless access point passes to its controller.

use super::link::{Inner, Stop, byte, skip};
use super::tunnel::{Carried, Id, On, Tunnel};
use super::wireless;

/// CAPWAP data (RFC 5415 section 4.3) in the clear: Ethernet or IEEE 802.11 frames, not fragmented.
pub(super) const CAPWAP: Tunnel = Tunnel { name: "capwap", on: &[On::Udp(5247)], shape: None, strip };

fn strip(data: &[u8]) -> Result<Carried<'_>, Stop> {
    const NATIVE: u8 = 0x01;
    const FRAGMENT: u8 = 0x80;
    const KEEP_ALIVE: u8 = 0x08;
    // Version 0 and type 0; type 1 is DTLS.
    if byte(data, 0)? != 0 {
        return Err(Stop::Other);
    }
    let (lengths, kind, flags) = (byte(data, 1)?, byte(data, 2)?, byte(data, 3)?);
    let len = usize::from(lengths >> 3) * 4;
    if len < 8 || flags & (FRAGMENT | KEEP_ALIVE) != 0 {
        return Err(Stop::Other);
    }
    let frame = skip(data, len)?;
    let inner = if kind & NATIVE == 0 { Inner::Ethernet(frame) } else { wireless::from_controller(frame)? };
    Ok(Carried { kind: "capwap", id: Id::None, inner })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, every_cut, ip4_tcp, ip4_udp_to, seen};

    #[test]
    fn ethernet_and_wireless_frames() {
        let ip = ip4_tcp(b"abc");
        let llc = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip].concat();
        let cases = [
            [&[0, 0x10, 0x02, 0, 0, 0, 0, 0][..], &ether(0x0800, &ip)].concat(),
            [&[0, 0x10, 0x03, 0, 0, 0, 0, 0][..], &[8, 1], &[1; 22], &llc].concat(),
            // Cisco swaps the two bytes of frame control.
            [&[0, 0x20, 0x03, 0x20, 0, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0][..], &[0x11, 8], &[1; 22], &llc]
                .concat(),
        ];
        for inner in cases {
            let packet = ip4_udp_to(5247, &inner);
            let got = seen(101, &packet).unwrap();
            assert_eq!((got.tunnels, got.payload), (vec!["capwap".to_owned()], b"abc".to_vec()));
            every_cut(101, &packet);
        }
    }
}
