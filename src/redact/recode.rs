//! Replaces a text inside of what it was encoded to, without a change of length: percent-encoding, escapes of JSON, character
//! references of HTML, base64 and hexadecimal, one inside of the other.

use crate::message::{BASE64, BASE64URL};
use base64::Engine as _;

/// Encodings that are undone, one inside of the other.
const DEPTH: u8 = 3;

/// Base64 of `new`, padded as `old` was.
pub(super) fn recoded(old: &[u8], new: &[u8], url: bool) -> Vec<u8> {
    let mut text = if url { BASE64URL.encode(new) } else { BASE64.encode(new) }.into_bytes();
    while text.last() == Some(&b'=') {
        text.pop();
    }
    while text.len() < old.len() && old.get(text.len()) == Some(&b'=') {
        text.push(b'=');
    }
    text
}

/// `raw` with `new` in the place of `old`, which is as long and stands in it as it is or encoded. `None` if it does not, or
/// if the new text has another length encoded.
pub(super) fn recode(raw: &[u8], old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    if old.is_empty() || old.len() != new.len() {
        return None;
    }
    at_depth(raw, old, new, DEPTH).filter(|text| text.len() == raw.len())
}

fn at_depth(raw: &[u8], old: &[u8], new: &[u8], depth: u8) -> Option<Vec<u8>> {
    if let Some(text) = plain(raw, old, new) {
        return Some(text);
    }
    let depth = depth.checked_sub(1)?;
    escaped(raw, old, new, depth)
        .or_else(|| hex(raw, old, new, depth))
        .or_else(|| base64(raw, old, new, depth))
}

fn plain(raw: &[u8], old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let mut text: Option<Vec<u8>> = None;
    for at in memchr::memmem::find_iter(raw, old) {
        text.get_or_insert_with(|| raw.to_vec())[at..at + new.len()].copy_from_slice(new);
    }
    text
}

/// One character of a text with escapes.
struct Unit {
    byte: u8,
    at: usize,
    len: usize,
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    Plain,
    /// Hexadecimal digits that end `tail` bytes before the unit does.
    Hex {
        digits: usize,
        tail: usize,
        upper: bool,
    },
    /// Decimal digits behind `&#`.
    Decimal {
        digits: usize,
    },
    /// `\/`, `&amp;` and their like: they stay what they are.
    Fixed,
}

fn escaped(raw: &[u8], old: &[u8], new: &[u8], depth: u8) -> Option<Vec<u8>> {
    if !raw.iter().any(|b| matches!(b, b'%' | b'\\' | b'&')) {
        return None;
    }
    let mut units = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let unit = unit(raw, at);
        at += unit.len;
        units.push(unit);
    }
    if units.len() == raw.len() {
        return None;
    }
    let decoded: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
    let changed = at_depth(&decoded, old, new, depth)?;
    let mut text = raw.to_vec();
    for (unit, byte) in units.iter().zip(changed).filter(|(unit, byte)| unit.byte != *byte) {
        let place = text.get_mut(unit.at..unit.at + unit.len)?;
        match unit.form {
            Form::Plain => place.copy_from_slice(&[byte]),
            Form::Fixed => return None,
            Form::Hex { digits, tail, upper } => {
                let end = place.len() - tail;
                let written = if upper { format!("{byte:0digits$X}") } else { format!("{byte:0digits$x}") };
                place.get_mut(end - digits..end)?.copy_from_slice(written.as_bytes());
            }
            Form::Decimal { digits } => {
                let written = format!("{byte:0digits$}");
                if written.len() != digits {
                    return None;
                }
                place.get_mut(2..2 + digits)?.copy_from_slice(written.as_bytes());
            }
        }
    }
    Some(text)
}

