//! The `wirelint` command.

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(wirelint::commands::run(wirelint::cli::Cli::parse()))
}
