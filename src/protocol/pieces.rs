//! Bytes that come in pieces of any order and may overlap: CRYPTO frames of QUIC, fragments of DTLS.

use crate::limits;

/// What has come of one run of bytes, from offset 0 on.
#[derive(Default)]
pub(super) struct Pieces {
    bytes: Vec<u8>,
    /// Ranges that have come, in order, none touching another.
    ranges: Vec<(usize, usize)>,
}

impl Pieces {
    /// Takes a piece. One that would pass a limit is left out, which is said by `false`.
    pub(super) fn insert(&mut self, offset: u64, piece: &[u8]) -> bool {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(piece.len());
        if end > limits::PIECES_BYTES {
            return false;
        }
        // The ranges that the piece touches become one with it.
        let first = self.ranges.partition_point(|r| r.1 < start);
        let last = first + self.ranges[first..].partition_point(|r| r.0 <= end);
        if first == last && self.ranges.len() >= limits::PIECES {
            return false;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(to) = self.bytes.get_mut(start..end) {
            to.copy_from_slice(piece);
        }
        let touched = &self.ranges[first..last];
        let joined =
            (touched.first().map_or(start, |r| r.0.min(start)), touched.last().map_or(end, |r| r.1.max(end)));
        self.ranges.splice(first..last, [joined]);
        true
    }

    /// What has come without a hole, from the beginning.
    pub(super) fn prefix(&self) -> &[u8] {
        match self.ranges.first() {
            Some((0, end)) => self.bytes.get(..*end).unwrap_or_default(),
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_order_make_the_whole() {
        let whole: Vec<u8> = (0..200).collect();
        for step in [1, 7, 50] {
            let mut order: Vec<usize> = (0..whole.len()).step_by(step).collect();
            order.sort_by_key(|i| i * 7919 % 211);
            let mut pieces = Pieces::default();
            let few = order.len() <= limits::PIECES;
            for i in order.iter().chain(&order) {
                // Neighbours overlap.
                let piece = &whole[*i..(i + step + 3).min(whole.len())];
                assert!(pieces.insert(*i as u64, piece) || !few);
                let got = pieces.prefix();
                assert_eq!(got, &whole[..got.len()]);
            }
            assert!(pieces.prefix() == whole || !few);
        }
    }

    #[test]
    fn what_passes_a_limit_is_left_out() {
        let mut pieces = Pieces::default();
        assert!(!pieces.insert(u64::MAX, &[1]) && !pieces.insert(limits::PIECES_BYTES as u64, &[1]));
        for i in 0..limits::PIECES as u64 {
            assert!(pieces.insert(2 * i, &[1]));
        }
        assert!(!pieces.insert(limits::PIECES as u64 * 2, &[1]));
        assert!(pieces.insert(1, &[2]), "a piece that joins others needs no room");
        assert_eq!(pieces.prefix(), [1, 2, 1]);
    }
}
