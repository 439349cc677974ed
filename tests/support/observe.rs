//! The whole chute in-process, and what came of it as values that can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;
use wirelint::capture::{self, FileId};
use wirelint::decode::{DecodeOptions, Paths};
use wirelint::facts::{CaptureSummary, Facts, Given};
use wirelint::finding::Finding;
use wirelint::judge::Judge;
use wirelint::keylog::{KeyLog, Keyring};
use wirelint::message::{Exchange, Message};
use wirelint::pipeline::{self, Listener, Merged};
use wirelint::rules::RuleSet;
use wirelint::shard::{Demand, Event, Shared, Wanted};
use wirelint::tally::Tally;
use wirelint::token::Sighting;

/// (SHA-256, location, name).
pub(crate) type Token = (String, &'static str, Option<String>);

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// Distinct sightings.
    pub(crate) tokens: BTreeSet<Token>,
    /// Exchanges (method, target, host, request digest, status, response digest) and how often.
    pub(crate) exchanges: BTreeMap<String, u32>,
    /// (rule, fingerprint).
    pub(crate) findings: BTreeSet<(String, String)>,
    /// Counters.
    pub(crate) tally: Tally,
    /// Everything, in order.
    pub(crate) log: Vec<String>,
    /// Why reading ended early, if it did.
    pub(crate) error: Option<String>,
}

/// Scans a capture file that is in memory. `judge` puts what is seen before the rules, which is the slow part.
pub(crate) fn observe(bytes: Vec<u8>, threads: usize, judge: bool) -> Observed {
    observe_with(Keyring::default(), bytes, threads, judge)
}

/// The same with TLS secrets.
pub(crate) fn observe_with(keyring: Keyring, bytes: Vec<u8>, threads: usize, judge: bool) -> Observed {
    let rules = judge.then(|| RuleSet::builtin(&Facts).map_err(|_| "the rules do not load").unwrap());
    let mut watcher = Watcher {
        seen: Observed::default(),
        judge: rules.map(|r| Judge::new(r, &Given::default(), false)),
        log: judge,
    };
    let demand = watcher.judge.as_ref().map_or_else(Demand::default, Judge::demand);
    let demand = Demand {
        tokens: true,
        exchanges: vec![Wanted::default()],
        body_digests: true,
        flows: true,
        tls: true,
        ..demand
    };
    let shared = Arc::new(Shared { keyring, ..Shared::new(demand) });
    let threads = NonZeroUsize::new(threads).unwrap();
    let result = capture::open_stream(Box::new(Cursor::new(bytes)), FileId(0)).and_then(|source| {
        let mut sources = std::iter::once(source);
        pipeline::run(&mut sources, &shared, DecodeOptions::default(), threads, &mut watcher)
    });
    watcher.finish(result.err().map(|e| e.to_string()))
}

/// What a sighting is, wherever it was.
pub(crate) fn token(sighting: &Sighting) -> Token {
    let place = &sighting.place;
    (sighting.token.sha256_hex(), place.location.as_str(), place.name.as_deref().map(str::to_owned))
}

struct Watcher {
    seen: Observed,
    judge: Option<Judge>,
    log: bool,
}

impl Watcher {
    fn event(&mut self, event: Event) {
        match event {
            Event::Exchange { exchange, sightings } => {
                self.seen.tokens.extend(sightings.iter().map(token));
                *self.seen.exchanges.entry(text(&exchange)).or_default() += 1;
                if let Some(judge) = &mut self.judge {
                    judge.exchange(&exchange, sightings, 0);
                }
            }
            Event::Sighting { sighting, exchange } => {
                self.seen.tokens.insert(token(&sighting));
                if let Some(judge) = &mut self.judge {
                    judge.sighting(*sighting, exchange.as_ref(), 0);
                }
            }
            Event::Login(login) => {
                if let Some(judge) = &mut self.judge {
                    judge.login(&login, 0);
                }
            }
            Event::Flow(summary) => {
                if let Some(judge) = &mut self.judge {
                    judge.flow(&summary, 0);
                }
            }
        }
    }

    fn finish(self, error: Option<String>) -> Observed {
        let mut seen = Observed { error, ..self.seen };
        if let Some(mut judge) = self.judge {
            let mut capture = CaptureSummary { tally: std::mem::take(&mut seen.tally), secrets: false };
            judge.finish(&mut capture);
            seen.tally = capture.tally;
            let (findings, _) = judge.take_findings();
            seen.findings =
                findings.iter().map(|f| (f.identity.rule.clone(), f.fingerprint.clone())).collect();
            seen.log.extend(findings.iter().map(|f: &Finding| format!("{f:?}")));
            seen.log.push(format!("{:?}", seen.tally));
        }
        seen
    }
}

impl Listener for Watcher {
    fn merged(&mut self, mut merged: Merged, _: &Paths) -> bool {
        if self.log {
            self.seen.log.extend(merged.events.iter().map(|e| format!("{e:?}")));
            self.seen.log.push(format!("{:?} {:?} {:?}", merged.births, merged.deaths, merged.damage));
        }
        self.seen.tally.absorb(&mut merged.tally);
        for stamped in merged.events {
            self.event(stamped.event);
        }
        true
    }
}

fn text(exchange: &Exchange) -> String {
    let lossy =
        |bytes: Option<&[u8]>| bytes.map_or_else(|| "-".to_owned(), |b| String::from_utf8_lossy(b).into());
    let digest = |message: Option<&Message>| match message.map(|m| (m.body_sha256, m.damaged)) {
        Some((Some(sha256), false)) => sha256.iter().map(|b| format!("{b:02x}")).collect(),
        Some((_, damaged)) => format!("damaged: {damaged}"),
        None => "-".to_owned(),
    };
    format!(
        "{} {} {} {} -> {} {}",
        lossy(exchange.method()),
        lossy(exchange.target()),
        exchange.host().unwrap_or_default(),
        digest(exchange.request.as_ref()),
        exchange.status().map_or_else(|| "-".to_owned(), |s| s.to_string()),
        digest(exchange.response.as_ref()),
    )
}

/// The secrets that lie beside a fixture's capture.
pub(crate) fn keyring(capture: &std::path::Path) -> Keyring {
    let mut ring = Keyring::default();
    if let Ok(text) = std::fs::read(super::tree::root().join(capture).with_file_name("keys.log")) {
        ring.add(KeyLog::parse(&text).entries);
    }
    ring
}
