//! What can be typed about tokens without traffic: `inspect`.

use super::{ConfigArgs, FailOn, KeyArgs, RuleArgs, WorkArgs, fail_on, formats};
use crate::records;
use clap::Args;

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
