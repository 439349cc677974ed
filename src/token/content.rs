//! What claims hold beside their registered meaning: personal data, secrets, privileges.

use super::{internal::internal, secret_format::secret_format};
use serde_json::Value;
use std::borrow::Cow;

/// Nesting that is followed into claims.
const DEPTH: usize = 4;

const PERSONAL: &[&str] = &[
    "email",
    "phone",
    "phone_number",
    "mobile",
    "birthdate",
    "date_of_birth",
    "dob",
    "address",
    "street_address",
    "postal_code",
    "ssn",
    "social_security_number",
    "national_id",
    "passport_number",
    "tax_id",
    "given_name",
    "family_name",
    "first_name",
    "last_name",
    "full_name",
    "middle_name",
    "gender",
    "ip_address",
    "ipaddr",
    "client_ip",
];
const SENSITIVE: &[&str] = &[
    "ssn",
    "social_security_number",
    "national_id",
    "passport_number",
    "tax_id",
    "iban",
    "credit_card",
    "card_number",
    "religion",
    "ethnicity",
    "diagnosis",
    "health",
    "medical_record",
    "salary",
    "bank_account",
];
pub(super) const SECRET: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "secret",
    "client_secret",
    "api_key",
    "apikey",
    "private_key",
    "connection_string",
    "password_hash",
    "passwordhash",
    "hashed_password",
    "session_secret",
    "db_password",
    "access_key_secret",
];
const ROLES: &[&str] = &[
    "role",
    "roles",
    "groups",
    "scope",
    "scp",
    "permissions",
    "authorities",
    "cognito:groups",
    "wids",
    "realm_access",
    "resource_access",
    "entitlements",
];
const PRIVILEGED: &[&str] = &[
    "admin",
    "administrator",
    "root",
    "superuser",
    "superadmin",
    "service_role",
    "cluster-admin",
    "owner",
    "*",
    "sudo",
];

/// What the claims hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// Names of claims that hold personal data: by name, or by a value that looks like an e-mail address, an IBAN or a
    /// card number with its checksum.
    pub(super) personal: Vec<String>,
    /// Some of it is of a special category (GDPR article 9) or financial.
    pub(super) sensitive: bool,
    /// Names of claims that hold passwords, keys, or hashes of them.
    pub(super) secrets: Vec<String>,
    /// What tells of the inside of a network: the name of the claim and what kind of thing.
    pub(super) internal: Vec<String>,
}

/// Looks through all claims once.
pub(super) fn content(claims: &Value) -> Content {
    let mut out = Content::default();
    walk(claims, DEPTH, &mut |name, value| {
        let text = scalar(value);
        if text.is_empty() {
            return;
        }
        let is = |names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(name));
        let sensitive = is(SENSITIVE) || iban(&text) || card(&text) || social_security(&text);
        out.sensitive |= sensitive;
        let add = |list: &mut Vec<String>| {
            if list.last().is_none_or(|last| last != name) {
                list.push(name.to_owned());
            }
        };
        if sensitive || is(PERSONAL) || email(&text) || phone(&text) {
            add(&mut out.personal);
        }
        if is(SECRET) || secret(&text) {
            add(&mut out.secrets);
        }
        inside(name, &text, &mut out.internal);
    });
    out
}

/// What a header tells of the inside of a network, added to what the claims do.
pub(super) fn header(header: &Value, found: &mut Content) {
    walk(header, 1, &mut |name, value| inside(name, &scalar(value), &mut found.internal));
}

fn inside(name: &str, text: &str, found: &mut Vec<String>) {
    const MANY: usize = 16;
    if found.len() < MANY
        && let Some(kind) = internal(text)
    {
        let said = format!("{kind} in {name}");
        if !found.contains(&said) {
            found.push(said);
        }
    }
}

/// Privileged roles and scopes, as `claim=value`.
pub(super) fn privileges(claims: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let Some(members) = claims.as_object() else { return out };
    for (name, value) in members {
        let flag = matches!(name.as_str(), "is_admin" | "admin" | "superuser" | "is_superuser" | "is_staff");
        if flag && value.as_bool() == Some(true) {
            out.push(format!("{name}=true"));
        }
        if !ROLES.contains(&name.as_str()) {
            continue;
        }
        words(value, DEPTH, &mut |word| {
            let lower = word.to_ascii_lowercase();
            if PRIVILEGED.contains(&lower.as_str()) || lower.starts_with("admin:") {
                out.push(format!("{name}={word}"));
            }
        });
    }
    out
}

fn walk<'a>(value: &'a Value, depth: usize, visit: &mut impl FnMut(&str, &'a Value)) {
    let Some(members) = value.as_object().filter(|_| depth > 0) else { return };
    for (name, value) in members {
        match value {
            Value::Object(_) => {
                visit(name, value);
                walk(value, depth - 1, visit);
            }
            Value::Array(items) => items.iter().take(64).for_each(|item| visit(name, item)),
            _ => visit(name, value),
        }
    }
}

