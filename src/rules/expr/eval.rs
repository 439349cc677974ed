//! Evaluates operations in Kleene's logic, where a missing fact makes a condition unknown.

use std::cell::Cell;
use std::cmp::Ordering;
use std::ops::Deref;

use super::arith::{combined, mapped};
use super::op::{Compare, Op, Segment, Test};
use crate::facts::value::{List, Lookup, Value, member};
use crate::limits;
use serde_json::Value as JsonValue;

/// Truth, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    No,
    Yes,
    /// Never to be known: a fact is missing.
    Unknown,
    /// Not known yet: a late fact is pending.
    Pending,
}

/// One evaluation.
pub(super) struct Evaluation<'a> {
    lookup: &'a dyn Lookup,
    /// Turns that the loops may still take.
    turns: Cell<u32>,
}

/// The element that a loop looks at, inside those of the loops around it.
#[derive(Clone, Copy)]
struct Scope<'s> {
    value: &'s Value<'s>,
    around: Option<&'s Scope<'s>>,
}

/// What a condition looks at.
enum Operand<'s> {
    There(&'s Value<'s>),
    Made(Value<'s>),
}

impl<'s> Deref for Operand<'s> {
    type Target = Value<'s>;

    #[inline]
    fn deref(&self) -> &Value<'s> {
        match self {
            Self::There(value) => value,
            Self::Made(value) => value,
        }
    }
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(lookup: &'a dyn Lookup) -> Self {
        Self { lookup, turns: Cell::new(limits::EXPRESSION_TURNS) }
    }

    pub(super) fn condition(&self, op: &Op) -> Truth {
        self.truth(op, None)
    }

    pub(super) fn of<'s>(&'s self, op: &'s Op) -> Value<'s> {
        self.value(op, None)
    }

    fn truth<'s>(&'s self, op: &'s Op, scope: Option<&'s Scope<'s>>) -> Truth {
        match op {
            Op::All(parts) => kleene(parts, Truth::No, |part| self.truth(part, scope)),
            Op::Any(parts) => kleene(parts, Truth::Yes, |part| self.truth(part, scope)),
            Op::Not(inner) => match self.truth(inner, scope) {
                Truth::No => Truth::Yes,
                Truth::Yes => Truth::No,
                other => other,
            },
            Op::Has(path) => self.has(path, scope),
            Op::Compare(compare, pair) => {
                let (a, b) = (self.operand(&pair.0, scope), self.operand(&pair.1, scope));
                known(&a, &b).unwrap_or_else(|| compared(*compare, &a, &b))
            }
            Op::In(pair) => {
                let (a, b) = (self.operand(&pair.0, scope), self.operand(&pair.1, scope));
                known(&a, &b).unwrap_or_else(|| contained(&a, &b))
            }
            Op::Test(test, pair) => {
                let (a, b) = (self.operand(&pair.0, scope), self.operand(&pair.1, scope));
                match (&*a, &*b) {
                    (Value::Str(a), Value::Str(b)) => truth(match test {
                        Test::StartsWith => a.starts_with(&**b),
                        Test::EndsWith => a.ends_with(&**b),
                        Test::Contains => a.contains(&**b),
                    }),
                    (a, b) => known(a, b).unwrap_or(Truth::Unknown),
                }
            }
            Op::Matches(pair) => match &*self.operand(&pair.0, scope) {
                Value::Str(text) => truth(pair.1.is_match(text)),
                other => as_truth(other),
            },
            Op::Each(exists, pair) => {
                let list = self.operand(&pair.0, scope);
                self.each(*exists, &list, &pair.1, scope)
            }
            Op::If(parts) => match self.truth(&parts[0], scope) {
                Truth::Yes => self.truth(&parts[1], scope),
                Truth::No => self.truth(&parts[2], scope),
                other => other,
            },
            other => match *self.operand(other, scope) {
                Value::Bool(value) => truth(value),
                Value::Pending => Truth::Pending,
                _ => Truth::Unknown,
            },
        }
    }

    /// A value that is looked at and no more: constants and what is remembered stay where they are.
    #[inline]
    fn operand<'s>(&'s self, op: &'s Op, scope: Option<&'s Scope<'s>>) -> Operand<'s> {
        let there = match op {
            Op::Const(value) => Some(value),
            Op::Field(field) => self.lookup.peek(*field),
            _ => None,
        };
        there.map_or_else(|| Operand::Made(self.value(op, scope)), Operand::There)
    }

    fn value<'s>(&'s self, op: &'s Op, scope: Option<&'s Scope<'s>>) -> Value<'s> {
        match op {
            Op::Const(value) => value.reborrow(),
            Op::Field(field) => match self.lookup.value(*field) {
                Value::Json(json) => Value::json(json),
                value => value,
            },
            Op::Path(field, segments) => {
                segments.iter().fold(self.lookup.value(*field), |value, segment| select(value, segment))
            }
            Op::Var(up) => {
                let mut at = scope;
                for _ in 0..*up {
                    at = at.and_then(|scope| scope.around);
                }
                at.map_or(Value::Missing, |scope| scope.value.reborrow())
            }
            Op::Select(base, segment) => select(self.value(base, scope), segment),
            Op::Index(pair) => {
                let base = self.value(&pair.0, scope);
                match self.value(&pair.1, scope) {
                    Value::Pending => Value::Pending,
                    Value::Str(key) => by_key(base, &key),
                    Value::Int(at) => usize::try_from(at).map_or(Value::Missing, |at| by_index(base, at)),
                    _ => Value::Missing,
                }
            }
            Op::List(items) => {
                let values: Vec<Value<'s>> = items.iter().map(|item| self.value(item, scope)).collect();
                let unknown = values.iter().find(|value| matches!(value, Value::Missing));
                let unknown = unknown.or(values.iter().find(|value| matches!(value, Value::Pending)));
                match unknown {
                    Some(Value::Pending) => Value::Pending,
                    Some(_) => Value::Missing,
                    None => Value::List(List::Owned(values)),
                }
            }
            Op::Minus(inner) => match self.value(inner, scope) {
                Value::Int(int) => int.checked_neg().map_or(Value::Missing, Value::Int),
                Value::Float(float) => Value::Float(-float),
                Value::Pending => Value::Pending,
                _ => Value::Missing,
            },
            Op::Arith(arith, pair) => {
                combined(*arith, self.value(&pair.0, scope), self.value(&pair.1, scope))
            }
            Op::Map(map, inner) => mapped(*map, self.value(inner, scope)),
            Op::If(parts) => match self.truth(&parts[0], scope) {
                Truth::Yes => self.value(&parts[1], scope),
                Truth::No => self.value(&parts[2], scope),
                Truth::Unknown => Value::Missing,
                Truth::Pending => Value::Pending,
            },
            condition => match self.truth(condition, scope) {
                Truth::Yes => Value::Bool(true),
                Truth::No => Value::Bool(false),
                Truth::Unknown => Value::Missing,
                Truth::Pending => Value::Pending,
            },
        }
    }

    /// Presence. Members of an object that is missing as a whole are unknown: nobody saw that they are not
    /// there. Members of an object that is there are there or not.
    fn has<'s>(&'s self, path: &'s Op, scope: Option<&'s Scope<'s>>) -> Truth {
        let value = match path {
            Op::Path(field, segments) => {
                let base = self.lookup.value(*field);
                if matches!(base, Value::Missing) {
                    return Truth::Unknown;
                }
                segments.iter().fold(base, select)
            }
            other => self.value(other, scope),
        };
        value.is_present().map_or(Truth::Pending, truth)
    }

    fn each<'s>(
        &self,
        exists: bool,
        list: &'s Value<'s>,
        body: &'s Op,
        scope: Option<&'s Scope<'s>>,
    ) -> Truth {
        let decisive = truth(exists);
        let turn = |value: Value<'_>| {
            let Some(left) = self.turns.get().checked_sub(1) else { return Truth::Unknown };
            self.turns.set(left);
            self.truth(body, Some(&Scope { value: &value, around: scope }))
        };
        match list {
            Value::List(list) => kleene(list.iter(), decisive, turn),
            Value::Json(JsonValue::Array(items)) => kleene(items.iter().map(Value::json), decisive, turn),
            Value::Json(JsonValue::Object(members)) => {
                kleene(members.keys().map(|key| Value::str(key)), decisive, turn)
            }
            other => as_truth(other),
        }
    }
}

