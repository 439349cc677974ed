//! Facts become findings: every closed subject is put before the rules that could fire, verdicts are merged by
//! fingerprint, and subjects whose late facts are pending are kept to be judged again.

mod numbers;
mod severity;
mod spot;

pub use numbers::FlowNumbers;

use crate::facts::value::{FieldId, Lookup, Schema, Value};
use crate::facts::{CaptureSummary, Case, Cracked, Facts, Subject, marks};
use crate::finding::{EVIDENCE_TOKENS, Finding, Identity};
use crate::limits;
use crate::message::Exchange;
use crate::rules::expr::Verdict;
use crate::rules::{Judged, Rule, RuleSet};
use crate::session::FlowSummary;
use crate::shard::{Demand, Wanted};
use crate::tally::Tally;
use crate::time::Timestamp;
use crate::token::{Sighting, Token};
use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use severity::{Excuses, adjust};
use spot::{identity, packet_time, place, short};
use std::sync::Arc;

/// Distinct tokens that are counted one by one.
const COUNTED_TOKENS: usize = 1 << 20;

/// The rules of a run at work.
pub struct Judge {
    rules: RuleSet,
    now: Option<Timestamp>,
    show_secrets: bool,
    findings: Vec<Finding>,
    /// Where things were found (an identity without its rule), and the findings there, by rule.
    places: HashMap<Identity, Vec<(usize, usize)>>,
    dropped: u64,
    fresh: Vec<usize>,
    candidates: Vec<usize>,
    about_key: Vec<bool>,
    excused: Vec<Excuses>,
    /// Marks without which a rule cannot fire.
    wanted: Vec<Wanted>,
    /// Marks that a rule asks about: their places are its findings' places.
    asked: Vec<u64>,
    /// The facts that lower a severity: `loopback` and `token.expired`.
    lowering: [Option<FieldId>; 2],
    retained: Vec<Retained>,
    retained_index: HashMap<(u64, Identity), usize>,
    retained_bytes: usize,
    tokens: HashSet<u64>,
    /// Oddities of judging itself.
    pub tally: Tally,
}

/// What a subject's findings are about, worked out when the first rule fires: the place, and the key.
#[derive(Default)]
struct Spot([Option<Identity>; 2]);

/// A subject that waits for late facts.
struct Retained {
    sighting: Sighting,
    exchange: Option<Arc<Exchange>>,
    flow: u64,
    rules: Vec<usize>,
    count: u64,
    last_seen: Timestamp,
}

impl Judge {
    /// A judge with these rules. `now` is `--now`.
    pub fn new(rules: RuleSet, now: Option<Timestamp>, show_secrets: bool) -> Self {
        let names = |rule: &Rule, name: &str| {
            rule.fields().iter().any(|f| Facts::get(*f).is_some_and(|field| field.name == name))
        };
        let keyed =
            |rule: &Rule| rule.fields().iter().any(|f| Facts::family(*f).is_some_and(|f| f.about_key));
        Self {
            about_key: rules.rules().iter().map(keyed).collect(),
            wanted: rules.rules().iter().map(wanted).collect(),
            asked: rules.rules().iter().map(asked).collect(),
            excused: rules
                .rules()
                .iter()
                .map(|rule| Excuses {
                    loopback: names(rule, "loopback"),
                    expired: names(rule, "token.expired"),
                    sample: names(rule, "token.sample"),
                    privileges: names(rule, "token.privileges"),
                })
                .collect(),
            lowering: [&["loopback"][..], &["token", "expired"]]
                .map(|path| Facts.field(path).map(|(id, ..)| id)),
            rules,
            now,
            show_secrets,
            findings: Vec::new(),
            places: HashMap::new(),
            dropped: 0,
            fresh: Vec::new(),
            candidates: Vec::new(),
            retained: Vec::new(),
            retained_index: HashMap::new(),
            retained_bytes: 0,
            tokens: HashSet::new(),
            tally: Tally::default(),
        }
    }

    /// What the shards must gather for the enabled rules.
    pub fn demand(&self) -> Demand {
        let enabled = || self.rules.rules().iter().enumerate().filter(|(i, _)| self.rules.is_enabled(*i));
        let on = |subject| enabled().any(|(_, r)| r.on == subject);
        let on_exchange = enabled().filter(|(_, rule)| rule.on == Subject::Exchange);
        let mut exchanges: Vec<Wanted> = on_exchange.map(|(i, _)| self.wanted[i].clone()).collect();
        exchanges.sort_unstable();
        exchanges.dedup();
        let marks = enabled().any(|(_, rule)| {
            rule.fields().iter().any(|f| Facts::get(*f).is_some_and(|f| marks::bit(f.name).is_some()))
        });
        Demand {
            tokens: on(Subject::Sighting) || on(Subject::Exchange),
            marks,
            exchanges,
            body_digests: false,
            flows: on(Subject::Flow),
            tls: on(Subject::Tls),
        }
    }

