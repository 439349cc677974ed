//! The full screen of `live` on a terminal.

mod lives;
mod state;
mod view;

use super::announce::Change;
use super::outlet::{Outlet, Seen};
use super::stats::Stats;
use crate::finding::Finding;
use lives::Lives;
use ratatui_core::terminal::Terminal;
use ratatui_crossterm::CrosstermBackend;
use ratatui_crossterm::crossterm::event::{self, Event};
use ratatui_crossterm::crossterm::{cursor, execute, terminal};
use state::State;
use std::io::{self, IsTerminal, Stdout};
use std::time::Duration;

/// Keys that are taken at one look.
const KEYS: usize = 64;

/// Whether there is a terminal to draw on and to be asked by.
pub(super) fn possible() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    io::stdout().is_terminal() && io::stdin().is_terminal() && !dumb
}

/// The screen. The terminal is as it was once this is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    state: State,
    lives: Lives,
    names: Vec<String>,
    broken: bool,
    /// The terminal was given back.
    left: bool,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// The terminal's.
    pub(super) fn open(names: &[String], color: bool) -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        terminal.clear()?;
        let (state, lives) = (State::new(names.join(", "), color), Lives::new(names.to_vec()));
        Ok(Self { terminal, state, lives, names: names.to_vec(), broken: false, left: false })
    }

    fn draw(&mut self) -> io::Result<()> {
        let (state, lives, names) = (&mut self.state, &mut self.lives, &self.names);
        self.terminal.draw(|frame| {
            let area = frame.area();
            view::draw(state, lives, names, area, frame.buffer_mut());
        })?;
        Ok(())
    }

    fn keys(&mut self) -> io::Result<()> {
        for _ in 0..KEYS {
            if !event::poll(Duration::ZERO)? {
                break;
            }
            match event::read()? {
                Event::Key(key) => self.state.key(key),
                // The next drawing asks for the size.
                _ => continue,
            }
        }
        Ok(())
    }
}

impl Outlet for Screen {
    fn finding(&mut self, finding: &Finding, change: Change, _: &[String]) {
        self.state.finding(finding, change);
    }

    fn wants_sightings(&self) -> bool {
        true
    }

    fn seen(&mut self, seen: &Seen<'_>) {
        self.lives.seen(seen);
    }

    fn stats(&mut self, stats: &Stats) -> bool {
        self.state.stats(stats);
        if !self.broken {
            self.broken = self.keys().and_then(|()| self.draw()).is_err();
        }
        // Without its terminal nobody watches any more.
        !self.state.quit && !self.broken
    }

    fn notice(&mut self, text: &str) -> bool {
        text.clone_into(&mut self.state.notice);
        true
    }

    fn finish(&mut self) {
        // Only once: leaving the other screen again would move the cursor.
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        let _ = terminal::disable_raw_mode();
        let _ = execute!(io::stdout(), terminal::LeaveAlternateScreen, cursor::Show);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.finish();
    }
}
