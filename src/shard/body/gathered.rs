//! The bytes of a coded body, held until it is whole: decoded in one go, they cost half.

use super::super::open::Held;
use super::super::passage::Origin;
use super::super::{Shared, Tools};
use super::repeated::Repeated;
use super::{Body, Found};
use crate::limits;
use crate::message::Position;
use crate::tally::Tally;

/// How many are kept for the next bodies.
const SPARE: usize = 2;

/// Most of a text that is searched at once, in bytes: as much as a decoder hands out.
const PIECE: usize = 32 << 10;

/// Bytes of a body and where each piece of them was captured.
#[derive(Default)]
pub(in crate::shard) struct Gathered {
    bytes: Vec<u8>,
    /// Ends of the pieces.
    pieces: Vec<(u32, Position)>,
}

impl Gathered {
    /// The next bytes; false if that would be more than is held ([`limits::GATHERED_BYTES`]).
    pub(super) fn push(&mut self, bytes: &[u8], position: Position) -> bool {
        let fits = self.bytes.len() + bytes.len() <= limits::GATHERED_BYTES;
        if fits {
            self.bytes.extend_from_slice(bytes);
            self.pieces.push((self.bytes.len() as u32, position));
        }
        fits
    }

    /// As they came.
    fn pieces(&self) -> impl Iterator<Item = (&[u8], Position)> {
        let starts = std::iter::once(0).chain(self.pieces.iter().map(|(end, _)| *end));
        starts.zip(&self.pieces).map(|(start, &(end, position))| {
            (self.bytes.get(start as usize..end as usize).unwrap_or_default(), position)
        })
    }

    /// Bytes of memory, bookkeeping included.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.pieces.len() * size_of::<(u32, Position)>()
    }

    /// Gives its memory to the next body.
    pub(super) fn recycle(mut self, spare: &mut Vec<Self>) {
        if spare.len() < SPARE {
            self.bytes.clear();
            self.pieces.clear();
            spare.push(self);
        }
    }
}

impl Body {
    /// What was gathered goes through the decoder, piece by piece: then it is known which packet brought what.
    pub(super) fn go_on(
        &mut self,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) {
        let Some(gathered) = self.gathered.take() else { return };
        for (bytes, position) in gathered.pieces() {
            self.decode(bytes, Origin::Decoded(position), shared, tools, held, found);
        }
        gathered.recycle(&mut tools.gathered);
    }

