//! What the dictionary attack found: late facts.

use super::value::{Type, Value};
use super::{Case, Cracked, Family, Field, Subject};
use crate::token::Secret;

pub(super) const FAMILY: Family = Family {
    name: "crack",
    doc: "What the dictionary attack on HMAC signatures found; known only at the end of input.",
    subjects: &[Subject::Sighting],
    about_key: true,
    steady: false,
    late: true,
    fields: &[
        Field {
            name: "crack.found",
            ty: Type::Bool,
            doc: "Whether a candidate secret verifies the token's HMAC signature.",
            get: |c| if is_hmac(c) { found(c, |s| Value::Bool(s.is_some())) } else { Value::Bool(false) },
        },
        Field {
            name: "crack.empty",
            ty: Type::Bool,
            doc: "Whether that secret is empty, or nothing but NUL bytes.",
            get: |c| {
                if is_hmac(c) {
                    found(c, |s| Value::Bool(s.is_some_and(|s| s.reveal().iter().all(|b| *b == 0))))
                } else {
                    Value::Bool(false)
                }
            },
        },
        Field {
            name: "crack.secret",
            ty: Type::Str,
            doc: "The secret, masked unless --show-secrets is given.",
            get: |c| found(c, |s| Value::or_missing(s.map(|s| s.to_string()))),
        },
    ],
};

fn is_hmac(case: &Case<'_>) -> bool {
    case.sighting.is_some_and(|s| s.token.is_hmac())
}

fn found<'a>(case: &Case<'a>, f: impl FnOnce(Option<&'a Secret>) -> Value<'a>) -> Value<'a> {
    match case.cracked {
        None => Value::Pending,
        Some(Cracked::Secret(secret)) => f(Some(secret)),
        Some(Cracked::No) => f(None),
    }
}
