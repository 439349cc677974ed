//! Rewriters of captures that change how bytes travel, never what is said.

use super::wire::{ETHERNET, Packet};
use std::collections::{BTreeMap, BTreeSet};

/// Random numbers that are the same in every run (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for every name.
    pub(crate) fn named(name: &str) -> Self {
        Self(
            name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)),
        )
    }

    /// The next one below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    /// So many random bytes.
    pub(crate) fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.below(256) as u8).collect()
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// One way to rewrite a capture.
pub(crate) struct Mangle {
    /// What it is called in failures.
    pub(crate) name: &'static str,
    /// `None` if there is nothing to rewrite in this capture.
    pub(crate) rewrite: fn(&[Packet], &mut Random) -> Option<Vec<Packet>>,
    /// Addresses stay what they are, and so do fingerprints.
    pub(crate) addresses: bool,
    /// Some bytes come twice with different content: that must be said as lost coverage.
    pub(crate) contradicts: bool,
}

const fn mangle(name: &'static str, rewrite: fn(&[Packet], &mut Random) -> Option<Vec<Packet>>) -> Mangle {
    Mangle { name, rewrite, addresses: true, contradicts: false }
}

/// All of them.
pub(crate) const MANGLES: &[Mangle] = &[
    mangle("same", |p, _| Some(p.to_vec())),
    mangle("one byte a segment", |p, _| small(p, 20_000).then(|| resegment(p, |_| 1))),
    mangle("random segments", |p, r| Some(resegment(p, |_| 1 + r.below(38)))),
    mangle("joined segments", |p, _| coalesce(p)),
    mangle("shuffled in window", |p, r| {
        let small = resegment(p, |_| 20 + r.below(200));
        permute(&small, |run| run.chunks_mut(8).for_each(|w| r.shuffle(w)))
    }),
    mangle("neighbours swapped", |p, r| {
        let small = resegment(p, |_| 20 + r.below(200));
        permute(&small, |run| run.chunks_exact_mut(2).for_each(|w| w.swap(0, 1)))
    }),
    mangle("bursts reversed", |p, r| {
        let small = resegment(p, |_| 20 + r.below(200));
        permute(&small, |run| run.chunks_mut(16).for_each(<[usize]>::reverse))
    }),
    mangle("single bytes reversed", |p, _| {
        let bytes = small(p, 10_000).then(|| resegment(p, |_| 1))?;
        permute(&bytes, |run| run.chunks_mut(12).for_each(<[usize]>::reverse))
    }),
    mangle("first segment late", |p, r| {
        let small = resegment(p, |_| 20 + r.below(200));
        permute(&small, |run| run.chunks_mut(16).take(1).for_each(|w| w.rotate_left(1)))
    }),
    mangle("datagrams reversed", |p, _| datagrams_reversed(p)),
    mangle("each twice", |p, _| Some(after(p, |p| Some(p.clone())))),
    mangle("each again later", |p, _| Some(again_later(p))),
    mangle("retransmission overlaps", |p, _| Some(overlap(p))),
    mangle("keep-alives", |p, _| Some(after_data(p, |tcp| tcp.with(|t| t.keep_last_byte())))),
    Mangle {
        contradicts: true,
        ..mangle("decoys after", |p, _| {
            // Of what has no TCP there is nothing to contradict.
            Some(after_data(p, |tcp| tcp.with(|t| t.payload.fill(b'X')))).filter(|all| all.len() > p.len())
        })
    },
    mangle("RST out of window", |p, _| {
        Some(after_data(p, |tcp| {
            tcp.with(|t| {
                t.payload.clear();
                t.seq = t.seq.wrapping_add(0x5000_0000);
                t.flags = 0x04;
            })
        }))
    }),
    mangle("sequence wraps", |p, _| Some(wrap(p))),
    mangle("without bare ACKs", |p, _| {
        Some(kept(p, |tcp| tcp.is_none_or(|t| !t.payload.is_empty() || t.flags & 0x17 != 0x10)))
    }),
    mangle("without handshake", |p, _| {
        Some(kept(p, |tcp| tcp.is_none_or(|t| t.flags & 2 == 0 || !t.payload.is_empty())))
    }),
    mangle("one point in time", |p, _| {
        let time = p.first()?.time;
        Some(p.iter().map(|p| Packet { time, ..p.clone() }).collect())
    }),
    mangle("two clocks", |p, _| Some(two_clocks(p))),
    mangle("bad checksums", |p, _| each_ip(p, |head, ip| vec![[head, &spoiled(ip)[..]].concat()])),
    mangle("fragments", |p, r| fragment(p, r, |_, _| ())),
    mangle("fragments reversed", |p, r| fragment(p, r, |list, _| list.reverse())),
    mangle("fragments shuffled", |p, r| fragment(p, r, |list, r| r.shuffle(list))),
    mangle("fragments twice", |p, r| {
        fragment(p, r, |list, _| *list = list.iter().flat_map(|f| [f.clone(), f.clone()]).collect())
    }),
    mangle("Ethernet trailer", |p, r| {
        each_ip(p, |head, ip| {
            let n = 1 + r.below(39);
            vec![[head, ip, &r.bytes(n)].concat()]
        })
    }),
    mangle("VLAN", |p, _| wrapped(p, ETHERNET, |ip| [&MACS[..], &[0x81, 0, 0, 100], kind(ip)].concat())),
    mangle("QinQ", |p, _| {
        wrapped(p, ETHERNET, |ip| [&MACS[..], &[0x88, 0xa8, 0, 100, 0x81, 0, 0, 101], kind(ip)].concat())
    }),
    mangle("SLL", |p, _| {
        wrapped(p, 113, |ip| [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], kind(ip)].concat())
    }),
    mangle("SLL2", |p, _| {
        wrapped(p, 276, |ip| [kind(ip), &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]].concat())
    }),
    mangle("RAW", |p, _| wrapped(p, 101, |_| Vec::new())),
    mangle("NULL", |p, _| wrapped(p, 0, |ip| vec![if ip[0] >> 4 == 4 { 2 } else { 30 }, 0, 0, 0])),
    Mangle { addresses: false, ..mangle("IPv4 to IPv6", |p, _| four_to_six(p)) },
];

