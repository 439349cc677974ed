//! Streams that go one way (RFC 9114 section 6.2): control, push, and the instructions of QPACK.

use super::half::Half;
use super::{Http3, qpack::Told};
use crate::limits;
use crate::message::{Direction, End};
use crate::protocol::Out;
use crate::protocol::reader::Reader;

const CONTROL: u64 = 0;
const PUSH_STREAM: u64 = 1;
const ENCODER: u64 = 2;
const DECODER: u64 = 3;
const SETTINGS: u64 = 4;
/// `SETTINGS_QPACK_MAX_TABLE_CAPACITY` (RFC 9204 section 5).
const MAX_TABLE_CAPACITY: u64 = 1;
/// Bytes of two numbers: the type of the stream, and that of its push.
const HEADER: usize = 16;

/// One such stream.
pub(super) enum Lane {
    /// Its type is not known; the bytes so far, from offset 0.
    Start(Vec<u8>),
    Control(Control),
    Push(Box<Half>),
    /// Instructions for the table of the same direction.
    Encoder,
    /// Acknowledgments of instructions.
    Decoder,
    /// Of an extension: scanned.
    Other,
}

/// The control stream: frames, of which only the settings matter.
#[derive(Default)]
pub(super) struct Control {
    held: Vec<u8>,
    skip: u64,
    lost: bool,
}

impl Lane {
    /// The oldest stream offset that is still needed.
    pub(super) fn held(&self) -> u64 {
        match self {
            Self::Start(_) => 0,
            Self::Push(half) => half.held(),
            _ => u64::MAX,
        }
    }

    /// The frames of a push.
    pub(super) fn half(&mut self) -> Option<&mut Half> {
        if let Self::Push(half) = self { Some(half) } else { None }
    }
}

impl Http3 {
    /// The next bytes of such a stream.
    pub(super) fn lane_data(
        &mut self,
        stream: u64,
        dir: Direction,
        at: u64,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) -> usize {
        let lane = self.lanes.remove(&stream).unwrap_or_else(|| Lane::Start(Vec::new()));
        let (lane, taken) = match lane {
            Lane::Start(mut held) => {
                let before = held.len();
                held.extend_from_slice(bytes.get(..HEADER.saturating_sub(before)).unwrap_or(bytes));
                let Some((lane, header)) = begin(&held) else {
                    let n = held.len() - before;
                    self.lanes.insert(stream, Lane::Start(held));
                    return n;
                };
                self.lanes.insert(stream, lane);
                let used = header.saturating_sub(before);
                let rest = bytes.get(used..).unwrap_or_default();
                if rest.is_empty() {
                    return used;
                }
                return used + self.lane_data(stream, dir, at + used as u64, rest, out);
            }
            Lane::Control(mut control) => {
                if let Some(capacity) = control.data(bytes) {
                    self.decoders[dir.other().index()].max_capacity = Some(capacity);
                    self.news = true;
                }
                (Lane::Control(control), bytes.len())
            }
            Lane::Push(half) => {
                let (half, taken) = self.frames(*half, stream, dir, (at, bytes), out);
                (Lane::Push(Box::new(half)), taken)
            }
            Lane::Encoder => {
                match self.decoders[dir.index()].instructions(bytes) {
                    Told::Fine => {}
                    Told::Large => out.weird("qpack_table_limit"),
                    Told::Broken => out.weird("qpack_malformed"),
                }
                self.news = true;
                (Lane::Encoder, bytes.len())
            }
            Lane::Decoder => (Lane::Decoder, bytes.len()),
            Lane::Other => {
                out.opaque(dir, at, bytes);
                (Lane::Other, bytes.len())
            }
        };
        self.lanes.insert(stream, lane);
        taken
    }

    /// Bytes of such a stream never came.
    pub(super) fn lane_gap(&mut self, stream: u64, dir: Direction, len: u64, out: &mut Out<'_>) {
        match self.lanes.get_mut(&stream) {
            Some(Lane::Encoder) => {
                self.decoders[dir.index()].lose();
                self.news = true;
            }
            Some(Lane::Control(control)) => control.lost = true,
            Some(Lane::Push(half)) => {
                half.gap(len);
                let number = half.number(stream);
                self.streams.data_hole(number, dir, len, out);
            }
            Some(Lane::Decoder | Lane::Other) => {}
            // It may have been the encoder's: then nothing that is waited for comes.
            Some(Lane::Start(_)) | None => {
                let same = |id: &u64| (id ^ stream) & 1 == 0;
                let known = self.lanes.iter().any(|(id, lane)| same(id) && matches!(lane, Lane::Encoder));
                if !known {
                    self.decoders[dir.index()].lose();
                    self.news = true;
                }
                self.lanes.insert(stream, Lane::Other);
            }
        }
    }

    /// Such a stream is over.
    pub(super) fn lane_end(&mut self, stream: u64, dir: Direction, end: End, out: &mut Out<'_>) {
        match self.lanes.remove(&stream) {
            Some(Lane::Push(mut half)) => {
                half.finish(dir, out);
                let number = half.number(stream);
                self.streams.end(number, dir, end, out);
            }
            Some(Lane::Other) => out.opaque_end(dir),
            _ => {}
        }
    }
}

/// What a stream is, and how long its header is; `None` while that is not there.
fn begin(bytes: &[u8]) -> Option<(Lane, usize)> {
    let mut r = Reader(bytes);
    let lane = match r.varint()? {
        CONTROL => Lane::Control(Control::default()),
        PUSH_STREAM => Lane::Push(Box::new(Half::pushed(r.varint()?))),
        ENCODER => Lane::Encoder,
        DECODER => Lane::Decoder,
        _ => Lane::Other,
    };
    Some((lane, bytes.len() - r.0.len()))
}

impl Control {
    /// The next bytes; gives the capacity of the table that the sender's decoder allows, once the settings say it.
    fn data(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut rest = bytes;
        let mut capacity = None;
        while !rest.is_empty() && !self.lost {
            if self.skip > 0 {
                let n = usize::try_from(self.skip).map_or(rest.len(), |skip| skip.min(rest.len()));
                self.skip -= n as u64;
                rest = rest.get(n..).unwrap_or_default();
                continue;
            }
            self.held.extend_from_slice(rest);
            let mut r = Reader(&self.held);
            let (Some(kind), Some(len)) = (r.varint(), r.varint()) else { break };
            if kind == SETTINGS && len <= limits::HTTP3_SETTINGS {
                let Some(payload) = r.take(len as usize) else { break };
                capacity = Some(table_capacity(payload));
                let after = r.0.len();
                rest = rest.get(rest.len().saturating_sub(after)..).unwrap_or_default();
            } else {
                self.skip = len;
                let after = r.0.len();
                rest = rest.get(rest.len().saturating_sub(after)..).unwrap_or_default();
            }
            self.held = Vec::new();
        }
        capacity
    }
}

/// What the settings (RFC 9114 section 7.2.4) allow; nothing if they say nothing of it.
fn table_capacity(settings: &[u8]) -> usize {
    let mut r = Reader(settings);
    while let (Some(id), Some(value)) = (r.varint(), r.varint()) {
        if id == MAX_TABLE_CAPACITY {
            return usize::try_from(value).unwrap_or(usize::MAX);
        }
    }
    0
}
