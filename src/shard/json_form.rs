//! Tokens in JSON serialisation: their parts stand apart in a body and are only put together at its end.

use super::body::{Found, Text};
use crate::message::{BodyFormat, Location, Locator, Place};
use crate::protocol::Trail;
use crate::token::{JSON_FORM_NAME, Wrappings, find_json_form, hints_at_json_form};
use smallvec::SmallVec;
use std::sync::Arc;

/// Bytes of a body for each piece of it whose origin is remembered to its end: a segment brings more.
const PIECE: usize = 256;

/// What is known while a body arrives.
#[derive(Default)]
pub(super) struct JsonForm {
    /// It may hold such a token.
    hinted: bool,
    /// So much of it has been looked at for that.
    looked: usize,
    /// Pieces that it came in.
    pieces: usize,
}

impl JsonForm {
    /// The JSON text `kept` has grown by a piece. `suspicious` says that something in it begins like a token and is none:
    /// the protected header or the payload of such a token does (a JWT has JSON in both).
    pub(super) fn grown(&mut self, kept: &[u8], suspicious: bool) {
        self.pieces += 1;
        if suspicious {
            self.look(kept);
        }
    }

    fn look(&mut self, kept: &[u8]) {
        let from = self.looked.saturating_sub(JSON_FORM_NAME);
        self.hinted = self.hinted || hints_at_json_form(kept.get(from..).unwrap_or_default());
        self.looked = kept.len();
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
            let name = name.and_then(|path| path.strip_suffix(".signature").map(Into::into));
            let mut spans = SmallVec::new();
            for part in [Some(&hit.signature), hit.payload.as_ref()].into_iter().flatten() {
                spans.extend(trail.spans(base + part.start as u64, part.len() as u64));
            }
            found.push(Found {
                text: Text::Read(Arc::new(hit.token)),
                wrappings: Wrappings::default(),
                place: Place { location, name },
                position: trail.position(base + hit.signature.start as u64),
                spans,
            });
        }
        cut
    }
}