const MACS: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

/// A TCP segment over IPv4 or IPv6 without extensions.
#[derive(Clone)]
struct Tcp {
    /// Link and IP header.
    head: Vec<u8>,
    /// Where in it the IP header begins.
    ip: usize,
    seq: u32,
    flags: u8,
    /// The TCP header, options included.
    tcp: Vec<u8>,
    payload: Vec<u8>,
    time: i64,
}

impl Tcp {
    fn parse(packet: &Packet) -> Option<Self> {
        let (link, ip) = network(packet)?;
        let (len, protocol) =
            if ip[0] >> 4 == 4 { (usize::from(ip[0] & 15) * 4, ip[9]) } else { (40, ip[6]) };
        let rest = ip.get(len..)?;
        if protocol != 6 || (ip[0] >> 4 == 4 && u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff != 0) {
            return None;
        }
        let (tcp, payload) = rest.split_at_checked(usize::from(*rest.get(12)? >> 4) * 4)?;
        Some(Self {
            head: packet.data[..link.len() + len].to_vec(),
            ip: link.len(),
            seq: u32::from_be_bytes(tcp[4..8].try_into().unwrap()),
            flags: tcp[13],
            tcp: tcp.to_vec(),
            payload: payload.to_vec(),
            time: packet.time,
        })
    }

    /// A changed copy as a packet.
    fn with(&self, change: impl FnOnce(&mut Self)) -> Packet {
        let mut copy = self.clone();
        change(&mut copy);
        copy.packet()
    }

    /// Lengths and IPv4's checksum are made anew; that of TCP may be wrong, as with offload.
    fn packet(&self) -> Packet {
        let mut data = self.head.clone();
        let ip = &mut data[self.ip..];
        let len = self.tcp.len() + self.payload.len();
        if ip[0] >> 4 == 4 {
            let total = (ip.len() + len) as u16;
            ip[2..4].copy_from_slice(&total.to_be_bytes());
            checksum(ip);
        } else {
            ip[4..6].copy_from_slice(&(len as u16).to_be_bytes());
        }
        let at = data.len();
        data.extend(&self.tcp);
        data[at + 4..at + 8].copy_from_slice(&self.seq.to_be_bytes());
        data[at + 13] = self.flags;
        data.extend(&self.payload);
        Packet::new(self.time, ETHERNET, data)
    }

    fn keep_last_byte(&mut self) {
        let last = self.payload.len() - 1;
        self.seq = self.seq.wrapping_add(last as u32);
        self.payload.drain(..last);
    }

