//! A JSON Schema of the configuration file, for editors.

use super::keys::{KEYS, Key, Kind, TABLES, Table};
use serde_json::{Map, Value, json};

/// The schema (JSON Schema draft-07, which is what editors' TOML extensions read).
pub fn schema() -> Value {
    let mut properties = Map::new();
    for key in KEYS.iter().filter(|key| key.table.is_empty()) {
        properties.insert(key.name.to_owned(), described(key));
    }
    for table in TABLES.iter().filter(|table| !table.name.is_empty()) {
        let (doc, object) = (table.doc, of_table(table));
        let value = match table.many {
            true => json!({ "description": doc, "type": "array", "items": object }),
            false => {
                let mut object = object;
                object["description"] = doc.into();
                object
            }
        };
        properties.insert(table.name.to_owned(), value);
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "wirelint.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn of_table(table: &Table) -> Value {
    let keys: Vec<&Key> = KEYS.iter().filter(|key| key.table == table.name).collect();
    if table.open {
        let value = keys.first().map_or(json!({}), |key| described(key));
        return json!({ "type": "object", "additionalProperties": value });
    }
    let properties: Map<_, _> = keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if table.name == "suppress" {
        object["required"] = json!(["reason"]);
        object["anyOf"] = SELECTING.iter().map(|key| json!({ "required": [key] })).collect();
    }
    object
}

/// The keys that choose findings.
const SELECTING: [&str; 4] = ["rule", "host", "route", "fingerprint"];

fn described(key: &Key) -> Value {
    let mut value = of_kind(key.kind);
    value["description"] = key.doc.into();
    value
}

fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count => json!({ "type": "integer", "minimum": 0 }),
        Kind::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Duration => json!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9]+[smhd]$" },
            { "type": "integer", "minimum": 0 },
        ] }),
        // Editors hand a TOML date over as its text.
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Selectors => {
            let properties: Map<_, _> =
                SELECTING.iter().map(|key| ((*key).to_owned(), json!({ "type": "string" }))).collect();
            json!({ "type": "array", "items": { "anyOf": [
                { "type": "string" },
                { "type": "object", "additionalProperties": false, "properties": properties },
            ] } })
        }
    }
}
