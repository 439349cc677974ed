//! The front door for other programs: packets in, findings out.
//!
//! ```
//! use wirelint::capture::{FileId, LinkType, Packets, RawPacket};
//! use wirelint::lint::Lint;
//! use wirelint::time::Timestamp;
//!
//! // A packet of a kind of link that has nothing in it: put your own here.
//! let packets = std::iter::once(RawPacket { time: Timestamp::from_parts(0, 0), link: LinkType(1), data: vec![0; 60] });
//! let mut lint = Lint::new().expect("the rules that come with wirelint are sound");
//! lint.read("my packets", Packets::new(packets, FileId(0)))?;
//! let summary = lint.finish();
//! assert!(summary.findings.is_empty() && summary.tally.frames == 1);
//! # Ok::<(), wirelint::capture::CaptureError>(())
//! ```

use crate::capture::{CaptureError, Source};
use crate::decode::{DecodeOptions, Paths};
use crate::facts::{CaptureSummary, Dictionary, Facts, Given};
use crate::finding::{Finding, Summary};
use crate::judge::{FlowNumbers, Judge};
use crate::keylog::Keyring;
use crate::pipeline::{self, Listener, Merged};
use crate::policy::Policy;
use crate::rules::{RuleError, RuleSet};
use crate::shard::Shared;
use crate::suppress::Suppressions;
use crate::tally::Tally;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// An audit of traffic that a program hands over.
pub struct Lint {
    judge: Judge,
    shared: Arc<Shared>,
    threads: NonZeroUsize,
    numbers: FlowNumbers,
    tally: Tally,
    secrets: bool,
    names: Vec<String>,
}

/// What an audit is made of. All of it by default is what `wirelint scan` does without flags, on one thread.
pub struct Options {
    /// The rules, chosen.
    pub rules: RuleSet,
    /// Keys, the time, the dictionary attack.
    pub given: Given,
    /// What facts are measured by.
    pub policy: Policy,
    /// Findings that are accepted.
    pub suppressions: Suppressions,
    /// TLS secrets.
    pub keyring: Keyring,
    /// Threads; 1 is the calling one alone. The result is the same for any number.
    pub threads: NonZeroUsize,
    /// Tokens and secrets in findings are whole.
    pub show_secrets: bool,
}

impl Options {
    /// The rules that come with wirelint, and nothing given.
    ///
    /// # Errors
    /// What is wrong with those rules.
    pub fn new() -> Result<Self, Vec<RuleError>> {
        Ok(Self {
            rules: RuleSet::builtin_without_examples(&Facts)?,
            given: Given { crack_budget: 4_000_000, ..Given::default() },
            policy: Policy::default(),
            suppressions: Suppressions::default(),
            keyring: Keyring::default(),
            threads: NonZeroUsize::MIN,
            show_secrets: false,
        })
    }
}

impl Lint {
    /// An audit with all defaults.
    ///
    /// # Errors
    /// What is wrong with the rules that come with wirelint.
    pub fn new() -> Result<Self, Vec<RuleError>> {
        Options::new().map(Self::with)
    }

    /// An audit with these options.
    pub fn with(options: Options) -> Self {
        let given = Given { hands: pipeline::hands(options.threads), ..options.given };
        let judge = Judge::new(options.rules, &given, options.show_secrets)
            .with_policy(options.policy)
            .with_suppressions(options.suppressions);
        let shared = Arc::new(Shared { keyring: options.keyring, ..Shared::new(judge.demand()) });
        Self {
            judge,
            shared,
            threads: options.threads,
            numbers: FlowNumbers::default(),
            tally: Tally::default(),
            secrets: false,
            names: Vec::new(),
        }
    }

    /// Reads a source to its end: packets that the program has ([`Packets`](crate::capture::Packets)), or a file
    /// ([`open`](crate::capture::open)). Its [`FileId`](crate::capture::FileId) counts the calls, from 0; `name` is how
    /// findings call it. What remains open in one source ends with it; tokens and keys are remembered.
    ///
    /// # Errors
    /// What the source says when nothing more can be read; what was read until then counts.
    pub fn read(&mut self, name: &str, source: impl Source + 'static) -> Result<(), CaptureError> {
        self.names.push(name.to_owned());
        let source: Box<dyn Source> = Box::new(source);
        let (shared, threads) = (Arc::clone(&self.shared), self.threads);
        pipeline::run(&mut std::iter::once(source), &shared, DecodeOptions::default(), threads, self)
    }

    /// Findings that are new, or became more severe, since the last call.
    pub fn take_fresh(&mut self) -> Vec<Finding> {
        self.judge.take_fresh()
    }

    /// Ends the audit: the dictionary attack, and what is known at the end only.
    pub fn finish(mut self) -> Summary {
        let mut capture = CaptureSummary { tally: std::mem::take(&mut self.tally), secrets: self.secrets };
        self.judge.finish(&mut capture);
        let outcome = self.judge.memory::<Dictionary>().and_then(Dictionary::outcome);
        let (crack_trials, crack_cut) = outcome.map_or((0, false), |outcome| (outcome.trials, outcome.cut));
        let remarks = self.judge.unused_suppressions(false);
        let suppressed = self.judge.suppressions().count();
        let (tokens, rules) = (self.judge.distinct_tokens(), self.judge.rules_with_findings());
        let (findings, dropped) = self.judge.take_findings();
        Summary {
            inputs: self.names,
            findings,
            rules,
            dropped,
            tally: capture.tally,
            tokens,
            crack_trials,
            crack_cut,
            suppressed,
            remarks,
            ..Summary::default()
        }
    }
}

impl Listener for Lint {
    fn merged(&mut self, mut merged: Merged, _: &Paths) -> bool {
        self.secrets |= merged.secrets;
        self.tally.absorb(&mut merged.tally);
        self.numbers.born(&merged.births);
        for stamped in merged.events {
            let flow = self.numbers.number(stamped.event.flow());
            self.judge.hear(stamped.event, flow);
        }
        self.numbers.died(&merged.deaths);
        true
    }
}
