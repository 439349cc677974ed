//! Messages of the formats before batches (0, and 1 of KIP-32): each has a head of its own, and the value of one that is
//! compressed is a set of others.

use super::batch::{decoded, tell};
use crate::limits;
use crate::message::{Direction, Location};
use crate::protocol::reader::{Reader, field, offset};
use crate::protocol::{Out, Trail};
use std::borrow::Cow;

/// Offset and size, which counts what follows.
const AHEAD: usize = 12;
/// Where the format stands: in batches, too.
const FORMAT: usize = 16;

/// Compression in the lower three bits, and the kind of time stamp.
const ATTRIBUTES: u8 = 0x0f;
const CODING: u8 = 7;
const LZ4: u8 = 3;

/// Whether bytes at these places may be a format and its attributes, as far as they are there.
pub(super) fn may_be(format: u8, attributes: Option<u8>) -> bool {
    format <= 1 && attributes.is_none_or(|a| a & !ATTRIBUTES == 0 && a & CODING <= LZ4)
}

/// The length of the message that `bytes` begin with. All of its lengths must agree, and a key that is too long to see the one
/// behind it is not believed.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let mut r = Reader(bytes);
    let head = Head::read(&mut r)?;
    if let Some(key) = head.key {
        r.take(key)?;
    }
    let value = usize::try_from(r.u32().filter(|len| *len != u32::MAX).unwrap_or(0)).ok()?;
    let good = bytes.len() - r.0.len() - AHEAD + value == head.size && head.size <= limits::KAFKA_BATCH;
    good.then_some(AHEAD + head.size)
}

/// What stands before the key.
struct Head {
    size: usize,
    format: u8,
    coding: u8,
    /// Its length.
    key: Option<usize>,
}

impl Head {
    fn read(r: &mut Reader<'_>) -> Option<Self> {
        let offset = u64::from_be_bytes(r.array()?);
        let size = r.u32()? as usize;
        r.u32()?;
        let (format, attributes) = (r.u8()?, r.u8()?);
        if format == 1 {
            r.take(8)?;
        }
        let key = Some(r.u32()?).filter(|len| *len != u32::MAX);
        let good = offset < 1 << 56 && may_be(format, Some(attributes));
        good.then_some(Self { size, format, coding: attributes & CODING, key: key.map(|len| len as usize) })
    }
}

/// A whole message.
struct Message<'a> {
    head: Head,
    key: &'a [u8],
    value: &'a [u8],
}

impl<'a> Message<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut r = Reader(bytes);
        let head = Head::read(&mut r)?;
        let key = r.take(head.key.unwrap_or(0))?;
        let value = r.u32().filter(|len| *len != u32::MAX).unwrap_or(0);
        let value = r.take(value as usize)?;
        r.0.is_empty().then_some(Self { head, key, value })
    }
}

/// Says a message, or those in it.
pub(super) fn emit(bytes: &[u8], dir: Direction, out: &mut Out<'_>) {
    let Some(Message { head, key, value }) = Message::read(bytes) else {
        return out.say(dir, Location::Publish, 0, bytes);
    };
    if head.coding == 0 {
        return one(bytes, 0, key, value, dir, out);
    }
    let coded = if (head.format, head.coding) == (0, LZ4) { mended(value) } else { Cow::Borrowed(value) };
    let (plain, whole) = decoded(head.coding, &coded);
    if !whole {
        out.weird("content_undecodable");
    }
    let mut trails = <[Trail; 2]>::default();
    let position = out.trail(dir).position(offset(bytes, value).into());
    trails[dir.index()].push_derived(0, plain.len() as u64, position);
    out.wrapped(dir, bytes, blanked, |out| out.decoded(&trails, |out| set(&plain, dir, out)));
}

/// The same message, not compressed, with spaces as its value: what stands for one that cannot be changed as it is.
fn blanked(bytes: &[u8]) -> Option<Vec<u8>> {
    let value = offset(bytes, Message::read(bytes)?.value) as usize;
    let mut new = bytes.to_vec();
    *new.get_mut(FORMAT + 1)? &= !CODING;
    new.get_mut(value..)?.fill(b' ');
    let checksum = crc32fast::hash(new.get(FORMAT..)?);
    new.get_mut(AHEAD..FORMAT)?.copy_from_slice(&checksum.to_be_bytes());
    Some(new)
}

