//! JSON Web Keys (RFC 7517), read leniently: only the members that make up a public key count.

use super::curve::Curve;
use super::{KeyErrorKind, PrivateKey, key::Key, public::PublicKey};
use crate::message::BASE64URL;
use base64::Engine;
use serde_json::Value;

/// A JWK: what it verifies with, and what it decrypts with.
pub(super) type Both = (Result<Key, KeyErrorKind>, Option<PrivateKey>);

/// The keys of a JWK or JWK Set. Those of a set that cannot be used are errors in the list: RFC 7517 section 5 says to
/// ignore them.
pub(super) fn read_all(value: &Value) -> Result<Vec<Both>, KeyErrorKind> {
    let both = |jwk: &Value| (read(jwk), PrivateKey::from_jwk(jwk));
    match (value.get("keys").and_then(Value::as_array), value.get("kty")) {
        (Some(list), _) => Ok(list.iter().map(both).collect()),
        (None, Some(_)) => Ok(vec![both(value)]),
        _ => Err(KeyErrorKind::NotJwk),
    }
}

/// One JWK (RFC 7518 section 6, RFC 8037 section 2). Private members are not looked at.
fn read(jwk: &Value) -> Result<Key, KeyErrorKind> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if is_for_encryption(jwk) {
        return Err(KeyErrorKind::Unsupported("a key for encryption".to_owned()));
    }
    let mut key = match (text("kty").ok_or(KeyErrorKind::Member("kty"))?, text("crv")) {
        ("oct", _) => Key::hmac(&secret(jwk).ok_or(KeyErrorKind::Member("k"))?)?,
        _ => Key::public(PublicKey::from_jwk(jwk).ok_or_else(|| why_not(jwk))?)?,
    };
    key.kid = text("kid").map(str::to_owned);
    key.alg = text("alg").map(str::to_owned);
    Ok(key)
}

/// Whether a JWK says that it is not for signatures (RFC 7517 sections 4.2 and 4.3).
pub(super) fn is_for_encryption(jwk: &Value) -> bool {
    let operations = jwk.get("key_ops").and_then(Value::as_array);
    let verifies = |all: &Vec<Value>| all.iter().any(|op| op == "verify" || op == "sign");
    jwk.get("use").is_some_and(|r#use| r#use == "enc") || operations.is_some_and(|all| !verifies(all))
}

/// What is wrong with a JWK that is no public key.
fn why_not(jwk: &Value) -> KeyErrorKind {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let unread = |name: &&str| {
        let bytes = text(name).and_then(|text| BASE64URL.decode(text).ok());
        bytes.is_none_or(|bytes| bytes.is_empty())
    };
    let names: &[&'static str] = match (text("kty").unwrap_or_default(), text("crv")) {
        ("RSA", _) => &["n", "e"],
        ("EC" | "OKP", None) => return KeyErrorKind::Member("crv"),
        ("EC", Some(curve)) if Curve::parse(curve).is_some() => &["x", "y"],
        ("OKP", Some("Ed25519" | "Ed448")) => &["x"],
        ("EC" | "OKP", Some(curve)) => {
            return KeyErrorKind::Unsupported(format!("curve `{}`", curve.escape_debug()));
        }
        (kty, _) => return KeyErrorKind::Unsupported(format!("key type `{}`", kty.escape_debug())),
    };
    names.iter().find(|name| unread(name)).map_or(KeyErrorKind::Invalid, |name| KeyErrorKind::Member(name))
}

/// The secret of a symmetric JWK.
fn secret(jwk: &Value) -> Option<Vec<u8>> {
    let k = jwk.get("k").filter(|_| jwk.get("kty").is_some_and(|kty| kty == "oct"))?;
    BASE64URL.decode(k.as_str()?).ok().filter(|secret| !secret.is_empty())
}

/// The secrets of a JWK or JWK Set.
pub(super) fn secrets(value: &Value) -> Vec<Vec<u8>> {
    match value.get("keys").and_then(Value::as_array) {
        Some(list) => list.iter().filter_map(secret).collect(),
        None => secret(value).into_iter().collect(),
    }
}