/// The character at `at`.
fn unit(raw: &[u8], at: usize) -> Unit {
    let rest = raw.get(at..).unwrap_or_default();
    let byte = rest.first().copied().unwrap_or(0);
    let one = Unit { byte, at, len: 1, form: Form::Plain };
    match rest {
        [b'%', digits @ ..] => hex_unit(digits, 2, at, 1, 0).unwrap_or(one),
        [b'\\', b'u', digits @ ..] => hex_unit(digits, 4, at, 2, 0).unwrap_or(one),
        [b'\\', b'x', digits @ ..] => hex_unit(digits, 2, at, 2, 0).unwrap_or(one),
        [b'\\', next @ (b'/' | b'"' | b'\\'), ..] => Unit { byte: *next, at, len: 2, form: Form::Fixed },
        [b'&', b'#', b'x' | b'X', digits @ ..] => {
            let n = digits.iter().take(4).take_while(|b| b.is_ascii_hexdigit()).count();
            let ends = digits.get(n) == Some(&b';');
            hex_unit(digits, n, at, 3, 1).filter(|_| ends).unwrap_or(one)
        }
        [b'&', b'#', digits @ ..] => {
            let n = digits.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
            let number = digits.get(..n).and_then(|d| std::str::from_utf8(d).ok()?.parse::<u8>().ok());
            match number.filter(|_| digits.get(n) == Some(&b';')) {
                Some(byte) => Unit { byte, at, len: n + 3, form: Form::Decimal { digits: n } },
                None => one,
            }
        }
        [b'&', ..] => {
            let named = NAMED.iter().find(|(name, _)| rest.starts_with(name.as_bytes()));
            named.map_or(one, |(name, byte)| Unit { byte: *byte, at, len: name.len(), form: Form::Fixed })
        }
        _ => one,
    }
}

const NAMED: [(&str, u8); 7] = [
    ("&amp;", b'&'),
    ("&quot;", b'"'),
    ("&equals;", b'='),
    ("&period;", b'.'),
    ("&plus;", b'+'),
    ("&sol;", b'/'),
    ("&lowbar;", b'_'),
];

/// A unit that ends in so many digits behind `before` bytes, and `tail` bytes more. What is no single byte is none.
fn hex_unit(digits: &[u8], n: usize, at: usize, before: usize, tail: usize) -> Option<Unit> {
    let digits = digits.get(..n).filter(|d| !d.is_empty() && d.iter().all(u8::is_ascii_hexdigit))?;
    let byte =
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok().and_then(|n| u8::try_from(n).ok())?;
    let upper = !digits.iter().any(u8::is_ascii_lowercase);
    Some(Unit { byte, at, len: before + n + tail, form: Form::Hex { digits: n, tail, upper } })
}

fn hex(raw: &[u8], old: &[u8], new: &[u8], depth: u8) -> Option<Vec<u8>> {
    if !raw.len().is_multiple_of(2) || !raw.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let two = |two: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok();
    let bytes = raw.as_chunks::<2>().0.iter().map(two).collect::<Option<Vec<u8>>>()?;
    let changed = at_depth(&bytes, old, new, depth)?;
    let upper = raw.iter().any(u8::is_ascii_uppercase);
    let write = |b: &u8| if upper { format!("{b:02X}") } else { format!("{b:02x}") };
    Some(changed.iter().map(write).collect::<String>().into_bytes())
}

/// What is given may begin and end between the groups of a longer text.
fn base64(raw: &[u8], old: &[u8], new: &[u8], depth: u8) -> Option<Vec<u8>> {
    (0..4).find_map(|skip| {
        let (before, rest) = raw.split_at_checked(skip)?;
        let bare = rest.iter().position(|b| *b == b'=').unwrap_or(rest.len());
        let (part, after) =
            rest.split_at_checked(rest.len() - usize::from(bare % 4 == 1 && bare == rest.len()))?;
        let url = part.iter().any(|b| matches!(b, b'-' | b'_'));
        let bytes = if url { BASE64URL.decode(part) } else { BASE64.decode(part) }.ok()?;
        let changed = at_depth(&bytes, old, new, depth)?;
        Some([before, &recoded(part, &changed, url), after].concat())
    })
}

/// Which characters are escaped, and to what.
type Escape = (fn(u8) -> bool, fn(u8) -> String);

