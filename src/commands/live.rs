//! `wirelint live`: the same chute, fed by an interface.

use super::audit::Audit;
use super::inputs::Verdict;
use super::scan::{settings, unknown_format};
use super::secrets::Secrets;
use super::terminal::say;
use super::{Failure, code, exit, output};
use crate::capture::{self, FileId, Followed, LiveOptions, LiveSource, Source};
use crate::cli::LiveArgs;
use crate::report::{self, finding_lines, ndjson_line};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Runs the command.
pub(super) fn run(args: &LiveArgs) -> Result<u8, Failure> {
    let failure = |e: capture::CaptureError| Failure(e.to_string());
    capture::available().map_err(failure)?;
    if args.list {
        return list();
    }
    let formats = || report::FORMATS.iter().filter(|f| f.live).map(|f| f.name);
    if !formats().any(|name| name == args.format) {
        return Err(unknown_format(&args.format, formats().collect::<Vec<_>>().into_iter()));
    }
    let interface = args.interface.clone().unwrap_or_default();
    let names = vec![interface.clone()];
    let mut audit = Audit::new(&args.audit, Secrets::rsa(&args.audit.read)?)?;
    let options = LiveOptions { filter: args.audit.read.filter.clone(), ..LiveOptions::default() };
    let source =
        LiveSource::open(&interface, &options, FileId(0), Arc::clone(&audit.stop)).map_err(failure)?;
    if args.audit.work.quiet == 0 {
        say(&format!("watching {interface}; Ctrl-C ends"));
    }
    if let Some(seconds) = args.duration {
        let stop = Arc::clone(&audit.stop);
        // Ends with the process at the latest; the clock is only asked when to stop looking.
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(seconds));
            stop.store(true, Ordering::Relaxed);
        });
    }
    let table = args.format == "table";
    let settings = settings(&args.audit.work);
    let mut out = output::open(args.audit.work.output.as_deref())?;
    audit.news = Some(Box::new(move |judge| {
        for finding in judge.take_fresh() {
            let text = if table {
                finding_lines(&finding, &names, &settings).join("\n")
            } else {
                ndjson_line(&finding, &names)
            };
            // A reader that went away is noticed by the pipe's signal or the summary; live goes on.
            let _ = writeln!(out, "{text}").and_then(|()| out.flush());
        }
    }));
    let keylog = &args.audit.read.keylog;
    let source: Box<dyn Source> =
        if keylog.is_empty() { Box::new(source) } else { Box::new(Followed::new(source, keylog)) };
    let mut one = std::iter::once(source);
    let result = audit.run(&mut one, vec![interface], &args.audit);
    let packets = audit.tally.frames;
    let summary = audit.finish(&[]);
    result.map_err(failure)?;
    if args.audit.work.quiet < 2 {
        let drops = summary.tally.weirds.get("drops").copied().unwrap_or(0);
        say(&format!(
            "{packets} packets, {} flows, {} tokens sighted ({} distinct), {} findings, {drops} packets dropped",
            summary.tally.flows,
            summary.tally.sightings,
            summary.tokens,
            summary.findings.len(),
        ));
        for (reason, n) in summary.coverage() {
            say(&format!("not inspected: {reason}: {n}"));
        }
    }
    // Ending a watch with Ctrl-C is how it ends: no failure. What was found decides.
    let verdict = Verdict { packets: true, failed: false, interrupted: false };
    Ok(code(&summary.findings, args.audit.fail_on, verdict, args.audit.strict, summary.coverage().is_empty()))
}

fn list() -> Result<u8, Failure> {
    let interfaces = capture::interfaces().map_err(|e| Failure(e.to_string()))?;
    let mut out = output::open(None)?;
    for interface in interfaces {
        let addresses: Vec<_> = interface.addresses.iter().map(ToString::to_string).collect();
        let state = if interface.up { "up" } else { "down" };
        let description = interface.description.unwrap_or_default();
        let line = format!("{:<16} {state:<5} {} {description}", interface.name, addresses.join(" "));
        output::written(writeln!(out, "{}", line.trim_end()))?;
    }
    output::written(out.flush())?;
    Ok(exit::CLEAN)
}
