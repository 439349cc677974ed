//! The main thread's end of the chute for `scan` and `live`: judge, dictionary attack, what is said meanwhile.

use super::configure::{self, Configured};
use super::secrets::{Secrets, bad_lines_text};
use super::terminal::{self, Progress};
use super::{Failure, decode_as, inputs, unused_keys};
use crate::capture::{Block, CaptureError, Source};
use crate::cli::{AuditArgs, WorkArgs};
use crate::crack::{Attack, WORD_BYTES};
use crate::decode::{DecodeOptions, FlowKey, Paths};
use crate::facts::{CaptureSummary, Dictionary};
use crate::finding::Summary;
use crate::judge::{FlowNumbers, Judge};
use crate::keys::KeyStore;
use crate::limits;
use crate::message::Exchange;
use crate::pipeline::{self, Beside, Listener, Merged};
use crate::session::FlowSummary;
use crate::shard::{Demand, Event, Shared};
use crate::tally::Tally;
use crate::token::Sighting;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Who watches a run as it goes.
pub(super) trait News {
    /// Whether it wants the frames themselves.
    fn wants_frames(&self) -> bool {
        false
    }
    /// The frames of a block, with the flow of each.
    fn frames(&mut self, _block: &Arc<Block>, _flows: &[Option<FlowKey>]) {}
    /// Tokens were sighted in a flow, in an exchange or outside of any.
    fn sighted(&mut self, _sightings: &[Sighting], _exchange: Option<&Exchange>, _flow: u64) {}
    /// Whether it wants every flow at its end.
    fn wants_flows(&self) -> bool {
        false
    }
    /// A flow ended.
    fn ended(&mut self, _flow: &FlowSummary, _number: u64) {}
    /// A block is done, or the run is. False to read no further.
    fn after(&mut self, state: State<'_>) -> bool;
}

/// How a run stands.
#[cfg_attr(not(feature = "live"), allow(dead_code, reason = "only live is watched"))]
pub(super) struct State<'a> {
    pub(super) judge: &'a mut Judge,
    pub(super) tally: &'a Tally,
    pub(super) names: &'a [String],
    /// Flows that are open.
    pub(super) open_flows: usize,
    /// Blocks that wait behind this one.
    pub(super) behind: u64,
    /// The run is over: this is the last word.
    pub(super) end: bool,
}

/// Trials of the dictionary attack after each block of a run without an end that has one thread.
const TRIALS: u64 = 10_000;

/// Warnings that are kept for the report: a run without an end must not grow by them.
const WARNINGS: usize = 1000;

/// The main thread's end of the chute for `scan` and `live`.
pub(super) struct Audit {
    judge: Judge,
    shared: Arc<Shared>,
    numbers: FlowNumbers,
    pub(super) tally: Tally,
    secrets: bool,
    names: Vec<String>,
    warnings: Vec<String>,
    /// What was said about the configuration.
    remarks: Vec<String>,
    work: WorkArgs,
    /// Threads of the run: to count the processors reads files, and this is asked for every block of a live run.
    threads: NonZeroUsize,
    pub(super) progress: Option<Progress>,
    pub(super) stop: Arc<AtomicBool>,
    /// What is read is a part of the inputs only.
    pub(super) part: bool,
    /// Comments in captures suppress findings.
    heeds_comments: bool,
    /// Called with every block's news, for live output.
    news: Option<Box<dyn News>>,
    /// Whether the judge wants all flows, and those with TLS.
    judged: (bool, bool),
    /// The dictionary attack as it goes on, where a run has no end.
    beside: Option<Beside>,
}

impl Audit {
    /// The audit that the flags ask for; it ends early once `stop` is set.
    pub(super) fn new(
        configured: &Configured,
        secrets: Secrets,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let (judge, keys) = configure::judge(configured)?;
        let room = limits::Room::default();
        let mut audit = Self::with(judge, &keys, room, &configured.args, secrets, stop)?;
        configured.warnings.iter().for_each(|text| audit.remark(text.clone()));
        Ok(audit)
    }

    /// The audit with this judge, within this room.
    pub(super) fn with(
        judge: Judge,
        keys: &KeyStore,
        room: limits::Room,
        args: &AuditArgs,
        secrets: Secrets,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let demand = judge.demand();
        let judged = flows(&demand);
        let shared = Arc::new(Shared {
            decode_as: decode_as(&args.read)?,
            keyring: secrets.ring,
            room,
            ..Shared::new(demand)
        });
        let mut audit = Self {
            judge,
            shared,
            numbers: FlowNumbers::default(),
            tally: Tally::default(),
            secrets: false,
            names: Vec::new(),
            warnings: Vec::new(),
            remarks: Vec::new(),
            work: args.work.clone(),
            threads: super::scan::threads(&args.work),
            progress: None,
            stop,
            part: false,
            heeds_comments: !args.no_suppressions,
            news: None,
            judged,
            beside: None,
        };
        if let Some(warning) = unused_keys(keys) {
            audit.warn(warning);
        }
        secrets.warnings.into_iter().for_each(|text| audit.warn(text));
        Ok(audit)
    }

