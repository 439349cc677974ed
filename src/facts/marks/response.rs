//! Marks of responses.

use super::{
    Found, HSTS, JWKS, LOGIN_FORM_HTTP, LOGIN_PAGE, METADATA, OAUTH_CODE, OAUTH_CODE_LOOPBACK,
    OAUTH_IMPLICIT, OAUTH_REFRESH, SAML, TO_HTTP, TO_HTTPS, code_in, is_loopback, key_log,
};
use crate::message::{Location, StoredHead, Target};
use memchr::memmem::Finder;
use std::sync::LazyLock;

pub(super) fn fields(head: &StoredHead, found: &mut Found) {
    if head.field("strict-transport-security").is_some() {
        found.add(HSTS, Location::Header, b"strict-transport-security");
    }
    if !(300..400).contains(&head.status) {
        return;
    }
    let Some(location) = head.field("location") else { return };
    let target = Target::reference(location);
    let scheme = target.scheme.map_or(&b""[..], |s| s.bytes);
    if scheme.eq_ignore_ascii_case(b"https") {
        found.marks.set(TO_HTTPS);
    } else if scheme.eq_ignore_ascii_case(b"http") && !target.host.is_some_and(|h| is_loopback(h.bytes)) {
        found.marks.set(TO_HTTP);
    }
    if code_in(target.query.unwrap_or_default().bytes) {
        found.add(OAUTH_CODE, Location::Header, b"location");
        if target.host.is_some_and(|h| is_loopback(h.bytes)) {
            found.marks.set(OAUTH_CODE_LOOPBACK);
        }
    }
    let fragment = target.fragment.unwrap_or_default().bytes;
    if form_urlencoded::parse(fragment).any(|(n, v)| n == "access_token" && !v.is_empty()) {
        found.add(OAUTH_IMPLICIT, Location::Fragment, b"access_token");
    }
}

pub(super) fn body(head: &StoredHead, bytes: &[u8], found: &mut Found) {
    if !(200..300).contains(&head.status) {
        return;
    }
    match bytes.trim_ascii_start().first() {
        Some(b'{') => {
            let bytes = &bytes[..bytes.len().min(DOCUMENT)];
            for (mark, needles, name) in &*JSON_MARKS {
                if needles.iter().all(|n| n.find(bytes).is_some()) {
                    found.add(*mark, Location::Body, name.as_bytes());
                }
            }
        }
        Some(b'<') => {
            let lower = bytes.to_ascii_lowercase();
            let has = |needle: &str| memchr::memmem::find(&lower, needle.as_bytes()).is_some();
            if has("type=\"password\"") || has("type=password") || has("type='password'") {
                found.add(LOGIN_PAGE, Location::Body, b"input type=password");
                if has("action=\"http:") || has("action=http:") || has("action='http:") {
                    found.add(LOGIN_FORM_HTTP, Location::Body, b"form action");
                }
            }
            if has("<saml:assertion") || has("<saml2:assertion") || has("<assertion ") {
                found.add(SAML, Location::Body, b"assertion");
            }
        }
        _ => {}
    }
    key_log(bytes, found);
}

/// Bytes of a document in which the members that tell it are looked for: they stand at its beginning.
const DOCUMENT: usize = 16 << 10;

type JsonMark = (u64, Vec<Finder<'static>>, &'static str);

/// Documents that are known by members that they all have. The searches are prepared once.
static JSON_MARKS: LazyLock<[JsonMark; 3]> = LazyLock::new(|| {
    let finders = |needles: &'static [&'static str]| needles.iter().map(Finder::new).collect();
    [
        (JWKS, finders(&["\"kty\"", "\"keys\""]), "$.keys"),
        (METADATA, finders(&["\"jwks_uri\"", "\"issuer\""]), "$.jwks_uri"),
        (OAUTH_REFRESH, finders(&["\"refresh_token\""]), "$.refresh_token"),
    ]
});
