//! One direction of the handshake at one level: CRYPTO frames in any order become messages.

use super::frame::Frame;
use crate::protocol::pieces::Pieces;
use crate::protocol::reader::Reader;
use crate::protocol::tls::Messages;

#[derive(Default)]
pub(super) struct Crypto {
    pieces: Pieces,
    /// Bytes of it that were read.
    read: usize,
    messages: Messages,
}

impl Crypto {
    /// Takes a piece; false if a bound left it out.
    pub(super) fn insert(&mut self, offset: u64, data: &[u8]) -> bool {
        self.pieces.insert(offset, data)
    }

    /// Takes the frames of an Initial packet; false if a bound left one out.
    pub(super) fn frames(&mut self, payload: &[u8]) -> bool {
        let (mut r, mut fits) = (Reader(payload), true);
        while let Some(frame) = Frame::read(&mut r, true) {
            if let Frame::Crypto { offset, data } = frame {
                fits &= self.insert(offset, data);
            }
        }
        fits
    }

    /// Calls `each` with every message that is now whole and wanted.
    pub(super) fn read(&mut self, wanted: impl Fn(u8) -> bool, each: impl FnMut(&[u8])) {
        let ready = self.pieces.prefix();
        let fresh = ready.get(self.read..).unwrap_or_default();
        self.read = ready.len();
        self.messages.push(fresh, wanted, each);
    }
}
