//! Path templates: what is left of a path when its identifiers are taken out, so that recorded again it is the same.

use super::url::percent_decode_twice;
use memchr::memmem::Finder;
use std::fmt::Write;
use std::hash::Hasher;
use std::sync::LazyLock;

/// The template of a path: segments that are numeric, a UUID, hex of 8 or more, base64url of 16 or more, or a
/// token become `{id}` (the contract's words, taken by the letter: a long word such as
/// `authentication-server` is base64url too). So does every value of a matrix parameter, which may be a credential of
/// any form. A query is dropped.
pub fn path_template(path: &[u8]) -> String {
    let end = memchr::memchr2(b'?', b'#', path).unwrap_or(path.len());
    let mut out = String::with_capacity(end);
    for (i, segment) in path.get(..end).unwrap_or_default().split(|&b| b == b'/').enumerate() {
        if i > 0 {
            out.push('/');
        }
        for (j, part) in segment.split(|&b| b == b';').enumerate() {
            if j > 0 {
                out.push(';');
            }
            match memchr::memchr(b'=', part).filter(|_| j > 0) {
                Some(equals) => {
                    push(&mut out, &part[..equals]);
                    out.push_str("={id}");
                }
                None => push(&mut out, part),
            }
        }
    }
    out
}

/// Feeds the template of a path to a hasher, without making it.
pub fn hash_template(path: &[u8], hasher: &mut impl Hasher) {
    let end = memchr::memchr2(b'?', b'#', path).unwrap_or(path.len());
    for segment in path.get(..end).unwrap_or_default().split(|&b| b == b'/') {
        // A matrix parameter may be a credential of any form: it does not tell routes apart.
        let plain = memchr::memchr(b';', segment).map_or(segment, |end| &segment[..end]);
        let id = is_id(&percent_decode_twice(plain));
        hasher.write_u8(b'/');
        hasher.write(if id { b"{id}" } else { plain });
    }
}

/// Whether an answer at this path says nothing about the credentials that came with the question: it is a static file, a
/// check of health, or one of the endpoints that tokens are got from and given back to.
pub fn answers_for_itself(path: &[u8]) -> bool {
    let end = memchr::memchr2(b'?', b'#', path).unwrap_or(path.len());
    let path = path.get(..end).unwrap_or_default();
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let last = memchr::memrchr(b'/', path).and_then(|at| path.get(at + 1..)).unwrap_or(path);
    let extension = memchr::memrchr(b'.', last).and_then(|at| last.get(at + 1..));
    extension.is_some_and(|extension| listed(FILES, extension))
        || listed(ENDPOINTS, last)
        || path.contains(&b'.') && WELL_KNOWN.find(path).is_some()
}

/// In the paths of documents that anybody may read (RFC 8615).
static WELL_KNOWN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("/.well-known/"));

/// Whether a sorted list has a name, in whatever case.
fn listed(names: &[&str], name: &[u8]) -> bool {
    let lower = || name.iter().map(u8::to_ascii_lowercase);
    names.binary_search_by(|known| known.bytes().cmp(lower())).is_ok()
}

/// Extensions of files that browsers fetch for a page.
const FILES: &[&str] = &[
    "avif", "css", "eot", "gif", "ico", "jpeg", "jpg", "js", "map", "mjs", "otf", "png", "svg", "ttf", "txt",
    "wasm", "webp", "woff", "woff2",
];

/// Last segments of paths that answer anybody, or anybody with the right body.
const ENDPOINTS: &[&str] = &[
    "authenticate",
    "authorize",
    "end_session",
    "endsession",
    "health",
    "healthcheck",
    "healthz",
    "introspect",
    "introspection",
    "jwks",
    "live",
    "livez",
    "login",
    "logout",
    "metrics",
    "ping",
    "ready",
    "readyz",
    "refresh",
    "register",
    "revocation",
    "revoke",
    "sign-in",
    "sign-out",
    "sign-up",
    "signin",
    "signout",
    "signup",
    "status",
    "token",
    "tokens",
    "version",
];

