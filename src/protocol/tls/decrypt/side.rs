//! One direction of a session that may be opened: the record that is being joined, and what waits.

use super::super::handshake::Messages;
use super::Lock;
use crate::limits;
use crate::protocol::Out;
use crate::protocol::tls::HEADER;
use std::borrow::Cow;
use std::collections::VecDeque;

/// A record of which nothing is missing.
pub(super) struct Sealed<'b> {
    pub(super) header: [u8; HEADER],
    /// Layer offset of the fragment.
    pub(super) at: u64,
    pub(super) fragment: Cow<'b, [u8]>,
}

/// What a piece of a record makes of it.
pub(super) enum Piece {
    /// The piece is the whole fragment, at that layer offset.
    Whole(u64),
    /// The fragment was joined from its pieces; its length is to be released.
    Joined(Sealed<'static>),
    More,
    /// The record has a hole, or there is no room for it.
    Dropped,
}

#[derive(Default)]
pub(super) struct Side {
    /// The fragment that is being joined, and its layer offset.
    joining: Vec<u8>,
    at: u64,
    /// The room that the fragment has been given.
    room: usize,
    /// The rest of the current record is of no use.
    broken: bool,
    /// A cipher change was seen: everything is encrypted.
    changed: bool,
    /// Bytes that never arrived or could not be opened since the last record that could.
    pub(super) missing: u64,
    pub(super) messages: Messages,
    waiting: VecDeque<Sealed<'static>>,
    /// Records in a row that could not be opened, and whether ever one could.
    strikes: u32,
    opened: bool,
    pub(super) lock: Option<Lock>,
}

impl Side {
    /// Takes the next bytes of the current record.
    pub(super) fn push(
        &mut self,
        header: [u8; HEADER],
        bytes: &[u8],
        at: u64,
        left: usize,
        out: &mut Out<'_>,
    ) -> Piece {
        if self.broken || self.lock.is_some() {
            self.missing += bytes.len() as u64;
            self.broken &= left > 0;
            return Piece::Dropped;
        }
        if self.room == 0 {
            if left == 0 {
                return Piece::Whole(at);
            }
            let len = bytes.len() + left;
            if !out.reserve(len) {
                out.weird("tls_records_limit");
                self.broken = true;
                self.missing += (HEADER + bytes.len()) as u64;
                return Piece::Dropped;
            }
            (self.at, self.room) = (at, len);
            self.joining.reserve_exact(len);
        }
        self.joining.extend_from_slice(bytes);
        if left > 0 {
            return Piece::More;
        }
        self.room = 0;
        let fragment = std::mem::take(&mut self.joining).into();
        Piece::Joined(Sealed { header, at: self.at, fragment })
    }

    /// A cipher change in the clear.
    pub(super) fn changed(&mut self) {
        self.changed = true;
        self.missing = 0;
        self.messages.clear();
    }

    pub(super) fn is_changed(&self) -> bool {
        self.changed
    }

    /// `len` bytes never arrived.
    pub(super) fn lose(&mut self, len: u64, out: &mut Out<'_>) {
        let joined = std::mem::take(&mut self.joining).len() as u64;
        out.release(std::mem::take(&mut self.room));
        out.encrypted(joined);
        self.missing += len + joined + HEADER as u64;
        self.broken = true;
        self.messages.clear();
    }

    /// A new record begins.
    pub(super) fn begin(&mut self) {
        self.broken = false;
    }

    /// A record was opened.
    pub(super) fn good(&mut self) {
        (self.strikes, self.missing, self.opened) = (0, 0, true);
    }

    /// A record was not: says whether that was once too often.
    pub(super) fn bad(&mut self, len: u64) -> bool {
        self.missing += len + HEADER as u64;
        self.strikes += 1;
        self.strikes >= if self.opened { limits::TLS_STRIKES } else { limits::TLS_FIRST_STRIKES }
    }

    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.iter().map(|s| s.fragment.len()).sum()
    }

    pub(super) fn wait(&mut self, sealed: Sealed<'_>) {
        let Sealed { header, at, fragment } = sealed;
        self.waiting.push_back(Sealed { header, at, fragment: fragment.into_owned().into() });
    }

    pub(super) fn next_waiting(&mut self) -> Option<Sealed<'static>> {
        self.waiting.pop_front()
    }

    pub(super) fn back(&mut self, sealed: Sealed<'static>) {
        self.waiting.push_front(sealed);
    }

    /// The oldest layer offset that is still needed.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.waiting.front().map(|s| s.at).or((self.room > 0).then_some(self.at))
    }

    /// Nothing more will come. Says whether all that came was not authentic.
    pub(super) fn clear(&mut self, out: &mut Out<'_>) -> bool {
        let joined = std::mem::take(&mut self.joining).len() as u64;
        out.release(std::mem::take(&mut self.room));
        out.encrypted(joined);
        self.messages.clear();
        self.strikes > 0 && !self.opened && self.lock.is_none()
    }
}

/// Early data, until it is known whether the server takes it (RFC 8446 section 4.2.10).
#[derive(Default)]
pub(super) struct Early {
    held: Vec<(u64, Vec<u8>)>,
    bytes: usize,
    /// Whether the server takes it, once that is known.
    pub(super) taken: Option<bool>,
    /// EndOfEarlyData was seen.
    pub(super) ended: bool,
}

impl Early {
    /// Keeps bytes from layer offset `at`; not if they are too many.
    pub(super) fn push(&mut self, at: u64, bytes: &[u8], out: &mut Out<'_>) -> bool {
        if self.bytes + bytes.len() > limits::TLS_WAIT_FLOW || !out.reserve(bytes.len()) {
            return false;
        }
        self.bytes += bytes.len();
        self.held.push((at, bytes.to_vec()));
        true
    }

    pub(super) fn is_pending(&self) -> bool {
        !self.held.is_empty()
    }

    /// What was kept.
    pub(super) fn take(&mut self, out: &mut Out<'_>) -> Vec<(u64, Vec<u8>)> {
        out.release(std::mem::take(&mut self.bytes));
        std::mem::take(&mut self.held)
    }

    pub(super) fn oldest(&self) -> Option<u64> {
        self.held.first().map(|(at, _)| *at)
    }
}
