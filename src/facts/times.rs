//! What a token's times mean when it is seen.

use super::token::{Time, seconds};
use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};

pub(super) const FAMILY: Family = Family {
    name: "times",
    doc: "What the times of a token mean when it is seen: they are compared with the time of the packet.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "token.lifetime",
            ty: Type::Int,
            doc: "Seconds from iat (else nbf, else the sighting) to exp.",
            get: |c| Value::or_missing(lifetime(c)),
        },
        Field {
            name: "token.age",
            ty: Type::Int,
            doc: "Seconds from iat to the sighting.",
            get: |c| {
                let age = |now: i64| Some(now.saturating_sub(seconds(c, Time::Iat)?));
                Value::or_missing(c.seconds().and_then(age))
            },
        },
        Field {
            name: "token.expired",
            ty: Type::Bool,
            doc: "Whether exp had passed when the token was seen, 60 s of skew forgiven.",
            get: |c| {
                let exp = seconds(c, Time::Exp).zip(c.seconds());
                Value::Bool(exp.is_some_and(|(exp, now)| exp.saturating_add(c.policy.skew) < now))
            },
        },
        Field {
            name: "token.early",
            ty: Type::Bool,
            doc: "Whether nbf still lay ahead when the token was seen, 60 s of skew forgiven.",
            get: |c| {
                let nbf = seconds(c, Time::Nbf).zip(c.seconds());
                Value::Bool(nbf.is_some_and(|(nbf, now)| nbf.saturating_sub(c.policy.skew) > now))
            },
        },
        Field {
            name: "token.time_problem",
            ty: Type::Str,
            doc: "What is inconsistent about iat, nbf, exp and auth_time; missing if nothing is.",
            get: |c| Value::or_missing(time_problem(c)),
        },
    ],
};

fn lifetime(case: &Case<'_>) -> Option<i64> {
    let from = seconds(case, Time::Iat).or_else(|| seconds(case, Time::Nbf)).or_else(|| case.seconds())?;
    Some(seconds(case, Time::Exp)?.saturating_sub(from))
}

fn time_problem(case: &Case<'_>) -> Option<&'static str> {
    /// 2200-01-01.
    const FAR: i64 = 7_258_118_400;
    let [iat, nbf, exp, auth] = [Time::Iat, Time::Nbf, Time::Exp, Time::Auth].map(|time| seconds(case, time));
    let now = case.seconds();
    let after = |a: Option<i64>, b: Option<i64>| a.zip(b).is_some_and(|(a, b)| a > b);
    let milliseconds = |v: &i64| *v > 100_000_000_000;
    let absurd = |v: &i64| *v < 0 || *v >= FAR;
    // Milliseconds are the business of jwt-numericdate-type.
    if [iat, nbf, exp].iter().flatten().any(milliseconds) {
        None
    } else if [iat, nbf, exp].iter().flatten().any(absurd) {
        Some("a time before 1970 or after 2200")
    } else if iat.zip(now).is_some_and(|(iat, now)| iat > now.saturating_add(case.policy.skew)) {
        Some("iat lies in the future")
    } else if after(nbf, exp) {
        Some("nbf lies after exp")
    } else if exp.zip(iat).is_some_and(|(exp, iat)| exp <= iat) {
        Some("exp does not lie after iat")
    } else if after(auth, iat) {
        Some("auth_time lies after iat")
    } else {
        None
    }
}
