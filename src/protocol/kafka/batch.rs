//! Batches of records (format 2, KIP-98) and older messages, found by their form in what Produce sends and Fetch gets: the requests
//! around them have twenty versions, the batches one.

use super::{older, unsigned};
use crate::limits;
use crate::message::{ContentDecoder, Direction, End, ExchangeId, Field, Location};
use crate::protocol::composed::Composed;
use crate::protocol::reader::{Reader, field, offset};
use crate::protocol::{Out, Trail};

/// Bytes of a batch before its records.
pub(super) const HEAD: usize = 61;
/// Base offset and length, which counts what follows.
const AHEAD: usize = 12;
/// Sizes of batches and older messages: the least is one without key and value.
const SIZES: std::ops::RangeInclusive<usize> = 14..=limits::KAFKA_BATCH;
/// Headers of one record that are looked at.
const HEADERS: u64 = 1024;

/// The bytes of one message that are looked at for batches.
pub(super) struct Batches {
    /// What stands around batches.
    id: ExchangeId,
    /// Bytes that may begin a batch, or the batch in progress.
    held: Composed,
    /// How long that is.
    wants: usize,
    reserved: usize,
}

impl Batches {
    pub(super) fn new(dir: Direction, out: &mut Out<'_>) -> Self {
        let at = out.at();
        let id = out.open(dir, (Location::Publish, Location::Property), at, &[]);
        Self { id, held: Composed::default(), wants: 0, reserved: 0 }
    }

    /// The next bytes, at layer offset `at`.
    pub(super) fn push(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) {
        let (mut rest, mut at) = (bytes, at);
        while !rest.is_empty() {
            if self.held.text().is_empty() {
                let start = find(rest);
                self.around(dir, &rest[..start], at, out);
                rest = &rest[start..];
                at += start as u64;
            }
            let goal = self.wants.max(HEAD);
            let n = (goal - self.held.text().len()).min(rest.len());
            if n > 0 && !out.reserve(n) {
                out.weird("unit_limit");
                self.give_up(dir, out);
                return self.around(dir, rest, at, out);
            }
            self.reserved += n;
            self.held.add(&rest[..n], out.trail(dir), at);
            rest = &rest[n..];
            at += n as u64;
            if self.held.text().len() < goal {
                return;
            }
            if self.wants == 0 {
                match length(self.held.text()) {
                    Some(wants) => self.wants = wants,
                    None => self.shift(dir, out),
                }
            }
            if self.wants > 0 && self.held.text().len() >= self.wants {
                // An older message may be shorter than the head of a batch.
                self.pass(self.wants, dir, out, |text, out| emit(text, dir, out));
            }
        }
    }

    /// Bytes never arrived.
    pub(super) fn hole(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) {
        self.give_up(dir, out);
        out.body_gap(self.id, dir, len);
    }

    /// The message is over.
    pub(super) fn finish(mut self, dir: Direction, whole: bool, out: &mut Out<'_>) {
        if older::length(self.held.text()) == Some(self.held.text().len()) {
            self.take(out).speak(dir, out, |text, out| older::emit(text, dir, out));
        }
        self.give_up(dir, out);
        out.end(self.id, dir, if whole { End::Complete } else { End::Cut });
    }

    fn around(&self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) {
        if !bytes.is_empty() {
            out.body(self.id, dir, at, bytes);
        }
    }

    fn take(&mut self, out: &mut Out<'_>) -> Composed {
        out.release(std::mem::take(&mut self.reserved));
        self.wants = 0;
        std::mem::take(&mut self.held)
    }

    /// What is held is no batch.
    fn give_up(&mut self, dir: Direction, out: &mut Out<'_>) {
        let (held, id) = (self.take(out), self.id);
        if !held.text().is_empty() {
            held.speak(dir, out, |text, out| out.body(id, dir, 0, text));
        }
    }

    /// What is held does not begin with a batch; one may begin in it.
    fn shift(&mut self, dir: Direction, out: &mut Out<'_>) {
        let (start, id) = (1 + find(&self.held.text()[1..]), self.id);
        self.pass(start, dir, out, |text, out| out.body(id, dir, 0, text));
    }

    /// Says the first `n` bytes of what is held, and keeps the rest.
    fn pass(&mut self, n: usize, dir: Direction, out: &mut Out<'_>, say: impl FnOnce(&[u8], &mut Out<'_>)) {
        let held = self.take(out);
        let mut rest = Composed::default();
        held.speak(dir, out, |text, out| {
            say(&text[..n], out);
            if n < text.len() {
                rest.add(&text[n..], out.trail(dir), n as u64);
            }
        });
        self.reserved = if out.reserve(rest.text().len()) { rest.text().len() } else { 0 };
        self.held = rest;
    }
}

/// Where in `bytes` a batch or an older message may begin: its first byte, its size and the format, 16 bytes behind its first byte, are
/// what they may be as far as they are there.
fn find(bytes: &[u8]) -> usize {
    let mut from = 0;
    while let Some(at) = memchr::memchr(0, &bytes[from..]).map(|at| from + at) {
        let here = &bytes[at..];
        let form = match older::format(here) {
            None => true,
            Some(2) => here.get(21).is_none_or(|attributes| *attributes == 0),
            Some(format) => older::may_be(format, here.get(17).copied()),
        };
        let size = Reader(here.get(8..).unwrap_or_default()).u32();
        if form && size.is_none_or(|size| SIZES.contains(&(size as usize))) {
            return at;
        }
        from = at + 1;
    }
    bytes.len()
}