fn push(out: &mut String, segment: &[u8]) {
    if is_id(&percent_decode_twice(segment)) {
        out.push_str("{id}");
        return;
    }
    for chunk in segment.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Whether a decoded segment identifies something.
fn is_id(segment: &[u8]) -> bool {
    let hex = || segment.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    let digits = || segment.iter().all(u8::is_ascii_digit);
    let url = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    // Padding is not base64url's, but some send it.
    let plain = segment.trim_ascii_end();
    let plain = plain.strip_suffix(b"==").or(plain.strip_suffix(b"=")).unwrap_or(plain);
    match segment.len() {
        0 => false,
        1..=7 => digits(),
        8..=15 => digits() || segment.iter().all(u8::is_ascii_hexdigit),
        36 if hex() => true,
        _ => plain.iter().all(url) || is_token(segment),
    }
}

/// Whether it has a compact token in it: parts of base64url around two or four dots, or an encoded `{"`.
fn is_token(segment: &[u8]) -> bool {
    let dots = memchr::memchr_iter(b'.', segment).count();
    let part = |part: &[u8]| part.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let long = segment.split(|&b| b == b'.').next().is_some_and(|p| p.len() >= 16);
    memchr::memmem::find(segment, b"eyJ").is_some()
        || (matches!(dots, 2 | 4) && long && segment.split(|&b| b == b'.').all(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers_become_one_word() {
        for (path, template) in [
            ("/", "/"),
            ("", ""),
            ("/users/42/orders/7?x=1", "/users/{id}/orders/{id}"),
            ("/v1/users/me", "/v1/users/me"),
            ("/o/2f1a6c1e-0b1d-4a4e-9f57-0d6f7a1b2c3d/x", "/o/{id}/x"),
            ("/deadbeef/deadbee/DEADBEEF01", "/{id}/deadbee/{id}"),
            ("/blob/abcdefghijklmno/abcdefghijklmnop", "/blob/abcdefghijklmno/{id}"),
            ("/t/eyJhbGciOiJub25lIn0.e30./x", "/t/{id}/x"),
            ("/t/eyJhbGciOiJub25lIn0%2Ee30%252E/x", "/t/{id}/x"),
            ("/app;jsessionid=0123456789abcdef/p;v=1;w=x", "/app;jsessionid={id}/p;v={id};w={id}"),
            ("/file.name.with-many.dots", "/file.name.with-many.dots"),
            ("/a//b/", "/a//b/"),
        ] {
            assert_eq!(path_template(path.as_bytes()), template, "{path}");
        }
        assert_eq!(path_template(b"/\xff"), "/%FF");
    }

    #[test]
    fn what_answers_anybody_is_known_by_its_name() {
        for path in ["/", "/v1/orders", "/v1/token-of-day", "/login/users", "/style.cssx"] {
            assert!(!answers_for_itself(path.as_bytes()), "{path}");
        }
        for path in ["/oauth2/token", "/Login/?next=/", "/a/style.css", "/.well-known/jwks.json", "/healthz"]
        {
            assert!(answers_for_itself(path.as_bytes()), "{path}");
        }
        assert!(FILES.is_sorted() && ENDPOINTS.is_sorted());
    }

    proptest! {
        #[test]
        fn paths_of_one_template_have_one_hash(a in "[a-z0-9/.-]{0,30}", b in "[a-z0-9/.-]{0,30}") {
            use std::hash::{BuildHasher, Hasher};
            let hash = |path: &str| {
                let mut hasher = foldhash::fast::FixedState::default().build_hasher();
                hash_template(path.as_bytes(), &mut hasher);
                hasher.finish()
            };
            prop_assert_eq!(hash(&a), hash(&path_template(a.as_bytes())));
            prop_assert_eq!(hash(&a) == hash(&b), path_template(a.as_bytes()) == path_template(b.as_bytes()));
        }

        #[test]
        fn a_template_is_its_own_template(path in "[a-z0-9/.;=%-]{0,60}") {
            let once = path_template(path.as_bytes());
            prop_assert_eq!(path_template(once.as_bytes()), once);
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(path in proptest::collection::vec(any::<u8>(), 0..80)) {
            path_template(&path);
        }
    }
}