    /// An exchange has closed.
    pub fn exchange(&mut self, exchange: &Arc<Exchange>, sightings: Vec<Sighting>, flow: u64) {
        let case = Case { exchange: Some(exchange), now: self.now, ..Case::default() };
        self.subject(Subject::Exchange, &case, flow, 1);
        for sighting in sightings {
            self.sighting(sighting, Some(exchange), flow);
        }
    }

    /// Whether a token has not been sighted before.
    pub fn is_new(&self, token: &Token) -> bool {
        !self.tokens.contains(&short(token)) && self.tokens.len() < COUNTED_TOKENS
    }

    /// A token was sighted, in an exchange or outside of any.
    pub fn sighting(&mut self, sighting: Sighting, exchange: Option<&Arc<Exchange>>, flow: u64) {
        if self.tokens.len() < COUNTED_TOKENS {
            self.tokens.insert(short(&sighting.token));
        }
        let case = Case {
            sighting: Some(&sighting),
            exchange: exchange.map(|e| &**e),
            now: self.now,
            ..Case::default()
        };
        let pending = self.subject(Subject::Sighting, &case, flow, 1);
        if !pending.is_empty() {
            self.retain(sighting, exchange, flow, pending);
        }
    }

    /// A flow has ended.
    pub fn flow(&mut self, summary: &FlowSummary, flow: u64) {
        let case = Case { flow: Some(summary), now: self.now, ..Case::default() };
        self.subject(Subject::Flow, &case, flow, 1);
        if summary.tls.is_some() {
            self.subject(Subject::Tls, &case, flow, 1);
        }
    }

    /// The input has ended: late facts are known, and the capture as a whole is judged.
    pub fn finish(&mut self, capture: &CaptureSummary, cracked: &dyn Fn(&Token) -> Cracked) {
        for kept in std::mem::take(&mut self.retained) {
            let result = cracked(&kept.sighting.token);
            let case = Case {
                sighting: Some(&kept.sighting),
                exchange: kept.exchange.as_deref(),
                cracked: Some(&result),
                now: self.now,
                ..Case::default()
            };
            for rule in kept.rules {
                let judged = self.rules.rules()[rule].judge(&case);
                if judged.verdict == Verdict::Yes
                    && let Some(at) =
                        self.record(rule, judged, &case, &mut Spot::default(), (kept.flow, kept.count))
                {
                    let last = &mut self.findings[at].last_seen;
                    *last = (*last).max(Some(kept.last_seen));
                }
            }
        }
        self.retained_index.clear();
        let case = Case { capture: Some(capture), now: self.now, ..Case::default() };
        self.subject(Subject::Capture, &case, 0, 1);
    }

