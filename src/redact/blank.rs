//! Bodies that are coded, with nothing in them: as long as what they replace, and still decodable.

use flate2::{Compress, Compression, FlushCompress};
use std::borrow::Cow;

/// What a coded body says, in exactly `len` bytes: `new`, which stands for `old`; where that does not fit, `old` with all that is
/// secret in it struck out; where that cannot be written either, spaces. The second part says whether it is `new`.
pub(super) fn refilled(codings: &[u8], old: &[u8], new: &[u8], len: usize) -> (Vec<u8>, bool) {
    if let Some(body) = coded(codings, Some(new), len) {
        return (body, true);
    }
    // Runs of one character need hardly any room.
    let struck: Vec<u8> =
        old.iter().zip(new).map(|(old, new)| if old == new { *old } else { b'x' }).collect();
    (coded(codings, Some(&struck), len).unwrap_or_else(|| blank(codings, len)), false)
}

/// Spaces in that content coding, in exactly `len` bytes; zeros where that cannot be (too short, an unknown coding, several).
pub(super) fn blank(codings: &[u8], len: usize) -> Vec<u8> {
    coded(codings, None, len).unwrap_or_else(|| vec![0; len])
}

/// A text, or as many spaces as there is room for, in that content coding and exactly `len` bytes. Nothing is compressed but by
/// deflate.
fn coded(codings: &[u8], text: Option<&[u8]>, len: usize) -> Option<Vec<u8>> {
    let body = match (codings.trim_ascii().to_ascii_lowercase().as_slice(), text) {
        (b"gzip" | b"x-gzip", text) => gzip(text, len),
        (b"deflate", text) => zlib(text, len),
        (b"br", None) => brotli(len),
        (b"zstd", None) => zstd(len),
        _ => None,
    };
    body.filter(|bytes| bytes.len() == len)
}

/// Blocks of deflate in `len` bytes, and what they say: the text, or spaces.
fn blocks(text: Option<&[u8]>, len: usize) -> Option<(Vec<u8>, Cow<'_, [u8]>)> {
    match text {
        Some(text) => Some((compressed(text, len)?, text.into())),
        None => stored(len).map(|(blocks, spaces)| (blocks, vec![b' '; spaces].into())),
    }
}

/// A text as deflate's blocks (RFC 1951) in exactly `len` bytes, filled up with empty ones.
fn compressed(text: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(len);
    let mut coder = Compress::new(Compression::best(), false);
    coder.compress_vec(text, &mut out, FlushCompress::Sync).ok()?;
    // No room is left where the end may be missing.
    if coder.total_in() < text.len() as u64 || out.len() == out.capacity() {
        return None;
    }
    let room = len.checked_sub(out.len())?.checked_sub(2)?;
    for _ in 0..room / 5 {
        // Stored, not the last: section 3.2.4.
        out.extend([0, 0, 0, 0xff, 0xff]);
    }
    // So many bytes and two more. In fixed codes an empty block has ten bits (section 3.2.6), the last one first: 11, else 10.
    match room % 5 {
        0 => out.extend([0b11, 0]),
        1 => out.extend([0b10, 0b1100, 0]),
        2 => out.extend([0b10, 0b1000, 0b11_0000, 0]),
        3 => out.extend([0b10, 0b1000, 0b10_0000, 0b1100_0000, 0]),
        // One of them, then a stored one that is the last.
        _ => out.extend([0b10, 0b100, 0, 0, 0xff, 0xff]),
    }
    Some(out)
}

/// Blocks that are stored (RFC 1951 section 3.2.4), in `len` bytes, and how many spaces are in them.
fn stored(len: usize) -> Option<(Vec<u8>, usize)> {
    let (mut out, mut left, mut spaces) = (Vec::with_capacity(len), len, 0);
    while left > 0 || out.is_empty() {
        let room = left.checked_sub(5)?;
        // What is left over has room for another block.
        let size = if room <= 0xffff { room } else { 0xffff.min(room - 5) };
        left = room - size;
        spaces += size;
        out.push(u8::from(left == 0));
        out.extend((size as u16).to_le_bytes());
        out.extend((!(size as u16)).to_le_bytes());
        out.resize(out.len() + size, b' ');
    }
    Some((out, spaces))
}

