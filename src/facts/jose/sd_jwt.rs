//! SD-JWT: claims that are disclosed one by one, and the proof that the holder presents them (RFC 9901).

use crate::message::BASE64URL;
use crate::token::Token;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Disclosures and digests of one token that are compared.
const MANY: usize = 512;
/// Nesting that is followed.
const DEPTH: usize = 16;
/// Claims that a verifier needs to see, which must not be left to the holder to disclose (SD-JWT VC section 2.2.2.2).
const ALWAYS: &[&str] = &["iss", "nbf", "exp", "cnf", "vct", "status"];

/// What is wrong with the structure of an SD-JWT, in words (RFC 9901 sections 4 and 7.1). Nothing for any other token.
pub(super) fn problems(token: &Token) -> Vec<String> {
    let Some(claims) = token.claims().filter(|claims| is_sd_jwt(token, claims)) else { return Vec::new() };
    let mut found = Vec::new();
    let hash = hash(claims, &mut found);
    let parts: Vec<&str> = token.disclosures().take(MANY).collect();
    let (binding, disclosures) = parts.split_last().unwrap_or((&"", &[]));
    let disclosures: Vec<Disclosure<'_>> =
        disclosures.iter().filter_map(|text| Disclosure::read(text)).collect();
    if parts.len() > disclosures.len() + 1 {
        found.push("a disclosure is malformed".to_owned());
    }
    let mut digests = Vec::new();
    collect(claims, DEPTH, &mut digests);
    for disclosure in &disclosures {
        collect(&disclosure.value, DEPTH, &mut digests);
    }
    let mut sorted: Vec<&str> = digests.iter().map(|(digest, _)| *digest).collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        found.push("a digest stands in it twice".to_owned());
    }
    for disclosure in &disclosures {
        disclosure.check(hash, &digests, claims.as_object(), &mut found);
    }
    if let Some(binding) = Token::parse(binding.as_bytes()) {
        key_binding(token, &binding, hash, &mut found);
    } else if !binding.is_empty() {
        found.push("the key binding JWT is malformed".to_owned());
    }
    found.truncate(16);
    found
}

/// The key binding JWT, if there is one.
pub(crate) fn binding(token: &Token) -> Option<Token> {
    Token::parse(token.disclosures().last()?.as_bytes())
}

fn is_sd_jwt(token: &Token, claims: &Json) -> bool {
    token.disclosures().next().is_some() || claims.get("_sd").is_some()
}

type Hash = fn(&[u8]) -> Vec<u8>;

/// The hash function of the digests, where it is one that can be computed here.
fn hash(claims: &Json, found: &mut Vec<String>) -> Option<Hash> {
    let name = claims.get("_sd_alg").map_or(Some("sha-256"), Json::as_str);
    match name {
        Some("sha-256") => Some(|text| Sha256::digest(text).to_vec()),
        Some("sha-384") => Some(|text| Sha384::digest(text).to_vec()),
        Some("sha-512") => Some(|text| Sha512::digest(text).to_vec()),
        Some(name) => {
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            if ["md2", "md4", "md5", "sha1", "sha", "crc32"].contains(&plain.to_ascii_lowercase().as_str()) {
                found.push(format!("_sd_alg is {}", name.chars().take(32).collect::<String>()));
            }
            None
        }
        None => {
            found.push("_sd_alg is no string".to_owned());
            None
        }
    }
}

/// A disclosure: salt, name (of a member; an element of an array has none) and value.
struct Disclosure<'a> {
    text: &'a str,
    name: Option<String>,
    value: Json,
}

impl<'a> Disclosure<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let bytes = BASE64URL.decode(text).ok()?;
        let Ok(Json::Array(mut parts)) = serde_json::from_slice(&bytes) else { return None };
        let value = parts.pop()?;
        let name = match parts.as_slice() {
            [Json::String(_)] => None,
            [Json::String(_), Json::String(name)] => Some(name.clone()),
            _ => return None,
        };
        Some(Self { text, name, value })
    }

    fn check(
        &self,
        hash: Option<Hash>,
        digests: &[(&str, Option<&Map<String, Json>>)],
        top: Option<&Map<String, Json>>,
        found: &mut Vec<String>,
    ) {
        let short = |name: &str| name.chars().take(64).collect::<String>();
        if let Some(name) = self.name.as_deref().filter(|name| matches!(*name, "_sd" | "...")) {
            found.push(format!("a disclosure is named {name}"));
            return;
        }
        let Some(hash) = hash else { return };
        let digest = URL_SAFE_NO_PAD.encode(hash(self.text.as_bytes()));
        let Some((_, object)) = digests.iter().find(|(known, _)| *known == digest) else {
            found.push("nothing refers to a disclosure".to_owned());
            return;
        };
        let (Some(name), Some(object)) = (&self.name, object) else { return };
        if object.contains_key(name) {
            found.push(format!("a disclosure overrides {}", short(name)));
        } else if top.is_some_and(|top| std::ptr::eq(top, *object)) && ALWAYS.contains(&name.as_str()) {
            found.push(format!("{name} is left to be disclosed"));
        }
    }
}

