//! What surrounds one call of an assembler.

use super::{Anomalies, Budget, Chunk, Origin, Piece, disorder::Moment};
use crate::time::Timestamp;

/// Where a direction's chunks and counts go.
pub trait Outlet {
    /// The next event; `at` is the stream offset of its first byte. False if the bytes were passed over.
    fn chunk(&mut self, at: u64, chunk: Chunk<'_>, origin: &Origin) -> bool;
    /// Where oddities are counted.
    fn anomalies(&mut self) -> &mut Anomalies;
    /// Whether `bytes` look like the start of a message: then a midstream start need not wait.
    fn starts_message(&self, bytes: &[u8]) -> bool;
}

/// What surrounds one call of an assembler.
pub struct Step<'a> {
    /// Running maximum of packet time.
    pub now: Timestamp,
    /// `now` as of the last packet of the flow.
    pub touched: Timestamp,
    /// Packets of the flow so far, both directions; may wrap.
    pub packets: u32,
    /// Whether the peer's direction was ever seen: if not, its ACKs cannot be waited for.
    pub peer_seen: bool,
    /// The packet that is handled.
    pub origin: &'a Origin,
    /// Seed of the fingerprints of delivered segments; any constant of the run, best a random one.
    pub seed: u64,
    /// Waiting bytes of the partition.
    pub budget: &'a mut Budget,
    /// Receiver.
    pub out: &'a mut dyn Outlet,
}

impl Step<'_> {
    pub(super) const fn moment(&self) -> Moment {
        Moment { packets: self.packets, time: self.now }
    }

    pub(super) fn again(&mut self, at: i64, bytes: &[u8], origin: &Origin) {
        let piece = Piece { at: 0, origin: *origin, told: false };
        self.out.chunk(at.max(0) as u64, Chunk::Again(bytes, &[piece]), origin);
    }
}
