//! The findings of a run, merged by what they are about.

use super::row::Row;
use super::severity::Circumstances;
use super::spot::{Scene, packet_time, place};
use super::touched::Touched;
use crate::facts::value::{FieldId, List, Lookup, Value};
use crate::facts::{Case, Dictionary, Facts, digest};
use crate::finding::{EVIDENCE_TOKENS, Finding};
use crate::limits;
use crate::message::path_template;
use crate::rules::{Judged, Rule};
use crate::time::Timestamp;
use crate::token::{Secret, is_secret, veiled, veiled_text};
use foldhash::{HashMap, HashMapExt};
use smallvec::smallvec;

pub(super) struct Ledger {
    findings: Vec<Finding>,
    /// Where things were found ([`Spot::of`]), and the findings there, by rule.
    places: HashMap<u128, Vec<(usize, usize)>>,
    dropped: u64,
    fresh: Vec<usize>,
    /// Findings with occurrences since they were asked for last, if anybody ever asks.
    touched: Touched,
    /// Findings that are kept.
    most: usize,
    show_secrets: bool,
}

/// What the findings of one subject have in common, worked out when the first rule fires.
#[derive(Default)]
pub(super) struct Spot {
    /// What they are about: the place, and the key.
    about: [Option<u128>; 2],
    circumstances: Option<Circumstances>,
}

impl Spot {
    /// The name of the place or key that a finding is about ([`digest`]).
    pub(super) fn of(&mut self, case: &Case<'_>, about_key: bool) -> u128 {
        *self.about[usize::from(about_key)].get_or_insert_with(|| digest(Scene::of(case, about_key)))
    }
}

impl Ledger {
    pub(super) fn new(show_secrets: bool) -> Self {
        Self {
            findings: Vec::new(),
            places: HashMap::new(),
            dropped: 0,
            fresh: Vec::new(),
            touched: Touched::default(),
            most: limits::FINDINGS,
            show_secrets,
        }
    }

    /// Ids of the rules that have findings.
    pub(super) fn rules(&self) -> impl Iterator<Item = &str> {
        self.findings.iter().map(|f| f.identity.rule.as_str())
    }

    pub(super) fn take_fresh(&mut self) -> Vec<Finding> {
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_unstable();
        fresh.dedup();
        fresh.into_iter().filter_map(|i| self.findings.get(i).cloned()).collect()
    }

    /// What is recorded from now on is found anew.
    pub(super) fn take_findings(&mut self) -> (Vec<Finding>, u64) {
        self.places.clear();
        self.fresh.clear();
        self.touched.take();
        let mut findings = std::mem::take(&mut self.findings);
        findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
        (findings, std::mem::take(&mut self.dropped))
    }

    /// From now on repetitions are told, and at most so many findings are kept.
    pub(super) fn endless(&mut self, most: usize) {
        self.touched = Touched::watching();
        self.most = most;
    }

    pub(super) fn take_touched(&mut self) -> Vec<&Finding> {
        let touched = self.touched.take();
        touched.into_iter().filter_map(|i| self.findings.get(i)).collect()
    }

    /// A finding was seen later than it was recorded.
    pub(super) fn seen_last(&mut self, at: usize, time: Timestamp) {
        if let Some(finding) = self.findings.get_mut(at) {
            finding.last_seen = finding.last_seen.max(Some(time));
        }
    }

