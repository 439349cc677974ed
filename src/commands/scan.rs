//! `wirelint scan`: captures in, findings out.

use super::audit::Audit;
use super::configure::{self, Configured};
use super::inputs::Inputs;
use super::known::Known;
use super::secrets::Secrets;
use super::story::Drawing;
use super::terminal::{self, Progress};
use super::{Failure, code, destinations, output};
use crate::cli::{AuditArgs, ScanArgs, WorkArgs};
use crate::config::Expect;
use crate::finding::Summary;
use crate::report::{self, Format, Settings};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs the command.
pub(super) fn run(args: &ScanArgs) -> Result<u8, Failure> {
    let mut configured = configure::audit(&args.audit, &args.inputs)?;
    let formats = if args.format.is_empty() { &configured.config.formats } else { &args.format };
    let reports = reports(formats, configured.args.work.output())?;
    let stop = stop_flag();
    spare(&reports, &args.inputs, &configured.args)?;
    if args.expect {
        return super::expect::run(args, &mut configured, &reports, &stop);
    }
    let flags = &configured.args;
    let known = Known::load(flags)?;
    let mut inputs = Inputs::new(&args.inputs, &flags.read, &flags.work)?;
    let Scanned { mut audit, story, .. } = scan(&configured, &mut inputs, &reports, stop)?;
    let verdict = inputs.verdict(audit.tally.frames > 0, audit.interrupted());
    let whole = verdict.packets && !verdict.failed && !verdict.interrupted;
    let mut summary = known.finish(&mut audit, &inputs.warnings, whole)?;
    story.tell(&mut summary);
    let fail_on = flags.fail_on();
    write_reports(&reports, &summary, &configured.settings())?;
    let complete = summary.is_complete();
    known.accept(&mut summary);
    // The process ends here: to free all that was remembered, piece by piece, takes 3 % of a run.
    std::mem::forget(audit);
    Ok(code(&summary.findings, fail_on, verdict, flags.strict, complete))
}

/// Inputs that were read to their end.
pub(super) struct Scanned {
    pub(super) audit: Audit,
    /// What is expected of each input.
    pub(super) expected: Vec<Option<Expect>>,
    story: Drawing,
}

/// Reads the inputs to their end.
pub(super) fn scan(
    configured: &Configured,
    inputs: &mut Inputs,
    reports: &[(&'static Format, Option<PathBuf>)],
    stop: Arc<AtomicBool>,
) -> Result<Scanned, Failure> {
    let flags = &configured.args;
    let mut audit = Audit::new(configured, Secrets::load(&flags.read)?, stop)?;
    let names = inputs.names.clone();
    let expected = configured.beside(&names, &mut audit)?;
    audit.progress = Some(Progress::new(inputs.total(), &flags.work));
    let story = Drawing::of(reports, &mut audit, &names);
    let result = audit.run(inputs, names, flags);
    if let Err(error) = &result {
        inputs.broken(error);
    }
    Ok(Scanned { audit, expected, story })
}

/// Writes each report to its place.
pub(super) fn write_reports(
    reports: &[(&'static Format, Option<PathBuf>)],
    summary: &Summary,
    settings: &Settings,
) -> Result<(), Failure> {
    for (format, path) in reports {
        let mut out = output::open(path.as_deref())?;
        let settings = Settings { color: settings.color && path.is_none(), ..*settings };
        let result = (format.make)().write(summary, &settings, &mut *out).and_then(|()| out.flush());
        output::written(result)?;
    }
    Ok(())
}

/// `--format NAME` and `--format NAME=FILE`, with `--output` for the plain one. No two of them have the same place.
pub(super) fn reports(
    texts: &[String],
    output: Option<&Path>,
) -> Result<Vec<(&'static Format, Option<PathBuf>)>, Failure> {
    let mut out = Vec::new();
    let mut plain = 0;
    for text in texts {
        let (name, file) = text.split_once('=').map_or((text.as_str(), None), |(n, p)| (n, Some(p)));
        let format = report::format(name)
            .ok_or_else(|| unknown_format(name, report::FORMATS.iter().map(|f| f.name)))?;
        let path = match file {
            None => {
                plain += 1;
                output.map(PathBuf::from)
            }
            Some("") => {
                return Err(
                    format!("--format {text}: no file; --format {name} is for standard output").into()
                );
            }
            Some("-") => None,
            Some(file) => Some(PathBuf::from(file)),
        };
        out.push((format, path));
    }
    if out.is_empty() {
        out.extend(report::FORMATS.first().map(|f| (f, output.map(PathBuf::from))));
        plain = 1;
    }
    match output {
        Some(output) if plain == 0 => {
            let output = output.display();
            return Err(format!("-o {output}: every format has a file of its own; leave one out").into());
        }
        Some(output) if plain > 1 => {
            let output = output.display();
            return Err(format!(
                "only one --format can go to {output}; give the others a file: --format json=report.json"
            )
            .into());
        }
        _ => {}
    }
    if out.iter().filter(|(_, path)| path.is_none()).count() > 1 {
        return Err(
            "only one --format can go to standard output; give the others a file: --format json=report.json"
                .into(),
        );
    }
    destinations::distinct(files(&out))?;
    Ok(out)
}

/// The files that reports go to.
pub(super) fn files<'a>(reports: &'a [(&'static Format, Option<PathBuf>)]) -> impl Iterator<Item = &'a Path> {
    reports.iter().filter_map(|(_, path)| path.as_deref())
}

/// Makes sure that nothing that a run writes is written over something else that it writes or reads.
pub(super) fn spare(
    reports: &[(&'static Format, Option<PathBuf>)],
    captures: &[PathBuf],
    flags: &AuditArgs,
) -> Result<(), Failure> {
    let written = || files(reports).chain(flags.write_baseline.as_deref());
    destinations::distinct(written())?;
    destinations::spare(files(reports), &[], flags.baseline.as_deref())?;
    destinations::spare(written(), captures, destinations::read(&flags.read, &flags.keys))
}

/// What to say about a format that does not exist.
pub(super) fn unknown_format(name: &str, names: impl Iterator<Item = &'static str> + Clone) -> Failure {
    let near = crate::rules::nearest::nearest(name, names.clone())
        .map_or_else(|| ".".to_owned(), |n| format!("; did you mean {n}?"));
    Failure::new(format!("no format {name}{near} There are {}", names.collect::<Vec<_>>().join(", ")))
}

/// How reports are printed.
pub(super) fn settings(work: &WorkArgs) -> Settings {
    Settings { width: terminal::width(), color: terminal::color(work), ..Settings::default() }
}

/// `--threads`, or the cores.
pub(super) fn threads(work: &WorkArgs) -> NonZeroUsize {
    work.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// Set by Ctrl-C and SIGTERM: reading stops, what was found is reported.
pub(super) fn stop_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    // Only the first installation in a process succeeds, and there is only one command in a process.
    let _ = ctrlc::set_handler(move || set.store(true, Ordering::Relaxed));
    flag
}
