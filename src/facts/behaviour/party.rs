//! Who gets a token that is no part of the service.

use super::super::token::token;
use super::super::value::{Type, Value};
use super::super::{Case, Family, Field, Source, Subject, audience};
use crate::message::{Direction, Exchange, Target, host_of, name_of, registrable_domain};
use foldhash::HashMap;
use std::sync::LazyLock;

pub(in super::super) const FAMILY: Family = Family {
    name: "party",
    doc: "Who gets a token that is no part of the service.",
    subjects: &[Subject::Sighting],
    about_key: false,
    steady: false,
    late: false,
    rest: Some(|c| c.exchange.and_then(Exchange::host).is_none_or(|host| listed(name_of(host)).is_none())),
    undecided: None,
    source: Source::Pure,
    fields: &[Field {
        name: "party.kind",
        ty: Type::Str,
        doc: "What the host that a request carries the token to is known for: \"advertising\", \"analytics\", \"cdn\", \"error monitoring\"; missing for other hosts, for those of the configuration, and if the token is issued by or meant for the host.",
        get: |c| Value::or_missing(kind(c)),
    }],
};

fn kind(case: &Case<'_>) -> Option<&'static str> {
    let sighting = case.sighting.filter(|s| s.direction == Some(Direction::Request))?;
    let host = case.exchange?.host()?;
    let name = name_of(host);
    let kind = listed(name)?;
    let iss = sighting.token.iss().and_then(|iss| iss.as_str()).unwrap_or_default();
    let issuer = Target::reference(iss.as_bytes()).host.map(|host| host_of(host.bytes)).unwrap_or_default();
    let site = registrable_domain(name);
    let own = |host: &str| registrable_domain(host).eq_ignore_ascii_case(site);
    let meant =
        own(&issuer) || audience::audiences(case).filter_map(audience::host_in).any(|host| own(&host));
    let configured = case.policy.own.has_host(host);
    (token(case).is_some() && !meant && !configured).then_some(kind)
}

/// What a host is known for, or a domain that it is below.
fn listed(name: &str) -> Option<&'static str> {
    let above = memchr::memchr_iter(b'.', name.as_bytes()).map(|at| &name[at + 1..]);
    std::iter::once(name).chain(above).find_map(|domain| KINDS.get(domain)).copied()
}

static KINDS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| PARTIES.iter().copied().collect());

/// Domains of services that pages and applications report to or load from.
const PARTIES: &[(&str, &str)] = &[
    ("adnxs.com", "advertising"),
    ("adsrvr.org", "advertising"),
    ("bat.bing.com", "advertising"),
    ("connect.facebook.net", "advertising"),
    ("criteo.com", "advertising"),
    ("doubleclick.net", "advertising"),
    ("googleadservices.com", "advertising"),
    ("googlesyndication.com", "advertising"),
    ("px.ads.linkedin.com", "advertising"),
    ("taboola.com", "advertising"),
    ("amplitude.com", "analytics"),
    ("analytics.google.com", "analytics"),
    ("analytics.tiktok.com", "analytics"),
    ("clarity.ms", "analytics"),
    ("fullstory.com", "analytics"),
    ("google-analytics.com", "analytics"),
    ("googletagmanager.com", "analytics"),
    ("heapanalytics.com", "analytics"),
    ("hotjar.com", "analytics"),
    ("hotjar.io", "analytics"),
    ("matomo.cloud", "analytics"),
    ("mc.yandex.ru", "analytics"),
    ("mixpanel.com", "analytics"),
    ("mouseflow.com", "analytics"),
    ("newrelic.com", "analytics"),
    ("nr-data.net", "analytics"),
    ("plausible.io", "analytics"),
    ("posthog.com", "analytics"),
    ("quantserve.com", "analytics"),
    ("scorecardresearch.com", "analytics"),
    ("segment.com", "analytics"),
    ("segment.io", "analytics"),
    ("ajax.googleapis.com", "cdn"),
    ("bootstrapcdn.com", "cdn"),
    ("cdnjs.cloudflare.com", "cdn"),
    ("code.jquery.com", "cdn"),
    ("fonts.googleapis.com", "cdn"),
    ("fonts.gstatic.com", "cdn"),
    ("jsdelivr.net", "cdn"),
    ("unpkg.com", "cdn"),
    ("airbrake.io", "error monitoring"),
    ("appsignal-endpoint.net", "error monitoring"),
    ("browser-intake-datadoghq.com", "error monitoring"),
    ("browser-intake-datadoghq.eu", "error monitoring"),
    ("bugsnag.com", "error monitoring"),
    ("honeybadger.io", "error monitoring"),
    ("logrocket.io", "error monitoring"),
    ("lr-ingest.io", "error monitoring"),
    ("raygun.io", "error monitoring"),
    ("rollbar.com", "error monitoring"),
    ("sentry.io", "error monitoring"),
    ("trackjs.com", "error monitoring"),
];
