//! MPLS label stacks and the pseudowires in them.

use super::ethernet;
use super::ip;
use super::link::{Inner, Stop, be32, byte, skip};
use super::tunnel::{Carried, Id, On, Tunnel};

/// MPLS (RFC 3032) in Ethernet, in UDP (RFC 7510) and in IP (RFC 4023).
/// Labels differ between the directions of a flow, so only the kind goes into the path.
pub(super) const MPLS: Tunnel = Tunnel {
    name: "mpls",
    on: &[On::Ether(0x8847), On::Ether(0x8848), On::Udp(6635), On::Ip(137)],
    shape: None,
    strip,
};

/// Labels of one stack; routers push far fewer.
const LABELS: usize = 32;

fn strip(data: &[u8]) -> Result<Carried<'_>, Stop> {
    let mut rest = data;
    for _ in 0..LABELS {
        let entry = be32(rest, 0)?;
        rest = skip(rest, 4)?;
        if entry & 0x100 != 0 {
            return Ok(Carried { kind: "mpls", id: Id::None, inner: payload(rest)? });
        }
    }
    Err(Stop::Weird("mpls_too_deep"))
}

/// Nothing names what follows the bottom of the stack: the first nibble is all there is (RFC 4385 section 3).
fn payload(data: &[u8]) -> Result<Inner<'_>, Stop> {
    let first = byte(data, 0)?;
    match first >> 4 {
        4 if first & 0x0f >= 5 && (ip::header_checks(data) || !ethernet::plausible(data)) => {
            Ok(Inner::EtherType(0x0800, data))
        }
        6 if !ethernet::plausible(data) => Ok(Inner::EtherType(0x86dd, data)),
        // A control word begins with a zero nibble, but so do many MAC addresses.
        0 if !ethernet::plausible(data) => {
            let inner = skip(data, 4)?;
            match inner.first().map(|b| b >> 4) {
                _ if ethernet::plausible(inner) => Ok(Inner::Ethernet(inner)),
                // RFC 4619, RFC 4618 pseudowires of PPP and the like are not followed.
                Some(_) => Err(Stop::Other),
                None => Err(Stop::Short),
            }
        }
        _ if ethernet::plausible(data) => Ok(Inner::Ethernet(data)),
        _ => Err(Stop::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, every_cut, ip4_tcp, ip4_udp_to, ip6_udp, seen};

    #[test]
    fn ip_and_pseudowires_behind_the_stack() {
        let (v4, v6) = (ip4_tcp(b"abc"), ip6_udp(b"abc"));
        let frame = ether(0x0800, &v4);
        let mut low = frame.clone();
        low[0] = 0x00;
        let word = [&[0, 0, 0, 1][..], &frame].concat();
        for inner in [&v4, &v6, &frame, &low, &word] {
            let one = ether(0x8847, &[&[0, 6, 0x41, 64][..], inner].concat());
            let two = ether(0x8848, &[&[0, 6, 0x40, 64, 0, 12, 0x81, 64][..], inner].concat());
            for frame in [one, two] {
                let got = seen(1, &frame).unwrap();
                assert_eq!((got.tunnels, got.payload), (vec!["mpls".to_owned()], b"abc".to_vec()));
                every_cut(1, &frame);
            }
        }
        let udp = ip4_udp_to(6635, &[&[0, 6, 0x41, 64][..], &v4].concat());
        assert_eq!(seen(101, &udp).unwrap().tunnels, ["mpls"]);
        assert_eq!(seen(1, &ether(0x8847, &[0; 400])), Err(vec!["mpls_too_deep"]));
    }
}
