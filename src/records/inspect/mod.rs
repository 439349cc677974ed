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
use crate::token::{Scanner, Secret, Token, cloaked, veiled};
use serde_json::Value;
use std::borrow::Cow;
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

impl Show<'_> {
    /// A member of a token as it may be shown: claims that hold secrets, tokens and credentials in texts are masked
    /// unless `--show-secrets` is given.
    fn member(&self, name: &str, value: &Value) -> Value {
        match self.show_secrets {
            true => value.clone(),
            false => veiled(name, value, &mut |text| mask_target(text, self.scanner)),
        }
    }

    /// A name, of which nobody knows what it is, as it may be shown.
    fn name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if self.show_secrets { name.into() } else { cloaked(name) }
    }
}

/// A NumericDate in whole seconds, rounded down; also one that is written as text.
fn seconds(token: &Token, name: &str) -> Option<i64> {
    token.seconds(name).map(|seconds| seconds.floor() as i64)
}
