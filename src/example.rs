//! The examples inside rule files: their events are played through the real shard and judge, so that an example that
//! holds is evidence. Every field has a default (a sane ES256 token over TLS), so an example shows only what matters.

mod event;
mod flow;
mod token;

use crate::capture::Block;
use crate::config::Config;
use crate::facts::{CaptureSummary, Facts, Given, coverage_name, marks};
use crate::judge::Judge;
use crate::rules::rule::{EventKind, Example};
use crate::rules::{RuleError, RuleSet};
use crate::shard::{Batch, Event as Closed, Shard, Shared};
use std::sync::Arc;

/// Trials of the dictionary attack in one example.
const CRACK_BUDGET: u64 = 100_000;

/// Numbers of flows that examples name begin behind those of events that name none.
const FLOWS: u64 = 1 << 32;

/// What became of the examples of one rule.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Examples that hold.
    pub held: usize,
    /// Those that do not.
    pub failures: Vec<Failure>,
}

/// An example that does not hold.
#[derive(Debug)]
pub struct Failure {
    /// Line of the rule file where the example begins.
    pub line: usize,
    /// What is wrong.
    pub cause: String,
}

/// Runs all examples of a rule file.
///
/// # Errors
/// What is wrong with the rule itself.
pub fn test(file: &str, text: &str) -> Result<Outcome, Box<RuleError>> {
    let load = || RuleSet::single(file, text, &Facts).map_err(|mut e| Box::new(e.remove(0)));
    let mut outcome = Outcome::default();
    let set = load()?;
    let examples = |set: &RuleSet| -> Vec<(Example, bool)> {
        let rules = set.rules().iter();
        rules
            .flat_map(|r| {
                r.bad.iter().map(|e| (e.clone(), true)).chain(r.good.iter().map(|e| (e.clone(), false)))
            })
            .collect()
    };
    let all = examples(&set);
    for (bad, name) in [(true, "bad"), (false, "good")] {
        if all.iter().all(|(_, of)| *of != bad) {
            let cause = format!("the rule has no [[{name}]] example: it needs one of each kind");
            outcome.failures.push(Failure { line: 1, cause });
        }
    }
    for (example, bad) in all {
        let cause = match play(load()?, &example) {
            Err(cause) => cause,
            Ok(fired) if fired == bad => {
                outcome.held += 1;
                continue;
            }
            Ok(true) => format!("the good example \"{}\" makes the rule fire", example.about),
            Ok(false) => format!("the bad example \"{}\" does not make the rule fire", example.about),
        };
        outcome.failures.push(Failure { line: example.line, cause });
    }
    Ok(outcome)
}

