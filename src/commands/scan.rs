//! `wirelint scan`: captures in, findings out.

use super::inputs::{self, Inputs};
use super::terminal::{self, Progress};
use super::{Failure, code, decode_as, now, output, rule_set};
use crate::cli::{KeyArgs, RuleArgs, ScanArgs, WorkArgs};
use crate::crack::{Attack, Words};
use crate::decode::{DecodeOptions, Paths};
use crate::facts::{CaptureSummary, Cracked};
use crate::finding::Summary;
use crate::judge::{FlowNumbers, Judge};
use crate::keys::KeyStore;
use crate::pipeline::{self, Listener, Merged};
use crate::report::{self, Format, Settings};
use crate::shard::{Event, Shared};
use crate::tally::Tally;
use crate::token::Scanner;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs the command.
pub(super) fn run(args: &ScanArgs) -> Result<u8, Failure> {
    let reports = reports(&args.format, args.work.output.as_deref())?;
    let judge = Judge::new(rule_set(&args.rules)?, now(&args.read)?, args.work.show_secrets);
    let shared = Arc::new(Shared {
        scanner: Scanner::new(),
        demand: judge.demand(),
        decode_as: decode_as(&args.read)?,
    });
    let mut inputs = Inputs::new(&args.inputs, &args.read, args.work.quiet > 0)?;
    let attack = attack(&args.rules, &args.keys)?;
    let mut audit = Audit::new(judge, attack, inputs.names.clone(), &args.work);
    audit.progress = Some(Progress::new(inputs.total(), &args.work));
    let decode = DecodeOptions { verify_checksums: args.read.verify_checksums };
    let result = pipeline::run(&mut inputs, &shared, decode, threads(&args.work), &mut audit);
    if let Err(error) = &result {
        inputs.broken(error);
    }
    let verdict = inputs.verdict(audit.tally.frames > 0, audit.interrupted());
    let summary = audit.finish(&inputs.warnings);
    let settings = settings(&args.work);
    for (format, path) in reports {
        let mut out = output::open(path.as_deref())?;
        let settings = Settings { color: settings.color && path.is_none(), ..settings };
        let result = (format.make)().write(&summary, &settings, &mut *out).and_then(|()| out.flush());
        output::written(result)?;
    }
    let complete = summary.coverage().is_empty() && !summary.crack_cut && !summary.interrupted;
    Ok(code(&summary.findings, args.fail_on, verdict, args.strict, complete))
}

/// `--format NAME` and `--format NAME=FILE`, with `--output` for the plain one.
fn reports(
    texts: &[String],
    output: Option<&std::path::Path>,
) -> Result<Vec<(&'static Format, Option<PathBuf>)>, Failure> {
    let mut out = Vec::new();
    for text in texts {
        let (name, path) =
            text.split_once('=').map_or((text.as_str(), None), |(n, p)| (n, Some(PathBuf::from(p))));
        let format = report::format(name)
            .ok_or_else(|| unknown_format(name, report::FORMATS.iter().map(|f| f.name)))?;
        out.push((format, path.or_else(|| output.map(PathBuf::from))));
    }
    if out.is_empty() {
        out.extend(report::FORMATS.first().map(|f| (f, output.map(PathBuf::from))));
    }
    if out.iter().filter(|(_, path)| path.is_none()).count() > 1 {
        return Err(
            "only one --format can go to standard output; give the others a file: --format json=report.json"
                .into(),
        );
    }
    Ok(out)
}

/// What to say about a format that does not exist.
pub(super) fn unknown_format(name: &str, names: impl Iterator<Item = &'static str> + Clone) -> Failure {
    let near = crate::rules::nearest::nearest(name, names.clone())
        .map_or_else(|| ".".to_owned(), |n| format!("; did you mean {n}?"));
    Failure(format!("no format {name}{near} There are {}", names.collect::<Vec<_>>().join(", ")))
}

/// How reports are printed.
pub(super) fn settings(work: &WorkArgs) -> Settings {
    Settings {
        width: terminal::width(),
        color: terminal::color(work),
        show_secrets: work.show_secrets,
        ..Settings::default()
    }
}

