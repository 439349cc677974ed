//! Integer fields of either byte order.

/// The 32-bit field at `at`, 0 if there is none (callers have checked the length).
#[inline(always)]
pub(super) fn word(bytes: &[u8], at: usize, big: bool) -> u32 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
}

/// The 16-bit field at `at`, 0 if there is none.
#[inline(always)]
pub(super) fn half(bytes: &[u8], at: usize, big: bool) -> u16 {
    let half = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>()).copied().unwrap_or_default();
    if big { u16::from_be_bytes(half) } else { u16::from_le_bytes(half) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_and_the_end() {
        let bytes = [1, 2, 3, 4, 5];
        assert_eq!((word(&bytes, 1, true), word(&bytes, 1, false)), (0x0203_0405, 0x0504_0302));
        assert_eq!((half(&bytes, 0, true), half(&bytes, 0, false)), (0x0102, 0x0201));
        assert_eq!((word(&bytes, 2, true), half(&bytes, 4, true), half(&bytes, 9, true)), (0, 0, 0));
    }
}