/// Plays events and says whether the rule fired.
fn play(rules: RuleSet, example: &Example) -> Result<bool, String> {
    let given = Given { crack_budget: CRACK_BUDGET, ..Given::default() };
    let config = Config::parse("config", &example.config).map_err(|e| e.to_string())?;
    let mut judge = Judge::new(rules, &given, false).with_policy(config.policy);
    let shared = Arc::new(Shared::new(judge.demand()));
    let mut shard = Shard::new(shared, 0..crate::limits::PARTITIONS as u8);
    let mut capture = CaptureSummary::default();
    for (number, event) in example.events.iter().enumerate() {
        let number = number as u64 + 1;
        // Events of one connection say so.
        let flow = event.fields.get("flow").and_then(toml::Value::as_integer);
        let flow = flow.and_then(|flow| u64::try_from(flow).ok()).map_or(number, |flow| flow + FLOWS);
        match event.kind {
            EventKind::Exchange | EventKind::Sighting => match event::exchange(event, number)? {
                event::Played::Exchange(ready) => {
                    let block = Block { exchanges: vec![*ready], ..Block::default() };
                    let batch = Batch { block: Arc::new(block), first: number, ..Batch::default() };
                    for stamped in shard.process(&batch).events {
                        if let Closed::Exchange { mut exchange, sightings } = stamped.event {
                            // No bytes of TLS are played that could be early data.
                            if event.fields.get("early_data").and_then(toml::Value::as_bool) == Some(true) {
                                Arc::make_mut(&mut exchange).marks.set(marks::EARLY_DATA);
                            }
                            judge.exchange(&exchange, sightings, flow);
                        }
                    }
                }
                event::Played::Sighting(sighting) => judge.sighting(*sighting, None, flow),
            },
            EventKind::Login => judge.login(&event::login(event)?, flow),
            EventKind::Tls | EventKind::Flow => judge.flow(&flow::flow(event)?, flow),
            EventKind::Gap => capture.tally.weird("gaps"),
            EventKind::Capture => {
                capture.secrets |=
                    event.fields.get("secrets").and_then(toml::Value::as_bool).unwrap_or(false);
                for (name, n) in
                    event.fields.get("weird").and_then(toml::Value::as_table).into_iter().flatten()
                {
                    let known = coverage_name(if name == "gap" { "gaps" } else { name });
                    let known = known.ok_or_else(|| format!("nothing is counted as {name}"))?;
                    capture.tally.weirds(known, n.as_integer().unwrap_or(1).max(0) as u64);
                }
            }
        }
    }
    judge.finish(&mut capture);
    Ok(!judge.take_findings().0.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::builtin::BUILTIN;

    #[test]
    fn every_example_of_every_built_in_rule_holds() {
        let mut failures = Vec::new();
        let mut held = 0;
        for (id, text) in BUILTIN {
            let outcome = test(&format!("rules/{id}.toml"), text).unwrap_or_else(|e| panic!("{e}"));
            held += outcome.held;
            failures
                .extend(outcome.failures.iter().map(|f| format!("rules/{id}.toml:{}: {}", f.line, f.cause)));
        }
        assert!(failures.is_empty(), "{held} hold, these do not:\n{}", failures.join("\n"));
        assert!(held >= 2 * BUILTIN.len(), "each rule has an example that fires and one that does not");
    }

    #[test]
    fn rules_without_their_examples_are_the_same_rules() {
        let (full, lean) =
            (RuleSet::builtin(&Facts).unwrap(), RuleSet::builtin_without_examples(&Facts).unwrap());
        assert_eq!(full.rules().len(), lean.rules().len());
        for (a, b) in full.rules().iter().zip(lean.rules()) {
            assert_eq!(
                (&a.id, &a.condition, a.severity, a.severity_if.len()),
                (&b.id, &b.condition, b.severity, b.severity_if.len())
            );
            assert_eq!((a.confidence_if.len(), &a.remedy), (b.confidence_if.len(), &b.remedy));
            assert!(b.bad.is_empty() && b.good.is_empty());
        }
    }

    #[test]
    fn rules_about_keys_issuers_hosts_and_clients_have_examples() {
        let jwk = "token = { header = { jwk = { kty = 'OKP', crv = 'Ed25519', x = 'AAAA' } } }";
        for (on, when, bad, good) in [
            ("key", "key.type == 'OKP'", jwk, ""),
            ("issuer", "issuer.name == 'me'", "token = { claims = { iss = 'me' } }", ""),
            ("host", "host.name == 'a.test'", "host = 'a.test'", "host = 'b.test'"),
            ("client", "client.address == '192.0.2.1'", "client = '192.0.2.1'", "client = '192.0.2.2'"),
        ] {
            let text = format!(
                "on = '{on}'\ngroup = 'jose'\ntitle = 't'\nseverity = 'low'\nconfidence = 'high'\n\
                 when = \"{when}\"\nmessage = 'm'\nabout = 'a'\nremedy = 'r'\n\
                 [[bad]]\nabout = 'b'\nevents = [{{ sighting = {{ {bad} }} }}]\n\
                 [[good]]\nabout = 'g'\nevents = [{{ sighting = {{ {good} }} }}]\n"
            );
            let outcome = test("a-rule.toml", &text).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!((outcome.held, outcome.failures.len()), (2, 0), "{on}: {:?}", outcome.failures);
        }
    }

    /// Signed with OpenSSL (Python's cryptography): the token of the certificate's key, and one of another key.
    #[test]
    fn a_key_of_a_certificate_of_tls_verifies_tokens_and_refutes_none() {
        const DER: &str = "MIIBJzCBz6ADAgECAgEHMAoGCCqGSM49BAMCMB4xHDAaBgNVBAMME2lzc3Vlci5leGFtcGxlLnRlc3QwHhcNMjMwMTAxMDAwMDAwWhcNMzMwMTAxMDAwMDAwWjAeMRwwGgYDVQQDDBNpc3N1ZXIuZXhhbXBsZS50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdaf8XyAwrCeDzkk3MK+90JmkrgOUvjB97eFB/iNAM+huCR4kvkQJIuU7TVrUQ62RE1NU4ZkGN7NHyhLDZ2KvwTAKBggqhkjOPQQDAgNHADBEAiBhREgSiq5rh/FbLaOeWegYJefQpoPjNALyuIaZ6BUgigIgH6h9YwImX5Ll4xuPFgelBaxcA7OtznMDOUG+Vd64G1I=";
        const OWN: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLnRlc3QiLCJzdWIiOiIzZjljMmEiLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlLnRlc3QiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDkwMCwianRpIjoiYTFiMmMzZDQifQ.l0TPWhsRqMbfAbWoQtYDZnDU5LMnc4N65zv8fjdEUgj12LhWojmpAJBtwG4GdxsvFgRteg9PIelTsPkOUxDu4w";
        const OTHER: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLnRlc3QiLCJzdWIiOiIzZjljMmEiLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlLnRlc3QiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDkwMCwianRpIjoiYTFiMmMzZDQifQ.S_5czPgMNSPwkYe-x6VGK1eKjO7gH7oRHel8qfDCwVP1tZXv6ofM0cdgc-NRbhMkoYI_-p7IWhHAkiA4cnYvSQ";
        let events = |token: &str| {
            format!(
                "[{{ sighting = {{ token = {{ raw = '{token}' }} }} }}, {{ tls = {{ sni = 'issuer.example.test', certificates = [{{ der = '{DER}' }}] }} }}]"
            )
        };
        let text = format!(
            "on = 'sighting'\ngroup = 'jose'\ntitle = 't'\nseverity = 'low'\nconfidence = 'high'\n\
             when = 'signature.valid || signature.invalid'\nmessage = 'm'\nabout = 'a'\nremedy = 'r'\n\
             [[bad]]\nabout = 'its own'\nevents = {}\n[[good]]\nabout = 'of another key'\nevents = {}\n",
            events(OWN),
            events(OTHER)
        );
        let outcome = test("a-rule.toml", &text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((outcome.held, outcome.failures.len()), (2, 0), "{:?}", outcome.failures);
    }

    #[test]
    fn an_example_that_does_not_hold_is_named() {
        let text =
            BUILTIN.iter().find(|(id, _)| *id == "jwt-alg-none").unwrap().1.replace("[[bad]]", "[[good]]");
        let outcome = test("jwt-alg-none.toml", &text).unwrap();
        let (none, fire) = outcome.failures.split_first().unwrap();
        assert_eq!((none.line, none.cause.contains("no [[bad]] example")), (1, true));
        assert!(fire.iter().all(|f| f.line > 1 && f.cause.contains("makes the rule fire")));
        assert!(!fire.is_empty());
    }
}
