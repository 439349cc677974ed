//! `wirelint init`: a configuration file to start from, and the job of a CI system.

use super::{Failure, exit, output, terminal};
use crate::cli::{Ci, InitArgs};
use crate::config;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// The job of each CI system, and where it stands.
const GITHUB: (&str, &str) =
    (".github/workflows/wirelint.yml", include_str!("../../packaging/ci/github.yml"));
const GITLAB: (&str, &str) = ("wirelint.gitlab-ci.yml", include_str!("../../packaging/ci/gitlab.yml"));

/// Runs the command.
pub(super) fn run(args: &InitArgs) -> Result<u8, Failure> {
    let job = args.ci.map(|ci| match ci {
        Ci::Github => GITHUB,
        Ci::Gitlab => GITLAB,
    });
    if args.file == Path::new("-") {
        let text = job.map_or_else(config::template, |(_, text)| text.to_owned());
        let mut out = output::open(None)?;
        output::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
        return Ok(exit::CLEAN);
    }
    let configured = write(&args.file, &config::template(), args.force)?;
    if configured {
        terminal::say(&format!("{}: written; every key is there as a comment", args.file.display()));
    } else if job.is_none() {
        return Err(there(&args.file));
    }
    if let Some((path, text)) = job {
        let path = Path::new(path);
        if !write(path, text, args.force)? {
            return Err(there(path));
        }
        terminal::say(&format!("{}: written; it scans the folder fixtures", path.display()));
    }
    Ok(exit::CLEAN)
}

/// Writes a file; false if there is one already.
fn write(path: &Path, text: &str, force: bool) -> Result<bool, Failure> {
    let failure = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failure)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    match force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    match options.open(path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failure(error)),
    }
}

fn there(path: &Path) -> Failure {
    Failure::new(format!("{} is there already; --force overwrites it", path.display()))
}
