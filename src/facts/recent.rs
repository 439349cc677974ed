//! A bounded map that forgets what was used longest ago.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hash};

/// No slot.
const NONE: u32 = u32::MAX;

/// A map of at most as many entries as it was made for. Its order is that of use, the least recent first, which is the
/// same in every run; the hash is seeded at random, since keys come from traffic.
#[derive(Debug)]
pub struct Recent<K, V> {
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    slots: Vec<Slot<K, V>>,
    /// Least and most recently used.
    oldest: u32,
    newest: u32,
    free: Vec<u32>,
    max: usize,
    /// How often an entry became the newest.
    links: u32,
    /// An entry that became it so few times ago stays where it is when it is used.
    slack: u32,
}

#[derive(Debug)]
struct Slot<K, V> {
    entry: Option<(K, V)>,
    older: u32,
    newer: u32,
    /// [`Recent::links`] when it became the newest.
    linked: u32,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    /// A map of at most `max` entries (one at least).
    pub fn new(max: usize) -> Self {
        Self {
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            slots: Vec::new(),
            oldest: NONE,
            newest: NONE,
            free: Vec::new(),
            max: max.clamp(1, NONE as usize - 1),
            links: 0,
            slack: 0,
        }
    }

    /// The same with an order that is exact to a quarter of the entries: one that was used lately is not moved again, which
    /// would touch its neighbours' memory. For those where only what is forgotten depends on the order.
    pub fn roughly(max: usize) -> Self {
        let this = Self::new(max);
        Self { slack: (this.max / 4) as u32, ..this }
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The value of a key, which does not count as a use.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let slot = self.find(key)?;
        self.slots.get(slot as usize)?.entry.as_ref().map(|(_, value)| value)
    }

    /// The same, to change it.
    pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let slot = self.find(key)?;
        self.slots.get_mut(slot as usize)?.entry.as_mut().map(|(_, value)| value)
    }

    /// The value of a key, which is the most recently used one now.
    pub fn touch<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let slot = self.find(key)?;
        let linked = self.slots.get(slot as usize).map_or(0, |place| place.linked);
        if slot != self.newest && self.links.wrapping_sub(linked) >= self.slack {
            self.unlink(slot);
            self.link(slot);
        }
        self.slots.get_mut(slot as usize)?.entry.as_mut().map(|(_, value)| value)
    }

    /// Puts in a value, the most recently used one, and gives what had to go for it: the old value of the key, or the
    /// entry that was used longest ago.
    pub fn insert(&mut self, key: K, value: V) -> Option<(K, V)> {
        let gone = match self.find(&key) {
            Some(slot) => self.take(slot),
            None if self.len() >= self.max => self.pop(),
            None => None,
        };
        let hash = self.hasher.hash_one(&key);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { entry: None, older: NONE, newer: NONE, linked: 0 });
            self.slots.len() as u32 - 1
        });
        if let Some(place) = self.slots.get_mut(slot as usize) {
            place.entry = Some((key, value));
        }
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.index.insert_unique(hash, slot, |slot| hash_of(slots, hasher, *slot));
        self.link(slot);
        gone
    }

    /// Takes a key out.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let slot = self.find(key)?;
        self.take(slot).map(|(_, value)| value)
    }

    /// The entry that was used longest ago.
    pub fn oldest(&self) -> Option<(&K, &V)> {
        self.slots.get(self.oldest as usize)?.entry.as_ref().map(|(key, value)| (key, value))
    }

    /// Takes it out.
    pub fn pop(&mut self) -> Option<(K, V)> {
        self.take(self.oldest)
    }

    /// All entries, least recently used first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut at = self.oldest;
        std::iter::from_fn(move || {
            let slot = self.slots.get(at as usize)?;
            at = slot.newer;
            slot.entry.as_ref().map(|(key, value)| (key, value))
        })
    }

    fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<u32>
    where
        K: std::borrow::Borrow<Q>,
    {
        if self.index.is_empty() {
            return None;
        }
        let same = |slot: &u32| {
            let entry = self.slots.get(*slot as usize).and_then(|slot| slot.entry.as_ref());
            entry.is_some_and(|(known, _)| known.borrow() == key)
        };
        self.index.find(self.hasher.hash_one(key), same).copied()
    }

    fn take(&mut self, slot: u32) -> Option<(K, V)> {
        let hash = hash_of(&self.slots, &self.hasher, slot);
        self.index.find_entry(hash, |known| *known == slot).ok()?.remove();
        self.unlink(slot);
        self.free.push(slot);
        self.slots.get_mut(slot as usize)?.entry.take()
    }

    fn link(&mut self, slot: u32) {
        let older = self.newest;
        self.links = self.links.wrapping_add(1);
        if let Some(place) = self.slots.get_mut(slot as usize) {
            (place.older, place.newer, place.linked) = (older, NONE, self.links);
        }
        match self.slots.get_mut(older as usize) {
            Some(before) => before.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }

    fn unlink(&mut self, slot: u32) {
        let Some(place) = self.slots.get(slot as usize) else { return };
        let (older, newer) = (place.older, place.newer);
        match self.slots.get_mut(older as usize) {
            Some(before) => before.newer = newer,
            None => self.oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(behind) => behind.older = older,
            None => self.newest = older,
        }
    }
}

