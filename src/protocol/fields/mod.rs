//! Header fields as HPACK (RFC 7541) and QPACK (RFC 9204) share them: what a block decodes to, the literals and integers
//! that it is made of, the entries of its tables, and the message head that comes of it.

mod head;
mod huffman;
mod input;
mod store;

pub use huffman::bits as huffman_bits;
pub(super) use huffman::encode as huffman;

pub(super) use head::{Pieces, speak};
pub(super) use input::{Input, Literal};
pub(super) use store::Store;

use crate::limits;
use std::ops::Range;

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

    /// Adds a field of a table, for which the bytes at `coded` of the block stand.
    pub(super) fn indexed(&mut self, name: &[u8], value: &[u8], coded: Range<u32>) {
        self.push(name, coded, Coding::Index, |text| {
            text.extend_from_slice(value);
            Some(())
        });
    }

    /// Adds a field whose value is a literal. `None`, and nothing is added, if that cannot be decoded. Over the bound it
    /// stands in the text until it is settled only.
    pub(super) fn literal(&mut self, name: &[u8], value: &Literal<'_>) -> Option<Entry> {
        let coding = if value.huffman { Coding::Huffman } else { Coding::Plain };
        self.push(name, value.range.clone(), coding, |text| value.decode(text))
    }

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
    pub(super) fn settle(&mut self) {
        if self.text.len() > limits::HEAD_BYTES || self.list.len() > limits::HEAD_FIELDS {
            self.over = true;
            if let Some(entry) = self.list.pop() {
                self.text.truncate(entry.name.start as usize);
            }
        }
    }
}
