//! ECDH-ES (RFC 7518 section 4.6, RFC 8037 section 3.2).

use super::member;
use super::private::Material;
use crate::keys::PublicKey;
use crate::token::Token;
use curve25519_dalek::MontgomeryPoint;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A key of `len` bytes for the algorithm `name`, which private key and ephemeral key of the token agree on.
pub(super) fn derived(material: &Material, token: &Token, name: &str, len: usize) -> Option<Vec<u8>> {
    let epk = token.header_member("epk")?;
    let shared = match material {
        Material::Ec(curve, scalar) => match PublicKey::from_jwk(epk)? {
            PublicKey::Ec { curve: other, point } if other == *curve => {
                curve.agree(scalar.reveal(), &point)?
            }
            _ => return None,
        },
        Material::X25519(scalar) => x25519(scalar.reveal(), epk)?,
        Material::Rsa(_) | Material::Oct(_) => return None,
    };
    let info = |name: &str| match token.header_member(name) {
        Some(_) => member(token, name),
        None => Some(Vec::new()),
    };
    Some(concat_kdf(&shared, name, (&info("apu")?, &info("apv")?), len))
}

/// X25519 (RFC 7748 section 5); `None` for an ephemeral key of small order, which gives zeros (section 6.1).
fn x25519(scalar: &[u8], epk: &Value) -> Option<Box<[u8]>> {
    let is_own = |name: &str, value: &str| epk.get(name).is_some_and(|member| member == value);
    let x =
        super::bytes(epk.get("x").filter(|_| is_own("kty", "OKP") && is_own("crv", "X25519"))?.as_str()?)?;
    let shared = MontgomeryPoint(x.try_into().ok()?).mul_clamped(scalar.try_into().ok()?);
    (shared.0 != [0; 32]).then(|| shared.0.into())
}

/// The Concat KDF of NIST SP 800-56A section 5.8.1 with SHA-256, over what RFC 7518 section 4.6.2 puts into it.
fn concat_kdf(shared: &[u8], name: &str, (apu, apv): (&[u8], &[u8]), len: usize) -> Vec<u8> {
    let with_length = |hash: &mut Sha256, data: &[u8]| {
        hash.update((data.len() as u32).to_be_bytes());
        hash.update(data);
    };
    let mut out = Vec::new();
    for round in 1_u32.. {
        let mut hash = Sha256::new();
        hash.update(round.to_be_bytes());
        hash.update(shared);
        [name.as_bytes(), apu, apv].into_iter().for_each(|data| with_length(&mut hash, data));
        hash.update((len as u32 * 8).to_be_bytes());
        out.extend(hash.finalize());
        if out.len() >= len {
            break;
        }
    }
    out.truncate(len);
    out
}
