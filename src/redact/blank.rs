//! Bodies that are coded, with nothing in them: as long as what they replace, and still decodable.

/// Spaces in that content coding, in exactly `len` bytes; zeros where that cannot be (too short, an unknown coding, several).
pub(super) fn blank(codings: &[u8], len: usize) -> Vec<u8> {
    let name = codings.trim_ascii().to_ascii_lowercase();
    let coded = match name.as_slice() {
        b"gzip" | b"x-gzip" => gzip(len),
        b"deflate" => zlib(len),
        b"br" => brotli(len),
        b"zstd" => zstd(len),
        _ => None,
    };
    coded.filter(|bytes| bytes.len() == len).unwrap_or_else(|| vec![0; len])
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
fn gzip(len: usize) -> Option<Vec<u8>> {
    let (blocks, spaces) = stored(len.checked_sub(18)?)?;
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(blocks);
    out.extend(crc32fast::hash(&vec![b' '; spaces]).to_le_bytes());
    out.extend((spaces as u32).to_le_bytes());
    Some(out)
}

/// RFC 1950.
fn zlib(len: usize) -> Option<Vec<u8>> {
    let (blocks, spaces) = stored(len.checked_sub(6)?)?;
    let (mut a, mut b) = (1_u32, 0_u32);
    for _ in 0..spaces {
        a = (a + u32::from(b' ')) % 65_521;
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

    #[test]
    fn what_is_blank_has_its_length_and_is_decoded_to_spaces() {
        for coding in ["gzip", "deflate", "br", "zstd", "X-GZIP"] {
            for len in (30..80).chain([65_530, 65_545, 65_560, 65_570, 131_080, 131_085, 131_087, 200_000]) {
                let body = blank(coding.as_bytes(), len);
                assert_eq!(body.len(), len, "{coding}");
                assert_ne!(body, vec![0; len], "{coding} {len}");
                let mut decoder = ContentDecoder::new(coding.as_bytes()).unwrap().unwrap();
                let mut plain = Vec::new();
                decoder
                    .push(&body, &mut |out| plain.extend_from_slice(out))
                    .unwrap_or_else(|e| panic!("{coding} {len}: {e:?}"));
                decoder
                    .finish(&mut |out| plain.extend_from_slice(out))
                    .unwrap_or_else(|e| panic!("{coding} {len}: {e:?}"));
                assert!(!plain.is_empty() && plain.iter().all(|b| *b == b' '), "{coding} {len}: {plain:?}");
            }
        }
        for (coding, len) in [("gzip", 10), ("gzip, br", 50), ("odd", 20)] {
            assert_eq!(blank(coding.as_bytes(), len), vec![0; len]);
        }
    }
}
