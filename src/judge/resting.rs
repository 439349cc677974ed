//! Rules that cannot fire for a sighting because no fact of some family has anything to say of it.

use crate::facts::value::{FieldId, Lookup, Value};
use crate::facts::{Case, FAMILIES, Facts, Family, Look, Subject};
use crate::rules::expr::Verdict;
use crate::rules::{RuleBits, RuleSet};

/// For each family that one look tells at rest, the rules about sightings that cannot fire then. Most facts about
/// behaviour are at rest at most sightings.
pub(super) struct Resting(Vec<(&'static Family, Look, RuleBits)>);

impl Resting {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let of = |family: &'static Family| {
            let mut refuted = RuleBits::default();
            for (at, rule) in rules.rules().iter().enumerate() {
                if rule.on == Subject::Sighting && rule.when.eval(&AtRest(family)) == Verdict::No {
                    refuted.insert(at);
                }
            }
            Some((family, family.rest?, refuted))
        };
        Self(
            FAMILIES
                .iter()
                .copied()
                .filter_map(of)
                .filter(|(.., rules)| *rules != RuleBits::default())
                .collect(),
        )
    }

    /// Takes the rules out that cannot fire.
    pub(super) fn rule_out(&self, case: &Case<'_>, rules: &mut RuleBits) {
        for (family, rest, refuted) in &self.0 {
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
            let (.., bits) = resting.0.iter().find(|(known, ..)| known.name == family).unwrap();
            bits.iter().map(|at| rules.rules()[at].id.as_str()).collect()
        };
        assert_eq!(refuted("once"), ["dpop-proof-replay", "jti-reuse"]);
        assert!(refuted("acceptance").contains(&"unsigned-token-accepted"));
        // It fires for a forged token that was accepted, whatever made it one.
        assert!(!refuted("probe").contains(&"forged-token-accepted"));
    }
}
