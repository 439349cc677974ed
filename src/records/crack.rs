//! `crack`: one record a token that was attacked.

use super::{Record, name, shown, shown_value};
use crate::report::{Column, Kind};
use crate::token::{Secret, Token};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// What came of a token.
#[derive(Debug, Serialize)]
pub struct CrackRecord<'a> {
    sha256: String,
    alg: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, Value>>,
    iss: Option<Cow<'a, Value>>,
    host: Option<&'a str>,
    found: bool,
    secret: Option<Cow<'a, str>>,
    /// Where the secret was found: "empty", "derived", "built-in list", "word list", "given".
    origin: Option<&'a str>,
    token: Cow<'a, str>,
}

impl<'a> CrackRecord<'a> {
    /// The record of a token, its secret and where that was found.
    pub fn new(
        token: &'a Token,
        host: Option<&'a str>,
        found: Option<(&'a Secret, &'a str)>,
        show_secrets: bool,
    ) -> Self {
        Self {
            sha256: token.sha256_hex(),
            alg: token.alg().map(|alg| shown(alg, show_secrets)),
            kid: token.kid().map(|kid| shown_value(kid, show_secrets)),
            iss: token.iss().map(|iss| shown_value(iss, show_secrets)),
            host,
            found: found.is_some(),
            secret: found.map(|(secret, _)| secret.masked(show_secrets)),
            origin: found.map(|(_, origin)| origin),
            token: token.text(show_secrets),
        }
    }
}

impl Record for CrackRecord<'_> {
    const CSV: &'static [&'static str] =
        &["sha256", "alg", "kid", "iss", "host", "found", "secret", "origin", "token"];
    const COLUMNS: &'static [Column] = &[
        Column::new("TOKEN", Kind::Short),
        Column::new("ALG", Kind::Short),
        Column::new("ISSUER", Kind::Long),
        Column::new("HOST", Kind::Long),
        Column::new("SECRET", Kind::Long),
        Column::new("FROM", Kind::Short),
    ];

    fn row(&self) -> Vec<String> {
        vec![
            self.sha256.get(..12).unwrap_or_default().to_owned(),
            name(self.alg.as_deref()),
            name(self.iss.as_deref().and_then(Value::as_str)),
            name(self.host),
            self.secret.as_deref().unwrap_or("not found").to_owned(),
            name(self.origin),
        ]
    }
}
