//! What has been said of which finding: the first sighting at once, a worse one at once, repetitions counted in windows.

use crate::finding::Finding;
use crate::judge::Judge;
use crate::rules::Severity;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Why a finding is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is there for the first time.
    New,
    /// It turned out to be worse.
    Worse,
    /// So many more occurrences since it was told last.
    Again(u64),
}

/// What is known of a finding.
struct Known {
    severity: Severity,
    told: u64,
    /// Occurrences before the rules were loaded anew.
    before: u64,
}

/// Keeps count of what was said. As large as the findings, which are bounded.
pub(super) struct Announcer {
    known: HashMap<String, Known>,
    /// Findings of judges that were replaced.
    past: HashMap<String, Finding>,
    window: Duration,
    next: Instant,
}

impl Announcer {
    /// Repetitions are told every `window`.
    pub(super) fn new(window: Duration) -> Self {
        Self { known: HashMap::new(), past: HashMap::new(), window, next: Instant::now() + window }
    }

    /// What is to be said now.
    pub(super) fn news(&mut self, judge: &mut Judge, end: bool) -> Vec<(Finding, Change)> {
        let mut news = Vec::new();
        let due = end || Instant::now() >= self.next;
        if due {
            // What is known late by now: a secret that was found, a token that was seen elsewhere.
            judge.reconsider();
        }
        for mut finding in judge.take_fresh() {
            let known = self.known.get_mut(&finding.fingerprint);
            let change = match &known {
                None => Change::New,
                Some(known) if finding.severity > known.severity => Change::Worse,
                Some(_) => continue,
            };
            let before = known.as_ref().map_or(0, |known| known.before);
            finding.count += before;
            let now = Known { severity: finding.severity, told: finding.count, before };
            self.known.insert(finding.fingerprint.clone(), now);
            news.push((finding, change));
        }
        if due {
            self.next = Instant::now() + self.window;
            for finding in judge.take_touched() {
                let Some(known) = self.known.get_mut(&finding.fingerprint) else { continue };
                let count = finding.count + known.before;
                if count > known.told {
                    let change = Change::Again(count - known.told);
                    known.told = count;
                    news.push((Finding { count, ..finding.clone() }, change));
                }
            }
        }
        news
    }

    /// Takes over what a judge found that is replaced.
    pub(super) fn retire(&mut self, mut judge: Judge) {
        for finding in judge.take_findings().0 {
            if let Some(known) = self.known.get_mut(&finding.fingerprint) {
                known.before += finding.count;
            }
            self.past
                .entry(finding.fingerprint.clone())
                .and_modify(|past| merge(past, &finding))
                .or_insert(finding);
        }
    }

    /// All findings: those of the last judge, and those of the ones before it.
    pub(super) fn all(&mut self, last: Vec<Finding>) -> Vec<Finding> {
        let mut all = last;
        for finding in &mut all {
            if let Some(past) = self.past.remove(&finding.fingerprint) {
                merge(finding, &past);
            }
        }
        let mut rest: Vec<_> = self.past.drain().map(|(_, finding)| finding).collect();
        rest.sort_by(|a, b| (a.first_seen, &a.fingerprint).cmp(&(b.first_seen, &b.fingerprint)));
        all.extend(rest);
        all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        all
    }
}

fn merge(into: &mut Finding, other: &Finding) {
    into.count += other.count;
    into.severity = into.severity.max(other.severity);
    into.first_seen = into.first_seen.min(other.first_seen);
    into.last_seen = into.last_seen.max(other.last_seen);
}
