//! Where a finding is, and what it is about.

use crate::facts::{Case, Entity, Subject};
use crate::finding::{Finding, Identity};
use crate::message::{Exchange, Position};
use crate::rules::Severity;
use crate::time::Timestamp;
use crate::token::Token;
use std::borrow::Cow;

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
        route: case.exchange.and_then(Exchange::route).map(str::to_owned),
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

/// What a finding is about but for its rule ([`Identity`]), borrowed from the case.
#[derive(Debug, Default, Hash)]
pub(super) struct Scene<'a> {
    host: Cow<'a, str>,
    route: &'a str,
    location: &'a str,
    name: Option<&'a str>,
    key: &'a str,
}

impl<'a> Scene<'a> {
    /// What stays the same when the same traffic is recorded again.
    pub(super) fn of(case: &Case<'a>, about_key: bool) -> Self {
        let this = Self { host: case.host().unwrap_or_default(), ..Self::default() };
        if let Some(entity) = case.entity {
            return about(entity, this);
        }
        if about_key {
            let iss = case.sighting.and_then(|s| s.token.claim("iss")?.as_str());
            return Self { key: iss.unwrap_or_default(), ..this };
        }
        let route = case.exchange.and_then(Exchange::route).unwrap_or_default();
        let place = case.sighting.map(|s| &s.place).or_else(|| case.marked().next());
        let (location, name) = match (case.login, place) {
            (Some(login), _) => (LOGIN, Some(&*login.mechanism)),
            (None, Some(place)) => (place.location.as_str(), place.name.as_deref()),
            (None, None) => ("", None),
        };
        Self { route, location, name, ..this }
    }

    pub(super) fn identity(self, rule: &str) -> Identity {
        let mut place = self.location.to_owned();
        if let Some(name) = self.name {
            place.push(' ');
            place.push_str(name);
        }
        let (rule, host, route) = (rule.to_owned(), self.host.into_owned(), self.route.to_owned());
        Identity { rule, host, route, place, key: self.key.to_owned() }
    }
}

/// A key or issuer is told by its name; a host by that alone, and a client by nothing but its rule, so that the same
/// traffic recorded elsewhere has the same fingerprint.
fn about<'a>(entity: &'a Entity, scene: Scene<'a>) -> Scene<'a> {
    match entity.subject {
        Subject::Host => Scene { host: Cow::Borrowed(&entity.name), ..scene },
        Subject::Client => scene,
        _ => Scene { key: &entity.name, ..scene },
    }
}

/// Where the findings about logins are.
const LOGIN: &str = "login";

pub(super) fn packet_time(case: &Case<'_>) -> Timestamp {
    Case { now: None, ..*case }.time()
}

pub(super) fn short(token: &Token) -> u64 {
    token.sha256().first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
}
