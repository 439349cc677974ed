//! ESP that does not encrypt (RFC 4303 with RFC 2410 or RFC 4543): nothing in a packet says so, so it is told by what
//! the end of the packet must look like and by the checksums inside (RFC 5879 has the idea).

use super::ip::{self, Datagram};
use super::shape;

/// The port of ESP in UDP (RFC 3948). What is not ESP there begins with four zero bytes.
pub(super) const UDP: u16 = 4500;

/// SPI and sequence number.
const HEADER: usize = 8;

/// Initialisation vectors (none, and GMAC's) with the integrity values that go with them, in bytes.
const FORMS: [(usize, usize); 8] = [(0, 12), (0, 16), (0, 24), (0, 32), (0, 48), (0, 20), (0, 0), (8, 16)];

/// What is inside if nothing is encrypted. A packet of which something is missing tells nothing.
pub(super) fn null<'a>(datagram: &Datagram<'a>) -> Option<Datagram<'a>> {
    if datagram.cut > 0 || datagram.data.first_chunk() == Some(&[0; 4]) {
        return None;
    }
    FORMS.iter().find_map(|&(before, behind)| {
        let data = datagram.data.get(HEADER + before..datagram.data.len().checked_sub(behind)?)?;
        open(datagram, data)
    })
}

/// Section 2.4: padding that counts up from 1, its length, and what was before it.
fn open<'a>(datagram: &Datagram<'a>, data: &'a [u8]) -> Option<Datagram<'a>> {
    let (&[pad, protocol], rest) = data.split_last_chunk::<2>().map(|(rest, tail)| (tail, rest))?;
    let (inner, padding) = rest.split_at_checked(rest.len().checked_sub(usize::from(pad))?)?;
    if !data.len().is_multiple_of(4) || !padding.iter().zip(1..=u8::MAX).all(|(a, b)| *a == b) {
        return None;
    }
    let inner = Datagram { protocol, data: inner, ..*datagram };
    is_plain(&inner).then_some(inner)
}

fn is_plain(inner: &Datagram<'_>) -> bool {
    let data = inner.data;
    match inner.protocol {
        // A header that fits, and the checksum.
        6 => {
            data.get(12).is_some_and(|b| (20..=data.len()).contains(&(usize::from(b >> 4) * 4)))
                && checks(inner)
        }
        17 => {
            let len = data.get(4..6).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]])));
            len == Some(data.len()) && data.len() >= 8 && (data[6..8] == [0; 2] || checks(inner))
        }
        4 => shape::is_ip(0x0800, data, data.len(), 0),
        41 => shape::is_ip(0x86dd, data, data.len(), 0),
        _ => false,
    }
}

fn checks(inner: &Datagram<'_>) -> bool {
    ip::transport_checks(inner, inner.data)
}

#[cfg(test)]
mod tests {
    use super::super::wire::{every_cut_or_none, ip4, ip4_tcp, ip4_udp_to, ip6, ip6_udp, seen};

    /// ESP around `inner`, with an integrity value of `behind` bytes and a vector of `before`.
    fn esp(before: usize, behind: usize, protocol: u8, inner: &[u8]) -> Vec<u8> {
        let pad = (4 - (inner.len() + 2) % 4) % 4;
        let padding: Vec<u8> = (1..=pad as u8).collect();
        let mac: Vec<u8> = (0..behind).map(|i| (i * 37 + 200) as u8).collect();
        [&[0, 0, 1, 2, 0, 0, 0, 1][..], &vec![9; before], inner, &padding, &[pad as u8, protocol], &mac]
            .concat()
    }

    #[test]
    fn what_is_not_encrypted_is_read() {
        let packet = ip4_tcp(b"abcd!");
        let (segment, six) = (&packet[20..], ip6_udp(b"abcd!"));
        for (before, behind) in [(0, 12), (0, 16), (0, 32), (0, 0), (8, 16)] {
            for (protocol, inner, tunnels) in
                [(6, segment, vec![]), (4, &packet[..], vec!["ipip"]), (41, &six[..], vec!["6in4"])]
            {
                let esp = esp(before, behind, protocol, inner);
                for packet in [ip4(50, &esp), ip4_udp_to(4500, &esp)] {
                    let got = seen(101, &packet).unwrap();
                    assert_eq!(
                        (got.payload, got.tunnels),
                        (b"abcd!".to_vec(), tunnels.iter().map(|t| (*t).to_owned()).collect())
                    );
                    every_cut_or_none(101, &packet);
                }
            }
        }
        let esp = esp(0, 12, 17, &six[40..]);
        assert_eq!(seen(229, &ip6(50, &esp)).unwrap().payload, b"abcd!");
    }

    #[test]
    fn what_is_encrypted_stays_closed() {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as u8
        };
        for len in 8..3000 {
            let bytes: Vec<u8> = (0..len).map(|_| next() | 1).collect();
            assert_eq!(seen(101, &ip4(50, &bytes)), Err(vec!["esp"]));
            assert_eq!(seen(101, &ip4_udp_to(4500, &bytes)).unwrap().payload, bytes);
        }
        let packet = ip4_tcp(b"abcd");
        let mut wrong = packet[20..].to_vec();
        wrong[17] ^= 1;
        assert_eq!(seen(101, &ip4(50, &esp(0, 12, 6, &wrong))), Err(vec!["esp"]));
        let ike = [&[0, 0, 0, 0][..], &esp(0, 12, 6, &packet[20..])].concat();
        assert_eq!(seen(101, &ip4_udp_to(4500, &ike)).unwrap().payload, ike);
    }
}
