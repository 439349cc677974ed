//! Which bytes of a datagram of QUIC are content that keys open, and not part of the handshake (RFC 9000 section 17).

use std::ops::Range;

/// Bytes of a packet with a short header that stay: the longest connection ID and packet number (section 17.3.1).
const SHORT: usize = 1 + 20 + 4;

/// The versions whose packet types are numbered otherwise (RFC 9369 section 3.2).
const VERSION_2: u32 = 0x6b33_43cf;

/// Content of the packets in a datagram; what is no packet counts as one with a short header.
pub(super) fn content(datagram: &[u8]) -> Vec<Range<usize>> {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < datagram.len() {
        let Some((early, start, end)) = long(datagram, at) else {
            all.push((at + SHORT).min(datagram.len())..datagram.len());
            break;
        };
        if early {
            all.push(start..end);
        }
        at = end;
    }
    all
}

/// A packet with a long header: whether it is 0-RTT, and where what is protected begins and ends.
fn long(datagram: &[u8], at: usize) -> Option<(bool, usize, usize)> {
    let first = *datagram.get(at)?;
    if first & 0xc0 != 0xc0 {
        return None;
    }
    let version = u32::from_be_bytes(*datagram.get(at + 1..)?.first_chunk()?);
    let mut next = at + 5;
    for _ in 0..2 {
        next += 1 + usize::from(*datagram.get(next)?);
    }
    // Initial 0, 0-RTT 1, Handshake 2, Retry 3; one more each in version 2.
    let kind = (first >> 4 & 3).wrapping_sub(u8::from(version == VERSION_2)) & 3;
    if kind == 3 || version == 0 {
        return Some((false, next, datagram.len()));
    }
    if kind == 0 {
        let (token, len) = varint(datagram.get(next..)?)?;
        next = next.checked_add(len + token)?;
    }
    let (length, len) = varint(datagram.get(next..)?)?;
    let start = next + len;
    let end = start.checked_add(length).filter(|end| *end <= datagram.len())?;
    // The packet number stays.
    Some((kind == 1, (start + 4).min(end), end))
}

/// A variable-length integer and its length (section 16).
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.first()?;
    let len = 1 << (first >> 6);
    let rest = bytes.get(1..len)?;
    let value = rest.iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte));
    Some((usize::try_from(value).ok()?, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, token: bool, content: &[u8]) -> Vec<u8> {
        let head = [&[first, 0, 0, 0, 1, 4][..], &[7; 4], &[2, 8, 8]].concat();
        [&head[..], if token { &[0] } else { &[] }, &[0x40, content.len() as u8], content].concat()
    }

    #[test]
    fn only_content_of_the_application_is_named() {
        let initial = packet(0xc3, true, &[1; 50]);
        let early = packet(0xd3, false, &[2; 40]);
        let short = [0x41; 60];
        let datagram = [&initial[..], &early, &short].concat();
        let (a, b) = (initial.len(), initial.len() + early.len());
        assert_eq!(content(&datagram), [b - 36..b, b + SHORT..b + 60]);
        assert!(content(&initial).is_empty());
        let last = |datagram: &[u8]| content(datagram).pop();
        assert_eq!(last(&datagram[a..b]), Some(b - 36 - a..b - a));
        assert_eq!(last(&[0x41; 60]), Some(SHORT..60));
        assert_eq!(last(&[0x41; 5]), Some(5..5));
        assert_eq!(last(&[0xc0, 0, 0]), Some(3..3));
    }
}
