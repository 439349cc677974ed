//! What the operator expects of tokens (`wirelint.toml`), against what they say.

use super::token::token;
use super::value::{List, Type, Value};
use super::{Case, Family, Field, Policy, Source, Subject};
use serde_json::Value as Json;

pub(super) const FAMILY: Family = Family {
    name: "expected",
    doc: "What the configuration expects of tokens, against what they say.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(|c| {
        // Most configurations expect nothing: then the token is not looked at.
        let Policy { issuers, expected_audiences, secrets, .. } = c.policy;
        issuers.is_empty() && expected_audiences.is_empty() && secrets.is_empty()
            || issuer(c).is_none() && audience(c).is_none() && custom_secrets(c).is_empty()
    }),
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "token.iss_expected",
            ty: Type::Bool,
            doc: "Whether iss is an issuer that the configuration expects; missing if it expects none in particular.",
            get: |c| Value::or_missing(issuer(c)),
        },
        Field {
            name: "token.aud_expected",
            ty: Type::Bool,
            doc: "Whether aud has an audience that the configuration expects; missing if it expects none in particular.",
            get: |c| Value::or_missing(audience(c)),
        },
        Field {
            name: "token.custom_secrets",
            ty: Type::List(&Type::Str),
            doc: "Names of the configured secret patterns that fit the text of a claim.",
            get: |c| Value::List(List::Owned(custom_secrets(c))),
        },
    ],
};

fn claim<'a>(case: &Case<'a>, name: &str) -> Option<&'a Json> {
    token(case)?.claim(name)
}

fn issuer(case: &Case<'_>) -> Option<bool> {
    if case.policy.issuers.is_empty() {
        return None;
    }
    token(case)?.claims()?;
    case.policy.expects_issuer(claim(case, "iss").and_then(Json::as_str).unwrap_or_default())
}

/// `aud` is a text or a list of texts (RFC 7519 section 4.1.3).
fn audience(case: &Case<'_>) -> Option<bool> {
    let policy = case.policy;
    if policy.expected_audiences.is_empty() {
        return None;
    }
    token(case)?.claims()?;
    match claim(case, "aud") {
        Some(Json::Array(all)) => policy.expects_audience(all.iter().filter_map(Json::as_str)),
        aud => policy.expects_audience(aud.and_then(Json::as_str).into_iter()),
    }
}

fn custom_secrets<'a>(case: &Case<'a>) -> Vec<Value<'a>> {
    if case.policy.secrets.is_empty() {
        return Vec::new();
    }
    let Some(claims) = token(case).and_then(|t| t.claims()) else { return Vec::new() };
    let fitting = case.policy.secrets.iter().filter(|pattern| any_text(claims, &|text| pattern.fits(text)));
    fitting.map(|pattern| Value::str(&pattern.name)).collect()
}

/// Whether some text in the value is as asked. The depth of JSON that was parsed is bounded.
fn any_text(value: &Json, ask: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Json::String(text) => ask(text),
        Json::Array(all) => all.iter().any(|value| any_text(value, ask)),
        Json::Object(all) => all.values().any(|value| any_text(value, ask)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
