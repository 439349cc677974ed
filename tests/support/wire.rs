//! Packets without wirelint: capture files are read and written, and conversations made, by code of its own.

use etherparse::PacketBuilder;
use std::io::Write as _;

/// Ethernet, as pcap numbers link types.
pub(crate) const ETHERNET: u16 = 1;

/// 2023-11-14T22:13:20Z.
const EPOCH: i64 = 1_700_000_000_000_000_000;

/// One captured packet.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    /// Nanoseconds since 1970.
    pub(crate) time: i64,
    /// Link type.
    pub(crate) link: u16,
    /// Captured bytes.
    pub(crate) data: Vec<u8>,
    /// Length on the wire.
    pub(crate) wire: u32,
}

impl Packet {
    /// A packet that was captured whole.
    pub(crate) fn new(time: i64, link: u16, data: Vec<u8>) -> Self {
        let wire = data.len() as u32;
        Self { time, link, data, wire }
    }
}

/// How a capture file is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// pcapng instead of pcap.
    pub(crate) ng: bool,
    /// Big-endian.
    pub(crate) big: bool,
    /// Nanoseconds instead of microseconds.
    pub(crate) nano: bool,
    /// In two sections, with blocks between that nobody needs (pcapng).
    pub(crate) extras: bool,
    /// Inside gzip.
    pub(crate) gzip: bool,
}

/// A capture file of these packets, which have one link type.
pub(crate) fn write(packets: &[Packet], style: Style) -> Vec<u8> {
    let bytes = if style.ng { pcapng(packets, style) } else { pcap(packets, style) };
    if style.gzip { gzip(&bytes) } else { bytes }
}

/// `bytes` under gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The packets of a pcap or pcapng file.
pub(crate) fn read(bytes: &[u8]) -> Vec<Packet> {
    match bytes[..4] {
        [0xd4, 0xc3, 0xb2, 0xa1] => read_pcap(bytes),
        [0x0a, 0x0d, 0x0d, 0x0a] => read_pcapng(bytes),
        _ => panic!("a fixture is neither little-endian pcap nor pcapng"),
    }
}

/// Where the records of a pcap or pcapng file begin and end, ascending.
pub(crate) fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let ng = bytes[0] == 0x0a;
    let mut at = if ng { 0 } else { 24 };
    let mut all = vec![at];
    while at + 16 <= bytes.len() {
        at += if ng { u32_at(bytes, at + 4) as usize } else { 16 + u32_at(bytes, at + 8) as usize };
        all.push(at);
    }
    all
}

/// Two endpoints whose messages become packets.
pub(crate) struct Conversation {
    ends: [([u8; 4], u16); 2],
    next: [u32; 2],
    /// Of the next packet.
    pub(crate) time: i64,
    /// So far.
    pub(crate) packets: Vec<Packet>,
}

impl Conversation {
    /// One that begins with a handshake, by client number `client`.
    pub(crate) fn open(client: u32, port: u16) -> Self {
        let [_, a, b, c] = client.to_be_bytes();
        let source = 1024 + (client % 60_000) as u16;
        let mut this = Self {
            ends: [([10, a, b, c], source), ([192, 0, 2, 80], port)],
            next: [client.wrapping_mul(2_654_435_761), 77],
            time: EPOCH,
            packets: Vec::new(),
        };
        this.segment(0, b"", 0x02);
        this.segment(1, b"", 0x12);
        this.segment(0, b"", 0x10);
        this
    }

    /// The client says something.
    pub(crate) fn client(mut self, bytes: &[u8]) -> Self {
        self.say(0, bytes);
        self
    }

    /// The server says something.
    pub(crate) fn server(mut self, bytes: &[u8]) -> Self {
        self.say(1, bytes);
        self
    }

    /// Both sides say goodbye.
    pub(crate) fn close(mut self) -> Vec<Packet> {
        self.segment(0, b"", 0x11);
        self.segment(1, b"", 0x11);
        self.segment(0, b"", 0x10);
        self.packets
    }

    fn say(&mut self, side: usize, bytes: &[u8]) {
        for chunk in bytes.chunks(1400) {
            self.segment(side, chunk, 0x18);
        }
    }

    /// One segment with these flags, in sequence.
    pub(crate) fn segment(&mut self, side: usize, payload: &[u8], flags: u8) {
        let seq = self.next[side];
        self.segment_at(side, seq, payload, flags);
        self.next[side] = seq.wrapping_add(payload.len() as u32 + u32::from(flags & 3 != 0));
    }

    /// The same anywhere in the sequence space.
    pub(crate) fn segment_at(&mut self, side: usize, seq: u32, payload: &[u8], flags: u8) {
        let ((from, source), (to, destination)) = (self.ends[side], self.ends[1 - side]);
        let tcp = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]).ipv4(from, to, 64).tcp(
            source,
            destination,
            seq,
            65_000,
        );
        let tcp = if flags & 0x01 != 0 { tcp.fin() } else { tcp };
        let tcp = if flags & 0x02 != 0 { tcp.syn() } else { tcp };
        let tcp = if flags & 0x08 != 0 { tcp.psh() } else { tcp };
        let tcp = if flags & 0x10 != 0 { tcp.ack(self.next[1 - side]) } else { tcp };
        let mut data = Vec::with_capacity(tcp.size(payload.len()));
        tcp.write(&mut data, payload).unwrap();
        self.packets.push(Packet::new(self.time, ETHERNET, data));
        self.time += 100_000;
    }
}

/// One connection that carries `client`, then `server`.
pub(crate) fn connection(client: &[u8], server: &[u8]) -> Vec<Packet> {
    Conversation::open(1, 80).client(client).server(server).close()
}

