//! Bodies that come again and again: scripts, styles, health checks, answers that do not change. One that was read twice and
//! said nothing is known by its bytes from then on, and not read again.

use super::Body;
use crate::facts::marks;
use crate::limits::REPEATED_BODIES;
use foldhash::quality::RandomState;
use polyval::Polyval;
use polyval::universal_hash::UniversalHash as _;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// A body as it came, and how it is read.
#[derive(Clone, Copy, Hash)]
pub(super) struct Sent<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) content_type: &'a [u8],
    /// In gzip; else in no coding.
    pub(super) gzip: bool,
}

/// What is known of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Repeated {
    /// Nothing.
    #[default]
    No,
    /// It may have come before.
    Perhaps,
    /// It came before, and says nothing.
    Silent(Silence),
}

/// A body that says nothing: no token, no [mark](crate::facts::marks), no oddity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Silence {
    /// Its length, decoded.
    pub(super) len: u32,
    /// Bytes of it that would be kept.
    pub(super) kept: u32,
}

/// The bodies that are remembered, by all shards: to learn each in every shard would take most of what it saves. What is told of
/// a body does not depend on it. Each body has one place, and one that comes to the place of another goes there when it
/// came twice.
#[derive(Default)]
pub struct Repeats {
    table: Mutex<Table>,
    hasher: RandomState,
    /// With a key that nobody knows: so two bodies with one print cannot be made (RFC 8452 section 3, appendix A).
    prints: OnceLock<Polyval>,
}

#[derive(Default)]
struct Table {
    /// None before the first body.
    places: Vec<(u64, State)>,
    /// Hashes of bodies that came, likewise.
    came: Vec<u64>,
}

#[derive(Clone)]
enum State {
    Silent(Print, Silence),
    Telling,
}

/// What tells a body from all others: of a short one, type and bytes.
#[derive(Clone)]
enum Print {
    Digest([u8; 16]),
    Whole { bytes: Box<[u8]>, content_type: Box<[u8]>, gzip: bool },
}

impl Repeats {
    /// What is known of a body, which is known to have come from now on.
    pub(super) fn recall(&self, sent: Sent<'_>) -> Repeated {
        if sent.content_type.len() > SHORT {
            return Repeated::No;
        }
        let (at, hash) = self.place(sent);
        let mut table = self.table();
        let (digest, silence) = match &table.places[at] {
            (known, State::Silent(print, silence)) if *known == hash => match print {
                Print::Digest(digest) => (*digest, *silence),
                Print::Whole { bytes, content_type, gzip } => {
                    let same =
                        (&**bytes, &**content_type, *gzip) == (sent.bytes, sent.content_type, sent.gzip);
                    return if same { Repeated::Silent(*silence) } else { Repeated::No };
                }
            },
            (known, _) if *known == hash => return Repeated::No,
            _ => {
                let came = std::mem::replace(&mut table.came[at], hash) == hash;
                return if came { Repeated::Perhaps } else { Repeated::No };
            }
        };
        drop(table);
        if self.digest(sent) == digest { Repeated::Silent(silence) } else { Repeated::No }
    }

    /// A body that may have come before was read.
    pub(super) fn learn(&self, sent: Sent<'_>, silence: Option<Silence>) {
        let state = match silence {
            None => State::Telling,
            Some(silence) if sent.bytes.len() <= SHORT => {
                let Sent { bytes, content_type, gzip } = sent;
                let whole = Print::Whole { bytes: bytes.into(), content_type: content_type.into(), gzip };
                State::Silent(whole, silence)
            }
            Some(silence) => State::Silent(Print::Digest(self.digest(sent)), silence),
        };
        let (at, hash) = self.place(sent);
        self.table().places[at] = (hash, state);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // What a thread that failed has left is whole: nothing here fails between two changes.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.places.is_empty() {
            table.places.resize(REPEATED_BODIES, (0, State::Telling));
            table.came.resize(REPEATED_BODIES, 0);
        }
        table
    }

    fn place(&self, sent: Sent<'_>) -> (usize, u64) {
        let hash = self.hasher.hash_one(sent);
        (hash as usize % REPEATED_BODIES, hash)
    }

    fn digest(&self, Sent { bytes, content_type, gzip }: Sent<'_>) -> [u8; 16] {
        let mut print = self.prints.get_or_init(prints).clone();
        let lens =
            [bytes.len() as u64 * 2 + u64::from(gzip), content_type.len() as u64].map(u64::to_le_bytes);
        for part in [bytes, content_type, lens.as_flattened()] {
            print.update_padded(part);
        }
        print.finalize().into()
    }
}

