//! Tokens in JSON serialisation: their parts stand apart in a body and are only put together at its end.

use super::body::{Found, Text};
use crate::message::{BodyFormat, Location, Locator, Place};
use crate::protocol::Trail;
use crate::token::{Wrappings, find_json_form, hints_at_json_form};
use smallvec::SmallVec;
use std::sync::Arc;

/// Bytes of a body for each piece of it whose origin is remembered to its end: a segment brings more.
const PIECE: usize = 256;

/// What is known while a body arrives.
#[derive(Default)]
pub(super) struct JsonForm {
    /// It may hold such a token.
    hinted: bool,
    /// Pieces that it came in.
    pieces: usize,
}

impl JsonForm {
    /// The JSON text `kept` has grown by a piece. At `failed` something in it begins like a token and is none.
    pub(super) fn grown(&mut self, kept: &[u8], mut failed: impl Iterator<Item = usize>) {
        self.pieces += 1;
        self.hinted |= failed.any(|at| kept.get(..at).is_some_and(hints_at_json_form));
    }

    /// What is known of a part of the text that stays while what is before it is done with.
    pub(super) const fn rest(&self) -> Self {
        Self { hinted: self.hinted, pieces: 0 }
    }

    /// Whether the origin of every byte may be asked for at the end: not if the body comes in so many pieces that to
    /// remember them would take more memory than the body.
    pub(super) const fn needs_trail(&self, kept: &[u8]) -> bool {
        self.hinted && self.pieces <= 4 + kept.len() / PIECE
    }

    /// The tokens of the whole text, which begins at an offset of its trail, named by the objects that have the
    /// signatures. Says whether a bound left some out.
    pub(super) fn finish(
        self,
        kept: &[u8],
        location: Location,
        (trail, base): (&Trail, u64),
        found: &mut Vec<Found>,
    ) -> bool {
        if !self.hinted {
            return false;
        }
        let (hits, cut) = find_json_form(kept);
        let mut locator = Locator::new(&BodyFormat::Json);
        for hit in hits {
            let name = locator.name_at(kept, hit.signature.start);
            let name =
                name.and_then(|path| path.strip_suffix(hit.member())?.strip_suffix('.').map(Into::into));
            let mut spans = SmallVec::new();
            for part in [Some(&hit.signature), hit.payload.as_ref()].into_iter().flatten() {
                spans.extend(trail.spans(base + part.start as u64, part.len() as u64));
            }
            found.push(Found {
                text: Text::Read(Arc::new(hit.token)),
                wrappings: Wrappings::default(),
                place: Place::new(location, name),
                position: trail.position(base + hit.signature.start as u64),
                spans,
            });
        }
        cut
    }
}