/// Joins truths: `decisive` wins, then pending, then unknown, then its opposite.
fn kleene<T>(parts: impl IntoIterator<Item = T>, decisive: Truth, of: impl Fn(T) -> Truth) -> Truth {
    let mut joined = if decisive == Truth::Yes { Truth::No } else { Truth::Yes };
    for part in parts {
        match of(part) {
            part if part == decisive => return decisive,
            Truth::Pending => joined = Truth::Pending,
            Truth::Unknown if joined != Truth::Pending => joined = Truth::Unknown,
            _ => {}
        }
    }
    joined
}

fn truth(value: bool) -> Truth {
    if value { Truth::Yes } else { Truth::No }
}

/// The truth of a condition over a value that does not fit it.
fn as_truth(value: &Value<'_>) -> Truth {
    if matches!(value, Value::Pending) { Truth::Pending } else { Truth::Unknown }
}

/// `None` if both values are known; a missing one outweighs a pending one, because it stays missing.
pub(super) fn known(a: &Value<'_>, b: &Value<'_>) -> Option<Truth> {
    match (a, b) {
        (Value::Missing, _) | (_, Value::Missing) => Some(Truth::Unknown),
        (Value::Pending, _) | (_, Value::Pending) => Some(Truth::Pending),
        _ => None,
    }
}