    /// Findings that appeared or became more severe since the last call (for live output).
    pub fn take_fresh(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.fresh).into_iter().map(|i| self.findings[i].clone()).collect()
    }

    /// Distinct tokens seen.
    pub fn distinct_tokens(&self) -> u64 {
        self.tokens.len() as u64
    }

    /// All findings, most severe first, then in order of their first occurrence; and how many were not kept.
    pub fn into_findings(mut self) -> (Vec<Finding>, u64) {
        for finding in &mut self.findings {
            finding.fingerprint = finding.identity.fingerprint();
        }
        self.findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
        (self.findings, self.dropped)
    }

    /// Puts one subject before the rules; returns the rules that must see it again.
    fn subject(&mut self, on: Subject, case: &Case<'_>, flow: u64, count: u64) -> Vec<usize> {
        let mut candidates = std::mem::take(&mut self.candidates);
        self.rules.candidates(on, case, &mut candidates);
        let mut pending = Vec::new();
        let mut spot = Spot::default();
        let marks = case.exchange.filter(|_| on == Subject::Exchange).map(|e| e.marks);
        for &rule in &candidates {
            if marks.is_some_and(|marks| !self.wanted[rule].met(marks)) {
                continue;
            }
            let judged = self.rules.rules()[rule].judge(case);
            if judged.verdict == Verdict::Yes && marks.is_some() {
                let case = Case { marks: self.asked[rule], ..*case };
                self.record(rule, judged, &case, &mut Spot::default(), (flow, count));
            } else if judged.verdict == Verdict::Yes {
                self.record(rule, judged, case, &mut spot, (flow, count));
            } else if judged.verdict == Verdict::Pending {
                pending.push(rule);
            }
        }
        self.candidates = candidates;
        pending
    }

    fn retain(&mut self, sighting: Sighting, exchange: Option<&Arc<Exchange>>, flow: u64, rules: Vec<usize>) {
        let case = Case { sighting: Some(&sighting), exchange: exchange.map(|e| &**e), ..Case::default() };
        let keyed = rules.iter().all(|r| self.about_key[*r]);
        let key = (short(&sighting.token), identity(&case, keyed));
        if let Some(kept) = self.retained_index.get(&key).and_then(|i| self.retained.get_mut(*i)) {
            kept.count += 1;
            kept.last_seen = kept.last_seen.max(sighting.position.time);
            return;
        }
        let size = 512 + sighting.token.reveal().len() * 3 + exchange.map_or(0, |e| e.size());
        if self.retained.len() >= limits::RETAINED || self.retained_bytes + size > limits::RETAINED_BYTES {
            return self.tally.weird("retained_evicted");
        }
        self.retained_bytes += size;
        self.retained_index.insert(key, self.retained.len());
        let last_seen = sighting.position.time;
        let exchange = exchange.cloned();
        self.retained.push(Retained { sighting, exchange, flow, rules, count: 1, last_seen });
    }

    /// Adds an occurrence to its finding, or makes a new one. Returns its index.
    fn record(
        &mut self,
        at: usize,
        judged: Judged,
        case: &Case<'_>,
        spot: &mut Spot,
        (flow, count): (u64, u64),
    ) -> Option<usize> {
        if !self.rules.reports(at, judged.confidence) {
            return None;
        }
        let rule = &self.rules.rules()[at];
        let about_key = self.about_key[at];
        let spot = spot.0[usize::from(about_key)].get_or_insert_with(|| identity(case, about_key));
        let here = self.places.get(spot).and_then(|here| here.iter().find(|(rule, _)| *rule == at));
        let (severity, adjustments) = adjust(judged.severity, case, self.excused[at], self.lowering);
        let time = if case.capture.is_some() { None } else { Some(packet_time(case)) };
        let token = case.sighting.map(|s| &s.token);
        if let Some(&(_, i)) = here {
            let finding = &mut self.findings[i];
            finding.count += count;
            finding.first_seen = finding.first_seen.min(time);
            finding.last_seen = finding.last_seen.max(time);
            finding.confidence = finding.confidence.max(judged.confidence);
            if severity > finding.severity {
                finding.severity = severity;
                finding.adjustments = adjustments;
                self.fresh.push(i);
            }
            if let Some(token) = token.filter(|_| finding.tokens.len() < EVIDENCE_TOKENS) {
                let sha256 = token.sha256_hex();
                if !finding.tokens.iter().any(|(known, _)| *known == sha256) {
                    finding.tokens.push((sha256, token.text(self.show_secrets).into_owned()));
                }
            }
            return Some(i);
        }
        if self.findings.len() >= limits::FINDINGS {
            self.dropped += 1;
            return None;
        }
        let finding = Finding {
            fingerprint: String::new(),
            title: rule.title.clone(),
            group: rule.group.as_str(),
            severity,
            adjustments,
            confidence: judged.confidence,
            message: rule.message.render(&Shown { case, show_secrets: self.show_secrets }),
            remediation: rule.remedy.clone(),
            references: rule.references.clone(),
            cwe: rule.cwe.clone(),
            count,
            first_seen: time,
            last_seen: time,
            time,
            token: token.map(|t| t.sha256_hex()),
            tokens: token
                .map(|t| (t.sha256_hex(), t.text(self.show_secrets).into_owned()))
                .into_iter()
                .collect(),
            host: Some(spot.host.clone()).filter(|h| !h.is_empty()),
            ..place(case, flow)
        };
        let i = self.findings.len();
        let identity = Identity { rule: rule.id.clone(), ..spot.clone() };
        self.findings.push(Finding { fingerprint: identity.fingerprint(), identity, ..finding });
        self.places.entry(spot.clone()).or_default().push((at, i));
        self.fresh.push(i);
        Some(i)
    }
}

/// The marks that a rule's condition cannot hold without.
fn wanted(rule: &Rule) -> Wanted {
    let bit = |id: &FieldId| match Facts::get(*id)?.name {
        "cleartext" => Some(marks::CLEARTEXT),
        name => marks::bit(name),
    };
    let mask = |clause: Vec<FieldId>| clause.iter().map(bit).try_fold(0, |mask, bit| Some(mask | bit?));
    Wanted(rule.when.clauses().filter_map(mask).collect())
}

/// The marks that a rule asks about, anywhere in its condition.
fn asked(rule: &Rule) -> u64 {
    let bits = rule.when.fields().iter().copied().filter_map(Facts::get).filter_map(|f| marks::bit(f.name));
    bits.fold(0, |mask, bit| mask | bit)
}

/// A case as messages may show it: secrets are masked unless they were asked for.
struct Shown<'a> {
    case: &'a Case<'a>,
    show_secrets: bool,
}

impl Lookup for Shown<'_> {
    fn value(&self, field: FieldId) -> Value<'_> {
        let secret = Facts::get(field).is_some_and(|f| f.name == "crack.secret");
        match (secret && self.show_secrets, self.case.cracked) {
            (true, Some(Cracked::Secret(secret))) => Value::from(secret.masked(true).into_owned()),
            _ => self.case.value(field),
        }
    }
}
