//! Facts: documented values that Rust states about a subject, for rule files to judge. Rust never raises a finding.
//!
//! A fact is one entry in a family's `FIELDS`; a family is one file and one line in [`FAMILIES`].

mod case;
mod certificate;
mod cookie;
mod coverage;
mod crack;
mod http;
pub mod marks;
mod place;
mod times;
mod tls;
mod token;
mod transport;
pub mod value;

pub use case::{CaptureSummary, Case, Cracked, Subject};
use value::{FieldId, Lookup, Schema, Type, Value};

/// What could not be inspected: reason in words, and how often.
pub fn coverage_reasons(summary: &CaptureSummary) -> Vec<(&'static str, u64)> {
    coverage::reasons(summary).collect()
}

/// The name under which an occasion of lost coverage is counted, if it is one.
pub fn coverage_name(name: &str) -> Option<&'static str> {
    coverage::name(name)
}

/// Tells the value of a fact for a case.
pub type Getter = for<'a> fn(&Case<'a>) -> Value<'a>;

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
}

/// Every family.
pub const FAMILIES: &[&Family] = &[
    &transport::FAMILY,
    &place::FAMILY,
    &token::FAMILY,
    &times::FAMILY,
    &http::FAMILY,
    &cookie::FAMILY,
    &marks::FAMILY,
    &tls::FAMILY,
    &certificate::FAMILY,
    &crack::FAMILY,
    &coverage::FAMILY,
];

/// All facts as a rule sees them, numbered in the order of the families.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts;

impl Facts {
    /// The fact of that number.
    pub fn get(id: FieldId) -> Option<&'static Field> {
        let mut n = usize::from(id.0);
        for family in FAMILIES {
            match family.fields.get(n) {
                Some(field) => return Some(field),
                None => n -= family.fields.len(),
            }
        }
        None
    }

    /// The family that a fact belongs to.
    pub fn family(id: FieldId) -> Option<&'static Family> {
        let mut n = usize::from(id.0);
        for family in FAMILIES {
            if n < family.fields.len() {
                return Some(family);
            }
            n -= family.fields.len();
        }
        None
    }
}

impl Schema for Facts {
    fn field(&self, path: &[&str]) -> Option<(FieldId, Type, usize)> {
        let mut best: Option<(FieldId, Type, usize)> = None;
        for (id, field) in FAMILIES.iter().flat_map(|f| f.fields).enumerate() {
            let n = field.name.split('.').count();
            let fits = n <= path.len() && field.name.split('.').eq(path[..n].iter().copied());
            if fits && best.is_none_or(|(.., longest)| n > longest) {
                best = Some((FieldId(id as u16), field.ty, n));
            }
        }
        best
    }

    fn names(&self) -> Vec<String> {
        FAMILIES.iter().flat_map(|f| f.fields).map(|f| f.name.to_owned()).collect()
    }
}

/// The getters in the order of their numbers, so that a look-up is one index.
static GETTERS: std::sync::LazyLock<Vec<Getter>> =
    std::sync::LazyLock::new(|| FAMILIES.iter().flat_map(|f| f.fields).map(|f| f.get).collect());

impl Lookup for Case<'_> {
    fn value(&self, field: FieldId) -> Value<'_> {
        GETTERS.get(usize::from(field.0)).map_or(Value::Missing, |get| get(self))
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
            let path: Vec<_> = field.name.split('.').collect();
            let (found, ..) = Facts.field(&path).unwrap();
            assert_eq!(usize::from(found.0), id, "{}", field.name);
            assert_eq!(Facts::get(found).map(|f| f.name), Some(field.name));
        }
        assert_eq!(Facts.field(&["token", "claims", "exp"]).map(|f| f.2), Some(2));
    }
}