    /// Attacks tokens from now on as they come: there is no end at which it could be done.
    #[cfg(feature = "live")]
    pub(super) fn attack_meanwhile(&mut self) {
        self.beside = Some(Beside::default());
    }

    /// Tells `news` from now on what happens.
    pub(super) fn watch(&mut self, news: Box<dyn News>) {
        if news.wants_flows() {
            let demand = Demand { flows: true, ..self.shared.demand.clone() };
            self.shared = Arc::new(self.shared_with(demand));
        }
        self.news = Some(news);
    }

    /// What shards share, with another demand.
    fn shared_with(&self, demand: Demand) -> Shared {
        let shared = &self.shared;
        Shared {
            decode_as: shared.decode_as.clone(),
            keyring: shared.keyring.clone(),
            room: shared.room,
            ..Shared::new(demand)
        }
    }

    /// Reads `sources`, which bear these names, to their end or until it is interrupted.
    pub(super) fn run(
        &mut self,
        sources: &mut dyn Iterator<Item = Box<dyn Source>>,
        names: Vec<String>,
        args: &AuditArgs,
    ) -> Result<(), CaptureError> {
        self.names = names;
        let shared = Arc::clone(&self.shared);
        let decode = DecodeOptions { verify_checksums: args.read.verify_checksums };
        pipeline::run(sources, &shared, decode, self.threads, self)
    }

    pub(super) fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn event(&mut self, event: Event) {
        let flow = self.numbers.number(event.flow());
        if let Some(news) = &mut self.news {
            match &event {
                Event::Exchange { exchange, sightings } => news.sighted(sightings, Some(exchange), flow),
                Event::Sighting { sighting, exchange } => {
                    news.sighted(std::slice::from_ref(sighting), exchange.as_deref(), flow);
                }
                Event::Flow(summary) => news.ended(summary, flow),
                Event::Login(_) => {}
            }
        }
        // What is gathered for a picture changes no verdict.
        let judged = match &event {
            Event::Flow(summary) => self.judged.0 || self.judged.1 && summary.tls.is_some(),
            _ => true,
        };
        if judged {
            self.judge.hear(event, flow);
        }
    }

    /// The end of input: the dictionary attack, late facts, the capture as a whole.
    pub(super) fn finish(&mut self, said: &[String]) -> Summary {
        if let Some(progress) = &mut self.progress {
            progress.finish();
        }
        self.judge.unseal();
        self.attack();
        let mut capture = CaptureSummary { tally: std::mem::take(&mut self.tally), secrets: self.secrets };
        self.judge.finish(&mut capture);
        self.tally = capture.tally;
        let (crack_trials, crack_cut) = self.attacked();
        self.tell(0, true);
        terminal::counted(&self.work, &self.tally);
        let interrupted = self.interrupted();
        // What was not read to its end may still come to use them.
        let unused = if interrupted { Vec::new() } else { self.judge.unused_suppressions(self.part) };
        unused.into_iter().for_each(|text| self.remark(text));
        let suppressed = self.judge.suppressions().count();
        let (tokens, rules) = (self.judge.distinct_tokens(), self.judge.rules_with_findings());
        let (findings, dropped) = self.judge.take_findings();
        let warnings = said.iter().cloned().chain(std::mem::take(&mut self.warnings)).collect();
        Summary {
            inputs: std::mem::take(&mut self.names),
            findings,
            rules,
            dropped,
            tally: std::mem::take(&mut self.tally),
            tokens,
            crack_trials,
            crack_cut,
            warnings,
            unsaid: self.work.quiet > 0,
            suppressed,
            remarks: std::mem::take(&mut self.remarks),
            interrupted,
            ..Summary::default()
        }
    }

    /// The rest of the dictionary attack, on as many threads as the run has. Whoever interrupts a run that would end does not
    /// wait for it; one without an end is always interrupted.
    fn attack(&mut self) {
        let (threads, stop) = (self.threads, Arc::clone(&self.stop));
        let beside = self.beside.take();
        let endless = beside.is_some();
        let Some(dictionary) = self.judge.memory_mut::<Dictionary>() else { return };
        if let Some(beside) = beside {
            beside.finish(dictionary.attack_mut());
        }
        let mut watch = |_: &mut Attack| endless || !stop.load(Ordering::Relaxed);
        pipeline::attack(dictionary.attack_mut(), threads, &mut watch);
    }

