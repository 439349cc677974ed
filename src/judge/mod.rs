//! Facts become findings: every closed subject is put before the rules that could fire, verdicts are merged by
//! fingerprint, and subjects whose late facts are pending are kept to be judged again.

mod court;
mod endless;
mod ledger;
mod numbers;
mod resting;
mod retained;
mod row;
mod sealed;
mod seen;
mod severity;
mod spot;
#[cfg(test)]
mod tests;
mod touched;

pub use numbers::FlowNumbers;

use crate::capture::{Comment, FileId};
use crate::facts::value::FieldId;
use crate::facts::{
    CaptureSummary, Case, FAMILIES, Facts, Family, Given, Memories, Memory, Source, Subject, marks,
};
use crate::finding::{Finding, RuleNote};
use crate::message::{Exchange, Login};
use crate::policy::Policy;
use crate::rules::{Rule, RuleSet};
use crate::session::FlowSummary;
use crate::shard::{Demand, Event, Wanted};
use crate::suppress::Suppressions;
use crate::time::Timestamp;
use crate::token::Sighting;
use court::Court;
use foldhash::HashSet;
use retained::Evidence;
use sealed::Sealed;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The rules of a run at work.
pub struct Judge {
    /// What facts remember.
    memories: Memories,
    /// What judges: apart from the memories, which the cases before it borrow.
    court: Court,
    /// Encrypted tokens.
    sealed: Sealed,
    now: Option<Timestamp>,
    policy: Arc<Policy>,
}

