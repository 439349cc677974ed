//! Datagrams that came in fragments: their bytes stand in several frames, and so does what is to be changed of them.
//!
//! A joined datagram gets a place behind the end of any file, where changes of it are noted like all others. They are brought
//! to its fragments, with its checksum, when all are known.

use super::checksum;
use super::patch::Patches;
use crate::limits;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// Offsets from here on are those of joined datagrams.
const BEYOND: u64 = 1 << 62;
/// Room for each.
const ROOM: u64 = 1 << 17;

/// What makes fragments one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    addresses: [u8; 32],
    id: u32,
    v6: bool,
}

/// A fragment in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) key: Key,
    /// Protocol of what is in it.
    protocol: u8,
    /// Offset in the datagram.
    pub(super) at: usize,
    /// Where its bytes begin in the frame, and how many there are.
    pub(super) start: usize,
    pub(super) len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    at: usize,
    len: usize,
    file: u64,
}

struct Whole {
    key: Key,
    protocol: u8,
    /// Its place.
    base: u64,
    pieces: Vec<Piece>,
    bytes: Vec<u8>,
}

/// Fragments that were seen, and the datagrams that they made.
#[derive(Default)]
pub(super) struct Fragments {
    waiting: HashMap<Key, (u8, Vec<Piece>)>,
    order: VecDeque<Key>,
    whole: Vec<Whole>,
    held: usize,
    next: u64,
}

impl Fragments {
    /// Notes the fragments in a frame that begins at `offset` of the file.
    pub(super) fn note(&mut self, frame: &[u8], offset: u64) {
        for fragment in fragments(frame) {
            let piece = Piece { at: fragment.at, len: fragment.len, file: offset + fragment.start as u64 };
            let order = &mut self.order;
            let (protocol, list) = self.waiting.entry(fragment.key).or_insert_with(|| {
                order.push_back(fragment.key);
                (0, Vec::new())
            });
            if fragment.at == 0 {
                *protocol = fragment.protocol;
            }
            list.push(piece);
        }
        while self.order.len() > limits::redact::FRAGMENTED {
            if let Some(key) = self.order.pop_front() {
                self.waiting.remove(&key);
            }
        }
    }

    /// The place of the last `len` bytes of a datagram that the frame completes; `joined` ends with them.
    pub(super) fn place(
        &mut self,
        frame: &[u8],
        joined: &[u8],
        len: usize,
        patches: &mut Patches,
    ) -> Option<u64> {
        let key = fragments(frame).last()?.key;
        let (protocol, pieces) = self.waiting.remove(&key)?;
        let total = pieces.iter().map(|piece| piece.at + piece.len).max().unwrap_or(0);
        let bytes = joined.get(joined.len().checked_sub(total)?..)?.to_vec();
        if self.held + bytes.len() > limits::FRAGMENT_BYTES * 4 {
            self.settle(patches);
        }
        self.held += bytes.len();
        let base = BEYOND + self.next * ROOM;
        self.next += 1;
        self.whole.push(Whole { key, protocol, base, pieces, bytes });
        Some(base + (total - len) as u64)
    }

    /// Brings what is to be changed in datagrams to their fragments.
    pub(super) fn settle(&mut self, patches: &mut Patches) {
        patches.sort();
        let mut all = Vec::new();
        for whole in self.whole.drain(..) {
            let mut new = whole.bytes.clone();
            if !patches.apply(whole.base, &mut new) {
                continue;
            }
            let (mut old_packet, mut new_packet) = (whole.head(), whole.head());
            let head = old_packet.len();
            old_packet.extend_from_slice(&whole.bytes);
            new_packet.extend_from_slice(&new);
            checksum::mend(&old_packet, &mut new_packet);
            let new = new_packet.get(head..).unwrap_or_default();
            let difference: Vec<u8> = whole.bytes.iter().zip(new).map(|(a, b)| a ^ b).collect();
            for piece in &whole.pieces {
                let part = difference.get(piece.at..piece.at + piece.len).unwrap_or_default();
                if part.iter().any(|b| *b != 0) {
                    all.push((piece.file, part.to_vec()));
                }
            }
        }
        self.held = 0;
        for (at, difference) in all {
            patches.differ(at, &difference);
        }
    }
}

