//! The curves of ECDSA (SEC 1, FIPS 186-5), and what a signature says of its key: it verifies or not, it leads back to
//! the keys that may have made it, and two with one nonce give the private key away.

use elliptic_curve::{
    CurveArithmetic, Field, FieldBytes, PrimeCurve, PrimeField,
    group::{Curve as _, Group as _},
    ops::{LinearCombination, Reduce},
    point::DecompressPoint,
    sec1::{EncodedPoint, FromEncodedPoint, ModulusSize, ToEncodedPoint},
    subtle::Choice,
};
use foldhash::HashMap;
use p256::elliptic_curve;
use sha2::{Digest, Sha256, Sha384, Sha512};

mod many;

pub(super) use many::Comb;

/// A curve that tokens are signed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// secp256k1 (RFC 8812).
    K256,
}

impl Curve {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::P256, Self::P384, Self::P521, Self::K256];

    /// Its name in a JWK (RFC 7518 section 6.2.1.1, RFC 8812 section 3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::K256 => "secp256k1",
        }
    }

    /// Bytes of a coordinate, and of `r` and `s`.
    pub const fn size(self) -> usize {
        match self {
            Self::P256 | Self::K256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The curve of a JWK.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.as_str() == name)
    }

    /// The curve of an algorithm (RFC 7518 section 3.4, RFC 8812 section 3.2).
    pub fn of_alg(alg: &str) -> Option<Self> {
        Some(match alg {
            "ES256" => Self::P256,
            "ES384" => Self::P384,
            "ES512" => Self::P521,
            "ES256K" => Self::K256,
            _ => return None,
        })
    }

    /// The digest of a signing input that is signed on it.
    pub fn digest(self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::P256 | Self::K256 => Sha256::digest(input).to_vec(),
            Self::P384 => Sha384::digest(input).to_vec(),
            Self::P521 => Sha512::digest(input).to_vec(),
        }
    }
}

/// Calls a function for the curve at hand.
macro_rules! on {
    ($curve:expr, $function:ident($($argument:expr),*)) => {
        match $curve {
            Curve::P256 => $function::<p256::NistP256>($($argument),*),
            Curve::P384 => $function::<p384::NistP384>($($argument),*),
            Curve::P521 => $function::<p521::NistP521>($($argument),*),
            Curve::K256 => $function::<k256::Secp256k1>($($argument),*),
        }
    };
}

impl Curve {
    /// The point (`x` and `y`, each of full length) that a text of SEC 1 section 2.3.3 stands for, compressed or not.
    /// `None` if it is none of the curve.
    pub fn point(self, sec1: &[u8]) -> Option<Box<[u8]>> {
        on!(self, point(sec1))
    }

    /// Whether `r` and `s` (one after the other) are a signature of `input` by the key `point`.
    pub fn verifies(self, point: &[u8], input: &[u8], signature: &[u8]) -> bool {
        on!(self, verifies(point, &self.digest(input), signature)).unwrap_or(false)
    }

    /// The public key of a private one, a scalar of full length; `None` for one that is out of range.
    pub fn public(self, scalar: &[u8]) -> Option<Box<[u8]>> {
        on!(self, public(scalar))
    }

    /// The x-coordinate that a private key has in common with the public key `point` (SEC 1 section 3.3.1).
    pub fn agree(self, scalar: &[u8], point: &[u8]) -> Option<Box<[u8]>> {
        on!(self, agree(scalar, point))
    }

    /// The keys that may have made a signature of `input` (SEC 1 section 4.1.6); none for what is no signature. Those
    /// whose nonce has an x-coordinate beyond the order, one of 2^128 on P-256, are left out.
    pub fn recover(self, input: &[u8], signature: &[u8]) -> Vec<Box<[u8]>> {
        on!(self, recover(&self.digest(input), signature))
    }

