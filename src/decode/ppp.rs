//! PPP over serial lines and Ethernet, and Cisco HDLC.

use super::control;
use super::link::{Inner, Link, Stop, be16, byte, skip};
use super::tunnel::{Carried, Id, On, Tunnel};

/// PPP (RFC 1662), with or without address and control bytes; some writers give Cisco HDLC this number.
pub(super) const PPP: Link = Link { numbers: &[9], name: "PPP", strip: hdlc };

/// PPP in HDLC-like framing, or Cisco HDLC: the address byte tells.
pub(super) const PPP_HDLC: Link = Link { numbers: &[50], name: "PPP_HDLC", strip: hdlc };

/// PPPoE session packets without Ethernet (RFC 2516 section 4).
pub(super) const PPP_ETHER: Link =
    Link { numbers: &[51], name: "PPP_ETHER", strip: |data| Ok(session(data)?.inner) };

/// PPP with a byte of direction before it.
pub(super) const PPP_WITH_DIR: Link =
    Link { numbers: &[166, 204], name: "PPP_WITH_DIR", strip: |data| ppp(skip(data, 1)?) };

/// Cisco HDLC (RFC 1547 section 4.3.1): address, control and an `EtherType`.
pub(super) const C_HDLC: Link = Link { numbers: &[104], name: "C_HDLC", strip: hdlc };

/// PPP over Ethernet (RFC 2516): both directions of a session have its number.
pub(super) const PPPOE: Tunnel =
    Tunnel { name: "pppoe", on: &[On::Ether(0x8864)], shape: None, strip: session };

/// RFC 1661 section 2: the protocol field, compressed to one byte if that is odd.
pub(super) fn ppp(data: &[u8]) -> Result<Inner<'_>, Stop> {
    let data = data.strip_prefix(&[0xff, 0x03]).unwrap_or(data);
    let first = byte(data, 0)?;
    let (protocol, rest) =
        if first & 1 == 1 { (u16::from(first), skip(data, 1)?) } else { (be16(data, 0)?, skip(data, 2)?) };
    match protocol {
        0x0021 => Ok(Inner::EtherType(0x0800, rest)),
        0x0057 => Ok(Inner::EtherType(0x86dd, rest)),
        0x0281 => Ok(Inner::EtherType(0x8847, rest)),
        0x0283 => Ok(Inner::EtherType(0x8848, rest)),
        // RFC 3518 section 4.2: bridging, flags and MAC type before the frame.
        0x0031 if byte(rest, 1)? == 1 => Ok(Inner::Ethernet(skip(rest, 2)?)),
        _ if control::ppp(protocol) => Err(Stop::Other),
        _ => Err(Stop::Closed("unknown_ppp_protocol")),
    }
}

fn hdlc(data: &[u8]) -> Result<Inner<'_>, Stop> {
    match (byte(data, 0)?, byte(data, 1)?) {
        (0x0f | 0x8f, _) => Ok(match be16(data, 2)? {
            // Cisco's keep-alive and discovery.
            0x8035 | 0x2000 => return Err(Stop::Other),
            kind => Inner::EtherType(kind, skip(data, 4)?),
        }),
        _ => ppp(data),
    }
}

fn session(data: &[u8]) -> Result<Carried<'_>, Stop> {
    let (head, rest) = data.split_first_chunk::<6>().ok_or(Stop::Short)?;
    if head[0] != 0x11 {
        return Err(Stop::Weird("bad_pppoe_version"));
    }
    if head[1] != 0 {
        return Err(Stop::Other);
    }
    let id = u32::from(u16::from_be_bytes([head[2], head[3]]));
    Ok(Carried { kind: "pppoe", id: Id::Number(id), inner: ppp(rest)? })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Seen, ether, every_cut, ip4_tcp, ip6_udp, seen};

    #[test]
    fn every_link_of_the_family() {
        let ip = ip4_tcp(b"abc");
        let cases: [(u16, &[u8]); 10] = [
            (9, &[0x0f, 0, 8, 0]),
            (9, &[0xff, 3, 0, 0x21]),
            (9, &[0, 0x21]),
            (9, &[0x21]),
            (50, &[0xff, 3, 0, 0x21]),
            (50, &[0x0f, 0, 8, 0]),
            (104, &[0x8f, 0, 8, 0]),
            (51, &[0x11, 0, 0, 9, 0, 99, 0, 0x21]),
            (204, &[1, 0xff, 3, 0, 0x21]),
            (9, &[0x02, 0x81, 0, 0, 0x11, 64]),
        ];
        for (link, head) in cases {
            let frame = [head, &ip].concat();
            let got = seen(link, &frame).unwrap();
            assert_eq!(got.payload, b"abc", "{head:02x?}");
            every_cut(link, &frame);
        }
        let six = [&[0xff, 3, 0, 0x57][..], &ip6_udp(b"abc")].concat();
        assert_eq!(seen(9, &six).unwrap(), Seen::udp6(b"abc"));
        assert_eq!(seen(9, &[0xff, 3, 0xc0, 0x21, 1]), Err(vec![]));
        // MPPE and multilink.
        for closed in [0xfd, 0x3d] {
            assert_eq!(seen(9, &[0xff, 3, 0, closed, 1]), Err(vec!["unknown_ppp_protocol"]));
        }
    }

    #[test]
    fn pppoe_session_is_in_the_path() {
        let frame = ether(0x8864, &[&[0x11, 0, 0, 17, 0, 99, 0, 0x21][..], &ip4_tcp(b"abc")].concat());
        let got = seen(1, &frame).unwrap();
        assert_eq!((got.tunnels, got.payload), (vec!["pppoe:17".to_owned()], b"abc".to_vec()));
        every_cut(1, &frame);
    }
}