impl Whole {
    /// A header that the datagram could have come behind in one piece.
    fn head(&self) -> Vec<u8> {
        let len = self.bytes.len();
        let [source, destination] = self.key.addresses.as_chunks::<16>().0 else { return Vec::new() };
        if self.key.v6 {
            let len = (len as u16).to_be_bytes();
            let head = [0x60, 0, 0, 0, len[0], len[1], self.protocol, 64];
            return [&head[..], source, destination].concat();
        }
        let len = ((len + 20) as u16).to_be_bytes();
        let head = [0x45, 0, len[0], len[1], 0, 0, 0, 0, 64, self.protocol, 0, 0];
        [&head[..], &source[..4], &destination[..4]].concat()
    }
}

/// The fragments in a frame, the outer ones first: headers are found by what they are.
pub(super) fn fragments(frame: &[u8]) -> impl Iterator<Item = Fragment> {
    (0..frame.len().min(HEADERS)).filter_map(|at| fragment(frame, at))
}

/// Bytes of a frame in which headers are looked for.
const HEADERS: usize = 256;

fn fragment(frame: &[u8], at: usize) -> Option<Fragment> {
    let packet = frame.get(at..)?;
    let word = |at: usize| Some(usize::from(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?])));
    let mut addresses = [0; 32];
    match packet.first()? >> 4 {
        4 => {
            let head = usize::from(packet.first()? & 15) * 4;
            let (total, place) = (word(2)?, word(6)?);
            let header = packet.get(..head).filter(|_| head >= 20 && place & 0x3fff != 0)?;
            if total <= head || total > packet.len() || !checksum::header_fits(header) {
                return None;
            }
            addresses[..4].copy_from_slice(packet.get(12..16)?);
            addresses[16..20].copy_from_slice(packet.get(16..20)?);
            let id = word(4)? as u32 | u32::from(*packet.get(9)?) << 16;
            let key = Key { addresses, id, v6: false };
            let protocol = *packet.get(9)?;
            Some(Fragment { key, protocol, at: (place & 0x1fff) * 8, start: at + head, len: total - head })
        }
        6 => {
            let end = 40 + word(4)?;
            let (mut next, mut head) = (*packet.get(6)?, 40);
            while matches!(next, 0 | 43 | 60) {
                next = *packet.get(head)?;
                head += 8 + usize::from(*packet.get(head + 1)?) * 8;
            }
            if next != 44 || end > packet.len() || head + 8 >= end || *packet.get(head + 1)? != 0 {
                return None;
            }
            addresses.copy_from_slice(packet.get(8..40)?);
            let id = (word(head + 4)? as u32) << 16 | word(head + 6)? as u32;
            let key = Key { addresses, id, v6: true };
            let (protocol, place) = (*packet.get(head)?, word(head + 2)? & 0xfff8);
            Some(Fragment { key, protocol, at: place, start: at + head + 8, len: end - head - 8 })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
        let mut head = vec![0x45, 0, 0, 0, 0, 9, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        head[2..4].copy_from_slice(&((20 + bytes.len()) as u16).to_be_bytes());
        head[6..8].copy_from_slice(&((at / 8) as u16 | u16::from(more) << 13).to_be_bytes());
        let sum: u32 = head.as_chunks::<2>().0.iter().map(|w| u32::from(u16::from_be_bytes(*w))).sum();
        let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
        head[10..12].copy_from_slice(&sum.to_be_bytes());
        [&[0; 14][..], &head, bytes].concat()
    }

    #[test]
    fn a_change_over_two_fragments_is_made_in_both() {
        // Without a checksum.
        let datagram = [&[0, 53, 0, 53, 0, 28, 0, 0][..], b"abcdefghijklmnopqrst"].concat();
        let mut frames = [frame(0, true, &datagram[..16]), frame(16, false, &datagram[16..])];
        let offsets = [100, 300];
        let (mut fragments, mut patches) = (Fragments::default(), Patches::default());
        for (frame, offset) in frames.iter().zip(offsets) {
            fragments.note(frame, offset);
        }
        let place = fragments.place(&frames[1], &datagram, 20, &mut patches).unwrap();
        patches.set(place + 4, b"EFGHIJKLMN");
        fragments.settle(&mut patches);
        patches.sort();
        for (frame, offset) in frames.iter_mut().zip(offsets) {
            patches.apply(offset, frame);
        }
        assert!(frames[0].ends_with(b"abcdEFGH") && frames[1].ends_with(b"IJKLMNopqrst"));
    }
}
