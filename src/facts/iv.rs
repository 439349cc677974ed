//! Initialisation vectors of AES-GCM that occur twice under one key: both plaintexts and the authentication fall.

use super::digest;
use super::memory::{Given, Memory, Wants};
use super::recent::Recent;
use super::token::token;
use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::limits::VECTORS;
use crate::tally::Tally;
use crate::token::{Kind, Token};

pub(super) const FAMILY: Family = Family {
    name: "iv",
    doc: "Initialisation vectors of encrypted tokens that are used twice.",
    subjects: &[Subject::Sighting],
    about_key: true,
    steady: false,
    late: false,
    rest: Some(|c| !reused(c)),
    undecided: None,
    source: Source::memory::<Vectors>(),
    fields: &[Field {
        name: "jwe.iv_reused",
        ty: Type::Bool,
        doc: "Whether an earlier JWE of AES-GCM with the same key (alg dir and the same iss and kid, or the same encrypted key) and the same initialisation vector has another ciphertext (RFC 7518 section 8.4).",
        get: |c| Value::Bool(reused(c)),
    }],
};

fn reused(case: &Case<'_>) -> bool {
    case.memory::<Vectors>().zip(token(case)).is_some_and(|(v, t)| v.reused.get(t.sha256()).is_some())
}

/// Vectors of recent tokens, with the digests of what they encrypt.
pub(super) struct Vectors {
    seen: Recent<u128, u128>,
    reused: Recent<[u8; 32], ()>,
}

impl Memory for Vectors {
    fn new(_: &Given) -> Self {
        Self { seen: Recent::new(VECTORS), reused: Recent::new(VECTORS / 16) }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, _: &mut Tally) {
        let Some(sighting) = case.sighting.filter(|_| case.new) else { return };
        let Some((under, encrypted)) = vector(&sighting.token) else { return };
        match self.seen.touch(&under) {
            Some(known) if *known != encrypted => {
                self.reused.insert(*sighting.token.sha256(), ());
            }
            Some(_) => {}
            None => {
                self.seen.insert(under, encrypted);
            }
        }
    }
}

/// The digest of the key's name and the vector, and that of the ciphertext.
fn vector(token: &Token) -> Option<(u128, u128)> {
    let text = |name: &str| token.header_member(name).map(|value| value.to_string());
    let enc = token.header_member("enc")?.as_str().filter(|enc| enc.ends_with("GCM"))?;
    let segments: Vec<&str> = token.segments().collect();
    let [_, key, iv, ciphertext, _] = segments[..] else { return None };
    let direct = token.header_member("alg").is_some_and(|alg| alg == "dir");
    if token.kind() != Kind::Jwe || iv.is_empty() || key.is_empty() != direct {
        return None;
    }
    // A key that is encrypted each time is another one each time, or the same text stands there.
    let named = if direct { format!("{:?} {:?}", text("iss"), text("kid")) } else { key.to_owned() };
    Some((digest([&*named, enc, iv]), digest(ciphertext)))
}