    /// Addresses and ports, as sent and the other way round.
    fn key(&self) -> (Vec<u8>, Vec<u8>) {
        let ip = &self.head[self.ip..];
        let (a, b) = if ip[0] >> 4 == 4 { (&ip[12..16], &ip[16..20]) } else { (&ip[8..24], &ip[24..40]) };
        let (from, to) = ([a, &self.tcp[..2]].concat(), [b, &self.tcp[2..4]].concat());
        ([&from[..], &to].concat(), [&to[..], &from].concat())
    }

    /// Data of an open connection.
    fn is_data(&self) -> bool {
        !self.payload.is_empty() && self.flags & 7 == 0
    }
}

/// Link header and IP packet, without padding behind it.
fn network(packet: &Packet) -> Option<(&[u8], &[u8])> {
    let (link, ip) = packet.data.split_at_checked(14)?;
    if packet.link != ETHERNET || packet.wire as usize != packet.data.len() {
        return None;
    }
    let len = match (&link[12..14], ip.first()? >> 4) {
        ([0x08, 0x00], 4) => usize::from(u16::from_be_bytes([ip[2], ip[3]])),
        ([0x86, 0xdd], 6) => 40 + usize::from(u16::from_be_bytes([ip[4], ip[5]])),
        _ => return None,
    };
    Some((link, ip.get(..len)?))
}

fn kind(ip: &[u8]) -> &'static [u8] {
    if ip[0] >> 4 == 4 { &[0x08, 0x00] } else { &[0x86, 0xdd] }
}

