//! Tokens that are good for one use, and names that are.

use super::super::digest;
use super::super::memory::{Given, Memory, Wants};
use super::super::names::names;
use super::super::profile::{self, typ};
use super::super::recent::Recent;
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject};
use super::TokenId;
use crate::limits::LIVES;
use crate::message::{Direction, ExchangeId};
use crate::tally::Tally;
use crate::time::{SECOND, Timestamp};
use crate::token::Role;
use std::net::IpAddr;

pub(in super::super) const FAMILY: Family = Family {
    name: "once",
    doc: "Whether a name that is good for one token, or a token that is good for one use, came before.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(|c| c.memory::<Names>().is_none_or(|names| !names.any) || again(c).is_none()),
    undecided: None,
    source: Source::memory::<Names>(),
    fields: &[
        Field {
            name: "once.jti",
            ty: Type::Str,
            doc: "How the jti came before under the same issuer (for a DPoP proof: the same key): \"one-time\" (in another request with what is good for one, as a DPoP proof, a client assertion, a logout token), \"retry\" (the same bytes on the same connection within five seconds), \"shared\" (in another token of the same use, with other content).",
            get: |c| Value::or_missing(again(c)),
        },
        Field {
            name: "once.proof_replayed",
            ty: Type::Bool,
            doc: "Whether a DPoP proof came before in another request, on another connection or more than five seconds ago.",
            get: |c| Value::Bool(is_proof(c) && again(c) == Some("one-time") && same_bytes(c)),
        },
    ],
};

/// The latest names, with where each came first.
pub(in super::super) struct Names {
    known: Recent<Name, First>,
    /// Some name ever came where it was not first: again in a request, or in another token.
    any: bool,
}

/// Digest of issuer or key, use, and `jti`.
type Name = u128;

struct First {
    token: TokenId,
    /// Digest of the payload: signed again, it is still the same token.
    payload: u128,
    signature: u128,
    flow: u64,
    exchange: Option<ExchangeId>,
    time: Timestamp,
    ends: [Option<IpAddr>; 2],
}

/// How soon a client tries again that got no answer.
const RETRY: i64 = 5 * SECOND;

impl Memory for Names {
    fn new(_: &Given) -> Self {
        Self { known: Recent::roughly(LIVES), any: false }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let (Some(name), Some(sighting)) = (name(case), case.sighting) else { return };
        if let Some(first) = self.known.touch(&name) {
            self.any |= first.token != sighting.token.id() || one_time(case);
            return;
        }
        let first = First {
            token: sighting.token.id(),
            payload: digest(sighting.token.payload()),
            signature: digest(sighting.token.signature()),
            flow: case.flow_number,
            exchange: case.exchange.map(|e| e.id),
            time: sighting.position.time,
            ends: ends(case),
        };
        if self.known.insert(name, first).is_some() {
            tally.weird("names_evicted");
        }
    }
}

fn ends(case: &Case<'_>) -> [Option<IpAddr>; 2] {
    let transport = case.transport();
    [transport.and_then(|t| t.client), transport.and_then(|t| t.server)].map(|end| end.map(|end| end.addr))
}

/// Whether the token is good for one request.
fn one_time(case: &Case<'_>) -> bool {
    let Some(sighting) = case.sighting.filter(|s| s.direction == Some(Direction::Request)) else {
        return false;
    };
    let role = profile::role(case);
    let request_object = sighting.place.name.as_deref() == Some("request");
    matches!(role, Some(Role::DpopProof | Role::ClientAssertion | Role::Logout | Role::SecurityEvent))
        || request_object
        || sighting.token.role() == Role::Credential && typ(&sighting.token) == "kb+jwt"
}

fn is_proof(case: &Case<'_>) -> bool {
    profile::role(case) == Some(Role::DpopProof)
}

fn name(case: &Case<'_>) -> Option<Name> {
    let token = &case.sighting?.token;
    let (by_issuer, name) = names(token).identifier?;
    // A token that was tampered with has the name of the one that it was made from.
    if token.is_encrypted() || token.signature().is_empty() || token.signature_is_void() {
        return None;
    }
    let role = profile::role(case)?;
    if !by_issuer && role != Role::DpopProof {
        return None;
    }
    let role = if one_time(case) { "one-time" } else { role.as_str() };
    Some(digest((name, role)))
}

fn first<'a>(case: &Case<'a>) -> Option<&'a First> {
    case.memory::<Names>()?.known.get(&name(case)?)
}

fn same_bytes(case: &Case<'_>) -> bool {
    first(case).zip(case.sighting).is_some_and(|(first, sighting)| first.token == sighting.token.id())
}

fn again(case: &Case<'_>) -> Option<&'static str> {
    let (first, sighting) = (first(case)?, case.sighting?);
    let same = first.token == sighting.token.id();
    if !one_time(case) {
        // With the signature of the first it was made from it.
        let token = &sighting.token;
        let other =
            !same && first.payload != digest(token.payload()) && first.signature != digest(token.signature());
        return other.then_some("shared");
    }
    let own = first.flow == case.flow_number && first.exchange == case.exchange.map(|e| e.id);
    // What one proxy got, it sent on.
    let [client, server] = ends(case);
    let hop = client.is_some() && client == first.ends[1] || server.is_some() && server == first.ends[0];
    if own || hop {
        return None;
    }
    let soon = sighting.position.time.since(first.time) < RETRY;
    Some(if same && soon && first.flow == case.flow_number { "retry" } else { "one-time" })
}
