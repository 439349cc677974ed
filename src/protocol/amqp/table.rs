//! Field tables of AMQP 0-9-1 (section 4.2.5), as RabbitMQ reads them.

use crate::message::Field;
use crate::protocol::reader::{Reader, field};

/// Tables within tables that are looked into, and entries of one message that are kept.
const DEPTH: u8 = 8;
const ENTRIES: usize = 1024;

/// Reads a table behind its length; values that are text, or hold some, are appended to `fields` as parts of `whole`. `None` if it is
/// malformed.
pub(super) fn table<'a>(whole: &[u8], r: &mut Reader<'a>, fields: &mut Vec<Field<'a>>) -> Option<()> {
    let len = r.u32()?;
    entries(whole, r.take(len as usize)?, DEPTH, fields)
}

/// The entries of a table.
pub(super) fn entries<'a>(
    whole: &[u8],
    bytes: &'a [u8],
    depth: u8,
    fields: &mut Vec<Field<'a>>,
) -> Option<()> {
    let mut r = Reader(bytes);
    while !r.0.is_empty() {
        let name = r.vec8()?;
        value(whole, name, &mut r, depth, fields)?;
    }
    Some(())
}

fn value<'a>(
    whole: &[u8],
    name: &'a [u8],
    r: &mut Reader<'a>,
    depth: u8,
    fields: &mut Vec<Field<'a>>,
) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let size = match r.u8()? {
        b'V' => 0,
        b't' | b'b' | b'B' => 1,
        b's' | b'u' | b'U' => 2,
        b'I' | b'i' | b'f' => 4,
        b'D' => 5,
        b'L' | b'l' | b'd' | b'T' => 8,
        kind @ (b'S' | b'x' | b'F' | b'A') => {
            let len = r.u32()?;
            let bytes = r.take(len as usize)?;
            match kind {
                b'F' => entries(whole, bytes, depth, fields)?,
                b'A' => {
                    let mut inside = Reader(bytes);
                    while !inside.0.is_empty() {
                        value(whole, name, &mut inside, depth, fields)?;
                    }
                }
                _ if fields.len() < ENTRIES => fields.push(field(whole, name, bytes)),
                _ => {}
            }
            return Some(());
        }
        _ => return None,
    };
    r.take(size).map(drop)
}
