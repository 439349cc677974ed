//! Numbers that look random, and follow from a seed.

use sha2::{Digest, Sha256};

/// Random numbers that depend on the key and on what they are for.
pub(super) struct Random {
    seed: [u8; 32],
    block: [u8; 32],
    next: u64,
}

impl Random {
    /// Those of a seed: the same each time.
    pub(super) const fn from_seed(seed: [u8; 32]) -> Self {
        Self { seed, block: [0; 32], next: 0 }
    }

    /// One byte.
    pub(super) fn byte(&mut self) -> u8 {
        let at = (self.next % 32) as usize;
        if at == 0 {
            let block = Sha256::new().chain_update(self.seed).chain_update(self.next.to_le_bytes());
            self.block = block.finalize().into();
        }
        self.next += 1;
        self.block.get(at).copied().unwrap_or(0)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let number = u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()]);
        number as usize % bound.max(1)
    }

    /// The same elements in another order.
    pub(super) fn shuffle(&mut self, list: &mut [usize]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}
