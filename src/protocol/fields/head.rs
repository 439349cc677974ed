//! From the fields of a block to the head of a message (RFC 9113 section 8.3, RFC 9114 section 4.3).

use super::{Coding, Entry, Fields, huffman};
use crate::message::{Direction, Field, Head, Start, Version};
use crate::protocol::{Out, Trail};
use smallvec::SmallVec;

/// A block and where its bytes lie in the layer.
pub(in crate::protocol) struct Pieces<'a> {
    pub(in crate::protocol) bytes: &'a [u8],
    /// Where each part came from: offset in the block, and in the layer.
    pub(in crate::protocol) parts: &'a [(usize, u64)],
    /// Layer offset of the frame that began it.
    pub(in crate::protocol) at: u64,
}

impl Pieces<'_> {
    /// The runs of a range of the block that are contiguous in the layer: offset in the block, layer offset, length.
    fn runs(&self, from: usize, to: usize) -> impl Iterator<Item = (usize, u64, usize)> {
        let first = self.parts.partition_point(|(start, _)| *start <= from).saturating_sub(1);
        let ends = self.parts.iter().skip(first + 1).map(|(start, _)| *start).chain([usize::MAX]);
        self.parts
            .iter()
            .skip(first)
            .zip(ends)
            .take_while(move |((start, _), _)| *start < to.max(from + 1))
            .map(move |((start, at), end)| {
                let begin = from.max(*start);
                (begin, at + (begin - start) as u64, to.min(end).saturating_sub(begin))
            })
    }
}

/// Speaks of the head that a decoded block is, with a trail of its own; `said` also gets whether there are fields that only
/// a message begins with. The block came in the first direction and is a message of the second one.
pub(in crate::protocol) fn speak(
    version: Version,
    (dir, to): (Direction, Direction),
    source: &Pieces<'_>,
    (fields, trails): (&Fields, &mut [Trail; 2]),
    out: &mut Out<'_>,
    said: impl FnOnce(&Head<'_>, bool, &mut Out<'_>),
) {
    if fields.over {
        out.weird("http_head_too_large");
    }
    lay(&mut trails[to.index()], out.trail(dir), source, fields);
    let pseudo = Pseudo::of(fields);
    let list: SmallVec<[Field<'_>; 32]> = fields
        .list
        .iter()
        .filter(|e| !matches!(fields.name(e), b":method" | b":path" | b":status"))
        .map(|e| Field { name: fields.name(e), value: fields.value(e), at: e.value.start })
        .collect();
    let (start, start_at) = pseudo.start(to, fields);
    let head = Head { start_at, raw: &fields.text, ..Head::new(version, start, &list) };
    out.decoded(trails, |out| said(&head, pseudo.any(), out));
}

/// Says of each byte of the decoded text where it was captured.
fn lay(trail: &mut Trail, outer: &Trail, source: &Pieces<'_>, fields: &Fields) {
    trail.clear();
    trail.push_derived(0, 0, outer.position(source.at));
    for Entry { value, coded, coding, .. } in &fields.list {
        let (from, to) = (coded.start as usize, coded.end as usize);
        let start = u64::from(value.start);
        for (begin, at, len) in source.runs(from, to) {
            let ahead = (begin - from) as u64;
            match coding {
                Coding::Plain => trail.push_from(start + ahead, outer, at, len as u64),
                Coding::Index if ahead > 0 => {}
                Coding::Index => trail.push_derived(start, 0, outer.position(at)),
                Coding::Huffman => {
                    for (run, position, _) in outer.runs(at, len as u64) {
                        let passed = begin + (run - at) as usize - from;
                        let string = source.bytes.get(from..to).unwrap_or_default();
                        let before =
                            if passed == 0 { 0 } else { huffman::symbols_before(string, passed) as u64 };
                        trail.push_derived(start + before, 0, position);
                    }
                }
            }
        }
    }
}

/// The pseudo-header fields that make a start line (RFC 9113 section 8.3).
struct Pseudo<'a> {
    method: Option<&'a Entry>,
    path: Option<&'a Entry>,
    authority: Option<&'a Entry>,
    status: Option<&'a Entry>,
}

impl<'a> Pseudo<'a> {
    fn of(fields: &'a Fields) -> Self {
        let mut found = Self { method: None, path: None, authority: None, status: None };
        for entry in &fields.list {
            let place = match fields.name(entry) {
                b":method" => &mut found.method,
                b":path" => &mut found.path,
                b":authority" => &mut found.authority,
                b":status" => &mut found.status,
                _ => continue,
            };
            place.get_or_insert(entry);
        }
        found
    }

    fn any(&self) -> bool {
        self.method.is_some() || self.path.is_some() || self.status.is_some()
    }

    /// The start line; what is lost of it is empty, or 0.
    fn start(&self, dir: Direction, fields: &'a Fields) -> (Start<'a>, u32) {
        let value = |entry: Option<&'a Entry>| entry.map_or(&b""[..], |e| fields.value(e));
        if dir == Direction::Response {
            let digits = value(self.status).iter().take(3).filter(|b| b.is_ascii_digit());
            let status = digits.fold(0, |n, b| n * 10 + u16::from(b - b'0'));
            return (Start::Response { status }, self.status.map_or(0, |e| e.value.start));
        }
        // CONNECT has no path (RFC 9113 section 8.5).
        let target = self.path.or(self.authority.filter(|_| value(self.method) == b"CONNECT"));
        let start = Start::Request { method: value(self.method), target: value(target) };
        (start, target.map_or(0, |e| e.value.start))
    }
}