impl Judge {
    /// A judge with these rules, and what the user gave.
    pub fn new(rules: RuleSet, given: &Given, show_secrets: bool) -> Self {
        let wanted = wanted(&rules).into_iter();
        let (memories, court) = (Memories::of(wanted, given), Court::new(rules, show_secrets));
        let sealed = Sealed::new(&given.keys);
        Self { memories, court, sealed, now: given.now, policy: Arc::default() }
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

    /// The same judge, which keeps findings out of the report that the operator accepts.
    #[must_use]
    pub fn with_suppressions(mut self, suppressions: Suppressions) -> Self {
        self.court.suppressions = suppressions;
        self
    }

    /// What the operator accepts: what is added holds from now on.
    pub fn suppressions(&mut self) -> &mut Suppressions {
        &mut self.court.suppressions
    }

    /// A comment in a capture speaks: gives what is wrong with it.
    pub fn comment(&mut self, file: FileId, name: &str, comment: &Comment) -> Vec<String> {
        self.court.suppressions.hear(file, name, comment, &self.court.rules)
    }

    /// Suppressions that nothing was found for, in words ([`Suppressions::unused`]).
    pub fn unused_suppressions(&self, part: bool) -> Vec<String> {
        self.court.suppressions.unused(&self.court.rules, part)
    }

    /// The rules, enabled or not.
    pub fn rules(&self) -> &RuleSet {
        &self.court.rules
    }

    /// What the shards must gather for the enabled rules.
    pub fn demand(&self) -> Demand {
        let enabled = || self.court.enabled();
        let on = |subject| enabled().any(|(_, r)| r.on == subject);
        let on_exchange = enabled().filter(|(_, rule)| rule.on == Subject::Exchange);
        let mut exchanges: Vec<Wanted> = on_exchange.map(|(i, _)| self.court.wanted(i)).collect();
        let mut bits = enabled().any(|(_, rule)| {
            rule.fields().iter().any(|f| Facts::get(*f).is_some_and(|f| marks::bit(f.name).is_some()))
        });
        let mut demand = Demand {
            lean: true,
            tokens: on(Subject::Sighting) || on(Subject::Exchange),
            logins: on(Subject::Login),
            flows: on(Subject::Flow),
            tls: on(Subject::Tls),
            policy: Arc::clone(&self.policy),
            ..Demand::default()
        };
        for family in wanted(&self.court.rules) {
            let Source::Memory { wants, .. } = family.source else { continue };
            let wants = wants();
            demand.tokens |= wants.tokens;
            demand.flows |= wants.flows;
            demand.documents |= wants.documents;
            demand.tls |= wants.tls;
            bits |= wants.exchanges.is_some_and(|masks| !masks.is_empty());
            exchanges.extend(wants.exchanges.map(|masks| Wanted(masks.to_vec())));
        }
        exchanges.sort_unstable();
        exchanges.dedup();
        let first = |mask: &u64| mask & (marks::OPEN_ROUTE | marks::HSTS_HOST) != 0;
        let firsts = exchanges.iter().any(|wanted| wanted.0.iter().any(first));
        Demand { marks: bits, exchanges, firsts, ..demand }
    }

    /// Something has happened in the flow of that number.
    pub fn hear(&mut self, event: Event, flow: u64) {
        match event {
            Event::Exchange { exchange, sightings } => self.exchange(&exchange, sightings, flow),
            Event::Sighting { sighting, exchange } => self.sighting(*sighting, exchange.as_ref(), flow),
            Event::Login(login) => self.login(&login, flow),
            Event::Flow(summary) => self.flow(&summary, flow),
        }
    }

    /// An exchange has closed.
    pub fn exchange(&mut self, exchange: &Arc<Exchange>, sightings: Vec<Sighting>, flow: u64) {
        let start = opened(self.now, &self.policy);
        let case = Case { exchange: Some(exchange), flow_number: flow, ..start };
        self.memories.note(&case);
        let case = Case { memories: Some(&self.memories), ..case };
        self.court.hear(&[Subject::Exchange], &case, &mut || Evidence::Exchange(Arc::clone(exchange)));
        for sighting in sightings {
            self.sighting(sighting, Some(exchange), flow);
        }
    }

    /// A token was sighted, in an exchange or outside of any.
    pub fn sighting(&mut self, mut sighting: Sighting, exchange: Option<&Arc<Exchange>>, flow: u64) {
        if let Some(token) = self.open(&sighting, &sighting.token) {
            sighting.token = token;
        }
        // Facts ask for all of this one by one, and wait for memory each time: asked for at once, it comes at once.
        std::hint::black_box((sighting.token.warm(), exchange.map(|exchange| exchange.warm())));
        let new = self.court.is_new(&sighting.token);
        let case = sighted(&sighting, exchange, (flow, new), opened(self.now, &self.policy));
        self.memories.note(&case);
        let case = Case { memories: Some(&self.memories), ..case };
        self.court.hear(&[Subject::Sighting], &case, &mut || {
            Evidence::Sighting(Box::new(sighting.clone()), exchange.cloned())
        });
        self.behind(&sighting, exchange, flow, new);
        self.entities(false);
    }

    /// Somebody tried to log in.
    pub fn login(&mut self, login: &Login, flow: u64) {
        let start = opened(self.now, &self.policy);
        let case = Case { login: Some(login), flow_number: flow, ..start };
        self.memories.note(&case);
        let case = Case { memories: Some(&self.memories), ..case };
        let evidence = &mut || Evidence::Login(Box::new(login.clone()));
        self.court.hear(&[Subject::Login], &case, evidence);
    }

    /// A flow has ended.
    pub fn flow(&mut self, summary: &FlowSummary, flow: u64) {
        let start = opened(self.now, &self.policy);
        let case = Case { flow: Some(summary), flow_number: flow, ..start };
        self.memories.note(&case);
        let case = Case { memories: Some(&self.memories), ..case };
        let subjects = [Subject::Flow, Subject::Tls];
        let subjects = if summary.tls.is_some() { &subjects[..] } else { &subjects[..1] };
        self.court.hear(subjects, &case, &mut || Evidence::Flow(Box::new(summary.clone())));
    }

    /// Looks at what was kept for late facts as they are now: for live output, since [`finish`](Self::finish) does it
    /// too.
    pub fn reconsider(&mut self) {
        self.unseal();
        self.memories.settle();
        let start = opened(self.now, &self.policy);
        self.court.reconsider(&Case { memories: Some(&self.memories), ..start }, false);
    }

    /// The input has ended: late facts are known, and keys, hosts, clients, issuers and the capture as a whole are
    /// judged. What judging itself has counted is added to `capture` before.
    pub fn finish(&mut self, capture: &mut CaptureSummary) {
        self.unseal();
        self.memories.close();
        let start = opened(self.now, &self.policy);
        self.court.reconsider(&Case { memories: Some(&self.memories), ..start }, true);
        self.entities(true);
        capture.tally.absorb(&mut self.court.tally);
        capture.tally.absorb(&mut self.memories.tally);
        let start = opened(self.now, &self.policy);
        let case = Case { capture: Some(capture), memories: Some(&self.memories), ..start };
        self.court.hear(&[Subject::Capture], &case, &mut || Evidence::None);
    }

    /// What a family remembers, if an enabled rule names one of its facts.
    pub fn memory<M: Memory>(&self) -> Option<&M> {
        self.memories.get()
    }

    /// The same, to change it.
    pub fn memory_mut<M: Memory>(&mut self) -> Option<&mut M> {
        self.memories.get_mut()
    }

    /// Findings that appeared or became more severe since the last call (for live output).
    pub fn take_fresh(&mut self) -> Vec<Finding> {
        self.court.ledger.take_fresh()
    }

    /// Distinct tokens seen.
    pub fn distinct_tokens(&self) -> u64 {
        self.court.distinct_tokens()
    }

    /// The rules that have findings, by id.
    pub fn rules_with_findings(&self) -> Vec<RuleNote> {
        self.court.rules_with_findings()
    }

    /// All findings, most severe first, then in order of their first occurrence; and how many were not kept. What is
    /// judged after that is found anew.
    pub fn take_findings(&mut self) -> (Vec<Finding>, u64) {
        self.court.ledger.take_findings()
    }

    /// Judges the keys, hosts, clients and issuers that are over.
    fn entities(&mut self, ended: bool) {
        for entity in self.memories.over(ended) {
            let case = Case {
                entity: Some(&entity),
                memories: Some(&self.memories),
                flow_number: entity.origin.flow,
                ..opened(self.now, &self.policy)
            };
            self.court.hear(&[entity.subject], &case, &mut || Evidence::None);
        }
    }
}

/// What all cases of a run have in common.
fn opened(now: Option<Timestamp>, policy: &Policy) -> Case<'_> {
    Case { now, policy, ..Case::default() }
}

