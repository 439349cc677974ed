//! AYIYA: anything in anything, as IPv6 tunnel brokers used it.

use super::link::{Inner, Stop, byte, skip};
use super::tunnel::{Carried, Id, On, Tunnel};

/// AYIYA (draft-massar-v6ops-ayiya-02): identity and signature lie before the packet.
pub(super) const AYIYA: Tunnel = Tunnel { name: "ayiya", on: &[On::Udp(5072)], shape: None, strip };

fn strip(data: &[u8]) -> Result<Carried<'_>, Stop> {
    const FORWARD: u8 = 1;
    let (identity, signature) = (byte(data, 0)? >> 4, byte(data, 1)? >> 4);
    let (operation, next) = (byte(data, 2)? & 0x0f, byte(data, 3)?);
    if identity > 4 || operation != FORWARD {
        return Err(Stop::Other);
    }
    let rest = skip(data, 8 + (1 << identity) + usize::from(signature) * 4)?;
    match (next, byte(rest, 0)? >> 4) {
        (41, 6) => Ok(Carried { kind: "ayiya", id: Id::None, inner: Inner::EtherType(0x86dd, rest) }),
        (4, 4) => Ok(Carried { kind: "ayiya", id: Id::None, inner: Inner::EtherType(0x0800, rest) }),
        _ => Err(Stop::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{every_cut, ip4_tcp, ip4_udp_to, ip6_udp, seen};

    #[test]
    fn both_versions_behind_identity_and_signature() {
        for (next, inner) in [(41, ip6_udp(b"abc")), (4, ip4_tcp(b"abc"))] {
            let head = [&[0x41, 0x52, 0x11, next, 1, 2, 3, 4][..], &[7; 16], &[9; 20]].concat();
            let packet = ip4_udp_to(5072, &[head, inner].concat());
            let got = seen(101, &packet).unwrap();
            assert_eq!((got.tunnels, got.payload), (vec!["ayiya".to_owned()], b"abc".to_vec()));
            every_cut(101, &packet);
        }
    }
}
