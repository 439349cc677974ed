//! base64url (RFC 4648 section 5): strict first, lenient second.

use super::defect::{DefectKind, Defects};
use crate::message::BASE64URL;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Whether `byte` belongs to the base64url alphabet.
pub(super) const fn is_url_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
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
