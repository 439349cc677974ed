//! Credentials that a client takes along when it is redirected.

use super::super::memory::{Given, Memory, Wants};
use super::super::recent::Recent;
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject, http};
use super::{TokenId, presented};
use crate::limits::{LIFE_ENDS, REDIRECTS};
use crate::message::{Channel, Exchange, Target, host_of, name_of, same_site};
use crate::tally::Tally;
use crate::time::{SECOND, Timestamp};
use smallvec::SmallVec;
use std::net::IpAddr;

pub(in super::super) const FAMILY: Family = Family {
    name: "redirect",
    doc: "Whether the token came along with a redirect.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(|c| followed(c).is_none()),
    undecided: None,
    source: Source::memory::<Redirects>(),
    fields: &[
        Field {
            name: "redirect.from",
            ty: Type::Str,
            doc: "Origin whose redirect the request follows, with the same token as the request that was redirected; missing if it follows none to another origin.",
            get: |c| Value::or_missing(followed(c).map(|(jump, _)| &*jump.from)),
        },
        Field {
            name: "redirect.kind",
            ty: Type::Str,
            doc: "Where that led: \"other-site\", \"same-site\" (another host or port of it), \"to-http\" (the same host, without TLS).",
            get: |c| Value::or_missing(followed(c).map(|(_, kind)| kind)),
        },
    ],
};

/// The latest redirects that answered requests with tokens, by client and token.
pub(in super::super) struct Redirects {
    known: Recent<(Option<IpAddr>, TokenId), SmallVec<[Jump; 1]>>,
}

struct Jump {
    from: Box<str>,
    to: Box<str>,
    /// Path and query, as the follower sends them.
    target: Box<[u8]>,
    time: Timestamp,
}

/// How soon a client follows.
const SOON: i64 = 60 * SECOND;

impl Memory for Redirects {
    fn new(_: &Given) -> Self {
        Self { known: Recent::new(REDIRECTS) }
    }

    fn wants() -> Wants {
        Wants { tokens: true, ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let (Some(sighting), Some(exchange)) = (case.sighting, case.exchange) else { return };
        let redirects = matches!(exchange.status(), Some(301 | 302 | 303 | 307 | 308));
        let Some(jump) = redirects.then(|| jump(case, exchange)).flatten().filter(|_| presented(case)) else {
            return;
        };
        let key = (sighting.transport.client.map(|c| c.addr), sighting.token.id());
        match self.known.touch(&key) {
            Some(jumps) => {
                if jumps.len() >= LIFE_ENDS {
                    jumps.remove(0);
                }
                jumps.push(jump);
            }
            None => {
                if self.known.insert(key, SmallVec::from_iter([jump])).is_some() {
                    tally.weird("redirects_evicted");
                }
            }
        }
    }
}

/// Where an exchange redirects to, if that is another origin.
fn jump(case: &Case<'_>, exchange: &Exchange) -> Option<Jump> {
    let location = Target::reference(http::response(case, "location")?);
    let from = origin(exchange)?;
    let secure = match location.scheme {
        Some(scheme) => scheme.bytes.eq_ignore_ascii_case(b"https"),
        None => from.starts_with("https:"),
    };
    let to = named(secure, &host_of(location.host?.bytes));
    let mut target = location.path.bytes.to_vec();
    if target.is_empty() {
        target.push(b'/');
    }
    if let Some(query) = location.query {
        target.push(b'?');
        target.extend_from_slice(query.bytes);
    }
    let time = exchange.position().time;
    (from != to).then(|| Jump { from: from.into(), to: to.into(), target: target.into(), time })
}

/// Scheme, host and port of a request (RFC 6454 section 4).
fn origin(exchange: &Exchange) -> Option<String> {
    Some(named(exchange.transport.channel != Channel::Cleartext, exchange.host()?))
}

fn named(secure: bool, host: &str) -> String {
    let (scheme, port) = if secure { ("https", ":443") } else { ("http", ":80") };
    format!("{scheme}://{}", host.strip_suffix(port).unwrap_or(host))
}

fn followed<'a>(case: &Case<'a>) -> Option<(&'a Jump, &'static str)> {
    let (sighting, redirects) = (case.sighting?, case.memory::<Redirects>()?);
    let key = (sighting.transport.client.map(|c| c.addr), sighting.token.id());
    let jumps = redirects.known.get(&key)?;
    let exchange = case.exchange.filter(|_| presented(case))?;
    let (to, target, time) = (origin(exchange)?, exchange.target()?, exchange.position().time);
    // The target of a request through a proxy is absolute.
    let target = if target.starts_with(b"/") { target.to_vec() } else { relative(target) };
    let jump = jumps.iter().rev().find(|jump| {
        *jump.to == *to && *jump.target == *target && (0..=SOON).contains(&time.since(jump.time))
    })?;
    let host = |origin: &'a str| name_of(origin.split_once("://").map_or(origin, |(_, host)| host));
    let kind = if !same_site(host(&jump.from), host(&jump.to)) {
        "other-site"
    } else if jump.from.starts_with("https:") && jump.to.starts_with("http:") {
        "to-http"
    } else if host(&jump.from) == host(&jump.to)
        && jump.to.starts_with("https:")
        && jump.from.starts_with("http:")
    {
        // The same host asks for TLS: that is another rule's business.
        return None;
    } else {
        "same-site"
    };
    Some((jump, kind))
}

fn relative(target: &[u8]) -> Vec<u8> {
    let target = Target::parse(target);
    let mut text = target.path.bytes.to_vec();
    if let Some(query) = target.query {
        text.push(b'?');
        text.extend_from_slice(query.bytes);
    }
    text
}
