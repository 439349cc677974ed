//! Credentials by name in text that may be a URL, hold one, or hold one percent-encoded in a parameter of another.

use crate::{
    message::form_decode,
    token::{api_key_name, password_field, session_cookie_name},
};
use std::ops::Range;

/// Times that percent-encoding is undone.
const LEVELS: u8 = 3;

/// One byte of text, percent-encoding undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    byte: u8,
    /// Times that it was encoded.
    level: u8,
    start: usize,
    end: usize,
}

/// The bytes of `text`, each with how often it was percent-encoded and where it stands.
pub(super) fn units(text: &[u8]) -> Vec<Unit> {
    let (mut units, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = text.get(at) {
        let (byte, level, len) = encoded(text.get(at..).unwrap_or_default()).unwrap_or((byte, 0, 1));
        units.push(Unit { byte, level, start: at, end: at + len });
        at += len;
    }
    units
}

/// `%41`, `%2541`, `%252541`: the byte, how often it was encoded, and the length.
fn encoded(text: &[u8]) -> Option<(u8, u8, usize)> {
    let mut rest = text.strip_prefix(b"%")?;
    let mut level = 1;
    while let Some(after) = rest.strip_prefix(b"25").filter(|_| level < LEVELS) {
        if !after.get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)) {
            break;
        }
        rest = after;
        level += 1;
    }
    let [high, low, ..] = rest else { return None };
    let digit = |b: &u8| char::from(*b).to_digit(16);
    let byte = (digit(high)? * 16 + digit(low)?) as u8;
    Some((byte, level, text.len() - rest.len() + 2))
}

/// Every `name=value` that could be a parameter: the name decoded, and where the value stands. A value ends where one
/// that is encoded as often as its `=` would; in a list of `cookies` also at a semicolon.
pub(super) fn pairs(units: &[Unit], cookies: bool) -> Vec<(String, Range<usize>)> {
    let (mut found, mut name_at) = (Vec::new(), 0);
    for (i, unit) in units.iter().enumerate() {
        match unit.byte {
            b'=' => {
                let matrix =
                    !cookies && name_at > 0 && units.get(name_at - 1).is_some_and(|u| u.byte == b';');
                let stop = |byte| ends(byte) || matrix && b"/;?".contains(&byte) || cookies && byte == b';';
                let stops = |u: &&Unit| u.level <= unit.level && stop(u.byte);
                let value = units.get(i + 1..).unwrap_or_default();
                let end = value.iter().find(stops).map(|u| u.start);
                let end = end.or_else(|| units.last().map(|u| u.end)).unwrap_or(unit.end);
                let name: Vec<u8> =
                    units.get(name_at..i).unwrap_or_default().iter().map(|u| u.byte).collect();
                if !name.is_empty() {
                    found.push((form_decode(&name).trim().to_owned(), unit.end..end.max(unit.end)));
                }
                name_at = i + 1;
            }
            byte if ends(byte) || b"?;/,({".contains(&byte) => name_at = i + 1,
            _ => {}
        }
    }
    found
}

/// The user information of every URL in the text (RFC 3986 section 3.2.1), at any level of encoding.
pub(super) fn userinfo(units: &[Unit]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (i, three) in units.windows(3).enumerate() {
        let [a, b, c] = three else { continue };
        let level = a.level.max(b.level).max(c.level);
        let authority = units.get(i + 3..).unwrap_or_default();
        if (a.byte, b.byte, c.byte) != (b':', b'/', b'/') {
            continue;
        }
        let ends = |u: &Unit| u.level <= level && (ends(u.byte) || b"/?".contains(&u.byte));
        let authority = authority.split(ends).next().unwrap_or_default();
        let at = authority.iter().rposition(|u| u.byte == b'@' && u.level <= level);
        if let Some((first, at)) = authority.first().zip(at.and_then(|at| authority.get(at))) {
            found.push(first.start..at.start);
        }
    }
    found
}

/// Where in `text` credentials stand that are parameters by name, or user information of a URL, at any level of encoding.
pub fn credentials_in(text: &[u8]) -> Vec<Range<usize>> {
    let units = units(text);
    let pairs = pairs(&units, false).into_iter();
    let named = pairs.filter(|(name, value)| secret_param(name, value.len())).map(|(_, value)| value);
    named.chain(userinfo(&units)).collect()
}

/// Whether the value of a parameter of that name is a credential.
pub fn secret_param(name: &str, len: usize) -> bool {
    let lower = name.to_ascii_lowercase();
    let known = [
        "client_secret",
        "client_assertion",
        "assertion",
        "code",
        "code_verifier",
        "device_code",
        "refresh_token",
        "access_token",
        "id_token",
        "id_token_hint",
        "token",
        "jwt",
        "bearer",
        "secret",
        "sig",
        "signature",
        "x-amz-signature",
        "x-amz-security-token",
        "x-goog-signature",
        "samlresponse",
        "ticket",
        "credential",
        "credentials",
    ];
    let harmless = lower.contains("csrf") || lower.contains("xsrf") || lower.starts_with("token_type");
    known.contains(&lower.as_str())
        || lower == "key" && len >= 16
        || password_field(&lower)
        || api_key_name(&lower)
        || !harmless
            && (lower.ends_with("_token") || lower.ends_with("_secret") || session_cookie_name(&lower))
}

/// Ends a parameter in a query, a fragment or the text around a URL.
const fn ends(byte: u8) -> bool {
    matches!(byte, b'&' | b'#' | b'"' | b'<' | b'>' | b'\'' | b'`' | 0..=b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_decoded_up_to_three_times() {
        let all: Vec<_> =
            units(b"a%41%2541%252541%zz%25").iter().map(|u| (u.byte, u.level, u.start)).collect();
        let expected = [
            (b'a', 0, 0),
            (b'A', 1, 1),
            (b'A', 2, 4),
            (b'A', 3, 9),
            (b'%', 0, 16),
            (b'z', 0, 17),
            (b'z', 0, 18),
            (b'%', 1, 19),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn values_end_at_their_own_level() {
        let text = b"/p?password=a%26b&u=http%3A%2F%2Fh%3Fsig%3Dx%26y%3D1&z;sid=q/r";
        let found: Vec<_> = pairs(&units(text), false)
            .into_iter()
            .map(|(name, range)| (name, String::from_utf8_lossy(&text[range]).into_owned()))
            .collect();
        let find = |name: &str| found.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(find("password"), Some("a%26b"));
        assert_eq!(find("sig"), Some("x"));
        assert_eq!(find("y"), Some("1"));
        assert_eq!(find("sid"), Some("q"));
    }

    #[test]
    fn names_of_credentials() {
        for name in
            ["Password", "api_key", "code", "access_token", "jsessionid", "X-Amz-Signature", "user[password]"]
        {
            assert!(secret_param(name, 20), "{name}");
        }
        for name in ["q", "page", "token_type", "csrf_token", "state", "client_id", "redirect_uri", "codec"] {
            assert!(!secret_param(name, 20), "{name}");
        }
        assert!(!secret_param("key", 3));
    }
}
