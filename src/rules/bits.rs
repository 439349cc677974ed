//! A set of rules, by their numbers.

/// Words that stand in the set itself: there are fewer built-in rules than these have bits, and a sighting asks some hundred
/// times.
const WORDS: usize = 4;

/// Rules as bits. Numbers beyond the last that was put in are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RuleBits {
    words: [u64; WORDS],
    /// Those of rules beyond, where a user has so many.
    more: Vec<u64>,
}

impl RuleBits {
    /// Puts in one rule.
    pub fn insert(&mut self, rule: usize) {
        let word = rule / 64;
        if word >= WORDS + self.more.len() {
            self.more.resize(word + 1 - WORDS, 0);
        }
        if let Some(word) = self.word(word) {
            *word |= 1 << (rule % 64);
        }
    }

    /// Whether a rule is in it.
    #[inline]
    pub fn has(&self, rule: usize) -> bool {
        let word = rule / 64;
        let word = self.words.get(word).or_else(|| self.more.get(word - WORDS));
        word.is_some_and(|word| word >> (rule % 64) & 1 != 0)
    }

    /// Takes out one rule.
    #[inline]
    pub fn take(&mut self, rule: usize) {
        if let Some(word) = self.word(rule / 64) {
            *word &= !(1 << (rule % 64));
        }
    }

    /// Takes all out.
    #[inline]
    pub fn clear(&mut self) {
        self.words = [0; WORDS];
        self.more.clear();
    }

    /// Puts in those of another set.
    #[inline]
    pub fn add(&mut self, other: &Self) {
        if self.more.len() < other.more.len() {
            self.more.resize(other.more.len(), 0);
        }
        self.each(other, |word, more| *word |= more);
    }

    /// Takes out those that are not in another set.
    #[inline]
    pub fn keep(&mut self, other: &Self) {
        self.more.truncate(other.more.len());
        self.each(other, |word, kept| *word &= kept);
    }

    /// Whether one of them is in another set.
    #[inline]
    pub fn meets(&self, other: &Self) -> bool {
        let own = self.words.iter().zip(&other.words);
        // All of them: that is one instruction or two, and to stop at the first would be more.
        own.fold(0, |met, (word, other)| met | word & other) != 0
            || self.more.iter().zip(&other.more).any(|(word, other)| word & other != 0)
    }

    /// Takes out those of another set.
    #[inline]
    pub fn remove(&mut self, other: &Self) {
        self.each(other, |word, less| *word &= !less);
    }

    /// Changes each word that both have.
    #[inline]
    fn each(&mut self, other: &Self, change: impl Fn(&mut u64, u64)) {
        self.words.iter_mut().zip(other.words).for_each(|(word, other)| change(word, other));
        self.more.iter_mut().zip(&other.more).for_each(|(word, other)| change(word, *other));
    }

    #[inline]
    fn word(&mut self, at: usize) -> Option<&mut u64> {
        if at < WORDS { self.words.get_mut(at) } else { self.more.get_mut(at - WORDS) }
    }

    /// The rules in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().chain(&self.more).enumerate().flat_map(|(at, &word)| {
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
    fn a_user_may_have_more_rules() {
        let mut bits = of(&[7, 256, 1000]);
        assert!(bits.has(256) && bits.has(1000) && !bits.has(999) && !bits.has(5000));
        assert!(bits.meets(&of(&[1000])) && !bits.meets(&of(&[999, 5000])));
        bits.remove(&of(&[256]));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [7, 1000]);
        bits.add(&of(&[2000]));
        bits.keep(&of(&[1000, 2000, 3000]));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [1000, 2000]);
        bits.keep(&of(&[7]));
        assert_eq!(bits.iter().count(), 0);
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
        assert!(few.has(200) && !few.has(201));
        few.take(200);
        assert!(!few.has(200));
        few.clear();
        assert_eq!(few, RuleBits::default());
    }
}
