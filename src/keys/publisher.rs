//! Who published a key, and whose it is.

use crate::limits::METADATA;
use crate::message::{Exchange, Target, host_of, name_of, same_site};
use std::borrow::Cow;

/// Where a key was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// The host, without its port.
    host: Box<str>,
    /// The path, without its query.
    path: Box<str>,
}

impl Publisher {
    /// That of a response from `host` to a request for `target`.
    pub fn new(host: &str, target: &[u8]) -> Self {
        let path = target.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
        Self { host: name_of(host).into(), path: String::from_utf8_lossy(path).into() }
    }

    /// That of the response of an exchange: its host, or else the server's address.
    pub fn of(exchange: &Exchange) -> Self {
        let address = || exchange.transport.server.map(|server| server.addr.to_string()).unwrap_or_default();
        let host = exchange.host().map_or_else(|| address().into(), Cow::Borrowed);
        Self::new(&host, exchange.target().unwrap_or_default())
    }

    fn of_url(url: &str) -> Option<Self> {
        let target = Target::reference(url.as_bytes());
        let host = host_of(target.host?.bytes);
        Some(Self::new(&host, target.path.bytes))
    }
}

/// What metadata says: whose keys stand where (RFC 8414 section 2).
#[derive(Clone, Debug, Default)]
pub(super) struct Metadata(Vec<(String, Publisher)>);

impl Metadata {
    pub(super) fn add(&mut self, issuer: &str, jwks_uri: &str) {
        let Some(publisher) = Publisher::of_url(jwks_uri) else { return };
        let new = (issuer.to_owned(), publisher);
        if self.0.len() < METADATA && !self.0.contains(&new) {
            self.0.push(new);
        }
    }

    /// Whether what was published there is of that issuer; nothing if that is not known. Metadata says it, or the name of
    /// the host does.
    pub(super) fn belongs(&self, publisher: &Publisher, iss: Option<&str>) -> Option<bool> {
        let iss = iss?;
        let mut told = self.0.iter().filter(|(_, known)| known == publisher).peekable();
        if told.peek().is_some() {
            return Some(told.any(|(issuer, _)| issuer.trim_end_matches('/') == iss.trim_end_matches('/')));
        }
        if self.0.iter().any(|(issuer, _)| issuer == iss) {
            // The keys of this issuer stand elsewhere.
            return Some(false);
        }
        let host = host_of(Target::reference(iss.as_bytes()).host?.bytes);
        let host = name_of(&host);
        (host == &*publisher.host || same_site(host, &publisher.host)).then_some(true)
    }
}