/// The length of the batch or older message that `bytes` begin with.
fn length(bytes: &[u8]) -> Option<usize> {
    let bytes = bytes.get(..HEAD)?;
    if older::format(bytes)? < 2 {
        return older::length(bytes);
    }
    let mut r = Reader(bytes);
    let offset = u64::from_be_bytes(r.array()?);
    let len = r.u32()? as usize;
    r.u32()?;
    let format = r.u8()?;
    r.u32()?;
    let (attributes, last) = (r.u16()?, r.u32()?);
    r.take(30)?;
    let count = r.u32()?;
    let good = offset < 1 << 56
        && (HEAD - AHEAD..=limits::KAFKA_BATCH).contains(&len)
        && format == 2
        && attributes & !0x7f == 0
        && attributes & 7 <= 4
        // Records may have been removed since.
        && count <= last.saturating_add(1)
        && u64::from(last) < 1 << 31;
    good.then_some(AHEAD + len)
}

/// Says the records of a whole batch, or the messages in an older one.
fn emit(text: &[u8], dir: Direction, out: &mut Out<'_>) {
    if older::format(text).is_some_and(|format| format < 2) {
        return older::emit(text, dir, out);
    }
    let coded = text.get(HEAD..).unwrap_or_default();
    let coding = text.get(22).map_or(0, |attributes| attributes & 7);
    if coding == 0 {
        return records(coded, HEAD as u64, dir, out);
    }
    let (plain, whole) = decoded(coding, coded);
    if !whole {
        out.weird("content_undecodable");
    }
    let mut trails = <[Trail; 2]>::default();
    trails[dir.index()].push_derived(0, plain.len() as u64, out.trail(dir).position(HEAD as u64));
    out.wrapped(dir, text, super::blank::blanked, |out| {
        out.decoded(&trails, |out| records(&plain, 0, dir, out));
    });
}

/// Undoes the compression of a batch, as far as that goes; the second part says whether it went to the end.
pub(super) fn decoded(coding: u8, bytes: &[u8]) -> (Vec<u8>, bool) {
    let name: &[u8] = match coding {
        1 => b"gzip",
        2 => return super::snappy::decoded(bytes, limits::KAFKA_RECORDS),
        3 => return lz4(bytes),
        4 => b"zstd",
        _ => return (bytes.to_vec(), false),
    };
    let mut plain = Vec::new();
    let Ok(Some(mut decoder)) = ContentDecoder::new(name) else { return (plain, false) };
    let mut over = false;
    let mut keep = |piece: &[u8]| {
        let room = limits::KAFKA_RECORDS.saturating_sub(plain.len());
        over |= piece.len() > room;
        plain.extend_from_slice(&piece[..piece.len().min(room)]);
    };
    let pushed = decoder.push(bytes, &mut keep);
    let finished = decoder.finish(&mut keep);
    (plain, pushed.is_ok() && finished.is_ok() && !over)
}

fn lz4(bytes: &[u8]) -> (Vec<u8>, bool) {
    use std::io::Read as _;
    let mut plain = Vec::new();
    let decoder = lz4_flex::frame::FrameDecoder::new(bytes);
    let read = decoder.take(limits::KAFKA_RECORDS as u64).read_to_end(&mut plain);
    let whole = read.is_ok() && plain.len() < limits::KAFKA_RECORDS;
    (plain, whole)
}

/// Says records, which stand at offset `at`; what is not one is said as it is.
fn records(bytes: &[u8], at: u64, dir: Direction, out: &mut Out<'_>) {
    let mut r = Reader(bytes);
    while !r.0.is_empty() {
        let start = r.0;
        let record = signed(&mut r).and_then(|len| r.take(usize::try_from(len).ok()?));
        let Some((record, parts)) = record.and_then(|record| Some((record, parts(record)?))) else {
            return out.say(dir, Location::Publish, at + u64::from(offset(bytes, start)), start);
        };
        let record_at = at + u64::from(offset(bytes, record));
        let (value, fields) = parts;
        tell((record, record_at), value, &fields, dir, out);
    }
}

/// Says a record, which stands at that offset: its value is a part of it.
pub(super) fn tell(
    (record, at): (&[u8], u64),
    value: &[u8],
    fields: &[Field<'_>],
    dir: Direction,
    out: &mut Out<'_>,
) {
    let id = out.open(dir, (Location::Publish, Location::Header), at, fields);
    if !value.is_empty() {
        out.body(id, dir, at + u64::from(offset(record, value)), value);
    }
    out.end(id, dir, End::Complete);
}

/// The value of a record; its key and headers.
fn parts(record: &[u8]) -> Option<(&[u8], Vec<Field<'_>>)> {
    let mut r = Reader(record);
    r.u8()?;
    signed(&mut r)?;
    signed(&mut r)?;
    let key = nullable(&mut r)?;
    let value = nullable(&mut r)?;
    let mut fields = Vec::new();
    if !key.is_empty() {
        fields.push(field(record, b"key", key));
    }
    for _ in 0..u64::try_from(signed(&mut r)?).ok()?.min(HEADERS) {
        let name = nullable(&mut r)?;
        let value = nullable(&mut r)?;
        fields.push(field(record, name, value));
    }
    Some((value, fields))
}

/// Bytes behind their length, of which there may be none.
fn nullable<'a>(r: &mut Reader<'a>) -> Option<&'a [u8]> {
    let len = signed(r)?;
    r.take(usize::try_from(len.max(0)).ok()?)
}

/// A number whose sign is its lowest bit.
fn signed(r: &mut Reader<'_>) -> Option<i64> {
    let n = unsigned(r)?;
    Some((n >> 1) as i64 ^ -((n & 1) as i64))
}
