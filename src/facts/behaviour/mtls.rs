//! Tokens that are bound to the certificate of the client (RFC 8705).

use super::super::memory::{Given, Memories, Memory, Wants};
use super::super::recent::Recent;
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject};
use super::presented;
use crate::limits::LIVES;
use crate::message::Direction;
use crate::tally::Tally;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(in super::super) const FAMILY: Family = Family {
    name: "mtls",
    doc: "Tokens that are bound to the certificate of the client (RFC 8705); known when the connection is over.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: true,
    rest: Some(|c| bound_to(c).is_none()),
    undecided: None,
    source: Source::memory::<Connections>(),
    fields: &[Field {
        name: "mtls.problem",
        ty: Type::Str,
        doc: "Why a request with a token that is bound to a certificate (cnf.x5t#S256) does not show it: \"no TLS\", \"no certificate\", \"another certificate\". Missing if it does, if a proxy says which certificate it saw (RFC 9440), or if the handshake could not be read.",
        get: problem,
    }],
};

/// The latest connections with such tokens.
pub(in super::super) struct Connections {
    known: Recent<u64, Shown>,
    closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// The connection is not over.
    Waiting,
    /// The handshake could not be read, or was one that goes on with an earlier session.
    Unread,
    /// The digest of the client's certificate, if it showed one.
    Certificate(Option<[u8; 32]>),
}

impl Memory for Connections {
    fn new(_: &Given) -> Self {
        Self { known: Recent::new(LIVES), closed: false }
    }

    fn wants() -> Wants {
        Wants { tokens: true, tls: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        if let Some(flow) = case.flow {
            let Some(shown) = self.known.touch(&case.flow_number) else { return };
            *shown = match &flow.tls {
                Some(tls) if tls.opened && tls.resumed().is_none() => {
                    let own = tls.chains[Direction::Request.index()].first();
                    Shown::Certificate(own.map(|certificate| certificate.sha256))
                }
                _ => Shown::Unread,
            };
        } else if bound_to(case).is_some()
            && self.known.touch(&case.flow_number).is_none()
            && self.known.insert(case.flow_number, Shown::Waiting).is_some()
        {
            tally.weird("bindings_evicted");
        }
    }

    fn close(&mut self, _: &Memories, _: &mut Tally) {
        self.closed = true;
    }
}

/// The digest of the certificate that a presented token is bound to.
fn bound_to<'a>(case: &Case<'a>) -> Option<&'a str> {
    let digest = case.sighting?.token.claim("cnf")?.get("x5t#S256")?.as_str()?;
    presented(case).then_some(digest)
}

fn problem<'a>(case: &Case<'a>) -> Value<'a> {
    let (Some(bound), Some(exchange)) = (bound_to(case), case.exchange) else { return Value::Missing };
    let proxied = |name: &[u8]| PROXIES.iter().any(|known| name.eq_ignore_ascii_case(known));
    if exchange.request.as_ref().is_some_and(|r| r.head.fields().any(|(name, _)| proxied(name))) {
        return Value::Missing;
    }
    if !exchange.transport.channel.encrypted() {
        return Value::str("no TLS");
    }
    let Some(connections) = case.memory::<Connections>() else { return Value::Missing };
    match connections.known.get(&case.flow_number) {
        Some(Shown::Waiting) if !connections.closed => Value::Pending,
        Some(Shown::Certificate(None)) => Value::str("no certificate"),
        Some(Shown::Certificate(Some(own))) if URL_SAFE_NO_PAD.encode(own) != bound.trim_end_matches('=') => {
            Value::str("another certificate")
        }
        _ => Value::Missing,
    }
}

/// Fields in which proxies pass on the client's certificate.
const PROXIES: [&[u8]; 7] = [
    b"client-cert",
    b"x-forwarded-client-cert",
    b"x-client-cert",
    b"x-ssl-client-cert",
    b"ssl-client-cert",
    b"x-amzn-mtls-clientcert",
    b"x-arr-clientcert",
];
