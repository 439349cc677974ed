//! Finds known texts in bytes, and says what stands for each.

use hashbrown::HashMap;

/// Bytes that every text begins with, and by which it is found: shorter ones would be found by chance.
pub(super) const SHORTEST: usize = 8;

/// Bits of the quick look.
const BITS: u32 = 18;

type Text = Box<[u8]>;

/// Texts to be found and what replaces them.
pub(super) struct Finder {
    texts: Vec<(Text, Text)>,
    /// Texts by their first bytes, the longest first.
    index: HashMap<[u8; SHORTEST], Vec<u32>>,
    /// A bit for each hash of first bytes.
    quick: Box<[u64]>,
    bytes: usize,
}

impl Default for Finder {
    fn default() -> Self {
        let quick = vec![0; 1 << (BITS - 6)].into();
        Self { texts: Vec::new(), index: HashMap::new(), quick, bytes: 0 }
    }
}

/// What is known of the end of a text that goes on.
pub(super) struct Tail {
    /// From here on something may begin that ends in what follows.
    pub(super) from: usize,
}

impl Finder {
    /// Adds a text and what replaces it, which is as long; the first word about a text counts.
    pub(super) fn add(&mut self, text: &[u8], new: &[u8]) {
        let Some(first) = text.first_chunk::<SHORTEST>() else { return };
        if text == new || text.len() != new.len() {
            return;
        }
        let (texts, quick) = (&mut self.texts, &mut self.quick);
        let list = self.index.entry(*first).or_default();
        let at = list.partition_point(|i| texts[*i as usize].0.len() > text.len());
        let mut same = list.iter().skip(at).take_while(|i| texts[**i as usize].0.len() == text.len());
        if same.any(|i| *texts[*i as usize].0 == *text) {
            return;
        }
        list.insert(at, texts.len() as u32);
        texts.push((text.into(), new.into()));
        self.bytes += 2 * text.len() + 64;
        let hash = hash(*first);
        quick[hash >> 6] |= 1 << (hash & 63);
    }

    /// Approximate bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.texts.iter().map(|(text, _)| &**text)
    }

    /// What replaces them.
    pub(super) fn replacements(&self) -> impl Iterator<Item = &[u8]> {
        self.texts.iter().map(|(_, new)| &**new)
    }

    /// Reports the texts that stand in `bytes`, from left to right and the longest first, each with what replaces it.
    pub(super) fn find(&self, bytes: &[u8], found: &mut dyn FnMut(usize, &[u8])) -> Tail {
        let mut at = 0;
        let mut open = None;
        while let Some(first) = bytes.get(at..).and_then(|rest| rest.first_chunk::<SHORTEST>()) {
            let hash = hash(*first);
            if self.quick[hash >> 6] >> (hash & 63) & 1 == 0 {
                at += 1;
                continue;
            }
            let rest = &bytes[at..];
            let mut len = 1;
            for i in self.index.get(first).into_iter().flatten() {
                let (text, new) = &self.texts[*i as usize];
                if rest.starts_with(text) {
                    found(at, new);
                    len = text.len();
                    break;
                }
                if text.len() > rest.len() && text.starts_with(rest) {
                    open.get_or_insert(at);
                }
            }
            at += len;
        }
        Tail { from: open.unwrap_or(at).min(bytes.len()) }
    }

    /// Whether any of the texts stands in `bytes`.
    pub(super) fn touches(&self, bytes: &[u8]) -> bool {
        let mut any = false;
        self.find(bytes, &mut |_, _| any = true);
        any
    }

    /// `bytes` with every text replaced; none if there is none.
    pub(super) fn replaced(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut new: Option<Vec<u8>> = None;
        self.find(bytes, &mut |at, text| {
            let new = new.get_or_insert_with(|| bytes.to_vec());
            new[at..at + text.len()].copy_from_slice(text);
        });
        new
    }
}

fn hash(first: [u8; SHORTEST]) -> usize {
    (u64::from_le_bytes(first).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finder(texts: &[&str]) -> Finder {
        let mut finder = Finder::default();
        for text in texts {
            finder.add(text.as_bytes(), &vec![b'#'; text.len()]);
        }
        finder
    }

    fn replaced(finder: &Finder, text: &str) -> String {
        String::from_utf8(finder.replaced(text.as_bytes()).unwrap_or_else(|| text.into())).unwrap()
    }

    #[test]
    fn the_longest_text_is_replaced_and_short_ones_are_not_known() {
        let finder = finder(&["abcdefgh", "abcdefghij", "short", "abcdefgh"]);
        assert_eq!(replaced(&finder, "xabcdefghijabcdefghi short"), "x##################i short");
        assert!(!finder.touches(b"abcdefg") && finder.touches(b"abcdefgh"));
    }

    #[test]
    fn what_may_go_on_is_told() {
        let finder = finder(&["abcdefghijkl"]);
        for (text, from) in [("xxabcdefghij", 2), ("xxabcdefghijkl", 14), ("abcdefg", 0), ("xxxxxxxxxxab", 5)]
        {
            assert_eq!(finder.find(text.as_bytes(), &mut |_, _| ()).from, from, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_known_stays(before in "[ab]{0,30}", texts in proptest::collection::vec("[ab]{8,12}", 1..4)) {
            let list: Vec<_> = texts.iter().map(String::as_str).collect();
            let finder = finder(&list);
            let new = replaced(&finder, &before);
            for text in &texts {
                prop_assert!(!new.contains(text.as_str()));
            }
        }
    }
}
