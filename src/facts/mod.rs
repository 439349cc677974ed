//! Facts: documented values that Rust states about a subject, for rule files to judge. Rust never raises a finding.
//!
//! A fact is one entry in a family's `FIELDS`; a family is one file and one line in [`FAMILIES`].

mod audience;
mod behaviour;
mod case;
mod certificate;
mod cookie;
mod coverage;
mod crack;
mod digest;
mod entity;
mod expected;
mod forms;
mod fuzz;
mod hands;
mod http;
mod iv;
mod jose;
mod jti;
mod key;
mod login;
pub mod marks;
mod memo;
mod memory;
mod mixed;
mod names;
mod nonce;
mod place;
mod profile;
pub mod recent;
mod roll;
mod signature;
mod times;
mod tls;
mod token;
mod transport;
mod twin;
pub mod value;
pub mod weighed;

use crate::keys::KeyStore;
pub use crate::policy::Policy;
pub use case::{CaptureSummary, Case, Subject};
pub use crack::Dictionary;
pub use digest::digest;
pub use entity::{Entity, Origin};
use foldhash::HashMap;
#[doc(hidden)]
pub use fuzz::fuzz_facts;
pub use hands::Hands;
pub use memo::Memo;
pub use memory::{Given, Memories, Memory, Source, Wants};
use std::sync::LazyLock;
use value::{FieldId, List, Lookup, Schema, Type, Value};

/// What could not be inspected: reason in words, and how often.
pub fn coverage_reasons(summary: &CaptureSummary) -> Vec<(&'static str, u64)> {
    coverage::reasons(summary).collect()
}

/// The keys that were learned, given ones among them, where they are remembered.
pub fn known_keys(memories: &Memories) -> Option<&KeyStore> {
    memories.get::<key::Keys>().map(|keys| &keys.store)
}

/// The name under which an occasion of lost coverage is counted, if it is one.
pub fn coverage_name(name: &str) -> Option<&'static str> {
    coverage::name(name)
}

/// Tells the value of a fact for a case.
pub type Getter = for<'a> fn(&Case<'a>) -> Value<'a>;

/// One look at a case.
pub type Look = fn(&Case<'_>) -> bool;

/// One fact.
pub struct Field {
    /// Full dotted name.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// What it states, for `docs/facts.md`.
    pub doc: &'static str,
    /// Its value for a case; missing where the case has no such thing.
    pub get: Getter,
}

/// Facts that belong together.
pub struct Family {
    /// Name, for the docs.
    pub name: &'static str,
    /// What the family is about.
    pub doc: &'static str,
    /// Subjects that have it.
    pub subjects: &'static [Subject],
    /// Its facts.
    pub fields: &'static [Field],
    /// The facts are about a key rather than about the place where it was used: findings of rules that name one are
    /// told apart by issuer, not by route and place.
    pub about_key: bool,
    /// The facts are the same at every sighting of the token: what they rule out once is ruled out for good.
    pub steady: bool,
    /// Values may change after the subject has closed: rules that name one are judged again at the end.
    pub late: bool,
    /// Whether all its facts are at rest for a case ([`Facts::at_rest`]), told by one look: rules that need one of them
    /// to say something are not judged then. `None` where one look does not tell.
    pub rest: Option<Look>,
    /// Whether all its facts are pending for a case, told by one look: rules that ask nothing else are not judged then, since
    /// it is known how they would be. `None` where one look does not tell.
    pub undecided: Option<Look>,
    /// Where its facts come from.
    pub source: Source,
}

impl Family {
    /// Whether its late facts are about the connection: they differ where one token comes over several.
    pub fn of_connection(&self) -> bool {
        self.name == behaviour::mtls::FAMILY.name
    }
}

/// Every family.
pub const FAMILIES: &[&Family] = &[
    &transport::FAMILY,
    &place::FAMILY,
    &token::FAMILY,
    &jose::FAMILY,
    &times::FAMILY,
    &expected::FAMILY,
    &profile::FAMILY,
    &audience::FAMILY,
    &audience::BREADTH,
    &http::FAMILY,
    &cookie::FAMILY,
    &marks::FAMILY,
    &behaviour::acceptance::FAMILY,
    &behaviour::party::FAMILY,
    &behaviour::session::FAMILY,
    &behaviour::grant::FAMILY,
    &behaviour::replay::FAMILY,
    &behaviour::redirect::FAMILY,
    &behaviour::ends::FAMILY,
    &behaviour::once::FAMILY,
    &behaviour::dpop::FAMILY,
    &behaviour::mtls::FAMILY,
    &behaviour::probe::FAMILY,
    &login::FAMILY,
    &tls::FAMILY,
    &certificate::FAMILY,
    &crack::FAMILY,
    &key::FAMILY,
    &signature::FAMILY,
    &nonce::RANGE,
    &nonce::FAMILY,
    &twin::FAMILY,
    &mixed::FAMILY,
    &iv::FAMILY,
    &jti::FAMILY,
    &forms::SIGHTING,
    &forms::ISSUER,
    &roll::ISSUER,
    &roll::HOST,
    &roll::CLIENT,
    &behaviour::hsts::FAMILY,
    &coverage::FAMILY,
];

/// How many facts there are.
const COUNT: usize = {
    let (mut count, mut at) = (0, 0);
    while at < FAMILIES.len() {
        count += FAMILIES[at].fields.len();
        at += 1;
    }
    count
};

/// All facts as a rule sees them, numbered in the order of the families.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts;

impl Facts {
    /// The fact of that number.
    pub fn get(id: FieldId) -> Option<&'static Field> {
        BY_ID.get(usize::from(id.0)).map(|(_, field)| *field)
    }

    /// The facts that a rule about `on` may name.
    pub fn of(on: Subject) -> &'static dyn Schema {
        const ALL: &[FactsOf] = &[
            FactsOf(Subject::Sighting),
            FactsOf(Subject::Exchange),
            FactsOf(Subject::Login),
            FactsOf(Subject::Flow),
            FactsOf(Subject::Tls),
            FactsOf(Subject::Key),
            FactsOf(Subject::Issuer),
            FactsOf(Subject::Host),
            FactsOf(Subject::Client),
            FactsOf(Subject::Capture),
        ];
        &ALL[on as usize]
    }

    /// The number of the fact of that name.
    pub fn id(name: &str) -> Option<FieldId> {
        NAMES.get(name).map(|(id, ..)| *id)
    }

    /// Whether the fact is the same at every sighting of a token ([`Family::steady`]).
    pub fn is_steady(id: FieldId) -> bool {
        GETTERS.get(usize::from(id.0)).is_some_and(|(_, steady)| *steady)
    }

    /// The value of a fact that has nothing to say: false, an empty list, or missing.
    pub fn at_rest(id: FieldId) -> Value<'static> {
        match Self::get(id).map(|field| field.ty) {
            Some(Type::Bool) => Value::Bool(false),
            Some(Type::List(_)) => Value::List(List::Owned(Vec::new())),
            _ => Value::Missing,
        }
    }

    /// The family that a fact belongs to.
    pub fn family(id: FieldId) -> Option<&'static Family> {
        BY_ID.get(usize::from(id.0)).map(|(family, _)| *family)
    }
}

