//! AVX-512: sixteen lanes of SHA-256, eight of SHA-512, with rotations and any function of three bits as one instruction.

use super::lanes::{extend, lanes, round, sixteen};
use std::arch::x86_64::*;

/// The table of `vpternlogd` for a function of three bits: its value where the bits are those of `F0`, `CC`, `AA`.
const fn table(f: u8) -> i32 {
    f as i32
}
const XOR3: i32 = table(0xf0 ^ 0xcc ^ 0xaa);
const CH: i32 = table((0xf0 & 0xcc) | (!0xf0 & 0xaa));
const MAJ: i32 = table((0xf0 & 0xcc) | (0xf0 & 0xaa) | (0xcc & 0xaa));

macro_rules! op {
    ($name:ident($($arg:ident),*) $body:expr) => {
        #[target_feature(enable = "avx512f")]
        #[inline]
        fn $name($($arg: __m512i),*) -> __m512i {
            $body
        }
    };
}

op!(xor(a, b) _mm512_xor_si512(a, b));
op!(xor3(a, b, c) _mm512_ternarylogic_epi64::<XOR3>(a, b, c));
op!(ch(e, f, g) _mm512_ternarylogic_epi64::<CH>(e, f, g));
op!(maj(a, b, c) _mm512_ternarylogic_epi64::<MAJ>(a, b, c));

/// Lanes of SHA-256.
pub(super) mod sha256 {
    use super::super::schedule::K256;
    use super::*;

    op!(add(a, b) _mm512_add_epi32(a, b));
    op!(big0(x) xor3(_mm512_ror_epi32::<2>(x), _mm512_ror_epi32::<13>(x), _mm512_ror_epi32::<22>(x)));
    op!(big1(x) xor3(_mm512_ror_epi32::<6>(x), _mm512_ror_epi32::<11>(x), _mm512_ror_epi32::<25>(x)));
    op!(small0(x) xor3(_mm512_ror_epi32::<7>(x), _mm512_ror_epi32::<18>(x), _mm512_srli_epi32::<3>(x)));
    op!(small1(x) xor3(_mm512_ror_epi32::<17>(x), _mm512_ror_epi32::<19>(x), _mm512_srli_epi32::<10>(x)));

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn splat(word: u32) -> __m512i {
        _mm512_set1_epi32(word as i32)
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn set(words: &[u32; 16]) -> __m512i {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = words.map(|word| word as i32);
        _mm512_setr_epi32(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn equal(a: __m512i, b: __m512i) -> u32 {
        u32::from(_mm512_cmpeq_epi32_mask(a, b))
    }

    lanes!("avx512f", __m512i, u32, 16, 64, K256);
}

/// Lanes of SHA-512 and SHA-384.
pub(super) mod sha512 {
    use super::super::schedule::K512;
    use super::*;

    op!(add(a, b) _mm512_add_epi64(a, b));
    op!(big0(x) xor3(_mm512_ror_epi64::<28>(x), _mm512_ror_epi64::<34>(x), _mm512_ror_epi64::<39>(x)));
    op!(big1(x) xor3(_mm512_ror_epi64::<14>(x), _mm512_ror_epi64::<18>(x), _mm512_ror_epi64::<41>(x)));
    op!(small0(x) xor3(_mm512_ror_epi64::<1>(x), _mm512_ror_epi64::<8>(x), _mm512_srli_epi64::<7>(x)));
    op!(small1(x) xor3(_mm512_ror_epi64::<19>(x), _mm512_ror_epi64::<61>(x), _mm512_srli_epi64::<6>(x)));

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn splat(word: u64) -> __m512i {
        _mm512_set1_epi64(word as i64)
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn set(words: &[u64; 8]) -> __m512i {
        let [a, b, c, d, e, f, g, h] = words.map(|word| word as i64);
        _mm512_setr_epi64(a, b, c, d, e, f, g, h)
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn equal(a: __m512i, b: __m512i) -> u32 {
        u32::from(_mm512_cmpeq_epi64_mask(a, b))
    }

    lanes!("avx512f", __m512i, u64, 8, 80, K512);
}
