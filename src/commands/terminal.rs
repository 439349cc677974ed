//! The terminal: what is said on stderr, progress, width and colour.

use crate::cli::{Color, WorkArgs};
use crate::tally::Tally;
use crate::text::escape;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Says a line on stderr: whatever is in it, it is one, and moves no cursor. A closed stderr is nobody's concern.
pub(super) fn say(line: &str) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{}", escape(line));
}

/// With `-v`, and without `-q`: says a line about the work on stderr.
pub(super) fn note(args: &WorkArgs, line: impl FnOnce() -> String) {
    if args.verbose > 0 && args.quiet == 0 {
        say(&line());
    }
}

/// With `-v`: every oddity that was counted.
pub(super) fn counted(args: &WorkArgs, tally: &Tally) {
    for (name, n) in &tally.weirds {
        note(args, || format!("counted: {name}: {n}"));
    }
}

/// Columns of the terminal that `stdout` is, or what COLUMNS says, or 80.
pub(super) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let real = || terminal_size::terminal_size_of(std::io::stdout()).map(|(w, _)| usize::from(w.0));
    columns.or_else(real).filter(|w| *w >= 20).unwrap_or(80)
}

/// Whether stdout gets colour: `--color`, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal.
pub(super) fn color(args: &WorkArgs) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    match args.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if set("FORCE_COLOR") || set("CLICOLOR_FORCE") => true,
        Color::Auto => {
            args.output().is_none()
                && std::io::stdout().is_terminal()
                && std::env::var("TERM").as_deref() != Ok("dumb")
        }
    }
}

/// Whether progress is shown: on a terminal, unless it is not wanted.
pub(super) fn wants_progress(args: &WorkArgs) -> bool {
    !args.no_progress && args.quiet == 0 && std::io::stderr().is_terminal()
}

/// A progress bar for work over a second, on a terminal only.
pub(super) struct Progress {
    total: u64,
    started: Instant,
    bar: Option<indicatif::ProgressBar>,
    wanted: bool,
}

impl Progress {
    /// A bar over `total` bytes; 0 if that is not known.
    pub(super) fn new(total: u64, args: &WorkArgs) -> Self {
        Self { total, started: Instant::now(), bar: None, wanted: total > 0 && wants_progress(args) }
    }

    /// So many bytes are done.
    pub(super) fn at(&mut self, done: u64) {
        if !self.wanted {
            return;
        }
        if self.bar.is_none() && self.started.elapsed() > Duration::from_secs(1) {
            let bar = indicatif::ProgressBar::new(self.total);
            let style = indicatif::ProgressStyle::with_template(
                "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}",
            );
            if let Ok(style) = style {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
