//! The command line: what can be typed. What it means is `commands`.

mod examples;
#[cfg(feature = "live")]
mod live;
mod offline;
mod project;
mod redact;
mod variables;

use crate::rules::nearest::nearest;
use crate::rules::{FailOn, Severity};
use crate::{records, report};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[cfg(feature = "live")]
pub use live::*;
pub use offline::*;
pub use project::{Ci, InitArgs, RulesCommand, SchemaOf};
pub use redact::RedactArgs;
pub use variables::command;

/// Security linter and traffic analyzer for JSON Web Tokens on the wire.
#[derive(Debug, Parser)]
#[command(
    name = "wirelint",
    version,
    max_term_width = 100,
    after_help = examples::ALL,
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit captures: decode, run the rules, report findings
    #[command(after_help = examples::SCAN)]
    Scan(ScanArgs),
    /// The same on an interface, as it happens, until stopped
    #[cfg(feature = "live")]
    #[command(after_help = examples::LIVE)]
    Live(Box<LiveArgs>),
    /// Capture what a command sends on this machine, with its TLS secrets, then scan that
    #[cfg(all(feature = "live", target_os = "linux"))]
    #[command(after_help = examples::RUN)]
    Run(RunArgs),
    /// Print one record a TCP connection or UDP conversation
    #[command(after_help = examples::RECORDS)]
    Flows(RecordArgs),
    /// Print one record an HTTP exchange
    #[command(after_help = examples::RECORDS)]
    Http(RecordArgs),
    /// Print one record a token sighting
    #[command(after_help = examples::RECORDS)]
    Tokens(RecordArgs),
    /// Draw the life of each token: issued, presented, accepted or refused, expired
    #[command(after_help = examples::TRACE)]
    Trace(TraceArgs),
    /// Decode, verify and judge tokens given as text or on standard input
    #[command(after_help = examples::INSPECT)]
    Inspect(InspectArgs),
    /// Write a configuration file with every key as a comment
    #[command(after_help = examples::INIT)]
    Init(InitArgs),
    /// Print the JSON Schema of a file, for editors
    Schema {
        /// Which file
        #[arg(value_enum)]
        of: SchemaOf,
    },
    /// Write a capture again without its tokens, credentials and cookies, so that it can be shared
    #[command(after_help = examples::REDACT)]
    Redact(RedactArgs),
    /// Try words on tokens that are signed with a shared secret
    #[command(after_help = examples::CRACK)]
    Crack(CrackArgs),
    /// List and explain the rules, or test a folder of them
    #[command(subcommand, after_help = examples::RULES)]
    Rules(RulesCommand),
    /// Print the completions of a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands to a folder
    #[command(after_help = examples::MAN)]
    Man {
        /// The folder
        dir: Option<PathBuf>,
    },
}

/// Where colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How the work is done and shown.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Work and output")]
pub struct WorkArgs {
    /// Threads; 1 does everything on the calling thread [default: the cores]
    #[arg(short = 'j', long, value_name = "N", value_parser = thread_count)]
    pub threads: Option<NonZeroUsize>,
    /// Say less on stderr: no warnings, no progress; twice: no summary
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub quiet: u8,
    /// Say more on stderr: what is read, how many keys there are, every oddity that was counted
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Use of colour
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: Color,
    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// Print tokens and secrets whole
    #[arg(long)]
    pub show_secrets: bool,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl WorkArgs {
    /// The file to write to; none is standard output, and so is `-`.
    pub fn output(&self) -> Option<&std::path::Path> {
        self.output.as_deref().filter(|path| path.as_os_str() != "-")
    }
}

/// How packets are read.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Reading")]
pub struct ReadArgs {
    /// Look only at packets that match a BPF filter (needs libpcap at run time)
    #[arg(long, value_name = "BPF")]
    pub filter: Option<String>,
    /// Read traffic of a server port as a protocol: 9000=http1
    #[arg(long, value_name = "PORT=PROTOCOL")]
    pub decode_as: Vec<String>,
    /// Drop packets whose checksum is wrong (offloading makes many of them so)
    #[arg(long)]
    pub verify_checksums: bool,
    /// TLS secrets (SSLKEYLOGFILE format) that open the sessions in the capture; `live` follows the file
    #[arg(long, value_name = "FILE")]
    pub keylog: Vec<PathBuf>,
    /// Private RSA key of a server (PEM), which opens sessions without forward secrecy
    #[arg(long, value_name = "FILE")]
    pub rsa_key: Vec<PathBuf>,
    /// Judge tokens as of this time (RFC 3339 or seconds) instead of the packets' own
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
}

/// Keys and secrets.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Keys")]
pub struct KeyArgs {
    /// Key that verifies tokens, a private one decrypts them too: PEM or JWK
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// JWK Set with such keys
    #[arg(long, value_name = "FILE")]
    pub jwks: Vec<PathBuf>,
    /// File whose content is an HMAC secret, or a key or password of encrypted tokens
    #[arg(long, value_name = "FILE")]
    pub secret_file: Vec<PathBuf>,
}

/// Which rules run, and the dictionary attack.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Rules")]
pub struct RuleArgs {
    /// Folder with more rules
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Run only these rules: ids or group:NAME
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Leave these rules out: ids or group:NAME
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Report findings of low confidence too
    #[arg(long)]
    pub pedantic: bool,
    /// Word list for the dictionary attack on HMAC secrets, beside the built-in one
    #[arg(short = 'w', long, value_name = "FILE")]
    pub wordlist: Vec<PathBuf>,
    /// HMAC trials in the run; 0 turns the attack off [default: 4000000]
    #[arg(long, value_name = "N")]
    pub crack_budget: Option<u64>,
}

impl RuleArgs {
    /// HMAC trials in the run.
    pub fn budget(&self) -> u64 {
        self.crack_budget.unwrap_or(4_000_000)
    }
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigArgs {
    /// Configuration file [default: wirelint.toml, upward from the input's folder or from the working directory]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read no configuration file, whatever else is said
    #[arg(long)]
    pub isolated: bool,
}

/// The help of `--format`: what it is for, then each format.
fn formats(what: &str, each: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    each.fold(format!("{what}:"), |text, (name, doc)| format!("{text}\n  {name:<8} {doc}"))
}

fn thread_count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "a number of threads is due, 1 or more".to_owned())
}

