//! The entries of a dynamic table (RFC 7541 section 2.3.2, RFC 9204 section 3.2), behind each other in one buffer.

use std::collections::VecDeque;

/// Entries, the oldest first.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Store {
    text: Vec<u8>,
    entries: VecDeque<Entry>,
    size: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: usize,
    name: usize,
    value: usize,
    /// Nobody knows what it is.
    lost: bool,
}

impl Entry {
    fn size(&self) -> usize {
        self.name + self.value + Store::OVERHEAD
    }
}

/// Evicted bytes that are kept at least, so that not every eviction moves the rest.
const SLACK: usize = 4096;

impl Store {
    /// What an entry counts beside its text (RFC 7541 section 4.1).
    pub(in crate::protocol) const OVERHEAD: usize = 32;

    /// The entry `age` places before the newest: `None` if there is none, `Some(None)` if it is not known.
    pub(in crate::protocol) fn newest(&self, age: usize) -> Option<Option<(&[u8], &[u8])>> {
        let entry = self.entries.len().checked_sub(age.checked_add(1)?).and_then(|i| self.entries.get(i))?;
        let text = self.text.get(entry.start..).unwrap_or_default();
        let known = text
            .split_at_checked(entry.name)
            .map(|(name, rest)| (name, rest.get(..entry.value).unwrap_or_default()));
        Some(known.filter(|_| !entry.lost))
    }

    /// Adds an entry, after room was made for it.
    pub(in crate::protocol) fn push(&mut self, name: &[u8], value: &[u8]) {
        let start = self.text.len();
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
        self.entries.push_back(Entry { start, name: name.len(), value: value.len(), lost: false });
        self.size += name.len() + value.len() + Self::OVERHEAD;
    }

    /// Adds one that is not known.
    pub(in crate::protocol) fn push_lost(&mut self) {
        self.entries.push_back(Entry { start: self.text.len(), name: 0, value: 0, lost: true });
        self.size += Self::OVERHEAD;
    }

    /// Evicts the oldest until `room` more fits into `limit`.
    pub(in crate::protocol) fn evict(&mut self, room: usize, limit: usize) {
        while self.size + room > limit {
            let Some(entry) = self.entries.pop_front() else { return };
            self.size -= entry.size();
        }
        // Room of evicted entries is taken back when it is as much as the rest, so each byte moves once.
        let dead = self.entries.front().map_or(self.text.len(), |e| e.start);
        if dead > SLACK.max(self.text.len() / 2) {
            self.text.drain(..dead);
            self.entries.iter_mut().for_each(|e| e.start -= dead);
        }
    }

    pub(in crate::protocol) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_stays_small_and_ages_are_right() {
        let mut store = Store::default();
        for n in 0..10_000 {
            store.evict(10 + 58 + Store::OVERHEAD, SLACK);
            store.push(format!("name-{n:05}").as_bytes(), &[b'v'; 58]);
            assert!(store.size <= SLACK && store.text.len() <= 3 * SLACK, "{}", store.text.len());
            assert_eq!(store.newest(0), Some(Some((format!("name-{n:05}").as_bytes(), &[b'v'; 58][..]))));
        }
        assert_eq!(store.entries.len(), 40);
        store.push_lost();
        assert_eq!((store.newest(0), store.newest(41)), (Some(None), None));
        assert_eq!(store.newest(40).flatten().map(|e| e.0), Some(&b"name-09960"[..]));
        store.clear();
        assert_eq!(store.newest(0), None);
    }
}
