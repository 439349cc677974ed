//! A bounded map that has a bound of bytes, too.

use super::recent::Recent;
use std::hash::Hash;

/// A [`Recent`] whose entries weigh something: what was used longest ago goes where there are too many, and where they weigh
/// too much.
#[derive(Debug)]
pub struct Weighed<K, V> {
    entries: Recent<K, V>,
    weigh: fn(&V) -> usize,
    /// What all of them weigh, in bytes.
    bytes: usize,
    most: usize,
}

impl<K: Hash + Eq, V> Weighed<K, V> {
    /// A map of at most `max` entries, of `most` bytes by `weigh`.
    pub fn new(max: usize, most: usize, weigh: fn(&V) -> usize) -> Self {
        Self { entries: Recent::new(max), weigh, bytes: 0, most }
    }

    /// Whether a key is there.
    pub fn contains(&self, key: &K) -> bool {
        self.entries.get(key).is_some()
    }

    /// Puts in the value of a key that is not there yet, and says how many had to go for it; itself, if it weighs too much.
    pub fn insert(&mut self, key: K, value: V) -> u64 {
        self.bytes += (self.weigh)(&value);
        let mut gone = self.entries.insert(key, value);
        let mut count = 0;
        loop {
            if let Some((_, old)) = &gone {
                self.bytes = self.bytes.saturating_sub((self.weigh)(old));
                count += 1;
            }
            if self.bytes <= self.most || self.entries.is_empty() {
                return count;
            }
            gone = self.entries.pop();
        }
    }

    /// Takes all out, the least recently used first.
    pub fn take(&mut self) -> Vec<(K, V)> {
        self.bytes = 0;
        std::iter::from_fn(|| self.entries.pop()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_where_there_are_too_many_or_too_heavy_ones() {
        let mut map = Weighed::new(3, 10, |value: &usize| *value);
        let gone = [(1, 4), (2, 4), (3, 4), (4, 1), (5, 1), (6, 10), (7, 11), (8, 2)]
            .map(|(key, weight)| map.insert(key, weight));
        assert_eq!(gone, [0, 0, 1, 0, 1, 3, 2, 0]);
        assert!(map.contains(&8) && !map.contains(&7));
        assert_eq!(map.take(), [(8, 2)]);
        assert_eq!((map.insert(9, 10), map.take()), (0, vec![(9, 10)]));
    }
}