fn fail_on(text: &str) -> Result<FailOn, String> {
    let names = || Severity::NAMES.iter().rev().chain(&["never"]).copied();
    FailOn::parse(text).ok_or_else(|| {
        let near = nearest(text, names()).map_or_else(String::new, |near| format!("; did you mean {near}?"));
        format!("one of {}{near}", names().collect::<Vec<_>>().join(", "))
    })
}

/// What `scan` and `live` have in common.
#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// Exit with 1 for findings at this severity or above: critical, high, medium, low, info, never [default: low]
    #[arg(long, value_name = "SEVERITY", value_parser = fail_on)]
    pub fail_on: Option<FailOn>,
    /// Exit with 4 if the inspection was incomplete and there are no findings
    #[arg(long)]
    pub strict: bool,
    /// Leave out what a baseline has: only new findings, and worse ones, are reported and fail
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write what is found to a baseline; nothing of it fails
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// Report what configuration, files beside captures and comments in them suppress, too
    #[arg(long)]
    pub no_suppressions: bool,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How packets are read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Which rules run.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Keys.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// Work and output.
    #[command(flatten)]
    pub work: WorkArgs,
}

impl AuditArgs {
    /// The severity from which on findings fail the run.
    pub fn fail_on(&self) -> FailOn {
        self.fail_on.unwrap_or_default()
    }
}

/// `wirelint scan`.
#[derive(Clone, Debug, Args)]
pub struct ScanArgs {
    /// Captures (pcap, pcapng, HAR, cassettes), folders of them, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Names of formats.
    #[arg(long, value_name = "FORMAT", help = formats("Report format; NAME=FILE writes one more report to a file",
        report::FORMATS.iter().map(|f| (f.name, f.doc))))]
    pub format: Vec<String>,
    /// Test recordings: each capture must show what NAME.wirelint.toml beside it expects
    #[arg(long, conflicts_with_all = ["baseline", "write_baseline"])]
    pub expect: bool,
    /// What is judged, and how.
    #[command(flatten)]
    pub audit: AuditArgs,
}

/// What the commands that print records read, and how.
#[derive(Clone, Debug, Args)]
pub struct SourceArgs {
    /// Captures (pcap, pcapng, HAR, cassettes), folders of them, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How packets are read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Keys.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// Work and output.
    #[command(flatten)]
    pub work: WorkArgs,
}

/// `wirelint flows`, `http` and `tokens`.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// Name of the format.
    #[arg(long, value_name = "FORMAT", default_value = "table", help = formats("Record format",
        records::RECORD_FORMATS.iter().map(|f| (f.name, f.doc))))]
    pub format: String,
    /// What is read.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// `wirelint trace`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Only the token whose SHA-256 begins with these digits, as reports name it; or the token itself
    #[arg(long, value_name = "ID")]
    pub token: Option<String>,
    /// Name of the format.
    #[arg(long, value_name = "FORMAT", default_value = "text", help = formats("Format",
        records::TRACE_FORMATS.iter().map(|f| (f.name, f.doc))))]
    pub format: String,
    /// What is read.
    #[command(flatten)]
    pub source: SourceArgs,
}
