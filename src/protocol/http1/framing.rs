//! How long a message body is (RFC 9112 section 6.3).

use crate::message::{Head, Version};
use crate::protocol::Out;

/// How the length of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By nothing.
    None,
    /// By `Content-Length`.
    Length(u64),
    /// By the chunked coding.
    Chunked,
    /// A transfer coding whose end only the connection's end shows.
    Unknown,
}

/// Message body length (RFC 9112 section 6.3).
pub(super) fn framing(head: &Head<'_>, out: &mut Out<'_>) -> Framing {
    let mut length = None;
    let mut transfer = None;
    for field in head.about_body {
        if field.is(b"Content-Length") {
            let value = number(field.value);
            if length.is_some() && value != length {
                out.weird("http_conflicting_length");
            } else if value.is_none() {
                out.weird("http_bad_length");
            } else {
                length = value;
            }
        } else if field.is(b"Transfer-Encoding") {
            let last = field.value.rsplit(|b| *b == b',').next().unwrap_or_default().trim_ascii();
            transfer = Some(last.eq_ignore_ascii_case(b"chunked"));
        }
    }
    match (transfer, length) {
        (Some(chunked), n) => {
            if n.is_some() {
                out.weird("http_length_and_transfer_encoding");
            }
            // HTTP/1.0 knows no transfer codings, but servers that send one mean it.
            match (chunked, head.version, n) {
                (true, ..) => Framing::Chunked,
                (false, Version::Http10, Some(n)) => Framing::Length(n),
                (false, ..) => Framing::Unknown,
            }
        }
        (None, Some(n)) => Framing::Length(n),
        (None, None) => Framing::None,
    }
}

/// A length, or the first one of a list.
fn number(value: &[u8]) -> Option<u64> {
    if (1..=9).contains(&value.len()) && value.iter().all(u8::is_ascii_digit) {
        return Some(value.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')));
    }
    let first = value.split(|b| *b == b',').next().unwrap_or_default().trim_ascii();
    let value = std::str::from_utf8(first).ok().and_then(|v| v.parse::<u64>().ok());
    // What no implementation can count is no length (RFC 9110 section 8.6 asks to expect overflows).
    value.filter(|v| *v <= i64::MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_however_they_are_written() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("999999999", Some(999_999_999)),
            ("1000000000", Some(1_000_000_000)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("9223372036854775808", None),
            ("18446744073709551616", None),
            (" 12 , 12", Some(12)),
            ("+7", Some(7)),
            ("-7", None),
            ("0x10", None),
            ("1 2", None),
            ("", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
    }
}
