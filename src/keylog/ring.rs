//! All secrets of a run, looked up by session.

use super::{Entry, Label, RsaKey, TlsSecret};
use crate::limits::KEYLOG_SECRETS;
use std::collections::HashMap;
use std::sync::Arc;

/// A level never grows beyond this part of the bound: the oldest level is what is forgotten first.
const LEVEL: usize = KEYLOG_SECRETS / 8;

type Level = HashMap<(Label, [u8; 32]), TlsSecret>;

/// Every secret that is known at one point of the input. A clone is cheap and does not change any more, so what a
/// packet's flow can see depends on the packet's place only, never on threads.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    /// Oldest and largest first; small ones are merged, so there are few.
    levels: Vec<Arc<Level>>,
    rsa: Arc<[RsaKey]>,
    generation: u64,
    /// More may come: a flow whose secret is missing may wait for it.
    awaits_more: bool,
}

impl Keyring {
    /// Adds secrets; one that is there already is replaced. Says how many old ones were forgotten.
    pub fn add(&mut self, entries: Vec<Entry>) -> usize {
        if entries.is_empty() {
            return 0;
        }
        self.generation += 1;
        let mut entries = entries.into_iter();
        while entries.len() > 0 {
            let level = entries.by_ref().take(LEVEL).map(|e| ((e.label, e.id), e.secret)).collect();
            self.push(level);
        }
        let mut forgotten = 0;
        while self.len() > KEYLOG_SECRETS && self.levels.len() > 1 {
            forgotten += self.levels.remove(0).len();
        }
        forgotten
    }

    fn push(&mut self, mut level: Level) {
        while let Some(last) =
            self.levels.pop_if(|last| last.len() <= 2 * level.len() && last.len() + level.len() <= LEVEL)
        {
            let mut merged = Arc::unwrap_or_clone(last);
            merged.extend(level);
            level = merged;
        }
        self.levels.push(Arc::new(level));
    }

    /// Sets the RSA keys of servers (`--rsa-key`).
    pub fn set_rsa(&mut self, keys: Vec<RsaKey>) {
        self.rsa = keys.into();
    }

    /// Says whether secrets may come later than the packets that need them.
    pub fn await_more(&mut self, awaits: bool) {
        self.awaits_more = awaits;
    }

    /// Whether they may.
    pub fn awaits_more(&self) -> bool {
        self.awaits_more
    }

    /// The secret of that kind of that session, the newest if there are several.
    pub fn get(&self, label: Label, id: &[u8; 32]) -> Option<&TlsSecret> {
        let key = (label, *id);
        self.levels.iter().rev().find_map(|level| level.get(&key))
    }

    /// RSA keys of servers.
    pub fn rsa(&self) -> &[RsaKey] {
        &self.rsa
    }

    /// Secrets, with those that were replaced.
    pub fn len(&self) -> usize {
        self.levels.iter().map(|l| l.len()).sum()
    }

    /// Whether nothing can be opened.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty() && self.rsa.is_empty()
    }

    /// Changes whenever secrets were added.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: usize, byte: u8) -> Entry {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        Entry { label: Label::Master, id, secret: vec![byte; 48].into() }
    }

    fn find(ring: &Keyring, n: usize) -> Option<u8> {
        ring.get(Label::Master, &entry(n, 0).id).map(|s| s.bytes()[0])
    }

    #[test]
    fn secrets_are_found_whenever_they_came() {
        let mut ring = Keyring::default();
        let mut snapshots = Vec::new();
        for n in 0..3000 {
            assert_eq!(ring.add(vec![entry(n, n as u8)]), 0);
            if n % 500 == 0 {
                snapshots.push((n, ring.clone()));
            }
        }
        assert!(ring.levels.len() < 16, "{}", ring.levels.len());
        assert!((0..3000).all(|n| find(&ring, n) == Some(n as u8)));
        assert_eq!((find(&ring, 3000), ring.get(Label::ClientEarly, &entry(1, 0).id)), (None, None));
        for (n, snapshot) in snapshots {
            assert_eq!((find(&snapshot, n).is_some(), find(&snapshot, n + 1)), (true, None));
        }
        ring.add(vec![entry(7, 99)]);
        assert_eq!(find(&ring, 7), Some(99));
        assert_eq!(ring.generation(), 3001);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut ring = Keyring::default();
        let all = KEYLOG_SECRETS + 2 * LEVEL;
        let forgotten: usize =
            (0..all).step_by(1000).map(|n| ring.add((n..n + 1000).map(|n| entry(n, 1)).collect())).sum();
        assert!(ring.len() <= KEYLOG_SECRETS && forgotten > 0);
        assert_eq!((find(&ring, 0), find(&ring, all - 1)), (None, Some(1)));
    }
}
