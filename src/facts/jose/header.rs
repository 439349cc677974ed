//! Parameters of the JOSE header that change how a token is read: `crit`, `b64`, and what is not protected.

use crate::token::Token;
use serde_json::{Map, Value as Json};

/// Parameters that the specifications themselves define: they are never extensions (RFC 7515 section 4.1.11).
const REGISTERED: &[&str] = &[
    "alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "enc", "zip", "epk",
    "apu", "apv", "iv", "tag", "p2s", "p2c",
];

/// Extensions that are in use: RFC 7797, RFC 8225 (PASSporT), JAdES (ETSI TS 119 182-1), and claims that are copied into
/// the header.
const KNOWN: &[&str] = &[
    "b64", "ppt", "exp", "iat", "nbf", "sigT", "sigD", "sigPl", "sigPId", "srCms", "srAts", "adoTst",
    "x5t#o", "sigX5ts",
];

/// Private extensions by name: those of UK Open Banking.
const KNOWN_NAMES: &[&str] = &["http://openbanking.org.uk/"];

/// Parameters that decide how a signature is checked or a content decrypted.
const DECIDING: &[&str] = &["alg", "enc", "crit", "b64", "kid", "jwk"];

/// What is wrong with `crit`, in words (RFC 7515 section 4.1.11).
pub(super) fn crit_problems(token: &Token) -> Vec<String> {
    let mut found = Vec::new();
    if token.unprotected().is_some_and(|members| members.contains_key("crit")) {
        found.push("crit is not protected".to_owned());
    }
    let Some(crit) = token.header_member("crit") else { return found };
    let names = match crit.as_array() {
        Some(names) if names.iter().all(Json::is_string) => names,
        _ => {
            found.push("crit is no list of names".to_owned());
            return found;
        }
    };
    if names.is_empty() {
        found.push("crit is empty".to_owned());
    }
    for (i, name) in names.iter().take(MANY).filter_map(Json::as_str).enumerate() {
        let short: String = name.chars().take(64).collect();
        if names[..i].iter().any(|before| before.as_str() == Some(name)) {
            found.push(format!("{short} twice"));
        } else if REGISTERED.contains(&name) {
            found.push(format!("{short} is no extension"));
        } else if !token.protects(name) {
            found.push(format!("{short} is not in the protected header"));
        } else if !KNOWN.contains(&name) && !KNOWN_NAMES.iter().any(|known| name.starts_with(known)) {
            found.push(format!("{short} is not known"));
        }
    }
    found
}

/// Names in one `crit` that are looked at.
const MANY: usize = 16;

/// How `b64` is misused (RFC 7797 sections 3, 6 and 7): "unprotected", "unlisted" in `crit`, or "unencoded" where the token
/// carries claims of its own; nothing if it is used as the RFC says.
pub(super) fn b64_problem(token: &Token) -> Option<&'static str> {
    if token.unprotected().is_some_and(|members| members.contains_key("b64")) {
        return Some("unprotected");
    }
    let b64 = token.header_member("b64")?;
    let listed = token.header_member("crit").and_then(Json::as_array);
    if !listed.is_some_and(|names| names.iter().any(|name| name == "b64")) {
        return Some("unlisted");
    }
    (*b64 == Json::Bool(false) && !token.is_detached()).then_some("unencoded")
}

/// Deciding parameters that stand in an unprotected header, where whoever passes the token on can change them; and
/// whether one says something else than the protected header.
pub(super) fn unprotected(token: &Token) -> Option<(Vec<&'static str>, bool)> {
    let members: &Map<String, Json> = token.unprotected()?;
    let names: Vec<_> = DECIDING.iter().copied().filter(|name| members.contains_key(*name)).collect();
    let conflict =
        names.iter().any(|name| token.protects(name) && token.header_member(name) != members.get(*name));
    (!names.is_empty()).then_some((names, conflict))
}

