//! `wirelint schema`: JSON Schemas, for editors and programs.

use super::{Failure, exit, output};
use crate::cli::SchemaOf;
use crate::{config, report, rules};
use std::io::Write as _;

/// Runs the command.
pub(super) fn run(of: SchemaOf) -> Result<u8, Failure> {
    let text = match of {
        SchemaOf::Config => format!("{:#}\n", config::schema()),
        SchemaOf::Rule => format!("{:#}\n", rules::schema::schema()),
        SchemaOf::Report => report::REPORT_SCHEMA.to_owned(),
    };
    let mut out = output::open(None)?;
    output::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(exit::CLEAN)
}