    /// Whether `r` and `s` are in 1..n, as they must be; `None` if the length is not theirs.
    pub fn in_range(self, signature: &[u8]) -> Option<bool> {
        (signature.len() == 2 * self.size()).then(|| on!(self, halves(signature)))
    }

    /// The signature with the smaller one of `s` and `n - s`: of two that verify alike it is the same. `None` for what
    /// is no signature.
    pub fn canonical(self, signature: &[u8]) -> Option<Vec<u8>> {
        on!(self, canonical(signature))
    }

    /// The key whose private part two signatures with one `r` give away, made over inputs with different digests. It is
    /// proved: the nonce that follows from them is the one of `r`, and the private key that follows from that signs as
    /// both do. The private key itself does not leave this function.
    pub fn reused_nonce(self, first: (&[u8], &[u8]), second: (&[u8], &[u8])) -> Option<Box<[u8]>> {
        on!(self, reused_nonce(first, second))
    }

    /// The key whose private part a signature of `input` gives away, because its nonce is small, or next to `guess`:
    /// one of 1 to 2^16, or within 256 of it. To be proved by the key itself or by another signature of it: everyone
    /// can make one such signature for some key.
    pub fn guessed_nonce(
        self,
        table: &Nonces,
        input: &[u8],
        signature: &[u8],
        guess: u64,
    ) -> Option<Box<[u8]>> {
        on!(self, guessed_nonce(table, &self.digest(input), signature, guess))
    }
}

/// Nonces that a step of the search covers, on either side.
const STEP: u64 = 256;
/// The largest nonce that is found.
const SMALL: u64 = 1 << 16;

/// The x-coordinates of the first multiples of a curve's base point, by which a near one is known.
#[derive(Debug)]
pub struct Nonces(HashMap<Box<[u8]>, u64>);

impl Nonces {
    /// Those of a curve.
    pub fn of(curve: Curve) -> Self {
        Self(on!(curve, multiples()))
    }
}

/// A curve as the functions here need it.
trait Group:
    PrimeCurve
    + CurveArithmetic<
        FieldBytesSize: ModulusSize,
        AffinePoint: DecompressPoint<Self> + FromEncodedPoint<Self> + ToEncodedPoint<Self>,
    >
{
    /// The x-coordinates of `start`, `start + step`, `start + 2 step` and so on, `count` of them; none for infinity.
    fn progression(
        start: Self::ProjectivePoint,
        step: Self::ProjectivePoint,
        count: usize,
    ) -> Vec<Option<FieldBytes<Self>>> {
        let points = std::iter::successors(Some(start), |point| Some(*point + step)).take(count);
        points.map(|point| point.to_affine().to_encoded_point(false).x().cloned()).collect()
    }
}

impl Group for p256::NistP256 {
    fn progression(
        start: Self::ProjectivePoint,
        step: Self::ProjectivePoint,
        count: usize,
    ) -> Vec<Option<FieldBytes<Self>>> {
        many::progression(start, step, count)
    }
}

impl Group for p384::NistP384 {}
impl Group for p521::NistP521 {}
impl Group for k256::Secp256k1 {}

/// Bytes of a number that has full length.
fn field<C: Group>(bytes: &[u8]) -> Option<FieldBytes<C>> {
    let mut field = FieldBytes::<C>::default();
    (field.len() == bytes.len()).then(|| field.copy_from_slice(bytes))?;
    Some(field)
}

/// A number of 1..n.
fn scalar<C: Group>(bytes: &[u8]) -> Option<C::Scalar> {
    let scalar: Option<C::Scalar> = C::Scalar::from_repr(field::<C>(bytes)?).into();
    scalar.filter(|scalar| !bool::from(scalar.is_zero()))
}

fn split<C: Group>(signature: &[u8]) -> Option<(C::Scalar, C::Scalar)> {
    let size = FieldBytes::<C>::default().len();
    if signature.len() != 2 * size {
        return None;
    }
    Some((scalar::<C>(signature.get(..size)?)?, scalar::<C>(signature.get(size..)?)?))
}

