//! MPLS label stacks and the pseudowires in them.

use super::ethernet;
use super::link::{Inner, Stop, be32, byte, skip};
use super::tunnel::{Carried, Id, On, Tunnel};
use super::untyped::{is_whole_frame, untyped};

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
    let inner = match byte(data, 0)? >> 4 {
        // A control word begins with a zero nibble, but so do many MAC addresses.
        0 => {
            let worded = skip(data, 4)?;
            let is_worded = is_whole_frame(worded) || !ethernet::plausible(data);
            let frame = if is_worded && !is_whole_frame(data) { worded } else { data };
            byte(frame, 0)?;
            ethernet::plausible(frame).then_some(Inner::Ethernet(frame))
        }
        // The associated channel (RFC 5586) is the routers' own.
        1 if !ethernet::plausible(data) => return Err(Stop::Other),
        _ => untyped(data),
    };
    // Pseudowires of PPP, ATM, frame relay and the like (RFC 4618, RFC 4717, RFC 4619).
    inner.ok_or(Stop::Closed("unknown_pseudowire"))
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
        let backbone = ether(0x88e7, &[&[0, 0, 0, 7][..], &frame].concat());
        let nested = ether(0x8100, &[&[0, 3, 0x88, 0x48, 0, 6, 0x41, 64][..], &v4].concat());
        let stack = [0, 3, 0x88, 0xa8, 0, 4, 0x81, 0, 0, 5, 8, 0];
        let stacked = ether(0x88a8, &[&stack[..], &v4].concat());
        let chain = ether(0x8100, &[&[0, 3, 0x89, 0x4f, 0x0f, 0xc2, 2, 1, 0, 0, 1, 255][..], &v4].concat());
        // A control word and a source address make these look like ARP without control word.
        let mut arp = frame.clone();
        arp[8..10].copy_from_slice(&[8, 6]);
        for (inner, tunnels, vlans) in [
            (&backbone, &["mpls", "pbb:7"][..], &[][..]),
            (&nested, &["mpls", "mpls"], &[3]),
            (&stacked, &["mpls"], &[3, 4, 5]),
            (&chain, &["mpls", "nsh"], &[3]),
            (&arp, &["mpls"], &[]),
        ] {
            for word in [&[][..], &[0, 0, 0, 1]] {
                let packet = ether(0x8847, &[&[0, 6, 0x41, 64][..], word, inner].concat());
                let got = seen(1, &packet).unwrap();
                assert_eq!((&got.vlans[..], &got.payload[..]), (vlans, &b"abc"[..]), "{word:?}");
                assert_eq!(got.tunnels, tunnels);
                every_cut(1, &packet);
            }
        }
        let closed = ether(0x8847, &[&[0, 6, 0x41, 64, 0, 0, 0, 1][..], &[0x55; 60]].concat());
        assert_eq!(seen(1, &closed), Err(vec!["unknown_pseudowire"]));
        let channel = ether(0x8847, &[&[0, 6, 0x41, 64, 0x10, 0, 0, 7][..], &[0x55; 60]].concat());
        assert_eq!(seen(1, &channel), Err(vec![]));
        let udp = ip4_udp_to(6635, &[&[0, 6, 0x41, 64][..], &v4].concat());
        assert_eq!(seen(101, &udp).unwrap().tunnels, ["mpls"]);
        assert_eq!(seen(1, &ether(0x8847, &[0; 400])), Err(vec!["mpls_too_deep"]));
    }
}
