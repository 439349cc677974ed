//! Whether a login gives the client a new session.

use super::super::marks::{BASIC, ISSUES_TOKEN, PASSWORD_BODY};
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject, http};
use crate::message::{Exchange, SetCookie, Target, cookies};
use crate::token::{entropy_bits, session_cookie_name};

pub(in super::super) const FAMILY: Family = Family {
    name: "session",
    doc: "Whether a login gives the client a new session.",
    subjects: &[Subject::Exchange],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::Pure,
    fields: &[Field {
        name: "session.kept",
        ty: Type::Str,
        doc: "Name of the session cookie (or cookie with a token) that came with a successful login by password and that the response does not replace; missing if there is none. Success is a redirect that does not lead back to the login, or an answer that is no page.",
        get: |c| Value::or_missing(kept(c)),
    }],
};

fn kept(case: &Case<'_>) -> Option<String> {
    let exchange = case.exchange.filter(|e| e.marks.has(PASSWORD_BODY) && !e.marks.has(BASIC))?;
    let (request, response) = (exchange.request.as_ref()?, exchange.response.as_ref()?);
    if request.head.method() != b"POST" || !logged_in(case, exchange) {
        return None;
    }
    let set = |name: &[u8]| {
        let fields = response.head.fields().filter(|(field, _)| field.eq_ignore_ascii_case(b"set-cookie"));
        fields.filter_map(|(_, value)| SetCookie::parse(value)).any(|set| set.cookie.name == name)
    };
    let fields = request.head.fields().filter(|(field, _)| field.eq_ignore_ascii_case(b"cookie"));
    let mut all = fields.flat_map(|(_, value)| cookies(value));
    let session = all.find(|cookie| {
        let name = String::from_utf8_lossy(cookie.name);
        let token = cookie.value.starts_with(b"eyJ") && memchr::memchr_iter(b'.', cookie.value).count() == 2;
        let secret = session_cookie_name(&name) && entropy_bits(cookie.value) >= 64.0;
        (token || secret) && !set(cookie.name)
    })?;
    Some(String::from_utf8_lossy(session.name).chars().take(100).collect())
}

/// Whether the password was right, as far as an answer tells. One that hands out a token begins a session of its own.
fn logged_in(case: &Case<'_>, exchange: &Exchange) -> bool {
    let Some(status) = exchange.status().filter(|_| !exchange.marks.has(ISSUES_TOKEN)) else { return false };
    let lower = |name| http::response(case, name).map(<[u8]>::to_ascii_lowercase).unwrap_or_default();
    match status {
        200..=299 => !lower("content-type").starts_with(b"text/html"),
        302 | 303 => {
            let location = lower("location");
            let own = exchange.path().to_ascii_lowercase();
            let to = Target::reference(&location);
            let back = |word: &str| memchr::memmem::find(&location, word.as_bytes()).is_some();
            !location.is_empty()
                && to.path.bytes != own
                && !["login", "signin", "sign-in", "error", "fail", "denied"].into_iter().any(back)
        }
        _ => false,
    }
}
