//! What can be typed about tokens that are known: `inspect`, `crack`.

use super::{ConfigArgs, FailOn, KeyArgs, ReadArgs, RuleArgs, WorkArgs, fail_on, formats};
use crate::records;
use clap::Args;
use std::path::PathBuf;

/// `wirelint inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectArgs {
    /// Tokens; without any, or with -, lines of standard input, which keeps them out of the shell's history
    #[arg(value_name = "TOKEN")]
    pub tokens: Vec<String>,
    /// Name of the format.
    #[arg(long, value_name = "FORMAT", default_value = "text", help = formats("Format",
        records::INSPECT_FORMATS.iter().map(|f| (f.name, f.doc))))]
    pub format: String,
    /// Exit with 1 for findings at this severity or above: critical, high, medium, low, info, never [default: low]
    #[arg(long, value_name = "SEVERITY", value_parser = fail_on)]
    pub fail_on: Option<FailOn>,
    /// Judge the tokens as of this time (RFC 3339 or seconds) [default: the clock]
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
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

/// `wirelint crack`.
#[derive(Clone, Debug, Args)]
pub struct CrackArgs {
    /// Captures, folders of them, - for standard input, or tokens
    #[arg(required = true, value_name = "INPUT-OR-TOKEN")]
    pub inputs: Vec<PathBuf>,
    /// Word list of any size, one word a line, compressed or not; may be repeated. The built-in list comes first
    #[arg(short = 'w', long, value_name = "FILE")]
    pub wordlist: Vec<PathBuf>,
    /// Rules in hashcat's syntax that make more words of each word; may be repeated
    #[arg(short = 'r', long, value_name = "FILE")]
    pub mutations: Vec<PathBuf>,
    /// Keep in this file how far the attack is, and go on from there if it was stopped
    #[arg(long, value_name = "FILE")]
    pub session: Option<PathBuf>,
    /// HMAC trials at most [default: no bound]
    #[arg(long, value_name = "N")]
    pub crack_budget: Option<u64>,
    /// Name of the format.
    #[arg(long, value_name = "FORMAT", default_value = "table", help = formats("Record format",
        records::RECORD_FORMATS.iter().map(|f| (f.name, f.doc))))]
    pub format: String,
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
