//! What the screen shows, and what keys do to it.

use crate::commands::live::announce::Change;
use crate::commands::live::stats::Stats;
use crate::finding::Finding;
use ratatui_crossterm::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::collections::HashMap;

/// Measurements of the curve: one for each look at the watch.
pub(super) const CURVE: usize = 240;

/// Which page is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Page {
    /// All findings.
    #[default]
    List,
    /// One finding, from a line on.
    One,
    /// What keys do.
    Help,
}

/// The whole of it.
#[derive(Default)]
pub(super) struct State {
    pub(super) names: String,
    pub(super) color: bool,
    pub(super) stats: Stats,
    pub(super) curve: Vec<f64>,
    findings: Vec<Finding>,
    index: HashMap<String, usize>,
    /// The same as they were when the pause began.
    frozen: Option<usize>,
    pub(super) page: Page,
    /// The chosen one, among those that are shown.
    pub(super) chosen: usize,
    pub(super) scroll: usize,
    /// Which of its tokens is drawn.
    pub(super) token: usize,
    pub(super) filter: String,
    /// The filter is being typed.
    pub(super) typing: bool,
    pub(super) paused: bool,
    pub(super) notice: String,
    pub(super) quit: bool,
}

impl State {
    pub(super) fn new(names: String, color: bool) -> Self {
        Self { names, color, ..Self::default() }
    }

    pub(super) fn finding(&mut self, finding: &Finding, change: Change) {
        match self.index.get(&finding.fingerprint) {
            Some(&at) => self.findings[at] = finding.clone(),
            None => {
                self.index.insert(finding.fingerprint.clone(), self.findings.len());
                self.findings.push(finding.clone());
                // The choice stays on its finding: new ones come above.
                if change == Change::New && !self.paused && self.chosen > 0 && self.fits(finding) {
                    self.chosen += 1;
                }
            }
        }
    }

    pub(super) fn stats(&mut self, stats: &Stats) {
        if self.paused {
            return;
        }
        self.stats.clone_from(stats);
        self.curve.push(stats.rates[0]);
        if self.curve.len() > CURVE {
            self.curve.remove(0);
        }
    }

    /// What is shown, the latest first.
    pub(super) fn shown(&self) -> Vec<&Finding> {
        let end = self.frozen.unwrap_or(self.findings.len());
        self.findings[..end].iter().rev().filter(|finding| self.fits(finding)).collect()
    }

    fn fits(&self, finding: &Finding) -> bool {
        let texts = [
            Some(finding.identity.rule.as_str()),
            Some(finding.severity.as_str()),
            finding.host.as_deref(),
            finding.route.as_deref(),
            Some(finding.title.as_str()),
        ];
        let wanted = self.filter.to_lowercase();
        wanted.split(' ').all(|word| texts.iter().flatten().any(|text| text.to_lowercase().contains(word)))
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.quit = true;
        } else if self.typing {
            self.type_filter(key.code);
        } else {
            self.command(key.code);
        }
        self.chosen = self.chosen.min(self.shown().len().saturating_sub(1));
    }

    fn type_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(c) if self.filter.len() < 60 => self.filter.push(c),
            _ => {}
        }
    }

    fn command(&mut self, code: KeyCode) {
        let list = self.page == Page::List;
        match code {
            KeyCode::Char('q') if list => self.quit = true,
            KeyCode::Char('q') | KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => {
                if list {
                    self.filter.clear();
                }
                self.page = Page::List;
            }
            KeyCode::Char('?' | 'h') => self.page = Page::Help,
            KeyCode::Char('/') => (self.page, self.typing) = (Page::List, true),
            KeyCode::Char('p' | ' ') => {
                self.paused = !self.paused;
                self.frozen = self.paused.then_some(self.findings.len());
            }
            KeyCode::Enter | KeyCode::Right if list && !self.shown().is_empty() => {
                (self.page, self.scroll, self.token) = (Page::One, 0, 0);
            }
            KeyCode::Tab => self.token += 1,
            _ => self.walk(code),
        }
    }

    fn walk(&mut self, code: KeyCode) {
        let at = if self.page == Page::List { &mut self.chosen } else { &mut self.scroll };
        match code {
            KeyCode::Up | KeyCode::Char('k') => *at = at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => *at += 1,
            KeyCode::PageUp => *at = at.saturating_sub(10),
            KeyCode::PageDown => *at += 10,
            KeyCode::Home | KeyCode::Char('g') => *at = 0,
            KeyCode::End | KeyCode::Char('G') => *at = usize::MAX / 2,
            _ => {}
        }
    }
}