    /// Adds `count` occurrences to their finding, or makes a new one; with 0, the finding that is there is known better
    /// now and may only rise. Returns its index.
    pub(super) fn record(
        &mut self,
        number: usize,
        (rule, row): (&Rule, &Row),
        judged: Judged,
        case: &Case<'_>,
        spot: &mut Spot,
        count: u64,
    ) -> Option<usize> {
        let about_key = row.about_key;
        let about = spot.of(case, about_key);
        let here = self.places.get(&about).and_then(|here| here.iter().find(|(rule, _)| *rule == number));
        let (severity, adjustments) = match rule.fixed {
            Some(severity) => (severity, smallvec!["the configuration says so"]),
            None => {
                let circumstances = spot.circumstances.get_or_insert_with(|| Circumstances::of(case));
                circumstances.adjust(judged.severity, row.excused)
            }
        };
        let time = if case.capture.is_some() { None } else { Some(packet_time(case)) };
        let token = case.sighting.map(|s| &s.token);
        let token = token.or_else(|| case.entity.and_then(|e| e.origin.token.as_ref()));
        if let Some(&(_, i)) = here {
            self.touched.add(i);
            let finding = &mut self.findings[i];
            finding.count += count;
            finding.first_seen = finding.first_seen.min(time);
            finding.last_seen = finding.last_seen.max(time);
            finding.confidence = finding.confidence.max(judged.confidence);
            if severity > finding.severity {
                finding.severity = severity;
                finding.adjustments = adjustments.into_vec();
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
        if self.findings.len() >= self.most {
            self.dropped += 1;
            return None;
        }
        let identity = Scene::of(case, about_key).identity(&rule.id);
        let finding = Finding {
            fingerprint: String::new(),
            title: rule.title.clone(),
            group: rule.group.as_str(),
            severity,
            adjustments: adjustments.into_vec(),
            confidence: judged.confidence,
            message: rule.message.render(&Shown { case, show_secrets: self.show_secrets }),
            remediation: rule.remedy.clone(),
            references: rule.references.clone(),
            cwe: rule.cwe.clone(),
            count,
            first_seen: time,
            last_seen: case.entity.map_or(time, |e| Some(e.last_seen).max(time)),
            time,
            token: token.map(|t| *t.sha256()),
            tokens: token
                .map(|t| (*t.sha256(), t.text(self.show_secrets).into_owned()))
                .into_iter()
                .collect(),
            host: Some(identity.host.clone()).filter(|h| !h.is_empty()),
            ..place(case)
        };
        let i = self.findings.len();
        self.findings.push(Finding { fingerprint: identity.fingerprint(), identity, ..finding });
        self.places.entry(about).or_default().push((number, i));
        self.touched.add(i);
        self.fresh.push(i);
        Some(i)
    }
}

/// A case as messages may show it: secrets are masked unless they were asked for.
struct Shown<'a> {
    case: &'a Case<'a>,
    show_secrets: bool,
}

impl Lookup for Shown<'_> {
    fn value(&self, field: FieldId) -> Value<'_> {
        match (Facts::get(field).map_or("", |f| f.name), self.show_secrets) {
            ("crack.secret", true) => {
                Value::or_missing(Dictionary::secret(self.case).map(|s| s.masked(true).into_owned()))
            }
            // What identifies somebody in a path may also open something.
            ("request.path", false) => match self.case.value(field) {
                Value::Str(path) => Value::from(path_template(path.as_bytes())),
                _ => Value::Missing,
            },
            _ => self.case.value(field),
        }
    }

    fn shown<'v>(&self, members: &[String], value: Value<'v>) -> Value<'v> {
        if self.show_secrets { value } else { veil(members, value) }
    }
}

/// A value without tokens and secrets; `members` are the names that led to it inside of a fact.
fn veil<'v>(members: &[String], value: Value<'v>) -> Value<'v> {
    let secret = is_secret(members);
    let masked = |text: &str| Value::from(Secret::from(text).to_string());
    match value {
        Value::Str(text) if secret => masked(&text),
        Value::Int(number) if secret => masked(&number.to_string()),
        Value::Float(number) if secret => masked(&number.to_string()),
        Value::Json(json) if secret => masked(&json.to_string()),
        Value::Str(text) => Value::from(veiled_text(&text)),
        Value::Json(json) => Value::from(veiled("", json, &mut veiled_text).to_string()),
        Value::List(list) => {
            let items = (0..list.len()).filter_map(|at| list.clone().take(at));
            Value::List(List::Owned(items.map(|item| veil(members, item)).collect()))
        }
        other => other,
    }
}
