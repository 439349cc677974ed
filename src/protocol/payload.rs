//! The payload of a message, of a length that is known, as it arrives.

use super::Out;
use crate::message::{Direction, End, ExchangeId};

/// What is still to come of a payload.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Payload {
    /// The message that it belongs to; none where nobody wants it.
    id: Option<ExchangeId>,
    left: u64,
}

impl Payload {
    /// The payload of `len` bytes of the message `id`.
    pub(super) fn new(id: ExchangeId, len: u64, dir: Direction, out: &mut Out<'_>) -> Self {
        let mut payload = Self { id: Some(id), left: len };
        payload.end_if_whole(dir, out);
        payload
    }

    /// Whether there is something to come.
    pub(super) const fn is_open(&self) -> bool {
        self.left > 0
    }

    /// Takes what belongs to it of `bytes`, and says how many that are.
    pub(super) fn push(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) -> usize {
        let n = self.left.min(bytes.len() as u64) as usize;
        if let (Some(id), Some(piece)) = (self.id, bytes.get(..n)) {
            out.body(id, dir, at, piece);
        }
        self.left -= n as u64;
        self.end_if_whole(dir, out);
        n
    }

    /// `len` bytes never arrived; false if more were lost than were to come.
    pub(super) fn skip(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> bool {
        if len > self.left {
            return false;
        }
        if let Some(id) = self.id {
            out.body_gap(id, dir, len);
        }
        self.left -= len;
        self.end_if_whole(dir, out);
        true
    }

    /// The rest will not come.
    pub(super) fn cut(&mut self, dir: Direction, out: &mut Out<'_>) {
        if let Some(id) = std::mem::take(self).id {
            out.end(id, dir, End::Cut);
        }
    }

    fn end_if_whole(&mut self, dir: Direction, out: &mut Out<'_>) {
        if let Some(id) = self.id.filter(|_| self.left == 0) {
            out.end(id, dir, End::Complete);
            self.id = None;
        }
    }
}
