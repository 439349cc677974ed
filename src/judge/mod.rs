//! Facts become findings: every closed subject is put before the rules that could fire, verdicts are merged by
//! fingerprint, and subjects whose late facts are pending are kept to be judged again.

mod numbers;
mod retained;
mod seen;
mod severity;
mod spot;
#[cfg(test)]
mod tests;

pub use numbers::FlowNumbers;

use crate::facts::value::{FieldId, Lookup, Value};
use crate::facts::{CaptureSummary, Case, Cracked, Facts, Subject, marks};
use crate::finding::{EVIDENCE_TOKENS, Finding, Identity, RuleNote};
use crate::limits;
use crate::message::{Exchange, path_template};
use crate::policy::Policy;
use crate::rules::expr::Verdict;
use crate::rules::{Judged, Rule, RuleSet};
use crate::session::FlowSummary;
use crate::shard::{Demand, Wanted};
use crate::tally::Tally;
use crate::time::Timestamp;
use crate::token::{Sighting, Token};
use foldhash::{HashMap, HashMapExt, HashSet};
use retained::{Again, Kept, Retained};
use seen::{RuledOut, Seen};
use severity::{Excuses, adjust};
use spot::{identity, packet_time, place};
use std::sync::Arc;

/// The rules of a run at work.
pub struct Judge {
    rules: RuleSet,
    now: Option<Timestamp>,
    policy: Arc<Policy>,
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
    retained: Retained,
    seen: Seen,
    /// Oddities of judging itself.
    pub tally: Tally,
}

