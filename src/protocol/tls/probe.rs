//! The first bytes of TLS and SSL on any port.

use super::{APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, HEARTBEAT, RECORD};
use crate::message::Direction;
use crate::protocol::Verdict;

/// What the first bytes of a direction say.
pub(super) fn probe(bytes: &[u8]) -> Verdict {
    match bytes {
        [HANDSHAKE, 3, 0..=4, high, low, rest @ ..] => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            match rest.first() {
                _ if !(4..=RECORD).contains(&len) => Verdict::No,
                None => Verdict::More,
                Some(1) => Verdict::Yes(Some(Direction::Request)),
                Some(2) => Verdict::Yes(Some(Direction::Response)),
                Some(0 | 4 | 11..=16 | 20) => Verdict::Yes(None),
                Some(_) => Verdict::No,
            }
        }
        // Joined in the middle: an application data record, or an alert or cipher change of its exact length.
        [APPLICATION_DATA, 3, 1..=4, high, low, ..] => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            let next = bytes.get(HEADER + len..);
            let follows = next.is_none_or(|n| n.is_empty() || n[0] == APPLICATION_DATA || n[0] == 21);
            if (16..=RECORD).contains(&len) && follows { Verdict::Yes(None) } else { Verdict::No }
        }
        [CHANGE_CIPHER_SPEC, 3, 0..=4, 0, 1, 1, ..] => Verdict::Yes(None),
        // SSLv2-compatible ClientHello (RFC 5246 appendix E.2).
        [high, low, 1, 3 | 0, 0..=4, cipher_high, cipher_low, session_high, session_low, ..]
            if high & 0x80 != 0 =>
        {
            let len = usize::from(high & 0x7f) << 8 | usize::from(*low);
            let ciphers = usize::from(u16::from_be_bytes([*cipher_high, *cipher_low]));
            let session = usize::from(u16::from_be_bytes([*session_high, *session_low]));
            let version_fits = bytes[3] == 3 || bytes[4] == 2;
            if version_fits && ciphers > 0 && ciphers.is_multiple_of(3) && session <= 32 && len > 9 + ciphers
            {
                Verdict::Yes(Some(Direction::Request))
            } else {
                Verdict::No
            }
        }
        [HANDSHAKE, 3, 0..=4, ..] | [HANDSHAKE, 3] | [HANDSHAKE] if bytes.len() < HEADER => Verdict::More,
        [first, ..] if first & 0x80 != 0 && bytes.len() < 9 && bytes.get(2).is_none_or(|b| *b == 1) => {
            Verdict::More
        }
        _ => Verdict::No,
    }
}

/// A record header of a running session, at the start of a segment.
pub(super) fn record_header(bytes: &[u8]) -> bool {
    matches!(bytes, [CHANGE_CIPHER_SPEC..=HEARTBEAT, 3, 1..=4, high, low, ..]
        if (1..=RECORD).contains(&usize::from(u16::from_be_bytes([*high, *low]))))
}

/// Where an encrypted record may begin, in the middle of a session: type, version and a possible length. Three bytes in
/// a row are rarely so by chance.
pub(super) fn find_record(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, &[APPLICATION_DATA, 3]).find(|&at| {
        let version = bytes.get(at + 2).is_some_and(|minor| (1..=3).contains(minor));
        version && bytes.get(at..).is_some_and(record_header)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_are_told_from_other_bytes() {
        assert_eq!(probe(&[22, 3, 1, 2, 0, 1]), Verdict::Yes(Some(Direction::Request)));
        assert_eq!(probe(&[22, 3, 3, 0, 90, 2]), Verdict::Yes(Some(Direction::Response)));
        assert_eq!(probe(&[22, 3, 1]), Verdict::More);
        assert_eq!(probe(&[22, 3, 1, 0xff, 0xff, 1]), Verdict::No);
        assert_eq!(probe(b"GET / HTTP/1.1"), Verdict::No);
        assert_eq!(probe(&[0x80, 0x2e, 1, 0, 2, 0, 21, 0, 0, 0, 16]), Verdict::Yes(Some(Direction::Request)));
        assert_eq!(probe(&[0x80, 0x2e, 7, 0, 2, 0, 21, 0, 0]), Verdict::No);
    }
}