/// The case of a sighting in a flow; `new`: its token was not sighted before.
fn sighted<'a>(
    sighting: &'a Sighting,
    exchange: Option<&'a Arc<Exchange>>,
    (flow_number, new): (u64, bool),
    start: Case<'a>,
) -> Case<'a> {
    Case { sighting: Some(sighting), exchange: exchange.map(|e| &**e), flow_number, new, ..start }
}

/// The families whose facts enabled rules name, or whose subjects they are about; and that of keys if one of these needs
/// it, or looks at what may be encrypted.
fn wanted(rules: &RuleSet) -> Vec<&'static Family> {
    let enabled =
        || rules.rules().iter().enumerate().filter(|(at, _)| rules.is_enabled(*at)).map(|(_, rule)| rule);
    let fields: BTreeSet<FieldId> = enabled().flat_map(Rule::fields).collect();
    let families: HashSet<&str> = fields.into_iter().filter_map(Facts::family).map(|f| f.name).collect();
    // Where the subjects of a rule come from is the family that is called after them.
    let named = |family: &Family| {
        families.contains(family.name) || enabled().any(|rule| rule.on.as_str() == family.name)
    };
    let keys = |family: &Family| {
        family.steady || matches!(family.source, Source::Memory { wants, .. } if wants().keys)
    };
    let needed = FAMILIES.iter().any(|family| named(family) && keys(family));
    FAMILIES.iter().copied().filter(|family| named(family) || needed && family.name == "key").collect()
}
