//! Teredo: IPv6 through NATs.

use super::link::{Inner, Stop, be16, byte, skip};
use super::shape;
use super::tunnel::{Carried, Id, On, Tunnel};

/// Teredo (RFC 4380 section 5.1.1): authentication and origin indications may come first.
pub(super) const TEREDO: Tunnel =
    Tunnel { name: "teredo", on: &[On::Udp(3544)], shape: Some(shape::teredo), strip };

fn strip(data: &[u8]) -> Result<Carried<'_>, Stop> {
    let mut rest = data;
    if be16(rest, 0)? == 1 {
        let lens = usize::from(byte(rest, 2)?) + usize::from(byte(rest, 3)?);
        rest = skip(rest, 13 + lens)?;
    }
    if be16(rest, 0)? == 0 {
        rest = skip(rest, 8)?;
    }
    if byte(rest, 0)? >> 4 != 6 {
        return Err(Stop::Weird("bad_teredo_header"));
    }
    Ok(Carried { kind: "teredo", id: Id::None, inner: Inner::EtherType(0x86dd, rest) })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{every_cut, ip4_udp_to, ip6_udp, seen};

    #[test]
    fn with_and_without_indications() {
        let auth = [&[0, 1, 2, 1][..], &[7; 12]].concat();
        let origin = [0, 0, 1, 2, 3, 4, 5, 6];
        for head in [vec![], origin.to_vec(), auth.clone(), [&auth[..], &origin].concat()] {
            let packet = ip4_udp_to(3544, &[&head[..], &ip6_udp(b"abc")].concat());
            let got = seen(101, &packet).unwrap();
            assert_eq!((got.tunnels, got.payload), (vec!["teredo".to_owned()], b"abc".to_vec()));
            every_cut(101, &packet);
        }
    }
}
