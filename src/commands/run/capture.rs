//! While the command runs: frames go to a file, sockets are watched, signals are passed on. All of it on one thread.

use super::environment::Environment;
use crate::capture::{Block, CaptureError, FileId, LiveOptions, LiveSource, More, PcapngWriter, Source};
use crate::cli::RunArgs;
use crate::system::{Came, Ending, Family, Owners, Signals};
use std::fs::OpenOptions;
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Between two looks at the command.
const PATIENCE: Duration = Duration::from_millis(20);

/// Kernel buffer of each interface: nobody reads while the disk is slow.
const BUFFER: u32 = 64 << 20;

/// What a command that was asked to end may take for it.
const GRACE: Duration = Duration::from_secs(10);

/// What processes that it leaves behind may take.
const LAST: Duration = Duration::from_secs(1);

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

/// What came of it.
pub(super) struct Recorded {
    /// How the command ended; none if it had to be left.
    pub(super) ending: Option<Ending>,
    /// Ctrl-C, or a signal that asked to end.
    pub(super) interrupted: bool,
    /// Frames that were lost.
    pub(super) lost: u64,
    /// Why the capture ended before the command.
    pub(super) broken: Option<String>,
    /// What is to be said about it.
    pub(super) notices: Vec<String>,
    /// Whose the flows are.
    pub(super) owners: Option<Owners>,
}

/// Why the command was not run, or not to its end.
pub(super) enum Trouble {
    /// No capture.
    Capture(CaptureError),
    /// No file for it.
    Write(io::Error),
    /// No such program.
    Start(io::Error),
}

/// Captures on `interfaces` into `raw` while the command runs.
pub(super) fn record(
    args: &RunArgs,
    interfaces: &[String],
    raw: &Path,
    environment: &Environment,
    mut owners: Option<Owners>,
    signals: &Signals,
) -> Result<Recorded, Trouble> {
    let options = LiveOptions {
        filter: args.audit.read.filter.clone(),
        buffer: BUFFER,
        patience: PATIENCE,
        promiscuous: false,
        ..LiveOptions::default()
    };
    let stop = Arc::new(AtomicBool::new(false));
    let source = LiveSource::open(interfaces, FileId(0), &options, Arc::clone(&stop));
    let mut source = source.map_err(Trouble::Capture)?;
    let status = source.status();
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(raw);
    let file = BufWriter::with_capacity(1 << 20, file.map_err(Trouble::Write)?);
    let mut writer = PcapngWriter::new(file).map_err(Trouble::Write)?;
    let mut command = Command::new(args.command.first().cloned().unwrap_or_default());
    command.args(args.command.iter().skip(1));
    environment.apply(&mut command);
    let mut family = Family::start(&mut command).map_err(Trouble::Start)?;
    let mut end = Stopping::default();
    let mut recorded = Recorded {
        ending: None,
        interrupted: false,
        lost: 0,
        broken: None,
        notices: Vec::new(),
        owners: None,
    };
    let mut block = Block::default();
    loop {
        let over = recorded.ending.is_some() || end.hopeless();
        stop.store(over && end.quiet(&family), Ordering::Relaxed);
        let more = if recorded.broken.is_none() {
            source.fill(&mut block).map_err(|e| e.to_string()).and_then(|more| {
                let written = write(&mut writer, &block, interfaces);
                written.map(|()| more).map_err(|e| format!("the capture could not be written: {e}"))
            })
        } else {
            std::thread::sleep(PATIENCE);
            Ok(if stop.load(Ordering::Relaxed) { More::End } else { More::Yes })
        };
        match more {
            Ok(More::End) => break,
            Ok(More::Yes) => {}
            Err(why) => {
                recorded.notices.push(why.clone());
                recorded.broken = Some(why);
            }
        }
        if let Some(owners) = &mut owners {
            owners.look(|| family.members());
        }
        recorded.ending = family.ending();
        while let Some(came) = signals.next() {
            recorded.interrupted = true;
            end.asked(came, &family);
        }
        end.pursue(&family, recorded.ending.is_some());
    }
    recorded.notices.extend(status.take_notices());
    recorded.lost = status.interfaces().iter().map(crate::capture::InterfaceCounts::lost).sum();
    if let Err(error) = writer.flush() {
        recorded.broken.get_or_insert_with(|| format!("the capture could not be written: {error}"));
    }
    let left = if recorded.interrupted { 0 } else { family.members().len() };
    if left > 0 {
        let (processes, they) = if left == 1 { ("process", "it is") } else { ("processes", "they are") };
        recorded
            .notices
            .push(format!("the command left {left} {processes} running; {they} not captured any more"));
    }
    recorded.owners = owners;
    Ok(recorded)
}

fn write(writer: &mut PcapngWriter<impl io::Write>, block: &Block, interfaces: &[String]) -> io::Result<()> {
    let name = interfaces.get(block.file.0 as usize).map_or("", String::as_str);
    (0..block.frames.len()).filter_map(|i| block.frame(i)).try_for_each(|frame| writer.frame(name, &frame))
}

/// How far ending the command has come.
#[derive(Default)]
struct Stopping {
    /// When it was asked to, and how often.
    asked: Option<Instant>,
    times: u32,
    /// When its end, or the end of the grace, made all that is left be asked too.
    swept: Option<Instant>,
    killed: bool,
}

impl Stopping {
    /// A signal came that asks to end. The terminal has sent it to the command already; others know only this process.
    fn asked(&mut self, came: Came, family: &Family) {
        self.times += 1;
        let first = self.asked.is_none();
        self.asked.get_or_insert_with(Instant::now);
        match came {
            Came::Stop { terminal: true, .. } if first => {}
            Came::Stop { number, .. } => family.signal(number),
            Came::Hangup => family.signal(1),
        }
    }

    /// What is left behind is asked to end as well, and killed if it does not. Who asks three times gets it at once.
    fn pursue(&mut self, family: &Family, ended: bool) {
        let Some(asked) = self.asked else { return };
        if self.swept.is_none() && (ended || asked.elapsed() > GRACE || self.times > 2) {
            self.swept = Some(Instant::now());
            family.signal_all(if self.times > 2 { SIGKILL } else { SIGTERM });
        }
        if !self.killed && self.swept.is_some_and(|at| at.elapsed() > LAST) {
            self.killed = true;
            family.signal_all(SIGKILL);
        }
    }

    /// Nothing more is to be expected of a process that survives SIGKILL for this long.
    fn hopeless(&self) -> bool {
        self.killed && self.swept.is_some_and(|at| at.elapsed() > 3 * LAST)
    }

    /// Whether the capture may end: always, unless processes are being ended.
    fn quiet(&self, family: &Family) -> bool {
        self.asked.is_none() || self.hopeless() || family.members().is_empty()
    }
}
