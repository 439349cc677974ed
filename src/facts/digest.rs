//! Short names for what memories only compare: with them, an entry is as small as its name.

use foldhash::quality::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::LazyLock;

/// 128 bits that stand for a value within this run. Their seeds are drawn when the program starts: whoever writes a capture
/// cannot make two values that have the same. They are never shown, and nothing is ordered by them.
pub fn digest(value: impl Hash) -> u128 {
    let [low, high] = SEEDS.each_ref().map(|seed| u128::from(seed.hash_one(&value)));
    high << 64 | low
}

static SEEDS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_stands_for_its_value_and_both_halves_tell() {
        let mut known = std::collections::HashMap::new();
        for n in 0..10_000_u32 {
            let digest = digest(("name", n));
            assert_eq!(digest, super::digest(("name", n)));
            assert_eq!(known.insert(digest as u64, n), None);
            assert_eq!(known.insert((digest >> 64) as u64, n), None);
        }
        assert_ne!(digest(["a", "bc"]), digest(["ab", "c"]));
    }
}