/// What a subject's findings are about, worked out when the first rule fires: the place, and the key.
#[derive(Default)]
struct Spot([Option<Identity>; 2]);

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
            lowering: ["loopback", "token.expired"].map(Facts::id),
            seen: Seen::new(&rules),
            rules,
            now,
            policy: Arc::default(),
            show_secrets,
            findings: Vec::new(),
            places: HashMap::new(),
            dropped: 0,
            fresh: Vec::new(),
            candidates: Vec::new(),
            retained: Retained::new(),
            tally: Tally::default(),
        }
    }

    /// The same judge with facts measured by `policy`.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Another policy from now on.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = Arc::new(policy);
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
            policy: Arc::clone(&self.policy),
            body_digests: false,
            flows: on(Subject::Flow),
            tls: on(Subject::Tls),
        }
    }

    /// An exchange has closed.
    pub fn exchange(&mut self, exchange: &Arc<Exchange>, sightings: Vec<Sighting>, flow: u64) {
        let policy = Arc::clone(&self.policy);
        let case = Case { exchange: Some(exchange), now: self.now, policy: &policy, ..Case::default() };
        self.subject(Subject::Exchange, &case, flow, RuledOut::default());
        for sighting in sightings {
            self.sighting(sighting, Some(exchange), flow);
        }
    }

    /// Whether a token has not been sighted before, as far as tokens are counted.
    pub fn is_new(&self, token: &Token) -> bool {
        !self.seen.contains(token)
    }

    /// A token was sighted, in an exchange or outside of any.
    pub fn sighting(&mut self, sighting: Sighting, exchange: Option<&Arc<Exchange>>, flow: u64) {
        let out = self.seen.add(&sighting, &self.rules).unwrap_or_else(|| {
            self.tally.weird("tokens_uncounted");
            RuledOut::default()
        });
        let policy = Arc::clone(&self.policy);
        let case = Case {
            sighting: Some(&sighting),
            exchange: exchange.map(|e| &**e),
            now: self.now,
            policy: &policy,
            ..Case::default()
        };
        let again = self.subject(Subject::Sighting, &case, flow, out);
        if !again.is_empty() {
            let spot = identity(&case, again.iter().all(|again| self.about_key[again.rule]));
            let (exchange, last_seen) = (exchange.cloned(), sighting.position.time);
            let kept = Kept { sighting, exchange, flow, rules: again, count: 1, last_seen };
            if !self.retained.add(kept, spot) {
                self.tally.weird("retained_evicted");
            }
        }
    }

    /// A flow has ended.
    pub fn flow(&mut self, summary: &FlowSummary, flow: u64) {
        let policy = Arc::clone(&self.policy);
        let case = Case { flow: Some(summary), now: self.now, policy: &policy, ..Case::default() };
        self.subject(Subject::Flow, &case, flow, RuledOut::default());
        if summary.tls.is_some() {
            self.subject(Subject::Tls, &case, flow, RuledOut::default());
        }
    }

    /// The input has ended: late facts are known, and the capture as a whole is judged.
    pub fn finish(&mut self, capture: &CaptureSummary, cracked: &dyn Fn(&Token) -> Cracked) {
        let policy = Arc::clone(&self.policy);
        for kept in self.retained.take() {
            let result = cracked(&kept.sighting.token);
            let case = Case {
                sighting: Some(&kept.sighting),
                exchange: kept.exchange.as_deref(),
                cracked: Some(&result),
                now: self.now,
                policy: &policy,
                ..Case::default()
            };
            for again in kept.rules {
                let judged = self.rules.rules()[again.rule].judge(&case);
                let count = if again.reported { 0 } else { kept.count };
                if judged.verdict == Verdict::Yes
                    && let Some(at) =
                        self.record(again.rule, judged, &case, &mut Spot::default(), (kept.flow, count))
                {
                    let last = &mut self.findings[at].last_seen;
                    *last = (*last).max(Some(kept.last_seen));
                }
            }
        }
        let case = Case { capture: Some(capture), now: self.now, policy: &policy, ..Case::default() };
        self.subject(Subject::Capture, &case, 0, RuledOut::default());
    }

    /// Findings that appeared or became more severe since the last call (for live output).
    pub fn take_fresh(&mut self) -> Vec<Finding> {
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_unstable();
        fresh.dedup();
        fresh.into_iter().map(|i| self.findings[i].clone()).collect()
    }

    /// Distinct tokens seen.
    pub fn distinct_tokens(&self) -> u64 {
        self.seen.len() as u64
    }

    /// The rules that have findings, by id.
    pub fn rules_with_findings(&self) -> Vec<RuleNote> {
        let found: HashSet<_> = self.findings.iter().map(|f| f.identity.rule.as_str()).collect();
        self.rules
            .rules()
            .iter()
            .filter(|rule| found.contains(rule.id.as_str()))
            .map(RuleNote::from)
            .collect()
    }

    /// All findings, most severe first, then in order of their first occurrence; and how many were not kept.
    pub fn into_findings(mut self) -> (Vec<Finding>, u64) {
        self.findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
        (self.findings, self.dropped)
    }

    /// Puts one subject before the rules; returns the rules that must see it again.
    fn subject(&mut self, on: Subject, case: &Case<'_>, flow: u64, out: RuledOut) -> Vec<Again> {
        let mut candidates = std::mem::take(&mut self.candidates);
        self.rules.candidates(on, case, &mut candidates);
        let mut again = Vec::new();
        let mut spot = Spot::default();
        let marks = case.exchange.filter(|_| on == Subject::Exchange).map(|e| e.marks);
        for &rule in &candidates {
            if self.seen.rules_out(out, rule) || marks.is_some_and(|marks| !self.wanted[rule].met(marks)) {
                continue;
            }
            let judged = self.rules.rules()[rule].judge(case);
            if judged.verdict == Verdict::Yes && marks.is_some() {
                let case = Case { marks: self.asked[rule], ..*case };
                self.record(rule, judged, &case, &mut Spot::default(), (flow, 1));
            } else if judged.verdict == Verdict::Yes {
                self.record(rule, judged, case, &mut spot, (flow, 1));
            }
            if judged.pending {
                let yes = judged.verdict == Verdict::Yes;
                again.push(Again { rule, reported: yes && self.rules.reports(rule, judged.confidence) });
            }
        }
        self.candidates = candidates;
        again
    }

    /// Adds `count` occurrences to their finding, or makes a new one; with 0, the finding that is there is known better
    /// now and may only rise. Returns its index.
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
                if count == 0 {
                    finding.message = rule.message.render(&Shown { case, show_secrets: self.show_secrets });
                }
                self.fresh.push(i);
            }
            if let Some(token) = token.filter(|_| finding.tokens.len() < EVIDENCE_TOKENS)
                && !finding.tokens.iter().any(|(known, _)| known == token.sha256())
            {
                finding.tokens.push((*token.sha256(), token.text(self.show_secrets).into_owned()));
            }
            return Some(i);
        }
        if count == 0 {
            return None;
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
            token: token.map(|t| *t.sha256()),
            tokens: token
                .map(|t| (*t.sha256(), t.text(self.show_secrets).into_owned()))
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
        let name = Facts::get(field).map_or("", |f| f.name);
        match (name, self.show_secrets, self.case.cracked) {
            ("crack.secret", true, Some(Cracked::Secret(secret))) => {
                Value::from(secret.masked(true).into_owned())
            }
            // What identifies somebody in a path may also open something.
            ("request.path", false, _) => match self.case.value(field) {
                Value::Str(path) => Value::from(path_template(path.as_bytes())),
                _ => Value::Missing,
            },
            _ => self.case.value(field),
        }
    }
}
