//! Where a finding is, and what it is about.

use crate::facts::{Case, Entity, Subject};
use crate::finding::{Finding, Identity};
use crate::message::{Exchange, Position, path_template};
use crate::rules::Severity;
use crate::time::Timestamp;
use crate::token::Token;

/// Where the subject was captured, if it was.
pub(super) fn position(case: &Case<'_>) -> Option<Position> {
    case.sighting
        .map(|s| s.position)
        .or_else(|| case.exchange.map(Exchange::position))
        .or_else(|| case.login.map(|l| l.position))
        .or_else(|| case.flow.map(|f| f.tls.as_ref().map_or(f.first, |t| t.position)))
        // A key that the user gave was never captured.
        .or_else(|| case.entity.filter(|e| e.origin.transport.is_some()).map(|e| e.origin.position))
}

/// The parts of a finding that say where it was.
pub(super) fn place(case: &Case<'_>) -> Finding {
    let position = position(case);
    let transport = case.transport();
    let (location, name) = case.sighting.map_or((None, None), |s| {
        (Some(s.place.location.as_str().to_owned()), s.place.name.as_deref().map(str::to_owned))
    });
    let (location, name) = match case.login {
        Some(login) => (Some(LOGIN.to_owned()), Some(login.mechanism.to_string())),
        None => (location, name),
    };
    let (location, name) = match (location, case.marked().next()) {
        (None, Some(place)) => {
            (Some(place.location.as_str().to_owned()), place.name.as_deref().map(str::to_owned))
        }
        (location, _) => (location, name),
    };
    Finding {
        identity: Identity::default(),
        fingerprint: String::new(),
        title: String::new(),
        group: "",
        severity: Severity::Info,
        adjustments: Vec::new(),
        confidence: crate::rules::Confidence::High,
        message: String::new(),
        file: position.map(|p| p.file),
        packet: position.map(|p| p.frame),
        offset: position.map(|p| p.offset),
        time: None,
        flow: position.map(|_| case.flow_number),
        client: transport.and_then(|t| t.client),
        server: transport.and_then(|t| t.server),
        location,
        name,
        host: None,
        route: case.exchange.map(route).filter(|r| !r.is_empty()),
        token: None,
        count: 0,
        first_seen: None,
        last_seen: None,
        tokens: Vec::new(),
        remediation: String::new(),
        references: Vec::new(),
        cwe: Vec::new(),
    }
}

/// What stays the same when the same traffic is recorded again.
pub(super) fn identity(case: &Case<'_>, about_key: bool) -> Identity {
    let mut identity = Identity { host: case.host().unwrap_or_default(), ..Identity::default() };
    if let Some(entity) = case.entity {
        return about(entity, identity);
    }
    if about_key {
        let iss = case.sighting.and_then(|s| s.token.claims()?.get("iss")?.as_str().map(str::to_owned));
        identity.key = iss.unwrap_or_default();
        return identity;
    }
    identity.route = case.exchange.map(route).unwrap_or_default();
    let place = case.sighting.map(|s| &s.place);
    let place = place.or_else(|| case.marked().next());
    if let Some(login) = case.login {
        identity.place = format!("{LOGIN} {}", login.mechanism);
    } else if let Some(place) = place {
        identity.place = place.location.as_str().to_owned();
        if let Some(name) = &place.name {
            identity.place.push(' ');
            identity.place.push_str(name);
        }
    }
    identity
}

/// A key or issuer is told by its name; a host by that alone, and a client by nothing but its rule, so that the same
/// traffic recorded elsewhere has the same fingerprint.
fn about(entity: &Entity, identity: Identity) -> Identity {
    let name = entity.name.to_string();
    match entity.subject {
        Subject::Host => Identity { host: name, ..identity },
        Subject::Client => identity,
        _ => Identity { key: name, ..identity },
    }
}

/// Where the findings about logins are.
const LOGIN: &str = "login";

fn route(exchange: &Exchange) -> String {
    let Some(method) = exchange.method() else { return String::new() };
    let path = crate::message::Target::parse(exchange.target().unwrap_or_default()).path.bytes;
    format!("{} {}", String::from_utf8_lossy(method), path_template(path))
}

pub(super) fn packet_time(case: &Case<'_>) -> Timestamp {
    Case { now: None, ..*case }.time()
}

pub(super) fn short(token: &Token) -> u64 {
    token.sha256().first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
}
