//! The cookie that holds the token in a response.

use super::value::{Type, Value};
use super::{Case, Family, Field, Source, Subject};
use crate::message::{Location, SameSite, SetCookie, chunk_base, host_of, label, name_of};

/// Longest name and value that every browser keeps (RFC 6265bis section 6.1).
const COOKIE_BYTES: usize = 4096;

pub(super) const FAMILY: Family = Family {
    name: "cookie",
    doc: "The Set-Cookie field that holds the token (RFC 6265bis).",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(|c| c.sighting.is_none_or(|s| s.place.location != Location::SetCookie)),
    undecided: None,
    source: Source::Pure,
    fields: &[
        Field {
            name: "cookie.secure",
            ty: Type::Bool,
            doc: "Whether the cookie has the Secure attribute.",
            get: |c| with(c, |k| Value::Bool(k.secure)),
        },
        Field {
            name: "cookie.http_only",
            ty: Type::Bool,
            doc: "Whether the cookie has the HttpOnly attribute.",
            get: |c| with(c, |k| Value::Bool(k.http_only)),
        },
        Field {
            name: "cookie.same_site",
            ty: Type::Str,
            doc: "The SameSite attribute, lower case; empty if there is none.",
            get: |c| {
                with(c, |k| {
                    Value::str(match k.same_site {
                        None => "",
                        Some(SameSite::Strict) => "strict",
                        Some(SameSite::Lax) => "lax",
                        Some(SameSite::None) => "none",
                    })
                })
            },
        },
        Field {
            name: "cookie.prefix",
            ty: Type::Str,
            doc: "\"none\", \"kept\" or \"violated\": the promise of a __Host- or __Secure- name.",
            get: |c| with(c, |k| Value::str(prefix(&k))),
        },
        Field {
            name: "cookie.broad",
            ty: Type::Bool,
            doc: "Whether the Domain attribute is a parent of the host that sets the cookie.",
            get: |c| with(c, |k| Value::Bool(broad(c, &k))),
        },
        Field {
            name: "cookie.max_age",
            ty: Type::Int,
            doc: "Seconds that the cookie lives (Max-Age, else Expires); missing for a session cookie.",
            get: |c| with(c, |k| Value::or_missing(max_age(c, &k))),
        },
        Field {
            name: "cookie.oversized",
            ty: Type::Bool,
            doc: "Whether name and value exceed 4096 bytes, or the value is split over several cookies.",
            get: |c| {
                let split = c.sighting.is_some_and(|s| s.wrapping.contains(&"split"));
                with(c, |k| Value::Bool(split || k.cookie.name.len() + k.cookie.value.len() > COOKIE_BYTES))
            },
        },
    ],
};

/// Calls `f` with the Set-Cookie field that the sighting was found in.
fn with<'a>(case: &Case<'a>, f: impl FnOnce(SetCookie<'a>) -> Value<'a>) -> Value<'a> {
    let (Some(sighting), Some(exchange)) = (case.sighting, case.exchange) else { return Value::Missing };
    let (Location::SetCookie, Some(name)) = (sighting.place.location, sighting.place.name.as_deref()) else {
        return Value::Missing;
    };
    let Some(response) = &exchange.response else { return Value::Missing };
    let fields = response.head.fields().filter(|(n, _)| n.eq_ignore_ascii_case(b"set-cookie"));
    // A cookie that was split is found by the name that its parts have in common.
    let split = sighting.wrapping.contains(&"split");
    let cookies = fields.filter_map(|(_, value)| SetCookie::parse(value)).filter(|k| {
        let sent = String::from_utf8_lossy(k.cookie.name);
        label(if split { chunk_base(&sent).map_or("", |(base, _)| base) } else { &sent }) == Some(name)
    });
    // One that is deleted and set anew in the same response comes twice: the token is in the longer one.
    cookies.max_by_key(|k| k.cookie.value.len()).map_or(Value::Missing, f)
}

fn prefix(cookie: &SetCookie<'_>) -> &'static str {
    let name = cookie.cookie.name.to_ascii_lowercase();
    if name.starts_with(b"__host-") {
        let kept = cookie.secure && cookie.domain.is_none() && cookie.path == Some(b"/");
        if kept { "kept" } else { "violated" }
    } else if name.starts_with(b"__secure-") {
        if cookie.secure { "kept" } else { "violated" }
    } else {
        "none"
    }
}

fn broad(case: &Case<'_>, cookie: &SetCookie<'_>) -> bool {
    let (Some(domain), Some(host)) = (cookie.domain, case.exchange.and_then(|e| e.host())) else {
        return false;
    };
    let domain = host_of(domain);
    name_of(host).strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
}

fn max_age(case: &Case<'_>, cookie: &SetCookie<'_>) -> Option<i64> {
    let expires = || {
        let text = std::str::from_utf8(cookie.expires?).ok()?;
        let date = jiff::fmt::rfc2822::parse(&text.replace('-', " ")).ok()?;
        Some(date.timestamp().as_second() - case.seconds()?)
    };
    cookie.max_age.or_else(expires)
}
