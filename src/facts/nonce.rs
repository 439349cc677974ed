//! Nonces of signatures that occur twice: the private key follows from the two, which is proved and never told.

use super::key::Keys;
use super::memory::{Given, Memories, Memory, Wants};
use super::recent::Recent;
use super::token::token;
use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::keys::{Curve, PublicKey, gives_scalar_away, header_key};
use crate::limits::{NONCES, SHARED_NONCES};
use crate::tally::Tally;
use crate::token::{Family as Algorithm, Token};
use std::sync::Arc;

pub(super) const FAMILY: Family = Family {
    name: "nonce",
    doc: "Random numbers of ECDSA and EdDSA signatures that are used twice among the recent tokens of the capture.",
    subjects: &[Subject::Sighting],
    about_key: true,
    steady: false,
    late: true,
    rest: Some(|c| repeat(c).is_none()),
    undecided: None,
    source: Source::memory::<Repeats>(),
    fields: &[
        Field {
            name: "ecdsa.nonce_shared",
            ty: Type::Bool,
            doc: "Whether another token, with other content, has the same r on the same curve, and not the same s.",
            get: |c| Value::Bool(repeat(c).is_some_and(|repeat| matches!(repeat, Repeat::Ecdsa(_)))),
        },
        Field {
            name: "ecdsa.nonce_key",
            ty: Type::Str,
            doc: "SHA-256 thumbprint of the public key whose private part follows from the two; missing if they are of different keys.",
            get: |c| match repeat(c) {
                Some(Repeat::Ecdsa(key)) => Value::or_missing(key.as_deref()),
                _ => Value::Missing,
            },
        },
        Field {
            name: "eddsa.nonce_key",
            ty: Type::Str,
            doc: "SHA-256 thumbprint of the Ed25519 key whose private scalar follows from two tokens with the same R; missing if there are none, or the key was not seen.",
            get: |c| match repeat(c) {
                Some(Repeat::Eddsa(key)) => Value::or_missing(key.as_deref()),
                Some(Repeat::Undecided) => Value::Pending,
                _ => Value::Missing,
            },
        },
    ],
};

/// What one signature tells by itself.
pub(super) const RANGE: Family = Family {
    name: "range",
    doc: "Whether the numbers of an ECDSA signature are ones that signing can give.",
    subjects: &[Subject::Sighting],
    about_key: true,
    steady: true,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[Field {
        name: "ecdsa.out_of_range",
        ty: Type::Bool,
        doc: "Whether r or s of an ECDSA signature is zero, or not below the order of the curve (FIPS 186-5 section 6.4.2), raw or in DER.",
        get: |c| Value::Bool(token(c).is_some_and(out_of_range)),
    }],
};

/// Nonces of recent tokens, and those that occurred twice.
pub(super) struct Repeats {
    ecdsa: Recent<(Curve, [u8; 16]), Box<Signed>>,
    eddsa: Recent<[u8; 32], Arc<Token>>,
    /// By the digest of the later token.
    repeats: Recent<[u8; 32], Repeat>,
    /// Pairs of EdDSA whose key may still come.
    undecided: Vec<(Arc<Token>, Arc<Token>)>,
}

/// What is kept of an ECDSA signature.
struct Signed {
    digest: Vec<u8>,
    signature: Box<[u8]>,
}

enum Repeat {
    Ecdsa(Option<Box<str>>),
    Eddsa(Option<Box<str>>),
    Undecided,
}

impl Memory for Repeats {
    fn new(_: &Given) -> Self {
        Self {
            ecdsa: Recent::new(NONCES),
            eddsa: Recent::new(NONCES / 8),
            repeats: Recent::new(SHARED_NONCES),
            undecided: Vec::new(),
        }
    }

