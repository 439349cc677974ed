//! The share of waiting segments that one partition may hold.

use crate::limits;

/// Bytes of waiting segments in all flows of a partition.
#[derive(Debug)]
pub struct Budget {
    used: usize,
    bound: usize,
}

impl Default for Budget {
    /// One partition's share of [`limits::SEGMENT_BYTES`].
    fn default() -> Self {
        Self::new(limits::SEGMENT_BYTES / limits::PARTITIONS)
    }
}

impl Budget {
    /// A budget of `bound` bytes.
    pub const fn new(bound: usize) -> Self {
        Self { used: 0, bound }
    }

    /// Bytes in use.
    pub const fn used(&self) -> usize {
        self.used
    }

    /// Whether more is in use than allowed.
    pub const fn over(&self) -> bool {
        self.used > self.bound
    }

    pub(super) const fn take(&mut self, bytes: usize) {
        self.used += bytes;
    }

    pub(super) const fn give(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}
