//! GTP-U: user traffic of mobile networks.

use super::link::{Stop, byte, skip};
use super::shape;
use super::tunnel::{Carried, Id, On, Tunnel};
use super::untyped::untyped;

/// GTP-U version 1 (3GPP TS 29.281 section 5). Tunnel endpoint numbers differ between the directions.
pub(super) const GTP_U: Tunnel = Tunnel { name: "gtp", on: &[On::Udp(2152)], shape: Some(shape::gtp), strip };

fn strip(data: &[u8]) -> Result<Carried<'_>, Stop> {
    let rest = user_packet(data)?;
    byte(rest, 0)?;
    Ok(Carried { kind: "gtp", id: Id::None, inner: untyped(rest).ok_or(Stop::Other)? })
}

/// What is behind the header and its extensions, if that is a user's packet.
pub(super) fn user_packet(data: &[u8]) -> Result<&[u8], Stop> {
    const PDU: u8 = 255;
    let flags = byte(data, 0)?;
    // Version 1, protocol type GTP (not GTP').
    if flags >> 4 != 0b0011 {
        return Err(Stop::Weird("bad_gtp_version"));
    }
    if byte(data, 1)? != PDU {
        return Err(Stop::Other);
    }
    let mut rest = skip(data, 8)?;
    if flags & 0x07 != 0 {
        let mut next = if flags & 0x04 != 0 { byte(rest, 3)? } else { 0 };
        rest = skip(rest, 4)?;
        while next != 0 {
            // Section 5.2.1: a length in units of four bytes first, the next type last.
            let len = usize::from(byte(rest, 0)?) * 4;
            if len == 0 {
                return Err(Stop::Weird("bad_gtp_extension"));
            }
            next = byte(rest, len - 1)?;
            rest = skip(rest, len)?;
        }
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, every_cut, ip4_tcp, ip4_udp_to, ip6_udp, seen};

    #[test]
    fn with_and_without_extension_headers() {
        let bare = [0x30, 255, 0, 0, 0, 0, 0, 1];
        let sequence = [0x32, 255, 0, 0, 0, 0, 0, 1, 0, 5, 0, 0];
        let session = [0x34, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0x10, 9, 0];
        let two = [0x34, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0x10, 9, 0xc0, 2, 1, 2, 3, 4, 5, 6, 0];
        for head in [&bare[..], &sequence, &session, &two] {
            for inner in [ip4_tcp(b"abc"), ip6_udp(b"abc"), ether(0x0800, &ip4_tcp(b"abc"))] {
                let packet = ip4_udp_to(2152, &[head, &inner].concat());
                let got = seen(101, &packet).unwrap();
                assert_eq!((got.tunnels, got.payload), (vec!["gtp".to_owned()], b"abc".to_vec()));
                every_cut(101, &packet);
            }
        }
    }
}
