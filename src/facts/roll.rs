//! The hosts, clients and issuers of the tokens of a run, each with what is known of it when it is over.

use super::digest;
use super::memory::{Given, Memory, Wants};
use super::names::{issuer_text, names};
use super::recent::Recent;
use super::value::{Type, Value};
use super::{Case, Entity, Family, Field, Origin, Source, Subject};
use crate::limits::{ROLL, ROLL_IDLE};
use crate::tally::Tally;
use std::borrow::Cow;
use std::marker::PhantomData;

/// Who is on a roll.
trait Member: Send + 'static {
    const SUBJECT: Subject;
    /// The member that a sighting is counted for, by the digest of what its name is made of.
    fn id(case: &Case<'_>) -> Option<u128>;
    /// Its name, which only a new one is asked for.
    fn name<'a>(case: &Case<'a>) -> Option<Cow<'a, str>>;
}

struct Host;
struct Client;
struct Issuer;

impl Member for Host {
    const SUBJECT: Subject = Subject::Host;

    fn id(case: &Case<'_>) -> Option<u128> {
        case.host().map(digest)
    }

    fn name<'a>(case: &Case<'a>) -> Option<Cow<'a, str>> {
        case.host()
    }
}

impl Member for Client {
    const SUBJECT: Subject = Subject::Client;

    fn id(case: &Case<'_>) -> Option<u128> {
        Some(digest(case.transport()?.client?.addr))
    }

    fn name<'a>(case: &Case<'a>) -> Option<Cow<'a, str>> {
        Some(case.transport()?.client?.addr.to_string().into())
    }
}

impl Member for Issuer {
    const SUBJECT: Subject = Subject::Issuer;

    fn id(case: &Case<'_>) -> Option<u128> {
        names(&case.sighting?.token).issuer
    }

    fn name<'a>(case: &Case<'a>) -> Option<Cow<'a, str>> {
        issuer_text(&case.sighting?.token)
    }
}

/// Members by the digest of their name. One that is idle for long is over, or the one that was idle for longest where there
/// are too many.
struct Roll<M> {
    members: Recent<u128, Entity>,
    over: Vec<Entity>,
    member: PhantomData<M>,
}

impl<M: Member> Memory for Roll<M> {
    fn new(_: &Given) -> Self {
        Self { members: Recent::new(ROLL), over: Vec::new(), member: PhantomData }
    }

    fn wants() -> Wants {
        Wants { tokens: true, entities: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, _: &mut Tally) {
        let Some(sighting) = case.sighting else { return };
        let now = sighting.position.time;
        while self.members.oldest().is_some_and(|(_, idle)| now.since(idle.last_seen) > ROLL_IDLE) {
            self.over.extend(self.members.pop().map(|(_, entity)| entity));
        }
        let Some(id) = M::id(case) else { return };
        if let Some(known) = self.members.touch(&id) {
            known.count += 1;
            known.last_seen = known.last_seen.max(now);
            return;
        }
        let (name, origin) = (M::name(case).unwrap_or_default().into(), Origin::of(case));
        let entity = Entity { subject: M::SUBJECT, name, origin, last_seen: now, count: 1 };
        self.over.extend(self.members.insert(id, entity).map(|(_, entity)| entity));
    }

    fn over(&mut self, ended: bool) -> Vec<Entity> {
        while ended && let Some((_, entity)) = self.members.pop() {
            self.over.push(entity);
        }
        std::mem::take(&mut self.over)
    }
}

macro_rules! family {
    ($konst:ident $member:ident $name:literal $field:literal $what:literal) => {
        pub(super) const $konst: Family = Family {
            name: $name,
            doc: concat!($what, ", judged when it was idle for an hour and at the end."),
            subjects: &[Subject::$member],
            about_key: false,
            steady: false,
            late: false,
            rest: None,
            undecided: None,
            source: Source::memory::<Roll<$member>>(),
            fields: &[
                Field {
                    name: $field,
                    ty: Type::Str,
                    doc: concat!($what, "."),
                    get: |c| Value::or_missing(c.entity.map(|e| &*e.name)),
                },
                Field {
                    name: concat!($name, ".sightings"),
                    ty: Type::Int,
                    doc: "How many sightings of tokens count for it.",
                    get: |c| Value::or_missing(c.entity.map(|e| i64::try_from(e.count).unwrap_or(i64::MAX))),
                },
            ],
        };
    };
}

family! { HOST Host "host" "host.name" "Host that tokens are sent to or come from" }
family! { CLIENT Client "client" "client.address" "Address of a client that sends or gets tokens" }
family! { ISSUER Issuer "issuer" "issuer.name" "Issuer (`iss`) of tokens" }
