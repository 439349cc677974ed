//! What clients and servers do with tokens: what is accepted, and what that says.

pub(super) mod acceptance;
pub(super) mod party;
pub(super) mod session;

use super::Case;
use crate::message::{Direction, Exchange, Location, Target, path_template};
use crate::token::Role;

/// Whether a request presents the token of a case as the credential that it is judged by: in Authorization or a header like
/// it, a cookie, a parameter named like an access token. Proofs, assertions and hints come beside a credential.
fn presented(case: &Case<'_>) -> bool {
    let Some(sighting) = case.sighting else { return false };
    if sighting.direction != Some(Direction::Request) {
        return false;
    }
    let name = sighting.place.name.as_deref().unwrap_or_default();
    let named = || {
        let name = name.rsplit(['.', '$']).next().unwrap_or_default();
        matches!(
            name,
            "access_token" | "accesstoken" | "token" | "jwt" | "auth" | "auth_token" | "authorization"
        )
    };
    let placed = match sighting.place.location {
        Location::Header => !matches!(name, "dpop" | "proxy-authorization" | "location"),
        Location::Cookie | Location::Userinfo => true,
        Location::Query => named(),
        Location::Body => named() && !case.exchange.is_some_and(|e| e.marks.has(super::marks::INTROSPECTION)),
        _ => false,
    };
    let role = super::profile::role(case);
    placed
        && !matches!(
            role,
            Some(
                Role::DpopProof
                    | Role::ClientAssertion
                    | Role::Logout
                    | Role::SecurityEvent
                    | Role::Passport
                    | Role::Refresh
            )
        )
}

/// Host, method and template of the path: requests of one route are answered by one piece of code.
fn route(exchange: &Exchange) -> Option<String> {
    let path = Target::parse(exchange.target()?).path.bytes;
    let method = String::from_utf8_lossy(exchange.method()?);
    Some(format!("{} {method} {}", exchange.host().unwrap_or_default(), path_template(path)))
}