fn halves<C: Group>(signature: &[u8]) -> bool {
    split::<C>(signature).is_some()
}

/// A digest as a number (FIPS 186-5 section 6.4.1): its leftmost bits, or all of it where the order is longer.
fn reduced<C: Group>(digest: &[u8]) -> C::Scalar {
    let mut bytes = FieldBytes::<C>::default();
    let size = bytes.len();
    let taken = digest.len().min(size);
    if let (Some(to), Some(from)) = (bytes.get_mut(size - taken..), digest.get(..taken)) {
        to.copy_from_slice(from);
    }
    <C::Scalar as Reduce<C::Uint>>::reduce_bytes(&bytes)
}

fn affine<C: Group>(bytes: &[u8]) -> Option<C::AffinePoint> {
    let encoded = EncodedPoint::<C>::from_bytes(bytes).ok()?;
    C::AffinePoint::from_encoded_point(&encoded).into()
}

fn key<C: Group>(point: &[u8]) -> Option<C::ProjectivePoint> {
    let mut sec1 = vec![4];
    sec1.extend(point);
    affine::<C>(&sec1).map(C::ProjectivePoint::from)
}

/// `x` and `y`; `None` for the point at infinity.
fn coordinates<C: Group>(point: &C::ProjectivePoint) -> Option<Box<[u8]>> {
    let encoded = point.to_affine().to_encoded_point(false);
    encoded.as_bytes().get(1..).filter(|xy| !xy.is_empty()).map(Into::into)
}

/// What a nonce point makes of its x-coordinate: `r`.
fn r_of<C: Group>(point: &C::ProjectivePoint) -> Option<C::Scalar> {
    let encoded = point.to_affine().to_encoded_point(false);
    Some(<C::Scalar as Reduce<C::Uint>>::reduce_bytes(encoded.x()?))
}

fn point<C: Group>(sec1: &[u8]) -> Option<Box<[u8]>> {
    coordinates::<C>(&C::ProjectivePoint::from(affine::<C>(sec1)?))
}

fn public<C: Group>(private: &[u8]) -> Option<Box<[u8]>> {
    coordinates::<C>(&(C::ProjectivePoint::generator() * scalar::<C>(private)?))
}

fn agree<C: Group>(private: &[u8], point: &[u8]) -> Option<Box<[u8]>> {
    let shared = key::<C>(point)? * scalar::<C>(private)?;
    Some(shared.to_affine().to_encoded_point(false).x()?[..].into())
}

fn verifies<C: Group>(point: &[u8], digest: &[u8], signature: &[u8]) -> Option<bool> {
    let (r, s) = split::<C>(signature)?;
    let key = key::<C>(point)?;
    let inverse: C::Scalar = Option::from(Field::invert(&s))?;
    let (a, b) = (reduced::<C>(digest) * inverse, r * inverse);
    let nonce = C::ProjectivePoint::lincomb(&C::ProjectivePoint::generator(), &a, &key, &b);
    Some(r_of::<C>(&nonce)? == r)
}

fn recover<C: Group>(digest: &[u8], signature: &[u8]) -> Vec<Box<[u8]>> {
    let Some((r, s)) = split::<C>(signature) else { return Vec::new() };
    let Some(inverse) = Option::<C::Scalar>::from(Field::invert(&r)) else { return Vec::new() };
    let (a, b) = (s * inverse, -(reduced::<C>(digest) * inverse));
    let nonce: Option<C::AffinePoint> = C::AffinePoint::decompress(&r.to_repr(), Choice::from(0)).into();
    let Some(nonce) = nonce else { return Vec::new() };
    // The other point of `r` is this one's negative.
    let (of_nonce, of_base) = (C::ProjectivePoint::from(nonce) * a, C::ProjectivePoint::generator() * b);
    [of_base + of_nonce, of_base - of_nonce].iter().filter_map(coordinates::<C>).collect()
}

