//! Frames for tests, and what the decoder makes of them.

use super::{DecodeOptions, Decoder, Segment, TcpHeader};
use crate::capture::{Block, FrameRef, LinkType};
use crate::tally::Tally;

const A4: [u8; 4] = [10, 0, 0, 1];
const B4: [u8; 4] = [10, 0, 0, 2];

/// A packet, with everything that has a number written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) ends: [String; 2],
    pub(super) segment: Segment,
    pub(super) payload: Vec<u8>,
    pub(super) missing: u32,
    pub(super) vlans: Vec<u16>,
    pub(super) tunnels: Vec<String>,
    pub(super) weirds: Vec<&'static str>,
}

impl Seen {
    /// What [`ip4_tcp`] is.
    pub(super) fn of(payload: &[u8]) -> Self {
        Self {
            ends: ["10.0.0.1:40000".to_owned(), "10.0.0.2:80".to_owned()],
            segment: Segment::Tcp(TcpHeader { seq: 0x0102_0304, ack: 0x0506_0708, flags: 0x18, urgent: 0 }),
            payload: payload.to_vec(),
            missing: 0,
            vlans: vec![],
            tunnels: vec![],
            weirds: vec![],
        }
    }

    /// What [`ip6_udp`] is.
    pub(super) fn udp6(payload: &[u8]) -> Self {
        let ends = ["fd00::1:40000".to_owned(), "fd00::2:53".to_owned()];
        Self { ends, segment: Segment::Udp, ..Self::of(payload) }
    }
}

/// Decodes one frame; `Err` has the names of what was counted.
pub(super) fn seen(link: u16, frame: &[u8]) -> Result<Seen, Vec<&'static str>> {
    seen_as(link, frame, frame.len(), false)
}

pub(super) fn seen_as(
    link: u16,
    frame: &[u8],
    wire_len: usize,
    verify_checksums: bool,
) -> Result<Seen, Vec<&'static str>> {
    let mut decoder = Decoder::new(DecodeOptions { verify_checksums });
    let mut all = seen_all(&mut decoder, link, &[(frame.to_vec(), wire_len)]);
    all.remove(0)
}

/// Decodes frames of one block in order.
pub(super) fn seen_all(
    decoder: &mut Decoder,
    link: u16,
    frames: &[(Vec<u8>, usize)],
) -> Vec<Result<Seen, Vec<&'static str>>> {
    let mut block = Block::default();
    // Something before and behind, so that offsets are not zero by chance.
    block.bytes.extend(&[0xcc; 24]);
    for (frame, wire_len) in frames {
        let start = block.bytes.len() as u32;
        block.bytes.extend(frame);
        block.bytes.extend(&[0xcc; 16]);
        let (len, wire_len) = (frame.len() as u32, *wire_len as u32);
        block.frames.push(FrameRef { start, len, wire_len, link: LinkType(link), ..FrameRef::default() });
    }
    let mut out = vec![];
    for index in 0..frames.len() {
        let mut tally = Tally::default();
        let packet = decoder.decode(&mut block, index, &mut tally);
        let weirds: Vec<_> = tally.weirds.into_keys().collect();
        out.push(match packet {
            None => Err(weirds),
            Some(p) => {
                assert_eq!(p.frame as usize, index);
                let base = if p.payload.side { &block.side } else { block.bytes.filled() };
                let end = |side| {
                    let end = p.key.end(side);
                    format!("{}:{}", end.addr, end.port)
                };
                Ok(Seen {
                    ends: [end(p.from), end(p.from.other())],
                    segment: p.segment,
                    payload: base[p.payload.start as usize..][..p.payload.len as usize].to_vec(),
                    missing: p.payload.missing,
                    vlans: decoder.paths().vlan(p.key.vlan).to_vec(),
                    tunnels: decoder.paths().tunnel(p.key.path).to_vec(),
                    weirds,
                })
            }
        });
    }
    out
}

/// The same for a frame that tells nothing when it is cut.
pub(super) fn every_cut_or_none(link: u16, frame: &[u8]) {
    for n in 0..frame.len() {
        let _ = seen(link, &frame[..n]);
        let _ = seen_as(link, &frame[..n], frame.len(), false);
    }
}

/// Cuts a good frame at each byte, as a snap length does and as damage does.
pub(super) fn every_cut(link: u16, frame: &[u8]) {
    let whole = seen(link, frame).unwrap();
    for n in 0..frame.len() {
        let _ = seen(link, &frame[..n]);
        match seen_as(link, &frame[..n], frame.len(), false) {
            Err(weirds) => assert!(weirds.len() <= 1, "{weirds:?}"),
            Ok(got) if got.tunnels == whole.tunnels => {
                assert!(whole.payload.starts_with(&got.payload));
                let (got, want) = (got.payload.len() + got.missing as usize, whole.payload.len());
                // What follows the payload (integrity values, padding) may be counted as missing too.
                assert!(got >= want && got <= want + 16, "{got} of {want}");
            }
            Ok(_) => {}
        }
    }
}

