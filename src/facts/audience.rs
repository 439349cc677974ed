//! Whom a token is for, against the host that it is sent to.

use super::names::names;
use super::token::token;
use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::message::{Target, host_of, is_ip_literal, name_of, same_site};
use crate::token::Token;
use serde_json::Value as Json;

/// Audiences that are looked at.
const MANY: usize = 64;

pub(super) const FAMILY: Family = Family {
    name: "audience",
    doc: "Whom a token is for, against the host that it is sent to.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[Field {
        name: "audience.fits",
        ty: Type::Bool,
        doc: "Whether some audience that names a host names the request's (the same, above or below it, or configured); missing if no audience names a host.",
        get: |c| Value::or_missing(fits(c)),
    }],
};

/// What of it the token says by itself.
pub(super) const BREADTH: Family = Family {
    name: "breadth",
    doc: "Whether a token is for anybody or anything.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: true,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[Field {
        name: "audience.broad",
        ty: Type::Str,
        doc: "How aud or scope leave open whom or what the token is for: \"aud is empty\", \"aud is *\", \"scope is *\"; missing if they do not.",
        get: |c| Value::or_missing(broad(c)),
    }],
};

/// The audiences: `aud` is a text or a list of texts (RFC 7519 section 4.1.3).
pub(super) fn audiences<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    token(case).into_iter().flat_map(of_token)
}

/// The same of a token.
fn of_token(token: &Token) -> impl Iterator<Item = &str> {
    let aud = token.aud();
    let one = aud.and_then(Json::as_str).into_iter();
    let many = aud.and_then(Json::as_array).into_iter().flatten().take(MANY).filter_map(Json::as_str);
    one.chain(many)
}

/// The hosts that the audiences of a token name.
pub(super) fn hosts(token: &Token) -> Box<[Box<str>]> {
    of_token(token).filter_map(host_in).map(Into::into).collect()
}

fn broad(case: &Case<'_>) -> Option<&'static str> {
    let token = token(case)?;
    let words = |name: &str| -> Vec<&str> {
        match token.claim(name) {
            Some(Json::String(text)) => text.split(' ').collect(),
            Some(Json::Array(items)) => items.iter().take(MANY).filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        }
    };
    let empty = match token.aud()? {
        Json::Array(items) => items.is_empty(),
        Json::String(text) => text.trim().is_empty(),
        _ => false,
    };
    let any = |text: &str| {
        matches!(text.to_ascii_lowercase().as_str(), "*" | "all" | "any" | "https://*" | "http://*")
    };
    if empty {
        Some("aud is empty")
    } else if audiences(case).any(any) {
        Some("aud is for everyone")
    } else if words("scope")
        .into_iter()
        .chain(words("scp"))
        .any(|word| word == "*" || word.ends_with(":*") && word.starts_with("admin"))
    {
        Some("scope is for everything")
    } else {
        None
    }
}

fn fits(case: &Case<'_>) -> Option<bool> {
    let host = case.exchange?.host()?;
    let host = name_of(host);
    let configured = |aud: &str| {
        case.policy.audiences.iter().any(|(known, at)| known == aud && at.eq_ignore_ascii_case(host))
    };
    if !case.policy.audiences.is_empty() && audiences(case).any(configured) {
        return Some(true);
    }
    let named = &names(token(case)?).audience;
    (!named.is_empty()).then(|| named.iter().any(|to| related(to, host)))
}

/// The host that an audience names: that of a URL, or a bare name with a dot. URNs, client ids and words name none.
pub(super) fn host_in(aud: &str) -> Option<String> {
    let target = Target::reference(aud.as_bytes());
    let host = match target.scheme {
        Some(scheme) if scheme.bytes.starts_with(b"http") => host_of(target.host?.bytes),
        Some(_) => return None,
        None if aud.contains('.') && !aud.contains([':', '/', '@', ' ']) => aud.to_ascii_lowercase(),
        None => return None,
    };
    let name = name_of(&host);
    // A name that looks like a host but is a client id, as Google's are, ends in a host all the same.
    (name.contains('.') && !name.ends_with(".apps.googleusercontent.com")).then(|| name.to_owned())
}

/// The same host, one above or below it, or one of the same site.
fn related(a: &str, b: &str) -> bool {
    let below =
        |a: &str, b: &str| a.strip_suffix(b).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    below(a, b) || below(b, a) || !is_ip_literal(a) && !is_ip_literal(b) && same_site(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_name_hosts_or_not() {
        for (aud, host) in [
            ("https://api.example.test/v1", Some("api.example.test")),
            ("https://api.example.test:8443", Some("api.example.test")),
            ("api.example.test", Some("api.example.test")),
            ("urn:example:api", None),
            ("api", None),
            ("api://3f9c2a", None),
            ("123-abc.apps.googleusercontent.com", None),
            ("user@example.test", None),
            ("", None),
        ] {
            assert_eq!(host_in(aud).as_deref(), host, "{aud}");
        }
        assert!(related("api.example.test", "example.test") && related("a.example.com", "b.example.com"));
        assert!(!related("api.example.test", "other.test") && !related("xexample.test", "example.test.x"));
    }
}
