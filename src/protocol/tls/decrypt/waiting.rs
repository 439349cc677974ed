//! Records that wait for a secret which may still come, and what becomes of them.

use super::side::{Sealed, Side};
use super::{Decryption, Lock, TlsEvent};
use crate::limits;
use crate::message::Direction;
use crate::protocol::Out;

impl Decryption {
    /// Puts a record to those that wait for a secret; if none can come any more, the session stays closed.
    pub(super) fn wait(&mut self, dir: Direction, sealed: Sealed<'_>, out: &mut Out<'_>) {
        let Some(ring) = out.keyring() else { return };
        let (len, at) = (sealed.fragment.len(), sealed.at);
        let waiting: usize = self.sides.iter().map(Side::waiting).sum();
        let fits = waiting + len <= limits::TLS_WAIT_FLOW && ring.awaits_more();
        if fits && out.reserve(len) {
            self.waits.get_or_insert((out.time(dir, at), ring.generation()));
            self.sides[dir.index()].wait(sealed);
            return;
        }
        self.give_up(dir, out);
        if self.sides[dir.index()].lock.is_none() {
            self.lock(dir, Lock::Secret, out);
        }
        out.encrypted(len as u64);
    }

    /// New secrets are there: opens what waits, as far as it goes.
    pub(super) fn retry(&mut self, out: &mut Out<'_>) {
        let generation = out.keyring().map_or(0, |ring| ring.generation());
        for dir in Direction::BOTH {
            while let Some(sealed) = self.sides[dir.index()].next_waiting() {
                let len = sealed.fragment.len();
                match self.open(dir, sealed, out) {
                    Ok(()) => out.release(len),
                    Err(sealed) => {
                        self.sides[dir.index()].back(sealed);
                        break;
                    }
                }
            }
        }
        let waits = self.sides.iter().any(Side::waits);
        self.waits = self.waits.filter(|_| waits).map(|(since, _)| (since, generation));
    }

    /// What waits in one direction will not be opened.
    pub(super) fn give_up(&mut self, dir: Direction, out: &mut Out<'_>) {
        let mut lost = 0;
        while let Some(sealed) = self.sides[dir.index()].next_waiting() {
            lost += sealed.fragment.len();
        }
        if lost > 0 {
            out.release(lost);
            out.encrypted(lost as u64);
            self.lock(dir, Lock::Secret, out);
        }
    }

    pub(super) fn lock(&mut self, dir: Direction, lock: Lock, out: &mut Out<'_>) {
        let said = self.sides.iter().any(|side| side.lock == Some(lock));
        self.sides[dir.index()].lock = Some(lock);
        if !said {
            out.weird(lock.counted());
            out.tls(TlsEvent::Locked(lock));
        }
    }
}
