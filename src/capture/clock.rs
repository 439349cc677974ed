//! The clock of a pcapng interface.

use crate::time::{SECOND, Timestamp};

/// An interface's clock: `if_tsresol` and `if_tsoffset` (section 4.2).
#[derive(Clone, Copy)]
pub(super) struct Clock {
    /// Power of ten, or of two if the highest bit is set, of the units in a second.
    pub(super) resolution: u8,
    /// Seconds that are added.
    pub(super) offset: i64,
}

impl Clock {
    #[inline]
    /// The time of a packet's timestamp; saturates.
    pub(super) fn time(self, ticks: u64) -> Timestamp {
        let nanos = match self.resolution {
            6 => i128::from(ticks) * 1000,
            9 => i128::from(ticks),
            exponent @ 0..9 => i128::from(ticks) * 10i128.pow(u32::from(9 - exponent)),
            // 10^28 is more than 64 bits of ticks can reach.
            exponent @ 0..0x80 => {
                i128::from(ticks) / 10i128.checked_pow(u32::from(exponent) - 9).unwrap_or(i128::MAX)
            }
            exponent => (i128::from(ticks) * i128::from(SECOND)) >> (exponent & 0x7f),
        };
        let nanos = nanos + i128::from(self.offset) * i128::from(SECOND);
        Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        let nanos = |resolution, offset, ticks| Clock { resolution, offset }.time(ticks).nanos();
        assert_eq!(nanos(6, 0, 1), 1000);
        assert_eq!(nanos(0, 0, 3), 3_000_000_000);
        assert_eq!(nanos(3, 1, 3), 1_003_000_000);
        assert_eq!(nanos(12, 0, 5_999), 5);
        assert_eq!(nanos(127, 0, u64::MAX), 0);
        assert_eq!(nanos(0x80, 0, 2), 2_000_000_000);
        assert_eq!(nanos(0x80 | 10, 0, 512), 500_000_000);
        assert_eq!(nanos(0xff, 0, u64::MAX), 0);
        assert_eq!(nanos(0, i64::MAX, u64::MAX), i64::MAX);
        assert_eq!(nanos(6, i64::MIN, 0), i64::MIN);
    }
}
