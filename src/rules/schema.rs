//! A JSON Schema of rule files, for editors.

use super::load::KEYS;
use super::rule::{EventKind, Group, Subject};
use super::severity::{Confidence, Severity};
use serde_json::{Map, Value, json};

/// The schema (JSON Schema draft-07, which is what editors' TOML extensions read).
pub fn schema() -> Value {
    let properties: Map<_, _> = KEYS.iter().map(|key| ((*key).to_owned(), property(key))).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "wirelint rule",
        "description": "One rule; its id is the name of the file.",
        "type": "object",
        "additionalProperties": false,
        "required": REQUIRED,
        "properties": properties,
    })
}

/// The keys that must be there.
const REQUIRED: [&str; 9] =
    ["on", "group", "title", "severity", "confidence", "when", "message", "about", "remedy"];

fn property(key: &str) -> Value {
    let text = |doc: &str| json!({ "description": doc, "type": "string", "minLength": 1 });
    match key {
        "on" => json!({ "description": "What the rule is asked about.", "enum": Subject::NAMES }),
        "group" => json!({ "description": "What kind of weakness it is.", "enum": Group::NAMES }),
        "title" => text("One line that says what is wrong."),
        "severity" => json!({ "description": "How bad it is.", "enum": Severity::NAMES }),
        "confidence" => json!({
            "description": "How sure it is; a rule of low confidence is silent without --pedantic.",
            "enum": Confidence::NAMES,
        }),
        "when" => {
            text("The condition: a subset of CEL over the facts of `on` (wirelint rules docs --facts).")
        }
        "message" => text("What was seen; {fact} prints a fact."),
        "about" => text("Why it matters, in Markdown."),
        "remedy" => text("What to do, in Markdown."),
        "references" => json!({
            "description": "Clauses of specifications.",
            "type": "array",
            "items": { "type": "string" },
        }),
        "cwe" => json!({
            "description": "Numbers in the Common Weakness Enumeration.",
            "type": "array",
            "items": { "type": "integer", "minimum": 0 },
        }),
        "severity-if" => cases("Other severities; the first that holds wins.", &Severity::NAMES),
        "confidence-if" => cases("Other confidences; the first that holds wins.", &Confidence::NAMES),
        "bad" => examples("Events in which the rule must fire."),
        "good" => examples("Events in which it must not."),
        _ => json!({}),
    }
}

fn cases(doc: &str, names: &[&str]) -> Value {
    json!({
        "description": doc,
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["when", "is"],
            "properties": { "when": { "type": "string", "minLength": 1 }, "is": { "enum": names } },
        },
    })
}

fn examples(doc: &str) -> Value {
    let kinds: Map<_, _> =
        EventKind::NAMES.iter().map(|name| ((*name).to_owned(), json!({ "type": "object" }))).collect();
    json!({
        "description": doc,
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["about", "events"],
            "properties": {
                "about": { "description": "What is shown.", "type": "string", "minLength": 1 },
                "config": {
                    "description": "The configuration that it happens under, as in wirelint.toml.",
                    "type": "string",
                },
                "events": {
                    "description": "What happens, in order; fields that are left out have sane values.",
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "additionalProperties": false,
                        "minProperties": 1,
                        "maxProperties": 1,
                        "properties": kinds,
                    },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_described() {
        for key in KEYS {
            assert!(property(key).get("description").is_some(), "{key}");
        }
        assert!(REQUIRED.iter().all(|key| KEYS.contains(key)));
    }
}
