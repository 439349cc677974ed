//! A string as it is written in JSON or YAML, and the text that it stands for: a change of the text becomes one of the writing.

/// How a string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Between double quotes: with escapes, in YAML also over several lines.
    Double,
    /// As it is but for white space, quotes that are doubled and line breaks.
    Plain,
}

/// What is written in `raw` for `old` becomes what is to be written for `new`, which is as long and differs from it in letters,
/// digits and base64 only. `None` if the two cannot be brought together, or if a new character would need another length.
pub(super) fn align(raw: &[u8], style: Style, old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let mut text = raw.to_vec();
    let (mut r, mut i) = (0, 0);
    while i < old.len() {
        let (was, is) = (old[i], *new.get(i)?);
        let at = *raw.get(r)?;
        if at == b'\\' && style == Style::Double {
            let (produced, len) = escape(raw.get(r..)?)?;
            if produced.is_empty() {
                r += len;
                continue;
            }
            if old.get(i..i + produced.len()) != Some(produced.as_slice()) {
                return None;
            }
            if is != was {
                let digits =
                    text.get_mut(r + 2..r + len).filter(|digits| digits.len() >= 2 && produced.len() == 1)?;
                let written = format!("{is:0width$x}", width = digits.len());
                digits.copy_from_slice(written.as_bytes());
            } else if new.get(i..i + produced.len()) != Some(produced.as_slice()) {
                return None;
            }
            (r, i) = (r + len, i + produced.len());
        } else if at == was {
            text[r] = is;
            (r, i) = (r + 1, i + 1);
            if was == b'\''
                && style == Style::Plain
                && raw.get(r) == Some(&b'\'')
                && old.get(i) != Some(&b'\'')
            {
                r += 1;
            }
        } else if at.is_ascii_whitespace() {
            // A line is folded or indented.
            r += 1;
            if was.is_ascii_whitespace() && is == was && !rest_has(raw, r, was) {
                i += 1;
            }
        } else if was.is_ascii_whitespace() && is == was {
            i += 1;
        } else {
            return None;
        }
    }
    Some(text)
}

/// Whether the white space from `at` on has that character.
fn rest_has(raw: &[u8], at: usize, byte: u8) -> bool {
    let rest = raw.get(at..).unwrap_or_default();
    rest.iter().take_while(|b| b.is_ascii_whitespace()).any(|b| *b == byte)
}

/// What the escape at the start of `raw` stands for, and its length (RFC 8259 section 7, YAML 1.2 section 5.7).
fn escape(raw: &[u8]) -> Option<(Vec<u8>, usize)> {
    let hex = |from: usize, len: usize| {
        let digits = std::str::from_utf8(raw.get(from..from + len)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let character = |code: u32, len: usize| Some((char::from_u32(code)?.to_string().into_bytes(), len));
    let one = |text: &str| Some((text.as_bytes().to_vec(), 2));
    match *raw.get(1)? {
        b'u' => {
            let high = hex(2, 4)?;
            if (0xd800..0xdc00).contains(&high) && raw.get(6..8) == Some(b"\\u") {
                let low = hex(8, 4)?.checked_sub(0xdc00)?;
                return character(0x1_0000 + ((high - 0xd800) << 10) + low, 12);
            }
            character(high, 6).or_else(|| Some(("\u{fffd}".into(), 6)))
        }
        b'x' => character(hex(2, 2)?, 4),
        b'U' => character(hex(2, 8)?, 10),
        b'n' => one("\n"),
        b'r' => one("\r"),
        b't' => one("\t"),
        b'b' => one("\u{8}"),
        b'f' => one("\u{c}"),
        b'0' => one("\0"),
        b'a' => one("\u{7}"),
        b'v' => one("\u{b}"),
        b'e' => one("\u{1b}"),
        b'_' => one("\u{a0}"),
        b'N' => one("\u{85}"),
        b'\r' | b'\n' => {
            let blank = raw.iter().skip(1).take_while(|b| b.is_ascii_whitespace()).count();
            Some((Vec::new(), 1 + blank))
        }
        other => Some((vec![other], 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(raw: &str, style: Style, old: &str, new: &str, wanted: &str) {
        let got = align(raw.as_bytes(), style, old.as_bytes(), new.as_bytes())
            .map(|t| String::from_utf8(t).unwrap());
        assert_eq!(got.as_deref(), Some(wanted), "{raw}");
    }

    #[test]
    fn escapes_folds_and_quotes_stay() {
        check(r"a\u0062\/c\nd", Style::Double, "ab/c\nd", "xy/z\nu", r"x\u0079\/z\nu");
        check("ab\\\n   cd ef", Style::Double, "abcd ef", "uvwx yz", "uv\\\n   wx yz");
        check("ab\n   cd", Style::Plain, "ab cd", "uv wx", "uv\n   wx");
        check("it''s ab", Style::Plain, "it's ab", "it's xy", "it''s xy");
        check("  ab\n  cd\n", Style::Plain, "ab\ncd\n", "uv\nwx\n", "  uv\n  wx\n");
        check(r"\ud83d\ude00a", Style::Double, "\u{1f600}a", "\u{1f600}b", r"\ud83d\ude00b");
        assert_eq!(align(b"abc", Style::Plain, b"abd", b"abe"), None);
        assert_eq!(align(b"ab", Style::Plain, b"abc", b"abd"), None);
    }

    proptest! {
        #[test]
        fn a_json_string_reads_as_the_new_text(old in ".{0,30}", seed in any::<u8>()) {
            let new: String = old.chars().map(|c| if c.is_ascii_lowercase() { char::from(b'a' + (c as u8 + seed % 26) % 26) } else { c }).collect();
            let raw = serde_json::to_string(&old).unwrap();
            let raw = &raw[1..raw.len() - 1];
            let got = align(raw.as_bytes(), Style::Double, old.as_bytes(), new.as_bytes()).unwrap();
            let back: String = serde_json::from_str(&format!("\"{}\"", String::from_utf8(got).unwrap())).unwrap();
            prop_assert_eq!(back, new);
        }
    }
}
