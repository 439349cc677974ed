//! Packets that wait for what opens them: a secret that may still come, or the hello that says whose they are.

use super::header::Level;
use crate::limits;
use crate::message::{Direction, Position};
use crate::time::Timestamp;
use std::collections::VecDeque;

/// The packets of one connection that wait, in order.
#[derive(Default)]
pub(super) struct Waiting {
    packets: VecDeque<Packet>,
    pub(super) bytes: usize,
    /// When the first came.
    since: Option<Timestamp>,
    /// State of the key ring when they were tried last.
    pub(super) generation: u64,
}

/// One of them.
pub(super) struct Packet {
    pub(super) dir: Direction,
    pub(super) level: Level,
    pub(super) bytes: Vec<u8>,
    /// Where its number stands.
    pub(super) number_at: usize,
    pub(super) position: Position,
}

impl Waiting {
    /// Whether a packet of that length may wait.
    pub(super) fn fits(&self, len: usize) -> bool {
        self.bytes + len <= limits::TLS_WAIT_FLOW
    }

    pub(super) fn push(&mut self, packet: Packet) {
        self.bytes += packet.bytes.len();
        self.since.get_or_insert(packet.position.time);
        self.packets.push_back(packet);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Whether they have waited for too long.
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        self.since.is_some_and(|since| now.since(since) > limits::TLS_WAIT_TIME)
    }

    /// All of them, and their bytes.
    pub(super) fn take(&mut self) -> (VecDeque<Packet>, usize) {
        self.since = None;
        (std::mem::take(&mut self.packets), std::mem::take(&mut self.bytes))
    }
}
