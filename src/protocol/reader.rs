//! A cursor over the bytes of one message: every read says `None` when they run out.

use crate::message::Field;

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `n` bytes.
    pub(super) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next `N` bytes, as an array.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// One byte.
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[b]| b)
    }

    /// Two bytes, big-endian.
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Three bytes, big-endian.
    pub(super) fn u24(&mut self) -> Option<usize> {
        self.array::<3>().map(|[a, b, c]| usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
    }

    /// Four bytes, big-endian.
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A number of QUIC (RFC 9000 section 16): the first two bits say how long it is.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let first = self.u8()?;
        let more = self.take((1 << (first >> 6)) - 1)?;
        Some(more.iter().fold(u64::from(first & 0x3f), |n, b| n << 8 | u64::from(*b)))
    }

    /// Bytes behind a length of one byte.
    pub(super) fn vec8(&mut self) -> Option<&'a [u8]> {
        let n = self.u8()?;
        self.take(n.into())
    }

    /// Bytes behind a length of two bytes.
    pub(super) fn vec16(&mut self) -> Option<&'a [u8]> {
        let n = self.u16()?;
        self.take(n.into())
    }

    /// Bytes behind a length of three bytes.
    pub(super) fn vec24(&mut self) -> Option<&'a [u8]> {
        let n = self.u24()?;
        self.take(n)
    }
}

/// Where `part` begins in `whole`, which it is a part of.
pub(super) fn offset(whole: &[u8], part: &[u8]) -> u32 {
    let ahead = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    ahead.min(whole.len()) as u32
}

/// A field of that name whose value is a part of `whole`.
pub(super) fn field<'a>(whole: &[u8], name: &'a [u8], value: &'a [u8]) -> Field<'a> {
    Field { name, value, at: offset(whole, value) }
}

/// Numbers of two bytes, one after the other; an odd byte at the end is left out.
pub(super) fn u16s(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|b| u16::from_be_bytes(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_until_there_is_no_more() {
        let mut r = Reader(&[1, 2, 3, 4, 2, 5, 6, 0, 1, 7, 0, 0, 9]);
        assert_eq!((r.u8(), r.u24(), r.vec8()), (Some(1), Some(0x0002_0304), Some(&[5, 6][..])));
        assert_eq!((r.vec16(), r.u24(), r.u16()), (Some(&[7][..]), Some(9), None));
        // RFC 9000 appendix A.1.
        let mut r = Reader(&[
            0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c, 0x9d, 0x7f, 0x3e, 0x7d, 0x7b, 0xbd, 0x25, 0x40,
        ]);
        let numbers = [151_288_809_941_952_652, 494_878_333, 15_293, 37].map(Some);
        assert_eq!([r.varint(), r.varint(), r.varint(), r.varint()], numbers);
        assert_eq!(r.varint(), None);
        assert_eq!(u16s(&[1, 2, 3]), [0x0102]);
    }
}
