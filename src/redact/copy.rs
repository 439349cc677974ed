//! Writes the capture again: byte for byte, but for what is to be changed, and without its TLS secrets and what nothing here reads.

use super::checksum;
use super::fragments::{Key, fragments};
use super::quic;
use super::work::{Blank, Work};
use crate::capture::{Block, CaptureError, More, SecretsOrigin, Source};
use crate::decode::{DecodeOptions, Decoder, FlowKey, Packet, Segment, Side, TcpHeader};
use crate::limits;
use crate::tally::Tally;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::ops::Range;

/// Why the output cannot be written.
#[derive(Debug)]
pub(super) enum CopyError {
    Read(CaptureError),
    Write(io::Error),
}

impl From<CaptureError> for CopyError {
    fn from(error: CaptureError) -> Self {
        Self::Read(error)
    }
}

impl From<io::Error> for CopyError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// Copies `source` to `out` as `work` says; `header` gives the bytes of the file, of which those before the first block are its
/// header.
pub(super) fn copy(
    mut source: Box<dyn Source>,
    header: &mut dyn Read,
    work: &mut Work,
    out: &mut dyn Write,
) -> Result<(), CopyError> {
    work.patches.sort();
    let mut decoder = Decoder::new(DecodeOptions::default());
    let (mut block, mut tally) = (Block::default(), Tally::default());
    let mut again = Again::default();
    let mut first = true;
    let mut dropped: Vec<u64> = Vec::new();
    loop {
        block.clear();
        let more = source.fill(&mut block)?;
        if first {
            let mut bytes = Vec::new();
            (&mut *header).take(block.base).read_to_end(&mut bytes).map_err(CaptureError::Io)?;
            let mut header = bytes;
            work.patches.apply(0, &mut header);
            out.write_all(&header)?;
            first = false;
        }
        dropped.extend(block.secrets.iter().filter_map(|secrets| match secrets.origin {
            SecretsOrigin::Capture(at) => Some(at),
            SecretsOrigin::KeyLog(_) => None,
        }));
        let mut new = block.bytes.filled().get(..block.used).unwrap_or_default().to_vec();
        work.patches.apply(block.base, &mut new);
        for index in 0..block.frames.len() {
            let packet = decoder.decode(&mut block, index, &mut tally);
            frame(&block, index, packet.as_ref(), &mut new, &mut again, work);
        }
        write(&block, &new, &mut dropped, work, out)?;
        if more == More::End {
            out.flush()?;
            return Ok(());
        }
    }
}

/// Changes one frame in `new` beyond what patches did.
fn frame(
    block: &Block,
    index: usize,
    packet: Option<&Packet>,
    new: &mut [u8],
    again: &mut Again,
    work: &mut Work,
) {
    let Some(frame) = block.frames.get(index) else { return };
    let place = frame.start as usize..frame.start as usize + frame.len as usize;
    let Some(old) = block.bytes.filled().get(place.clone()) else { return };
    if let Some(packet) = packet.filter(|packet| !packet.payload.side) {
        let payload =
            packet.payload.start as usize..packet.payload.start as usize + packet.payload.len as usize;
        let (Some(was), Some(is)) = (block.bytes.filled().get(payload.clone()), new.get_mut(payload)) else {
            return;
        };
        let base = frame.offset + u64::from(packet.payload.start - frame.start);
        if let Some((_, blank)) = work.packets.range(base..base + was.len().max(1) as u64).next() {
            let ranges = match blank {
                Blank::Payload => std::iter::once(0..was.len()).collect(),
                Blank::Quic => quic::content(was),
            };
            for range in ranges {
                is.get_mut(range).into_iter().for_each(|bytes| bytes.fill(0));
            }
            work.told.packets += 1;
        }
        again.segment(packet, was, is);
    }
    if let Some(new) = new.get_mut(place) {
        again.fragments(old, new);
        checksum::mend(old, new);
    }
}

/// Writes a block without the secrets in it and without what nobody can say anything of.
fn write(
    block: &Block,
    new: &[u8],
    dropped: &mut Vec<u64>,
    work: &mut Work,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut gone: Vec<_> = block.skipped.iter().map(|skipped| skipped.range.clone()).collect();
    work.told.unknown += block.skipped.iter().filter(|skipped| !skipped.damaged).count() as u64;
    let end = block.base + new.len() as u64;
    let mut here: Vec<u64> = dropped.iter().copied().filter(|at| (block.base..end).contains(at)).collect();
    dropped.retain(|at| *at >= end);
    here.sort_unstable();
    here.dedup();
    let secrets = here.into_iter().filter_map(|at| secrets(new, (at - block.base) as usize));
    let before = gone.len();
    gone.extend(secrets);
    work.told.secrets += (gone.len() - before) as u64;
    gone.sort_unstable_by_key(|range| range.start);
    let mut done = 0;
    for range in gone {
        out.write_all(new.get(done..range.start).unwrap_or_default())?;
        done = range.end.max(done);
    }
    out.write_all(new.get(done..).unwrap_or_default())
}