/// The longest body that is remembered as it is, and the longest type of any.
pub(super) const SHORT: usize = 512;

fn prints() -> Polyval {
    let random = std::hash::RandomState::new();
    let key = [0, 1].map(|half: u8| random.hash_one(half).to_le_bytes());
    Polyval::new(&<[u8; 16]>::try_from(key.as_flattened()).unwrap_or_default().into())
}

impl Body {
    /// The body as it came.
    pub(super) fn sent<'a>(&'a self, bytes: &'a [u8]) -> Sent<'a> {
        Sent { bytes, content_type: self.text.content_type(), gzip: self.coded }
    }

    /// A body in which no token was found: what is remembered of it, unless it says something else.
    pub(super) fn silence(&self) -> Option<Silence> {
        let silence = Silence { len: self.len.try_into().ok()?, kept: self.kept().len().try_into().ok()? };
        marks::is_silent(self.kept()).then_some(silence)
    }

    /// The next bytes of a body without codings: whether they are passed over, as a short body that came before and is all
    /// in one piece.
    pub(super) fn recall(&mut self, bytes: &[u8], repeats: &Repeats) -> bool {
        let first =
            self.len == 0 && self.may_repeat && !self.coded && !self.streams && self.envelopes.is_none();
        self.plain = match first && bytes.len() <= SHORT {
            true => repeats.recall(self.sent(bytes)),
            false => Repeated::No,
        };
        matches!(self.plain, Repeated::Silent(_))
    }

