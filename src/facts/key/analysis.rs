//! What is wrong with the RSA keys of a run, seen from all of them together.

use super::{Flaws, Keys, Known};
use crate::keys::{PublicKey, is_roca, shared_primes, trivial};
use crate::limits::{FACTORED_KEYS, SHARED_MODULI};
use crate::tally::Tally;
use foldhash::{HashMap, HashMapExt};

impl Keys {
    /// Looks at all RSA keys, those for tokens first.
    pub(super) fn analyse(&mut self, tally: &mut Tally) {
        self.forget_seen();
        let (names, moduli): (Vec<&Box<str>>, Vec<&[u8]>) = self.moduli().unzip();
        if moduli.is_empty() {
            return;
        }
        tally.weirds("keys_unfactored", moduli.len().saturating_sub(SHARED_MODULI) as u64);
        let moduli = moduli.get(..moduli.len().min(SHARED_MODULI)).unwrap_or(&moduli);
        let shared = shared_primes(moduli);
        let mut flaws: HashMap<Box<str>, Flaws> = HashMap::new();
        let mut factored = 0;
        for ((name, modulus), other) in names.iter().zip(moduli).zip(shared) {
            let shared = other.and_then(|at| names.get(at)).map(|name| (*name).clone());
            let mut found = Flaws { roca: is_roca(modulus), factored: None, shared };
            if self.known.get(&***name).is_some_and(|known| !known.of_tls()) {
                factored += 1;
                if factored <= FACTORED_KEYS {
                    found.factored = trivial(modulus);
                } else {
                    tally.weird("keys_unfactored");
                }
            }
            flaws.insert((*name).clone(), found);
        }
        for (name, found) in flaws {
            if let Some(known) = self.known.get_mut(&*name) {
                known.flaws = found;
            }
        }
    }

    fn moduli(&self) -> impl Iterator<Item = (&Box<str>, &[u8])> {
        let all = move |tls: bool| self.known.iter().filter(move |(_, known)| known.of_tls() == tls);
        all(false).chain(all(true)).filter_map(|(name, known)| match &known.public {
            Some(PublicKey::Rsa { n, .. }) => Some((name, &**n)),
            _ => None,
        })
    }

    /// Forgets the keys that are known by the size of their signatures if there is a key of that size: it may be the same
    /// one.
    fn forget_seen(&mut self) {
        let bytes = |bits: u32| bits.div_ceil(8);
        let sizes: Vec<u32> = self.moduli().map(|(_, n)| n.len() as u32).collect();
        let seen = |known: &Known| known.rsa_bits.is_some_and(|bits| sizes.contains(&bytes(bits)));
        let names: Vec<_> =
            self.known.iter().filter(|(_, known)| seen(known)).map(|(n, _)| n.clone()).collect();
        for name in names {
            self.known.remove(&*name);
        }
    }
}
