//! Arithmetic, and functions of one value.

use std::borrow::Cow;

use super::eval::{Truth, known};
use super::op::{Arith, Map};
use crate::facts::value::Value;
use serde_json::Value as JsonValue;

/// What an operation makes of two values; missing where it cannot.
pub(super) fn combined<'s>(arith: Arith, a: Value<'s>, b: Value<'s>) -> Value<'s> {
    let (a, b) = match (a, b) {
        (Value::Int(a), Value::Int(b)) => {
            let result = match arith {
                Arith::Add => a.checked_add(b),
                Arith::Sub => a.checked_sub(b),
                Arith::Mul => a.checked_mul(b),
                Arith::Div => a.checked_div(b),
                Arith::Rem => a.checked_rem(b),
            };
            return result.map_or(Value::Missing, Value::Int);
        }
        (Value::Float(a), Value::Float(b)) => (a, b),
        (Value::Int(a), Value::Float(b)) => (a as f64, b),
        (Value::Float(a), Value::Int(b)) => (a, b as f64),
        (Value::Str(a), Value::Str(b)) if arith == Arith::Add => return Value::Str(a + b),
        (a, b) => {
            return match known(&a, &b) {
                Some(Truth::Pending) => Value::Pending,
                _ => Value::Missing,
            };
        }
    };
    match arith {
        Arith::Add => Value::Float(a + b),
        Arith::Sub => Value::Float(a - b),
        Arith::Mul => Value::Float(a * b),
        Arith::Div => Value::Float(a / b),
        Arith::Rem => Value::Missing,
    }
}

/// What a function makes of a value; missing where it cannot.
pub(super) fn mapped(map: Map, value: Value<'_>) -> Value<'_> {
    let int = |size: usize| i64::try_from(size).map_or(Value::Missing, Value::Int);
    match (map, value) {
        (_, Value::Pending) => Value::Pending,
        (Map::Size, Value::Str(text)) => int(text.chars().count()),
        (Map::Size, Value::List(list)) => int(list.len()),
        (Map::Size, Value::Json(JsonValue::Array(items))) => int(items.len()),
        (Map::Size, Value::Json(JsonValue::Object(members))) => int(members.len()),
        (Map::LowerAscii, Value::Str(text)) => match text.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Value::from(text.to_ascii_lowercase()),
            false => Value::Str(text),
        },
        (Map::ToString, Value::Bool(value)) => {
            Value::Str(Cow::Borrowed(if value { "true" } else { "false" }))
        }
        (Map::ToString, Value::Int(value)) => Value::from(value.to_string()),
        (Map::ToString, Value::Float(value)) => Value::from(value.to_string()),
        (Map::ToString, value @ Value::Str(_)) => value,
        (Map::ToInt, Value::Str(text)) => text.parse().map_or(Value::Missing, Value::Int),
        (Map::ToInt, value @ Value::Int(_)) => value,
        // 2^63 as a float: what is below it fits.
        (Map::ToInt, Value::Float(value)) if value.abs() < 9_223_372_036_854_775_808.0 => {
            Value::Int(value as i64)
        }
        (Map::ToFloat, Value::Str(text)) => text.parse().map_or(Value::Missing, Value::Float),
        (Map::ToFloat, Value::Int(value)) => Value::Float(value as f64),
        (Map::ToFloat, value @ Value::Float(_)) => value,
        _ => Value::Missing,
    }
}
