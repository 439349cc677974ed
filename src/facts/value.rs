//! The vocabulary between facts and rules: types, values, and the two questions a rule asks of facts.

use std::borrow::Cow;
use std::fmt;

pub use crate::token::member;
use serde_json::Value as JsonValue;

/// The type of a fact, known when a rule is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A signed 64-bit integer.
    Int,
    /// A 64-bit floating point number.
    Float,
    /// Text.
    Str,
    /// A list with elements of one type.
    List(&'static Type),
    /// A JSON object; its members are dynamic.
    Map,
    /// Any JSON value, known only when it is seen.
    Json,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::Str => f.write_str("string"),
            Self::List(element) => write!(f, "list of {element}"),
            Self::Map => f.write_str("object"),
            Self::Json => f.write_str("any JSON value"),
        }
    }
}

/// The value of a fact for one subject.
#[derive(Clone, Debug, Default)]
pub enum Value<'a> {
    /// The subject has no such fact; final.
    #[default]
    Missing,
    /// A late fact that is not known yet.
    Pending,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// Text.
    Str(Cow<'a, str>),
    /// A list.
    List(List<'a>),
    /// A JSON array, object or null. Scalars belong into the variants above: see [`Value::json`].
    Json(&'a JsonValue),
}

/// The elements of a [`Value::List`], in the form that costs their owner the least.
#[derive(Clone, Debug)]
pub enum List<'a> {
    /// Texts that someone else owns.
    Strs(&'a [String]),
    /// Values that someone else owns.
    Values(&'a [Value<'a>]),
    /// Values made for this answer.
    Owned(Vec<Value<'a>>),
}

/// The JSON null.
pub static NULL: JsonValue = JsonValue::Null;

impl<'a> Value<'a> {
    /// A JSON value as a fact's value: numbers, strings and booleans lose their wrapping. An integer that
    /// does not fit 64 bits becomes a float, one that does not fit that either becomes infinite.
    pub fn json(value: &'a JsonValue) -> Self {
        match value {
            JsonValue::Bool(b) => Self::Bool(*b),
            JsonValue::String(s) => Self::Str(Cow::Borrowed(s)),
            JsonValue::Number(n) => match n.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Float(n.as_f64().unwrap_or_else(|| match n.as_str().starts_with('-') {
                    true => f64::NEG_INFINITY,
                    false => f64::INFINITY,
                })),
            },
            JsonValue::Null | JsonValue::Array(_) | JsonValue::Object(_) => Self::Json(value),
        }
    }

    /// A text that someone else owns.
    pub fn str(text: &'a str) -> Self {
        Self::Str(Cow::Borrowed(text))
    }

    /// A list of texts that someone else owns.
    pub fn strs(texts: &'a [String]) -> Self {
        Self::List(List::Strs(texts))
    }

    /// The value, or [`Value::Missing`].
    pub fn or_missing<T: Into<Self>>(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }

    /// The same value, borrowed from this one.
    pub fn reborrow(&self) -> Value<'_> {
        match self {
            Self::Missing => Value::Missing,
            Self::Pending => Value::Pending,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Float(f) => Value::Float(*f),
            Self::Str(s) => Value::Str(Cow::Borrowed(s)),
            Self::List(list) => Value::List(list.reborrow()),
            Self::Json(json) => Value::json(json),
        }
    }

    /// Whether the fact is there; `None` if that is not known yet.
    pub fn is_present(&self) -> Option<bool> {
        match self {
            Self::Missing => Some(false),
            Self::Pending => None,
            _ => Some(true),
        }
    }
}

impl<'a> List<'a> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Strs(texts) => texts.len(),
            Self::Values(values) => values.len(),
            Self::Owned(values) => values.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Value<'_>> {
        match self {
            Self::Strs(texts) => texts.get(index).map(|text| Value::str(text)),
            Self::Values(values) => values.get(index).map(Value::reborrow),
            Self::Owned(values) => values.get(index).map(Value::reborrow),
        }
    }

    /// The element at `index`, taken out of the list.
    pub fn take(self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Strs(texts) => texts.get(index).map(|text| Value::str(text)),
            Self::Values(values) => values.get(index).map(Value::reborrow),
            Self::Owned(mut values) => (index < values.len()).then(|| values.swap_remove(index)),
        }
    }

    /// The elements in order.
    pub fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    fn reborrow(&self) -> List<'_> {
        match self {
            Self::Strs(texts) => List::Strs(texts),
            Self::Values(values) => List::Values(values),
            Self::Owned(values) => List::Values(values),
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::str(value)
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Str(Cow::Owned(value))
    }
}

impl<'a> From<&'a JsonValue> for Value<'a> {
    fn from(value: &'a JsonValue) -> Self {
        Self::json(value)
    }
}

/// Number of a fact in its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u16);

/// Which facts there are; asked when a rule is loaded.
pub trait Schema {
    /// The fact with the longest name that `path` starts with: its number, its type, and how many segments
    /// of the path its name has. Further segments select members of a [`Type::Map`] or [`Type::Json`].
    fn field(&self, path: &[&str]) -> Option<(FieldId, Type, usize)>;

    /// The dotted names of all facts.
    fn names(&self) -> Vec<String>;

    /// How late a fact should be looked at: where several conditions must hold, those of the least weight come first.
    fn weight(&self, _field: FieldId) -> u8 {
        0
    }

    /// Whether the fact is the same at every sighting of a token: what it rules out once need not be asked again.
    fn is_steady(&self, _field: FieldId) -> bool {
        false
    }

    /// The subjects that have the fact which `path` starts with, where it is the fact of another subject only.
    fn elsewhere(&self, _path: &[&str]) -> Option<String> {
        None
    }
}

/// The facts of one subject; asked when a rule judges it.
pub trait Lookup {
    /// The value of one fact. Its type is that of the schema, or it is missing or pending.
    fn value(&self, field: FieldId) -> Value<'_>;

    /// The same where it stands, if it is remembered and no JSON.
    fn peek(&self, _field: FieldId) -> Option<&Value<'_>> {
        None
    }

    /// The same of a fact that costs little, and may not be asked for again.
    fn glance(&self, field: FieldId) -> Value<'_> {
        self.value(field)
    }

    /// A value as a message may show it. `members` are the names that led to it inside of the fact.
    fn shown<'v>(&self, _members: &[String], value: Value<'v>) -> Value<'v> {
        value
    }
}
