//! What the token itself says.

use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::message::{Target, host_of, is_ip_literal, name_of};
use crate::token::{Family as Algorithm, ISSUER_DOC, NoneForm, Role, Token, internal_name};

pub(super) const FAMILY: Family = Family {
    name: "token",
    doc: "What the token itself says.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: true,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "token.kind",
            ty: Type::Str,
            doc: "\"jws\", \"jwe\", \"jws-json\", \"jwe-json\", \"sd-jwt\", \"nested\" (a JWS whose payload is a token).",
            get: |c| Value::or_missing(token(c).map(|t| t.kind().as_str())),
        },
        Field {
            name: "token.header",
            ty: Type::Map,
            doc: "The decoded JOSE header (RFC 7515 section 4).",
            get: |c| Value::or_missing(token(c).map(Token::header)),
        },
        Field {
            name: "token.claims",
            ty: Type::Map,
            doc: "The decoded claims (RFC 7519 section 4), of a JWE those that a key of the run opens; missing if the payload is not a JSON object.",
            get: |c| Value::or_missing(token(c).and_then(Token::claims)),
        },
        Field {
            name: "token.alg",
            ty: Type::Str,
            doc: "The alg parameter; one that is not a string as its JSON text; missing if absent.",
            get: |c| token(c).and_then(Token::alg).map_or(Value::Missing, Value::Str),
        },
        Field {
            name: "token.family",
            ty: Type::Str,
            doc: "Family of a signature algorithm: \"HS\", \"RS\", \"PS\", \"ES\", \"EdDSA\"; empty for others.",
            get: |c| Value::or_missing(token(c).map(|t| t.family().map_or("", Algorithm::as_str))),
        },
        Field {
            name: "token.none",
            ty: Type::Bool,
            doc: "Whether alg is exactly \"none\" on a token with JSON claims (RFC 7519 section 6).",
            get: |c| {
                Value::or_missing(token(c).map(|t| t.none_form() == NoneForm::Exact && t.claims().is_some()))
            },
        },
        Field {
            name: "token.none_disguised",
            ty: Type::Bool,
            doc: "Whether alg is a disguise of \"none\": other case, white space, look-alike letters, null, empty, missing.",
            get: |c| Value::or_missing(token(c).map(|t| t.none_form() == NoneForm::Disguised)),
        },
        Field {
            name: "token.signature_empty",
            ty: Type::Bool,
            doc: "Whether the signature is empty, shorter than 16 bytes or all zero although alg asks for one.",
            get: |c| Value::or_missing(token(c).map(Token::signature_is_void)),
        },
        Field {
            name: "token.role",
            ty: Type::Str,
            doc: "What the token is for: \"access\", \"id\", \"refresh\", \"dpop-proof\", \"client-assertion\", \"logout\", \"set\", \"passport\", \"vc\", \"unknown\".",
            get: |c| Value::or_missing(token(c).map(|t| t.role().as_str())),
        },
        Field {
            name: "token.sample",
            ty: Type::Bool,
            doc: "Whether it is a sample token of jwt.io or an RFC.",
            get: |c| Value::or_missing(token(c).map(Token::is_sample)),
        },
        Field {
            name: "token.length",
            ty: Type::Int,
            doc: "Length of the compact text, in bytes.",
            get: |c| Value::or_missing(token(c).map(|t| t.reveal().len() as i64)),
        },
        Field {
            name: "token.header_length",
            ty: Type::Int,
            doc: "Length of the encoded header, in bytes.",
            get: |c| Value::or_missing(token(c).and_then(|t| t.segments().next()).map(|s| s.len() as i64)),
        },
        Field {
            name: "token.issuer",
            ty: Type::Str,
            doc: ISSUER_DOC,
            get: |c| Value::or_missing(token(c).and_then(Token::issuer).map(|issuer| issuer.name)),
        },
        Field {
            name: "token.issuer_title",
            ty: Type::Str,
            doc: "What that is, in words.",
            get: |c| Value::or_missing(token(c).and_then(Token::issuer).map(|issuer| issuer.title)),
        },
        Field {
            name: "token.machine",
            ty: Type::Bool,
            doc: "Whether the token stands for software or a whole project rather than for a person.",
            get: |c| Value::Bool(token(c).and_then(Token::issuer).is_some_and(|issuer| issuer.machine)),
        },
        Field {
            name: "token.typ",
            ty: Type::Str,
            doc: "The typ parameter, lower case, without \"application/\"; empty if absent.",
            get: |c| token(c).map_or(Value::Missing, |t| Value::Str(super::profile::typ(t))),
        },
        Field {
            name: "token.iss_problem",
            ty: Type::Str,
            doc: "Why the issuer is no https URL of a public host: \"http\", \"address\", \"localhost\", \"internal\"; missing if it is one, or no URL.",
            get: |c| Value::or_missing(claim(c, "iss").and_then(|v| iss_problem(v.as_str()?))),
        },
        Field {
            name: "token.date_problems",
            ty: Type::List(&Type::Str),
            doc: "What is wrong with the type or unit of exp, iat, nbf and auth_time, in words.",
            get: |c| token(c).map_or(Value::Missing, |t| Value::strs(t.date_problems())),
        },
        Field {
            name: "token.internal",
            ty: Type::List(&Type::Str),
            doc: "What header and claims tell of the inside of a network: private addresses, internal hosts, paths of files, account numbers.",
            get: |c| token(c).map_or(Value::Missing, |t| Value::strs(t.internal())),
        },
        Field {
            name: "token.iss",
            ty: Type::Str,
            doc: "The issuer.",
            get: |c| claim(c, "iss").and_then(|v| v.as_str()).map_or(Value::Missing, Value::str),
        },
        Field {
            name: "token.exp",
            ty: Type::Int,
            doc: "Expiry in seconds since 1970, if it is a number.",
            get: |c| Value::or_missing(seconds(c, Time::Exp)),
        },
        Field {
            name: "token.pii",
            ty: Type::List(&Type::Str),
            doc: "Names of claims that hold personal data.",
            get: |c| token(c).map_or(Value::Missing, |t| Value::strs(t.personal())),
        },
        Field {
            name: "token.pii_sensitive",
            ty: Type::Bool,
            doc: "Whether some of it is of a special category or financial.",
            get: |c| Value::Bool(token(c).is_some_and(Token::is_sensitive)),
        },
        Field {
            name: "token.secrets",
            ty: Type::List(&Type::Str),
            doc: "Names of claims that hold passwords, keys or hashes of them.",
            get: |c| token(c).map_or(Value::Missing, |t| Value::strs(t.secrets())),
        },
        Field {
            name: "token.privileges",
            ty: Type::List(&Type::Str),
            doc: "Privileged roles and scopes that the token carries.",
            get: |c| token(c).map_or(Value::Missing, |t| Value::strs(t.privileges())),
        },
        Field {
            name: "token.public_by_design",
            ty: Type::Bool,
            doc: "Whether the token is meant to be public: a Supabase anon key, a PASSporT.",
            get: |c| Value::Bool(token(c).is_some_and(public_by_design)),
        },
    ],
};