/// Conversations side by side, one packet of each in turn, at most `width` of them open; times follow the order.
pub(crate) fn interleave(conversations: impl Iterator<Item = Vec<Packet>>, width: usize) -> Vec<Packet> {
    let mut waiting = conversations;
    let mut open: Vec<std::vec::IntoIter<Packet>> = Vec::new();
    let mut all = Vec::new();
    loop {
        while open.len() < width
            && let Some(next) = waiting.next()
        {
            open.push(next.into_iter());
        }
        if open.is_empty() {
            return all;
        }
        open.retain_mut(|packets| {
            let Some(mut packet) = packets.next() else { return false };
            packet.time = EPOCH + all.len() as i64 * 1_000_000;
            all.push(packet);
            true
        });
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn read_pcap(bytes: &[u8]) -> Vec<Packet> {
    let (link, mut at) = (u32_at(bytes, 20) as u16, 24);
    let mut packets = Vec::new();
    while at < bytes.len() {
        let [seconds, micros, len, wire] = [0, 4, 8, 12].map(|o| u32_at(bytes, at + o));
        let time = i64::from(seconds) * 1_000_000_000 + i64::from(micros) * 1000;
        let data = bytes[at + 16..at + 16 + len as usize].to_vec();
        at += 16 + data.len();
        packets.push(Packet { time, link, data, wire });
    }
    packets
}

/// Little-endian, one interface with times in micro- or nanoseconds: what dumpcap and editcap write.
fn read_pcapng(bytes: &[u8]) -> Vec<Packet> {
    let (mut at, mut link, mut unit) = (0, 0, 1000);
    let mut packets = Vec::new();
    while at < bytes.len() {
        let (kind, len) = (u32_at(bytes, at), u32_at(bytes, at + 4) as usize);
        let body = &bytes[at + 8..at + len - 4];
        at += len;
        match kind {
            1 => {
                link = u32_at(body, 0) as u16;
                if body.windows(5).any(|w| w == [9, 0, 1, 0, 9]) {
                    unit = 1;
                }
            }
            6 => {
                let [high, low, len, wire] = [4, 8, 12, 16].map(|o| u32_at(body, o));
                let time = ((i64::from(high) << 32) | i64::from(low)) * unit;
                packets.push(Packet { time, link, data: body[20..20 + len as usize].to_vec(), wire });
            }
            _ => {}
        }
    }
    packets
}

/// Writes integers in the byte order of a style.
struct Out {
    bytes: Vec<u8>,
    big: bool,
}

impl Out {
    fn u32s(&mut self, values: &[u32]) {
        for v in values {
            self.bytes.extend(if self.big { v.to_be_bytes() } else { v.to_le_bytes() });
        }
    }

    fn u16s(&mut self, values: &[u16]) {
        for v in values {
            self.bytes.extend(if self.big { v.to_be_bytes() } else { v.to_le_bytes() });
        }
    }

    fn block(&mut self, kind: u32, fill: impl FnOnce(&mut Self)) {
        let mut body = Self { bytes: Vec::new(), big: self.big };
        fill(&mut body);
        body.bytes.resize(body.bytes.len().next_multiple_of(4), 0);
        let len = 12 + body.bytes.len() as u32;
        self.u32s(&[kind, len]);
        self.bytes.extend(body.bytes);
        self.u32s(&[len]);
    }
}

fn pcap(packets: &[Packet], style: Style) -> Vec<u8> {
    let mut out = Out { bytes: Vec::new(), big: style.big };
    out.u32s(&[if style.nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }]);
    out.u16s(&[2, 4]);
    out.u32s(&[0, 0, 262_144, packets.first().map_or(1, |p| u32::from(p.link))]);
    for p in packets {
        let rest = p.time.rem_euclid(1_000_000_000) as u32;
        let seconds = p.time.div_euclid(1_000_000_000) as u32;
        out.u32s(&[seconds, if style.nano { rest } else { rest / 1000 }, p.data.len() as u32, p.wire]);
        out.bytes.extend(&p.data);
    }
    out.bytes
}

fn pcapng(packets: &[Packet], style: Style) -> Vec<u8> {
    let mut out = Out { bytes: Vec::new(), big: style.big };
    let sections = if style.extras { 2 } else { 1 };
    let link = packets.first().map_or(1, |p| p.link);
    for section in packets.chunks(packets.len().div_ceil(sections).max(1)) {
        out.block(0x0a0d_0d0a, |b| {
            b.u32s(&[0x1a2b_3c4d]);
            b.u16s(&[1, 0]);
            b.u32s(&[u32::MAX, u32::MAX]);
        });
        out.block(1, |b| {
            b.u16s(&[link, 0]);
            b.u32s(&[0]);
            if style.nano {
                b.u16s(&[9, 1]);
                b.bytes.extend([9, 0, 0, 0]);
                b.u16s(&[0, 0]);
            }
        });
        for (i, p) in section.iter().enumerate() {
            if style.extras && i % 3 == 1 {
                out.block(0x0bad, |b| b.u32s(&[4242, 0x6868_6868]));
                out.block(4, |b| b.u16s(&[0, 0]));
                out.block(0x4000_0bad, |b| b.bytes.extend(b"private"));
            }
            let stamp = (if style.nano { p.time } else { p.time / 1000 }) as u64;
            out.block(6, |b| {
                b.u32s(&[0, (stamp >> 32) as u32, stamp as u32, p.data.len() as u32, p.wire]);
                b.bytes.extend(&p.data);
            });
        }
    }
    out.bytes
}
