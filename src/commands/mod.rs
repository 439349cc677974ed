//! What the commands do: the two ends of the chute, and what is said about the work.

mod audit;
mod collector;
mod configure;
mod crack;
mod destinations;
mod expect;
mod given;
mod init;
mod inputs;
mod inspect;
mod known;
#[cfg(feature = "live")]
mod live;
mod output;
mod part;
mod records;
mod redact;
mod rules;
#[cfg(all(feature = "live", target_os = "linux"))]
mod run;
mod scan;
mod schema;
mod secrets;
mod shell;
mod story;
mod terminal;
mod work;

use crate::cli::{Cli, Command, KeyArgs, ReadArgs, WorkArgs};
use crate::facts::Facts;
use crate::finding::Finding;
use crate::keys::KeyStore;
use crate::protocol::{self, Protocol};
use crate::rules::{FailOn, RuleError, RuleSet};
use crate::time::Timestamp;

/// Why a command could not do its work: the user's own mistakes, with what to do about them. Exit code 2.
#[derive(Debug)]
pub struct Failure {
    text: String,
    /// The text has several lines of its own; otherwise a line break in it is that of a name.
    page: bool,
}

impl Failure {
    /// What went wrong, in one line.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), page: false }
    }

    /// Mistakes in rules or in a configuration, each with the line that is wrong.
    fn mistakes(errors: &[RuleError]) -> Self {
        let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\nerror: ");
        Self { text, page: true }
    }

    /// The lines to be said, the first behind `before`, the last before `after`.
    fn lines(&self, before: &str, after: &str) -> Vec<String> {
        let text = format!("{before}{}{after}", self.text);
        if self.page { text.split('\n').map(str::to_owned).collect() } else { vec![text] }
    }
}

impl<T: Into<String>> From<T> for Failure {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// Exit codes of `contract.md`.
pub mod exit {
    /// Nothing to complain about.
    pub const CLEAN: u8 = 0;
    /// Findings at or above `--fail-on`.
    pub const FINDINGS: u8 = 1;
    /// The command could not do its work.
    pub const FAILURE: u8 = 2;
    /// No input is a capture, or none held a packet.
    pub const NO_CAPTURE: u8 = 3;
    /// With `--strict`: the inspection is incomplete.
    pub const INCOMPLETE: u8 = 4;
    /// Ctrl-C.
    pub const INTERRUPTED: u8 = 130;
}

/// Runs a command and returns its exit code.
pub fn run(cli: Cli) -> u8 {
    let result = match cli.command {
        Command::Scan(args) => scan::run(&args),
        #[cfg(feature = "live")]
        Command::Live(args) => live::run(&args),
        #[cfg(all(feature = "live", target_os = "linux"))]
        Command::Run(args) => run::run(&args),
        Command::Flows(args) => records::run(records::Kind::Flows, &args),
        Command::Http(args) => records::run(records::Kind::Http, &args),
        Command::Tokens(args) => records::run(records::Kind::Tokens, &args),
        Command::Trace(args) => records::trace(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Schema { of } => schema::run(of),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { dir } => shell::man(dir.as_deref()),
        Command::Redact(args) => redact::run(&args),
        Command::Crack(args) => crack::run(&args),
        Command::Rules(command) => rules::run(&command),
    };
    result.unwrap_or_else(|failure| {
        failure.lines("error: ", "").iter().for_each(|line| terminal::say(line));
        exit::FAILURE
    })
}

/// Built-in rules and those of `dirs`.
fn all_rules(dirs: &[std::path::PathBuf]) -> Result<RuleSet, Failure> {
    with_dirs(RuleSet::builtin(&Facts), dirs)
}

fn with_dirs(
    builtin: Result<RuleSet, Vec<RuleError>>,
    dirs: &[std::path::PathBuf],
) -> Result<RuleSet, Failure> {
    let list = |errors: Vec<RuleError>| Failure::mistakes(&errors);
    let mut set = builtin.map_err(list)?;
    for dir in dirs {
        set.load_dir(dir, &Facts).map_err(list)?;
    }
    Ok(set)
}

/// The keys of `--key`, `--jwks` and `--secret-file`.
fn key_store(args: &KeyArgs, work: &WorkArgs) -> Result<KeyStore, Failure> {
    let store =
        KeyStore::load(&args.key, &args.jwks, &args.secret_file).map_err(|e| Failure::new(e.to_string()))?;
    if store.count() > 0 {
        terminal::note(work, || format!("keys: {}", store.count()));
    }
    Ok(store)
}

/// The warning that some keys of a set are of no use.
fn unused_keys(store: &KeyStore) -> Option<String> {
    let text = |n| {
        format!("{n} of the keys cannot be used: public ones for encryption, of another curve, or damaged")
    };
    Some(store.skipped()).filter(|n| *n > 0).map(text)
}

fn now(args: &ReadArgs) -> Result<Option<Timestamp>, Failure> {
    args.now.as_deref().map(parse_now).transpose()
}

fn parse_now(text: &str) -> Result<Timestamp, Failure> {
    let time = Timestamp::parse(text);
    time.ok_or_else(|| format!("--now {text}: neither RFC 3339 nor seconds since 1970").into())
}

/// `--decode-as PORT=PROTOCOL`.
fn decode_as(args: &ReadArgs) -> Result<Vec<(u16, &'static Protocol)>, Failure> {
    let names = || protocol::PROTOCOLS.iter().map(|p| p.name);
    args.decode_as
        .iter()
        .map(|text| {
            let (port, name) =
                text.split_once('=').ok_or_else(|| format!("--decode-as {text}: PORT=PROTOCOL is needed"))?;
            let port = port.parse().map_err(|_| format!("--decode-as {text}: {port} is not a port"))?;
            let protocol = protocol::by_name(name).ok_or_else(|| {
                let near = crate::rules::nearest::nearest(name, names());
                let hint = near.map_or_else(String::new, |n| format!("; did you mean {n}?"));
                format!("--decode-as {text}: no protocol {name}{hint}")
            })?;
            Ok((port, protocol))
        })
        .collect()
}

/// Whether a finding is at or above `--fail-on`.
fn failing(findings: &[Finding], fail_on: FailOn) -> bool {
    fail_on.severity().is_some_and(|least| findings.iter().any(|f| f.severity >= least))
}

/// The exit code of `scan` and `live`, in the contract's order of precedence.
fn code(findings: &[Finding], fail_on: FailOn, inputs: inputs::Verdict, strict: bool, complete: bool) -> u8 {
    if inputs.interrupted {
        exit::INTERRUPTED
    } else if inputs.failed {
        exit::FAILURE
    } else if failing(findings, fail_on) {
        exit::FINDINGS
    } else if strict && !complete && inputs.packets {
        exit::INCOMPLETE
    } else if !inputs.packets {
        exit::NO_CAPTURE
    } else {
        exit::CLEAN
    }
}
