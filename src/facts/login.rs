//! Attempts to log in, other than in HTTP.

use super::value::{Type, Value};
use super::{Family, Field, Source, Subject};

pub(super) const FAMILY: Family = Family {
    name: "login",
    doc: "An attempt to log in, in a protocol other than HTTP.",
    subjects: &[Subject::Login],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "login.mechanism",
            ty: Type::Str,
            doc: "How it is done: a SASL mechanism such as \"plain\" or \"oauthbearer\", or \"password\", \"md5\", ..., in lower case.",
            get: |c| Value::or_missing(c.login.map(|l| &*l.mechanism)),
        },
        Field {
            name: "login.disclosed",
            ty: Type::Str,
            doc: "What it discloses to whoever reads it: a \"password\", a \"token\" (a JWT), a \"bearer\" token of another kind, a \"hash\" or answer to a challenge, or \"nothing\".",
            get: |c| Value::or_missing(c.login.map(|l| l.disclosed.as_str())),
        },
        Field {
            name: "login.starttls",
            ty: Type::Str,
            doc: "What became of encryption before it: the server \"offered\" it, or \"refused\" it. Missing where neither was seen.",
            get: |c| Value::or_missing(c.login.and_then(|l| l.starttls.as_str())),
        },
        Field {
            name: "login.accepted",
            ty: Type::Bool,
            doc: "Whether the server let the client in. Missing where that was not seen.",
            get: |c| Value::or_missing(c.login.and_then(|l| l.accepted)),
        },
    ],
};
