//! Checksums of a frame whose payload was changed: those that were right are right again.
//!
//! Headers are found by what they are, not by how they were come to: whatever the encapsulation, a packet whose IP header
//! makes sense and whose transport checksum fitted before gets one that fits now (RFC 791, 768, 9293, 792, 4443, 1071).

/// Nested headers that are looked at in one frame.
const HEADERS: usize = 64;

/// IP protocol numbers.
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP6: u8 = 58;

/// A transport segment in a frame.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: usize,
    end: usize,
    /// Where its checksum stands.
    at: usize,
    /// Sum of the pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1).
    pseudo: u32,
    udp: bool,
}

/// Mends the checksums of `new`, which was `old` before.
pub(super) fn mend(old: &[u8], new: &mut [u8]) {
    if old.len() != new.len() {
        return;
    }
    let Some(first) = old.iter().zip(&*new).position(|(a, b)| a != b) else { return };
    let mut segments: Vec<Segment> = Vec::new();
    for at in 0..first {
        if segments.len() < HEADERS
            && let Some(segment) = segment(old, at).filter(|s| s.end > first && fits(old, s))
        {
            segments.push(segment);
        }
    }
    // The inner ones first: their checksums are payload of the outer ones.
    for segment in segments.iter().rev() {
        let Some(place) = new.get_mut(segment.at..segment.at + 2) else { continue };
        place.fill(0);
        let mut sum = !fold(segment.pseudo + sum(new.get(segment.start..segment.end).unwrap_or_default()));
        if segment.udp && sum == 0 {
            sum = 0xffff;
        }
        if let Some(place) = new.get_mut(segment.at..segment.at + 2) {
            place.copy_from_slice(&sum.to_be_bytes());
        }
    }
}

/// Whether the checksum of an IPv4 header is right.
pub(super) fn header_fits(header: &[u8]) -> bool {
    fold(sum(header)) == 0xffff
}

/// The transport segment of the IP packet that begins at `at`, if one does.
fn segment(frame: &[u8], at: usize) -> Option<Segment> {
    let rest = frame.get(at..)?;
    let (protocol, start, end, mut pseudo) = match rest.first()? >> 4 {
        4 => {
            let head = usize::from(rest.first()? & 15) * 4;
            let total = usize::from(word(rest, 2)?);
            let whole = word(rest, 6)? & 0x3fff == 0;
            if head < 20 || total < head || total > rest.len() || !whole {
                return None;
            }
            (*rest.get(9)?, head, total, sum(rest.get(12..20)?))
        }
        6 => {
            let total = 40 + usize::from(word(rest, 4)?);
            if total > rest.len() {
                return None;
            }
            let (protocol, head) = extensions(rest, total)?;
            (protocol, head, total, sum(rest.get(8..40)?))
        }
        _ => return None,
    };
    let field = match protocol {
        TCP if end - start >= 20 => 16,
        UDP if end - start >= 8 => 6,
        ICMP | ICMP6 if end - start >= 4 => 2,
        _ => return None,
    };
    let end = if protocol == UDP { (start + usize::from(word(rest, start + 4)?)).min(end) } else { end };
    let field = start + field;
    if field + 2 > end || protocol == UDP && word(rest, field)? == 0 {
        return None;
    }
    pseudo = if protocol == ICMP { 0 } else { pseudo + u32::from(protocol) + (end - start) as u32 };
    Some(Segment { start: at + start, end: at + end, at: at + field, pseudo, udp: protocol == UDP })
}

/// Protocol and place of what follows the extension headers of IPv6 (RFC 8200 section 4).
fn extensions(packet: &[u8], end: usize) -> Option<(u8, usize)> {
    let (mut next, mut at) = (*packet.get(6)?, 40);
    for _ in 0..8 {
        match next {
            0 | 43 | 60 => {
                next = *packet.get(at)?;
                at += 8 + usize::from(*packet.get(at + 1)?) * 8;
            }
            _ => return (at <= end).then_some((next, at)),
        }
    }
    None
}

fn fits(frame: &[u8], segment: &Segment) -> bool {
    fold(segment.pseudo + sum(frame.get(segment.start..segment.end).unwrap_or_default())) == 0xffff
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// Sum of 16-bit words, folded enough to be added to others.
fn sum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<2>();
    let mut sum: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
    sum += rest.first().map_or(0, |b| u64::from(*b) << 8);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u32
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn udp4(payload: &[u8], protocol: u8) -> Vec<u8> {
        let (head, field) = match protocol {
            TCP => (20, 16),
            UDP => (8, 6),
            _ => (8, 2),
        };
        let mut segment = vec![0; head];
        segment.extend_from_slice(payload);
        let len = segment.len();
        if protocol == UDP {
            segment[4..6].copy_from_slice(&(len as u16).to_be_bytes());
        }
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet[2..4].copy_from_slice(&((20 + len) as u16).to_be_bytes());
        let pseudo =
            if protocol == ICMP { 0 } else { sum(&packet[12..20]) + u32::from(protocol) + len as u32 };
        let check = !fold(pseudo + sum(&segment));
        segment[field..field + 2].copy_from_slice(&check.to_be_bytes());
        packet.extend(segment);
        packet
    }

    fn right(frame: &[u8], at: usize) -> bool {
        segment(frame, at).is_some_and(|s| fits(frame, &s))
    }

    proptest! {
        #[test]
        fn right_ones_stay_right_and_wrong_ones_as_they_are(
            payload in proptest::collection::vec(any::<u8>(), 1..80),
            flip in any::<proptest::sample::Index>(),
            difference in 1..=255_u8,
            protocol in proptest::sample::select(vec![TCP, UDP, ICMP]),
            wrong in any::<bool>(),
        ) {
            let inner = udp4(&payload, protocol);
            let mut outer = udp4(&inner, UDP);
            let at = 14 + 28;
            outer.splice(0..0, [2; 14]);
            if wrong {
                outer[14 + 26] ^= 0x55;
            }
            let mut new = outer.clone();
            let place = outer.len() - payload.len() + flip.index(payload.len());
            new[place] ^= difference;
            mend(&outer, &mut new);
            prop_assert!(right(&new, at) && right(&outer, at));
            prop_assert_eq!(right(&new, 14), !wrong);
            let changed = outer.iter().zip(&new).filter(|(a, b)| a != b).count();
            prop_assert!(changed <= 5);
        }
    }
}
