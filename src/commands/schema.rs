//! `wirelint schema`: JSON Schemas, for editors and programs.

use super::{Failure, exit, output};
use crate::cli::SchemaOf;
use crate::config;
use std::io::Write as _;

/// Runs the command.
pub(super) fn run(of: SchemaOf) -> Result<u8, Failure> {
    let schema = match of {
        SchemaOf::Config => config::schema(),
    };
    let mut out = output::open(None)?;
    output::written(writeln!(out, "{schema:#}").and_then(|()| out.flush()))?;
    Ok(exit::CLEAN)
}
