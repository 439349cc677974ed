//! A cursor over a header block: integers and string literals.

use super::huffman;
use std::ops::Range;

/// What is left of a block.
#[derive(Clone, Debug)]
pub(in crate::protocol) struct Input<'a> {
    block: &'a [u8],
    /// Offset in the block.
    pub(in crate::protocol) at: usize,
}

/// A string literal, as it is coded (RFC 7541 section 5.2).
#[derive(Clone, Debug)]
pub(in crate::protocol) struct Literal<'a> {
    bytes: &'a [u8],
    pub(super) huffman: bool,
    /// Where in the block its bytes lie.
    pub(super) range: Range<u32>,
}

impl Literal<'_> {
    /// Whether it is in Huffman's code.
    pub(in crate::protocol) fn is_huffman(&self) -> bool {
        self.huffman
    }

    /// Where in the block its bytes lie.
    pub(in crate::protocol) fn range(&self) -> Range<usize> {
        self.range.start as usize..self.range.end as usize
    }
}

impl<'a> Input<'a> {
    pub(in crate::protocol) const fn new(block: &'a [u8]) -> Self {
        Self { block, at: 0 }
    }

    /// The next byte, which stays.
    pub(in crate::protocol) fn peek(&self) -> Option<u8> {
        self.block.get(self.at).copied()
    }

    /// An integer with a prefix of `bits` (RFC 7541 section 5.1); none that means anything here needs 2^28.
    pub(in crate::protocol) fn integer(&mut self, bits: u8) -> Option<usize> {
        let mask = (1_usize << bits) - 1;
        let mut value = usize::from(self.peek()?) & mask;
        self.at += 1;
        if value < mask {
            return Some(value);
        }
        for shift in [0, 7, 14, 21] {
            let byte = self.peek()?;
            self.at += 1;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A string literal whose length has a prefix of `bits`; the bit before it says whether Huffman's code is used.
    pub(in crate::protocol) fn string(&mut self, bits: u8) -> Option<Literal<'a>> {
        let huffman = self.peek()? & 1 << bits != 0;
        let len = self.integer(bits)?;
        let start = self.at;
        let bytes = self.block.get(start..start.checked_add(len)?)?;
        self.at += len;
        Some(Literal { bytes, huffman, range: start as u32..self.at as u32 })
    }
}

impl<'a> Literal<'a> {
    /// Decodes it behind `out`; `None` if Huffman's code is broken.
    pub(in crate::protocol) fn decode(&self, out: &mut Vec<u8>) -> Option<()> {
        if self.huffman {
            return huffman::decode(self.bytes, out);
        }
        out.extend_from_slice(self.bytes);
        Some(())
    }

    /// The text: where it lies, or decoded into `own`.
    pub(in crate::protocol) fn text<'b>(&self, own: &'b mut Vec<u8>) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        if !self.huffman {
            return Some(self.bytes);
        }
        huffman::decode(self.bytes, own)?;
        Some(own)
    }
}
