//! Whether a server accepted a token: the answer is a success, and so would not have been without a valid one.

use super::super::marks::{GRAPHQL_ERRORS, ISSUES_TOKEN, OPEN_ROUTE, REFUSED, SESSION_COOKIE};
use super::super::memory::{Given, Memories, Memory, Wants};
use super::super::recent::Recent;
use super::super::token::{Time, seconds};
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject, http};
use super::{presented, route};
use crate::limits::ROUTES;
use crate::message::Exchange;
use crate::tally::Tally;
use crate::time::{SECOND, Timestamp};

pub(in super::super) const FAMILY: Family = Family {
    name: "acceptance",
    doc: "Whether a server accepted the token, told by how it answers elsewhere; known only at the end of input.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: true,
    rest: Some(|c| !succeeded(c)),
    undecided: None,
    source: Source::memory::<Routes>(),
    fields: &[
        Field {
            name: "accepted.certainty",
            ty: Type::Str,
            doc: "How sure it is that the server accepted the token that a request presents, which it answered with success: \"proved\" (the same method and route answered 401 or 403 elsewhere), \"likely\" (the route was never seen without a token, or the request has other credentials too), \"open\" (it answers anybody); missing if it did not, or at a route that proves nothing (static files, health checks, endpoints of logins and tokens).",
            get: certainty,
        },
        Field {
            name: "accepted.late_by",
            ty: Type::Int,
            doc: "Seconds from exp to the request that was answered with success; by the clock of the capture or the Date of the response, whichever is less. Missing if it was not late.",
            get: |c| Value::or_missing(late_by(c).filter(|by| *by > 0)),
        },
        Field {
            name: "accepted.early_by",
            ty: Type::Int,
            doc: "Seconds from such a request to nbf, likewise. Missing if it was not early.",
            get: |c| Value::or_missing(early_by(c).filter(|by| *by > 0)),
        },
    ],
};

/// How routes answer where no valid token comes with the request.
pub(in super::super) struct Routes {
    known: Recent<String, Answers>,
    /// Latest time of an exchange.
    now: Timestamp,
    closed: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    /// With 401 or 403.
    refused: bool,
    /// With success, to a request without any credential.
    open: bool,
}

/// Packet time after which an answer stands where input has no end: what comes later is no longer waited for.
const SETTLED: i64 = 60 * SECOND;

impl Memory for Routes {
    fn new(_: &Given) -> Self {
        Self { known: Recent::new(ROUTES), now: Timestamp::default(), closed: false }
    }

    fn wants() -> Wants {
        Wants { tokens: true, exchanges: Some(&[REFUSED | OPEN_ROUTE]), ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let (Some(exchange), None) = (case.exchange, case.sighting) else { return };
        self.now = self.now.max(exchange.position().time);
        let (refused, open) = (exchange.marks.has(REFUSED), exchange.marks.has(OPEN_ROUTE));
        if !refused && !open {
            return;
        }
        let Some(route) = route(exchange) else { return };
        if let Some(known) = self.known.touch(&route) {
            known.refused |= refused;
            known.open |= open;
        } else if self.known.insert(route, Answers { refused, open }).is_some() {
            tally.weird("routes_evicted");
        }
    }

    fn close(&mut self, _: &Memories, _: &mut Tally) {
        self.closed = true;
    }
}

impl Routes {
    fn certainty<'a>(&self, exchange: &Exchange, at: Timestamp) -> Value<'a> {
        if !self.closed && self.now.since(at) < SETTLED {
            return Value::Pending;
        }
        let known = route(exchange).and_then(|route| self.known.get(&route)).copied().unwrap_or_default();
        // A DPoP proof belongs to its token.
        let proof = exchange.request.as_ref().is_some_and(|r| r.head.field("dpop").is_some());
        let alone =
            exchange.request_tokens.len() <= 1 + usize::from(proof) && !exchange.marks.has(SESSION_COOKIE);
        Value::str(match known {
            Answers { open: true, .. } => "open",
            Answers { refused: true, .. } if alone => "proved",
            Answers { .. } => "likely",
        })
    }
}

fn certainty<'a>(case: &Case<'a>) -> Value<'a> {
    let (true, Some(exchange)) = (succeeded(case), case.exchange) else { return Value::Missing };
    let at = exchange.position().time;
    case.memory::<Routes>().map_or(Value::Missing, |routes| routes.certainty(exchange, at))
}