pub(super) fn token<'a>(case: &Case<'a>) -> Option<&'a Token> {
    case.sighting.map(|s| &*s.token)
}

fn claim<'a>(case: &Case<'a>, name: &str) -> Option<&'a serde_json::Value> {
    token(case)?.claim(name)
}

/// Which of [`Token::times`].
#[derive(Clone, Copy)]
pub(super) enum Time {
    Iat,
    Nbf,
    Exp,
    Auth,
}

/// A time claim in seconds since 1970.
pub(super) fn seconds(case: &Case<'_>, time: Time) -> Option<i64> {
    token(case)?.times()[time as usize]
}

fn iss_problem(iss: &str) -> Option<&'static str> {
    let target = Target::reference(iss.as_bytes());
    let scheme = target
        .scheme
        .filter(|s| s.bytes.eq_ignore_ascii_case(b"http") || s.bytes.eq_ignore_ascii_case(b"https"))?;
    let host = host_of(target.host?.bytes);
    let name = name_of(&host);
    if name == "localhost" || name.ends_with(".localhost") || name.starts_with("127.") || name == "[::1]" {
        Some("localhost")
    } else if is_ip_literal(name) {
        Some("address")
    } else if internal_name(name) || !name.contains('.') {
        Some("internal")
    } else {
        (!scheme.bytes.eq_ignore_ascii_case(b"https")).then_some("http")
    }
}

fn public_by_design(token: &Token) -> bool {
    token.role() == Role::Passport || token.issuer().is_some_and(|issuer| issuer.name == "supabase-anon")
}
