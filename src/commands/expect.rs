//! `wirelint scan --expect`: recordings as tests.

use super::configure::Configured;
use super::inputs::{Inputs, Verdict};
use super::scan::{Scanned, scan, write_reports};
use super::{Failure, exit, failing, output, terminal};
use crate::capture;
use crate::cli::ScanArgs;
use crate::config::Expect;
use crate::finding::{Summary, Trial};
use crate::report::Format;
use crate::report::text::counted;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Scans each capture by itself and holds it against what is expected of it. One of which nothing is expected must have no findings
/// from `--fail-on` on.
pub(super) fn run(
    args: &ScanArgs,
    configured: &mut Configured,
    reports: &[(&'static Format, Option<PathBuf>)],
    stop: &Arc<AtomicBool>,
) -> Result<u8, Failure> {
    let mut whole = Summary::default();
    let mut all = Verdict::default();
    for input in capture::expand(&args.inputs) {
        let (mut summary, expected, verdict) = one(input.path, configured, stop)?;
        // Said once is enough.
        configured.warnings.clear();
        all.packets |= verdict.packets;
        all.failed |= verdict.failed;
        all.interrupted |= verdict.interrupted;
        if verdict.packets && !verdict.failed {
            let trial = trial(&summary, expected.as_ref(), configured);
            summary.trials.push(trial);
        }
        whole.absorb(summary);
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    let (lines, failed) = told(&whole.trials);
    let flags = &configured.args;
    if args.format.is_empty() && flags.work.output().is_none() {
        let mut out = output::open(None)?;
        let text = lines.join("\n") + "\n";
        output::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    } else {
        write_reports(reports, &whole, &configured.settings())?;
        lines.iter().for_each(|line| terminal::say(line));
    }
    Ok(match all {
        Verdict { interrupted: true, .. } => exit::INTERRUPTED,
        Verdict { failed: true, .. } => exit::FAILURE,
        _ if failed > 0 => exit::FINDINGS,
        Verdict { packets: false, .. } => exit::NO_CAPTURE,
        _ if flags.strict && !whole.is_complete() => exit::INCOMPLETE,
        _ => exit::CLEAN,
    })
}

/// Scans one capture.
fn one(
    path: PathBuf,
    configured: &Configured,
    stop: &Arc<AtomicBool>,
) -> Result<(Summary, Option<Expect>, Verdict), Failure> {
    let flags = &configured.args;
    let mut inputs = Inputs::new(&[path], &flags.read, &flags.work)?;
    let Scanned { mut audit, mut expected, .. } = scan(configured, &mut inputs, &[], Arc::clone(stop))?;
    audit.part = true;
    let verdict = inputs.verdict(audit.tally.frames > 0, audit.interrupted());
    Ok((audit.finish(&inputs.warnings), expected.pop().flatten(), verdict))
}

/// How a capture stood what is expected of it.
fn trial(summary: &Summary, expected: Option<&Expect>, configured: &Configured) -> Trial {
    let input = summary.inputs.first().map_or("-", String::as_str).to_owned();
    let fail_on = configured.args.fail_on();
    let unmet = match expected {
        Some(expected) => expected.unmet(summary),
        None if failing(&summary.findings, fail_on) => {
            let failing =
                summary.findings.iter().filter(|f| fail_on.severity().is_some_and(|s| f.severity >= s));
            failing.map(|f| format!("nothing is expected of it: {}", crate::config::words(f))).collect()
        }
        None => Vec::new(),
    };
    Trial { input, unmet }
}

/// What is said of all of them, and how many are not as expected.
fn told(trials: &[Trial]) -> (Vec<String>, usize) {
    let mut lines = Vec::new();
    for Trial { input, unmet } in trials {
        let verdict = if unmet.is_empty() { "ok    " } else { "FAILED" };
        lines.push(format!("{verdict}  {input}"));
        lines.extend(unmet.iter().map(|text| format!("        {text}")));
    }
    let failed = trials.iter().filter(|trial| !trial.unmet.is_empty()).count();
    let passed = counted((trials.len() - failed) as u64, "capture");
    lines.push(format!("{passed} as expected, {failed} not"));
    (lines, failed)
}
