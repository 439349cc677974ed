//! The order of the two directions at the beginning of a session that may be opened: what comes before the hello of the
//! other side that it needs, because packets changed places or clocks differ, waits for it.

use super::{HANDSHAKE, Tls};
use crate::limits;
use crate::message::Direction;
use crate::protocol::{Malformed, Out};
use crate::time::Timestamp;

#[derive(Default)]
pub(super) struct Order {
    /// Hardly ever any.
    waiting: Option<Box<[Waiting; 2]>>,
    /// Nothing waits any more: it was too much, or too long.
    hurried: bool,
}

/// What waits of one direction: bytes from the beginning of a record.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Bytes that were reserved for it.
    reserved: usize,
    /// Layer offset of the first one, and its time.
    at: u64,
    since: Timestamp,
    /// Nothing follows in this direction.
    closed: bool,
}

impl Order {
    /// The oldest layer offset whose position is still asked for.
    pub(super) fn held(&self, dir: Direction) -> u64 {
        self.of(dir).filter(|waiting| !waiting.bytes.is_empty()).map_or(u64::MAX, |waiting| waiting.at)
    }

    /// Whether a direction was over while its bytes waited.
    pub(super) fn closes_late(&self, dir: Direction) -> bool {
        self.of(dir).is_some_and(|waiting| waiting.closed)
    }

    fn of(&self, dir: Direction) -> Option<&Waiting> {
        self.waiting.as_ref().map(|both| &both[dir.index()])
    }
}

impl Tls {
    /// Whether nothing waits.
    pub(super) const fn is_ordered(&self) -> bool {
        self.order.waiting.is_none()
    }

    /// Whether bytes of a direction wait, so that those behind them do.
    pub(super) fn waits(&self, dir: Direction) -> bool {
        self.order.held(dir) != u64::MAX
    }

    /// Whether a record that begins with the byte `kind` is to wait: the server's hello for the client's, what follows
    /// the client's for the server's. Only a session that may be opened needs that.
    pub(super) fn must_wait(&self, dir: Direction, kind: u8, out: &Out<'_>) -> bool {
        let ([client, server], session) = (&self.halves, &self.session);
        if session.client && session.server || self.order.hurried {
            return false;
        }
        match dir {
            Direction::Request => {
                session.client && self.decryption.is_some() && !client.retried && !server.sealed
            }
            Direction::Response => {
                let begins = kind == HANDSHAKE && !session.client && !client.sealed && !server.sealed;
                begins && out.keyring().is_some_and(|ring| !ring.is_empty() || ring.awaits_more())
            }
        }
    }

    /// Puts bytes from layer offset `at` to those that wait. If they are too many, nothing waits any longer.
    pub(super) fn wait(&mut self, dir: Direction, bytes: &[u8], at: u64, out: &mut Out<'_>) {
        let now = out.time(dir, at);
        let both = self.order.waiting.get_or_insert_default();
        let held: usize = both.iter().map(|waiting| waiting.bytes.len()).sum();
        let waiting = &mut both[dir.index()];
        if waiting.bytes.is_empty() {
            (waiting.at, waiting.since) = (at, now);
        }
        waiting.bytes.extend_from_slice(bytes);
        let in_time = now.since(waiting.since) <= limits::TLS_WAIT_TIME;
        if in_time && held + bytes.len() <= limits::TLS_WAIT_FLOW && out.reserve(bytes.len()) {
            waiting.reserved += bytes.len();
        } else {
            out.weird("tls_order_limit");
            self.order.hurried = true;
        }
    }

    /// Reads what need not wait any more.
    pub(super) fn resume(&mut self, out: &mut Out<'_>) -> Result<(), Malformed> {
        // What one direction says may be what the other waits for, and that the same in its turn.
        for dir in [Direction::Request, Direction::Response, Direction::Request, Direction::Response] {
            let Some(kind) = self.order.of(dir).and_then(|waiting| waiting.bytes.first().copied()) else {
                continue;
            };
            if self.must_wait(dir, kind, out) {
                continue;
            }
            let (bytes, at) = self.take(dir, out);
            match self.read(dir, &bytes, at, out) {
                Ok(done) if done < bytes.len() => self.wait(dir, &bytes[done..], at + done as u64, out),
                Ok(_) => {}
                Err(malformed) => {
                    let done = out.consumed.saturating_sub(at);
                    out.opaque(dir, at + done, bytes.get(done as usize..).unwrap_or_default());
                    // The bytes that the layer has just given were read, or are among those that wait.
                    out.consumed(u64::MAX);
                    return Err(malformed);
                }
            }
        }
        if let Some(both) = &self.order.waiting
            && both.iter().all(|waiting| waiting.bytes.is_empty() && !waiting.closed)
        {
            self.order.waiting = None;
        }
        Ok(())
    }

    /// Reads all that waits: what it waits for does not come.
    pub(super) fn hurry(&mut self, out: &mut Out<'_>) -> Result<(), Malformed> {
        self.order.hurried = true;
        if self.is_ordered() { Ok(()) } else { self.resume(out) }
    }

    /// The session is none: what waits is scanned.
    pub(super) fn abandon(&mut self, out: &mut Out<'_>) {
        self.order.hurried = true;
        for dir in Direction::BOTH {
            let (bytes, at) = self.take(dir, out);
            out.opaque(dir, at, &bytes);
        }
        self.order.waiting = None;
    }

    /// Notes that a direction is over, if its bytes still wait and what they wait for may come.
    pub(super) fn closes_later(&mut self, dir: Direction) -> bool {
        let later = self.waits(dir) && !self.order.closes_late(dir.other());
        if let Some(both) = self.order.waiting.as_mut().filter(|_| later) {
            both[dir.index()].closed = true;
        }
        later
    }

    fn take(&mut self, dir: Direction, out: &mut Out<'_>) -> (Vec<u8>, u64) {
        let Some(both) = &mut self.order.waiting else { return (Vec::new(), 0) };
        let waiting = &mut both[dir.index()];
        out.release(std::mem::take(&mut waiting.reserved));
        (std::mem::take(&mut waiting.bytes), waiting.at)
    }
}
