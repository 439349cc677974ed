//! Points of P-256 by the hundred. A sum of two points takes an inversion, but a hundred inversions take little more than one
//! (Montgomery's trick), so many sums that are made at once cost a fifth of what they cost one by one, and with multiples
//! of a key at hand many signatures of it are verified in a fifth of the time. Nothing here is secret: how long it takes may
//! depend on values.

use super::{elliptic_curve, key, reduced, split};
use elliptic_curve::group::{Group as _, ff::BatchInverter};
use elliptic_curve::{Field, ops::Reduce, sec1::ToEncodedPoint as _, subtle::ConstantTimeEq};
use p256::{FieldBytes, FieldElement, NistP256, ProjectivePoint, Scalar, U256};
use std::sync::OnceLock;

/// Bits of a scalar that are one window: where there are a thousand signatures, more take longer to prepare than they save.
const BITS: usize = 7;
/// Windows of a scalar, and of what is carried out of its last bit.
const WINDOWS: usize = 257_usize.div_ceil(BITS);
/// The largest digit of a window; digits below zero take the negative of a point, which costs nothing.
const DIGITS: usize = 1 << (BITS - 1);

/// A point with its coordinates; none at infinity.
type Point = Option<(FieldElement, FieldElement)>;

/// The multiples of a point that every product with it is a sum of: one for each window and digit (Brickell, Gordon, McCurley
/// and Wilson 1992).
#[derive(Debug)]
pub(in crate::keys) struct Comb(Vec<Point>);

impl Comb {
    /// Those of a public key, `x` and `y`.
    pub(in crate::keys) fn of_key(point: &[u8]) -> Option<Self> {
        key::<NistP256>(point).map(Self::of)
    }

    fn of_base() -> &'static Self {
        static BASE: OnceLock<Comb> = OnceLock::new();
        BASE.get_or_init(|| Self::of(ProjectivePoint::GENERATOR))
    }

    fn of(point: ProjectivePoint) -> Self {
        let next = |point: &ProjectivePoint| Some((0..BITS).fold(*point, |point, _| point.double()));
        let windows = std::iter::successors(Some(point), next).take(WINDOWS);
        Self(multiples(&windows.map(coordinates).collect::<Vec<_>>(), DIGITS))
    }

    fn at(&self, window: usize, digit: i16) -> Point {
        let multiple = usize::from(digit.unsigned_abs()).checked_sub(1)?;
        let (x, y) = (*self.0.get(window * DIGITS + multiple)?)?;
        Some((x, if digit < 0 { -y } else { y }))
    }

    /// Which of the signatures, `r` and `s` behind the digest that they sign, the key made (FIPS 186-5 section 6.4.2).
    pub(in crate::keys) fn verifies_each(&self, signatures: &[(Vec<u8>, &[u8])]) -> Vec<bool> {
        let halves: Vec<_> = signatures.iter().map(|(_, signature)| split::<NistP256>(signature)).collect();
        let mut inverses: Vec<Scalar> =
            halves.iter().map(|halves| halves.map_or(Scalar::ONE, |(_, s)| s)).collect();
        invert_each(&mut inverses);
        let of_base = signatures.iter().zip(&inverses);
        let of_base = of_base.map(|((digest, _), inverse)| reduced::<NistP256>(digest) * inverse);
        let of_key = halves.iter().zip(&inverses);
        let of_key = of_key.map(|(halves, inverse)| halves.map_or(Scalar::ZERO, |(r, _)| r * inverse));
        let mut nonces: Vec<Point> = vec![None; signatures.len()];
        Self::of_base().add_products(&mut nonces, of_base);
        self.add_products(&mut nonces, of_key);
        let is_of = |(nonce, halves): (Point, Option<(Scalar, Scalar)>)| {
            let (Some((x, _)), Some((r, _))) = (nonce, halves) else { return false };
            <Scalar as Reduce<U256>>::reduce_bytes(&x.to_bytes()) == r
        };
        nonces.into_iter().zip(halves).map(is_of).collect()
    }

    /// Adds to each point the product of a factor and the point of the comb.
    fn add_products(&self, points: &mut [Point], factors: impl Iterator<Item = Scalar>) {
        let factors: Vec<[i16; WINDOWS]> = factors.map(|factor| digits(&factor)).collect();
        (0..WINDOWS).for_each(|window| add_each(points, |at| self.at(window, factors[at][window])));
    }
}

