//! Every engine of this processor against the crates.

use super::*;
use crate::crack::testing::{input, mac};
use proptest::prelude::*;

/// The words whose HMAC over a text is `signature`, by one engine; nothing if the processor lacks it.
fn hits(engine: Engine, hs: Hs, words: &[Vec<u8>], text: &[u8], signature: &[u8]) -> Option<Vec<usize>> {
    let mut batch = Batch::default();
    words.iter().for_each(|word| batch.push(word));
    Of::new(&batch, hs, engine)?;
    let mut hits = Vec::new();
    States::new(&batch, hs, Some(engine)).matches(&input(hs, text, signature), &mut hits);
    Some(hits)
}

fn agree(hs: Hs, words: &[Vec<u8>], text: &[u8]) -> usize {
    let mut engines = 0;
    for engine in Engine::ALL {
        let mut there = false;
        for (n, word) in words.iter().enumerate() {
            let signature = mac(hs, word, text);
            let same: Vec<usize> =
                (0..words.len()).filter(|at| mac(hs, &words[*at], text) == signature).collect();
            if let Some(found) = hits(*engine, hs, words, text, &signature) {
                there = true;
                assert_eq!(found, same, "{} {hs:?} word {n} of {}", engine.as_str(), words.len());
            }
            let mut wrong = signature;
            wrong[0] ^= 1;
            if let Some(found) = hits(*engine, hs, words, text, &wrong) {
                assert_eq!(found, [0; 0], "{}", engine.as_str());
            }
        }
        engines += usize::from(there);
    }
    engines
}

const ALL: [Hs; 3] = [Hs::Hs256, Hs::Hs384, Hs::Hs512];

/// Texts and keys around every border of a block.
#[test]
fn every_length_around_a_block() {
    let text = |n: usize| -> Vec<u8> { (0..n).map(|i| (i * 7 + n) as u8).collect() };
    for hs in ALL {
        for n in [0, 1, 55, 56, 63, 64, 111, 112, 119, 120, 127, 128, 239, 240, 300] {
            agree(hs, &[text(5)], &text(n));
        }
        for n in [1, 63, 64, 65, 127, 128, 129, 200, 1024] {
            agree(hs, &[text(n), text(3)], b"header.payload");
        }
    }
}

/// A batch that does not fill its last vector: no lane is forgotten and none is made up.
#[test]
fn every_lane_of_a_batch() {
    for hs in ALL {
        for n in [1, 4, 5, 16, 17] {
            let words: Vec<Vec<u8>> = (0..n).map(|i| format!("word number {i}").into_bytes()).collect();
            agree(hs, &words, b"eyJhbGciOiJIUzI1NiJ9.e30");
        }
        // The empty key is what lanes without a word have.
        let signature = mac(hs, b"", b"text");
        for engine in Engine::ALL {
            let found = hits(*engine, hs, &[b"a".to_vec()], b"text", &signature);
            assert!(found.is_none_or(|found| found.is_empty()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn engines_agree_with_the_crates(
        words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6),
        text in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        for hs in ALL {
            agree(hs, &words, &text);
        }
    }
}
