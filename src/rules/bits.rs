//! A set of rules, by their numbers.

use smallvec::SmallVec;

/// Rules as bits. Numbers beyond the last that was put in are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RuleBits(SmallVec<[u64; 4]>);

impl RuleBits {
    /// Puts in one rule.
    #[inline]
    pub fn insert(&mut self, rule: usize) {
        let word = rule / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (rule % 64);
    }

    /// Whether a rule is in it.
    #[inline]
    pub fn has(&self, rule: usize) -> bool {
        self.0.get(rule / 64).is_some_and(|word| word >> (rule % 64) & 1 != 0)
    }

    /// Takes out one rule.
    #[inline]
    pub fn take(&mut self, rule: usize) {
        if let Some(word) = self.0.get_mut(rule / 64) {
            *word &= !(1 << (rule % 64));
        }
    }

    /// Takes all out.
    #[inline]
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Puts in those of another set.
    #[inline]
    pub fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.words(other).for_each(|(word, more)| *word |= more);
    }

    /// Takes out those that are not in another set.
    #[inline]
    pub fn keep(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        self.words(other).for_each(|(word, kept)| *word &= kept);
    }

    /// Whether one of them is in another set.
    #[inline]
    pub fn meets(&self, other: &Self) -> bool {
        let (own, others) = (&self.0[..], &other.0[..]);
        own.iter().zip(others).any(|(word, others)| word & others != 0)
    }

    /// Takes out those of another set.
    #[inline]
    pub fn remove(&mut self, other: &Self) {
        self.words(other).for_each(|(word, less)| *word &= !less);
    }

    /// Each word that both have, as slices: a sighting asks some hundred times.
    #[inline]
    fn words<'a>(&'a mut self, other: &'a Self) -> impl Iterator<Item = (&'a mut u64, u64)> {
        let (own, others) = (&mut self.0[..], &other.0[..]);
        own.iter_mut().zip(others.iter().copied())
    }

    /// The rules in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, &word)| {
            let rest = std::iter::successors(Some(word), |left| Some(left & left.wrapping_sub(1)));
            rest.take_while(|left| *left != 0).map(move |left| at * 64 + left.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rules: &[usize]) -> RuleBits {
        let mut bits = RuleBits::default();
        rules.iter().for_each(|rule| bits.insert(*rule));
        bits
    }

    #[test]
    fn a_set_of_numbers() {
        let mut bits = of(&[200, 0, 63, 64, 3, 3]);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 3, 63, 64, 200]);
        bits.remove(&of(&[3, 64, 1000]));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 200]);
        assert!(bits.has(63) && !bits.has(3) && !bits.has(1000));
        assert!(bits.meets(&of(&[63, 500])) && !bits.meets(&of(&[62, 500])) && !bits.meets(&of(&[])));
        let mut kept = bits.clone();
        kept.keep(&of(&[0, 1, 63, 64]));
        assert_eq!(kept.iter().collect::<Vec<_>>(), [0, 63]);
        let mut few = of(&[1]);
        few.add(&bits);
        assert_eq!(few.iter().collect::<Vec<_>>(), [0, 1, 63, 200]);
        few.clear();
        assert_eq!(few, RuleBits::default());
    }
}
