//! Network Service Header: service chains.

use super::link::{Stop, be32, skip};
use super::overlay::next;
use super::tunnel::{Carried, Id, On, Tunnel};

/// NSH (RFC 8300). The service path differs between the directions, so only the kind goes into the path.
pub(super) const NSH: Tunnel = Tunnel { name: "nsh", on: &[On::Ether(0x894f)], shape: None, strip };

fn strip(data: &[u8]) -> Result<Carried<'_>, Stop> {
    let base = be32(data, 0)?;
    let len = (base >> 16 & 0x3f) as usize * 4;
    if base >> 30 != 0 || len < 8 {
        return Err(Stop::Weird("bad_nsh_header"));
    }
    let protocol = base.to_be_bytes()[3];
    Ok(Carried { kind: "nsh", id: Id::None, inner: next(protocol, 4, skip(data, len)?)? })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ether, every_cut, ip4_tcp, ip4_udp_to, seen};

    #[test]
    fn on_ethernet_and_in_vxlan_gpe() {
        let ip = ip4_tcp(b"abc");
        let nsh = [&[0x0f, 0xc2, 2, 1, 0, 0, 1, 255][..], &ip].concat();
        let long = [&[0x0f, 0xc6, 1, 3][..], &[0; 20], &ether(0x0800, &ip)].concat();
        for nsh in [nsh, long] {
            let direct = ether(0x894f, &nsh);
            let got = seen(1, &direct).unwrap();
            assert_eq!((got.tunnels, got.payload), (vec!["nsh".to_owned()], b"abc".to_vec()));
            every_cut(1, &direct);
            let gpe = ip4_udp_to(4790, &[&[0x0c, 0, 0, 4, 0, 0, 5, 0][..], &nsh].concat());
            assert_eq!(seen(101, &gpe).unwrap().tunnels, ["vxlan-gpe:5", "nsh"]);
        }
    }
}
