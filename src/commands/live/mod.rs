//! `wirelint live`: the same chute, fed by interfaces, without an end.

mod alarms;
mod announce;
mod confine;
mod evidence;
mod lines;
mod metrics;
mod outlet;
#[cfg(feature = "tui")]
mod screen;
mod source;
mod stats;
mod watch;

use super::audit::Audit;
use super::configure;
use super::inputs::Verdict;
use super::known::Known;
use super::scan::{settings, unknown_format};
use super::secrets::Secrets;
use super::terminal::{note, say};
use super::{Failure, code, destinations, exit, output};
use crate::capture::{self, FileId, LiveOptions, LiveSource};
use crate::cli::LiveArgs;
use crate::finding::Summary;
use crate::limits::Room;
use crate::pipeline::{Deliveries, Metrics};
use crate::report;
use crate::report::text::counted;
use alarms::Prepared;
use announce::Announcer;
use confine::Needs;
use evidence::Recorder;
use lines::Lines;
use metrics::Exporter;
use outlet::Outlet;
use source::Shared;
use stats::Stats;
use std::cell::RefCell;
use std::io::Write;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use watch::{Told, Watch};

/// Runs the command.
pub(super) fn run(args: &LiveArgs) -> Result<u8, Failure> {
    let failure = |e: capture::CaptureError| Failure::new(e.to_string());
    capture::available().map_err(failure)?;
    if args.list {
        return list();
    }
    let formats = || report::FORMATS.iter().filter(|f| f.live).map(|f| f.name);
    let format = args.format.as_deref().unwrap_or("table");
    if !formats().any(|name| name == format) {
        return Err(unknown_format(format, formats().collect::<Vec<_>>().into_iter()));
    }
    let memory = args.memory.and_then(|memory| usize::try_from(memory).ok());
    let room = memory.map_or(Room::WHOLE, Room::within);
    let stop = Arc::new(AtomicBool::new(false));
    let typed = &args.audit;
    let configured = configure::audit(typed, &[])?;
    let (judge, keys) = configure::judge(&configured)?;
    let args = &LiveArgs { audit: configured.args, ..args.clone() };
    let (flags, written) =
        (&args.audit, args.audit.work.output().into_iter().chain(args.evidence.write.as_deref()));
    destinations::distinct(written.clone().chain(flags.write_baseline.as_deref()))?;
    destinations::spare(written.clone(), &[], flags.baseline.as_deref())?;
    destinations::spare(written, &[], destinations::read(&flags.read, &flags.keys))?;
    let known = Rc::new(Known::load(&args.audit)?);
    let secrets = Secrets::rsa(&args.audit.read)?;
    let full = fills_screen(args);
    let mut flags = args.audit.clone();
    // Warnings would spoil the screen: they are said when it is gone.
    flags.work.quiet = flags.work.quiet.max(u8::from(full));
    let mut audit = Audit::with(judge.endless(room), &keys, room, &flags, secrets, Arc::clone(&stop))?;
    configured.warnings.into_iter().for_each(|text| audit.remark(text));
    let recorder = Recorder::new(&args.evidence)?;
    let out = output::open(args.audit.work.output())?;
    #[cfg(target_os = "linux")]
    let signals =
        crate::system::Signals::hold().map_err(|e| format!("cannot wait for signals: {e}")).map(Some)?;
    #[cfg(not(target_os = "linux"))]
    {
        let flag = Arc::clone(&stop);
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    }
    let opened = LiveSource::open(&args.interface, FileId(0), &options(args), Arc::clone(&stop));
    let opened = opened.map_err(failure)?;
    let status = opened.status();
    let prepared = Prepared::new(&args.alarms)?;
    let metrics = args
        .alarms
        .metrics
        .map(|address| TcpListener::bind(address).map_err(|e| format!("--metrics {address}: {e}")));
    let metrics = metrics.transpose()?;
    let mut needs = Needs::new(args);
    prepared.needs(&mut needs);
    for line in confine::confine(needs, args) {
        note(&args.audit.work, || line);
    }
    let alarms = prepared.start(args.alarms.alarm_from)?;
    let source = Shared::new(opened, &args.audit.read.keylog);
    let work = &args.audit.work;
    if work.quiet == 0 {
        say(&format!("watching {}; Ctrl-C ends", args.interface.join(", ")));
    }
    note(work, || format!("memory: at most about {} MiB", (room.bytes() + Room::BASE) >> 20));
    let mut outlets: Vec<Box<dyn Outlet>> = Vec::new();
    if full {
        outlets.push(screen(&args.interface, settings(work).color)?);
    } else {
        outlets.push(Box::new(Lines { out, json: format == "ndjson", settings: settings(work) }));
    }
    if let Some(listener) = metrics {
        if let Ok(address) = listener.local_addr() {
            note(work, || format!("metrics: http://{address}/metrics, http://{address}/health"));
        }
        let metrics = Metrics::serve(listener).map_err(|e| format!("--metrics: {e}"))?;
        outlets.push(Box::new(Exporter::new(metrics, alarms.deliveries())));
    }
    let deliveries = alarms.deliveries();
    outlets.push(Box::new(alarms));
    let now = Instant::now();
    let watch = Rc::new(RefCell::new(Watch {
        announcer: Announcer::new(Duration::from_secs(args.window)),
        outlets,
        recorder,
        status,
        stop: Arc::clone(&stop),
        stats: Stats::default(),
        next: None,
        #[cfg(target_os = "linux")]
        signals,
        args: typed.clone(),
        known: Rc::clone(&known),
        room,
        quiet: work.quiet > 0,
        started: now,
        until: args.duration.map(|seconds| now + Duration::from_secs(seconds)),
        told: (now, 0, 0),
    }));
    audit.attack_meanwhile();
    audit.watch(Box::new(Told(Rc::clone(&watch))));
    let names = args.interface.clone();
    let result = loop {
        let result = audit.run(&mut std::iter::once(source.handle()), names.clone(), &args.audit);
        let next = watch.borrow_mut().next.take();
        match next {
            Some(judge) if result.is_ok() && !stop.load(Ordering::Relaxed) => {
                let old = audit.replace(judge);
                watch.borrow_mut().announcer.retire(old);
            }
            _ => break result,
        }
    };
    let mut summary = audit.finish(&[]);
    let mut watch = watch.borrow_mut();
    summary.findings = watch.announcer.all(std::mem::take(&mut summary.findings));
    // Traffic that has not come yet makes no entry stale.
    known.compare(&mut summary, result.is_ok(), |_| false)?;
    if let Some(recorder) = &mut watch.recorder {
        recorder.finish();
    }
    watch.outlets.iter_mut().for_each(|outlet| outlet.finish());
    if full && work.quiet == 0 {
        summary.warnings.iter().for_each(|text| say(&format!("warning: {text}")));
    }
    if work.quiet < 2 {
        tell(&mut watch, &summary);
    }
    if work.quiet < 2 {
        deliveries.iter().for_each(|(name, of)| say(&delivered(name, of)));
    }
    drop(std::mem::take(&mut watch.outlets));
    result.map_err(failure)?;
    // Ending a watch with Ctrl-C is how it ends: no failure. What was found decides.
    let verdict = Verdict { packets: true, failed: false, interrupted: false };
    let complete = summary.coverage().is_empty();
    known.accept(&mut summary);
    Ok(code(&summary.findings, args.audit.fail_on(), verdict, args.audit.strict, complete))
}

