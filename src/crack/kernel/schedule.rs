//! SHA-2 (FIPS 180-4) as far as all candidates have it in common: constants, and the message schedule of a signing input.
//!
//! Behind the key's block, HMAC (RFC 2104) hashes the same blocks for every candidate. Their schedule is worked out once,
//! with the round constants added, so that each candidate pays for the rounds alone.

/// First words of the fractional parts of the square roots of the first primes.
pub(super) const IV256: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
pub(super) const IV384: [u64; 8] = [
    0xcbbb_9d5d_c105_9ed8,
    0x629a_292a_367c_d507,
    0x9159_015a_3070_dd17,
    0x152f_ecd8_f70e_5939,
    0x6733_2667_ffc0_0b31,
    0x8eb4_4a87_6858_1511,
    0xdb0c_2e0d_64f9_8fa7,
    0x47b5_481d_befa_4fa4,
];
pub(super) const IV512: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// First words of the fractional parts of the cube roots of the first eighty primes.
pub(super) const K512: [u64; 80] = cube_roots();
/// The upper halves of the first sixty-four.
pub(super) const K256: [u32; 64] = halves();

const fn halves() -> [u32; 64] {
    let mut out = [0; 64];
    let mut i = 0;
    while i < 64 {
        out[i] = (K512[i] >> 32) as u32;
        i += 1;
    }
    out
}

/// Works the constants out instead of listing them: `frac(cbrt(p)) * 2^64`, digit by digit.
const fn cube_roots() -> [u64; 80] {
    let mut out = [0; 80];
    let (mut found, mut candidate) = (0, 2_u64);
    while found < 80 {
        if is_prime(candidate) {
            out[found] = cube_root_fraction(candidate);
            found += 1;
        }
        candidate += 1;
    }
    out
}

const fn is_prime(n: u64) -> bool {
    let mut d = 2;
    while d * d <= n {
        if n.is_multiple_of(d) {
            return false;
        }
        d += 1;
    }
    true
}

/// The largest `x < 2^67` with `x^3 <= n * 2^192` is the cube root of `n` with 64 binary digits behind the point.
const fn cube_root_fraction(n: u64) -> u64 {
    let mut x = 0_u128;
    let mut bit = 67;
    while bit > 0 {
        bit -= 1;
        let next = x | (1 << bit);
        if cube_fits(next, n) {
            x = next;
        }
    }
    x as u64
}

/// Whether `x^3 <= n * 2^192`, in limbs of 32 bits.
const fn cube_fits(x: u128, n: u64) -> bool {
    let limbs = [x as u32 as u64, (x >> 32) as u32 as u64, (x >> 64) as u32 as u64];
    let mut product = [1_u64, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut turn = 0;
    while turn < 3 {
        let mut next = [0_u64; 10];
        let mut i = 0;
        while i < 3 {
            let mut carry = 0;
            let mut j = 0;
            while j + i < 10 {
                let sum = next[i + j] + limbs[i] * product[j] + carry;
                next[i + j] = sum & 0xffff_ffff;
                carry = sum >> 32;
                j += 1;
            }
            i += 1;
        }
        product = next;
        turn += 1;
    }
    // n * 2^192 has its limbs at 6 and 7.
    let high = product[6] | (product[7] << 32);
    let over = product[8] | product[9];
    let low = product[0] | product[1] | product[2] | product[3] | product[4] | product[5];
    over == 0 && (high < n || (high == n && low == 0))
}

macro_rules! schedule {
    ($(#[$doc:meta])* $name:ident, $word:ty, $rounds:literal, $block:literal, $k:ident,
     $small0:expr, $small1:expr, $key:ident) => {
        $(#[$doc])*
        pub(super) fn $name(text: &[u8]) -> Vec<[$word; $rounds]> {
            const BYTES: usize = size_of::<$word>();
            // The key's block comes before the text.
            let bits = ($block + text.len() as u128) * 8;
            let mut padded = text.to_vec();
            padded.push(0x80);
            while padded.len() % $block != $block - 2 * BYTES {
                padded.push(0);
            }
            padded.extend_from_slice(bits.to_be_bytes().get(16 - 2 * BYTES..).unwrap_or_default());
            padded.chunks_exact($block).map(|block| {
                let mut w = [0; $rounds];
                for (word, bytes) in w.iter_mut().zip(block.as_chunks::<BYTES>().0) {
                    *word = <$word>::from_be_bytes(*bytes);
                }
                for i in 16..$rounds {
                    w[i] = w[i - 16]
                        .wrapping_add($small0(w[i - 15]))
                        .wrapping_add(w[i - 7])
                        .wrapping_add($small1(w[i - 2]));
                }
                for (word, k) in w.iter_mut().zip($k) {
                    *word = word.wrapping_add(k);
                }
                w
            })
            .collect()
        }

        /// The words of a key's block, filled up with zeros; `key` has at most its bytes.
        pub(super) fn $key(key: &[u8]) -> [$word; 16] {
            let mut block = [0; $block];
            for (byte, of) in block.iter_mut().zip(key) {
                *byte = *of;
            }
            let mut words = [0; 16];
            for (word, bytes) in words.iter_mut().zip(block.as_chunks::<{ $block / 16 }>().0) {
                *word = <$word>::from_be_bytes(*bytes);
            }
            words
        }
    };
}

schedule!(
    /// The schedules of a text's blocks behind a key's block of SHA-256, constants added.
    schedule256, u32, 64, 64, K256,
    |x: u32| x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3),
    |x: u32| x.rotate_right(17) ^ x.rotate_right(19) ^ (x >> 10),
    key256
);
schedule!(
    /// The same of SHA-384 and SHA-512.
    schedule512, u64, 80, 128, K512,
    |x: u64| x.rotate_right(1) ^ x.rotate_right(8) ^ (x >> 7),
    |x: u64| x.rotate_right(19) ^ x.rotate_right(61) ^ (x >> 6),
    key512
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_those_of_the_standard() {
        // FIPS 180-4 sections 4.2.2 and 4.2.3.
        assert_eq!(K256[..3], [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf]);
        assert_eq!(K256[63], 0xc671_78f2);
        assert_eq!(K512[..2], [0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd]);
        assert_eq!(K512[79], 0x6c44_198c_4a47_5817);
    }
}
