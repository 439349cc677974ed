//! Frames (RFC 9000 section 19).

use crate::limits;
use crate::protocol::reader::Reader;
use smallvec::SmallVec;

/// What matters of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// Nothing.
    Other,
    /// Packets that the peer has: ranges of their numbers, the highest first.
    Ack(SmallVec<[(u64, u64); 2]>),
    Crypto {
        offset: u64,
        data: &'a [u8],
    },
    Stream {
        stream: u64,
        offset: u64,
        data: &'a [u8],
        fin: bool,
    },
    /// One side of a stream ends before its time.
    Reset {
        stream: u64,
    },
    /// A connection ID that the peer may send to.
    NewId(&'a [u8]),
    /// A datagram (RFC 9221).
    Datagram(&'a [u8]),
    /// The connection is closed.
    Close,
}

impl<'a> Frame<'a> {
    /// The next frame; `None` if there is none, or one that is not known, where nothing tells how long it is. In an
    /// Initial packet of Google's T050 and T051, number 8 is CRYPTO.
    pub(super) fn read(r: &mut Reader<'a>, initial: bool) -> Option<Self> {
        let start = *r;
        let kind = r.varint()?;
        let frame = match kind {
            0 => {
                // Padding comes in hundreds.
                let n = r.0.iter().position(|b| *b != 0).unwrap_or(r.0.len());
                r.take(n);
                Some(Self::Other)
            }
            // PING, HANDSHAKE_DONE; IMMEDIATE_ACK of the ACK frequency extension.
            0x01 | 0x1e | 0x1f => Some(Self::Other),
            0x02 | 0x03 => ack(r, kind == 3),
            0x04 => numbers::<3>(r).map(|[stream, ..]| Self::Reset { stream }),
            // RESET_STREAM_AT: the stream is reliable up to a size, so nothing is lost by passing over it.
            0x24 => numbers::<4>(r).map(|_| Self::Other),
            0x08 if initial => crypto(r),
            0x06 => crypto(r),
            // NEW_TOKEN.
            0x07 => long(r).map(|_| Self::Other),
            0x08..=0x0f => stream(r, kind),
            // MAX_DATA, MAX_STREAMS, DATA_BLOCKED, STREAMS_BLOCKED, RETIRE_CONNECTION_ID.
            0x10 | 0x12..=0x14 | 0x16 | 0x17 | 0x19 => numbers::<1>(r).map(|_| Self::Other),
            // STOP_SENDING, MAX_STREAM_DATA, STREAM_DATA_BLOCKED.
            0x05 | 0x11 | 0x15 => numbers::<2>(r).map(|_| Self::Other),
            0x18 => new_id(r),
            // PATH_CHALLENGE, PATH_RESPONSE.
            0x1a | 0x1b => r.take(8).map(|_| Self::Other),
            0x1c => numbers::<2>(r).and_then(|_| long(r)).map(|_| Self::Close),
            0x1d => numbers::<1>(r).and_then(|_| long(r)).map(|_| Self::Close),
            0x30 => Some(Self::Datagram(std::mem::take(&mut r.0))),
            0x31 => long(r).map(Self::Datagram),
            // ACK_FREQUENCY.
            0xaf => numbers::<4>(r).map(|_| Self::Other),
            _ => None,
        };
        if frame.is_none() {
            *r = start;
        }
        frame
    }
}

fn numbers<const N: usize>(r: &mut Reader<'_>) -> Option<[u64; N]> {
    let mut out = [0; N];
    for number in &mut out {
        *number = r.varint()?;
    }
    Some(out)
}

/// Bytes behind their length.
fn long<'a>(r: &mut Reader<'a>) -> Option<&'a [u8]> {
    let len = r.varint()?;
    r.take(usize::try_from(len).ok()?)
}

fn crypto<'a>(r: &mut Reader<'a>) -> Option<Frame<'a>> {
    let offset = r.varint()?;
    Some(Frame::Crypto { offset, data: long(r)? })
}

fn stream<'a>(r: &mut Reader<'a>, kind: u64) -> Option<Frame<'a>> {
    let stream = r.varint()?;
    let offset = if kind & 4 != 0 { r.varint()? } else { 0 };
    let data = if kind & 2 != 0 { long(r)? } else { std::mem::take(&mut r.0) };
    Some(Frame::Stream { stream, offset, data, fin: kind & 1 != 0 })
}

fn new_id<'a>(r: &mut Reader<'a>) -> Option<Frame<'a>> {
    numbers::<2>(r)?;
    let id = r.vec8()?;
    r.take(16)?;
    Some(Frame::NewId(id))
}

fn ack<'a>(r: &mut Reader<'a>, counts: bool) -> Option<Frame<'a>> {
    let [largest, _, more, first] = numbers::<4>(r)?;
    let mut low = largest.checked_sub(first)?;
    let mut ranges = SmallVec::from_slice(&[(low, largest)]);
    for _ in 0..more {
        let [gap, len] = numbers::<2>(r)?;
        let high = low.checked_sub(gap)?.checked_sub(2)?;
        low = high.checked_sub(len)?;
        if ranges.len() < limits::QUIC_RANGES {
            ranges.push((low, high));
        }
    }
    if counts {
        numbers::<3>(r)?;
    }
    Some(Frame::Ack(ranges))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_one_by_one() {
        let bytes = [
            &[0, 0, 0, 1][..],
            &[2, 10, 0, 1, 2, 1, 3],
            &[6, 5, 2, 7, 8],
            &[0x0b, 4, 1, 9],
            &[4, 8, 0, 3],
            &[0x18, 1, 0, 2, 0xaa, 0xbb],
            &[1; 16],
            &[0x31, 2, 5, 5],
            &[0x1c, 0, 0, 1, b'x'],
            &[0x0c, 4, 0x40, 0x50, 3, 2, 1],
        ]
        .concat();
        let mut r = Reader(&bytes);
        let frames: Vec<_> = std::iter::from_fn(|| Frame::read(&mut r, false)).collect();
        let expected = [
            Frame::Other,
            Frame::Other,
            Frame::Ack(SmallVec::from_slice(&[(8, 10), (2, 5)])),
            Frame::Crypto { offset: 5, data: &[7, 8] },
            Frame::Stream { stream: 4, offset: 0, data: &[9], fin: true },
            Frame::Reset { stream: 8 },
            Frame::NewId(&[0xaa, 0xbb]),
            Frame::Datagram(&[5, 5]),
            Frame::Close,
            Frame::Stream { stream: 4, offset: 0x50, data: &[3, 2, 1], fin: false },
        ];
        assert_eq!(frames, expected);
        assert!(r.0.is_empty());
    }

    #[test]
    fn what_is_not_known_or_cut_is_left() {
        for bytes in [&[0x40, 0x52, 1][..], &[6, 0, 9, 1], &[2, 3, 0, 0, 9], &[2, 3, 0, 1, 0, 9, 9]] {
            let mut r = Reader(bytes);
            assert_eq!((Frame::read(&mut r, false), r.0), (None, bytes));
        }
    }
}
