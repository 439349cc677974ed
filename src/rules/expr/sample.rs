//! Facts for tests: a small schema and one subject.

use crate::facts::value::{FieldId, Lookup, Schema, Type, Value};
use crate::rules::{Schemas, Subject};

pub(crate) struct Sample;
pub(crate) static SCHEMA: Sample = Sample;

const FIELDS: &[(&str, Type)] = &[
    ("channel", Type::Str),
    ("token.alg", Type::Str),
    ("token.iss", Type::Str),
    ("token.lifetime", Type::Int),
    ("token.claims", Type::Map),
    ("token.header", Type::Map),
    ("replay.clients", Type::List(&Type::Str)),
    ("missing.text", Type::Str),
    ("missing.object", Type::Map),
    ("late.cracked", Type::Bool),
    ("token.score", Type::Float),
    ("token.numbers", Type::List(&Type::Int)),
];

impl Schema for Sample {
    fn field(&self, path: &[&str]) -> Option<(FieldId, Type, usize)> {
        (1..=path.len()).rev().find_map(|len| {
            let name = path[..len].join(".");
            let at = FIELDS.iter().position(|(field, _)| *field == name)?;
            Some((FieldId(at as u16), FIELDS[at].1, len))
        })
    }

    fn names(&self) -> Vec<String> {
        FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

impl Schemas for Sample {
    fn schema(&self, _: Subject) -> &dyn Schema {
        self
    }
}

pub(crate) struct Facts {
    pub(crate) channel: String,
    pub(crate) alg: String,
    pub(crate) clients: Vec<String>,
    pub(crate) claims: serde_json::Value,
    pub(crate) lifetime: i64,
    pub(crate) cracked: Option<bool>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            channel: "cleartext".to_owned(),
            alg: "ES256".to_owned(),
            clients: vec!["10.0.0.1".to_owned(), "203.0.113.9".to_owned()],
            claims: serde_json::from_str(
                r#"{"sub": "u\u001b[31m", "iat": 1, "exp": 1000000.5, "nothing": null, "list": [1, 2.5, "x"],
                    "huge": 1e999, "big": 99999999999999999999}"#,
            )
            .unwrap(),
            lifetime: 1_000_000,
            cracked: None,
        }
    }
}

impl Lookup for Facts {
    fn value(&self, field: FieldId) -> Value<'_> {
        match FIELDS[usize::from(field.0)].0 {
            "channel" => Value::str(&self.channel),
            "token.alg" => Value::str(&self.alg),
            "token.iss" => Value::str("https://issuer.example"),
            "token.lifetime" => Value::Int(self.lifetime),
            "token.claims" => Value::Json(&self.claims),
            "replay.clients" => Value::strs(&self.clients),
            "late.cracked" => self.cracked.map_or(Value::Pending, Value::Bool),
            "token.score" => Value::Float(0.5),
            _ => Value::Missing,
        }
    }
}
