//! Secrets that are told by their format.

use super::{Found, PROVIDER_KEY, PROVIDER_PUBLIC, PROVIDER_SECRET, Parts};
use crate::message::{Location, Place, StoredHead};
use crate::token::{api_key_name, find_secret_formats};

/// Different secrets of one exchange that are named.
const MANY: usize = 8;

/// Pages of maps and of Firebase carry it; what it opens is restricted otherwise, or not.
const GOOGLE: &str = "Google API key";

/// Looks for them in heads and bodies. Each is named for what it is, never by its text.
pub(super) fn formats(parts: Parts<'_>, found: &mut Found) {
    for (head, body) in [(parts.request, parts.request_body), (parts.response, parts.response_body)] {
        if let Some(head) = head.filter(|head| touches(head.text())) {
            in_head(head, found);
        }
        find_secret_formats(body, &mut |_, name| add(found, PROVIDER_SECRET, Location::Body, name));
    }
}

/// Most heads have none: one search over the whole tells.
fn touches(text: &[u8]) -> bool {
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
