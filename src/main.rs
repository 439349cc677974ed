//! The `wirelint` command.

use clap::FromArgMatches as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = wirelint::cli::command().get_matches();
    let cli = wirelint::cli::Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    ExitCode::from(wirelint::commands::run(cli))
}
