//! Text as the formats of bodies and URLs disguise it, made plain.

use std::borrow::Cow;

/// Longest name of a place that is kept, in bytes.
const NAME: usize = 128;

/// A name that may be shown: bounded, one line, and never a token (a name is printed unmasked), else `None`.
pub fn label(name: &str) -> Option<&str> {
    let shown =
        !name.is_empty() && name.len() <= NAME && !name.contains("eyJ") && !name.contains(char::is_control);
    shown.then_some(name)
}

/// Appends a member to a JSON path: `.name` where the shorthand of RFC 9535 section 2.5.1.1 allows it, else the
/// normalized `['odd name']` of section 2.7. A name that may not be shown becomes `['…']`.
pub(super) fn path_member(path: &mut String, name: &str) {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    let plain = name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit());
    if name.len() > NAME || name.contains("eyJ") {
        path.push_str("['…']");
    } else if plain {
        path.push('.');
        path.push_str(name);
    } else {
        path.push_str("['");
        for c in name.chars() {
            match c {
                '\'' => path.push_str("\\'"),
                '\\' => path.push_str("\\\\"),
                '\n' => path.push_str("\\n"),
                '\r' => path.push_str("\\r"),
                '\t' => path.push_str("\\t"),
                '\u{8}' => path.push_str("\\b"),
                '\u{c}' => path.push_str("\\f"),
                c if c < ' ' => path.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => path.push(c),
            }
        }
        path.push_str("']");
    }
}

/// The text between the quotes of a JSON string (RFC 8259 section 7), escapes undone; what is not an escape stays,
/// lone surrogates and bytes that are not UTF-8 become U+FFFD.
pub(super) fn json_string(raw: &[u8]) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', raw) else { return String::from_utf8_lossy(raw) };
    let (plain, mut rest) = raw.split_at(first);
    let mut out = plain.to_vec();
    while let [byte, tail @ ..] = rest {
        let (&escape, tail) = match (byte, tail) {
            (b'\\', [escape, tail @ ..]) => (escape, tail),
            _ => {
                out.push(*byte);
                rest = tail;
                continue;
            }
        };
        rest = tail;
        match escape {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => {
                let (c, tail) = unicode(rest);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = tail;
            }
            other => out.push(other),
        }
    }
    Cow::Owned(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// The character after `\u`, with its second half if it is a surrogate pair, and what follows.
fn unicode(text: &[u8]) -> (char, &[u8]) {
    let four = |text: &[u8]| -> Option<u32> {
        let digits = text.get(..4)?;
        digits.iter().try_fold(0, |n, &d| Some(n * 16 + char::from(d).to_digit(16)?))
    };
    let Some(high) = four(text) else { return (char::REPLACEMENT_CHARACTER, text) };
    let rest = text.get(4..).unwrap_or_default();
    if let (0xd800..=0xdbff, [b'\\', b'u', tail @ ..]) = (high, rest)
        && let Some(low @ 0xdc00..=0xdfff) = four(tail)
    {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        return (c, tail.get(4..).unwrap_or_default());
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broken_escapes_are_kept_or_replaced() {
        assert_eq!(json_string(br"a\u12"), "a\u{fffd}12");
        assert_eq!(json_string(br"\ud800x\/"), "\u{fffd}x/");
        assert_eq!(json_string(b"a\\"), "a\\");
        assert_eq!(json_string(b"\xff"), "\u{fffd}");
    }

    #[test]
    fn names_that_hold_tokens_are_not_shown() {
        assert_eq!(label("eyJhbGciOiJub25lIn0.e30."), None);
        assert_eq!(label("id_token"), Some("id_token"));
        let mut path = String::from("$");
        path_member(&mut path, "eyJhbGciOiJub25lIn0.e30.");
        path_member(&mut path, "it's");
        path_member(&mut path, "é1");
        path_member(&mut path, "1a");
        assert_eq!(path, "$['…']['it\\'s'].é1['1a']");
    }

    proptest! {
        #[test]
        fn json_strings_read_as_serde_reads_them(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(json_string(&json.as_bytes()[1..json.len() - 1]), text);
        }
    }
}
