//! The dynamic table of QPACK (RFC 9204 section 3.2), as far as it is known.

use super::fixed::STATIC;
use crate::limits;
use crate::protocol::fields::Store;

/// What a reference stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup<'a> {
    /// Name and value.
    Known(&'a [u8], &'a [u8]),
    /// An entry that was made in a hole, or outside of the bound.
    Lost,
    /// No entry.
    No,
}

/// The table of one direction.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Store,
    /// Entries that were ever inserted (the Insert Count of section 2.1.4).
    inserted: u64,
    /// What the encoder said last (section 3.2.3).
    capacity: usize,
    /// Instructions were missed: nothing is known of any entry.
    lost: bool,
}

impl Table {
    pub(super) fn inserted(&self) -> u64 {
        self.inserted
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Capacity that the encoder has set.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// An entry of the static table.
    pub(super) fn fixed(index: usize) -> Lookup<'static> {
        STATIC.get(index).map_or(Lookup::No, |(name, value)| Lookup::Known(name.as_bytes(), value.as_bytes()))
    }

    /// The entry with that absolute index (section 3.2.4).
    pub(super) fn get(&self, absolute: Option<u64>) -> Lookup<'_> {
        let Some(absolute) = absolute else { return Lookup::No };
        let age = self.inserted.checked_sub(absolute).and_then(|age| age.checked_sub(1));
        match age.and_then(|age| self.entries.newest(usize::try_from(age).ok()?)) {
            Some(Some((name, value))) => Lookup::Known(name, value),
            // Not there yet, evicted by a bound of ours, or by an encoder that breaks the rules.
            Some(None) | None => Lookup::Lost,
        }
    }

    /// The entry that many places before the newest one (section 3.2.5).
    pub(super) fn recent(&self, relative: usize) -> Lookup<'_> {
        self.get(self.inserted.checked_sub(1).and_then(|newest| newest.checked_sub(relative as u64)))
    }

    /// A new entry. `None` if the capacity has no room for it, which is against section 3.2.2.
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        let size = name.len() + value.len() + Store::OVERHEAD;
        if size > self.capacity {
            return None;
        }
        self.inserted += 1;
        if size > limits::HPACK_TABLE {
            self.evict(Store::OVERHEAD);
            self.entries.push_lost();
        } else {
            self.evict(size);
            self.entries.push(name, value);
        }
        Some(())
    }

    /// A new entry whose name or value is not known.
    pub(super) fn insert_lost(&mut self) {
        self.inserted += 1;
        self.evict(Store::OVERHEAD);
        self.entries.push_lost();
    }

    /// The encoder sets the capacity. False if that is over the bound.
    pub(super) fn resize(&mut self, capacity: usize) -> bool {
        self.capacity = capacity;
        self.evict(0);
        capacity <= limits::HPACK_TABLE
    }

    /// Instructions were missed. Where the next one begins, nothing tells.
    pub(super) fn lose(&mut self) {
        self.entries.clear();
        self.lost = true;
    }

    fn evict(&mut self, room: usize) {
        self.entries.evict(room, self.capacity.min(limits::HPACK_TABLE));
    }
}