/// Digits of a scalar, each above `-DIGITS` and up to `DIGITS`, the lowest first.
fn digits(factor: &Scalar) -> [i16; WINDOWS] {
    let bytes = factor.to_bytes();
    let byte = |at: usize| bytes.iter().rev().nth(at).map_or(0, |byte| u32::from(*byte));
    let mut carry = 0;
    std::array::from_fn(|window| {
        let (at, shift) = (window * BITS / 8, window * BITS % 8);
        let bits = (byte(at) | byte(at + 1) << 8) >> shift & ((1 << BITS) - 1);
        let digit = bits as i16 + carry;
        carry = i16::from(digit > DIGITS as i16);
        digit - (carry << BITS)
    })
}

/// The x-coordinates of `start`, `start + step`, `start + 2 step` and so on, `count` of them.
pub(super) fn progression(
    start: ProjectivePoint,
    step: ProjectivePoint,
    count: usize,
) -> Vec<Option<FieldBytes>> {
    let start = coordinates(start);
    let mut points = vec![None];
    points.extend(multiples(&[coordinates(step)], count.saturating_sub(1)));
    points.truncate(count);
    add_each(&mut points, |_| start);
    points.into_iter().map(|point| Some(point?.0.to_bytes())).collect()
}

fn coordinates(point: ProjectivePoint) -> Point {
    let encoded = point.to_affine().to_encoded_point(false);
    let field = |bytes: &FieldBytes| Option::from(FieldElement::from_bytes(bytes));
    Some((field(encoded.x()?)?, field(encoded.y()?)?))
}

/// The first `count` multiples of each point, one point after the other.
fn multiples(points: &[Point], count: usize) -> Vec<Point> {
    let mut all = vec![None; points.len() * count];
    for (multiples, point) in all.chunks_mut(count.max(1)).zip(points) {
        multiples[0] = *point;
    }
    let mut known = 1;
    while known < count {
        let more = known.min(count - known);
        // Those that are known and the last of them.
        let mut sums: Vec<Point> =
            all.chunks(count).flat_map(|multiples| &multiples[..more]).copied().collect();
        add_each(&mut sums, |at| all[at / more * count + known - 1]);
        for (multiples, sums) in all.chunks_mut(count).zip(sums.chunks(more)) {
            multiples[known..known + more].copy_from_slice(sums);
        }
        known += more;
    }
    all
}

/// Adds to each point its addend.
fn add_each(points: &mut [Point], addend: impl Fn(usize) -> Point) {
    let below = |(at, point): (usize, &Point)| match (point, addend(at)) {
        (Some((x, y)), Some((with, _))) if *x == with => *y + y,
        (Some((x, _)), Some((with, _))) => with - x,
        _ => FieldElement::ONE,
    };
    let mut inverses: Vec<FieldElement> = points.iter().enumerate().map(below).collect();
    invert_each(&mut inverses);
    for ((at, point), inverse) in points.iter_mut().enumerate().zip(&inverses) {
        *point = match (*point, addend(at)) {
            (None, other) | (other, None) => other,
            (Some(one), Some(other)) => sum(one, other, inverse),
        };
    }
}

/// The sum of two points (SEC 1 section 2.2.1), of which the denominator of the slope was inverted.
fn sum(
    (x, y): (FieldElement, FieldElement),
    (with, height): (FieldElement, FieldElement),
    inverse: &FieldElement,
) -> Point {
    let above = if x != with {
        height - y
    } else if y == height {
        // The curve's a is -3.
        let less = x.square() - FieldElement::ONE;
        less + less + less
    } else {
        return None;
    };
    let slope = above * inverse;
    let third = slope.square() - x - with;
    Some((third, slope * (x - third) - y))
}

fn invert_each<F: Field + ConstantTimeEq>(numbers: &mut [F]) {
    let mut room = vec![F::ZERO; numbers.len()];
    BatchInverter::invert_with_external_scratch(numbers, &mut room);
}

