//! QPACK (RFC 9204) for an observer: header blocks become fields. Instructions of the encoder are read as they arrive; a
//! block that needs some that have not come waits, and what is never known is left out.

mod fixed;
mod table;

use crate::limits;
use crate::protocol::fields::{Fields, Input};
use table::{Lookup, Table};

/// The compression state of one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    table: Table,
    /// The peer's `SETTINGS_QPACK_MAX_TABLE_CAPACITY`, once it is known.
    pub(super) max_capacity: Option<usize>,
    /// The beginning of an instruction.
    partial: Vec<u8>,
}

/// Why a block is not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Instructions that it needs have not come.
    Blocked,
    /// It breaks QPACK; what was decoded before stands.
    Broken,
}

/// What came of bytes of the encoder's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Entries may have been added.
    Fine,
    /// The table is larger than what is kept of it.
    Large,
    /// They break QPACK: the state is lost.
    Broken,
}

impl Decoder {
    /// Instructions were missed.
    pub(super) fn lose(&mut self) {
        self.table.lose();
        self.partial = Vec::new();
    }

    /// The next bytes of the encoder's stream (section 4.3).
    pub(super) fn instructions(&mut self, bytes: &[u8]) -> Told {
        if self.table.is_lost() {
            return Told::Fine;
        }
        let mut joined = std::mem::take(&mut self.partial);
        let all = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            &joined
        };
        let (mut input, mut told) = (Input::new(all), Told::Fine);
        while input.peek().is_some() {
            let start = input.at;
            match instruction(&mut input, &mut self.table) {
                Some(Ok(fits)) => {
                    if !fits {
                        told = Told::Large;
                    }
                }
                Some(Err(())) => {
                    self.lose();
                    return Told::Broken;
                }
                // It is not whole.
                None => {
                    let rest = all.get(start..).unwrap_or_default();
                    if rest.len() > limits::QPACK_INSTRUCTION {
                        self.lose();
                        return Told::Broken;
                    }
                    // What has waited before is not copied again.
                    self.partial = if start == 0 && !joined.is_empty() { joined } else { rest.to_vec() };
                    break;
                }
            }
        }
        told
    }

    /// Decodes a whole header block (section 4.5). With `wait`, one whose instructions have not come is left.
    ///
    /// # Errors
    /// [`Trouble`]; what was decoded before a break stands in `fields`.
    pub(super) fn decode(&self, block: &[u8], wait: bool, fields: &mut Fields) -> Result<(), Trouble> {
        fields.clear();
        let mut input = Input::new(block);
        let encoded = input.integer(8).ok_or(Trouble::Broken)?;
        let required = self.required(encoded as u64, wait)?;
        if wait && required > Some(self.table.inserted()) {
            return Err(Trouble::Blocked);
        }
        let negative = input.peek().ok_or(Trouble::Broken)? & 0x80 != 0;
        let delta = input.integer(7).ok_or(Trouble::Broken)? as u64;
        let base = required.map(|required| match negative {
            true => required.checked_sub(delta).and_then(|base| base.checked_sub(1)).ok_or(Trouble::Broken),
            false => required.checked_add(delta).ok_or(Trouble::Broken),
        });
        let base = base.transpose()?;
        while let Some(first) = input.peek() {
            self.line(first, base, &mut input, fields).ok_or(Trouble::Broken)?;
        }
        Ok(())
    }

    /// The Required Insert Count (section 4.5.1.1); `None` if nothing can be known of entries.
    fn required(&self, encoded: u64, wait: bool) -> Result<Option<u64>, Trouble> {
        if self.table.is_lost() {
            return Ok(None);
        }
        if encoded == 0 {
            return Ok(Some(0));
        }
        let max = match self.max_capacity {
            Some(max) => max,
            None if wait => return Err(Trouble::Blocked),
            // The settings were lost. Encoders seldom use less than they may.
            None if self.table.capacity() > 0 => self.table.capacity(),
            None => return Ok(None),
        };
        let entries = (max / 32) as u64;
        let range = 2 * entries;
        if range == 0 || encoded > range {
            return Err(Trouble::Broken);
        }
        let most = self.table.inserted() + entries;
        let mut required = most / range * range + encoded - 1;
        if required > most {
            required = required.checked_sub(range).ok_or(Trouble::Broken)?;
        }
        if required == 0 { Err(Trouble::Broken) } else { Ok(Some(required)) }
    }

    /// One field line (section 4.5).
    fn line(&self, first: u8, base: Option<u64>, input: &mut Input<'_>, fields: &mut Fields) -> Option<()> {
        let start = input.at;
        let get =
            |of: &dyn Fn(u64) -> Option<u64>| base.map_or(Lookup::Lost, |base| self.table.get(of(base)));
        let relative = |index: usize| get(&|base| base.checked_sub(index as u64 + 1));
        let behind = |index: usize| get(&|base| base.checked_add(index as u64));
        let of = |fixed: bool, index: usize| if fixed { Table::fixed(index) } else { relative(index) };
        let mut own = Vec::new();
        let name = match first {
            0x80.. | 0x10..=0x1f => {
                let found = match first {
                    0x80.. => of(first & 0x40 != 0, input.integer(6)?),
                    _ => behind(input.integer(4)?),
                };
                match found {
                    Lookup::Known(name, value) => {
                        fields.indexed(name, value, start as u32..input.at as u32);
                        fields.settle();
                    }
                    Lookup::Lost => fields.lost += 1,
                    Lookup::No => return None,
                }
                return Some(());
            }
            0x20..=0x3f => Lookup::Known(input.string(3)?.text(&mut own)?, b""),
            0x40.. => of(first & 0x10 != 0, input.integer(4)?),
            _ => behind(input.integer(3)?),
        };
        let (name, lost): (&[u8], _) = match name {
            Lookup::Known(name, _) => (name, 0),
            Lookup::Lost => (b"", 1),
            Lookup::No => return None,
        };
        fields.literal(name, &input.string(7)?)?;
        fields.lost += lost;
        fields.settle();
        Some(())
    }
}

/// One instruction (section 4.3): `None` if it is not whole, `Some(Err)` if it breaks QPACK, else whether the table is
/// within its bound.
fn instruction(input: &mut Input<'_>, table: &mut Table) -> Option<Result<bool, ()>> {
    let first = input.peek()?;
    let (mut name, mut value) = (Vec::new(), Vec::new());
    // An entry may be evicted for the one that takes its name: it is copied first.
    let of = match first {
        0x80.. => {
            let index = input.integer(6)?;
            let coded = input.string(7)?;
            let of = if first & 0x40 != 0 { Table::fixed(index) } else { table.recent(index) };
            if coded.decode(&mut value).is_none() {
                return Some(Err(()));
            }
            of
        }
        0x40.. => {
            let (coded, text) = (input.string(5)?, input.string(7)?);
            let decoded = coded.decode(&mut name).and_then(|()| text.decode(&mut value));
            return Some(decoded.and_then(|()| table.insert(&name, &value)).map(|()| true).ok_or(()));
        }
        0x20.. => return Some(Ok(table.resize(input.integer(5)?))),
        _ => {
            let of = table.recent(input.integer(5)?);
            if let Lookup::Known(_, known) = of {
                value.extend_from_slice(known);
            }
            of
        }
    };
    match of {
        Lookup::Known(of, _) => name.extend_from_slice(of),
        Lookup::Lost => {
            table.insert_lost();
            return Some(Ok(true));
        }
        Lookup::No => return Some(Err(())),
    }
    Some(table.insert(&name, &value).map(|()| true).ok_or(()))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
