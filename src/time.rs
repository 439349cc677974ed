//! Packet time: nanoseconds since the Unix epoch. wirelint never reads a clock to judge traffic.

use std::fmt;

/// A point in packet time, in nanoseconds since 1970-01-01T00:00:00Z. Saturates instead of wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

impl Timestamp {
    /// The instant `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The instant `seconds` after the epoch plus `nanos`, saturating.
    pub const fn from_parts(seconds: i64, nanos: i64) -> Self {
        Self(seconds.saturating_mul(SECOND).saturating_add(nanos))
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down (the unit of a JWT `NumericDate`).
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Nanoseconds from `earlier` to `self`; negative if `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant plus `nanos`.
    pub const fn plus(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Reads RFC 3339 (`2026-01-02T03:04:05Z`) or seconds since the epoch, as `--now` takes them.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(seconds) = text.parse::<i64>() {
            return Some(Self::from_parts(seconds, 0));
        }
        text.parse().ok().map(Self::from_jiff)
    }

    /// Reads the dates that files of recorded exchanges have: RFC 3339, RFC 2822 (and so RFC 9110 section 5.6.7), or
    /// ISO 8601 without a zone, which is UTC then.
    pub fn parse_date(text: &str) -> Option<Self> {
        let zoned = || jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp());
        let civil = || jiff::tz::Offset::UTC.to_timestamp(text.parse().ok()?).ok();
        let stamp = text.parse().ok().or_else(zoned).or_else(civil)?;
        Some(Self::from_jiff(stamp))
    }

    fn from_jiff(stamp: jiff::Timestamp) -> Self {
        Self::from_parts(stamp.as_second(), i64::from(stamp.subsec_nanosecond()))
    }
}

/// RFC 3339 in UTC with nine digits of fraction.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc3339(f, self.seconds(), self.0.rem_euclid(SECOND))
    }
}

/// A day of the Gregorian calendar, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// The day of that date, if there is one.
    pub fn of(year: u16, month: u8, day: u8) -> Option<Self> {
        let date =
            jiff::civil::Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
        let start = jiff::tz::Offset::UTC.to_timestamp(date.ok()?.at(0, 0, 0, 0)).ok()?;
        Some(Self(start.as_second().div_euclid(86_400)))
    }

    /// The day on which an instant is, in UTC.
    pub const fn at(instant: Timestamp) -> Self {
        Self(instant.seconds().div_euclid(86_400))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A second since 1970, in words as a [`Timestamp`]; unlike one it reaches to the year 9999, as certificates do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second(pub i64);

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc3339(f, self.0, 0)
    }
}

impl serde::Serialize for Second {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn rfc3339(f: &mut fmt::Formatter<'_>, seconds: i64, nanos: i64) -> fmt::Result {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    write!(
        f,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{nanos:09}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Gregorian date of a day number since the epoch (the proleptic calendar, eras of 400 years).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_jiff_does() {
        for nanos in [
            0,
            1,
            -1,
            1_700_000_000_123_456_789,
            951_782_400 * SECOND,
            -62_000_000 * SECOND,
            4_102_444_800 * SECOND,
        ] {
            let stamp = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
            assert_eq!(Timestamp(nanos).to_string(), format!("{stamp:.9}"), "{nanos}");
        }
    }

    #[test]
    fn days() {
        let day = Day::of(2024, 2, 29).unwrap();
        assert_eq!(day.to_string(), "2024-02-29");
        assert_eq!(Day::at(Timestamp::parse("2024-02-29T23:59:59Z").unwrap()), day);
        assert!(Day::at(Timestamp::parse("2024-03-01T00:00:00Z").unwrap()) > day);
        assert_eq!((Day::of(2023, 2, 29), Day::of(2023, 13, 1)), (None, None));
    }

    #[test]
    fn seconds_reach_to_the_end_of_certificates() {
        assert_eq!(Second(253_402_300_799).to_string(), "9999-12-31T23:59:59.000000000Z");
    }

    #[test]
    fn parses_both_spellings() {
        assert_eq!(Timestamp::parse("1700000000"), Some(Timestamp::from_parts(1_700_000_000, 0)));
        assert_eq!(Timestamp::parse("2023-11-14T22:13:20Z"), Some(Timestamp::from_parts(1_700_000_000, 0)));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn dates_of_recorded_exchanges() {
        for text in [
            "2023-11-14T22:13:20Z",
            "2023-11-14T23:13:20.000+01:00",
            "2023-11-14T22:13:20",
            "Tue, 14 Nov 2023 22:13:20 GMT",
            "Tue, 14 Nov 2023 22:13:20 +0000",
        ] {
            assert_eq!(Timestamp::parse_date(text), Some(Timestamp::from_parts(1_700_000_000, 0)), "{text}");
        }
        assert_eq!(Timestamp::parse_date("1700000000"), None);
    }
}