    /// Decodes a body that is whole in one go. False if it has to go through the decoder: it is not as simple as that, or it
    /// has tokens and came in several packets.
    pub(super) fn at_once(
        &mut self,
        shared: &Shared,
        tools: &mut Tools,
        held: &mut Held,
        found: &mut Vec<Found>,
    ) -> bool {
        let Some(gathered) = self.gathered.take() else { return false };
        let Some(&(_, position)) = gathered.pieces.first() else { return false };
        let known =
            if self.may_repeat { shared.repeats.recall(self.sent(&gathered.bytes)) } else { Repeated::No };
        if let Repeated::Silent(silence) = known
            && self.text.stand_in(silence.len, silence.kept, held)
        {
            self.len = silence.len.into();
            gathered.recycle(&mut tools.gathered);
            return true;
        }
        let mut whole = tools.whole.take().unwrap_or_default();
        let mut before = std::mem::take(&mut tools.out.tally);
        let mut hits = Vec::new();
        let text = whole.gzip(&gathered.bytes);
        if let Some(text) = text {
            for piece in text.chunks(PIECE) {
                self.decoded(piece, Origin::Decoded(position), shared, tools, held, &mut hits);
            }
            self.text.finish(shared, tools, &mut hits);
        }
        let done = text.is_some() && (hits.is_empty() || gathered.pieces.len() == 1);
        if done && known == Repeated::Perhaps {
            let silent = hits.is_empty() && tools.out.tally == Tally::default();
            shared.repeats.learn(self.sent(&gathered.bytes), self.silence().filter(|_| silent));
        }
        if done {
            before.absorb(&mut tools.out.tally);
            found.append(&mut hits);
            gathered.recycle(&mut tools.gathered);
        } else {
            if text.is_some() {
                self.text.restart(held, tools);
                self.digest = self.digest.take().map(|_| Box::default());
                self.len = 0;
            }
            self.gathered = Some(gathered);
        }
        tools.out.tally = before;
        whole.trim();
        tools.whole = Some(whole);
        done
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::Demand;
    use super::super::super::fields::Fields;
    use super::*;
    use crate::message::{Field, Head, Start, Version};
    use crate::protocol::Trail;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    /// RFC 7515 appendix A.1, shortened to what is needed to be one.
    pub(in crate::shard::body) const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

    /// What is known of a body in the end: tokens with the packets that brought them, length, digest, text, oddities.
    type Outcome = (Vec<(String, u64)>, u64, Option<[u8; 32]>, Vec<u8>, bool, Vec<(&'static str, u64)>);

    /// The body in packets of `cut` bytes; `lost`: one of them is.
    fn outcome(coded: &[u8], cut: usize, lost: Option<usize>, gathers: bool) -> Outcome {
        let demand = Demand { tokens: true, body_digests: true, ..Demand::default() };
        let shared = Shared::new(demand);
        let fields = [
            Field { name: b"content-encoding", value: b"gzip", at: 0 },
            Field { name: b"content-type", value: b"application/json", at: 0 },
        ];
        let start = Start::Response { status: 200 };
        let head = Head::new(Version::Http11, start, &fields);
        let (mut tools, mut held, mut found) = (Tools::new(1), Held::default(), Vec::new());
        let mut body = Body::new(&head, &Fields::of(&head), &shared, &mut tools, &mut held);
        assert!(body.gathered.is_some());
        body.gathered = body.gathered.filter(|_| gathers);
        let mut trail = Trail::default();
        for (i, piece) in coded.chunks(cut).enumerate() {
            let at = (i * cut) as u64;
            let position = Position { frame: 1 + i as u64, ..Position::default() };
            trail.push(at, piece.len() as u64, position);
            if lost == Some(i) {
                body.gap(piece.len() as u64, &shared, &mut tools, &mut held, &mut found);
            } else {
                body.push((&trail, at), piece, &shared, &mut tools, &mut held, &mut found);
            }
        }
        body.finish(lost.is_none(), &shared, &mut tools, &mut held, &mut found);
        assert_eq!(held.decoders, 0);
        let tokens = found.iter().map(|found| match &found.text {
            super::super::Text::Compact(text) => {
                (String::from_utf8_lossy(text).into_owned(), found.position.frame)
            }
            super::super::Text::Read(token) => (token.to_string(), found.position.frame),
        });
        let outcome = (tokens.collect(), body.len, body.sha256(), body.kept().to_vec(), body.damaged);
        body.release(&mut held, &mut tools);
        assert_eq!((held.decoders, held.context), (0, 0));
        let weirds = tools.out.tally.weirds.iter().map(|(name, count)| (*name, *count)).collect();
        (outcome.0, outcome.1, outcome.2, outcome.3, outcome.4, weirds)
    }

    pub(in crate::shard::body) fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_that_is_held_reads_as_one_that_is_decoded_as_it_comes() {
        let noise: String =
            (0..60_000_u64).map(|n| format!("{:x},", n.wrapping_mul(n) * 0x9e37_79b9)).collect();
        let text = |len: usize, tokens: usize| {
            let token = format!("\"{TOKEN}\"").repeat(tokens);
            let noise = &noise[..len.min(noise.len())];
            format!("[\"{noise}\",{token},\"{noise}\"]").into_bytes()
        };
        let (plain, tokens, long) = (gzip(&text(9_000, 0)), gzip(&text(9_000, 2)), gzip(&text(400_000, 1)));
        assert!(long.len() > limits::GATHERED_BYTES, "{}", long.len());
        let mut wrong = tokens.clone();
        let end = wrong.len() - 6;
        wrong[end] ^= 1;
        let mut malformed = tokens.clone();
        malformed[2000..2100].fill(0xff);
        let bodies = [
            plain.clone(),
            tokens.clone(),
            long,
            wrong,
            malformed,
            tokens[..3000].to_vec(),
            [&plain[..], &tokens].concat(),
            [&tokens[..], b"and more"].concat(),
            gzip(&vec![b' '; 2 << 20]),
            Vec::new(),
        ];
        for (i, coded) in bodies.iter().enumerate() {
            for cut in [100, 1448, 1 << 20] {
                for lost in [None, Some(0), Some(2)] {
                    let expected = outcome(coded, cut, lost, false);
                    assert_eq!(
                        outcome(coded, cut, lost, true),
                        expected,
                        "body {i} in packets of {cut}, {lost:?}"
                    );
                }
            }
        }
        assert_eq!(outcome(&plain, 1448, None, true).0.len(), 0);
        let found = outcome(&tokens, 1448, None, true).0;
        assert!(found.len() == 2 && found[0].1 > 1, "in the packet that brought it: {found:?}");
    }
}
