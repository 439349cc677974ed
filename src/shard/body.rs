//! One message body as it arrives: content codings are undone, tokens are found, and enough is kept to say
//! where in the body they stand.

mod gathered;
mod repeated;

pub(super) use gathered::Gathered;
pub use repeated::Repeats;

use repeated::Repeated;

use super::fields::Fields;
use super::open::Held;
use super::passage::{Origin, Passage};
use super::{Shared, Tools};
use crate::message::{
    BodyFormat, ContentDecoder, ContentError, Envelopes, Head, Location, Piece, Place, Position, Span, Start,
};
use crate::protocol::Trail;
use crate::token::{Token, Wrappings};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use std::sync::Arc;

/// A token in a body, before it becomes a sighting.
pub(super) struct Found {
    pub(super) text: Text,
    pub(super) wrappings: Wrappings,
    pub(super) place: Place,
    pub(super) position: Position,
    pub(super) spans: SmallVec<[Span; 1]>,
}

/// What was found.
pub(super) enum Text {
    /// The compact text of a token.
    Compact(Vec<u8>),
    /// A token in JSON serialisation, read already.
    Read(Arc<Token>),
}

/// The state of one body.
pub(super) struct Body {
    /// It goes on as long as there is something to say.
    streams: bool,
    decoder: Option<ContentDecoder>,
    /// It has content codings.
    coded: bool,
    /// What the decoder has not seen yet.
    gathered: Option<Gathered>,
    /// What it says does not depend on anything but its bytes and its type, as long as that is nothing.
    may_repeat: bool,
    /// What is known of it, if it has no codings and came in one piece.
    plain: Repeated,
    /// What the decoder was last counted with, and what is gathered for it.
    decoder_bytes: usize,
    /// Decoding failed: what follows means nothing.
    spent: bool,
    /// Messages with their length before them.
    envelopes: Option<Box<Envelopes>>,
    text: Passage,
    digest: Option<Box<Sha256>>,
    /// Decoded length in bytes, holes included.
    pub(super) len: u64,
    /// Something was lost or could not be decoded.
    pub(super) damaged: bool,
}

impl Body {
    /// The body that follows `head`.
    pub(super) fn new(
        head: &Head<'_>,
        fields: &Fields<'_>,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
    ) -> Self {
        let codings = fields.codings();
        let mut damaged = false;
        let decoder = if codings.is_empty() {
            None
        } else {
            tools.pool.decoder(&codings).unwrap_or_else(|_| {
                damaged = true;
                tools.out.tally.weird("content_undecodable");
                None
            })
        };
        let content_type = fields.content_type;
        let location = match head.start {
            Start::Message { location, .. } => location,
            _ => Location::Body,
        };
        let mut body = Self {
            streams: content_type.is_some_and(BodyFormat::streams),
            coded: decoder.is_some() || damaged,
            decoder,
            gathered: None,
            may_repeat: matches!(head.start, Start::Response { status: 200..=299 })
                && !shared.demand.body_digests
                && shared.demand.policy.secrets.is_empty(),
            plain: Repeated::No,
            decoder_bytes: 0,
            spent: false,
            envelopes: content_type.and_then(|t| Envelopes::new(t, fields.message_coding)).map(Box::new),
            text: Passage::new(content_type, location, tools),
            digest: shared.demand.body_digests.then(Box::default),
            len: 0,
            damaged,
        };
        if let Some(decoder) = body.decoder.take() {
            if body.fits(&decoder, held) {
                // Tokens wait for the end of their exchange anyway, unless it goes on.
                let waits = !matches!(head.start, Start::Message { .. }) && !body.streams;
                if decoder.is_gzip() && waits && body.envelopes.is_none() {
                    body.gathered = Some(tools.gathered.pop().unwrap_or_default());
                }
                body.decoder = Some(decoder);
            } else {
                body.give_up(decoder, tools, held);
            }
        }
        body
    }

    /// The next bytes, transfer coding undone, from `at` of the layer.
    pub(super) fn push(
        &mut self,
        (trail, at): (&Trail, u64),
        bytes: &[u8],
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        if self.spent || bytes.is_empty() {
            return;
        }
        let origin = Origin::Layer(trail, at);
        let Some(decoder) = self.decoder.take() else {
            if self.recall(bytes, &shared.repeats) && self.text.pass(bytes, origin, held) {
                self.len = bytes.len() as u64;
                return;
            }
            self.decoded(bytes, origin, shared, tools, held, found);
            self.plain = if found.is_empty() { self.plain } else { Repeated::No };
            return;
        };
        let room = held.decoders < held.room.decoders;
        let gathers =
            self.gathered.as_mut().is_some_and(|gathered| room && gathered.push(bytes, trail.position(at)));
        self.fits(&decoder, held);
        self.decoder = Some(decoder);
        if !gathers {
            self.go_on(shared, tools, held, found);
            self.decode(bytes, origin.decoded(), shared, tools, held, found);
        }
    }

