//! A short memory of delivered segments, so that a retransmission with other content is noticed.

use std::hash::{BuildHasher as _, Hasher as _};

/// The last delivered ranges of one direction: low bits of the offset, length, fingerprint.
/// The hash is seeded at random, so that nobody can prepare two contents of one fingerprint.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent([(u32, u32, u32); 2]);

impl Recent {
    pub(super) fn remember(&mut self, at: u64, bytes: &[u8], hasher: &foldhash::fast::RandomState) {
        self.0[1] = self.0[0];
        self.0[0] = (at as u32, bytes.len() as u32, fingerprint(bytes, hasher));
    }

    /// Whether `bytes` at `at` (delivered already) contain a remembered range with other content.
    pub(super) fn differs(&self, at: i64, bytes: &[u8], hasher: &foldhash::fast::RandomState) -> bool {
        self.0.iter().any(|&(start, len, print)| {
            let from = start.wrapping_sub(at as u32) as usize;
            let Some(to) = from.checked_add(len as usize) else { return false };
            len > 0 && bytes.get(from..to).is_some_and(|part| fingerprint(part, hasher) != print)
        })
    }
}

fn fingerprint(bytes: &[u8], hasher: &foldhash::fast::RandomState) -> u32 {
    let mut h = hasher.build_hasher();
    h.write(bytes);
    (h.finish() >> 32) as u32
}
