//! base64url (RFC 4648 section 5): strict first, lenient second.

use super::defect::{DefectKind, Defects};
use crate::message::BASE64URL;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Whether `byte` belongs to the base64url alphabet.
#[inline]
pub(super) const fn is_url_char(byte: u8) -> bool {
    // Without jumps, so that many are told at once.
    ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 10) | (byte == b'-') | (byte == b'_')
}

/// The same for either alphabet of base64.
#[inline]
pub(super) const fn is_base64_char(byte: u8) -> bool {
    is_url_char(byte) | (byte == b'+') | (byte == b'/')
}

/// How many bytes at the beginning of `text` are of a class. All of a block are asked at once, which the processor
/// does side by side: `class` is best made of comparisons alone.
pub(super) fn leading(text: &[u8], class: impl Fn(u8) -> bool) -> usize {
    let (blocks, _) = text.as_chunks::<32>();
    let whole = blocks.iter().take_while(|block| block.iter().fold(true, |all, &b| all & class(b))).count();
    let from = whole * 32;
    from + text[from..].iter().position(|&b| !class(b)).unwrap_or(text.len() - from)
}

/// The bytes of a segment, or `None` if it is not base64 of any kind.
pub(super) fn decode(segment: &[u8], defects: &mut Defects<'_>) -> Option<Vec<u8>> {
    if let Ok(bytes) = URL_SAFE_NO_PAD.decode(segment) {
        return Some(bytes);
    }
    let mut clean = Vec::with_capacity(segment.len());
    let mut padded = false;
    for &byte in segment {
        match byte {
            b'=' => {
                padded = true;
                defects.add(DefectKind::Padding);
            }
            b'+' | b'/' if !padded => {
                defects.add(DefectKind::StandardAlphabet);
                clean.push(if byte == b'+' { b'-' } else { b'_' });
            }
            b' ' | b'\t' | b'\r' | b'\n' => defects.add(DefectKind::Whitespace),
            _ if is_url_char(byte) && !padded => clean.push(byte),
            _ => return None,
        }
    }
    let bytes = BASE64URL.decode(&clean).ok()?;
    if URL_SAFE_NO_PAD.decode(&clean).is_err() {
        defects.add(DefectKind::TrailingBits);
    }
    Some(bytes)
}

/// As [`decode`], for those that do not ask how the text was written. Also reads a text whose length is
/// one more than a multiple of four (cut off), without its last character.
pub(super) fn decode_any(segment: &[u8]) -> Option<Vec<u8>> {
    let cut = if segment.len() % 4 == 1 { &segment[..segment.len() - 1] } else { segment };
    if let Ok(bytes) = BASE64URL.decode(cut) {
        return Some(bytes);
    }
    decode(segment, &mut Defects::of(&mut Vec::new(), super::Part::Whole))
}

#[cfg(test)]
mod tests {
    use super::{super::Part, *};

    fn kinds(text: &str) -> (Option<Vec<u8>>, Vec<&'static str>) {
        let mut list = Vec::new();
        let bytes = decode(text.as_bytes(), &mut Defects::of(&mut list, Part::Header));
        (bytes, list.iter().map(|d| d.kind.as_str()).collect())
    }

    #[test]
    fn a_class_ends_at_its_first_stranger() {
        for byte in 0..=255_u8 {
            let plain = byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            assert_eq!(is_url_char(byte), plain, "{byte}");
        }
        for len in 0..100 {
            let mut text = vec![b'a'; 100];
            assert_eq!(leading(&text[..len], is_url_char), len);
            text[len] = b'.';
            assert_eq!(leading(&text, is_url_char), len);
        }
    }

    #[test]
    fn strict_text_has_no_defects_and_others_are_named() {
        assert_eq!(kinds("-_8"), (Some(vec![0xfb, 0xff]), vec![]));
        assert_eq!(kinds("+/8="), (Some(vec![0xfb, 0xff]), vec!["standard-alphabet", "padding"]));
        assert_eq!(kinds("-_9"), (Some(vec![0xfb, 0xff]), vec!["trailing-bits"]));
        assert_eq!(kinds("-_\r\n8"), (Some(vec![0xfb, 0xff]), vec!["whitespace"]));
        assert_eq!(kinds(""), (Some(vec![]), vec![]));
        assert_eq!(kinds("*").0, None);
        assert_eq!(kinds("a").0, None);
        assert_eq!(kinds("ab=c").0, None);
    }
}
