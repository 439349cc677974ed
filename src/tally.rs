//! Counters of what was read, skipped and lost: what makes "clean" mean "inspected".

use std::collections::BTreeMap;

/// What a run, or a part of it, has seen. Adding two tallies is the only way to combine them.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Frames read.
    pub frames: u64,
    /// Captured bytes of those frames.
    pub bytes: u64,
    /// Transport payload bytes handed to flows.
    pub payload_bytes: u64,
    /// Payload bytes inside encryption that no key opened.
    pub opaque_bytes: u64,
    /// Stream bytes that never arrived.
    pub gap_bytes: u64,
    /// Flows seen.
    pub flows: u64,
    /// Messages (requests, responses) dissected.
    pub messages: u64,
    /// Token sightings.
    pub sightings: u64,
    /// Oddities of traffic, bounds that bit and losses, by name. Names are `snake_case`.
    pub weirds: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts one oddity.
    pub fn weird(&mut self, name: &'static str) {
        self.weirds(name, 1);
    }

    /// Counts `n` oddities of one name.
    pub fn weirds(&mut self, name: &'static str, n: u64) {
        if n > 0 {
            *self.weirds.entry(name).or_default() += n;
        }
    }

    /// Moves everything that `other` counted into this tally.
    pub fn absorb(&mut self, other: &mut Self) {
        let Self {
            frames,
            bytes,
            payload_bytes,
            opaque_bytes,
            gap_bytes,
            flows,
            messages,
            sightings,
            weirds,
        } = std::mem::take(other);
        self.frames += frames;
        self.bytes += bytes;
        self.payload_bytes += payload_bytes;
        self.opaque_bytes += opaque_bytes;
        self.gap_bytes += gap_bytes;
        self.flows += flows;
        self.messages += messages;
        self.sightings += sightings;
        for (name, n) in weirds {
            self.weirds(name, n);
        }
    }
}