/// Digests in `value`, each with the object that its disclosure is to become a member of.
fn collect<'a>(value: &'a Json, depth: usize, digests: &mut Vec<(&'a str, Option<&'a Map<String, Json>>)>) {
    if depth == 0 || digests.len() >= MANY {
        return;
    }
    match value {
        Json::Object(members) => {
            let own = members.get("_sd").and_then(Json::as_array).into_iter().flatten();
            digests.extend(own.filter_map(Json::as_str).map(|digest| (digest, Some(members))));
            digests.truncate(MANY);
            members.values().for_each(|value| collect(value, depth - 1, digests));
        }
        Json::Array(items) => {
            for item in items {
                match item.get("...").and_then(Json::as_str) {
                    Some(digest) if digests.len() < MANY => digests.push((digest, None)),
                    Some(_) => {}
                    None => collect(item, depth - 1, digests),
                }
            }
        }
        _ => {}
    }
}

/// RFC 9901 sections 4.3 and 7.3.
fn key_binding(token: &Token, binding: &Token, hash: Option<Hash>, found: &mut Vec<String>) {
    if super::super::profile::typ(binding) != "kb+jwt" {
        found.push("typ of the key binding JWT is not kb+jwt".to_owned());
    }
    for name in ["iat", "aud", "nonce", "sd_hash"] {
        if binding.claim(name).is_none() {
            found.push(format!("the key binding JWT has no {name}"));
        }
    }
    let text = token.reveal();
    let bound = text.rfind('~').and_then(|at| text.get(..=at));
    if let (Some(hash), Some(bound), Some(sent)) =
        (hash, bound, binding.claim("sd_hash").and_then(Json::as_str))
        && URL_SAFE_NO_PAD.encode(hash(bound.as_bytes())) != sent
    {
        found.push("sd_hash is not that of what is presented".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Disclosures and their digests as RFC 9901 section 5.1 prints them; the last is an element of an array.
    const PRINTED: &[(&str, &str)] = &[
        (
            "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd",
            "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
        ),
        (
            "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd",
            "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo",
        ),
        (
            "WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImVtYWlsIiwgImpvaG5kb2VAZXhhbXBsZS5jb20iXQ",
            "JzYjH4svliH0R3PyEMfeZu6Jt69u5qehZo7F7EPYlSE",
        ),
        (
            "WyJlSThaV205UW5LUHBOUGVOZW5IZGhRIiwgInBob25lX251bWJlciIsICIrMS0yMDItNTU1LTAxMDEiXQ",
            "PorFbpKuVu6xymJagvkFsFXAbRoc2JGlAUA2BA4o7cI",
        ),
        (
            "WyJRZ19PNjR6cUF4ZTQxMmExMDhpcm9BIiwgInBob25lX251bWJlcl92ZXJpZmllZCIsIHRydWVd",
            "XQ_3kPKt1XyX7KANkqVR6yZ2Va5NrPIvPYbyMvRKBMM",
        ),
        ("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIlVTIl0", "pFndjkZ_VCzmyTa6UjlZo3dh-ko8aIKQc9DlGzhaVYo"),
    ];

    /// A token with those digests, followed by `tail`.
    fn problems_of(more: &Json, tail: &str) -> Vec<String> {
        let (element, members) = PRINTED.split_last().unwrap();
        let digests: Vec<_> = members.iter().map(|(_, digest)| *digest).collect();
        let mut claims = json!({"iss": "https://issuer.example.com", "_sd": digests, "nationalities": [{"...": element.1}], "_sd_alg": "sha-256"});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let e = |text: String| URL_SAFE_NO_PAD.encode(text);
        let text = format!(
            "{}.{}.{}~{tail}",
            e(r#"{"alg":"ES256"}"#.to_owned()),
            e(claims.to_string()),
            e("s".repeat(64))
        );
        problems(&Token::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_disclosures_of_the_rfc_are_those_of_its_digests() {
        let all: String = PRINTED.iter().map(|(disclosure, _)| format!("{disclosure}~")).collect();
        assert_eq!(problems_of(&json!({}), &all), Vec::<String>::new());
        assert_eq!(problems_of(&json!({"_sd_alg": "sha-512"}), &all).len(), PRINTED.len());
        let (name, element) = (PRINTED[0].0, PRINTED[5].0);
        assert_eq!(
            problems_of(&json!({"given_name": "Jane"}), &format!("{name}~")),
            ["a disclosure overrides given_name"]
        );
        assert_eq!(
            problems_of(&json!({"x": [{"...": PRINTED[5].1}]}), &format!("{element}~")),
            ["a digest stands in it twice"]
        );
        assert_eq!(problems_of(&json!({}), "WyJhIl0~"), ["a disclosure is malformed"]);
    }
}
