//! Rules that need no judging: they cannot fire for a sighting because no fact of some family has anything to say of it, or
//! ask only for late facts of some family of which none is known yet.

use crate::facts::value::{FieldId, Lookup, Value};
use crate::facts::{Case, FAMILIES, Facts, Family, Look, Subject};
use crate::rules::expr::Verdict;
use crate::rules::{Judged, RuleBits, RuleSet};
use foldhash::{HashMap, HashMapExt};
use std::cell::Cell;

/// What one look at a family settles. Most facts about behaviour are at rest at most sightings, and a signature is verified
/// at the end.
pub(super) struct Resting {
    /// For each family that one look tells at rest, the rules about sightings that cannot fire then.
    at_rest: Vec<(&'static Family, Look, RuleBits)>,
    /// For each that one look tells undecided, the rules that must wait then.
    undecided: Vec<(Look, RuleBits)>,
    /// How these are judged meanwhile.
    meanwhile: HashMap<usize, Judged>,
}

impl Resting {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let of = |family: &'static Family| {
            let mut refuted = RuleBits::default();
            for (at, rule) in rules.rules().iter().enumerate() {
                if rule.on == Subject::Sighting && !rule.when.may_hold(&AtRest(family)) {
                    refuted.insert(at);
                }
            }
            Some((family, family.rest?, refuted))
        };
        let at_rest = FAMILIES.iter().copied().filter_map(of);
        let at_rest = at_rest.filter(|(.., rules)| *rules != RuleBits::default()).collect();
        let (mut undecided, mut meanwhile) = (Vec::new(), HashMap::new());
        for (family, look) in FAMILIES.iter().filter_map(|family| Some((*family, family.undecided?))) {
            let mut waiting = RuleBits::default();
            for (at, rule) in rules.rules().iter().enumerate().filter(|(_, r)| r.on == Subject::Sighting) {
                let facts = Undecided { family, asked: Cell::new(false) };
                let judged = rule.judge_open(&facts);
                if judged.verdict == Verdict::Pending && !facts.asked.get() {
                    waiting.insert(at);
                    meanwhile.insert(at, judged);
                }
            }
            undecided.push((look, waiting));
        }
        Self { at_rest, undecided, meanwhile }
    }

    /// Takes out the rules that must wait, of a token whose steady facts do not rule them out, and gives them.
    pub(super) fn waiting(&self, case: &Case<'_>, rules: &mut RuleBits) -> RuleBits {
        let mut all = RuleBits::default();
        for (undecided, waiting) in &self.undecided {
            if rules.meets(waiting) && undecided(case) {
                let mut waiting = waiting.clone();
                waiting.keep(rules);
                rules.remove(&waiting);
                all.add(&waiting);
            }
        }
        all
    }

    /// How a rule that waits is judged meanwhile.
    pub(super) fn meanwhile(&self, rule: usize) -> Option<Judged> {
        self.meanwhile.get(&rule).copied()
    }

    /// Takes the rules out that cannot fire.
    pub(super) fn rule_out(&self, case: &Case<'_>, rules: &mut RuleBits) {
        for (family, rest, refuted) in &self.at_rest {
            if rules.meets(refuted) && rest(case) {
                debug_assert!(is_at_rest(family, case), "{} is not at rest", family.name);
                rules.remove(refuted);
            }
        }
    }
}

/// All facts of one family at rest; the others may be anything, which is what pending means for a condition.
struct AtRest(&'static Family);

impl Lookup for AtRest {
    fn value(&self, field: FieldId) -> Value<'_> {
        let own = Facts::family(field).is_some_and(|family| family.name == self.0.name);
        if own { Facts::at_rest(field) } else { Value::Pending }
    }
}

/// All facts of one family pending, and whether any other was asked for.
struct Undecided {
    family: &'static Family,
    asked: Cell<bool>,
}

impl Lookup for Undecided {
    fn value(&self, field: FieldId) -> Value<'_> {
        if Facts::family(field).is_none_or(|family| family.name != self.family.name) {
            self.asked.set(true);
        }
        Value::Pending
    }
}

/// Whether each fact of a family has nothing to say of a case.
fn is_at_rest(family: &Family, case: &Case<'_>) -> bool {
    family.fields.iter().all(|field| match (field.get)(case) {
        Value::Missing | Value::Bool(false) => true,
        Value::List(list) => list.is_empty(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_at_rest_rules_out_those_that_need_it_and_no_others() {
        let rules = RuleSet::builtin_without_examples(&Facts).unwrap();
        let resting = Resting::new(&rules);
        let refuted = |family: &str| -> Vec<&str> {
            let (.., bits) = resting.at_rest.iter().find(|(known, ..)| known.name == family).unwrap();
            bits.iter().map(|at| rules.rules()[at].id.as_str()).collect()
        };
        assert_eq!(refuted("once"), ["dpop-proof-replay", "jti-reuse"]);
        assert!(refuted("acceptance").contains(&"unsigned-token-accepted"));
        // It fires for a forged token that was accepted, whatever made it one.
        assert!(!refuted("probe").contains(&"forged-token-accepted"));
    }

    #[test]
    fn rules_that_ask_only_for_what_is_undecided_wait() {
        let rules = RuleSet::builtin_without_examples(&Facts).unwrap();
        let resting = Resting::new(&rules);
        let judged = |id: &str| resting.meanwhile(rules.rules().iter().position(|r| r.id == id).unwrap());
        let pending =
            |id: &str| judged(id).is_some_and(|judged| judged.pending && judged.verdict == Verdict::Pending);
        assert!(pending("jwt-known-example-key") && pending("jwt-hs-weak-secret"));
        // It asks how the request was answered, too.
        assert_eq!(judged("forged-token-accepted"), None);
    }
}
