//! What happens after each block: findings are told, signals heard, rules loaded anew.

use super::announce::{Announcer, Change};
use super::evidence::Recorder;
use super::outlet::{Outlet, Seen};
use super::stats::Stats;
use crate::capture::{Block, LiveStatus};
use crate::cli::AuditArgs;
use crate::commands::audit::{News, State};
use crate::commands::configure;
use crate::commands::known::Known;
use crate::commands::terminal::say;
use crate::decode::FlowKey;
use crate::judge::Judge;
use crate::limits::Room;
use crate::message::Exchange;
#[cfg(target_os = "linux")]
use crate::system::{Came, Signals};
use crate::token::Sighting;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often outlets are told how it is going.
const STATS: Duration = Duration::from_millis(100);

/// How much of the past counts for rates: the weight of a new measurement.
const WEIGHT: f64 = 0.1;

/// A watch as it goes. Shared with the command, which looks at it when the run is over.
pub(super) struct Watch {
    pub(super) announcer: Announcer,
    pub(super) outlets: Vec<Box<dyn Outlet>>,
    pub(super) recorder: Option<Recorder>,
    pub(super) status: LiveStatus,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) stats: Stats,
    /// A judge that needs other facts: the run ends, and begins anew with it.
    pub(super) next: Option<Judge>,
    #[cfg(target_os = "linux")]
    pub(super) signals: Option<Signals>,
    pub(super) args: AuditArgs,
    /// What a baseline has is not told.
    pub(super) known: Rc<Known>,
    pub(super) room: Room,
    pub(super) quiet: bool,
    pub(super) started: Instant,
    pub(super) until: Option<Instant>,
    /// When outlets were told, and what had been read then.
    pub(super) told: (Instant, u64, u64),
}

impl Watch {
    /// Says something on standard error, unless an outlet shows it.
    pub(super) fn notice(&mut self, text: &str) {
        let shown = self.outlets.iter_mut().filter_map(|outlet| outlet.notice(text).then_some(())).count();
        if shown == 0 && !self.quiet {
            say(text);
        }
    }

    fn announce(&mut self, judge: &mut Judge, names: &[String], end: bool) {
        for (finding, change) in self.announcer.news(judge, end) {
            if self.known.knows(&finding) {
                continue;
            }
            if change == Change::New {
                self.stats.count(finding.severity);
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.finding(&finding);
            }
            for outlet in &mut self.outlets {
                outlet.finding(&finding, change, names);
            }
        }
    }

    fn measure(&mut self, state: &State<'_>) {
        let (tally, open_flows, behind) = (state.tally, state.open_flows, state.behind);
        let (at, frames, bytes) = self.told;
        let seconds = at.elapsed().as_secs_f64().max(0.001);
        let now = [tally.frames - frames.min(tally.frames), tally.bytes - bytes.min(tally.bytes)];
        for (rate, now) in self.stats.rates.iter_mut().zip(now) {
            *rate += (now as f64 / seconds - *rate) * WEIGHT;
        }
        self.told = (Instant::now(), tally.frames, tally.bytes);
        self.stats.tally.clone_from(tally);
        self.stats.running = self.started.elapsed();
        (self.stats.open_flows, self.stats.behind) = (open_flows, behind);
        self.stats.tokens = state.judge.distinct_tokens();
        self.stats.interfaces = self.status.interfaces();
        for notice in self.status.take_notices() {
            self.notice(&format!("note: {notice}"));
        }
        if let Some(text) = self.recorder.as_mut().and_then(Recorder::trouble) {
            self.notice(&text);
        }
        let news: Vec<String> = self.outlets.iter_mut().flat_map(|outlet| outlet.news()).collect();
        news.iter().for_each(|text| self.notice(text));
        for outlet in &mut self.outlets {
            if !outlet.stats(&self.stats) {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Signals that came. False if the run must begin anew.
    fn hear(&mut self, judge: &mut Judge) -> bool {
        #[cfg(target_os = "linux")]
        while let Some(came) = self.signals.as_ref().and_then(Signals::next) {
            match came {
                Came::Stop { .. } => self.stop.store(true, Ordering::Relaxed),
                Came::Hangup => self.reload(judge),
            }
        }
        let _ = judge;
        self.next.is_none()
    }

    /// Loads rules and configuration anew. Those that are broken change nothing.
    #[cfg(target_os = "linux")]
    fn reload(&mut self, old: &mut Judge) {
        match configure::audit(&self.args, &[]).and_then(|configured| configure::judge(&configured)) {
            Err(failure) => {
                let lines = failure.lines("error: SIGHUP: ", "; the rules stay as they were");
                lines.iter().for_each(|line| self.notice(line));
            }
            Ok((new, _)) => {
                let new = new.endless(self.room);
                let same = new.demand().same(&old.demand());
                let how = if same { "" } else { "; they ask for other facts: flows are followed anew" };
                self.notice(&format!("note: SIGHUP: rules loaded anew{how}"));
                if same {
                    self.announcer.retire(std::mem::replace(old, new));
                } else {
                    self.next = Some(new);
                }
            }
        }
    }
}

/// The watch, as the audit tells it.
pub(super) struct Told(pub(super) Rc<RefCell<Watch>>);

impl News for Told {
    fn wants_frames(&self) -> bool {
        self.0.borrow().recorder.is_some()
    }

    fn frames(&mut self, block: &Arc<Block>, flows: &[Option<FlowKey>]) {
        if let Some(recorder) = &mut self.0.borrow_mut().recorder {
            recorder.frames(block, flows);
        }
    }

    fn sighted(&mut self, sightings: &[Sighting], exchange: Option<&Exchange>, flow: u64) {
        let mut watch = self.0.borrow_mut();
        for outlet in watch.outlets.iter_mut().filter(|outlet| outlet.wants_sightings()) {
            sightings
                .iter()
                .for_each(|sighting| outlet.seen(&Seen { sighting, exchange, others: sightings, flow }));
        }
    }

    fn after(&mut self, state: State<'_>) -> bool {
        let mut watch = self.0.borrow_mut();
        watch.announce(state.judge, state.names, state.end);
        if state.end || watch.told.0.elapsed() >= STATS {
            watch.measure(&state);
        }
        if watch.until.is_some_and(|until| Instant::now() >= until) {
            watch.stop.store(true, Ordering::Relaxed);
        }
        watch.hear(state.judge)
    }
}
