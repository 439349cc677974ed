//! Finds tokens in bytes: a SIMD search for the starts that a base64url JSON object, or a disguise of one, can
//! have, then the reader of [`super::recognise`].

use super::{
    base64url::{decode_any, is_base64_char, is_url_char, leading},
    needles::Needles,
    recognise::{plausible, recognise},
    run::{Run, run},
    wrapping::{Wrapping, Wrappings},
};
use crate::limits::{TOKEN_TRIES, WRAPPINGS};
use smallvec::SmallVec;
use std::{borrow::Cow, ops::Range};

/// A token that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit<'a> {
    /// Where it stands in the raw text.
    pub range: Range<usize>,
    /// Its compact text, all encodings undone.
    pub text: Cow<'a, [u8]>,
    /// The encodings that were undone.
    pub wrappings: Wrappings,
}

/// The search, built once and shared by all threads.
#[derive(Debug)]
pub struct Scanner {
    starts: Needles,
}

impl Scanner {
    /// Builds the search.
    pub fn new() -> Self {
        Self { starts: Needles::new(NEEDLES) }
    }

    /// Whether anything in `text` looks like the start of a token: cheap, and often wrong in that direction only.
    pub fn touches(&self, text: &[u8]) -> bool {
        self.next(text, 0).is_some()
    }

    /// Where in `text`, from `at` on, something first looks like the start of a token.
    pub fn next(&self, text: &[u8], at: usize) -> Option<usize> {
        Some(self.starts.find(text, at)?.0)
    }

