//! What may be redeemed once: refresh tokens and authorization codes.

use super::super::marks::{CODE_GRANT, ISSUES_TOKEN, REFRESH_GRANT, TOKEN_RESPONSE};
use super::super::memory::{Given, Memory, Wants};
use super::super::recent::Recent;
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject};
use super::client;
use crate::limits::REDEEMED;
use crate::message::{Exchange, Position};
use crate::tally::Tally;
use crate::time::SECOND;
use std::net::IpAddr;

pub(in super::super) const FAMILY: Family = Family {
    name: "grant",
    doc: "Whether the request redeems what was redeemed before.",
    subjects: &[Subject::Exchange],
    about_key: false,
    steady: false,
    late: false,
    rest: None,
    undecided: None,
    source: Source::memory::<Redeemed>(),
    fields: &[
        Field {
            name: "grant.reused",
            ty: Type::Str,
            doc: "What this request and an earlier one redeemed, both with success: \"refresh token\" (ten seconds are left to the same client for retries) or \"code\".",
            get: |c| Value::or_missing(reused(c).map(|(what, _)| what)),
        },
        Field {
            name: "grant.after",
            ty: Type::Int,
            doc: "Seconds between the two.",
            get: |c| Value::or_missing(reused(c).map(|(_, after)| after)),
        },
    ],
};

/// What was redeemed with success, and where first: by the digest of the value.
pub(in super::super) struct Redeemed {
    known: Recent<(u64, [u8; 16]), First>,
}

struct First {
    position: Position,
    client: Option<IpAddr>,
}

/// How long a client may try again that did not get the answer, in nanoseconds.
const RETRY: i64 = 10 * SECOND;

impl Memory for Redeemed {
    fn new(_: &Given) -> Self {
        Self { known: Recent::new(REDEEMED) }
    }

    fn wants() -> Wants {
        Wants { exchanges: Some(&[REFRESH_GRANT | CODE_GRANT]), ..Wants::default() }
    }

    fn note(&mut self, case: &Case<'_>, tally: &mut Tally) {
        let Some(exchange) = case.exchange.filter(|e| case.sighting.is_none() && granted(e)) else { return };
        for spent in &exchange.spent {
            if self.known.touch(spent).is_none() {
                let first = First { position: exchange.position(), client: client(case) };
                if self.known.insert(*spent, first).is_some() {
                    tally.weird("grants_evicted");
                }
            }
        }
    }
}

fn granted(exchange: &Exchange) -> bool {
    exchange.success() == Some(true) && exchange.marks.0 & (TOKEN_RESPONSE | ISSUES_TOKEN) != 0
}

fn reused(case: &Case<'_>) -> Option<(&'static str, i64)> {
    let exchange = case.exchange.filter(|e| granted(e))?;
    let known = &case.memory::<Redeemed>()?.known;
    exchange.spent.iter().find_map(|spent| {
        let first = known.get(spent).filter(|first| first.position != exchange.position())?;
        let after = exchange.position().time.since(first.position.time);
        let refresh = spent.0 == REFRESH_GRANT;
        let retry = refresh && after < RETRY && client(case) == first.client;
        (!retry).then_some((if refresh { "refresh token" } else { "code" }, after / SECOND))
    })
}
