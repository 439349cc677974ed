//! Where a finding is, and what it is about.

use crate::facts::Case;
use crate::finding::{Finding, Identity};
use crate::message::{Exchange, host_of, path_template};
use crate::rules::Severity;
use crate::time::Timestamp;
use crate::token::Token;

/// The parts of a finding that say where it was.
pub(super) fn place(case: &Case<'_>, flow: u64) -> Finding {
    let position = case
        .sighting
        .map(|s| s.position)
        .or_else(|| case.exchange.map(Exchange::position))
        .or_else(|| case.flow.map(|f| f.tls.as_ref().map_or(f.first, |t| t.position)));
    let transport = case.transport();
    let (location, name) = case.sighting.map_or((None, None), |s| {
        (Some(s.place.location.as_str().to_owned()), s.place.name.as_deref().map(str::to_owned))
    });
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
        flow: position.map(|_| flow),
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
    let sni = || case.flow?.tls.as_ref()?.client.as_ref()?.sni.as_deref().map(|s| host_of(s.as_bytes()));
    let address = || case.transport()?.server.map(|s| s.addr.to_string());
    let host = case.exchange.and_then(Exchange::host).or_else(sni).or_else(address).unwrap_or_default();
    let mut identity = Identity { host, ..Identity::default() };
    if about_key {
        let iss = case.sighting.and_then(|s| s.token.claims()?.get("iss")?.as_str().map(str::to_owned));
        identity.key = iss.unwrap_or_default();
        return identity;
    }
    identity.route = case.exchange.map(route).unwrap_or_default();
    let place = case.sighting.map(|s| &s.place);
    let place = place.or_else(|| case.marked().next());
    if let Some(place) = place {
        identity.place = place.location.as_str().to_owned();
        if let Some(name) = &place.name {
            identity.place.push(' ');
            identity.place.push_str(name);
        }
    }
    identity
}

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