    /// The next bytes for the decoder.
    fn decode(
        &mut self,
        bytes: &[u8],
        origin: Origin<'_>,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        let Some(mut decoder) = self.decoder.take() else { return };
        let result = decoder.push(bytes, &mut |out| self.decoded(out, origin, shared, tools, held, found));
        let fits = self.fits(&decoder, held);
        if result.is_ok() && fits {
            self.decoder = Some(decoder);
            return;
        }
        // What a stage still holds back comes out.
        let _ = decoder.finish(&mut |out| self.decoded(out, origin, shared, tools, held, found));
        self.settle(result, tools);
        self.give_up(decoder, tools, held);
    }

    /// Counts the decoder's memory, and what is gathered for it; whether the partition has that much.
    fn fits(&mut self, decoder: &ContentDecoder, held: &mut Held) -> bool {
        let now = decoder.memory() + self.gathered.as_ref().map_or(0, Gathered::size);
        held.decoders = (held.decoders + now).saturating_sub(self.decoder_bytes);
        self.decoder_bytes = now;
        held.decoders <= held.room.decoders
    }

    /// The body is not decoded any further.
    fn give_up(&mut self, decoder: ContentDecoder, tools: &mut Tools, held: &mut Held) {
        self.spent = true;
        if !self.damaged {
            self.damaged = true;
            tools.out.tally.weird("content_undecodable");
        }
        self.recycle(decoder, tools, held);
    }

    fn recycle(&mut self, decoder: ContentDecoder, tools: &mut Tools, held: &mut Held) {
        held.decoders = held.decoders.saturating_sub(std::mem::take(&mut self.decoder_bytes));
        tools.pool.recycle(decoder);
    }

    /// A hole of `len` bytes in the body: of what was coded nobody knows how long it would have been.
    pub(super) fn gap(
        &mut self,
        len: u64,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        self.go_on(shared, tools, held, found);
        self.damaged = true;
        self.plain = Repeated::No;
        let len = if self.coded { 0 } else { len };
        self.text.gap(len, shared, tools, held, found);
        if let Some(envelopes) = &mut self.envelopes {
            held.decoders = held.decoders.saturating_sub(envelopes.lose(&mut tools.pool));
            tools.out.tally.weird("content_undecodable");
        }
        if let Some(decoder) = self.decoder.take() {
            self.recycle(decoder, tools, held);
            tools.out.tally.weird("content_undecodable");
            // What follows cannot be decoded; it is scanned as it is.
        }
        self.len = self.len.saturating_add(len);
    }

    /// The body is over; `complete` says that it ended as its framing said.
    pub(super) fn finish(
        &mut self,
        complete: bool,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        if complete && self.at_once(shared, tools, held, found) {
            if let Some(decoder) = self.decoder.take() {
                self.recycle(decoder, tools, held);
            }
            return;
        }
        self.go_on(shared, tools, held, found);
        if let Some(mut decoder) = self.decoder.take() {
            let origin = Origin::Decoded(self.text.end());
            let result = decoder.finish(&mut |out| self.decoded(out, origin, shared, tools, held, found));
            if complete {
                self.settle(result, tools);
            }
            self.recycle(decoder, tools, held);
        }
        self.damaged |= !complete;
        self.text.finish(shared, tools, found);
        if found.is_empty() && complete {
            self.remember(&shared.repeats);
        }
    }

    /// Whether it goes on as long as there is something to say.
    pub(super) fn streams(&self) -> bool {
        self.streams
    }

    /// The decoded bytes that were kept, from the first one.
    pub(super) fn kept(&self) -> &[u8] {
        self.text.kept()
    }

