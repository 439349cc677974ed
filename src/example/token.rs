//! Tokens of examples: a sane one, with what the example changes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Hmac;
use serde_json::{Map, Value, json};

/// The compact text of a token as an example describes it.
pub(super) fn compact(spec: Option<&toml::Value>, time: i64) -> Result<String, String> {
    let empty = toml::Table::new();
    let spec = match spec {
        None => &empty,
        Some(spec) => spec.as_table().ok_or("token is a table")?,
    };
    if let Some(raw) = spec.get("raw") {
        return raw.as_str().map(str::to_owned).ok_or_else(|| "token.raw is text".to_owned());
    }
    let sign = spec.get("sign").map_or(Some("es256"), toml::Value::as_str).ok_or("token.sign is text")?;
    let mut header = json!({"alg": "ES256", "typ": "JWT", "kid": "key-1"});
    if sign.starts_with("hmac:") {
        header["alg"] = json!("HS256");
    }
    let mut claims = json!({
        "iss": "https://issuer.example.test", "sub": "3f9c2a", "aud": "https://api.example.test",
        "iat": time, "exp": time + 900, "jti": "a1b2c3d4",
    });
    for (name, value) in spec {
        match name.as_str() {
            "header" => merge(&mut header, value),
            "claims" => merge(&mut claims, value),
            "iat_offset" | "exp_offset" | "nbf_offset" | "auth_time_offset" => {
                let offset = value.as_integer().ok_or("an offset is a number of seconds")?;
                claims[name.trim_end_matches("_offset")] = json!(time + offset);
            }
            "without" => remove(&mut claims, value),
            "without_header" => remove(&mut header, value),
            "fill" => {
                let bytes =
                    value.as_integer().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= 100_000);
                claims["filler"] =
                    json!("x".repeat(bytes.ok_or("fill is a number of bytes, at most 100000")? * 3 / 4));
            }
            "sign" | "jwe" => {}
            _ => return Err(format!("token.{name} is not a part of a token")),
        }
    }
    let segment = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
    if let Some(bytes) = spec.get("jwe") {
        let bytes = bytes.as_integer().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= 90_000);
        let content = vec![b'c'; bytes.ok_or("jwe is the number of bytes of its content, at most 90000")?];
        let parts = [vec![b'i'; 12], content, vec![b't'; 16]].map(|part| URL_SAFE_NO_PAD.encode(part));
        return Ok(format!("{}..{}", segment(&header), parts.join(".")));
    }
    let input = format!("{}.{}", segment(&header), segment(&claims));
    let signature = match sign.strip_prefix("hmac:") {
        Some(secret) => hmac(header["alg"].as_str().unwrap_or_default(), secret.as_bytes(), input.as_bytes()),
        None if sign == "none" => Vec::new(),
        None if sign == "zero" => vec![0; 64],
        // The shape of an ES256 signature; nobody verifies it.
        None if sign == "es256" => (0..64_u8).map(|i| i.wrapping_mul(37).wrapping_add(11)).collect(),
        // As long as the example says.
        None => match sign.strip_prefix("bytes:").and_then(|n| n.parse::<u8>().ok()) {
            Some(len) => (0..len).map(|i| i.wrapping_mul(37).wrapping_add(11)).collect(),
            None => {
                let known = "es256, none, zero, bytes:N, hmac:SECRET";
                return Err(format!("token.sign = \"{sign}\" is none of {known}"));
            }
        },
    };
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn hmac(alg: &str, secret: &[u8], input: &[u8]) -> Vec<u8> {
    fn mac<M: hmac::Mac + hmac::KeyInit>(secret: &[u8], input: &[u8]) -> Vec<u8> {
        let Ok(mut mac) = <M as hmac::KeyInit>::new_from_slice(secret) else { return Vec::new() };
        mac.update(input);
        mac.finalize().into_bytes().to_vec()
    }
    match alg {
        "HS384" => mac::<Hmac<sha2::Sha384>>(secret, input),
        "HS512" => mac::<Hmac<sha2::Sha512>>(secret, input),
        _ => mac::<Hmac<sha2::Sha256>>(secret, input),
    }
}

fn merge(into: &mut Value, from: &toml::Value) {
    let Some(members) = from.as_table() else { return };
    for (name, value) in members {
        into[name] = to_json(value);
    }
}

fn remove(from: &mut Value, names: &toml::Value) {
    for name in names.as_array().into_iter().flatten().filter_map(toml::Value::as_str) {
        from.as_object_mut().map(|m| m.shift_remove(name));
    }
}

fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(s) => json!(s),
        toml::Value::Integer(i) => json!(i),
        toml::Value::Float(f) => json!(f),
        toml::Value::Boolean(b) => json!(b),
        toml::Value::Datetime(d) => json!(d.to_string()),
        toml::Value::Array(items) => items.iter().map(to_json).collect(),
        toml::Value::Table(members) => {
            Value::Object(members.iter().map(|(k, v)| (k.clone(), to_json(v))).collect::<Map<_, _>>())
        }
    }
}
