//! Texts and values as they may be shown: tokens in them as [`Token::text`] masks one, and what is secret as a [`Secret`].

use super::content::{SECRET, secret};
use super::{JsonHit, Scanner, Secret, Token, find_json_form};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// What stands for a part of a token.
const STARS: &str = "***";
/// Nesting that is followed; what is deeper is not shown.
const DEPTH: usize = 64;

static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::new);

/// `text` with every token in it masked, however it is encoded.
pub fn cloaked(text: &str) -> Cow<'_, str> {
    let mut marks: Vec<(Range<usize>, String)> = Vec::new();
    SCANNER.find_in_value(text.as_bytes(), &mut |hit| {
        let token = Token::parse(&hit.text);
        marks.push((
            hit.range,
            token.map_or_else(|| STARS.to_owned(), |token| token.text(false).into_owned()),
        ));
    });
    if text.contains('{') {
        for JsonHit { signature, payload, .. } in find_json_form(text.as_bytes()).0 {
            marks.extend(payload.into_iter().chain([signature]).map(|range| (range, STARS.to_owned())));
        }
    }
    if marks.is_empty() {
        return Cow::Borrowed(text);
    }
    marks.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, mask) in marks.into_iter().filter(|(range, _)| !range.is_empty()) {
        if range.start >= at {
            // A boundary inside a character cannot be; were it so, what lies between is not shown.
            out.push_str(text.get(at..range.start).unwrap_or_default());
            out.push_str(&mask);
        }
        at = at.max(range.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(out)
}

/// `value` with every token in its texts and names masked.
pub fn cloaked_value(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::String(text) => match cloaked(text) {
            Cow::Borrowed(_) => Cow::Borrowed(value),
            Cow::Owned(text) => Cow::Owned(text.into()),
        },
        Value::Array(_) | Value::Object(_) => {
            let mut plain = |_: &str, text: &str| Value::from(cloaked(text));
            Cow::Owned(walk("", value, DEPTH, false, &mut plain))
        }
        _ => Cow::Borrowed(value),
    }
}

/// `value`, which is a claim or member of that name, without what is secret: passwords and keys by the names of their members,
/// hashes of passwords, secrets in the format of a provider, private keys. `text` gives any other text as it may be shown.
pub fn veiled(name: &str, value: &Value, text: &mut dyn FnMut(&str) -> String) -> Value {
    walk(name, value, DEPTH, true, &mut |name, value| match names_secret(name) || secret(value) {
        true => Value::from(Secret::from(value).to_string()),
        false => Value::from(text(value)),
    })
}

/// A text without what is secret by its form and without the user information of URLs, and with tokens masked.
pub fn veiled_text(text: &str) -> String {
    if secret(text) { Secret::from(text).to_string() } else { anonymous(cloaked(text)).into_owned() }
}

/// A text in which stars stand for the user information of each URL (RFC 3986 section 3.2.1).
fn anonymous(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("://") || !text.contains('@') {
        return text;
    }
    let mut parts = text.split("://");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("://");
        let ends = |c: char| c.is_whitespace() || "/?#\"'<>".contains(c);
        let authority = part.get(..part.find(ends).unwrap_or(part.len())).unwrap_or_default();
        let host = authority.rfind('@').unwrap_or(0);
        out.push_str(if host > 0 { STARS } else { "" });
        out.push_str(part.get(host..).unwrap_or_default());
    }
    Cow::Owned(out)
}

/// Whether what stands under these names, each of a member of the one before, is secret.
pub fn is_secret(names: &[String]) -> bool {
    let key = |name: &String| name == "keys" || name.to_ascii_lowercase().ends_with("jwk");
    names.iter().any(|name| names_secret(name))
        || names.last().is_some_and(|name| private(name)) && names.iter().any(key)
}

