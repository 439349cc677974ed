//! Types of AMQP 1.0 (part 1): a constructor says how wide a value is.

use crate::message::Field;
use crate::protocol::reader::{Reader, field};

/// Described types within each other that are looked into.
const DEPTH: u8 = 4;

/// A value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    /// The descriptor of a described one (section 1.1.2), if that is a number.
    pub(super) kind: Option<u64>,
    /// The constructor.
    pub(super) code: u8,
    /// Its bytes; those of a list or map behind the count.
    pub(super) bytes: &'a [u8],
}

impl<'a> Value<'a> {
    /// Reads a value. One that is cut is read as far as it goes.
    pub(super) fn read(r: &mut Reader<'a>) -> Option<Self> {
        Self::within(r, DEPTH)
    }

    fn within(r: &mut Reader<'a>, depth: u8) -> Option<Self> {
        let code = r.u8()?;
        if code == 0 {
            let depth = depth.checked_sub(1)?;
            let descriptor = Self::within(r, depth)?;
            return Some(Self { kind: descriptor.number(), ..Self::within(r, depth)? });
        }
        let len = match code >> 4 {
            4 => 0,
            5 => 1,
            6 => 2,
            7 => 4,
            8 => 8,
            9 => 16,
            0xa | 0xc | 0xe => usize::from(r.u8()?),
            0xb | 0xd | 0xf => r.u32()? as usize,
            _ => return None,
        };
        let mut bytes = r.take(len.min(r.0.len()))?;
        // The count of elements.
        match code {
            0xc0 | 0xc1 => bytes = bytes.get(1..)?,
            0xd0 | 0xd1 => bytes = bytes.get(4..)?,
            _ => {}
        }
        Some(Self { kind: None, code, bytes })
    }

    /// Elements of a list, or names and values of a map, in turn.
    pub(super) fn elements(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut r = Reader(self.bytes);
        while self.is_list() || self.is_map() {
            let Some(value) = Self::read(&mut r) else { break };
            all.push(value);
        }
        all
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.code, 0xc0 | 0xd0)
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.code, 0xc1 | 0xd1)
    }

    /// Whether it is binary, a string or a symbol.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.code, 0xa0 | 0xa1 | 0xa3 | 0xb0 | 0xb1 | 0xb3)
    }

    /// It as a number that is not negative.
    pub(super) fn number(&self) -> Option<u64> {
        match self.code {
            0x43 | 0x44 => Some(0),
            0x50 | 0x52 | 0x53 | 0x60 | 0x70 | 0x80 => {
                Some(self.bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
            }
            _ => None,
        }
    }

    /// It as a truth value.
    pub(super) fn is_true(&self) -> bool {
        self.code == 0x41 || self.code == 0x56 && self.bytes == [1]
    }

    /// Appends the entries of a map whose values are text, and those of maps in it, as parts of `whole`.
    pub(super) fn fields(&self, whole: &[u8], fields: &mut Vec<Field<'a>>) {
        for pair in self.elements().chunks_exact(2) {
            if pair[1].is_map() && fields.len() < 1024 {
                pair[1].fields(whole, fields);
            } else if pair[1].is_text() && fields.len() < 1024 {
                let name = if pair[0].is_text() { pair[0].bytes } else { b"" };
                fields.push(field(whole, name, pair[1].bytes));
            }
        }
    }
}