    /// Gives back the memory that counts towards the partition's bound; a small buffer is used again.
    pub(super) fn release(&mut self, held: &mut Held, tools: &mut Tools) {
        if let Some(decoder) = self.decoder.take() {
            self.recycle(decoder, tools, held);
        }
        if let Some(gathered) = self.gathered.take() {
            gathered.recycle(&mut tools.gathered);
        }
        if let Some(mut envelopes) = self.envelopes.take() {
            held.decoders = held.decoders.saturating_sub(envelopes.drop_decoder(&mut tools.pool));
        }
        self.text.release(held, tools);
    }

    /// SHA-256 of the decoded body, if it was asked for.
    pub(super) fn sha256(&mut self) -> Option<[u8; 32]> {
        self.digest.take().map(|d| d.finalize().into())
    }

    fn settle(&mut self, result: Result<(), ContentError>, tools: &mut Tools) {
        let Err(error) = result else { return };
        if !self.damaged {
            self.damaged = true;
            let bomb = matches!(error, ContentError::Bomb);
            tools.out.tally.weird(if bomb { "content_bomb" } else { "content_undecodable" });
        }
    }

    fn decoded(
        &mut self,
        bytes: &[u8],
        origin: Origin<'_>,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        self.len += bytes.len() as u64;
        if !shared.demand.tokens && !shared.demand.marks {
            return;
        }
        match self.envelopes.take() {
            None => self.text.push(bytes, origin, shared, tools, held, found),
            Some(mut envelopes) => {
                self.messages(&mut envelopes, bytes, origin, shared, tools, held, found);
                self.envelopes = Some(envelopes);
            }
        }
    }

    /// Messages in envelopes: each is a text of its own.
    #[expect(clippy::too_many_arguments, reason = "those of `decoded` and one more")]
    fn messages(
        &mut self,
        envelopes: &mut Envelopes,
        bytes: &[u8],
        origin: Origin<'_>,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        let before = envelopes.memory();
        let mut pool = std::mem::take(&mut tools.pool);
        envelopes.push(bytes, &mut pool, &mut |piece| match piece {
            Piece::Begin { trailers } => {
                let location = if trailers { Location::Trailer } else { Location::Body };
                self.text.next(location, trailers, held);
            }
            Piece::Data { at: Some(at), bytes } => {
                self.text.push(bytes, origin.ahead(at), shared, tools, held, found);
            }
            Piece::Data { at: None, bytes } => {
                self.text.push(bytes, origin.decoded(), shared, tools, held, found);
            }
            Piece::Broken(error) => self.settle(Err(error), tools),
            Piece::End => self.text.finish(shared, tools, found),
        });
        held.decoders = (held.decoders + envelopes.memory()).saturating_sub(before);
        if held.decoders > held.room.decoders && envelopes.memory() > 0 {
            held.decoders = held.decoders.saturating_sub(envelopes.drop_decoder(&mut pool));
            tools.out.tally.weird("content_undecodable");
        }
        tools.pool = pool;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Field, Start, Version};
    use crate::shard::Demand;

    #[test]
    fn holes_count_as_bytes_where_no_coding_hides_them_and_give_decoders_back() {
        let shared = Shared::new(Demand { tokens: true, ..Demand::default() });
        let begun = &[0x1f, 0x8b, 8][..];
        let message = [&[1, 0, 0, 0, 100][..], begun].concat();
        let grpc = [("content-type", "application/grpc"), ("grpc-encoding", "gzip")];
        for (fields, begun, gzip, len) in [
            (&[("content-encoding", "identity")][..], begun, false, 11),
            (&[("content-encoding", "x")], begun, false, 7),
            (&[("content-encoding", "gzip")], begun, true, 4),
            (&grpc, &message, true, 16),
        ] {
            let (mut tools, mut held) = (Tools::new(1), Held::default());
            let (mut found, trail) = (Vec::new(), Trail::default());
            let field = |(name, value): &(&'static str, &'static str)| Field {
                name: name.as_bytes(),
                value: value.as_bytes(),
                at: 0,
            };
            let all: Vec<_> = fields.iter().map(field).collect();
            let head = Head::new(Version::Http11, Start::Response { status: 200 }, &all);
            let mut body = Body::new(&head, &Fields::of(&head), &shared, &mut tools, &mut held);
            body.push((&trail, 0), begun, &shared, &mut tools, &mut held, &mut found);
            assert_eq!(held.decoders > 0, gzip);
            body.gap(4, &shared, &mut tools, &mut held, &mut found);
            body.push((&trail, 7), b"rest", &shared, &mut tools, &mut held, &mut found);
            assert_eq!((body.len, held.decoders), (len, 0), "{fields:?}");
        }
    }
}
