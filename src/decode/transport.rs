//! TCP and UDP headers.

use etherparse::{TcpHeaderSlice, UdpHeaderSlice};

use super::ip::{Datagram, transport_checks};
use super::link::Stop;
use super::{Segment, TcpHeader};
use crate::tally::Tally;

/// A transport segment whose payload is still a slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carrier<'a> {
    pub(super) ports: [u16; 2],
    pub(super) segment: Segment,
    pub(super) payload: &'a [u8],
    pub(super) missing: u32,
}

/// TCP (RFC 9293 section 3.1); options are skipped.
#[inline]
pub(super) fn tcp<'a>(datagram: &Datagram<'a>, verify: bool) -> Result<Carrier<'a>, Stop> {
    let data = datagram.data;
    let Ok(head) = TcpHeaderSlice::from_slice(data) else { return cut_tcp(datagram) };
    if verify && datagram.cut == 0 && !transport_checks(datagram, data) {
        return Err(Stop::Weird("bad_checksum"));
    }
    let flags = data[13];
    Ok(Carrier {
        ports: [head.source_port(), head.destination_port()],
        segment: Segment::Tcp(TcpHeader {
            seq: head.sequence_number(),
            ack: head.acknowledgment_number(),
            flags,
            urgent: head.urgent_pointer(),
        }),
        payload: &data[head.slice().len()..],
        missing: datagram.cut,
    })
}

/// UDP (RFC 768). Its length field is believed only where it can be true (zero is a jumbogram, RFC 2675 section 4).
#[inline]
pub(super) fn udp<'a>(datagram: &Datagram<'a>, verify: bool, tally: &mut Tally) -> Result<Carrier<'a>, Stop> {
    let data = datagram.data;
    let head = UdpHeaderSlice::from_slice(data).map_err(|_| Stop::Short)?;
    let on_wire = data.len() + datagram.cut as usize;
    let len = match usize::from(head.length()) {
        0 => on_wire,
        len if len < 8 || len > on_wire => {
            tally.weird("bad_udp_length");
            on_wire
        }
        len => len,
    };
    let captured = len.min(data.len());
    let segment = &data[..captured];
    // Zero: the sender did not compute one.
    if verify && captured == len && head.checksum() != 0 && !transport_checks(datagram, segment) {
        return Err(Stop::Weird("bad_checksum"));
    }
    Ok(Carrier {
        ports: [head.source_port(), head.destination_port()],
        segment: Segment::Udp,
        payload: &segment[8..],
        missing: u32::try_from(len - captured).unwrap_or(u32::MAX),
    })
}

/// A TCP header whose options were cut off by the snap length still tells ports, numbers and length.
#[cold]
fn cut_tcp<'a>(datagram: &Datagram<'a>) -> Result<Carrier<'a>, Stop> {
    let data = datagram.data;
    let Some((head, rest)) = data.split_first_chunk::<20>() else { return Err(Stop::Short) };
    let len = usize::from(head[12] >> 4) * 4;
    if len < 20 {
        return Err(Stop::Weird("bad_tcp_header_length"));
    }
    let Some(missing) = (data.len() + datagram.cut as usize).checked_sub(len) else {
        return Err(if datagram.cut == 0 { Stop::Weird("bad_tcp_header_length") } else { Stop::Short });
    };
    let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    Ok(Carrier {
        ports: [u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]])],
        segment: Segment::Tcp(TcpHeader {
            seq: word(4),
            ack: word(8),
            flags: head[13],
            urgent: u16::from_be_bytes([head[18], head[19]]),
        }),
        payload: &rest[rest.len()..],
        missing: u32::try_from(missing).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{ip4, ip4_tcp, ip6_udp, seen, seen_as, tcp, udp};
    use super::super::{Segment, TcpHeader};

    #[test]
    fn tcp_fields_and_options() {
        let mut segment = tcp(b"abc");
        segment[12] = 0x80;
        segment.splice(20..20, [1; 12]);
        let got = seen(101, &ip4(6, &segment)).unwrap();
        let want = TcpHeader { seq: 0x0102_0304, ack: 0x0506_0708, flags: 0x18, urgent: 0 };
        assert_eq!((got.segment, got.payload), (Segment::Tcp(want), b"abc".to_vec()));
    }

    #[test]
    fn options_beyond_the_snap_length_leave_an_empty_packet() {
        let mut segment = tcp(b"abc");
        segment[12] = 0x80;
        segment.splice(20..20, [1; 12]);
        let packet = ip4(6, &segment);
        let got = seen_as(101, &packet[..45], packet.len(), false).unwrap();
        assert_eq!((got.payload.len(), got.missing), (0, 3));
        segment.truncate(24);
        assert_eq!(seen(101, &ip4(6, &segment)), Err(vec!["bad_tcp_header_length"]));
        segment[12] = 0x40;
        assert_eq!(seen(101, &ip4(6, &segment)), Err(vec!["bad_tcp_header_length"]));
    }

    #[test]
    fn a_lying_udp_length_is_clamped() {
        for (len, odd) in [(0_u16, false), (7, true), (2000, true), (11, false)] {
            let mut segment = udp(53, b"abc");
            segment[4..6].copy_from_slice(&len.to_be_bytes());
            let got = seen(101, &ip4(17, &segment)).unwrap();
            assert_eq!(got.payload, b"abc");
            assert_eq!(got.weirds == ["bad_udp_length"], odd, "{len}");
        }
        let mut segment = udp(53, b"abcdef");
        segment[5] = 11;
        assert_eq!(seen(101, &ip4(17, &segment)).unwrap().payload, b"abc");
    }

    #[test]
    fn checksums_only_if_asked() {
        let (v4, v6) = (ip4_tcp(b"abc"), ip6_udp(b"abc"));
        for (packet, checksums) in [(v4, vec![10, 36]), (v6, vec![46])] {
            assert!(seen_as(101, &packet, packet.len(), true).is_ok());
            for at in checksums {
                let mut bad = packet.clone();
                bad[at] ^= 0x55;
                assert!(seen(101, &bad).is_ok());
                assert_eq!(seen_as(101, &bad, bad.len(), true), Err(vec!["bad_checksum"]));
            }
        }
        let mut none = ip6_udp(b"abc");
        none[46..48].fill(0);
        assert!(seen_as(101, &none, none.len(), true).is_ok());
    }
}