/// The forms in which `text` may stand somewhere, each with the same form of `new`.
pub(super) fn forms(text: &[u8], new: &[u8], mut add: impl FnMut(&[u8], &[u8])) {
    add(text, new);
    let escapes: [Escape; 10] = [
        (|b| !unreserved(b), |b| format!("%{b:02X}")),
        (|b| !unreserved(b), |b| format!("%{b:02x}")),
        (|b| !unreserved(b), |b| if b == b' ' { "+".to_owned() } else { format!("%{b:02X}") }),
        (|b| !unreserved(b), |b| format!("%25{b:02X}")),
        (|b| !unreserved(b) || b == b'.', |b| format!("%{b:02X}")),
        (
            |b| !unreserved(b) && !matches!(b, b'/' | b':' | b'@' | b'=' | b'!' | b'$'),
            |b| format!("%{b:02X}"),
        ),
        (|b| matches!(b, b'/' | b'"' | b'\\'), |b| format!("\\{}", b as char)),
        (|b| matches!(b, b'"' | b'\\'), |b| format!("\\{}", b as char)),
        (|b| matches!(b, b'=' | b'&' | b'+' | b'<' | b'>' | b'\''), |b| format!("\\u{b:04x}")),
        (|b| matches!(b, b'&' | b'<' | b'>' | b'"'), |b| format!("&{};", entity(b))),
    ];
    for (special, write) in escapes {
        if text.iter().any(|b| special(*b)) {
            let escape = |text: &[u8]| {
                let one = |b: &u8| if special(*b) { write(*b).into_bytes() } else { vec![*b] };
                text.iter().flat_map(one).collect::<Vec<u8>>()
            };
            add(&escape(text), &escape(new));
        }
    }
    // In base64 of a longer text it may begin at any of three places; the characters at the ends are shared with what is
    // around it, and those of the beginning and the end of the text itself are not.
    for skip in 0..3_usize {
        let code = |text: &[u8], url: bool| {
            let padded = [&vec![0; skip][..], text].concat();
            let code = if url { BASE64URL.encode(&padded) } else { BASE64.encode(&padded) }.into_bytes();
            let start = (skip * 8).div_ceil(6);
            let end = padded.len() * 8 / 6;
            code.get(start..end).unwrap_or_default().to_vec()
        };
        for url in [false, true] {
            add(&code(text, url), &code(new, url));
        }
    }
    let hex = |text: &[u8]| text.iter().map(|b| format!("{b:02x}")).collect::<String>();
    add(hex(text).as_bytes(), hex(new).as_bytes());
    add(hex(text).to_uppercase().as_bytes(), hex(new).to_uppercase().as_bytes());
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn entity(byte: u8) -> &'static str {
    match byte {
        b'&' => "amp",
        b'<' => "lt",
        b'>' => "gt",
        _ => "quot",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, new: &str) {
        let got = recode(raw.as_bytes(), b"abc.def", b"xyz.uvw").map(|t| String::from_utf8(t).unwrap());
        assert_eq!(got.as_deref(), Some(new), "{raw}");
    }

    #[test]
    fn a_text_is_replaced_in_what_it_was_encoded_to() {
        check("<abc.def>", "<xyz.uvw>");
        check("a%62c%2edef", "x%79z%2euvw");
        check("%61%62%63%2E%64%65%66", "%78%79%7A%2E%75%76%77");
        check("%2561bc.def", "%2578yz.uvw");
        check("a\\u0062c.def", "x\\u0079z.uvw");
        check("abc&#46;d&#x65;f", "xyz&#46;u&#x76;w");
        // Another number of digits.
        assert_eq!(recode(b"&#97;bc.def", b"abc.def", b"xyz.uvw"), None);
        check("YWJjLmRlZg==", "eHl6LnV2dw==");
        check("eGFiYy5kZWZ4", "eHh5ei51dnd4");
        check("6162632e646566", "78797a2e757677");
        check("WVdKakxtUmxaZz09", "ZUhsNkxuVjJkdz09");
        assert_eq!(recode(b"nothing", b"abc.def", b"xyz.uvw"), None);
    }

    #[test]
    fn forms_of_a_text_and_of_its_pseudonym_are_as_long() {
        let (mut all, mut some) = (0, Vec::new());
        forms(b"ab+c/d=", b"xy+z/u=", |old, new| {
            assert_eq!(old.len(), new.len());
            all += 1;
            some.push(String::from_utf8_lossy(old).into_owned());
        });
        for form in [
            "ab%2Bc%2Fd%3D",
            "ab%2bc%2fd%3d",
            "ab+c\\/d=",
            "ab\\u002bc/d\\u003d",
            "61622b632f643d",
            "YWIrYy9kP".get(..8).unwrap_or(""),
        ] {
            assert!(some.iter().any(|s| s == form || s.starts_with(form)), "{form}: {some:?}");
        }
        assert!(all > 12);
    }
}
