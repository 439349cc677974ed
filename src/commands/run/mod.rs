//! `wirelint run`: a command's traffic is captured, opened with the TLS secrets that it wrote, and scanned.

mod capture;
mod environment;
mod keep;

use super::audit::Audit;
use super::configure;
use super::known::Known;
use super::scan::{files, reports, spare, write_reports};
use super::secrets::Secrets;
use super::story::Drawing;
use super::terminal::{note, say};
use super::{Failure, destinations, exit, failing};
use crate::capture::{self as captures, FileId};
use crate::cli::{RunArgs, Scope};
use crate::report::Settings;
use crate::rules::FailOn;
use crate::system::{Owners, Signals, own_network};
use capture::Recorded;
use environment::Environment;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit codes of a shell for a command that it cannot start (POSIX, Shell Command Language, 2.8.2).
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// Runs the command.
pub(super) fn run(args: &RunArgs) -> Result<u8, Failure> {
    let failure = |e: captures::CaptureError| Failure::new(e.to_string());
    captures::available().map_err(failure)?;
    let configured = configure::audit(&args.audit, &[])?;
    let formats = if args.format.is_empty() { &configured.config.formats } else { &args.format };
    let reports = reports(formats, None)?;
    if args.audit.work.output.as_deref().is_some_and(|path| path.as_os_str() == "-") {
        return Err(
            "-o -: the capture cannot go to standard output, where the report goes; name a file".into()
        );
    }
    spare(&reports, &[], &configured.args)?;
    destinations::distinct(files(&reports).chain(args.audit.work.output()))?;
    let read = destinations::read(&configured.args.read, &configured.args.keys);
    destinations::spare(args.audit.work.output(), &[], read)?;
    let args = &RunArgs { audit: configured.args.clone(), ..args.clone() };
    let shown = configured.settings();
    // All that can be wrong with flags and rules is said before the command runs.
    let stop = Arc::new(AtomicBool::new(false));
    let known = Known::load(&args.audit)?;
    let mut audit = Audit::new(&configured, Secrets::load(&args.audit.read)?, Arc::clone(&stop))?;
    let work = &args.audit.work;
    let out = work.output.clone();
    if let Some(path) = &out {
        // The traffic of a whole test run is not to be lost for a mistyped folder.
        keep::create(path).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    let folder = tempfile::Builder::new().prefix("wirelint-").tempdir();
    let folder = folder.map_err(|e| format!("no temporary folder: {e}"))?;
    let environment = Environment::new(folder.path())?;
    let signals = Signals::hold().map_err(|e| format!("cannot wait for signals: {e}"))?;
    if args.scope == Scope::Isolated {
        own_network().map_err(|e| isolation_text(&e.to_string()))?;
    }
    let interfaces = interfaces(args);
    let names = interfaces.join(", ");
    note(work, || match args.scope {
        Scope::Command => format!(
            "capturing on {names}: what the sockets of the command and its children send, and what has no known owner"
        ),
        Scope::All => format!("capturing on {names}: everything while the command runs"),
        Scope::Isolated => {
            "capturing in a network namespace of the command's own: loopback only, no way out".into()
        }
    });
    note(work, || environment.describe());
    let addresses = captures::interfaces().map_err(failure)?.into_iter().flat_map(|i| i.addresses);
    let owners = (args.scope == Scope::Command).then(|| Owners::new(addresses));
    let raw = folder.path().join("raw.pcapng");
    let recorded = match capture::record(args, &interfaces, &raw, &environment, owners, &signals) {
        Ok(recorded) => recorded,
        Err(capture::Trouble::Capture(error)) => {
            return Err(Failure::new(unable(&error.to_string(), args.scope)));
        }
        Err(capture::Trouble::Write(error)) => {
            return Err(format!("{}: {error}", raw.display()).into());
        }
        Err(capture::Trouble::Start(error)) => {
            let program = args.command.first().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
            say(&format!("error: {program}: {error}"));
            drop_empty(out.as_deref());
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            return Ok(if missing { NOT_FOUND } else { NOT_EXECUTABLE });
        }
    };
    for text in &recorded.notices {
        audit.warn(text.clone());
    }
    let kept = out.clone().unwrap_or_else(|| folder.path().join("kept.pcapng"));
    let found = keep::keep(&raw, &kept, &environment.secrets(), &recorded);
    let count = found.map_err(|e| format!("{}: {e}", kept.display()))?;
    let _ = std::fs::remove_file(&raw);
    note(work, || count.describe(recorded.owners.is_some()));
    if count.kept == 0 {
        audit.warn("the command sent and received nothing that could be captured".into());
    }
    // From here on Ctrl-C is about the scan.
    signals.release();
    let flag = Arc::clone(&stop);
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let code = judge(args, (audit, &known), &kept, &recorded, (&reports, shown))?;
    Ok(code)
}

/// Scans what was kept, and says with which code all of it ends.
fn judge(
    args: &RunArgs,
    (mut audit, known): (Audit, &Known),
    kept: &Path,
    recorded: &Recorded,
    (reports, settings): (&[(&'static crate::report::Format, Option<PathBuf>)], Settings),
) -> Result<u8, Failure> {
    let name = args.audit.work.output.as_deref().map_or_else(
        || args.command.first().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default(),
        |path| path.display().to_string(),
    );
    let source = captures::open(kept, FileId(0));
    let story = Drawing::of(reports, &mut audit, std::slice::from_ref(&name));
    let mut failed = recorded.broken.is_some();
    let result = source.and_then(|source| audit.run(&mut std::iter::once(source), vec![name], &args.audit));
    if let Err(error) = result {
        audit.warn(error.to_string());
        failed = true;
    }
    audit.tally.weirds("drops", recorded.lost);
    let interrupted = audit.interrupted() || recorded.interrupted;
    let mut summary = known.finish(&mut audit, &[], !failed && !interrupted)?;
    summary.interrupted |= interrupted;
    story.tell(&mut summary);
    let fail_on = args.audit.fail_on();
    write_reports(reports, &summary, &settings)?;
    let complete = summary.is_complete();
    known.accept(&mut summary);
    let own = recorded.ending.map_or(exit::INTERRUPTED, crate::system::Ending::code);
    Ok(match fail_on {
        FailOn::Never => own,
        _ if interrupted => exit::INTERRUPTED,
        _ if failed => exit::FAILURE,
        _ if failing(&summary.findings, fail_on) => exit::FINDINGS,
        _ if args.audit.strict && !complete => exit::INCOMPLETE,
        _ => own,
    })
}

/// The interfaces that the flags ask for.
fn interfaces(args: &RunArgs) -> Vec<String> {
    if args.scope == Scope::Isolated {
        vec!["lo".into()]
    } else if args.interface.is_empty() {
        vec!["any".into()]
    } else {
        args.interface.clone()
    }
}

/// What to do where capturing is not allowed.
fn unable(error: &str, scope: Scope) -> String {
    if scope == Scope::Isolated || !error.contains("CAP_NET_RAW") {
        return error.to_owned();
    }
    format!(
        "{error}. Without any privilege --scope isolated works, for a command that needs no network but its own loopback"
    )
}

fn isolation_text(error: &str) -> String {
    format!(
        "--scope isolated: {error}. It needs CAP_SYS_ADMIN, or user namespaces for everybody (sysctl \
         user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu; in a container, a \
         seccomp profile that allows unshare)"
    )
}

/// An output that was created for nothing goes again.
fn drop_empty(path: Option<&Path>) {
    if let Some(path) = path.filter(|p| std::fs::metadata(p).is_ok_and(|m| m.len() == 0)) {
        let _ = std::fs::remove_file(path);
    }
}