/// `--threads`, or the cores.
pub(super) fn threads(work: &WorkArgs) -> NonZeroUsize {
    work.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// The dictionary attack, with the secrets that the user gave.
pub(super) fn attack(rules: &RuleArgs, keys: &KeyArgs) -> Result<Attack, Failure> {
    let store =
        KeyStore::load(&keys.key, &keys.jwks, &keys.secret_file).map_err(|e| Failure(e.to_string()))?;
    for path in &rules.wordlist {
        Words::open(path).map_err(|e| Failure(format!("--wordlist {e}")))?;
    }
    Ok(Attack::new(rules.crack_budget, store.secrets().to_vec(), rules.wordlist.clone()))
}

/// Set by Ctrl-C and SIGTERM: reading stops, what was found is reported.
pub(super) fn stop_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    // Only the first installation in a process succeeds, and there is only one command in a process.
    let _ = ctrlc::set_handler(move || set.store(true, Ordering::Relaxed));
    flag
}

/// Takes what is new in a judge.
pub(super) type News = Box<dyn FnMut(&mut Judge)>;

/// The main thread's end of the chute for `scan` and `live`.
pub(super) struct Audit {
    pub(super) judge: Judge,
    attack: Attack,
    numbers: FlowNumbers,
    pub(super) tally: Tally,
    secrets: bool,
    names: Vec<String>,
    warnings: Vec<String>,
    quiet: bool,
    pub(super) progress: Option<Progress>,
    pub(super) stop: Arc<AtomicBool>,
    /// Called with every block's news, for live output.
    pub(super) news: Option<News>,
}

impl Audit {
    pub(super) fn new(judge: Judge, attack: Attack, names: Vec<String>, work: &WorkArgs) -> Self {
        Self {
            judge,
            attack,
            numbers: FlowNumbers::default(),
            tally: Tally::default(),
            secrets: false,
            names,
            warnings: Vec::new(),
            quiet: work.quiet > 0,
            progress: None,
            stop: stop_flag(),
            news: None,
        }
    }

    pub(super) fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Exchange { exchange, sightings } => {
                let flow = self.numbers.number(exchange.transport.flow);
                let host = sightings.iter().any(|s| s.token.is_hmac()).then(|| exchange.host()).flatten();
                for sighting in &sightings {
                    if self.judge.is_new(&sighting.token) {
                        self.attack.add(&sighting.token, host.as_deref());
                    }
                }
                self.judge.exchange(&exchange, sightings, flow);
            }
            Event::Sighting(sighting) => {
                let flow = self.numbers.number(sighting.transport.flow);
                if self.judge.is_new(&sighting.token) {
                    self.attack.add(&sighting.token, None);
                }
                self.judge.sighting(*sighting, None, flow);
            }
            Event::Flow(summary) => {
                let flow = self.numbers.number(summary.transport.flow);
                self.judge.flow(&summary, flow);
            }
        }
    }

    /// The end of input: the dictionary attack, late facts, the capture as a whole.
    pub(super) fn finish(mut self, said: &[String]) -> Summary {
        if let Some(progress) = &mut self.progress {
            progress.finish();
        }
        let outcome = self.attack.run(|_, _| {});
        for error in &outcome.errors {
            self.warn(format!("--wordlist {error}"));
        }
        self.tally.absorb(&mut self.judge.tally);
        self.tally.weirds("crack_refused", outcome.refused);
        let capture = CaptureSummary { tally: self.tally.clone(), secrets: self.secrets };
        self.judge.finish(&capture, &|token| match outcome.found.get(token.sha256()) {
            Some(found) if found.is_weak() => Cracked::Secret(found.secret.clone()),
            _ => Cracked::No,
        });
        if let Some(news) = &mut self.news {
            news(&mut self.judge);
        }
        let interrupted = self.interrupted();
        let tokens = self.judge.distinct_tokens();
        let (findings, dropped) = self.judge.into_findings();
        let warnings = said.iter().cloned().chain(self.warnings).collect();
        Summary {
            inputs: self.names,
            findings,
            dropped,
            tally: self.tally,
            tokens,
            crack_trials: outcome.trials,
            crack_cut: outcome.cut,
            warnings,
            interrupted,
        }
    }

    fn warn(&mut self, text: String) {
        if !self.quiet {
            terminal::say(&format!("warning: {text}"));
        }
        self.warnings.push(text);
    }
}

impl Listener for Audit {
    fn merged(&mut self, mut merged: Merged, _: &Paths) -> bool {
        for damage in &merged.damage {
            self.warn(inputs::damage_text(&self.names, damage));
        }
        self.secrets |= merged.secrets;
        self.tally.absorb(&mut merged.tally);
        self.numbers.born(&merged.births);
        for stamped in merged.events {
            self.event(stamped.event);
        }
        self.numbers.died(&merged.deaths);
        if let Some(news) = &mut self.news {
            news(&mut self.judge);
        }
        !self.interrupted()
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