    fn wants() -> Wants {
        Wants { tokens: true, keys: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, _: &mut Tally) {
        let Some(sighting) = case.sighting.filter(|_| case.new) else { return };
        let token = &sighting.token;
        match token.family() {
            Some(Algorithm::Es) => self.note_ecdsa(token),
            Some(Algorithm::EdDsa) if token.signature().len() == 64 => self.note_eddsa(token),
            _ => {}
        }
    }

    fn settle(&mut self, others: &Memories, _: &mut Tally) {
        self.decide(others.get::<Keys>(), false);
    }

    fn close(&mut self, others: &Memories, _: &mut Tally) {
        self.decide(others.get::<Keys>(), true);
    }
}

impl Repeats {
    fn note_ecdsa(&mut self, token: &Token) {
        let Some(curve) = token.alg().and_then(|alg| Curve::of_alg(&alg)) else { return };
        let signature = token.signature();
        if signature.len() != 2 * curve.size() {
            return;
        }
        // The middle of r tells it as well as all of it.
        let Some(r) = signature.get(curve.size() / 4..).and_then(|r| r.first_chunk()) else { return };
        let (digest, signature) = (curve.digest(token.signing_input()), signature.into());
        let signed = Signed { digest, signature };
        match self.ecdsa.touch(&(curve, *r)) {
            Some(known) if known.digest != signed.digest && self.repeats.len() < SHARED_NONCES => {
                let pair = [&**known, &signed].map(|s| (&s.digest[..], &s.signature[..]));
                let same = pair[0].1.get(..curve.size()) == pair[1].1.get(..curve.size());
                // The whole signature on other content is a token that was changed. Nobody signs with r = 0.
                let numbers = [pair[0].1, pair[1].1].map(|signature| curve.canonical(signature));
                if same && numbers[0].is_some() && numbers[1].is_some() && numbers[0] != numbers[1] {
                    let point = curve.reused_nonce(pair[0], pair[1]);
                    let key = point.map(|point| PublicKey::Ec { curve, point }.thumbprint());
                    self.repeats.insert(*token.sha256(), Repeat::Ecdsa(key));
                }
            }
            Some(_) => {}
            None => {
                self.ecdsa.insert((curve, *r), Box::new(signed));
            }
        }
    }

    fn note_eddsa(&mut self, token: &Arc<Token>) {
        let Some(r) = token.signature().first_chunk() else { return };
        match self.eddsa.touch(r) {
            Some(known) if known.signing_input() != token.signing_input() => {
                if self.undecided.len() < SHARED_NONCES && self.repeats.len() < SHARED_NONCES {
                    self.undecided.push((Arc::clone(known), Arc::clone(token)));
                    self.repeats.insert(*token.sha256(), Repeat::Undecided);
                }
            }
            Some(_) => {}
            None => {
                self.eddsa.insert(*r, Arc::clone(token));
            }
        }
    }

    /// Looks for the keys of pairs; `last`: no more will come.
    fn decide(&mut self, keys: Option<&Keys>, last: bool) {
        let undecided = std::mem::take(&mut self.undecided);
        for pair in undecided {
            let [first, second] = [&pair.0, &pair.1].map(|token| (token.signing_input(), token.signature()));
            let gives_away = |key: &&PublicKey| gives_scalar_away(key, first, second);
            let own = header_key(&pair.1);
            let seen = || keys.and_then(|keys| keys.public().map(|(key, _)| key).find(gives_away));
            let key = own.as_ref().filter(gives_away).or_else(seen);
            if let Some(key) = key {
                self.repeats.insert(*pair.1.sha256(), Repeat::Eddsa(Some(key.thumbprint())));
            } else if last {
                self.repeats.insert(*pair.1.sha256(), Repeat::Eddsa(None));
            } else {
                self.undecided.push(pair);
            }
        }
    }
}

fn repeat<'a>(case: &Case<'a>) -> Option<&'a Repeat> {
    case.memory::<Repeats>()?.repeats.get(token(case)?.sha256())
}

fn out_of_range(token: &Token) -> bool {
    let Some(curve) = token.alg().and_then(|alg| Curve::of_alg(&alg)) else { return false };
    let signature = token.signature();
    if !signature.is_empty() && signature.iter().all(|byte| *byte == 0) {
        return true;
    }
    match curve.in_range(signature) {
        Some(fits) => !fits,
        None => integers(signature, curve.size()).is_some_and(|raw| curve.in_range(&raw) == Some(false)),
    }
}

/// `r` and `s` of a signature in DER (RFC 3279 section 2.2.3), each of full length.
fn integers(der: &[u8], size: usize) -> Option<Vec<u8>> {
    let [0x30, length, content @ ..] = der else { return None };
    let content = if *length == 0x81 { content.get(1..)? } else { content };
    let mut rest = content;
    let mut raw = Vec::new();
    for _ in 0..2 {
        let [2, length, after @ ..] = rest else { return None };
        let (number, after) = after.split_at_checked(usize::from(*length))?;
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = number.get(zeros..)?;
        raw.extend(std::iter::repeat_n(0, size.checked_sub(number.len())?));
        raw.extend(number);
        rest = after;
    }
    rest.is_empty().then_some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_in_der_are_read() {
        assert_eq!(integers(&[0x30, 6, 2, 1, 0, 2, 1, 0], 2), Some(vec![0; 4]));
        assert_eq!(integers(&[0x30, 7, 2, 2, 0, 0xff, 2, 1, 3], 2), Some(vec![0, 0xff, 0, 3]));
        assert_eq!(integers(&[0x30, 8, 2, 3, 1, 0, 0xff, 2, 1, 3], 2), None, "too long");
        assert_eq!(integers(&[0x30, 6, 2, 1, 0, 2, 1, 0, 0], 2), None, "more follows");
        assert_eq!(integers(&[0x30], 2), None);
    }
}