fn names_secret(name: &str) -> bool {
    SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// Rebuilds a value; `text` is given the name that each text stands under. What is secret by its name, and numbers of private keys,
/// is masked if that is asked for.
fn walk(
    name: &str,
    value: &Value,
    depth: usize,
    secrets: bool,
    text: &mut dyn FnMut(&str, &str) -> Value,
) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) if depth == 0 => Value::from("…"),
        Value::Object(members) => {
            if let Some(masked) = serialised(members, value) {
                return masked;
            }
            let key = secrets && members.contains_key("kty");
            let one = |(inner, value): (&String, &Value)| {
                let shown = match key && private(inner) {
                    true => Value::from(STARS),
                    // What stands inside of a secret is one.
                    false => {
                        let name = if secrets && names_secret(name) { name } else { inner };
                        walk(name, value, depth - 1, secrets, text)
                    }
                };
                (cloaked(inner).into_owned(), shown)
            };
            Value::Object(members.iter().map(one).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|item| walk(name, item, depth - 1, secrets, text)).collect(),
        Value::String(value) => text(name, value),
        Value::Number(number) if secrets && names_secret(name) => {
            Value::from(Secret::from(number.to_string()).to_string())
        }
        other => other.clone(),
    }
}

/// A private member of a key (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
fn private(name: &str) -> bool {
    matches!(name, "d" | "p" | "q" | "dp" | "dq" | "qi" | "k" | "oth")
}

/// A token in JSON serialisation, masked.
fn serialised(members: &Map<String, Value>, value: &Value) -> Option<Value> {
    if !["signature", "signatures", "ciphertext"].iter().any(|name| members.contains_key(*name)) {
        return None;
    }
    let (tokens, _) = find_json_form(value.to_string().as_bytes());
    tokens.first().map(|hit| Value::from(hit.token.text(false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlIG9mIHRoaXM";
    const MASKED: &str = "eyJhbGciOiJIUzI1NiJ9.***.***";

    #[test]
    fn tokens_are_masked_and_nothing_else() {
        assert_eq!(cloaked(&format!("a {TOKEN}, b={TOKEN}")), format!("a {MASKED}, b={MASKED}"));
        assert_eq!(cloaked(&TOKEN.replace('.', "%2E")), MASKED);
        assert!(matches!(cloaked("https://issuer.test/?password=a"), Cow::Borrowed(_)));
        let value = json!({"a": [TOKEN, 1, null], TOKEN: {"password": "plain", "n": 1.50}});
        let masked = json!({"a": [MASKED, 1, null], MASKED: {"password": "plain", "n": 1.50}});
        assert_eq!(*cloaked_value(&value), masked);
        assert!(matches!(cloaked_value(&json!("plain")), Cow::Borrowed(_)));
        let [header, payload, signature]: [&str; 3] =
            TOKEN.split('.').collect::<Vec<_>>().try_into().unwrap();
        let form = json!({"payload": payload, "protected": header, "signature": signature});
        for shown in [cloaked_value(&json!([form])).to_string(), cloaked(&form.to_string()).into_owned()] {
            assert!(
                shown.contains(header) && !shown.contains(signature) && !shown.contains(payload),
                "{shown}"
            );
        }
    }

    #[test]
    fn secrets_are_veiled_by_name_form_and_kind() {
        let veil = |value: &Value| veiled("claims", value, &mut |text| cloaked(text).into_owned());
        let hash = format!("$2b$12${}", "a".repeat(53));
        let value = json!({"Password": "hunter2", "secret": {"a": ["s3cretval"], "n": 123_456}, "h": hash,
            "jwk": {"kty": "oct", "k": "SldL"}, "sub": "u1", "t": TOKEN});
        let veiled = veil(&value);
        assert_eq!((&veiled["sub"], &veiled["t"]), (&json!("u1"), &json!(MASKED)));
        assert_eq!((&veiled["Password"], &veiled["jwk"]["k"]), (&json!("h****2 (7 chars)"), &json!(STARS)));
        assert_eq!(veiled["secret"], json!({"a": ["s****l (9 chars)"], "n": "1****6 (6 chars)"}));
        assert_eq!(veiled["h"], "$****a (60 chars)");
        assert_eq!((veiled_text(&hash), veiled_text(TOKEN)), ("$****a (60 chars)".into(), MASKED.into()));
        assert_eq!(
            veiled_text("at https://u:p@a.test/?x=a@b, ftp://b.test"),
            "at https://***@a.test/?x=a@b, ftp://b.test"
        );
        let names = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        for (path, secret) in
            [("a.PWD", true), ("secret.b", true), ("cnf.jwk.d", true), ("keys.k", true), ("p.d", false)]
        {
            assert_eq!(is_secret(&names(path)), secret, "{path}");
        }
        let deep = (0..200).fold(json!("hunter2"), |value, _| json!([value]));
        assert!(!veil(&deep).to_string().contains("hunter2"));
    }
}