    /// A little of it, while a run without an end goes on: beside it, or on the only thread.
    fn attack_a_little(&mut self) {
        let Some(beside) = &mut self.beside else { return };
        let Some(dictionary) = self.judge.memory_mut::<Dictionary>() else { return };
        let attack = dictionary.attack_mut();
        match self.threads.get() {
            1 => {
                attack.run_some(TRIALS);
            }
            _ => beside.step(attack),
        }
        if !attack.take_fresh().is_empty() {
            self.judge.reconsider();
        }
    }

    /// What is to be said about the dictionary attack: trials, and whether the budget cut it.
    fn attacked(&mut self) -> (u64, bool) {
        let Some(outcome) = self.judge.memory::<Dictionary>().and_then(Dictionary::outcome) else {
            return (0, false);
        };
        let (trials, cut) = (outcome.trials, outcome.cut);
        let mut said: Vec<_> = outcome.errors.iter().map(|error| format!("--wordlist {error}")).collect();
        if outcome.long_lines > 0 {
            let (n, s) = (outcome.long_lines, if outcome.long_lines == 1 { "" } else { "s" });
            said.push(format!("--wordlist: {n} line{s} longer than {WORD_BYTES} bytes left out"));
        }
        said.into_iter().for_each(|text| self.warn(text));
        (trials, cut)
    }

    /// Says a warning, and keeps it for the report.
    pub(super) fn warn(&mut self, text: String) {
        warn(&self.work, &mut self.warnings, text);
    }

    /// The rules at work, and what accepts findings.
    pub(super) fn judge(&mut self) -> &mut Judge {
        &mut self.judge
    }

    /// Says something about the configuration, and keeps it for the report.
    pub(super) fn remark(&mut self, text: String) {
        warn(&self.work, &mut self.remarks, text);
    }

    /// Tells whoever watches; false if they want no more.
    fn tell(&mut self, behind: u64, end: bool) -> bool {
        let Some(news) = &mut self.news else { return true };
        news.after(State {
            judge: &mut self.judge,
            tally: &self.tally,
            names: &self.names,
            open_flows: self.numbers.open(),
            behind,
            end,
        })
    }

    /// Goes on with another judge: other rules, which may ask for other facts.
    #[cfg(feature = "live")]
    pub(super) fn replace(&mut self, judge: Judge) -> Judge {
        let demand = judge.demand();
        self.judged = flows(&demand);
        self.shared = Arc::new(self.shared_with(demand));
        std::mem::replace(&mut self.judge, judge)
    }
}

fn warn(work: &WorkArgs, kept: &mut Vec<String>, text: String) {
    if work.quiet == 0 {
        terminal::say(&format!("warning: {text}"));
    }
    if kept.len() < WARNINGS {
        kept.push(text);
    }
}

/// Whether all flows are wanted, and those with TLS.
fn flows(demand: &Demand) -> (bool, bool) {
    (demand.flows, demand.tls)
}

impl Listener for Audit {
    fn wants_frames(&self) -> bool {
        self.news.as_ref().is_some_and(|news| news.wants_frames())
    }

    fn frames(&mut self, block: &Arc<Block>, flows: &[Option<FlowKey>]) {
        if let Some(news) = &mut self.news {
            news.frames(block, flows);
        }
    }

    fn merged(&mut self, mut merged: Merged, _: &Paths) -> bool {
        for damage in &merged.damage {
            self.warn(inputs::damage_text(&self.names, damage));
        }
        for bad in &merged.bad_lines {
            bad_lines_text(&self.names, bad).into_iter().for_each(|text| self.warn(text));
        }
        let (file, comments) = std::mem::take(&mut merged.comments);
        let name = self.names.get(file.0 as usize).map_or("-", String::as_str);
        let comments = comments.iter().filter(|_| self.heeds_comments);
        let wrong: Vec<_> = comments.flat_map(|comment| self.judge.comment(file, name, comment)).collect();
        wrong.into_iter().for_each(|text| self.remark(text));
        self.secrets |= merged.secrets;
        self.tally.absorb(&mut merged.tally);
        self.numbers.born(&merged.births);
        for stamped in merged.events {
            self.event(stamped.event);
        }
        self.numbers.died(&merged.deaths);
        self.attack_a_little();
        self.tell(merged.behind, false) && !self.interrupted()
    }

    fn unknown_links(&mut self, links: &BTreeMap<u16, u64>) {
        for (link, packets) in links {
            self.warn(inputs::link_text(*link, *packets));
        }
    }

    fn progress(&mut self, done: u64) {
        if let Some(progress) = &mut self.progress {
            progress.at(done);
        }
    }
}
