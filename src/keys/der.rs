//! Public keys in DER (RFC 5280 section 4.1.2.7, RFC 8017 appendix A.1.1): read, and written as tools write them.

use super::curve::Curve;
use super::public::{Edwards, PublicKey};
use x509_parser::{
    certificate::X509Certificate, prelude::FromDer, public_key::PublicKey as Parsed,
    x509::SubjectPublicKeyInfo,
};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
const NULL: &[u8] = &[5, 0];

/// The object identifier of a curve.
const fn curve_id(curve: Curve) -> &'static [u8] {
    match curve {
        Curve::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        Curve::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
        Curve::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        Curve::K256 => &[0x2b, 0x81, 0x04, 0x00, 0x0a],
    }
}

const fn edwards_id(curve: Edwards) -> &'static [u8] {
    match curve {
        Edwards::Ed25519 => &[0x2b, 0x65, 0x70],
        Edwards::Ed448 => &[0x2b, 0x65, 0x71],
    }
}

/// The key of a `SubjectPublicKeyInfo`; `None` if it is none, or of a kind that tokens are not signed with.
pub(super) fn spki(der: &[u8]) -> Option<PublicKey> {
    let (_, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
    let id = info.algorithm.algorithm.as_bytes();
    if let Some(curve) = [Edwards::Ed25519, Edwards::Ed448].into_iter().find(|c| edwards_id(*c) == id) {
        return Some(PublicKey::edwards(curve, &info.subject_public_key.data));
    }
    match info.parsed().ok()? {
        Parsed::RSA(key) => PublicKey::rsa(key.modulus, key.exponent),
        Parsed::EC(point) => {
            let named = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
            let curve = curve_of(named.as_bytes())?;
            PublicKey::sec1(curve, point.data())
        }
        _ => None,
    }
}

/// The key of a certificate.
pub(super) fn certificate(der: &[u8]) -> Option<PublicKey> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    spki(certificate.public_key().raw)
}

/// The key of an `RSAPublicKey`.
pub(super) fn pkcs1(der: &[u8]) -> Option<PublicKey> {
    let (content, rest) = element(der, 0x30)?;
    let (n, after) = element(content, 2)?;
    let (e, end) = element(after, 2)?;
    if rest.is_empty() && end.is_empty() { PublicKey::rsa(n, e) } else { None }
}

/// A private key that is no RSA key.
pub(super) enum Private<'a> {
    /// A scalar of a curve.
    Ec(Curve, &'a [u8]),
    /// A scalar of X25519 (RFC 8410 section 7).
    X25519(&'a [u8]),
}

/// The key of a `PrivateKeyInfo` (RFC 5208 section 5) or an `ECPrivateKey` (RFC 5915 section 3) that names its curve.
pub(super) fn private(der: &[u8]) -> Option<Private<'_>> {
    let (content, _) = element(der, 0x30)?;
    let (_version, rest) = element(content, 2)?;
    let Some((algorithm, rest)) = element(rest, 0x30) else {
        // An ECPrivateKey by itself: the curve stands behind the scalar.
        let (scalar, rest) = element(rest, 4)?;
        let (named, _) = element(element(rest, 0xa0)?.0, 6)?;
        return Some(Private::Ec(curve_of(named)?, scalar));
    };
    let ((id, parameters), (inner, _)) = (element(algorithm, 6)?, element(rest, 4)?);
    match id {
        X25519 => Some(Private::X25519(element(inner, 4)?.0)).filter(|_| inner.len() == 34),
        EC => {
            let (key, _) = element(inner, 0x30)?;
            let (_version, rest) = element(key, 2)?;
            Some(Private::Ec(curve_of(element(parameters, 6)?.0)?, element(rest, 4)?.0))
        }
        _ => None,
    }
}

fn curve_of(id: &[u8]) -> Option<Curve> {
    Curve::ALL.into_iter().find(|curve| curve_id(*curve) == id)
}

/// Content of the DER element that `der` starts with, and what is behind it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, first, rest @ ..] = der else { return None };
    if *found != tag {
        return None;
    }
    if *first < 0x80 {
        return rest.split_at_checked(usize::from(*first));
    }
    let count = usize::from(*first & 0x7f);
    let (length, rest) = rest.split_at_checked(count).filter(|_| count <= 4)?;
    rest.split_at_checked(length.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)))
}

/// The `SubjectPublicKeyInfo` of a key.
pub(super) fn write_spki(key: &PublicKey) -> Vec<u8> {
    let (algorithm, bits) = match key {
        PublicKey::Rsa { .. } => {
            (write(0x30, &[&write(6, &[RSA]), NULL]), write_pkcs1(key).unwrap_or_default())
        }
        PublicKey::Ec { curve, point } => {
            let named = write(6, &[curve_id(*curve)]);
            (write(0x30, &[&write(6, &[EC]), &named]), [&[4], &point[..]].concat())
        }
        PublicKey::Edwards { curve, x } => (write(0x30, &[&write(6, &[edwards_id(*curve)])]), x.to_vec()),
    };
    write(0x30, &[&algorithm, &write(3, &[&[0], &bits])])
}

/// The `RSAPublicKey` of an RSA key.
pub(super) fn write_pkcs1(key: &PublicKey) -> Option<Vec<u8>> {
    let PublicKey::Rsa { n, e } = key else { return None };
    Some(write(0x30, &[&integer(n), &integer(e)]))
}

/// A number that is not negative.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if bytes.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    write(2, &[sign, bytes])
}

fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = length.to_be_bytes();
    let significant = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        out.push(0x80 | (bytes.len() - significant) as u8);
        out.extend(bytes.iter().skip(significant));
    }
    parts.iter().for_each(|part| out.extend(*part));
    out
}
