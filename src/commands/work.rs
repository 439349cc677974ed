//! How far a dictionary attack is: one line on a terminal.

use super::terminal::wants_progress;
use crate::cli::WorkArgs;
use crate::crack::Attack;
use crate::report::text::grouped;
use std::time::{Duration, Instant};

/// How often the line is written anew.
const PERIOD: Duration = Duration::from_millis(250);

/// A line about an attack that takes longer than a second, on a terminal only.
pub(super) struct Work {
    /// Bytes of all lists.
    total: u64,
    started: Instant,
    told: Instant,
    wanted: bool,
    bar: Option<indicatif::ProgressBar>,
    /// Trials before this run: those of the session.
    before: u64,
    round: Round,
}

/// The round that the attack is in: its number, since when and from which byte of the lists on.
struct Round {
    number: u64,
    since: Instant,
    from: u64,
}

impl Work {
    /// A line for lists of `total` bytes; 0 if that is not known.
    pub(super) fn new(total: u64, args: &WorkArgs) -> Self {
        let now = Instant::now();
        let round = Round { number: 0, since: now, from: 0 };
        Self { total, started: now, told: now, wanted: wants_progress(args), bar: None, before: 0, round }
    }

    /// The attack has come so far.
    pub(super) fn at(&mut self, attack: &Attack) {
        if !self.wanted {
            return;
        }
        let (number, read) = attack.place();
        if number != self.round.number || attack.is_replaying() {
            self.round = Round { number, since: Instant::now(), from: read };
        }
        if attack.is_replaying() {
            (self.before, self.started) = (attack.trials(), Instant::now());
        }
        if self.told.elapsed() < PERIOD
            || (self.bar.is_none() && self.told.elapsed() < Duration::from_secs(1))
        {
            return;
        }
        self.told = Instant::now();
        let line = self.line(attack, read);
        let bar = self.bar.get_or_insert_with(indicatif::ProgressBar::new_spinner);
        if let Ok(style) = indicatif::ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        bar.set_message(line);
        bar.tick();
    }

    fn line(&self, attack: &Attack, read: u64) -> String {
        let (inputs, open) = attack.inputs();
        if attack.is_replaying() {
            return format!("going back to where the session ended: {} trials", grouped(attack.trials()));
        }
        let rate = (attack.trials() - self.before) as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        let mut parts =
            vec![format!("{} trials", grouped(attack.trials())), format!("{:.2} M/s", rate / 1e6)];
        if self.total > 0 && read > 0 {
            parts.push(format!("{} % of the lists", (read.min(self.total) * 100) / self.total));
            let done = read.saturating_sub(self.round.from) as f64;
            let left =
                self.total.saturating_sub(read) as f64 * self.round.since.elapsed().as_secs_f64() / done;
            if left.is_finite() {
                parts.push(format!("{} left", duration(left)));
            }
        }
        if attack.another_round() {
            parts.push("then the tokens of the same issuers".to_owned());
        }
        parts.push(format!("{} of {} found", inputs - open, inputs));
        parts.join(", ")
    }

    /// Takes the line away.
    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Seconds as `1:23:45`, `2:05` or `42 s`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.min(1e9) as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn time_that_is_left_reads_well() {
        assert_eq!([5.9, 125.0, 3725.0].map(duration), ["5 s", "2:05", "1:02:05"]);
        assert_eq!(duration(f64::MAX), "277777:46:40");
    }
}