fn checksum(header: &mut [u8]) {
    header[10..12].fill(0);
    let sum: u32 = header.chunks(2).map(|c| u32::from(u16::from_be_bytes([c[0], c[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    header[10..12].copy_from_slice(&(!(folded as u16)).to_be_bytes());
}

fn spoiled(ip: &[u8]) -> Vec<u8> {
    let mut ip = ip.to_vec();
    let four = ip[0] >> 4 == 4;
    let (len, protocol) = if four { (usize::from(ip[0] & 15) * 4, ip[9]) } else { (40, ip[6]) };
    if four {
        ip[10] ^= 0x55;
    }
    if let Some(byte) = ip.get_mut(len + if protocol == 6 { 16 } else { 6 }) {
        *byte ^= 0xaa;
    }
    ip
}

/// Addresses and ports of a datagram.
fn ends(packet: &Packet) -> Option<Vec<u8>> {
    let (_, ip) = network(packet)?;
    let (len, protocol, addresses) =
        if ip[0] >> 4 == 4 { (usize::from(ip[0] & 15) * 4, ip[9], 12..20) } else { (40, ip[6], 8..40) };
    (protocol == 17).then_some([ip.get(addresses)?, ip.get(len..len + 4)?].concat())
}

/// Datagrams of one direction that follow each other, the last of up to four first.
fn datagrams_reversed(packets: &[Packet]) -> Option<Vec<Packet>> {
    let mut all = packets.to_vec();
    for run in all.chunk_by_mut(|a, b| ends(a).is_some_and(|a| Some(a) == ends(b))) {
        for burst in run.chunks_mut(4) {
            let times: Vec<_> = burst.iter().map(|p| p.time).collect();
            burst.reverse();
            burst.iter_mut().zip(times).for_each(|(packet, time)| packet.time = time);
        }
    }
    all.iter().zip(packets).any(|(a, b)| a.data != b.data).then_some(all)
}

fn small(packets: &[Packet], most: usize) -> bool {
    packets.iter().filter_map(Tcp::parse).map(|t| t.payload.len()).sum::<usize>() <= most
}

fn kept(packets: &[Packet], keep: impl Fn(Option<&Tcp>) -> bool) -> Vec<Packet> {
    packets.iter().filter(|p| keep(Tcp::parse(p).as_ref())).cloned().collect()
}

/// Every packet, followed by what `more` makes of it.
fn after(packets: &[Packet], mut more: impl FnMut(&Packet) -> Option<Packet>) -> Vec<Packet> {
    packets.iter().flat_map(|p| [Some(p.clone()), more(p)]).flatten().collect()
}

fn after_data(packets: &[Packet], more: impl Fn(&Tcp) -> Packet) -> Vec<Packet> {
    after(packets, |p| Tcp::parse(p).filter(Tcp::is_data).map(|tcp| more(&tcp)))
}

fn again_later(packets: &[Packet]) -> Vec<Packet> {
    let mut all = Vec::new();
    for (i, packet) in packets.iter().enumerate() {
        all.push(packet.clone());
        let earlier = i.checked_sub(3).map(|i| &packets[i]);
        all.extend(earlier.filter(|p| Tcp::parse(p).is_some_and(|t| t.is_data())).cloned());
    }
    all
}

fn resegment(packets: &[Packet], mut size: impl FnMut(usize) -> usize) -> Vec<Packet> {
    let mut all = Vec::new();
    for packet in packets {
        let Some(tcp) = Tcp::parse(packet).filter(|t| t.payload.len() > 1 && t.flags & 2 == 0) else {
            all.push(packet.clone());
            continue;
        };
        let mut at = 0;
        while at < tcp.payload.len() {
            let end = (at + size(at)).min(tcp.payload.len());
            all.push(tcp.with(|t| {
                t.payload = tcp.payload[at..end].to_vec();
                t.seq = tcp.seq.wrapping_add(at as u32);
                if end < tcp.payload.len() {
                    t.flags &= !0x09;
                }
            }));
            at = end;
        }
    }
    all
}

fn coalesce(packets: &[Packet]) -> Option<Vec<Packet>> {
    let mut all: Vec<Packet> = Vec::new();
    let mut last: Option<Tcp> = None;
    let mut joined = false;
    for packet in packets {
        let tcp = Tcp::parse(packet).filter(Tcp::is_data);
        if let (Some(before), Some(tcp)) = (&mut last, &tcp)
            && before.key() == tcp.key()
            && before.seq.wrapping_add(before.payload.len() as u32) == tcp.seq
            && before.payload.len() + tcp.payload.len() < 40_000
        {
            before.payload.extend(&tcp.payload);
            *all.last_mut()? = before.packet();
            joined = true;
            continue;
        }
        all.push(packet.clone());
        last = tcp;
    }
    joined.then_some(all)
}

fn overlap(packets: &[Packet]) -> Vec<Packet> {
    let mut before: BTreeMap<Vec<u8>, Tcp> = BTreeMap::new();
    after(packets, |packet| {
        let tcp = Tcp::parse(packet).filter(Tcp::is_data)?;
        let last = before.insert(tcp.key().0, tcp.clone())?;
        (last.seq.wrapping_add(last.payload.len() as u32) == tcp.seq).then(|| {
            let n = last.payload.len().min(50);
            let tail = &last.payload[last.payload.len() - n..];
            tcp.with(|t| {
                t.payload = [tail, &tcp.payload].concat();
                t.seq = tcp.seq.wrapping_sub(n as u32);
            })
        })
    })
}

/// Reorders bursts: data of one direction up to the next data of the other. Only directions whose SYN was
/// captured, since elsewhere nobody knows where the stream begins.
fn permute(packets: &[Packet], mut order: impl FnMut(&mut [usize])) -> Option<Vec<Packet>> {
    let all: Vec<_> = packets.iter().map(Tcp::parse).collect();
    let syns: BTreeSet<_> = all.iter().flatten().filter(|t| t.flags & 2 != 0).map(|t| t.key().0).collect();
    let mut open: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    let mut runs = Vec::new();
    for (i, tcp) in all.iter().enumerate() {
        let Some(tcp) = tcp else { continue };
        let (key, back) = tcp.key();
        if tcp.is_data() {
            runs.extend(open.remove(&back));
            open.entry(key).or_default().push(i);
        } else if tcp.flags & 7 != 0 {
            runs.extend([open.remove(&key), open.remove(&back)].into_iter().flatten());
        }
    }
    runs.extend(open.into_values());
    let mut out = packets.to_vec();
    let mut changed = false;
    for run in runs {
        if run.len() < 2 || !all[run[0]].as_ref().is_some_and(|t| syns.contains(&t.key().0)) {
            continue;
        }
        let mut moved = run.clone();
        order(&mut moved);
        changed |= moved != run;
        for (to, from) in run.iter().zip(moved) {
            out[*to] = Packet { time: packets[*to].time, ..packets[from].clone() };
        }
    }
    changed.then_some(out)
}

/// Shifts sequence numbers so that they wrap in the middle of every stream.
fn wrap(packets: &[Packet]) -> Vec<Packet> {
    let all: Vec<_> = packets.iter().map(Tcp::parse).collect();
    let mut streams: BTreeMap<Vec<u8>, (u32, u32)> = BTreeMap::new();
    for tcp in all.iter().flatten() {
        let (first, len) = streams.entry(tcp.key().0).or_insert((tcp.seq, 2));
        *len = tcp.seq.wrapping_sub(*first).wrapping_add(tcp.payload.len() as u32).clamp(*len, 1 << 24);
    }
    let shift = |key: &Vec<u8>| {
        streams.get(key).map_or(0, |(first, len)| (len / 2).wrapping_neg().wrapping_sub(*first))
    };
    let one = |(packet, tcp): (&Packet, &Option<Tcp>)| {
        let Some(tcp) = tcp else { return packet.clone() };
        let (key, back) = tcp.key();
        tcp.with(|t| {
            t.seq = tcp.seq.wrapping_add(shift(&key));
            let ack = u32::from_be_bytes(tcp.tcp[8..12].try_into().unwrap());
            if tcp.flags & 0x10 != 0 {
                t.tcp[8..12].copy_from_slice(&ack.wrapping_add(shift(&back)).to_be_bytes());
            }
            // Selective acknowledgements would no longer fit.
            t.tcp[20..].fill(1);
        })
    };
    packets.iter().zip(&all).map(one).collect()
}

/// As merged from two interfaces whose clocks differ by half a second: the order is right, times jump to and fro.
fn two_clocks(packets: &[Packet]) -> Vec<Packet> {
    let behind = |p: &Packet| {
        network(p).is_some_and(|(_, ip)| if ip[0] >> 4 == 4 { ip[15] & 1 == 0 } else { ip[23] & 1 == 0 })
    };
    let one = |p: &Packet| Packet { time: p.time - if behind(p) { 500_000_000 } else { 0 }, ..p.clone() };
    packets.iter().map(one).collect()
}

/// Rewrites every IP packet from its link header and itself; others stay.
fn each_ip(packets: &[Packet], mut make: impl FnMut(&[u8], &[u8]) -> Vec<Vec<u8>>) -> Option<Vec<Packet>> {
    let one = |p: &Packet| match network(p) {
        Some((link, ip)) => make(link, ip).into_iter().map(|d| Packet::new(p.time, ETHERNET, d)).collect(),
        None => vec![p.clone()],
    };
    let all: Vec<_> = packets.iter().flat_map(one).collect();
    (!all.is_empty()).then_some(all)
}

/// Every IP packet behind another link header; what is no IP goes.
fn wrapped(packets: &[Packet], link: u16, head: impl Fn(&[u8]) -> Vec<u8>) -> Option<Vec<Packet>> {
    let all: Vec<_> = packets
        .iter()
        .filter_map(|p| network(p).map(|(_, ip)| Packet::new(p.time, link, [&head(ip)[..], ip].concat())))
        .collect();
    (!all.is_empty()).then_some(all)
}

fn fragment(
    packets: &[Packet],
    random: &mut Random,
    order: fn(&mut Vec<Vec<u8>>, &mut Random),
) -> Option<Vec<Packet>> {
    let mut number = 0_u16;
    let all = each_ip(packets, |link, ip| {
        let len = usize::from(ip[0] & 15) * 4;
        if ip[0] >> 4 != 4 || ip.len() <= len + 8 || u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff != 0 {
            return vec![[link, ip].concat()];
        }
        number += 1;
        let (mut at, mut list) = (len, Vec::new());
        while at < ip.len() {
            let end = (at + 8 * (1 + random.below(4))).min(ip.len());
            let mut header = ip[..len].to_vec();
            header[2..4].copy_from_slice(&((len + end - at) as u16).to_be_bytes());
            header[4..6].copy_from_slice(&number.to_be_bytes());
            let more = if end < ip.len() { 0x2000 } else { 0 };
            header[6..8].copy_from_slice(&(more | ((at - len) / 8) as u16).to_be_bytes());
            checksum(&mut header);
            list.push([link, &header, &ip[at..end]].concat());
            at = end;
        }
        order(&mut list, random);
        list
    });
    all.filter(|_| number > 0)
}

fn four_to_six(packets: &[Packet]) -> Option<Vec<Packet>> {
    const NET: [u8; 12] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0];
    each_ip(packets, |link, ip| {
        let len = usize::from(ip[0] & 15) * 4;
        if ip[0] >> 4 != 4 {
            return vec![[link, ip].concat()];
        }
        let size = ((ip.len() - len) as u16).to_be_bytes();
        let header = [0x60, 0, 0, 0, size[0], size[1], ip[9], 64];
        let ends = [&NET[..], &ip[12..16], &NET, &ip[16..20]].concat();
        vec![[&link[..12], &[0x86, 0xdd], &header, &ends, &ip[len..]].concat()]
    })
}
