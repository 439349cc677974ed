//! Marks of responses.

use super::{
    CODE_GRANT, DPOP_TYPE, ERROR_SIGNATURE, Found, GRAPHQL_ERRORS, HSTS, JWKS, KEY, LOGIN_FORM_HTTP,
    LOGIN_PAGE, METADATA, OAUTH_CODE, OAUTH_CODE_LOOPBACK, OAUTH_IMPLICIT, OAUTH_REFRESH, REFRESH_GRANT,
    SAML, TO_HTTP, TO_HTTPS, TOKEN_RESPONSE, VERBOSE_ERROR, code_in, is_loopback, key_log,
};
use crate::message::{Location, StoredHead, Target};
use memchr::memmem::Finder;
use std::sync::LazyLock;

pub(super) fn fields(head: &StoredHead, found: &mut Found) {
    if head.field("strict-transport-security").is_some() {
        found.add(HSTS, Location::Header, b"strict-transport-security");
    }
    if matches!(head.status, 400 | 401 | 403)
        && let Some(challenge) = head.field("www-authenticate")
    {
        // What it says of the error, not which algorithms there are (RFC 6750 section 3, RFC 9449 section 7.1).
        let said =
            memchr::memmem::find(challenge, b"error_description").map_or(&b""[..], |at| &challenge[at..]);
        let said = said.split(|b| *b == b'"').nth(1).unwrap_or_default();
        error(said, Location::Header, b"www-authenticate", found);
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

/// Marks of a body; `telling`: it has one of the words that [`telling`] gives.
pub(super) fn body(status: u16, bytes: &[u8], telling: bool, found: &mut Found) {
    if matches!(status, 400 | 401 | 403 | 422) {
        error(bytes, Location::Body, b"error", found);
    }
    if !(200..300).contains(&status) {
        return;
    }
    let first = bytes.trim_ascii_start().first();
    let beginning = &bytes[..bytes.len().min(DOCUMENT)];
    if telling && matches!(first, Some(b'{' | b'[' | b'-')) {
        document(beginning, first == Some(&b'{'), found);
    }
    match first {
        Some(b'{') => granted(beginning, found),
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

/// A document that says one of the words that tell what it is.
fn document(bytes: &[u8], object: bool, found: &mut Found) {
    let has = |needle: &&str| memchr::memmem::find(bytes, needle.as_bytes()).is_some();
    if KEYS.iter().any(has) {
        found.add(KEY, Location::Body, b"key");
    }
    for (mark, needles, name) in JSON_MARKS {
        if object && needles.iter().all(has) {
            found.add(*mark, Location::Body, name.as_bytes());
        }
    }
}

/// A response of a token endpoint, looked at only where the request asks for tokens.
fn granted(bytes: &[u8], found: &mut Found) {
    let has = |needle: &[u8]| memchr::memmem::find(bytes, needle).is_some();
    if found.marks.0 & (REFRESH_GRANT | CODE_GRANT) != 0 && has(b"\"access_token\"") {
        found.marks.set(TOKEN_RESPONSE);
    }
    if found.proof && has(b"\"token_type\"") && (has(b"\"DPoP\"") || has(b"\"dpop\"")) {
        found.marks.set(DPOP_TYPE);
    }
}

/// Errors of GraphQL come with status 200.
pub(super) fn graphql(path: &[u8], bytes: &[u8], found: &mut Found) {
    let document = bytes.trim_ascii_start();
    let document = &document[..document.len().min(DOCUMENT)];
    if document.starts_with(b"{")
        && GRAPHQL.find(path).is_some()
        && memchr::memmem::find(document, b"\"errors\"").is_some()
    {
        found.marks.set(GRAPHQL_ERRORS);
    }
}

/// What paths of GraphQL endpoints have in them.
static GRAPHQL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("graphql"));

/// What an error tells beside the fact that the token is not valid.
fn error(bytes: &[u8], location: Location, name: &[u8], found: &mut Found) {
    /// Where errors say what is wrong.
    const BEGINNING: usize = 4 << 10;
    let text = bytes[..bytes.len().min(BEGINNING)].to_ascii_lowercase();
    let has = |needle: &&str| memchr::memmem::find(&text, needle.as_bytes()).is_some();
    let compared = has(&"signature") && EXPECTED.iter().any(has);
    if compared || INTERNALS.iter().any(has) {
        found.add(VERBOSE_ERROR, location, name);
    }
    let long = |rest: &[u8]| {
        let quoted = rest.trim_ascii_start();
        let runs = quoted.split(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/')));
        runs.take(4).any(|run| run.len() >= SIGNATURE)
    };
    let named = |word: &&str| {
        memchr::memmem::find_iter(&text, word.as_bytes()).take(8).any(|at| long(&text[at + word.len()..]))
    };
    if compared && EXPECTED.iter().any(named) {
        found.add(ERROR_SIGNATURE, location, name);
    }
}

/// Characters of the shortest signature of a registered algorithm: HS256 in base64url.
const SIGNATURE: usize = 43;

/// How an error puts what would have been right.
const EXPECTED: [&str; 4] = ["expected", "computed", "calculated", "should be"];

/// What only the inside of a server knows, in lower case: algorithms, keys, files and stacks.
const INTERNALS: [&str; 30] = [
    "hs256",
    "hs384",
    "hs512",
    "rs256",
    "rs384",
    "rs512",
    "ps256",
    "es256",
    "es384",
    "es512",
    "eddsa",
    "secretorpublickey",
    "-----begin",
    "signing key",
    "public key",
    "secret key",
    "key id",
    "\"kid\"",
    "traceback (most recent",
    "\n    at ",
    "\\n    at ",
    "node_modules",
    "/usr/",
    "/home/",
    "/app/",
    ".java:",
    ".py\"",
    ".go:",
    ".rb:",
    "sql syntax",
];

/// Bytes of a document in which the members that tell it are looked for: they stand at its beginning.
const DOCUMENT: usize = 16 << 10;

/// What a document with a key in it has.
const KEYS: [&str; 2] = ["\"kty\"", "-----BEGIN "];

/// Documents that are known by members that they all have: the mark, the members and the name of its place.
const JSON_MARKS: &[(u64, &[&str], &str)] = &[
    (JWKS, &["\"kty\"", "\"keys\""], "$.keys"),
    (METADATA, &["\"jwks_uri\"", "\"issuer\""], "$.jwks_uri"),
    (OAUTH_REFRESH, &["\"refresh_token\""], "$.refresh_token"),
];

/// Words of which every such document has one, beside "-----BEGIN": most have none, which one search tells.
pub(super) fn telling() -> impl Iterator<Item = &'static str> {
    JSON_MARKS.iter().filter_map(|(_, needles, _)| needles.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_with_a_key_is_told_by_its_words() {
        assert!(KEYS.iter().all(|key| telling().any(|word| word == *key) || key.starts_with("-----BEGIN")));
    }
}