    /// Reports every token in `text`, in order. Returns how many candidates were given up because they are
    /// longer than [`crate::limits::TOKEN_BYTES`].
    pub fn find(&self, text: &[u8], hit: &mut dyn FnMut(Hit<'_>)) -> usize {
        self.scan(text, true, 0, hit).over
    }

    /// As [`Scanner::find`], for the value of a field or parameter: one that is percent-encoded as a whole is
    /// decoded if nothing is found in it as it is.
    pub fn find_in_value(&self, value: &[u8], hit: &mut dyn FnMut(Hit<'_>)) -> usize {
        if value.len() < SHORTEST {
            return 0;
        }
        let mut found = false;
        let over = self.find(value, &mut |h| {
            found = true;
            hit(h);
        });
        if !found && value.contains(&b'%') {
            let decoded: Vec<u8> = percent_encoding::percent_decode(value).collect();
            let mut outer = Wrappings::default();
            outer.push(Wrapping::Percent);
            self.scan(&decoded, true, 1, &mut |h| {
                let (range, text) = (0..value.len(), Cow::Owned(h.text.into_owned()));
                hit(Hit { range, text, wrappings: outer.then(h.wrappings) });
            });
        }
        over
    }

    /// Scans `text`. Unless it is the `last` of its stream, a candidate that may go on is left to the caller.
    pub(super) fn scan(&self, text: &[u8], last: bool, depth: usize, hit: &mut dyn FnMut(Hit<'_>)) -> Rest {
        let mut rest = Rest { from: 0, held: false, over: 0, failed: SmallVec::new() };
        let (mut at, mut run_end, mut tries) = (0, 0, 0);
        while let Some(start) = self.next(text, at) {
            if start >= run_end {
                tries = 0;
            } else if tries >= TOKEN_TRIES {
                at = run_end;
                continue;
            }
            at = start + 1;
            match self.candidate(text, start, last, depth, hit) {
                Candidate::Implausible => {}
                Candidate::Failed { end, over } => {
                    run_end = run_end.max(end);
                    tries += 1;
                    if rest.failed.len() < FAILED {
                        rest.failed.push(start);
                    }
                    rest.over += usize::from(over);
                }
                Candidate::Token { end } => {
                    at = end;
                    rest.from = end;
                }
                Candidate::Open => return Rest { from: start, held: true, ..rest },
            }
        }
        rest
    }

    /// Whether a needle begins within the first `tail` bytes of `window` and ends behind them.
    pub(super) fn straddling(window: &[u8], tail: usize) -> Option<usize> {
        (0..tail).find(|&at| {
            let crosses = |n: &str| at + n.len() > tail && window[at..].starts_with(n.as_bytes());
            let begins =
                |pair: &[u8]| BEGINNINGS[0][usize::from(pair[0])] && BEGINNINGS[1][usize::from(pair[1])];
            window.get(at..at + 2).is_some_and(begins) && NEEDLES.iter().any(|needle| crosses(needle))
        })
    }

    fn candidate(
        &self,
        text: &[u8],
        start: usize,
        last: bool,
        depth: usize,
        hit: &mut dyn FnMut(Hit<'_>),
    ) -> Candidate {
        let prefix = run(text, start, PREFIX);
        let form = Form::of(&prefix.text);
        if !form.plausible(&prefix.text) {
            return Candidate::Implausible;
        }
        if prefix.open {
            return if last { Candidate::Implausible } else { Candidate::Open };
        }
        let run = run(text, start, usize::MAX);
        if run.open && !last {
            return Candidate::Open;
        }
        let failed = Candidate::Failed { end: run.raw_end, over: run.over };
        let inner = match form {
            Form::Plain => {
                let next = text.get(run.raw_end).copied();
                let cut = |end: usize| run.over && end == run.text.len();
                if let Some(shape) = recognise(&run.text, next).filter(|shape| !cut(shape.end)) {
                    let end = run.cursor(text, start).to(shape.end);
                    let token = match &run.text {
                        Cow::Borrowed(text) => Cow::Borrowed(&text[..shape.end]),
                        Cow::Owned(text) => Cow::Owned(text[..shape.end].to_vec()),
                    };
                    hit(Hit { range: start..end, text: token, wrappings: run.wrappings });
                    return Candidate::Token { end };
                }
                base64_part(&run.text).map(|len| (len, Wrapping::Base64))
            }
            Form::Base64 => base64_part(&run.text).map(|len| (len, Wrapping::Base64)),
            Form::Hex => {
                let len = run.text.iter().position(|b| !b.is_ascii_hexdigit()).unwrap_or(run.text.len());
                Some((len & !1, Wrapping::Hex))
            }
        };
        match inner.filter(|(len, _)| depth < WRAPPINGS && *len >= SHORTEST && !run.over) {
            Some((len, wrapping)) => {
                self.unwrap(text, start, &run, (len, wrapping), depth, hit).unwrap_or(failed)
            }
            None => failed,
        }
    }

    /// Decodes the first `len` characters of a run and looks for tokens inside.
    fn unwrap(
        &self,
        raw: &[u8],
        start: usize,
        run: &Run<'_>,
        (len, wrapping): (usize, Wrapping),
        depth: usize,
        hit: &mut dyn FnMut(Hit<'_>),
    ) -> Option<Candidate> {
        let wrapped = run.text.get(..len)?;
        let (decoded, chars, bytes) = match wrapping {
            Wrapping::Hex => (unhex(wrapped), 2, 1),
            _ => (decode_any(wrapped)?, 4, 3),
        };
        self.next(&decoded, 0)?;
        let mut outer = run.wrappings;
        outer.push(wrapping);
        let mut found = false;
        let mut cursor = run.cursor(raw, start);
        self.scan(&decoded, true, depth + 1, &mut |h| {
            found = true;
            let from = (h.range.start * chars / bytes).min(len);
            let whole = h.range.end == decoded.len();
            let to = if whole { len } else { (h.range.end * chars).div_ceil(bytes).min(len) };
            // The next hit may begin in the character that this one ends in, so only its beginning is kept.
            let range = cursor.to(from)..{ cursor }.to(to);
            hit(Hit { range, text: Cow::Owned(h.text.into_owned()), wrappings: outer.then(h.wrappings) });
        });
        found.then(|| Candidate::Token { end: cursor.to(len) })
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

/// What a scan leaves: the bytes from `from` on were not part of a token yet.
#[derive(Debug)]
pub(super) struct Rest {
    /// End of the last token, or start of the candidate that may go on.
    pub(super) from: usize,
    /// Whether a candidate that may go on starts there.
    pub(super) held: bool,
    /// Candidates that were too long.
    pub(super) over: usize,
    /// Where something began like a token and was none; of too many, the first.
    pub(super) failed: SmallVec<[usize; 2]>,
}

/// Failed candidates of one scan that are remembered.
const FAILED: usize = 64;

/// Longest needle.
pub(super) const NEEDLE: usize = 6;

/// No token, and no disguise of one, is shorter (`{"alg":""}` alone takes 14 characters).
const SHORTEST: usize = 18;

/// Characters that decide whether a candidate is worth reading.
const PREFIX: usize = 16;

/// Starts of a token. base64url of `{`, white space, `"`: `{"` gives `eyI` or `eyJ`, `{ ` gives `eyA`, a line
/// break or tab gives `ewo`, `ew0`, `ewk`; then the same behind white space or a byte order mark; then the
/// first character escaped; then the start in base64 and in hexadecimal; then `{"` in UTF-16, least significant byte first.
///
/// The order matters for speed alone: it decides which needles share a bucket of the SIMD search. This one was
/// searched for (swaps, slowest of JSON, prose, Markdown and base64 text): 13 GB/s where a natural order has 2. More than 32
/// of them take a search with half the speed.
#[rustfmt::skip]
const NEEDLES: [&str; 32] = [
    "Cns", "Cgp7", "ZXdv", "%65", "CXs", "eyI", "eyJ", "65794A", "DQp7", "77u/ey", "ewoK", "%2565", "IHs", "&#x65;",
    "ewk", "77u_ey", "CQl7", "65794a", "ewoi", "&#101;", "CiB7", "ew0", "ICAgey", "\\u0065", "ewoJ", "IAp7",
    "ewoN", "ZXlK", "ICB7", "eyA", "ewAi", "ewog",
];

/// Their first bytes, and their second ones.
const BEGINNINGS: [[bool; 256]; 2] = {
    let mut tables = [[false; 256]; 2];
    let mut n = 0;
    while n < NEEDLES.len() {
        let needle = NEEDLES[n].as_bytes();
        tables[0][needle[0] as usize] = true;
        tables[1][needle[1] as usize] = true;
        n += 1;
    }
    tables
};

enum Candidate {
    /// Its first characters say that it is none.
    Implausible,
    /// It was read up to `end` and is none.
    Failed { end: usize, over: bool },
    /// A token, or an encoded text with tokens, that ends there; reported.
    Token { end: usize },
    /// It may go on behind the text.
    Open,
}

/// How a candidate is written.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Base64,
    Hex,
}

impl Form {
    fn of(prefix: &[u8]) -> Self {
        match prefix {
            [b'Z', b'X', ..] => Self::Base64,
            [b'6', b'5', ..] => Self::Hex,
            _ => Self::Plain,
        }
    }

    fn plausible(self, prefix: &[u8]) -> bool {
        match self {
            Self::Plain => plausible(prefix),
            Self::Base64 => decode_any(&prefix[..prefix.len() & !3])
                .is_some_and(|inner| inner.iter().all(|&b| is_url_char(b)) && plausible(&inner)),
            Self::Hex => {
                let inner = unhex(prefix);
                inner.len() == prefix.len() / 2 && inner.iter().all(|&b| is_url_char(b)) && plausible(&inner)
            }
        }
    }
}

/// Length of the base64 text, of either alphabet, with its padding, that a run begins with.
fn base64_part(run: &[u8]) -> Option<usize> {
    let len = leading(run, is_base64_char);
    let pad = run[len..].iter().take(2).take_while(|&&b| b == b'=').count();
    (len > 0).then_some(len + pad)
}

fn unhex(text: &[u8]) -> Vec<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    text.chunks_exact(2).map_while(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect()
}