/// Whether the request that presents the token was answered with what only a valid one should get.
fn succeeded(case: &Case<'_>) -> bool {
    presented(case) && case.exchange.is_some_and(|exchange| exchange.grants(|| grants(exchange)))
}

fn grants(exchange: &Exchange) -> bool {
    let method = exchange.method().unwrap_or_default();
    let success = exchange.success() == Some(true) || exchange.status() == Some(101);
    let asked = !matches!(method, b"OPTIONS" | b"HEAD");
    // A login or renewal takes what it takes, and hands out a token.
    let issues = method == b"POST" && exchange.marks.has(ISSUES_TOKEN);
    let failed = issues || exchange.marks.has(GRAPHQL_ERRORS);
    success && asked && !failed && !exchange.answers_for_itself() && !http::cache_hit(exchange)
}

/// When the request was made, as the capture has it and as the server does, in seconds since 1970.
fn clocks(case: &Case<'_>) -> Option<[i64; 2]> {
    let time = case.sighting?.position.time;
    let packet = (time != Timestamp::default()).then(|| time.seconds())?;
    let date =
        http::response(case, "date").and_then(|date| Timestamp::parse_date(str::from_utf8(date).ok()?));
    Some([packet, date.map_or(packet, Timestamp::seconds)])
}

fn late_by(case: &Case<'_>) -> Option<i64> {
    let exp = seconds(case, Time::Exp).filter(|_| succeeded(case))?;
    clocks(case)?.into_iter().map(|now| now.saturating_sub(exp)).min()
}

fn early_by(case: &Case<'_>) -> Option<i64> {
    let nbf = seconds(case, Time::Nbf).filter(|_| succeeded(case))?;
    clocks(case)?.into_iter().map(|now| nbf.saturating_sub(now)).min()
}

#[cfg(test)]
mod tests {
    use super::super::tests;
    use super::*;

    fn exchange(path: &str, status: u16, marks: u64, tokens: usize) -> Exchange {
        let request_tokens = vec![crate::message::Location::Header; tokens];
        Exchange { request_tokens, ..tests::exchange(path, &[], (status, &[]), marks) }
    }

    #[test]
    fn acceptance_is_judged_by_how_the_route_answers_elsewhere() {
        let mut routes = Routes::new(&Given::default());
        let mut tally = Tally::default();
        let mut see = |routes: &mut Routes, exchange: Exchange| {
            routes.note(&Case { exchange: Some(&exchange), ..Case::default() }, &mut tally);
        };
        let certainty =
            |routes: &Routes, exchange: Exchange| match routes.certainty(&exchange, Timestamp::default()) {
                Value::Str(text) => text.into_owned(),
                Value::Pending => "pending".to_owned(),
                _ => String::new(),
            };
        assert_eq!(certainty(&routes, exchange("/a/1", 200, 0, 1)), "pending", "the rest may tell");
        see(&mut routes, exchange("/a/2", 401, REFUSED, 0));
        see(&mut routes, exchange("/b/2", 200, OPEN_ROUTE, 0));
        see(&mut routes, exchange("/b/3", 403, REFUSED, 0));
        routes.close(&Memories::default(), &mut Tally::default());
        for (exchange, expected) in [
            (exchange("/a/1", 200, 0, 1), "proved"),
            (exchange("/a/1", 200, 0, 2), "likely"),
            (exchange("/a/1", 200, SESSION_COOKIE, 1), "likely"),
            (exchange("/b/1", 200, 0, 1), "open"),
            (exchange("/c/1", 200, 0, 1), "likely"),
        ] {
            assert_eq!(certainty(&routes, exchange), expected);
        }
    }

    #[test]
    fn routes_are_bounded() {
        let (mut routes, mut tally) = (Routes::new(&Given::default()), Tally::default());
        for n in 0..ROUTES + 10 {
            let exchange = exchange(&format!("/x{n}y"), 401, REFUSED, 0);
            routes.note(&Case { exchange: Some(&exchange), ..Case::default() }, &mut tally);
        }
        assert_eq!((routes.known.len(), tally.weirds.get("routes_evicted")), (ROUTES, Some(&10)));
    }
}