pub(super) fn tcp(payload: &[u8]) -> Vec<u8> {
    let head = [156, 64, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
    [&head[..], payload].concat()
}

pub(super) fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16 + 8).to_be_bytes();
    [&[156, 64][..], &port.to_be_bytes(), &len, &[0, 0], payload].concat()
}

pub(super) fn ip4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = etherparse::Ipv4Header::new(payload.len() as u16, 64, protocol.into(), A4, B4).unwrap();
    header.header_checksum = header.calc_header_checksum();
    [&header.to_bytes()[..], payload].concat()
}

pub(super) fn ip6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut address = [0; 16];
    (address[0], address[15]) = (0xfd, 1);
    let len = (payload.len() as u16).to_be_bytes();
    let mut out = [&[0x60, 0, 0, 0][..], &len, &[protocol, 64], &address].concat();
    address[15] = 2;
    out.extend(address);
    out.extend(payload);
    out
}

/// IPv4 and TCP from 10.0.0.1:40000 to 10.0.0.2:80 with right checksums.
pub(super) fn ip4_tcp(payload: &[u8]) -> Vec<u8> {
    let header = etherparse::TcpHeaderSlice::from_slice(&tcp(b"")).unwrap().to_header();
    let mut segment = tcp(payload);
    let sum = header.calc_checksum_ipv4_raw(A4, B4, payload).unwrap();
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    ip4(6, &segment)
}

/// IPv4 and UDP to a port, without checksum.
pub(super) fn ip4_udp_to(port: u16, payload: &[u8]) -> Vec<u8> {
    ip4(17, &udp(port, payload))
}

/// IPv6 and UDP from fd00::1:40000 to fd00::2:53 with a right checksum.
pub(super) fn ip6_udp(payload: &[u8]) -> Vec<u8> {
    let mut packet = ip6(17, &udp(53, payload));
    let ip = etherparse::Ipv6HeaderSlice::from_slice(&packet).unwrap().to_header();
    let sum = etherparse::UdpHeader::with_ipv6_checksum(40000, 53, &ip, payload).unwrap().checksum;
    packet[46..48].copy_from_slice(&sum.to_be_bytes());
    packet
}

pub(super) fn ether(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind.to_be_bytes(), payload].concat()
}

/// One good frame of many kinds.
pub(super) fn samples() -> Vec<(u16, Vec<u8>)> {
    let (v4, v6) = (ip4_tcp(b"payload"), ip6_udp(b"payload"));
    let frame = ether(0x0800, &v4);
    let over = |port, head: &[u8], inner: &[u8]| ether(0x0800, &ip4_udp_to(port, &[head, inner].concat()));
    let mut first = ip4(17, &udp(53, &[7; 24]));
    first[6] = 0x20;
    vec![
        (1, frame.clone()),
        (1, ether(0x86dd, &v6)),
        (1, ether(0x8100, &[&[0, 5, 0x86, 0xdd][..], &v6].concat())),
        (1, ether(0x8847, &[&[0, 6, 0x41, 64, 0, 0, 0, 1][..], &frame].concat())),
        (1, ether(0x8864, &[&[0x11, 0, 0, 17, 0, 99, 0, 0x21][..], &v4].concat())),
        (1, ether(0x0800, &ip4(47, &[&[0x20, 0, 0x65, 0x58, 0, 0, 0, 7][..], &frame].concat()))),
        (1, over(4789, &[8, 0, 0, 0, 0, 0, 100, 0], &frame)),
        (1, over(6081, &[1, 0x40, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4], &frame)),
        (1, over(2152, &[0x34, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0x10, 9, 0], &v4)),
        (1, over(3544, &[0, 0, 1, 2, 3, 4, 5, 6], &v6)),
        (1, over(9999, &[8, 0, 0, 0, 0, 0, 100, 0], &frame)),
        (1, ether(0x0800, &ip4(50, &[&[0, 0, 0, 9, 0, 0, 0, 1][..], &v4, &[1, 1, 4], &[7; 12]].concat()))),
        (220, [&[0, 0, 0, 0, 0, 0, 0, 0, b'C', 3][..], &[0; 54], &frame].concat()),
        (101, first),
        (101, ip6(44, &[&[17, 0, 0, 1, 0, 0, 0, 9][..], &udp(53, &[7; 24])].concat())),
        (0, [&[2, 0, 0, 0][..], &v4].concat()),
        (113, [&[0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0][..], &v4].concat()),
        (276, [&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0][..], &v4].concat()),
        (
            127,
            [&[0, 0, 9, 0, 2, 0, 0, 0, 0, 8, 1][..], &[1; 22], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &v4].concat(),
        ),
    ]
}
