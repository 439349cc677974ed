//! What is worked out about each rule once, before anything is judged.

use super::severity::Excuses;
use crate::facts::value::FieldId;
use crate::facts::{Facts, Family, marks};
use crate::rules::Rule;
use crate::shard::Wanted;

/// One rule.
#[derive(Debug)]
pub(super) struct Row {
    /// It names a fact about a key rather than about the place where the key was used.
    pub(super) about_key: bool,
    /// It names a late fact about the connection.
    pub(super) of_connection: bool,
    /// Adjustments that it makes itself.
    pub(super) excused: Excuses,
    /// Marks without which it cannot fire.
    pub(super) wanted: Wanted,
    /// Marks that it asks about: their places are its findings' places.
    pub(super) asked: u64,
}

impl Row {
    /// That of a rule.
    pub(super) fn of(rule: &Rule) -> Self {
        let fields = rule.fields();
        let names = |name: &str| fields.iter().any(|f| Facts::get(*f).is_some_and(|f| f.name == name));
        Self {
            about_key: fields.iter().any(|f| Facts::family(*f).is_some_and(|f| f.about_key)),
            of_connection: fields.iter().any(|f| Facts::family(*f).is_some_and(Family::of_connection)),
            excused: Excuses {
                loopback: names("loopback"),
                expired: names("token.expired"),
                sample: names("token.sample"),
                privileges: names("token.privileges"),
            },
            wanted: wanted(rule),
            asked: asked(rule),
        }
    }
}

/// The marks that a rule's condition cannot hold without.
fn wanted(rule: &Rule) -> Wanted {
    let bit = |id: &FieldId| match Facts::get(*id)?.name {
        "cleartext" => Some(marks::CLEARTEXT),
        name => marks::bit(name),
    };
    let mask = |clause: Vec<FieldId>| clause.iter().map(bit).try_fold(0, |mask, bit| Some(mask | bit?));
    Wanted(rule.when.clauses().filter_map(mask).collect())
}

/// The marks that a rule asks about, anywhere in its condition.
fn asked(rule: &Rule) -> u64 {
    let bits = rule.when.fields().iter().copied().filter_map(Facts::get).filter_map(|f| marks::bit(f.name));
    bits.fold(0, |mask, bit| mask | bit)
}
