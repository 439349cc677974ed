//! Public keys that were seen.

use super::memory::{Given, Memory, Wants};
use super::recent::Recent;
use super::value::{Type, Value};
use super::{Case, Entity, Family, Field, Origin, Source, Subject};
use crate::keys::thumbprint;
use crate::limits;
use crate::tally::Tally;

pub(super) const FAMILY: Family = Family {
    name: "key",
    doc: "A public key that was seen: in the `jwk` of a token's header.",
    subjects: &[Subject::Key],
    about_key: true,
    steady: false,
    late: false,
    source: Source::memory::<Keys>(),
    fields: &[
        Field {
            name: "key.thumbprint",
            ty: Type::Str,
            doc: "Its SHA-256 thumbprint (RFC 7638), base64url.",
            get: |c| Value::or_missing(c.entity.map(|e| &*e.name)),
        },
        Field {
            name: "key.type",
            ty: Type::Str,
            doc: "\"RSA\", \"EC\" or \"OKP\" (RFC 7518 section 6.1, RFC 8037 section 2).",
            get: |c| Value::or_missing(known(c).map(|k| &*k.kty)),
        },
    ],
};

/// Every public key seen.
pub(super) struct Keys {
    known: Recent<Box<str>, Known>,
}

struct Known {
    kty: Box<str>,
    entity: Entity,
}

impl Memory for Keys {
    fn new(_: &Given) -> Self {
        Self { known: Recent::new(limits::KEYS) }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let Some(jwk) = case.sighting.and_then(|s| s.token.header_member("jwk")) else { return };
        let Some(name) = thumbprint(jwk) else { return };
        if let Some(known) = self.known.touch(&*name) {
            known.entity.count += 1;
            known.entity.last_seen = known.entity.last_seen.max(case.time());
            return;
        }
        if self.known.len() >= limits::KEYS {
            tally.weird("keys_refused");
            return;
        }
        let kty = jwk.get("kty").and_then(|kty| kty.as_str()).unwrap_or_default().into();
        let (subject, origin) = (Subject::Key, Origin::of(case));
        let last_seen = origin.position.time;
        let entity = Entity { subject, name: name.clone(), origin, last_seen, count: 1 };
        self.known.insert(name, Known { kty, entity });
    }

    fn over(&mut self, ended: bool) -> Vec<Entity> {
        if ended { self.known.iter().map(|(_, known)| known.entity.clone()).collect() } else { Vec::new() }
    }
}

fn known<'a>(case: &Case<'a>) -> Option<&'a Known> {
    case.memory::<Keys>()?.known.get(&*case.entity?.name)
}
