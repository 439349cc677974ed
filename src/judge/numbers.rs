//! Numbers of flows.

use foldhash::HashMap;

/// Flow numbers: from 1 in order of the first packet.
#[derive(Debug, Default)]
pub struct FlowNumbers {
    alive: HashMap<u64, u64>,
    next: u64,
}

impl FlowNumbers {
    /// Gives numbers to flows that began; `births` are ordinals of first frames, ascending.
    pub fn born(&mut self, births: &[u64]) {
        for ordinal in births {
            self.next += 1;
            self.alive.insert(*ordinal, self.next);
        }
    }

    /// The number of a flow; that of an exchange which never was a flow is its own.
    pub fn number(&mut self, ordinal: u64) -> u64 {
        *self.alive.entry(ordinal).or_insert_with(|| {
            self.next += 1;
            self.next
        })
    }

    /// Flows that have begun and not ended.
    pub fn open(&self) -> usize {
        self.alive.len()
    }

    /// Forgets flows that ended.
    pub fn died(&mut self, deaths: &[u64]) {
        for ordinal in deaths {
            self.alive.remove(ordinal);
        }
    }
}