/// Messages one after the other; what is not one is said as it is.
fn set(bytes: &[u8], dir: Direction, out: &mut Out<'_>) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = offset(bytes, rest).into();
        let size = rest.get(8..AHEAD).map(|size| size.iter().fold(0, |n, b| n << 8 | usize::from(*b)));
        let whole = size.and_then(|size| rest.split_at_checked(AHEAD + size));
        let message = whole.and_then(|(message, after)| Some((message, Message::read(message)?, after)));
        let Some((message, Message { head: Head { coding: 0, .. }, key, value }, after)) = message else {
            return out.say(dir, Location::Publish, at, rest);
        };
        one(message, at, key, value, dir, out);
        rest = after;
    }
}

/// A message that is not compressed, and lies at offset `at`.
fn one(message: &[u8], at: u64, key: &[u8], value: &[u8], dir: Direction, out: &mut Out<'_>) {
    let key = Some(field(message, b"key", key)).filter(|key| !key.value.is_empty());
    tell((message, at), value, key.as_slice(), dir, out);
}

/// A frame of LZ4 with the checksum that its head should have: in format 0 it counts the magic number, too (KIP-57).
fn mended(frame: &[u8]) -> Cow<'_, [u8]> {
    // Neither a length nor a dictionary: then the head is its flags, the size of blocks and the checksum.
    match frame {
        [0x04, 0x22, 0x4d, 0x18, flags, blocks, _, ..] if flags & 0x09 == 0 => {
            let mut frame = frame.to_vec();
            frame[6] = (short_hash(&[*flags, *blocks]) >> 8) as u8;
            Cow::Owned(frame)
        }
        _ => Cow::Borrowed(frame),
    }
}

/// XXH32 of less than four bytes, without a seed.
fn short_hash(bytes: &[u8]) -> u32 {
    let start = 374_761_393_u32.wrapping_add(bytes.len() as u32);
    let mut hash = bytes.iter().fold(start, |hash, byte| {
        let hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(374_761_393));
        hash.rotate_left(11).wrapping_mul(2_654_435_761)
    });
    hash = (hash ^ hash >> 15).wrapping_mul(2_246_822_519);
    hash = (hash ^ hash >> 13).wrapping_mul(3_266_489_917);
    hash ^ hash >> 16
}

/// Where the format stands in what may begin a message or a batch.
pub(super) fn format(bytes: &[u8]) -> Option<u8> {
    bytes.get(FORMAT).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checksums of heads, as the encoder of another library makes them.
    #[test]
    fn heads_of_lz4_are_mended() {
        use std::io::Write as _;
        let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
        out.write_all(b"text").unwrap();
        let frame = out.finish().unwrap();
        let mut broken = frame.clone();
        broken[6] ^= 0xff;
        assert_eq!(mended(&broken), frame);
        assert_eq!(short_hash(&[0x64, 0x40]) >> 8 & 0xff, 0xa7);
        assert_eq!(*mended(b"text"), *b"text");
    }

    #[test]
    fn a_blank_message_is_whole_and_says_nothing() {
        // Offset, size, checksum, format 0, gzip, no key, a value of four bytes.
        let mut message =
            [&[0; 8][..], &18_u32.to_be_bytes(), &[0; 4], &[0, 1], &[0xff; 4], &[0, 0, 0, 4]].concat();
        message.extend(b"text");
        let new = blanked(&message).unwrap();
        let Message { head, key, value } = Message::read(&new).unwrap();
        assert_eq!((new.len(), head.coding, key, value), (message.len(), 0, &b""[..], &b"    "[..]));
        assert_eq!(new[AHEAD..FORMAT], crc32fast::hash(&new[FORMAT..]).to_be_bytes());
        assert!(blanked(&message[..message.len() - 1]).is_none());
    }
}
