//! What was odd about a flow, counted.

use crate::tally::Tally;

/// Oddities of one flow, both directions together. Counters saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Anomalies {
    /// Bytes that never arrived in time.
    pub gap_bytes: u64,
    /// Holes that were given up, and ranges cut by the snap length.
    pub gaps: u32,
    /// Segments that arrived before their turn.
    pub out_of_order: u32,
    /// Segments whose bytes, or some of them, were there already.
    pub retransmitted: u32,
    /// Retransmissions with other content than the first copy, which was kept.
    pub overlap_conflicts: u32,
    /// Segments whose hole had been given up when they came, or from before a midstream start.
    pub late: u32,
    /// Keep-alive probes (RFC 9293 section 3.8.4).
    pub keepalives: u32,
    /// RST segments outside the window (RFC 5961 section 3).
    pub resets_ignored: u32,
    /// Segments with data after FIN or RST.
    pub after_end: u32,
    /// Segments far ahead that the peer never acknowledged.
    pub far_ahead: u32,
    /// Segments with urgent data (RFC 6093).
    pub urgent: u32,
    /// Times that a bound on waiting segments bit.
    pub segments_bounded: u32,
}

impl Anomalies {
    /// Names (as records and weirds have them) and values.
    pub const fn named(&self) -> [(&'static str, u64); 12] {
        [
            ("out_of_order", self.out_of_order as u64),
            ("retransmitted", self.retransmitted as u64),
            ("overlap_conflicts", self.overlap_conflicts as u64),
            ("gaps", self.gaps as u64),
            ("gap_bytes", self.gap_bytes),
            ("late", self.late as u64),
            ("keepalives", self.keepalives as u64),
            ("resets_ignored", self.resets_ignored as u64),
            ("after_end", self.after_end as u64),
            ("far_ahead", self.far_ahead as u64),
            ("urgent", self.urgent as u64),
            ("segments_bounded", self.segments_bounded as u64),
        ]
    }

    /// Adds what was counted to the tally of the run.
    pub fn report(&self, tally: &mut Tally) {
        tally.gap_bytes += self.gap_bytes;
        for (name, n) in self.named() {
            if name != "gap_bytes" {
                tally.weirds(name, n);
            }
        }
    }
}

/// Counts one, saturating.
pub(super) const fn one(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
