//! Names of keys.

use crate::message::BASE64URL;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The SHA-256 thumbprint of a public JWK in base64url (RFC 7638 section 3, RFC 8037 section 2): of its required members,
/// their values canonical, so that a key has one name however it is written.
pub fn thumbprint(jwk: &Value) -> Option<Box<str>> {
    let names: &[&str] = match jwk.get("kty")?.as_str()? {
        "RSA" => &["e", "kty", "n"],
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        _ => return None,
    };
    let mut text = String::from("{");
    for name in names {
        let value = jwk.get(*name)?.as_str()?;
        let value = match *name {
            "crv" | "kty" => value.to_owned(),
            name => canonical(value, name)?,
        };
        let comma = if text.len() > 1 { "," } else { "" };
        text.push_str(&format!("{comma}\"{name}\":{}", Value::String(value)));
    }
    text.push('}');
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(text)).into())
}

/// A number of a key without what writers may add: zeros before an RSA modulus or exponent, bits behind the last byte.
fn canonical(value: &str, name: &str) -> Option<String> {
    let bytes = BASE64URL.decode(value).ok().filter(|bytes| !bytes.is_empty())?;
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let from = if matches!(name, "n" | "e") { zeros.min(bytes.len() - 1) } else { 0 };
    Some(URL_SAFE_NO_PAD.encode(bytes.get(from..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_example_of_rfc_7638_and_of_rfc_8037() {
        let rsa = json!({"kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
        assert_eq!(thumbprint(&rsa).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        let okp = json!({"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        assert_eq!(thumbprint(&okp).as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
        assert_eq!(thumbprint(&json!({"kty": "oct", "k": "AA"})), None);
        assert_eq!(thumbprint(&json!({"kty": "EC", "crv": "P-256", "x": "AA"})), None);
    }

    #[test]
    fn zeros_before_a_modulus_change_nothing() {
        let name = |n: &str| thumbprint(&json!({"kty": "RSA", "n": n, "e": "AQAB"}));
        assert_eq!(name("AAEC"), name("AQI"));
        assert_ne!(name("AQI"), name("AgE"));
    }
}
