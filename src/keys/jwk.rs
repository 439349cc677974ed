//! JSON Web Keys (RFC 7517), read leniently: only the members that make up a public key count.

use super::{KeyErrorKind, key::Key};
use crate::message::BASE64URL;
use base64::Engine;
use serde_json::Value;

/// The keys of a JWK or JWK Set. Those of a set that cannot be used are errors in the list: RFC 7517 section 5 says to
/// ignore them.
pub(super) fn read_all(value: &Value) -> Result<Vec<Result<Key, KeyErrorKind>>, KeyErrorKind> {
    match (value.get("keys").and_then(Value::as_array), value.get("kty")) {
        (Some(list), _) => Ok(list.iter().map(read).collect()),
        (None, Some(_)) => read(value).map(|key| vec![Ok(key)]),
        _ => Err(KeyErrorKind::NotJwk),
    }
}

/// One JWK (RFC 7518 section 6, RFC 8037 section 2). Private members are not looked at.
fn read(jwk: &Value) -> Result<Key, KeyErrorKind> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let bytes = |name: &'static str| {
        let bytes = text(name).and_then(|text| BASE64URL.decode(text).ok());
        bytes.filter(|bytes| !bytes.is_empty()).ok_or(KeyErrorKind::Member(name))
    };
    if text("use").is_some_and(|r#use| r#use == "enc") {
        return Err(KeyErrorKind::Unsupported("a key for encryption".to_owned()));
    }
    let mut key = match (text("kty").ok_or(KeyErrorKind::Member("kty"))?, text("crv")) {
        ("oct", _) => Key::hmac(&bytes("k")?)?,
        ("RSA", _) => Key::rsa(&bytes("n")?, &bytes("e")?)?,
        ("EC", Some(curve @ ("P-256" | "P-384"))) => {
            let size: usize = if curve == "P-256" { 32 } else { 48 };
            let mut point = vec![4];
            for name in ["x", "y"] {
                let coordinate = bytes(name)?;
                // Coordinates have their full length (RFC 7518 section 6.2.1.2); some writers drop leading zeros.
                let missing = size.checked_sub(coordinate.len()).ok_or(KeyErrorKind::Member(name))?;
                point.extend(std::iter::repeat_n(0, missing));
                point.extend(coordinate);
            }
            Key::ec(&point)?
        }
        ("OKP", Some("Ed25519")) => Key::ed25519(&bytes("x")?)?,
        ("EC" | "OKP", None) => return Err(KeyErrorKind::Member("crv")),
        ("EC" | "OKP", Some(curve)) => {
            return Err(KeyErrorKind::Unsupported(format!("curve `{}`", curve.escape_debug())));
        }
        (kty, _) => {
            return Err(KeyErrorKind::Unsupported(format!("key type `{}`", kty.escape_debug())));
        }
    };
    key.kid = text("kid").map(str::to_owned);
    key.alg = text("alg").map(str::to_owned);
    Ok(key)
}

/// The secret of a symmetric JWK.
pub(super) fn secrets(value: &Value) -> Vec<Vec<u8>> {
    let one = |jwk: &Value| {
        let k = jwk.get("k").filter(|_| jwk.get("kty").is_some_and(|kty| kty == "oct"))?;
        BASE64URL.decode(k.as_str()?).ok().filter(|secret| !secret.is_empty())
    };
    match value.get("keys").and_then(Value::as_array) {
        Some(list) => list.iter().filter_map(one).collect(),
        None => one(value).into_iter().collect(),
    }
}