fn compared(compare: Compare, a: &Value<'_>, b: &Value<'_>) -> Truth {
    match compare {
        Compare::Eq => truth(equal(a, b)),
        Compare::Ne => truth(!equal(a, b)),
        _ => {
            let Some(order) = order(a, b) else { return Truth::Unknown };
            truth(match compare {
                Compare::Lt => order == Ordering::Less,
                Compare::Le => order != Ordering::Greater,
                Compare::Gt => order == Ordering::Greater,
                _ => order != Ordering::Less,
            })
        }
    }
}

fn order(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
        (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Equality. Values of different kinds differ.
fn equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Json(a), Value::Json(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(&a, &b))
        }
        (Value::List(list), Value::Json(JsonValue::Array(items)))
        | (Value::Json(JsonValue::Array(items)), Value::List(list)) => {
            list.len() == items.len() && list.iter().zip(items).all(|(a, b)| equal(&a, &Value::json(b)))
        }
        (a, b) => order(a, b) == Some(Ordering::Equal),
    }
}

fn contained(a: &Value<'_>, b: &Value<'_>) -> Truth {
    match (a, b) {
        (Value::Str(text), Value::List(List::Strs(texts))) => truth(texts.iter().any(|t| t == text)),
        (_, Value::List(list)) => truth(list.iter().any(|item| equal(a, &item))),
        (_, Value::Json(JsonValue::Array(items))) => {
            truth(items.iter().any(|item| equal(a, &Value::json(item))))
        }
        (Value::Str(key), Value::Json(JsonValue::Object(members))) => truth(member(members, key).is_some()),
        _ => Truth::Unknown,
    }
}

fn select<'s>(base: Value<'s>, segment: &Segment) -> Value<'s> {
    match segment {
        Segment::Key(key) => by_key(base, key),
        Segment::Index(index) => by_index(base, *index),
    }
}

fn by_key<'s>(base: Value<'s>, key: &str) -> Value<'s> {
    match base {
        Value::Json(JsonValue::Object(members)) => member(members, key).map_or(Value::Missing, Value::json),
        Value::Pending => Value::Pending,
        _ => Value::Missing,
    }
}

fn by_index(base: Value<'_>, index: usize) -> Value<'_> {
    match base {
        Value::List(list) => list.take(index).unwrap_or_default(),
        Value::Json(JsonValue::Array(items)) => items.get(index).map_or(Value::Missing, Value::json),
        Value::Pending => Value::Pending,
        _ => Value::Missing,
    }
}
