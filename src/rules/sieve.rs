//! One look at a fact sorts out all rules that need something else of it.

use super::bits::RuleBits;
use super::expr::Need;
use super::rule::Rule;
use crate::facts::value::{FieldId, List, Lookup, Schema, Value};
use foldhash::HashMap;

/// By which facts rules are sorted out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sift {
    /// All of them.
    All,
    /// Those that are the same at every sighting of a token ([`Schema::is_steady`]).
    Steady,
    /// The others.
    Unsteady,
}

/// The enabled rules about one kind of subject.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) all: RuleBits,
    sieves: Vec<Sieve>,
}

/// A fact that conditions need something of.
#[derive(Debug)]
struct Sieve {
    field: FieldId,
    steady: bool,
    /// It is looked at without being remembered: what is not steady and needs no memory is read off the case.
    cheap: bool,
    /// The rules that do.
    bound: RuleBits,
    /// By class of value, those that it suits, and all that are not bound.
    by_class: [RuleBits; CLASSES],
    /// By text, likewise.
    by_text: HashMap<Box<str>, RuleBits>,
}

/// Values that are the same to all kinds of need: missing, false, true, empty, anything else.
const CLASSES: usize = 5;

impl Shelf {
    /// Rules with their numbers, whose facts are in `schema`.
    pub(super) fn of<'r>(rules: impl Iterator<Item = (usize, &'r Rule)>, schema: &dyn Schema) -> Self {
        let mut shelf = Self::default();
        for (at, rule) in rules {
            shelf.all.insert(at);
            rule.when.needs().for_each(|need| shelf.put(at, &need, schema));
        }
        let all = &shelf.all;
        shelf.sieves.iter_mut().for_each(|sieve| sieve.complete(all));
        // What costs least is looked at first; of facts that cost the same, those that sort out most.
        let rank =
            |sieve: &Sieve| (schema.weight(sieve.field), std::cmp::Reverse(sieve.bound.iter().count()));
        shelf.sieves.sort_by_key(rank);
        shelf
    }

    /// Takes the rules out that cannot hold, by the facts that `by` names.
    pub(super) fn sift(&self, lookup: &dyn Lookup, by: Sift, rules: &mut RuleBits) {
        let looked_at = |sieve: &Sieve| by == Sift::All || sieve.steady == (by == Sift::Steady);
        for sieve in &self.sieves {
            if looked_at(sieve) && rules.meets(&sieve.bound) {
                if sieve.cheap && by == Sift::Unsteady {
                    sieve.sift(&lookup.glance(sieve.field), rules);
                } else if let Some(value) = lookup.peek(sieve.field) {
                    sieve.sift(value, rules);
                } else {
                    sieve.sift(&lookup.value(sieve.field), rules);
                }
            }
        }
    }

    fn put(&mut self, rule: usize, need: &Need<'_>, schema: &dyn Schema) {
        let (Need::OneOf(field, _) | Need::Is(field, _)) = *need;
        let at = self.sieves.iter().position(|sieve| sieve.field == field).unwrap_or_else(|| {
            let (bound, by_class, by_text) = Default::default();
            let steady = schema.is_steady(field);
            let cheap = !steady && schema.weight(field) == 0;
            self.sieves.push(Sieve { field, steady, cheap, bound, by_class, by_text });
            self.sieves.len() - 1
        });
        let sieve = &mut self.sieves[at];
        sieve.bound.insert(rule);
        match need {
            Need::Is(_, kind) => {
                let suits = SAMPLES.iter().map(|sample| kind.may_be(sample));
                let suited = sieve.by_class.iter_mut().zip(suits).filter(|(_, suits)| *suits);
                suited.for_each(|(rules, _)| rules.insert(rule));
            }
            Need::OneOf(_, texts) => {
                for text in texts {
                    sieve.by_text.entry((*text).into()).or_default().insert(rule);
                }
            }
        }
    }
}

impl Sieve {
    /// All rules have been put in: those of `all` that are not bound pass at any value.
    fn complete(&mut self, all: &RuleBits) {
        let mut free = all.clone();
        free.remove(&self.bound);
        self.by_class.iter_mut().for_each(|rules| rules.add(&free));
        for (text, rules) in &mut self.by_text {
            rules.add(&self.by_class[class(&Value::str(text))]);
        }
    }

    fn sift(&self, value: &Value<'_>, rules: &mut RuleBits) {
        let by_text = match value {
            Value::Pending => return,
            Value::Str(text) if !self.by_text.is_empty() => self.by_text.get(&**text),
            _ => None,
        };
        rules.keep(by_text.unwrap_or(&self.by_class[class(value)]));
    }
}

/// One value of each class.
const SAMPLES: [Value<'static>; CLASSES] =
    [Value::Missing, Value::Bool(false), Value::Bool(true), Value::List(List::Strs(&[])), Value::Int(0)];

/// The number of a value's class.
fn class(value: &Value<'_>) -> usize {
    match value {
        Value::Json(json) => match Value::json(json) {
            Value::Json(_) => 4,
            scalar => class(&scalar),
        },
        Value::Missing => 0,
        Value::Bool(value) => 1 + usize::from(*value),
        Value::Str(text) if text.is_empty() => 3,
        Value::List(list) if list.is_empty() => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::expr::Kind;
    use serde_json::json;

    #[test]
    fn the_values_of_a_class_are_the_same_to_every_kind_of_need() {
        for (at, sample) in SAMPLES.iter().enumerate() {
            assert_eq!(class(sample), at);
        }
        let jsons =
            [json!(true), json!(false), json!(null), json!([]), json!({"a": 1}), json!("x"), json!("")];
        let values = jsons.iter().flat_map(|json| [Value::json(json), Value::Json(json)]);
        for value in values.chain([Value::str(""), Value::str("x"), Value::Float(0.0)]) {
            for kind in Kind::ALL {
                assert_eq!(kind.may_be(&value), kind.may_be(&SAMPLES[class(&value)]), "{kind:?} {value:?}");
            }
        }
    }
}