/// The facts of one kind of subject, under the same numbers.
struct FactsOf(Subject);

impl Schema for FactsOf {
    fn field(&self, path: &[&str]) -> Option<(FieldId, Type, usize)> {
        find(path, |family| family.subjects.contains(&self.0))
    }

    fn names(&self) -> Vec<String> {
        let families = FAMILIES.iter().filter(|family| family.subjects.contains(&self.0));
        families.flat_map(|f| f.fields).map(|f| f.name.to_owned()).collect()
    }

    fn weight(&self, field: FieldId) -> u8 {
        match Facts::family(field) {
            Some(Family { late: true, .. }) => 2,
            Some(Family { source: Source::Memory { .. }, .. }) => 1,
            _ => 0,
        }
    }

    fn is_steady(&self, field: FieldId) -> bool {
        Facts::is_steady(field)
    }

    fn elsewhere(&self, path: &[&str]) -> Option<String> {
        let (id, ..) = find(path, |_| true)?;
        let subjects = Facts::family(id)?.subjects.iter().map(|s| s.as_str());
        Some(subjects.collect::<Vec<_>>().join(", "))
    }
}

/// The fact with the longest name that `path` starts with, in the families that fit.
fn find(path: &[&str], fits: impl Fn(&Family) -> bool) -> Option<(FieldId, Type, usize)> {
    (1..=path.len()).rev().find_map(|n| {
        let (id, family, field) = *NAMES.get(path[..n].join(".").as_str())?;
        fits(family).then_some((id, field.ty, n))
    })
}

/// Every fact with its family, in the order of their numbers.
static BY_ID: LazyLock<Vec<(&Family, &Field)>> = LazyLock::new(|| {
    FAMILIES.iter().flat_map(|family| family.fields.iter().map(move |field| (*family, field))).collect()
});

/// Every fact by its name: rules name hundreds when they are loaded.
static NAMES: LazyLock<HashMap<&str, (FieldId, &Family, &Field)>> = LazyLock::new(|| {
    let fields = BY_ID.iter().zip(0..);
    fields.map(|((family, field), id)| (field.name, (FieldId(id), *family, *field))).collect()
});

/// The getter of each fact and whether it is steady, in the order of their numbers, so that a look-up is one index: this is
/// asked some hundred times for a new token.
static GETTERS: [(Getter, bool); COUNT] = {
    let mut getters: [(Getter, bool); COUNT] = [(|_| Value::Missing, false); COUNT];
    let (mut id, mut at) = (0, 0);
    while at < FAMILIES.len() {
        let mut field = 0;
        while field < FAMILIES[at].fields.len() {
            getters[id] = (FAMILIES[at].fields[field].get, FAMILIES[at].steady);
            (id, field) = (id + 1, field + 1);
        }
        at += 1;
    }
    getters
};

impl Lookup for Case<'_> {
    fn value(&self, field: FieldId) -> Value<'_> {
        GETTERS.get(usize::from(field.0)).map_or(Value::Missing, |(get, _)| get(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_documented_and_found() {
        let mut seen = std::collections::HashSet::new();
        for (id, field) in FAMILIES.iter().flat_map(|f| f.fields).enumerate() {
            assert!(seen.insert(field.name), "{} twice", field.name);
            assert!(field.doc.len() > 10, "{} has no doc", field.name);
            assert_eq!(Facts::id(field.name), Some(FieldId(id as u16)));
            assert_eq!(Facts::get(FieldId(id as u16)).map(|f| f.name), Some(field.name));
        }
        assert_eq!(Facts::of(Subject::Sighting).field(&["token", "claims", "exp"]).map(|f| f.2), Some(2));
    }

    #[test]
    fn a_subject_has_the_facts_of_its_families_alone() {
        for on in Subject::ALL {
            let facts = Facts::of(*on);
            assert!(!facts.names().is_empty(), "{on:?}");
            for family in FAMILIES {
                for field in family.fields {
                    let path: Vec<_> = field.name.split('.').collect();
                    let found = facts.field(&path).map(|(id, ..)| id);
                    let expected = Facts::id(field.name).filter(|_| family.subjects.contains(on));
                    assert_eq!(found, expected, "{on:?} {}", field.name);
                }
            }
        }
    }
}
