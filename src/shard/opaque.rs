//! Tokens in bytes of no known protocol.

use super::body::{Found, Text};
use super::{Shared, Tools};
use crate::message::{Location, Place};
use crate::protocol::Trail;
use crate::token::{StreamHit, StreamScan};

/// The search in one direction of such bytes, with offsets of its own: what dissectors leave to it need not be
/// contiguous in the layer.
#[derive(Default)]
pub(super) struct OpaqueScan {
    scan: StreamScan,
    trail: Trail,
    len: u64,
}

impl OpaqueScan {
    /// Searches the next bytes, which lie at `at` of the layer that `layer` is the trail of.
    pub(super) fn feed(
        &mut self,
        layer: &Trail,
        at: u64,
        bytes: &[u8],
        shared: &Shared,
        tools: &mut Tools,
    ) -> Vec<Found> {
        let start = self.len;
        self.trail.push_from(start, layer, at, bytes.len() as u64);
        self.len += bytes.len() as u64;
        let (mut found, trail) = (Vec::new(), &self.trail);
        self.scan.feed(&shared.scanner, bytes, start, &mut |hit| found.push(stream_found(trail, &hit)));
        self.count(tools);
        self.trail.prune(self.len - (self.scan.pending() as u64).min(self.len));
        found
    }

    /// The bytes do not go on: there is a hole, or they ended.
    pub(super) fn cut(&mut self, ended: bool, shared: &Shared, tools: &mut Tools) -> Vec<Found> {
        let (mut found, trail) = (Vec::new(), &self.trail);
        let mut hit = |hit: StreamHit<'_>| found.push(stream_found(trail, &hit));
        if ended {
            self.scan.finish(&shared.scanner, &mut hit);
        } else {
            self.scan.gap(&shared.scanner, &mut hit);
        }
        self.count(tools);
        found
    }

    fn count(&mut self, tools: &mut Tools) {
        let losses = self.scan.losses();
        tools.out.tally.weirds("token_cut", losses.cut);
        tools.out.tally.weirds("token_over_limit", losses.over);
    }
}

fn stream_found(trail: &Trail, hit: &StreamHit<'_>) -> Found {
    Found {
        text: Text::Compact(hit.text.to_vec()),
        wrappings: hit.wrappings,
        place: Place::unnamed(Location::Stream),
        position: trail.position(hit.at),
        spans: trail.spans(hit.at, hit.len),
    }
}