fn options(args: &LiveArgs) -> LiveOptions {
    let capture = &args.capture;
    LiveOptions {
        filter: args.audit.read.filter.clone(),
        snaplen: capture.snaplen,
        buffer: u32::try_from(capture.buffer).unwrap_or(u32::MAX),
        promiscuous: !capture.no_promiscuous,
        immediate: capture.immediate,
        count: args.count,
        ..LiveOptions::default()
    }
}

/// Whether findings fill the screen: on a terminal, unless lines are asked for.
fn fills_screen(args: &LiveArgs) -> bool {
    #[cfg(feature = "tui")]
    let possible = screen::possible();
    #[cfg(not(feature = "tui"))]
    let possible = false;
    possible && !args.plain && args.format.is_none() && args.audit.work.output.is_none()
}

#[cfg(feature = "tui")]
fn screen(names: &[String], color: bool) -> Result<Box<dyn Outlet>, Failure> {
    let screen =
        screen::Screen::open(names, color).map_err(|e| format!("the terminal: {e}; --plain prints lines"))?;
    Ok(Box::new(screen))
}

#[cfg(not(feature = "tui"))]
fn screen(_: &[String], _: bool) -> Result<Box<dyn Outlet>, Failure> {
    Err("this wirelint was built without the feature \"tui\"".into())
}

/// What became of the alarms of a sink.
fn delivered(name: &str, of: &Deliveries) -> String {
    let [sent, waiting, lost] = [&of.sent, &of.waiting, &of.lost].map(|n| n.load(Ordering::Relaxed));
    format!("{name}: {} sent, {waiting} wait, {lost} lost", counted(sent, "alarm"))
}

/// The summary on standard error.
fn tell(watch: &mut Watch, summary: &Summary) {
    let stats = &watch.stats;
    let [kernel, interface] = stats.lost();
    let mut lines = vec![format!(
        "{}, {}, {} sighted ({} distinct), {}, {} dropped",
        counted(summary.tally.frames, "packet"),
        counted(summary.tally.flows, "flow"),
        counted(summary.tally.sightings, "token"),
        summary.tokens,
        counted(summary.findings.len() as u64, "finding"),
        counted(kernel + interface, "packet"),
    )];
    if kernel + interface > 0 || stats.interfaces.len() > 1 {
        for i in &stats.interfaces {
            lines.push(format!(
                "{}: {} packets received, {} dropped for want of room in the kernel's buffer (--buffer), {} dropped by the interface",
                i.name, i.received, i.dropped, i.interface_dropped
            ));
        }
    }
    lines.extend(stats.evictions().map(|(name, n)| format!("given up for a bound (--memory): {name}: {n}")));
    lines.extend(summary.coverage().iter().map(|(reason, n)| format!("not inspected: {reason}: {n}")));
    if let Some(recorder) = &watch.recorder {
        lines.push(recorder.describe());
    }
    lines.iter().for_each(|line| say(line));
}

fn list() -> Result<u8, Failure> {
    let interfaces = capture::interfaces().map_err(|e| Failure::new(e.to_string()))?;
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