/// The block of secrets that begins at `start`: its length stands at both of its ends, in the section's byte order
/// (draft-ietf-opsawg-pcapng section 3.1).
fn secrets(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let word = |at: usize| bytes.get(at..)?.first_chunk::<4>().copied();
    let length = word(start + 4)?;
    let ends = |len: u32| {
        let end = start.checked_add((len as usize).next_multiple_of(4))?;
        (end >= start + 12 && word(end - 4)? == length).then_some(start..end)
    };
    ends(u32::from_le_bytes(length)).or_else(|| ends(u32::from_be_bytes(length)))
}

/// Changes of TCP segments and of fragments, so that what is sent again is changed again.
#[derive(Default)]
struct Again {
    lists: HashMap<Whose, VecDeque<Change>>,
    bytes: usize,
}

/// Whose bytes they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Whose {
    Stream(FlowKey, Side),
    Datagram(Key),
}

struct Change {
    /// Sequence number of the first byte.
    seq: u32,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Again {
    /// The payload of a segment.
    fn segment(&mut self, packet: &Packet, was: &[u8], is: &mut [u8]) {
        let Segment::Tcp(header) = packet.segment else { return };
        let seq = header.seq.wrapping_add(u32::from(header.has(TcpHeader::SYN)));
        // It may be sent again by another path.
        self.bytes(Whose::Stream(packet.key.bare(), packet.from), seq, was, is);
    }

    /// The fragments in a frame.
    fn fragments(&mut self, was: &[u8], is: &mut [u8]) {
        for fragment in fragments(was) {
            let range = fragment.start..fragment.start + fragment.len;
            if let (Some(was), Some(is)) = (was.get(range.clone()), is.get_mut(range)) {
                self.bytes(Whose::Datagram(fragment.key), fragment.at as u32, was, is);
            }
        }
    }

    /// Changes the bytes `is` at `seq`, which were `was`, as the same bytes were changed before, and remembers how they were
    /// changed.
    fn bytes(&mut self, whose: Whose, seq: u32, was: &[u8], is: &mut [u8]) {
        if was.is_empty() {
            return;
        }
        for change in self.lists.get(&whose).into_iter().flatten() {
            change.apply(seq, was, is);
        }
        let Some(first) = was.iter().zip(&*is).position(|(a, b)| a != b) else { return };
        let end = was.len() - was.iter().rev().zip(is.iter().rev()).position(|(a, b)| a != b).unwrap_or(0);
        if self.bytes > limits::redact::AGAIN_BYTES {
            *self = Self::default();
        }
        let list = self.lists.entry(whose).or_default();
        if list.len() >= limits::redact::AGAIN_FLOW {
            list.pop_front();
        }
        let at = seq.wrapping_add(first as u32);
        let (old, new) = (was.get(first..end).unwrap_or_default(), is.get(first..end).unwrap_or_default());
        if list.iter().any(|change| change.seq == at && change.new == new) {
            return;
        }
        self.bytes += 2 * old.len() + 128;
        list.push_back(Change { seq: at, old: old.to_vec(), new: new.to_vec() });
    }
}

impl Change {
    /// Changes the part of a segment at `seq` that is the same text.
    fn apply(&self, seq: u32, was: &[u8], is: &mut [u8]) {
        let ahead = self.seq.wrapping_sub(seq) as i32;
        // Where the change begins in the segment, and where the segment begins in the change.
        let (at, skip) = if ahead >= 0 { (ahead as usize, 0) } else { (0, ahead.unsigned_abs() as usize) };
        let (Some(old), Some(new)) = (self.old.get(skip..), self.new.get(skip..)) else { return };
        let len = old.len().min(was.len().saturating_sub(at));
        if len > 0
            && was.get(at..at + len) == old.get(..len)
            && let (Some(place), Some(new)) = (is.get_mut(at..at + len), new.get(..len))
        {
            place.copy_from_slice(new);
        }
    }
}