fn hash_of<K: Hash, V>(slots: &[Slot<K, V>], hasher: &DefaultHashBuilder, slot: u32) -> u64 {
    let entry = slots.get(slot as usize).and_then(|slot| slot.entry.as_ref());
    entry.map_or(0, |(key, _)| hasher.hash_one(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(map: &Recent<String, u32>) -> Vec<&str> {
        map.iter().map(|(key, _)| key.as_str()).collect()
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut map = Recent::new(3);
        for (n, key) in ["a", "b", "c"].into_iter().enumerate() {
            assert_eq!(map.insert(key.to_owned(), n as u32), None);
        }
        assert_eq!(map.touch("a"), Some(&mut 0));
        assert_eq!(map.get("b"), Some(&1));
        assert_eq!(map.insert("d".to_owned(), 3), Some(("b".to_owned(), 1)));
        assert_eq!(keys(&map), ["c", "a", "d"]);
        assert_eq!(map.insert("a".to_owned(), 7), Some(("a".to_owned(), 0)));
        assert_eq!(keys(&map), ["c", "d", "a"]);
        assert_eq!(map.remove("d"), Some(3));
        assert_eq!(map.touch("d"), None);
        assert_eq!(map.len(), 2);
        assert_eq!(map.oldest(), Some((&"c".to_owned(), &2)));
        assert_eq!((map.pop().map(|e| e.1), map.pop().map(|e| e.1), map.pop()), (Some(2), Some(7), None));
        assert!(map.is_empty() && keys(&map).is_empty());
    }

    #[test]
    fn a_rough_order_keeps_what_is_used() {
        let mut map = Recent::roughly(100);
        for n in 0..1000_u32 {
            map.insert(n, n);
            // Each use is worth three quarters of a full map, at least.
            if n % 70 == 0 {
                assert!(n == 0 || map.get(&0).is_some(), "{n}");
                map.touch(&0);
            }
        }
        assert_eq!((map.len(), map.get(&1)), (100, None));
        assert!(map.get(&910).is_some() && map.get(&0).is_some());
    }

    #[test]
    fn it_is_what_a_list_would_be() {
        let mut map = Recent::new(7);
        let mut list: Vec<(String, u32)> = Vec::new();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for turn in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let key = (state % 11).to_string();
            let known = list.iter().position(|(k, _)| *k == key);
            match state >> 60 {
                0..=7 => {
                    let gone = match known {
                        Some(at) => Some(list.remove(at)),
                        None if list.len() == 7 => Some(list.remove(0)),
                        None => None,
                    };
                    list.push((key.clone(), turn));
                    assert_eq!(map.insert(key, turn), gone);
                }
                8..=11 => {
                    let moved = known.map(|at| list.remove(at));
                    assert_eq!(map.touch(&key).copied(), moved.as_ref().map(|(_, v)| *v));
                    list.extend(moved);
                }
                12..=13 => assert_eq!(map.remove(&key), known.map(|at| list.remove(at).1)),
                _ => assert_eq!(map.get(&key), list.iter().find(|(k, _)| *k == key).map(|(_, v)| v)),
            }
            assert!(map.iter().map(|(k, v)| (k.clone(), *v)).eq(list.iter().cloned()));
            assert_eq!(map.len(), list.len());
        }
    }
}
