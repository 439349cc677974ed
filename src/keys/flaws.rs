//! RSA moduli that can be factored: made by a broken generator (ROCA), of primes that are close or small, or that two keys
//! share. No factor is kept or told.

use num_bigint::BigUint;
use num_integer::Integer;
use std::sync::LazyLock;

/// Steps of Fermat's method: primes whose difference has at most about half their digits fall.
const FERMAT_STEPS: u32 = 1 << 14;
/// Primes below this are tried as factors.
const TRIAL_BOUND: usize = 1 << 20;
/// Bases of the probable-prime test.
const BASES: [u32; 8] = [2, 3, 5, 7, 11, 13, 17, 19];

/// Whether a modulus has the fingerprint of the generator of CVE-2017-15361 (Nemec et al., "The Return of Coppersmith's
/// Attack", 2017, section 2.2): modulo each of these primes it is a power of 65537. One of 2^27 others is, too.
pub fn is_roca(n: &[u8]) -> bool {
    const PRIMES: [u64; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
        103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    let n = BigUint::from_bytes_be(n);
    n.bits() >= 512
        && PRIMES.iter().all(|p| {
            let residue = modulo(&n, *p);
            std::iter::successors(Some(1), |power| Some(power * 65537 % p).filter(|power| *power != 1))
                .any(|power| power == residue)
        })
}

/// Why a modulus is factored at once, in words; `None` if it is not.
pub fn trivial(n: &[u8]) -> Option<&'static str> {
    let n = BigUint::from_bytes_be(n);
    if n.bits() < 16 {
        return Some("it is tiny");
    }
    if n.is_even() {
        return Some("it is even");
    }
    if SMALL_PRIMES.iter().any(|group| BigUint::from(*group).gcd(&BigUint::from(modulo(&n, *group))) > one())
    {
        return Some("it has a factor below 2^20");
    }
    if [2_u32, 3, 5, 7].iter().any(|k| n.nth_root(*k).pow(*k) == n) {
        return Some("it is a power");
    }
    if is_probably_prime(&n) {
        return Some("it is prime itself");
    }
    has_close_primes(&n).then_some("its primes are close to each other")
}

/// For each modulus another one that it shares a prime with, by number; equal moduli do not count. A product tree and a
/// remainder tree (Bernstein, "How to find smooth parts of integers", 2004; Heninger et al., "Mining your Ps and Qs", 2012).
pub fn shared_primes(moduli: &[&[u8]]) -> Vec<Option<usize>> {
    let numbers: Vec<BigUint> = moduli.iter().map(|n| BigUint::from_bytes_be(n)).collect();
    let mut levels = vec![numbers.clone()];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        let next = level.chunks(2).map(|pair| pair.iter().product()).collect();
        levels.push(next);
    }
    let mut remainders = levels.pop().unwrap_or_default();
    while let Some(level) = levels.pop() {
        let from = |at: usize| remainders.get(at / 2).cloned().unwrap_or_default();
        remainders = level.iter().enumerate().map(|(at, n)| from(at) % (n * n)).collect();
    }
    let suspects: Vec<usize> = numbers
        .iter()
        .zip(&remainders)
        .enumerate()
        .filter(|(_, (n, rest))| n.bits() > 1 && (*rest / *n).gcd(n) > one())
        .map(|(at, _)| at)
        .collect();
    let mut shared = vec![None; numbers.len()];
    for &at in &suspects {
        let other = suspects
            .iter()
            .copied()
            .find(|&other| numbers[at] != numbers[other] && numbers[at].gcd(&numbers[other]) > one());
        shared[at] = other;
    }
    shared
}

/// The odd primes below the bound, multiplied in groups as large as 64 bits hold.
static SMALL_PRIMES: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut composite = vec![false; TRIAL_BOUND];
    let (mut groups, mut group) = (Vec::new(), 1_u64);
    for n in (3..TRIAL_BOUND).step_by(2) {
        if composite[n] {
            continue;
        }
        (n * n..TRIAL_BOUND).step_by(2 * n).for_each(|multiple| composite[multiple] = true);
        match group.checked_mul(n as u64) {
            Some(product) => group = product,
            None => groups.push(std::mem::replace(&mut group, n as u64)),
        }
    }
    groups.push(group);
    groups
});

fn one() -> BigUint {
    BigUint::from(1_u8)
}

fn modulo(n: &BigUint, by: u64) -> u64 {
    (n % by).iter_u64_digits().next().unwrap_or(0)
}

/// Miller and Rabin's test with fixed bases: composite numbers that pass are rare and would have to be made for it.
fn is_probably_prime(n: &BigUint) -> bool {
    let less = n - 1_u8;
    let zeros = less.trailing_zeros().unwrap_or(0);
    let odd = &less >> zeros;
    BASES.iter().all(|base| {
        let mut power = BigUint::from(*base).modpow(&odd, n);
        if power == one() || power == less {
            return true;
        }
        for _ in 1..zeros {
            power = &power * &power % n;
            if power == less {
                return true;
            }
        }
        false
    })
}

