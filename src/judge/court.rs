//! The rules of a run, and how one subject is put before them.

use super::ledger::{Ledger, Spot};
use super::resting::Resting;
use super::retained::{About, Again, Evidence, Kept, Retained};
use super::row::Row;
use super::seen::{RuledOut, Seen};
use super::spot::{Scene, packet_time, position, short};
use crate::facts::value::Lookup;
use crate::facts::{Case, Memo, Subject};
use crate::finding::RuleNote;
use crate::message::Marks;
use crate::rules::expr::Verdict;
use crate::rules::{Judged, Rule, RuleBits, RuleSet, Sift};
use crate::shard::Wanted;
use crate::suppress::Suppressions;
use crate::tally::Tally;
use crate::token::{Sighting, Token};
use foldhash::HashSet;

pub(super) struct Court {
    pub(super) rules: RuleSet,
    rows: Vec<Row>,
    pub(super) ledger: Ledger,
    retained: Retained,
    /// What was judged again for the last time: freed with all else, which takes no time where the process ends.
    spent: Vec<Kept>,
    pub(super) seen: Seen,
    resting: Resting,
    candidates: RuleBits,
    /// The marks of the last exchange, and the rules that those concern: most exchanges have the same.
    met: Option<(Marks, RuleBits)>,
    /// The rules that must see the subject at hand again.
    again: Vec<Again>,
    /// Oddities of judging itself.
    pub(super) tally: Tally,
    /// What the operator accepts.
    pub(super) suppressions: Suppressions,
}

impl Court {
    pub(super) fn new(rules: RuleSet, show_secrets: bool) -> Self {
        Self {
            rows: rules.rules().iter().map(Row::of).collect(),
            seen: Seen::new(&rules),
            resting: Resting::new(&rules),
            rules,
            ledger: Ledger::new(show_secrets),
            retained: Retained::new(),
            spent: Vec::new(),
            candidates: RuleBits::default(),
            met: None,
            again: Vec::new(),
            tally: Tally::default(),
            suppressions: Suppressions::default(),
        }
    }

    /// The rules that take part, with their numbers.
    pub(super) fn enabled(&self) -> impl Iterator<Item = (usize, &Rule)> {
        self.rules.rules().iter().enumerate().filter(|(at, _)| self.rules.is_enabled(*at))
    }

    /// Marks without which a rule about exchanges cannot fire.
    pub(super) fn wanted(&self, rule: usize) -> Wanted {
        self.rows.get(rule).map(|row| row.wanted.clone()).unwrap_or_default()
    }

    /// Whether no sighting of the token was heard yet.
    pub(super) fn is_new(&self, token: &Token) -> bool {
        !self.seen.contains(token)
    }

    pub(super) fn distinct_tokens(&self) -> u64 {
        self.seen.len()
    }

    pub(super) fn rules_with_findings(&self) -> Vec<RuleNote> {
        let found: HashSet<_> = self.ledger.rules().collect();
        let rules = self.rules.rules().iter().filter(|rule| found.contains(rule.id.as_str()));
        rules.map(RuleNote::from).collect()
    }

    /// Puts one subject before the rules: a sighting, whose token is counted, or what `subjects` say. If late facts may
    /// change a verdict, `evidence` is kept to be judged again.
    pub(super) fn hear(
        &mut self,
        subjects: &[Subject],
        case: &Case<'_>,
        evidence: &mut dyn FnMut() -> Evidence,
    ) {
        let mut spot = Spot::default();
        if let Some(sighting) = case.sighting {
            let facts = Memo::of(case);
            let out = self.seen.add(sighting, &facts, &self.rules).unwrap_or_else(|| {
                self.tally.weird("tokens_uncounted");
                RuledOut::default()
            });
            self.subject(Subject::Sighting, (case, &facts, None), out, &mut spot);
        } else {
            for on in subjects {
                self.subject(*on, (case, case, None), RuledOut::default(), &mut spot);
            }
        }
        self.keep(case, &mut spot, evidence);
    }

    /// Puts a sighting before the rules that have nothing to say of `before`: the same token when it was closed, or the
    /// one around it.
    pub(super) fn hear_more(
        &mut self,
        case: &Case<'_>,
        before: &Case<'_>,
        evidence: &mut dyn FnMut() -> Evidence,
    ) {
        let mut spot = Spot::default();
        let (facts, before) = (Memo::of(case), Memo::of(before));
        let looked_at: (_, &dyn Lookup, Option<&dyn Lookup>) = (case, &facts, Some(&before));
        self.subject(Subject::Sighting, looked_at, RuledOut::default(), &mut spot);
        self.keep(case, &mut spot, evidence);
    }

