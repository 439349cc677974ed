//! `wirelint inspect`: one token taken apart, with what keys, word lists and rules say about it.

mod explain;
mod json;
mod moment;
mod text;

use super::mask::mask_target;
use crate::finding::Finding;
use crate::keys::{Signature, Tried};
use crate::report::Settings;
use crate::time::Timestamp;
use crate::token::{Scanner, Secret, Token};
use serde_json::{Map, Value};
use std::io::{self, Write};
use std::sync::Arc;

/// Everything that is known about one token.
pub struct Inspection {
    /// The token.
    pub token: Arc<Token>,
    /// SHA-256 of the JWE that it is inside of.
    pub within: Option<[u8; 32]>,
    /// The time that it is judged at.
    pub now: Timestamp,
    /// What keys and the dictionary attack say.
    pub signature: Signature,
    /// The keys that could be tried.
    pub keys: Vec<Tried>,
    /// Keys that were given.
    pub given: usize,
    /// The secret, if it was found, and where.
    pub secret: Option<(Secret, &'static str)>,
    /// Words that were tried.
    pub trials: u64,
    /// The budget ended before the words did.
    pub cut: bool,
    /// What the rules say, most severe first.
    pub findings: Vec<Finding>,
}

/// A format of inspections.
#[derive(Clone, Copy, Debug)]
pub struct InspectFormat {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is, in a few words, for `--help`.
    pub doc: &'static str,
    write: fn(&[Inspection], &Show<'_>, &mut dyn Write) -> io::Result<()>,
}

/// Every format of inspections; the first is the default.
pub const INSPECT_FORMATS: &[InspectFormat] = &[
    InspectFormat { name: "text", doc: "for people, as wide as the terminal", write: text::write },
    InspectFormat { name: "json", doc: "one object with all tokens", write: json::write },
];

/// The format of that name.
pub fn inspect_format(name: &str) -> Option<&'static InspectFormat> {
    INSPECT_FORMATS.iter().find(|format| format.name == name)
}

impl InspectFormat {
    /// Writes inspections. Errors are those of `out`.
    pub fn write(
        &self,
        inspections: &[Inspection],
        settings: Settings,
        scanner: &Scanner,
        show_secrets: bool,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        (self.write)(inspections, &Show { settings, scanner, show_secrets }, out)
    }
}

/// How inspections are shown.
struct Show<'a> {
    settings: Settings,
    scanner: &'a Scanner,
    show_secrets: bool,
}

/// Nesting of JSON that is shown whole.
const DEPTH: usize = 16;

impl Show<'_> {
    /// A member of a token as it may be shown: claims that hold secrets, tokens and credentials in texts are masked
    /// unless `--show-secrets` is given.
    fn member(&self, token: &Token, name: &str, value: &Value) -> Value {
        if self.show_secrets { value.clone() } else { self.masked(token, name, value, DEPTH) }
    }

    fn masked(&self, token: &Token, name: &str, value: &Value, depth: usize) -> Value {
        let secret = token.secrets().iter().any(|secret| secret == name);
        match value {
            Value::Object(_) | Value::Array(_) if depth == 0 => Value::from("…"),
            // A private key in the header, or in a confirmation (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
            Value::Object(members) => {
                let key = members.contains_key("kty");
                let private = |name: &str| matches!(name, "d" | "p" | "q" | "dp" | "dq" | "qi" | "k" | "oth");
                let one = |(name, value): (&String, &Value)| {
                    let shown = match key && private(name) {
                        true => Value::from("***"),
                        false => self.masked(token, name, value, depth - 1),
                    };
                    (name.clone(), shown)
                };
                Value::Object(members.iter().map(one).collect::<Map<_, _>>())
            }
            Value::Array(items) => {
                items.iter().map(|item| self.masked(token, name, item, depth - 1)).collect()
            }
            Value::String(text) if secret => Value::from(Secret::from(text.as_str()).to_string()),
            Value::Number(number) if secret => Value::from(Secret::from(number.to_string()).to_string()),
            Value::String(text) => Value::from(mask_target(text, self.scanner)),
            other => other.clone(),
        }
    }
}

/// A NumericDate in whole seconds, rounded down; also one that is written as text.
fn seconds(token: &Token, name: &str) -> Option<i64> {
    token.seconds(name).map(|seconds| seconds.floor() as i64)
}
