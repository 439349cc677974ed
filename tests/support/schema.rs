//! Validation against a JSON Schema, as far as the schemas that we meet go: a keyword that is not known here is an error, so that
//! nothing is passed over.

use regex_lite::Regex;
use serde_json::Value;

/// A schema and its definitions.
pub(crate) struct Schema(Value);

/// Keywords that say nothing about what is valid.
const SILENT: &[&str] =
    &["$schema", "$id", "id", "title", "description", "default", "definitions", "format", "$comment"];

impl Schema {
    pub(crate) fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// What is wrong with `value`, each with its place; nothing if it is valid.
    pub(crate) fn errors(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.check(&self.0, value, "$", &mut errors);
        errors
    }

    /// The same for a definition.
    pub(crate) fn errors_of(&self, definition: &str, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.check(&self.0["definitions"][definition], value, definition, &mut errors);
        errors
    }

    /// Fields of `value` that the schema says nothing about.
    pub(crate) fn undescribed(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.walk(&self.0, value, "$", &mut found);
        found
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema };
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads elsewhere"));
        self.resolve(self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere")))
    }

    fn walk(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let schema = self.resolve(schema);
        if let (Some(fields), Some(known)) = (value.as_object(), schema.get("properties")) {
            for (name, value) in fields {
                let at = format!("{at}.{name}");
                match known.get(name) {
                    Some(schema) => self.walk(schema, value, &at, found),
                    None => found.push(at),
                }
            }
        }
        for item in value.as_array().into_iter().flatten() {
            self.walk(&schema["items"], item, &format!("{at}[]"), found);
        }
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
        let schema = self.resolve(schema);
        let keywords = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema} is no schema"));
        for (keyword, wanted) in keywords {
            let good = match keyword.as_str() {
                silent if SILENT.contains(&silent) => true,
                "type" => types(wanted).any(|name| is(value, name)),
                "enum" => wanted.as_array().unwrap().contains(value),
                "const" => wanted == value,
                "minimum" => value.as_f64().is_none_or(|n| n >= wanted.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|n| n <= wanted.as_f64().unwrap()),
                "minLength" => {
                    value.as_str().is_none_or(|s| s.chars().count() as u64 >= wanted.as_u64().unwrap())
                }
                "pattern" => {
                    let pattern = Regex::new(wanted.as_str().unwrap()).unwrap();
                    value.as_str().is_none_or(|text| pattern.is_match(text))
                }
                "minItems" => value.as_array().is_none_or(|a| a.len() as u64 >= wanted.as_u64().unwrap()),
                "maxItems" => value.as_array().is_none_or(|a| a.len() as u64 <= wanted.as_u64().unwrap()),
                "uniqueItems" => {
                    value.as_array().is_none_or(|a| a.iter().enumerate().all(|(i, v)| !a[..i].contains(v)))
                }
                "minProperties" => {
                    value.as_object().is_none_or(|o| o.len() as u64 >= wanted.as_u64().unwrap())
                }
                "maxProperties" => {
                    value.as_object().is_none_or(|o| o.len() as u64 <= wanted.as_u64().unwrap())
                }
                "required" => {
                    let names = || wanted.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                    for name in value
                        .as_object()
                        .into_iter()
                        .flat_map(|o| names().filter(|name| !o.contains_key(*name)))
                    {
                        errors.push(format!("{at}: {name} is missing"));
                    }
                    true
                }
                "properties" => {
                    for (name, schema) in wanted.as_object().unwrap() {
                        if let Some(value) = value.get(name) {
                            self.check(schema, value, &format!("{at}.{name}"), errors);
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    let known =
                        |name: &str| schema.get("properties").is_some_and(|all| all.get(name).is_some());
                    for (name, value) in
                        value.as_object().into_iter().flatten().filter(|(name, _)| !known(name))
                    {
                        match wanted {
                            Value::Bool(true) => {}
                            Value::Bool(false) => errors.push(format!("{at}.{name} is unknown")),
                            schema => self.check(schema, value, &format!("{at}.{name}"), errors),
                        }
                    }
                    true
                }
                "items" => {
                    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{at}[{i}]"), errors);
                    }
                    true
                }
                "anyOf" => wanted.as_array().unwrap().iter().any(|schema| self.holds(schema, value)),
                "oneOf" => {
                    wanted.as_array().unwrap().iter().filter(|schema| self.holds(schema, value)).count() == 1
                }
                "not" => !self.holds(wanted, value),
                other => panic!("{at}: the keyword {other} is not known here"),
            };
            if !good {
                errors.push(format!("{at}: {keyword} {wanted} does not hold for {value}"));
            }
        }
    }

    fn holds(&self, schema: &Value, value: &Value) -> bool {
        let mut errors = Vec::new();
        self.check(schema, value, "", &mut errors);
        errors.is_empty()
    }
}

fn types(wanted: &Value) -> impl Iterator<Item = &str> {
    let one = wanted.as_str().into_iter();
    one.chain(wanted.as_array().into_iter().flatten().filter_map(Value::as_str))
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        other => panic!("no type {other}"),
    }
}