/// A compressed message of a WebSocket (RFC 7692 section 7.2.1) in exactly `len` bytes that says spaces. Behind it stands the rest
/// of an empty block that is stored.
pub(super) fn deflated(len: usize) -> Vec<u8> {
    // So many spaces in fixed codes, for what is too short for a stored block: 3 bits of header, 8 for each, 7 for the end, and
    // 3 of the header of the empty block behind it.
    match len {
        0 => Vec::new(),
        1 => vec![0],
        2..=5 => {
            let (mut bits, mut n) = (0b010_u64, 3);
            for _ in 0..len - 2 {
                // The code of a space, 0x30 + 0x20, its first bit first.
                bits |= u64::from(0x50_u8.reverse_bits()) << n;
                n += 8;
            }
            bits.to_le_bytes()[..len].to_vec()
        }
        _ => {
            let mut out = stored(len - 1).map_or_else(|| vec![0; len - 1], |(blocks, _)| blocks);
            // None of them is the last.
            let mut at = 0;
            while let Some(head) = out.get_mut(at..at + 3) {
                head[0] = 0;
                at += 5 + usize::from(u16::from_le_bytes([head[1], head[2]]));
            }
            out.push(0);
            out
        }
    }
}

/// RFC 1952.
fn gzip(text: Option<&[u8]>, len: usize) -> Option<Vec<u8>> {
    let (blocks, text) = blocks(text, len.checked_sub(18)?)?;
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(blocks);
    out.extend(crc32fast::hash(&text).to_le_bytes());
    out.extend((text.len() as u32).to_le_bytes());
    Some(out)
}

