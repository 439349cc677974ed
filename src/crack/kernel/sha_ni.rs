//! SHA-NI: the processor's own rounds of SHA-256, for several candidates in turns, so that none waits for its own result.

use super::schedule::{IV256, K256};
use std::arch::x86_64::*;

/// Candidates at a time.
pub(super) const LANES: usize = 4;

/// A hash as the instructions want it: A B E F and C D G H, the first in the highest word.
type Half = [__m128i; LANES];

/// The states that HMAC has after its key (RFC 2104 section 4).
#[derive(Clone, Copy)]
pub(super) struct State {
    inner: (Half, Half),
    outer: (Half, Half),
}

/// The states of keys, given as the words of their blocks.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) fn key(blocks: &[[u32; 16]; LANES]) -> State {
    let zero = _mm_setzero_si128();
    let (mut inner, mut outer) = ([[zero; 4]; LANES], [[zero; 4]; LANES]);
    let (inner_pad, outer_pad) = (_mm_set1_epi8(0x36), _mm_set1_epi8(0x5c));
    for ((inner, outer), block) in inner.iter_mut().zip(&mut outer).zip(blocks) {
        for ((inner, outer), words) in inner.iter_mut().zip(outer).zip(block.as_chunks::<4>().0) {
            let words = load(words);
            (*inner, *outer) = (_mm_xor_si128(words, inner_pad), _mm_xor_si128(words, outer_pad));
        }
    }
    let [a, b, c, d, e, f, g, h] = IV256;
    let start = ([load(&[f, e, b, a]); LANES], [load(&[h, g, d, c]); LANES]);
    State { inner: compress(start, inner), outer: compress(start, outer) }
}

/// A bit for each candidate whose HMAC over a text begins with the word `wanted`.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) fn matches(state: &State, schedule: &[[u32; 64]], wanted: u32) -> u32 {
    let mut inner = state.inner;
    for block in schedule {
        inner = absorb(inner, block);
    }
    // The result of the inner hash, padded to a block: 96 bytes with the key's.
    let zero = _mm_setzero_si128();
    let mut blocks = [[zero, zero, load(&[1 << 31, 0, 0, 0]), load(&[0, 0, 0, 8 * 96])]; LANES];
    for (j, block) in blocks.iter_mut().enumerate() {
        let (abef, cdgh) = (inner.0[j], inner.1[j]);
        block[0] = _mm_shuffle_epi32::<0xb1>(_mm_unpackhi_epi64(abef, cdgh));
        block[1] = _mm_shuffle_epi32::<0xb1>(_mm_unpacklo_epi64(abef, cdgh));
    }
    let (abef, _) = compress(state.outer, blocks);
    let mut mask = 0;
    for (j, abef) in abef.into_iter().enumerate() {
        mask |= u32::from(_mm_extract_epi32::<3>(abef) as u32 == wanted) << j;
    }
    mask
}

#[target_feature(enable = "sse2")]
#[inline]
fn load(words: &[u32; 4]) -> __m128i {
    let [a, b, c, d] = words.map(|word| word as i32);
    _mm_setr_epi32(a, b, c, d)
}

/// Four rounds of every candidate with words `$w`, which have their constants in `$k`, then the next four words.
macro_rules! four {
    ($abef:ident $cdgh:ident $k:expr, $w:ident $a:literal $b:literal $c:literal $d:literal $extend:literal) => {
        for j in 0..LANES {
            let wk = _mm_add_epi32($w[j][$a], $k);
            $cdgh[j] = _mm_sha256rnds2_epu32($cdgh[j], $abef[j], wk);
            $abef[j] = _mm_sha256rnds2_epu32($abef[j], $cdgh[j], _mm_shuffle_epi32::<0x0e>(wk));
            if $extend {
                let middle = _mm_alignr_epi8::<4>($w[j][$d], $w[j][$c]);
                let sum = _mm_add_epi32(_mm_sha256msg1_epu32($w[j][$a], $w[j][$b]), middle);
                $w[j][$a] = _mm_sha256msg2_epu32(sum, $w[j][$d]);
            }
        }
    };
}

/// Blocks that differ from candidate to candidate.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn compress(state: (Half, Half), blocks: [[__m128i; 4]; LANES]) -> (Half, Half) {
    let (mut abef, mut cdgh) = state;
    let mut w = blocks;
    let k = K256.as_chunks::<16>().0;
    let [first @ .., last] = k else { return state };
    for k in first {
        let k = k.as_chunks::<4>().0;
        four!(abef cdgh load(&k[0]), w 0 1 2 3 true);
        four!(abef cdgh load(&k[1]), w 1 2 3 0 true);
        four!(abef cdgh load(&k[2]), w 2 3 0 1 true);
        four!(abef cdgh load(&k[3]), w 3 0 1 2 true);
    }
    let k = last.as_chunks::<4>().0;
    four!(abef cdgh load(&k[0]), w 0 1 2 3 false);
    four!(abef cdgh load(&k[1]), w 1 2 3 0 false);
    four!(abef cdgh load(&k[2]), w 2 3 0 1 false);
    four!(abef cdgh load(&k[3]), w 3 0 1 2 false);
    sum(state, (abef, cdgh))
}

/// A block that all candidates have in common.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn absorb(state: (Half, Half), schedule: &[u32; 64]) -> (Half, Half) {
    let (mut abef, mut cdgh) = state;
    for wk in schedule.as_chunks::<4>().0 {
        let low = load(wk);
        let high = _mm_shuffle_epi32::<0x0e>(low);
        for j in 0..LANES {
            cdgh[j] = _mm_sha256rnds2_epu32(cdgh[j], abef[j], low);
            abef[j] = _mm_sha256rnds2_epu32(abef[j], cdgh[j], high);
        }
    }
    sum(state, (abef, cdgh))
}

#[target_feature(enable = "sse2")]
#[inline]
fn sum(mut state: (Half, Half), more: (Half, Half)) -> (Half, Half) {
    for j in 0..LANES {
        state.0[j] = _mm_add_epi32(state.0[j], more.0[j]);
        state.1[j] = _mm_add_epi32(state.1[j], more.1[j]);
    }
    state
}
