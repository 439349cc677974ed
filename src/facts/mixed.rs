//! Issuers that sign with a shared secret and with a key pair under one name.

use super::digest;
use super::memory::{Given, Memory, Wants};
use super::recent::Recent;
use super::token::token;
use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::limits::MIXED;
use crate::message::Direction;
use crate::tally::Tally;
use crate::token::{Family as Algorithm, Token};
use serde_json::Value as Json;

pub(super) const FAMILY: Family = Family {
    name: "mixed",
    doc: "Whether the tokens of one issuer (and kid) that were seen so far are signed with a shared secret and with a key pair.",
    subjects: &[Subject::Sighting],
    about_key: true,
    steady: false,
    late: false,
    rest: Some(|c| {
        c.memory::<Mixed>().is_none_or(|mixed| !mixed.any) || known(c).is_none_or(Known::says_nothing)
    }),
    undecided: None,
    source: Source::memory::<Mixed>(),
    fields: &[
        Field {
            name: "issuer.algs_mixed",
            ty: Type::Bool,
            doc: "Whether tokens with the iss of this one (and its kid, if it has one) use both HMAC and signatures of key pairs.",
            get: |c| Value::Bool(known(c).is_some_and(|k| k.symmetric && k.asymmetric)),
        },
        Field {
            name: "issuer.hmac_issued",
            ty: Type::Bool,
            doc: "Whether an HMAC token of them was seen in a response, so that its issuer made it.",
            get: |c| Value::Bool(known(c).is_some_and(|k| k.issued)),
        },
    ],
};

/// What the tokens of recent issuers are signed with.
pub(super) struct Mixed {
    /// By the digest of `iss` and `kid`.
    known: Recent<u128, Known>,
    /// Some issuer was ever more than one that signs in one way.
    any: bool,
}

#[derive(Clone, Copy, Default)]
struct Known {
    symmetric: bool,
    asymmetric: bool,
    issued: bool,
}

impl Known {
    fn says_nothing(self) -> bool {
        !(self.symmetric && self.asymmetric || self.issued)
    }
}

impl Memory for Mixed {
    fn new(_: &Given) -> Self {
        Self { known: Recent::new(MIXED), any: false }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, _: &mut Tally) {
        let Some(sighting) = case.sighting.filter(|_| case.new) else { return };
        let Some((symmetric, name)) = symmetric(&sighting.token).zip(name(&sighting.token)) else { return };
        if self.known.touch(&name).is_none() {
            self.known.insert(name, Known::default());
        }
        let Some(known) = self.known.touch(&name) else { return };
        known.symmetric |= symmetric;
        known.asymmetric |= !symmetric;
        known.issued |= symmetric && sighting.direction == Some(Direction::Response);
        self.any |= !known.says_nothing();
    }
}

fn symmetric(token: &Token) -> Option<bool> {
    token.family().filter(|_| !token.signature_is_void()).map(Algorithm::is_symmetric)
}

fn name(token: &Token) -> Option<u128> {
    let text = |value: &Json| value.as_str().map_or_else(|| digest(value.to_string()), digest);
    // An application that signs assertions and sessions of its own is not the issuer of both.
    let iss = token.claim("iss")?;
    Some(digest((text(iss), token.header_member("kid").map(text))))
}

fn known(case: &Case<'_>) -> Option<Known> {
    let token = token(case)?;
    symmetric(token)?;
    case.memory::<Mixed>()?.known.get(&name(token)?).copied()
}