    /// Keeps a subject that some rules must see again.
    fn keep(&mut self, case: &Case<'_>, spot: &mut Spot, evidence: &mut dyn FnMut() -> Evidence) {
        if self.again.is_empty() {
            return;
        }
        let rows = || self.again.iter().filter_map(|again| self.rows.get(again.rule));
        let about = About {
            token: case.sighting.map_or(0, |s| short(&s.token)),
            spot: spot.of(case, rows().all(|row| row.about_key)),
            flow: rows().any(|row| row.of_connection).then_some(case.flow_number),
        };
        let last_seen = packet_time(case);
        if !self.retained.count(&about, &self.again, last_seen) {
            let mut kept = || Kept { evidence: evidence(), flow: case.flow_number, count: 1, last_seen };
            if !self.retained.has_room() || !self.retained.add(about, &self.again, kept()) {
                self.tally.weird("retained_evicted");
            }
        }
        self.again.clear();
    }

    /// Judges again what was kept, with what `now` has in common for all; `last`: late facts are final.
    pub(super) fn reconsider(&mut self, now: &Case<'_>, last: bool) {
        for (about, rules, kept) in self.retained.take() {
            let case = Case { flow_number: kept.flow, ..kept.evidence.case(now) };
            let facts = Memo::of(&case);
            let (mut pending, mut spot) = (Vec::new(), Spot::default());
            for again in rules.iter() {
                let judged = self.rules.rules()[again.rule].judge(&facts);
                let count = if again.reported { 0 } else { kept.count };
                let yes = judged.verdict == Verdict::Yes;
                if yes && let Some(at) = self.record(again.rule, judged, &case, &mut spot, count) {
                    self.ledger.seen_last(at, kept.last_seen);
                }
                if judged.pending {
                    let reported = again.reported || yes && self.rules.reports(again.rule, judged.confidence);
                    pending.push(Again { reported, ..*again });
                }
            }
            if last {
                self.spent.push(kept);
            } else if !pending.is_empty() {
                self.retained.add(about, &pending, kept);
            }
        }
    }

    fn subject(
        &mut self,
        on: Subject,
        (case, facts, before): (&Case<'_>, &dyn Lookup, Option<&dyn Lookup>),
        out: RuledOut,
        spot: &mut Spot,
    ) {
        let mut candidates = std::mem::take(&mut self.candidates);
        self.rules.about(on, &mut candidates);
        let marks = case.exchange.filter(|_| on == Subject::Exchange).map(|e| e.marks);
        if let Some(marks) = marks {
            self.meet(marks, &mut candidates);
        }
        self.seen.rule_out(out, &mut candidates);
        if on == Subject::Sighting {
            self.resting.rule_out(case, &mut candidates);
        }
        // What a token says by itself has been looked at when it was new.
        let known = out != RuledOut::default();
        let inside = case.sighting.is_some_and(Sighting::is_inside);
        let plain = known && on == Subject::Sighting && !inside && before.is_none();
        let waiting = if plain { self.resting.waiting(case, &mut candidates) } else { RuleBits::default() };
        self.rules.sift(on, facts, if known { Sift::Unsteady } else { Sift::All }, &mut candidates);
        candidates.add(&waiting);
        for rule in candidates.iter() {
            let law = &self.rules.rules()[rule];
            let told = |before: &dyn Lookup| {
                let judged = law.judge(before);
                judged.pending || judged.verdict == Verdict::Yes
            };
            if inside && !law.group.judges_inside() || before.is_some_and(told) {
                continue;
            }
            let meanwhile = waiting.has(rule).then(|| self.resting.meanwhile(rule)).flatten();
            let judged = meanwhile.unwrap_or_else(|| match known && self.seen.asks(rule) {
                true => law.judge_open(facts),
                false => law.judge(facts),
            });
            debug_assert_eq!(judged, law.judge(facts), "{}", law.id);
            let yes = judged.verdict == Verdict::Yes;
            if yes && marks.is_some() {
                let case = Case { marks: self.rows[rule].asked, ..*case };
                self.record(rule, judged, &case, &mut Spot::default(), 1);
            } else if yes {
                self.record(rule, judged, case, spot, 1);
            }
            if judged.pending {
                let reported = yes && self.rules.reports(rule, judged.confidence);
                self.again.push(Again::of(rule, reported, judged));
            }
        }
        self.candidates = candidates;
    }

    /// Takes the rules out that exchanges with these marks do not concern.
    fn meet(&mut self, marks: Marks, candidates: &mut RuleBits) {
        if self.met.as_ref().is_none_or(|(known, _)| *known != marks) {
            let mut met = RuleBits::default();
            let concerned = candidates.iter().filter(|rule| self.rows[*rule].wanted.met(marks));
            concerned.for_each(|rule| met.insert(rule));
            self.met = Some((marks, met));
        }
        if let Some((_, met)) = &self.met {
            candidates.clone_from(met);
        }
    }

    fn record(
        &mut self,
        rule: usize,
        judged: Judged,
        case: &Case<'_>,
        spot: &mut Spot,
        count: u64,
    ) -> Option<usize> {
        if !self.rules.reports(rule, judged.confidence) {
            return None;
        }
        let at = self.rules.rules().get(rule).zip(self.rows.get(rule))?;
        if !self.suppressions.is_empty() {
            let here = position(case).map(|p| (p.file, p.frame));
            if self.suppressions.cover(at.0, &Scene::of(case, at.1.about_key).identity(""), here) {
                return None;
            }
        }
        self.ledger.record(rule, at, judged, case, spot, count)
    }
}