/// Whether the header has a `jwk` although its token is none of those whose profile asks for one: proofs of possession
/// (RFC 9449, OpenID4VCI), requests of ACME (RFC 8555 section 6.2), ID tokens that a wallet issues itself (SIOPv2).
pub(super) fn embeds_key(token: &Token, typ: &str) -> bool {
    let Some(jwk) = token.header_member("jwk").filter(|jwk| jwk.is_object()) else { return false };
    let proof =
        typ == "dpop+jwt" || typ == "kb+jwt" || typ.ends_with("proof+jwt") || typ.ends_with("pop+jwt");
    let acme = token.header_member("url").is_some() && token.header_member("nonce").is_some();
    let own = token
        .claim("sub_jwk")
        .is_some_and(|own| own.get("x").or(own.get("n")) == jwk.get("x").or(jwk.get("n")))
        || token.iss().and_then(Json::as_str).is_some_and(|iss| iss.starts_with("https://self-issued.me"));
    !proof && !acme && !own
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    fn token(header: &Json) -> Token {
        let e = |value: String| URL_SAFE_NO_PAD.encode(value);
        let text =
            format!("{}.{}.{}", e(header.to_string()), e(json!({"sub": "x"}).to_string()), e("s".repeat(64)));
        Token::parse(text.as_bytes()).unwrap()
    }

    fn json_form(protected: &Json, header: Json) -> Token {
        let e = |value: String| URL_SAFE_NO_PAD.encode(value);
        let value = json!({"payload": e("{}".into()), "protected": e(protected.to_string()), "header": header, "signature": e("s".repeat(64))});
        Token::from_json(&value).remove(0)
    }

    #[test]
    fn crit_is_a_list_of_known_extensions_that_are_there() {
        for (header, expected) in [
            (json!({"alg": "ES256", "crit": []}), vec!["crit is empty"]),
            (json!({"alg": "ES256", "crit": "b64"}), vec!["crit is no list of names"]),
            (json!({"alg": "ES256", "crit": [1]}), vec!["crit is no list of names"]),
            (json!({"alg": "ES256", "crit": ["x"], "x": 1}), vec!["x is not known"]),
            (json!({"alg": "ES256", "crit": ["alg"]}), vec!["alg is no extension"]),
            (json!({"alg": "ES256", "crit": ["b64"]}), vec!["b64 is not in the protected header"]),
            (json!({"alg": "ES256", "b64": true, "crit": ["b64", "b64"]}), vec!["b64 twice"]),
            (json!({"alg": "ES256", "b64": true, "crit": ["b64"]}), vec![]),
            (json!({"alg": "ES256"}), vec![]),
        ] {
            assert_eq!(crit_problems(&token(&header)), expected, "{header}");
        }
        let unprotected = json_form(&json!({"alg": "ES256"}), json!({"crit": ["exp"]}));
        assert_eq!(
            crit_problems(&unprotected),
            ["crit is not protected", "exp is not in the protected header"]
        );
    }

    #[test]
    fn what_is_not_protected_is_told() {
        let of = |protected: Json, header: Json| unprotected(&json_form(&protected, header));
        assert_eq!(of(json!({"alg": "RS256"}), json!({"alg": "HS256"})), Some((vec!["alg"], true)));
        assert_eq!(of(json!({"alg": "RS256"}), json!({"kid": "1", "x": 1})), Some((vec!["kid"], false)));
        assert_eq!(of(json!({"alg": "RS256"}), json!({"x": 1})), None);
    }

    #[test]
    fn b64_is_used_as_the_rfc_says_or_not() {
        let problem = |header: Json| b64_problem(&token(&header));
        assert_eq!(problem(json!({"alg": "ES256", "b64": false})), Some("unlisted"));
        assert_eq!(problem(json!({"alg": "ES256", "b64": false, "crit": ["b64"]})), Some("unencoded"));
        assert_eq!(problem(json!({"alg": "ES256", "b64": true, "crit": ["b64"]})), None);
        assert_eq!(problem(json!({"alg": "ES256"})), None);
        // RFC 7797 section 4.2: the payload is elsewhere.
        let detached = "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY";
        let detached = Token::parse(detached.as_bytes()).unwrap();
        assert_eq!((detached.is_detached(), b64_problem(&detached)), (true, None));
        assert_eq!(crit_problems(&detached), Vec::<String>::new());
    }
}
