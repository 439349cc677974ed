//! What many cases have in common: a key, a host, a client or an issuer, judged when it is over.

use super::{Case, Subject};
use crate::message::{Exchange, Position, Transport, host_of};
use crate::time::Timestamp;
use crate::token::Token;
use std::{borrow::Cow, sync::Arc};

/// A key, a host, a client or an issuer.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Which of them.
    pub subject: Subject,
    /// Thumbprint, name, address or `iss`: findings about it are told apart by it.
    pub name: Box<str>,
    /// Where it was seen first.
    pub origin: Origin,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// How often it was seen.
    pub count: u64,
}

/// Where something was seen first.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Its first byte.
    pub position: Position,
    /// What carried it; nothing for a key that the user gave.
    pub transport: Option<Transport>,
    /// Number of the flow in the run.
    pub flow: u64,
    /// Host that it was sent to or came from, if that was named.
    pub host: Option<Box<str>>,
    /// The token that it was seen with.
    pub token: Option<Arc<Token>>,
}

impl Origin {
    /// Where the subject of a case was seen.
    pub fn of(case: &Case<'_>) -> Self {
        let position = case
            .sighting
            .map(|s| s.position)
            .or_else(|| case.exchange.map(Exchange::position))
            .or_else(|| case.flow.map(|f| f.tls.as_ref().map_or(f.first, |t| t.position)));
        Self {
            position: position.unwrap_or_default(),
            transport: case.transport().copied(),
            flow: case.flow_number,
            host: case.host().map(Into::into),
            token: case.sighting.map(|s| Arc::clone(&s.token)),
        }
    }
}

impl<'a> Case<'a> {
    /// The host that the subject was sent to or came from: that of the request, else the server name of the TLS session,
    /// else the server's address.
    pub fn host(&self) -> Option<Cow<'a, str>> {
        if let Some(entity) = self.entity {
            return entity.origin.host.as_deref().map(Cow::Borrowed);
        }
        let sni = || self.flow?.tls.as_ref()?.client.as_ref()?.sni.as_deref().map(|s| host_of(s.as_bytes()));
        let address = || self.transport()?.server.map(|s| s.addr.to_string());
        let named = self.exchange.and_then(Exchange::host).map(Cow::Borrowed);
        named.or_else(|| sni().or_else(address).map(Cow::Owned))
    }
}
