//! Secrets that are told by their format.

use super::{Found, PROVIDER_KEY, PROVIDER_PUBLIC, PROVIDER_SECRET};
use crate::message::{Location, Place, StoredHead};
use crate::token::{Needles, api_key_name, find_secret_formats, secret_format_at, secret_format_starts};
use smallvec::SmallVec;
use std::sync::LazyLock;

/// Different secrets of one exchange that are named.
const MANY: usize = 8;

/// Pages of maps and of Firebase carry it; what it opens is restricted otherwise, or not.
const GOOGLE: &str = "Google API key";

/// What one search over a response body finds.
#[derive(Default)]
pub(super) struct Body {
    /// It has one of the words without which it is no document that is [looked for](super::response::telling).
    pub(super) telling: bool,
    /// What the secrets in it are.
    secrets: SmallVec<[&'static str; 4]>,
}

static WORDS: LazyLock<Needles> =
    LazyLock::new(|| Needles::new(secret_format_starts().chain(super::response::telling())));

impl Body {
    /// Most have none of either, which is all that is asked then: bodies are long.
    pub(super) fn search(text: &[u8]) -> Self {
        let (mut this, mut from) = (Self::default(), 0);
        let starts = secret_format_starts().len();
        while let Some((at, word)) = WORDS.find(text, from) {
            let (end, name) = secret_format_at(text, at, word);
            from = end;
            // "-----BEGIN" is both.
            this.telling |= word >= starts || text[at] == b'-';
            if let Some(name) = name.filter(|name| !this.secrets.contains(name)) {
                this.secrets.push(name);
            }
        }
        this
    }
}

/// Looks for them in those `heads` that have some, and in bodies. Each is named for what it is, never by its text.
pub(super) fn formats(
    heads: [Option<&StoredHead>; 2],
    request_body: &[u8],
    response_body: &Body,
    found: &mut Found,
) {
    let [request, response] = heads;
    if let Some(head) = request {
        in_head(head, found);
    }
    find_secret_formats(request_body, &mut |_, name| add(found, PROVIDER_SECRET, Location::Body, name));
    if let Some(head) = response {
        in_head(head, found);
    }
    response_body.secrets.iter().for_each(|name| add(found, PROVIDER_SECRET, Location::Body, name));
}

/// Most heads have none: one search over the whole tells.
pub(super) fn touches(text: &[u8]) -> bool {
    let mut any = false;
    find_secret_formats(text, &mut |_, _| any = true);
    any
}

fn in_head(head: &StoredHead, found: &mut Found) {
    find_secret_formats(head.target(), &mut |_, name| add(found, PROVIDER_SECRET, Location::Query, name));
    for (field, value) in head.fields() {
        let field = String::from_utf8_lossy(field).to_ascii_lowercase();
        let presents = matches!(&*field, "authorization" | "proxy-authorization") || api_key_name(&field);
        let bit = if presents && head.status == 0 { PROVIDER_KEY } else { PROVIDER_SECRET };
        find_secret_formats(value, &mut |_, name| add(found, bit, Location::Header, name));
    }
}

fn add(found: &mut Found, bit: u64, location: Location, name: &'static str) {
    let bit = if name == GOOGLE { PROVIDER_PUBLIC } else { bit };
    found.marks.set(bit);
    let place = (bit, Place::named(location, name));
    if !found.places.contains(&place) && found.places.iter().filter(|(known, _)| *known == bit).count() < MANY
    {
        found.places.push(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_search_tells_documents_and_secrets() {
        let key = format!("-----BEGIN PRIVATE KEY-----\\n{}", "MHcCAQEEIIRbE1v7".repeat(3));
        for (text, telling, secrets) in [
            ("{\"a\": 1}", false, &[][..]),
            ("{\"kty\": \"RSA\"}", true, &[]),
            ("{\"jwks_uri\": \"ghp_\"}", true, &[]),
            (&format!("{key} {key}"), true, &["private key"]),
            ("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", false, &["GitHub token"]),
            ("ghp_\"refresh_token\"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", true, &["GitHub token"]),
        ] {
            let body = Body::search(text.as_bytes());
            assert_eq!((body.telling, &body.secrets[..]), (telling, secrets), "{text}");
        }
    }
}