fn words(value: &Value, depth: usize, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => text.split([' ', ',']).filter(|w| !w.is_empty()).for_each(visit),
        Value::Array(items) if depth > 0 => {
            items.iter().take(256).for_each(|item| words(item, depth - 1, visit))
        }
        Value::Object(members) if depth > 0 => {
            members.values().take(256).for_each(|item| words(item, depth - 1, visit));
        }
        _ => {}
    }
}

/// A value as text; an object counts by being there (an OpenID `address`).
fn scalar(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(n) => Cow::Borrowed(n.as_str()),
        Value::Object(members) if !members.is_empty() => Cow::Borrowed("{}"),
        _ => Cow::Borrowed(""),
    }
}

fn email(text: &str) -> bool {
    let Some((user, host)) = text.split_once('@') else { return false };
    !user.is_empty()
        && user.len() <= 64
        && host.contains('.')
        && !host.ends_with('.')
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && user.bytes().all(|b| b.is_ascii_graphic() && !b"/:\"<>".contains(&b))
        && !host.ends_with("gserviceaccount.com")
}

/// ITU-T E.164, as it is written: a plus and 8 to 15 digits.
fn phone(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A social security number of the United States in its written form; those that are never given out are none.
fn social_security(text: &str) -> bool {
    let b = text.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| b.get(range).is_some_and(|d| d.iter().all(u8::is_ascii_digit));
    b.len() == 11
        && (b[3], b[6]) == (b'-', b'-')
        && digits(0..3)
        && digits(4..6)
        && digits(7..11)
        && !matches!(&b[..3], b"000" | b"666" | [b'9', ..])
        && &b[4..6] != b"00"
        && &b[7..] != b"0000"
}

/// ISO 13616: the number with its first four characters moved to the end is 1 modulo 97.
fn iban(text: &str) -> bool {
    if !matches!(text.as_bytes(), [b'A'..=b'Z', b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9', _, ..]) {
        return false;
    }
    let text: String = text.chars().filter(|c| *c != ' ').collect();
    let shape = (15..=34).contains(&text.len())
        && text.is_ascii()
        && text[..2].bytes().all(|b| b.is_ascii_uppercase())
        && text[2..4].bytes().all(|b| b.is_ascii_digit())
        && text[4..].bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    shape && {
        let rest = text[4..].chars().chain(text[..4].chars()).filter_map(|c| c.to_digit(36));
        rest.fold(0, |n, d| if d < 10 { (n * 10 + d) % 97 } else { (n * 100 + d) % 97 }) == 1
    }
}

/// ISO/IEC 7812: 15 or 16 digits of a card network with a Luhn check digit, written as people write them.
fn card(text: &str) -> bool {
    if !(15..=24).contains(&text.len()) || !text.starts_with(['3', '4', '5', '6']) {
        return false;
    }
    let separated = text.contains(['-', ' ']);
    let digits: Vec<u32> =
        text.chars().filter(|c| !matches!(c, ' ' | '-')).map_while(|c| c.to_digit(10)).collect();
    let whole = digits.len() == text.chars().filter(|c| !matches!(c, ' ' | '-')).count();
    if !whole || !matches!((digits.len(), digits.first()), (15, Some(3)) | (16, Some(4..=6))) {
        return false;
    }
    let luhn: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 })
        .sum();
    luhn.is_multiple_of(10) && (separated || digits.first() != Some(&6))
}

/// A hash of a password (bcrypt, Argon2, SHA-512 crypt), or a secret that is told by its format.
pub(super) fn secret(text: &str) -> bool {
    let bcrypt = text.len() == 60 && ["$2a$", "$2b$", "$2y$"].iter().any(|p| text.starts_with(p));
    bcrypt || text.starts_with("$argon2") || text.starts_with("$6$") || secret_format(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn personal_data_is_told_by_name_and_by_value() {
        let claims = json!({"sub": "3f9c2a", "contact": "a@example.org", "account": "DE89 3704 0044 0532 0130 00",
            "pay": "4111 1111 1111 1111", "address": {"locality": "x"}, "n": 1_700_000_000});
        let found = content(&claims);
        assert_eq!(found.personal, ["contact", "account", "pay", "address"]);
        assert!(found.sensitive);
        let forms = json!({"a": "+12025550143", "b": "078-05-1120", "c": "000-12-3456", "d": "+1-x", "e": "2024-05-1120"});
        assert_eq!(content(&forms).personal, ["a", "b"]);
        let plain = json!({"sub": "u1", "iss": "https://a.test", "jti": "4111111111111112"});
        assert_eq!(content(&plain), Content::default());
    }

    #[test]
    fn secrets_and_privileges() {
        let hash = format!("$2b$12${}", "a".repeat(53));
        let found = content(&json!({"h": hash, "at_hash": "x", "user": {"Password": "p"}}));
        assert_eq!(found.secrets, ["h", "Password"]);
        let claims = json!({"scope": "read admin:users", "realm_access": {"roles": ["user", "Admin"]}, "is_admin": true});
        assert_eq!(privileges(&claims), ["scope=admin:users", "realm_access=Admin", "is_admin=true"]);
        assert!(privileges(&json!({"role": "anon"})).is_empty());
    }
}
