//! Whether a host tells browsers to come back over TLS only (RFC 6797).

use super::super::marks::HSTS_HOST;
use super::super::memory::{Given, Memory, Wants};
use super::super::recent::Recent;
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject, http};
use crate::limits::ROLL;
use crate::message::{Channel, is_ip_literal};
use crate::tally::Tally;

pub(in super::super) const FAMILY: Family = Family {
    name: "hsts",
    doc: "Whether a host with tokens tells browsers to come back over TLS only (RFC 6797).",
    subjects: &[Subject::Host],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::memory::<Hosts>(),
    fields: &[
        Field {
            name: "host.hsts",
            ty: Type::Str,
            doc: "What its responses inside TLS say: \"missing\" (none has Strict-Transport-Security), \"short\" (no max-age of a year), \"kept\"; missing for addresses and for hosts that were not seen inside TLS.",
            get: |c| Value::or_missing(known(c).map(|host| host.hsts())),
        },
        Field {
            name: "host.browsed",
            ty: Type::Bool,
            doc: "Whether browsers visit it.",
            get: |c| Value::Bool(known(c).is_some_and(|host| host.browsed)),
        },
    ],
};

/// The latest hosts whose responses were seen inside TLS.
pub(in super::super) struct Hosts {
    known: Recent<String, Host>,
}

#[derive(Default)]
struct Host {
    /// The longest max-age, in seconds.
    max_age: Option<i64>,
    browsed: bool,
}

/// A year, in seconds.
const YEAR: i64 = 31_536_000;

impl Host {
    fn hsts(&self) -> &'static str {
        match self.max_age {
            None => "missing",
            Some(age) if age < YEAR => "short",
            Some(_) => "kept",
        }
    }
}

impl Memory for Hosts {
    fn new(_: &Given) -> Self {
        Self { known: Recent::new(ROLL) }
    }

    fn wants() -> Wants {
        Wants { tokens: true, exchanges: Some(&[HSTS_HOST]), ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let Some(exchange) = case.exchange.filter(|_| case.sighting.is_none()) else { return };
        let answered = exchange.status().is_some_and(|status| (200..400).contains(&status));
        if exchange.transport.channel != Channel::TlsDecrypted || !answered {
            return;
        }
        let Some(name) = exchange.host().filter(|name| !is_ip_literal(name)) else { return };
        let field = |name: &str| exchange.request.as_ref().and_then(|r| r.head.field(name));
        let browsed = field("sec-fetch-mode").is_some()
            || field("accept").is_some_and(|accept| memchr::memmem::find(accept, b"text/html").is_some());
        let max_age = http::response(case, "strict-transport-security").and_then(max_age);
        if let Some(host) = self.known.touch(name) {
            host.max_age = host.max_age.max(max_age);
            host.browsed |= browsed;
        } else if self.known.insert(name.to_owned(), Host { max_age, browsed }).is_some() {
            tally.weird("hosts_evicted");
        }
    }
}

/// RFC 6797 section 6.1.1.
fn max_age(value: &[u8]) -> Option<i64> {
    let text = str::from_utf8(value).ok()?.to_ascii_lowercase();
    let age = text.split(';').find_map(|part| part.trim().strip_prefix("max-age")?.trim().strip_prefix('='));
    age?.trim().trim_matches('"').parse().ok()
}

fn known<'a>(case: &Case<'a>) -> Option<&'a Host> {
    case.memory::<Hosts>()?.known.get(&*case.entity?.name)
}
