//! `wirelint init`: a configuration file to start from.

use super::{Failure, exit, output};
use crate::cli::InitArgs;
use crate::config;
use std::io::Write as _;
use std::path::Path;

/// Runs the command.
pub(super) fn run(args: &InitArgs) -> Result<u8, Failure> {
    if args.file == Path::new("-") {
        let mut out = output::open(None)?;
        output::written(out.write_all(config::template().as_bytes()).and_then(|()| out.flush()))?;
        return Ok(exit::CLEAN);
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    match args.force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    let name = args.file.display();
    let written = options.open(&args.file).and_then(|mut file| file.write_all(config::template().as_bytes()));
    match written {
        Ok(()) => super::terminal::say(&format!("{name} is written: every key is there as a comment")),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(format!("{name} is there already; --force overwrites it").into());
        }
        Err(error) => return Err(format!("{name}: {error}").into()),
    }
    Ok(exit::CLEAN)
}