#[cfg(test)]
mod tests {
    use super::super::{Curve, public, tests::sign_with};
    use super::*;
    use p256::elliptic_curve::PrimeField as _;

    const BASE: ProjectivePoint = ProjectivePoint::GENERATOR;

    fn scalar(text: &str) -> Scalar {
        reduced::<NistP256>(&Curve::P256.digest(text.as_bytes()))
    }

    #[test]
    fn a_batch_says_what_each_signature_says_alone() {
        let private = scalar("private");
        let key = public::<NistP256>(&private.to_repr()).unwrap();
        let comb = Comb::of_key(&key).unwrap();
        let inputs: Vec<String> = (0..100).map(|number| format!("input {number}")).collect();
        let mut signatures: Vec<Vec<u8>> = inputs
            .iter()
            .map(|input| {
                sign_with::<NistP256>(
                    &Curve::P256.digest(input.as_bytes()),
                    private,
                    scalar(&format!("{input}!")),
                )
            })
            .collect();
        for (at, signature) in signatures.iter_mut().enumerate() {
            match at % 10 {
                // A bit more or less, another key, `r` or `s` that are no numbers of 1..n, another length.
                1 => signature[at % 64] ^= 1 << (at % 8),
                2 => {
                    *signature = sign_with::<NistP256>(
                        &Curve::P256.digest(inputs[at].as_bytes()),
                        scalar("other"),
                        scalar("n"),
                    )
                }
                3 => signature[..32].fill(0),
                4 => signature[32..].fill(0),
                5 => signature[..32].fill(0xff),
                6 => signature.truncate(at % 64),
                _ => {}
            }
        }
        let signed: Vec<_> = inputs
            .iter()
            .zip(&signatures)
            .map(|(input, signature)| (Curve::P256.digest(input.as_bytes()), &signature[..]))
            .collect();
        let verified = comb.verifies_each(&signed);
        let alone = inputs.iter().zip(&signatures);
        let alone: Vec<bool> =
            alone.map(|(input, signature)| Curve::P256.verifies(&key, input.as_bytes(), signature)).collect();
        assert_eq!(verified, alone);
        assert_eq!(verified.iter().filter(|verified| **verified).count(), 40);
    }

    /// Sums on the way to a nonce that are of equal points or of opposite ones, and a nonce that is none.
    #[test]
    fn digests_and_keys_that_lead_to_odd_sums_verify_alike() {
        let one = Scalar::ONE.to_repr();
        for private in [Scalar::ONE, -Scalar::ONE, Scalar::from(2_u64), Scalar::from(256_u64)] {
            let key = public::<NistP256>(&private.to_repr()).unwrap();
            let comb = Comb::of_key(&key).unwrap();
            let digests = [[0; 32], one.into(), (-Scalar::ONE).to_repr().into(), [0xff; 32]];
            for digest in digests {
                let own = sign_with::<NistP256>(&digest, private, scalar("nonce"));
                // u1 and u2 are the digest and `r` if `s` is one.
                let equal = [reduced::<NistP256>(&digest).to_repr(), one].concat();
                let alone = |signature: &[u8]| super::super::verifies::<NistP256>(&key, &digest, signature);
                for signature in [own, equal] {
                    let verified = comb.verifies_each(&[(digest.to_vec(), &signature)]);
                    assert_eq!(verified, [alone(&signature) == Some(true)], "{private:?} {digest:?}");
                }
            }
        }
    }

    #[test]
    fn multiples_and_progressions_are_those_of_the_library() {
        let x = |point: ProjectivePoint| coordinates(point).map(|(x, _)| x.to_bytes());
        let (start, step) = (BASE * Scalar::from(7_u64), -BASE);
        for count in [0, 1, 2, 3, 7, 8, 9, 20] {
            let expected: Vec<_> =
                (0..count as u64).map(|number| x(start + step * Scalar::from(number))).collect();
            assert_eq!(progression(start, step, count), expected);
            let both = multiples(&[coordinates(start), coordinates(step)], count);
            let expected = [start, step].into_iter().flat_map(|point| {
                (1..=count as u64).map(move |number| coordinates(point * Scalar::from(number)))
            });
            assert_eq!(both, expected.collect::<Vec<_>>());
        }
    }
}