fn canonical<C: Group>(signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = split::<C>(signature)?;
    let (plus, minus) = (s.to_repr(), (-s).to_repr());
    Some([&r.to_repr()[..], &plus.min(minus)[..]].concat())
}

fn reused_nonce<C: Group>(first: (&[u8], &[u8]), second: (&[u8], &[u8])) -> Option<Box<[u8]>> {
    let ((r, s), (other, t)) = (split::<C>(first.1)?, split::<C>(second.1)?);
    let (a, b) = (reduced::<C>(first.0), reduced::<C>(second.0));
    if r != other || a == b {
        return None;
    }
    // n - s is as good a signature as s: either of both may be what the nonce made.
    [t, -t].into_iter().find_map(|t| {
        let difference: Option<C::Scalar> = Field::invert(&(s - t)).into();
        let nonce = (a - b) * difference?;
        given_away::<C>(a, (r, s), nonce)
    })
}

/// The public key of the private one that follows from a nonce, if that is the nonce.
fn given_away<C: Group>(
    digest: C::Scalar,
    (r, s): (C::Scalar, C::Scalar),
    nonce: C::Scalar,
) -> Option<Box<[u8]>> {
    let base = C::ProjectivePoint::generator();
    if r_of::<C>(&(base * nonce))? != r {
        return None;
    }
    let inverse: C::Scalar = Option::from(Field::invert(&r))?;
    let private = (s * nonce - digest) * inverse;
    coordinates::<C>(&(base * private))
}

/// The nonce `k` is looked for in steps (Shanks): the point of `r` less a multiple of the base is near zero.
fn guessed_nonce<C: Group>(table: &Nonces, digest: &[u8], signature: &[u8], guess: u64) -> Option<Box<[u8]>> {
    let (r, s) = split::<C>(signature)?;
    let nonce: Option<C::AffinePoint> = C::AffinePoint::decompress(&r.to_repr(), Choice::from(0)).into();
    let nonce = C::ProjectivePoint::from(nonce?);
    let of_base = |number: u64| C::ProjectivePoint::generator() * C::Scalar::from(number);
    let (stride, guessed) = (of_base(2 * STEP), of_base(guess));
    let digest = reduced::<C>(digest);
    // Which of the two points of `r` it was is not known. Their nonces are each other's negatives: the other one less a
    // multiple has the x-coordinate of this one and the multiple.
    [(-stride, -guessed), (stride, guessed)].into_iter().find_map(|(stride, guessed)| {
        let small = C::progression(nonce, stride, (SMALL / (2 * STEP)) as usize + 1);
        let small = small.into_iter().zip((0..).step_by(2 * STEP as usize));
        let next = C::progression(nonce + guessed, stride, 1).into_iter().map(|x| (x, guess));
        small.chain(next).find_map(|(x, center)| near::<C>(table, x, center, digest, (r, s)))
    })
}

/// The key that a nonce near `center` gives away, if the difference of the two, of which this is the x-coordinate, is in
/// the table.
fn near<C: Group>(
    table: &Nonces,
    difference: Option<FieldBytes<C>>,
    center: u64,
    digest: C::Scalar,
    (r, s): (C::Scalar, C::Scalar),
) -> Option<Box<[u8]>> {
    let center = C::Scalar::from(center);
    let Some(x) = difference else { return given_away::<C>(digest, (r, s), center) };
    let offset = C::Scalar::from(*table.0.get(&x[..])?);
    [center + offset, center - offset].into_iter().find_map(|nonce| given_away::<C>(digest, (r, s), nonce))
}

fn multiples<C: Group>() -> HashMap<Box<[u8]>, u64> {
    let base = C::ProjectivePoint::generator();
    let all = C::progression(base, base, STEP as usize).into_iter().zip(1..);
    all.filter_map(|(x, number)| Some((x?[..].into(), number))).collect()
}

#[cfg(test)]
mod tests;
