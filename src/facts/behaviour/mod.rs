//! What clients and servers do with tokens: what is accepted, and what that says.

pub(super) mod acceptance;
pub(super) mod dpop;
pub(super) mod ends;
pub(super) mod grant;
pub(super) mod hsts;
pub(super) mod mtls;
pub(super) mod once;
pub(super) mod party;
pub(super) mod probe;
pub(super) mod redirect;
pub(super) mod replay;
pub(super) mod session;
#[cfg(test)]
mod tests;

use super::Case;
use crate::message::{Called, Direction, Exchange, Location};
use crate::token::Role;
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr};

/// Whether a request presents the token of a case as the credential that it is judged by: in Authorization or a header like
/// it, a cookie, a parameter named like an access token. Proofs, assertions and hints come beside a credential.
fn presented(case: &Case<'_>) -> bool {
    let Some(sighting) = case.sighting else { return false };
    if sighting.direction != Some(Direction::Request) {
        return false;
    }
    let named =
        || matches!(sighting.place.called(), Called::AccessToken | Called::Authorization | Called::Token);
    let name = || sighting.place.name.as_deref().unwrap_or_default();
    let placed = match sighting.place.location {
        Location::Header => !matches!(name(), "dpop" | "proxy-authorization" | "location"),
        Location::Cookie | Location::Userinfo => true,
        Location::Query => named(),
        Location::Body => named() && !case.exchange.is_some_and(|e| e.marks.has(super::marks::INTROSPECTION)),
        _ => false,
    };
    let beside = || {
        matches!(
            super::profile::role(case),
            Some(
                Role::DpopProof
                    | Role::ClientAssertion
                    | Role::Logout
                    | Role::SecurityEvent
                    | Role::Passport
                    | Role::Refresh
            )
        )
    };
    placed && !beside()
}

/// Host, method and template of the path: requests of one route are answered by one piece of code.
fn route(exchange: &Exchange) -> Option<String> {
    Some(format!("{} {}", exchange.host().unwrap_or_default(), exchange.route()?))
}

/// [`Token::id`].
type TokenId = u128;

/// Who sent a request: whom a proxy says that it forwards for (RFC 7239), else the address that it came from.
fn client(case: &Case<'_>) -> Option<IpAddr> {
    let forwarded = || {
        let head = &case.exchange?.request.as_ref()?.head;
        // Most requests have none of these.
        if !FORWARDED.iter().any(|name| head.may_have(name)) {
            return None;
        }
        let forwarded =
            |name: &[u8]| FORWARDED.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        let (_, value) = head.fields().find(|(name, _)| forwarded(name))?;
        let first = value.split(|b| matches!(b, b',' | b';')).find_map(|part| {
            let part = part.trim_ascii();
            let named = memchr::memchr(b'=', part).map(|at| part.split_at(at));
            match named {
                Some((name, value)) if name.eq_ignore_ascii_case(b"for") => value.get(1..),
                Some(_) => None,
                None => Some(part),
            }
        })?;
        let text = str::from_utf8(first).ok()?.trim_matches('"');
        text.parse()
            .ok()
            .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
            .or_else(|| text.strip_prefix('[')?.split(']').next()?.parse().ok())
    };
    forwarded().or_else(|| Some(case.transport()?.client?.addr))
}

const FORWARDED: [&str; 5] =
    ["forwarded", "x-forwarded-for", "x-real-ip", "cf-connecting-ip", "true-client-ip"];

/// What program sent a request: its User-Agent without numbers, which change with every update.
fn device(exchange: &Exchange) -> Option<u64> {
    let agent = exchange.request.as_ref()?.head.field("user-agent").filter(|agent| !agent.is_empty())?;
    let mut hasher = FixedState::default().build_hasher();
    agent.iter().filter(|b| !b.is_ascii_digit()).for_each(|b| hasher.write_u8(*b));
    Some(hasher.finish())
}
