//! HPACK (RFC 7541) for an observer: header blocks become fields, and where the state of the compression is not known
//! (a capture that begins midstream, a hole), what can still be read is read.

mod huffman;
mod table;

#[cfg(test)]
pub(in crate::protocol) use huffman::encode as huffman;

use crate::limits;
use std::ops::Range;
use table::{Lookup, Table};

/// The compression state of one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    table: Table,
}

/// The fields of one header block, as text (`name: value`, one a line) and ranges into it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) text: Vec<u8>,
    pub(super) list: Vec<Entry>,
    /// Fields of which the name, the value or both are not known.
    pub(super) lost: u32,
    /// Fields over [`limits::HEAD_BYTES`] or [`limits::HEAD_FIELDS`], which were left out.
    pub(super) over: bool,
    /// The encoder asked for a table over [`limits::HPACK_TABLE`].
    pub(super) large: bool,
}

/// One field.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its name in the text; empty if it is not known.
    pub(super) name: Range<u32>,
    pub(super) value: Range<u32>,
    /// Where in the block the value is coded: the string, or the index that stands for it.
    pub(super) coded: Range<u32>,
    pub(super) coding: Coding,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is.
    Plain,
    Huffman,
    /// An index into a table.
    Index,
}

impl Fields {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.list.clear();
        (self.lost, self.over, self.large) = (0, false, false);
    }

    pub(super) fn name(&self, entry: &Entry) -> &[u8] {
        self.slice(&entry.name)
    }

    pub(super) fn value(&self, entry: &Entry) -> &[u8] {
        self.slice(&entry.value)
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// The block breaks HPACK: the rest of it and the state of the compression are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl Decoder {
    /// Decodes a whole block. What was decoded before an error stands in `fields`; the state is lost then.
    pub(super) fn decode(&mut self, block: &[u8], fields: &mut Fields) -> Result<(), Broken> {
        fields.clear();
        let mut input = Input { block, at: 0 };
        while let Some(first) = block.get(input.at).copied() {
            let result = self.representation(first, &mut input, fields);
            if result.is_none() {
                self.lose();
                return Err(Broken);
            }
        }
        Ok(())
    }

    /// Header blocks were missed.
    pub(super) fn lose(&mut self) {
        self.table.lose();
    }

    /// One representation (RFC 7541 section 6).
    fn representation(&mut self, first: u8, input: &mut Input<'_>, fields: &mut Fields) -> Option<()> {
        let start = input.at;
        match first {
            0x80.. => {
                let index = input.integer(7)?;
                let coded = start as u32..input.at as u32;
                match self.table.get(index) {
                    Lookup::Known(name, value) => {
                        fields.push(name, coded, Coding::Index, |text| {
                            text.extend_from_slice(value);
                            Some(())
                        })?;
                        fields.settle();
                    }
                    Lookup::Lost => fields.lost += 1,
                    Lookup::No => return None,
                }
            }
            0x40.. => self.literal(input, 6, fields)?,
            0x20.. => {
                // In the middle of a block it is an error (RFC 7541 section 4.2) that not every peer minds.
                let size = input.integer(5)?;
                fields.large |= !self.table.resize(size);
            }
            _ => self.literal(input, 4, fields)?,
        }
        Some(())
    }

    /// A literal field: with incremental indexing (a prefix of 6 bits), without, or never indexed.
    fn literal(&mut self, input: &mut Input<'_>, prefix: u8, fields: &mut Fields) -> Option<()> {
        let index = input.integer(prefix)?;
        let mut lost = false;
        let mut own = Vec::new();
        let name = if index == 0 {
            let (string, huffman) = input.string()?;
            if huffman {
                huffman::decode(string, &mut own)?;
                own.as_slice()
            } else {
                string
            }
        } else {
            match self.table.get(index) {
                Lookup::Known(name, _) => name,
                Lookup::Lost => {
                    lost = true;
                    b""
                }
                Lookup::No => return None,
            }
        };
        let (string, huffman) = input.string()?;
        let coded = (input.at - string.len()) as u32..input.at as u32;
        let coding = if huffman { Coding::Huffman } else { Coding::Plain };
        let entry = fields.push(name, coded, coding, |text| {
            if huffman {
                return huffman::decode(string, text);
            }
            text.extend_from_slice(string);
            Some(())
        })?;
        fields.lost += u32::from(lost);
        if prefix == 6 {
            if lost {
                // Its value may be named again, but there is nothing to tell what it is the value of.
                self.table.insert_lost();
            } else {
                self.table.insert(fields.name(&entry), fields.value(&entry));
            }
        }
        fields.settle();
        Some(())
    }
}

impl Fields {
    /// Adds a field, whose value `write` appends. Over the bound it stands in the text until it is settled only.
    fn push(
        &mut self,
        name: &[u8],
        coded: Range<u32>,
        coding: Coding,
        write: impl FnOnce(&mut Vec<u8>) -> Option<()>,
    ) -> Option<Entry> {
        let start = self.text.len() as u32;
        self.text.extend_from_slice(name);
        let name = start..self.text.len() as u32;
        self.text.extend_from_slice(b": ");
        let value = self.text.len() as u32;
        if write(&mut self.text).is_none() {
            self.text.truncate(start as usize);
            return None;
        }
        let value = value..self.text.len() as u32;
        self.text.extend_from_slice(b"\r\n");
        let entry = Entry { name, value, coded, coding };
        self.list.push(entry.clone());
        Some(entry)
    }

    /// The bounds bite once a field is in the table.
    fn settle(&mut self) {
        if self.text.len() > limits::HEAD_BYTES || self.list.len() > limits::HEAD_FIELDS {
            self.over = true;
            if let Some(entry) = self.list.pop() {
                self.text.truncate(entry.name.start as usize);
            }
        }
    }
}

struct Input<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    /// An integer with a prefix of `bits` (RFC 7541 section 5.1); none of HPACK needs 2^28.
    fn integer(&mut self, bits: u8) -> Option<usize> {
        let mask = (1_usize << bits) - 1;
        let mut value = usize::from(*self.block.get(self.at)?) & mask;
        self.at += 1;
        if value < mask {
            return Some(value);
        }
        for shift in [0, 7, 14, 21] {
            let byte = *self.block.get(self.at)?;
            self.at += 1;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A string literal as it is coded, and whether that is Huffman's code (RFC 7541 section 5.2).
    fn string(&mut self) -> Option<(&'a [u8], bool)> {
        let huffman = self.block.get(self.at)? & 0x80 != 0;
        let len = self.integer(7)?;
        let string = self.block.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some((string, huffman))
    }
}

/// How many symbols of a string in Huffman's code begin within its first `len` bytes.
pub(super) fn symbols_before(coded: &[u8], len: usize) -> usize {
    huffman::symbols_before(coded, len)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