/// RFC 1950.
fn zlib(text: Option<&[u8]>, len: usize) -> Option<Vec<u8>> {
    let (blocks, text) = blocks(text, len.checked_sub(6)?)?;
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in &*text {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut out = vec![0x78, 0x01];
    out.extend(blocks);
    out.extend((b << 16 | a).to_be_bytes());
    Some(out)
}

/// RFC 7932: meta-blocks that are not compressed, then an empty last one (section 9.2).
fn brotli(len: usize) -> Option<Vec<u8>> {
    // WBITS 16 is one bit, 0.
    let mut left = len.checked_sub(1)?;
    let mut out = Vec::with_capacity(len);
    let mut first = true;
    while left > 0 {
        // Header: ISLAST 0, MNIBBLES 4 (00), MLEN - 1 in 16 bits, ISUNCOMPRESSED 1: 20 bits, behind WBITS in the first one.
        let size = left.checked_sub(3).filter(|size| *size > 0)?;
        let size = if size <= 1 << 16 { size } else { (1 << 16).min(size - 4) };
        let header = (((size - 1) as u32) << 3 | 1 << 19) << u32::from(first);
        out.extend(header.to_le_bytes().get(..3)?);
        out.resize(out.len() + size, b' ');
        left -= 3 + size;
        first = false;
    }
    // ISLAST 1, ISLASTEMPTY 1; behind WBITS if there was nothing before.
    out.push(if first { 0b110 } else { 0b11 });
    Some(out)
}

/// RFC 8878 section 3.1.1: a frame of raw blocks.
fn zstd(len: usize) -> Option<Vec<u8>> {
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x38];
    let mut left = len.checked_sub(out.len())?;
    loop {
        let room = left.checked_sub(3)?;
        let size = if room <= 1 << 17 { room } else { (1 << 17).min(room - 3) };
        left = room - size;
        out.extend(((size as u32) << 3 | u32::from(left == 0)).to_le_bytes().get(..3)?);
        out.resize(out.len() + size, b' ');
        if left == 0 {
            return Some(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::ContentDecoder;

    #[test]
    fn compressed_messages_have_their_length_and_say_spaces() {
        for len in (1..40).chain([65_540, 65_546, 70_000, 140_000]) {
            let message = deflated(len);
            assert_eq!(message.len(), len);
            let whole = [&message[..], &[0, 0, 0xff, 0xff]].concat();
            let mut inflate = flate2::Decompress::new(false);
            let mut plain = vec![0; 200_000];
            let status = inflate.decompress(&whole, &mut plain, flate2::FlushDecompress::Sync);
            assert!(status.is_ok() && inflate.total_in() == whole.len() as u64, "{len}: {status:?}");
            plain.truncate(inflate.total_out() as usize);
            assert!(plain.iter().all(|b| *b == b' ') && (len < 7 || !plain.is_empty()), "{len}: {plain:?}");
        }
    }

    fn decoded(coding: &str, body: &[u8]) -> Vec<u8> {
        let mut decoder = ContentDecoder::new(coding.as_bytes()).unwrap().unwrap();
        let mut plain = Vec::new();
        decoder.push(body, &mut |out| plain.extend_from_slice(out)).unwrap();
        decoder.finish(&mut |out| plain.extend_from_slice(out)).unwrap();
        plain
    }

    #[test]
    fn a_text_is_compressed_to_any_length_that_it_fits_in() {
        let old = br#"{"version":"1.1","host":"a.test","short_message":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2huIn0.c2ln"}"#;
        let mut new = old.to_vec();
        new.iter_mut()
            .skip(72)
            .filter(|b| b.is_ascii_lowercase())
            .for_each(|b| *b = b'a' + (*b - b'a' + 5) % 26);
        for coding in ["gzip", "deflate"] {
            let lengths: Vec<_> = (40..200)
                .filter(|len| {
                    let (body, whole) = refilled(coding.as_bytes(), old, &new, *len);
                    assert_eq!(body.len(), *len);
                    assert!(!whole || decoded(coding, &body) == new, "{coding} {len}");
                    whole
                })
                .collect();
            let first = lengths[0];
            assert!(first < 140 && lengths == (first..200).collect::<Vec<_>>(), "{coding}: {lengths:?}");
            // One byte less: what is secret goes, everything else stays.
            let (body, _) = refilled(coding.as_bytes(), old, &new, first - 1);
            let struck = decoded(coding, &body);
            assert!(struck.starts_with(&old[..72]) && struck.ends_with(b"\"}"), "{coding}");
            assert!(struck[72..].iter().filter(|b| **b == b'x').count() > 10);
        }
        // What cannot be compressed here is blanked.
        assert_eq!(refilled(b"zstd", old, &new, 90), (blank(b"zstd", 90), false));
        assert_eq!(decoded("gzip", &refilled(b"gzip", old, &new, 40).0), [b' '; 17]);
    }

    #[test]
    fn what_is_blank_has_its_length_and_is_decoded_to_spaces() {
        for coding in ["gzip", "deflate", "br", "zstd", "X-GZIP"] {
            for len in (30..80).chain([65_530, 65_545, 65_560, 65_570, 131_080, 131_085, 131_087, 200_000]) {
                let body = blank(coding.as_bytes(), len);
                assert_eq!(body.len(), len, "{coding}");
                assert_ne!(body, vec![0; len], "{coding} {len}");
                let plain = decoded(coding, &body);
                assert!(!plain.is_empty() && plain.iter().all(|b| *b == b' '), "{coding} {len}: {plain:?}");
            }
        }
        for (coding, len) in [("gzip", 10), ("gzip, br", 50), ("odd", 20)] {
            assert_eq!(blank(coding.as_bytes(), len), vec![0; len]);
        }
    }
}