    /// A body without codings was read to its end.
    pub(super) fn remember(&mut self, repeats: &Repeats) {
        if std::mem::take(&mut self.plain) == Repeated::Perhaps && self.kept().len() as u64 == self.len {
            repeats.learn(self.sent(self.kept()), self.silence());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fields::Fields;
    use super::super::super::{Demand, Shared, Tools};
    use super::super::gathered::tests::{TOKEN, gzip};
    use super::*;
    use crate::limits;
    use crate::message::{Field, Head, Position, Start, Version};
    use crate::protocol::Trail;

    const SILENCE: Silence = Silence { len: 7, kept: 6 };

    #[test]
    fn a_silent_body_is_known_the_third_time_and_by_all_that_it_is() {
        for len in [3, SHORT + 1] {
            let repeats = Repeats::default();
            let (one, mut other) = (vec![b'a'; len], vec![b'a'; len]);
            other[len - 1] = b'b';
            let sent = Sent { bytes: &one, content_type: b"text/css", gzip: false };
            assert_eq!(repeats.recall(sent), Repeated::No);
            assert_eq!(repeats.recall(sent), Repeated::Perhaps);
            repeats.learn(sent, Some(SILENCE));
            assert_eq!(repeats.recall(sent), Repeated::Silent(SILENCE));
            let html = Sent { content_type: b"text/html", ..sent };
            for another in [Sent { bytes: &other, ..sent }, html, Sent { gzip: true, ..sent }] {
                assert_eq!(repeats.recall(another), Repeated::No);
                // A hash of so few bits may be the same for two bodies.
                let ((own, _), (at, hash)) = (repeats.place(sent), repeats.place(another));
                let (_, state) = repeats.table().places[own].clone();
                let kept = std::mem::replace(&mut repeats.table().places[at], (hash, state));
                assert_eq!(repeats.recall(another), Repeated::No);
                repeats.table().places[at] = kept;
            }
            assert_eq!(repeats.recall(html), Repeated::Perhaps);
            repeats.learn(html, None);
            assert_eq!(repeats.recall(html), Repeated::No, "what tells something is read each time");
            assert_eq!(repeats.recall(sent), Repeated::Silent(SILENCE));
        }
    }

    /// A way to send a body.
    #[derive(Clone, Copy)]
    struct Way<'a> {
        status: u16,
        content_type: &'a [u8],
        coding: &'a [u8],
        digests: bool,
    }

    const CSS: Way<'_> = Way { status: 200, content_type: b"text/css", coding: b"identity", digests: false };
    const JSON: Way<'_> = Way { content_type: b"application/json", ..CSS };

    /// What is told of each of some bodies, which come in pieces one after the other: tokens with the packets that they begin
    /// in, length, memory held, oddities; and whether its text can be asked for in the end.
    type Told = ((Vec<u64>, u64, usize, bool, usize), bool);

    fn told(way: Way<'_>, bodies: &[&[&[u8]]]) -> Vec<Told> {
        let demand = Demand { tokens: true, marks: true, body_digests: way.digests, ..Demand::default() };
        let shared = Shared::new(demand);
        let fields = [
            Field { name: b"content-encoding", value: way.coding, at: 0 },
            Field { name: b"content-type", value: way.content_type, at: 0 },
        ];
        let head = Head::new(Version::Http11, Start::Response { status: way.status }, &fields);
        let (mut tools, mut held) = (Tools::new(1), super::super::Held::default());
        let one = |pieces: &&[&[u8]]| {
            let (mut found, mut trail, mut at) = (Vec::new(), Trail::default(), 0);
            let mut body = Body::new(&head, &Fields::of(&head), &shared, &mut tools, &mut held);
            for (frame, piece) in (1..).zip(*pieces) {
                trail.push(at, piece.len() as u64, Position { frame, ..Position::default() });
                let mut more = Vec::new();
                body.push((&trail, at), piece, &shared, &mut tools, &mut held, &mut more);
                found.append(&mut more);
                at += piece.len() as u64;
            }
            let mut more = Vec::new();
            body.finish(true, &shared, &mut tools, &mut held, &mut more);
            found.append(&mut more);
            let weirds = std::mem::take(&mut tools.out.tally).weirds.len();
            let frames = found.iter().map(|found| found.position.frame).collect();
            let told = (frames, body.len, held.context, body.damaged, weirds);
            let text = !body.kept().is_empty();
            body.release(&mut held, &mut tools);
            assert_eq!((held.decoders, held.context), (0, 0));
            (told, text)
        };
        bodies.iter().map(one).collect()
    }

    #[test]
    fn a_body_that_comes_again_is_passed_over_if_it_says_nothing() {
        let css = "a { color: red }\n".repeat(20);
        let json = |text: &str| format!("{{\"a\": \"{}\", {text}}}", "x".repeat(300));
        for (text, way, silent) in [
            (css.clone(), CSS, true),
            (json("\"b\": 1"), JSON, true),
            (css.clone(), Way { status: 404, ..CSS }, false),
            (css.clone(), Way { digests: true, ..CSS }, false),
            // What they say depends on the request.
            (json("\"access_token\": 1"), JSON, false),
            (json("\"errors\": []"), JSON, false),
            (json("\"kty\": \"EC\""), JSON, false),
            ("<form><input type=password>".into(), Way { content_type: b"text/html", ..CSS }, false),
            (format!("{css}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"), CSS, false),
            (format!("{css}{TOKEN}"), CSS, false),
            ("x".repeat(limits::BODY_CONTEXT + 1), CSS, false),
        ] {
            let coded = gzip(text.as_bytes());
            let (packets, short) = (coded.chunks(100).collect::<Vec<_>>(), text.len() <= SHORT);
            let ways = [(&packets[..], Way { coding: b"gzip", ..way }), (&[text.as_bytes()][..], way)];
            for (pieces, way) in ways.into_iter().filter(|(_, way)| way.coding == b"gzip" || short) {
                let all = told(way, &[pieces; 4]);
                assert!(all[0].1 && all[0].0.1 == text.len() as u64, "{:?}", all[0]);
                assert!(all.iter().all(|told| told.0 == all[0].0), "{all:?}");
                let texts: Vec<_> = all.iter().map(|told| told.1).collect();
                assert_eq!(texts, [true, true, !silent, !silent], "{text:.60}");
            }
        }
    }

    #[test]
    fn what_follows_bytes_that_were_a_body_once_is_read_with_them() {
        let (first, rest) = TOKEN.as_bytes().split_at(20);
        let alone: &[&[u8]] = &[first];
        let all = told(CSS, &[alone, alone, alone, &[first, rest], alone]);
        assert_eq!(all[3], told(CSS, &[&[first, rest]])[0]);
        assert_eq!(all[3].0.0, [1], "it begins in the first packet");
        assert!(all[0].1 && !all[2].1 && !all[4].1);
    }
}
