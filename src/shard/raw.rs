//! Bytes that are in no message: datagrams, and what is outside the order of its stream.

use super::body::{Found, Text};
use super::book::Scribe;
use crate::message::{Direction, Location, Place, Transport};
use crate::protocol::Trail;
use std::ops::Range;

impl Scribe<'_> {
    /// Searches bytes that stand for themselves: a datagram, or bytes outside the order of their stream. Of these, what stands
    /// where `is_told` says so is found elsewhere.
    pub(super) fn raw(
        &mut self,
        (transport, dir, location): (&Transport, Option<Direction>, Location),
        bytes: &[u8],
        trail: &Trail,
        is_told: &dyn Fn(&Range<usize>) -> bool,
    ) {
        if !self.shared.demand.tokens || !self.shared.scanner.touches(bytes) {
            return;
        }
        let mut found = Vec::new();
        self.shared.scanner.find(bytes, &mut |h| {
            if is_told(&h.range) {
                return;
            }
            found.push(Found {
                text: Text::Compact(h.text.to_vec()),
                wrappings: h.wrappings,
                place: Place::unnamed(location),
                position: trail.position(h.range.start as u64),
                spans: trail.spans(h.range.start as u64, h.range.len() as u64),
            });
        });
        for found in found {
            self.lone(transport, dir, found);
        }
    }
}
