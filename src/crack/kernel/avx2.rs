//! AVX2: eight lanes of SHA-256, four of SHA-512. It has no rotation: two shifts and an XOR make one.

use super::lanes::{extend, lanes, round, sixteen};
use std::arch::x86_64::*;

macro_rules! op {
    ($(#[$doc:meta])* $name:ident($($arg:ident),*) $body:expr) => {
        $(#[$doc])*
        #[target_feature(enable = "avx2")]
        #[inline]
        fn $name($($arg: __m256i),*) -> __m256i {
            $body
        }
    };
}

op!(xor(a, b) _mm256_xor_si256(a, b));
op!(xor3(a, b, c) xor(xor(a, b), c));
op!(ch(e, f, g) xor(g, _mm256_and_si256(e, xor(f, g))));
// Of two rounds that follow each other, the XOR of `b` and `c` is that of `a` and `b` before: the compiler makes it once.
op!(maj(a, b, c) xor(b, _mm256_and_si256(xor(a, b), xor(b, c))));

/// Lanes of SHA-256.
pub(super) mod sha256 {
    use super::super::schedule::K256;
    use super::*;

    macro_rules! ror {
        ($x:expr, $n:literal) => {
            xor(_mm256_srli_epi32::<$n>($x), _mm256_slli_epi32::<{ 32 - $n }>($x))
        };
    }

    op!(add(a, b) _mm256_add_epi32(a, b));
    op!(big0(x) xor3(ror!(x, 2), ror!(x, 13), ror!(x, 22)));
    op!(big1(x) xor3(ror!(x, 6), ror!(x, 11), ror!(x, 25)));
    op!(small0(x) xor3(ror!(x, 7), ror!(x, 18), _mm256_srli_epi32::<3>(x)));
    op!(small1(x) xor3(ror!(x, 17), ror!(x, 19), _mm256_srli_epi32::<10>(x)));

    #[target_feature(enable = "avx2")]
    #[inline]
    fn splat(word: u32) -> __m256i {
        _mm256_set1_epi32(word as i32)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn set(words: &[u32; 8]) -> __m256i {
        let [a, b, c, d, e, f, g, h] = words.map(|word| word as i32);
        _mm256_setr_epi32(a, b, c, d, e, f, g, h)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn equal(a: __m256i, b: __m256i) -> u32 {
        _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b))) as u32
    }

    lanes!("avx2", __m256i, u32, 8, 64, K256);
}

/// Lanes of SHA-512 and SHA-384.
pub(super) mod sha512 {
    use super::super::schedule::K512;
    use super::*;

    macro_rules! ror {
        ($x:expr, $n:literal) => {
            xor(_mm256_srli_epi64::<$n>($x), _mm256_slli_epi64::<{ 64 - $n }>($x))
        };
    }

    op!(add(a, b) _mm256_add_epi64(a, b));
    // A rotation by a byte is one shuffle.
    op!(ror8(x) _mm256_shuffle_epi8(x, _mm256_set_epi64x(
        0x080f_0e0d_0c0b_0a09, 0x0007_0605_0403_0201, 0x080f_0e0d_0c0b_0a09, 0x0007_0605_0403_0201,
    )));
    op!(big0(x) xor3(ror!(x, 28), ror!(x, 34), ror!(x, 39)));
    op!(big1(x) xor3(ror!(x, 14), ror!(x, 18), ror!(x, 41)));
    op!(small0(x) xor3(ror!(x, 1), ror8(x), _mm256_srli_epi64::<7>(x)));
    op!(small1(x) xor3(ror!(x, 19), ror!(x, 61), _mm256_srli_epi64::<6>(x)));

    #[target_feature(enable = "avx2")]
    #[inline]
    fn splat(word: u64) -> __m256i {
        _mm256_set1_epi64x(word as i64)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn set(words: &[u64; 4]) -> __m256i {
        let [a, b, c, d] = words.map(|word| word as i64);
        _mm256_setr_epi64x(a, b, c, d)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn equal(a: __m256i, b: __m256i) -> u32 {
        _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(a, b))) as u32
    }

    lanes!("avx2", __m256i, u64, 4, 80, K512);
}
