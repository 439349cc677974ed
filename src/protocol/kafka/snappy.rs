//! Snappy, as Kafka has it: one block, or Java's stream of them (the framing of xerial's library). Text of the format: google/snappy,
//! `format_description.txt`.

use super::unsigned;
use crate::protocol::reader::Reader;

/// What Java's framing begins with; two version numbers follow, then blocks behind their lengths.
const MAGIC: &[u8] = b"\x82SNAPPY\0";

/// Decompresses to at most `most` bytes, as far as that goes; the second part says whether it went to the end.
pub(super) fn decoded(bytes: &[u8], most: usize) -> (Vec<u8>, bool) {
    let mut plain = Vec::new();
    let whole = match bytes.strip_prefix(MAGIC) {
        None => block(bytes, most, &mut plain).is_some(),
        Some(rest) => stream(rest, most, &mut plain).is_some(),
    };
    (plain, whole)
}

fn stream(bytes: &[u8], most: usize, plain: &mut Vec<u8>) -> Option<()> {
    let mut r = Reader(bytes);
    r.take(8)?;
    while !r.0.is_empty() {
        let len = r.u32()?;
        block(r.take(len as usize)?, most, plain)?;
    }
    Some(())
}

/// One block: its length, then elements, whose lowest bits tell what they are. Copies reach back into the block.
fn block(bytes: &[u8], most: usize, plain: &mut Vec<u8>) -> Option<()> {
    let mut r = Reader(bytes);
    let len = usize::try_from(unsigned(&mut r)?).ok()?;
    let start = plain.len();
    let end = start.checked_add(len).filter(|end| *end <= most)?;
    while !r.0.is_empty() {
        let tag = r.u8()?;
        let upper = usize::from(tag >> 2);
        let (len, back) = match tag & 3 {
            0 => {
                // A length that does not fit follows in one to four bytes, the lowest first.
                let more = upper.saturating_sub(59);
                let len = if more == 0 { upper } else { little(r.take(more)?) };
                let literal = r.take(len.checked_add(1)?)?;
                plain.extend_from_slice(literal);
                continue;
            }
            1 => (4 + (upper & 7), (upper >> 3) << 8 | usize::from(r.u8()?)),
            2 => (upper + 1, little(r.take(2)?)),
            _ => (upper + 1, little(r.take(4)?)),
        };
        let from = plain.len().checked_sub(back).filter(|from| back > 0 && *from >= start)?;
        if plain.len() + len > end {
            return None;
        }
        // It may reach into what it writes.
        for i in from..from + len {
            plain.push(*plain.get(i)?);
        }
    }
    (plain.len() == end).then_some(())
}

fn little(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_copies_are_undone() {
        // "abcd", three copies of it that overlap, and a far copy with two bytes of offset.
        let coded = [&[20, 3 << 2][..], b"abcd", &[1 | 4 << 2, 4, 2 | 7 << 2, 4, 0]].concat();
        assert_eq!(decoded(&coded, 100), (b"abcdabcdabcdabcdabcd".to_vec(), true));
        let framed = [MAGIC, &[0, 0, 0, 1, 0, 0, 0, 1], &(coded.len() as u32).to_be_bytes(), &coded].concat();
        assert_eq!(decoded(&framed, 100), (b"abcdabcdabcdabcdabcd".to_vec(), true));
        let long = [&[0xc8, 1, 60 << 2, 199][..], &[b'x'; 200]].concat();
        assert_eq!(decoded(&long, 200), (vec![b'x'; 200], true));
        assert_eq!(decoded(&long, 199), (Vec::new(), false), "no more than is asked for");
    }

    #[test]
    fn what_is_malformed_is_told() {
        for bad in [&[][..], &[4, 0], &[4, 1, 9], &[1, 8, b'a', b'b', b'c'], &[8, 0, b'a', 1, 2]] {
            assert!(!decoded(bad, 100).1, "{bad:?}");
        }
    }
}