/// Fermat's method: n = a² - b² with a next to the root of n.
fn has_close_primes(n: &BigUint) -> bool {
    let root = n.sqrt();
    let a = if &root * &root == *n { root } else { root + 1_u8 };
    let mut square = &a * &a - n;
    // (a + 1)² is a² and the next odd number.
    let mut odd = (a << 1_u32) + 1_u8;
    for _ in 0..FERMAT_STEPS {
        if is_square(&square) {
            return true;
        }
        square += &odd;
        odd += 2_u8;
    }
    false
}

fn is_square(n: &BigUint) -> bool {
    // Squares are 0, 1, 4, 9, 16, 17, 25, 33, 36, 41, 49 or 57 modulo 64.
    const MODULO_64: u64 = 0x0202_0212_0203_0213;
    let low = n.iter_u64_digits().next().unwrap_or(0) % 64;
    if MODULO_64 >> low & 1 == 0 {
        return false;
    }
    // And half of all residues of each other prime are no squares: products below 2^64 of some of them sieve the rest.
    const ODD: u64 = 11 * 13 * 17 * 19 * 23 * 29 * 31 * 37 * 41 * 43 * 47;
    let residue = modulo(n, ODD);
    let is_residue = |p: u64| (0..p).any(|x| x * x % p == residue % p);
    if ![11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47].into_iter().all(is_residue) {
        return false;
    }
    let root = n.sqrt();
    &root * &root == *n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> BigUint {
        text.parse().unwrap()
    }

    /// A prime of 256 bits: 2^255 - 19, and its like near 2^256.
    fn primes() -> [BigUint; 3] {
        let power = |n: u32| one() << n;
        [power(255) - 19_u8, power(256) - 189_u8, power(224) - 63_u8]
    }

    #[test]
    fn primes_are_told_from_composites() {
        for prime in primes() {
            assert!(is_probably_prime(&prime), "{prime}");
            assert_eq!(trivial(&prime.to_bytes_be()), Some("it is prime itself"));
            assert_eq!(trivial(&(&prime * &prime).to_bytes_be()), Some("it is a power"));
        }
        let [a, b, c] = primes();
        // 561 and 3215031751 are pseudoprimes to some of the bases.
        for n in [&a * &b, &a * &c, number("561"), number("3215031751")] {
            assert!(!is_probably_prime(&n), "{n}");
        }
        assert_eq!(trivial(&(&a * &c).to_bytes_be()), None);
        assert_eq!(trivial(&(&a * 1_048_573_u32).to_bytes_be()), Some("it has a factor below 2^20"));
        assert_eq!(trivial(&(&a * 1_048_583_u32).to_bytes_be()), None);
        assert_eq!(trivial(&(a.clone() << 1_u32).to_bytes_be()), Some("it is even"));
    }

    #[test]
    fn close_primes_fall() {
        // The next prime behind 2^255 - 19 is 2^255 + 95.
        let n: BigUint = &primes()[0] * ((one() << 255_u32) + 95_u8);
        assert_eq!(trivial(&n.to_bytes_be()), Some("its primes are close to each other"));
        for root in [0_u32, 1, 12, 99, 4096, 65_537] {
            assert!(is_square(&BigUint::from(u64::from(root) * u64::from(root))));
        }
        assert!(!is_square(&number("340282366920938463463374607431768211455")));
    }

    #[test]
    fn a_power_of_65537_has_the_fingerprint() {
        let primorial: BigUint = (2..=167_u32).filter(|n| (2..*n).all(|d| n % d != 0)).product();
        let power = BigUint::from(65_537_u32).modpow(&BigUint::from(1234_u32), &primorial);
        let n: BigUint = power + &primorial * (one() << 300_u32);
        assert!(n.bits() > 512 && is_roca(&n.to_bytes_be()));
        assert!(!is_roca(&(&n + 2_u8).to_bytes_be()));
        let [a, b, _] = primes();
        assert!(!is_roca(&(((a * b) << 8_u32) | one()).to_bytes_be()));
    }

    #[test]
    fn shared_primes_are_found_in_any_company() {
        let [a, b, c] = primes();
        let d: BigUint = (one() << 521_u32) - 1_u8;
        let e: BigUint = (one() << 127_u32) - 1_u8;
        let bytes = [&a * &b, &c * &d, &a * &d, &e * &e, &c * &d].map(|n| n.to_bytes_be());
        let moduli: Vec<&[u8]> = bytes.iter().map(|n| &n[..]).collect();
        assert_eq!(shared_primes(&moduli), [Some(2), Some(2), Some(0), None, Some(2)]);
        assert_eq!(shared_primes(&moduli[..2]), [None, None]);
        assert_eq!(shared_primes(&[&moduli[1], &moduli[4]].map(|n| *n)), [None, None], "one key, twice");
        assert_eq!(shared_primes(&[]), Vec::<Option<usize>>::new());
    }
}
