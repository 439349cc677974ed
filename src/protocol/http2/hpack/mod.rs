//! HPACK (RFC 7541) for an observer: header blocks become fields, and where the state of the compression is not known
//! (a capture that begins midstream, a hole), what can still be read is read.

mod table;

use crate::protocol::fields::{Fields, Input};
use table::{Lookup, Table};

/// The compression state of one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    table: Table,
}

/// The block breaks HPACK: the rest of it and the state of the compression are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl Decoder {
    /// Decodes a whole block. What was decoded before an error stands in `fields`; the state is lost then.
    pub(super) fn decode(&mut self, block: &[u8], fields: &mut Fields) -> Result<(), Broken> {
        fields.clear();
        let mut input = Input::new(block);
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
                        fields.indexed(name, value, coded);
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
            input.string(7)?.text(&mut own)?
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
        let value = input.string(7)?;
        let entry = fields.literal(name, &value)?;
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

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
