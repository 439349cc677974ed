//! The clock of a live capture: time goes on when no packet comes, and may jump.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// How often time is told.
const EVERY: Duration = Duration::from_secs(1);

/// Packets wait in the kernel for less than this before they are read.
const LAG: i64 = crate::time::SECOND / 2;

/// A step back of this many seconds is a jump: what was touched before would not expire for as long.
const BACK: i64 = 2;

/// A step ahead of this many is one: less is bridged by the time that flows may be idle.
const AHEAD: i64 = 60;

/// What the clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    /// Time has gone on to here.
    On(Timestamp),
    /// It jumped by so many seconds.
    Jumped(i64),
}

/// Compares the clock that packets are stamped with to one that never jumps.
#[derive(Debug, Default)]
pub(super) struct Steady {
    last: Option<(Instant, SystemTime)>,
}

impl Steady {
    /// Looks at both clocks; says something once a second.
    pub(super) fn look(&mut self, steady: Instant, wall: SystemTime) -> Option<Tick> {
        let Some((steady_before, wall_before)) = self.last else {
            self.last = Some((steady, wall));
            return None;
        };
        let passed = steady.duration_since(steady_before);
        if passed < EVERY {
            return None;
        }
        self.last = Some((steady, wall));
        let jump = nanos(wall) - nanos(wall_before) - i128::try_from(passed.as_nanos()).unwrap_or(0);
        let seconds = (jump / 1_000_000_000) as i64;
        if seconds <= -BACK || seconds >= AHEAD {
            return Some(Tick::Jumped(seconds));
        }
        let now = i64::try_from(nanos(wall)).unwrap_or(i64::MAX);
        Some(Tick::On(Timestamp::from_nanos(now.saturating_sub(LAG))))
    }
}

fn nanos(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_are_told_from_time_that_passes() {
        let (start, wall) = (Instant::now(), UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let mut clock = Steady::default();
        let mut at = |steady: u64, wall_seconds: i64| {
            let wall = wall.checked_add(Duration::from_secs(wall_seconds.max(0) as u64)).unwrap()
                - Duration::from_secs((-wall_seconds).max(0) as u64);
            clock.look(start + Duration::from_secs(steady), wall)
        };
        let second =
            |n: i64| Some(Tick::On(Timestamp::from_nanos((1_700_000_000 + n) * crate::time::SECOND - LAG)));
        assert_eq!(at(0, 0), None);
        assert_eq!(at(0, 0), None, "too soon");
        assert_eq!(at(1, 1), second(1));
        assert_eq!(at(2, 31), second(31), "a clock that is set right by half a minute");
        assert_eq!(at(3, 31), second(31), "by a second back, too");
        assert_eq!(at(4, -3600), Some(Tick::Jumped(-3632)));
        assert_eq!(at(5, -3599), second(-3599));
        assert_eq!(at(6, 82_802), Some(Tick::Jumped(86_400)));
        assert_eq!(at(7, 82_803), second(82_803));
    }
}
