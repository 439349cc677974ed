//! Key identifiers that no issuer would choose, but an attacker.

use crate::message::{Target, host_of, is_ip_literal, name_of, percent_decode_twice};
use crate::token::{internal_name, secret_format};
use serde_json::Value as Json;

/// A `kid` longer than this says more than which key it is.
const LONG: usize = 256;

/// What is wrong with the form of a `kid`, in words (RFC 7515 section 4.1.4).
pub(super) fn problems(kid: &Json) -> Vec<&'static str> {
    let Some(kid) = kid.as_str() else { return vec!["not a string"] };
    let mut found = Vec::new();
    if kid.is_empty() {
        found.push("empty");
    }
    if kid.len() > LONG {
        found.push("longer than 256 bytes");
    }
    if kid.bytes().any(|b| b.is_ascii_control()) {
        found.push("control characters");
    }
    if secret_format(kid).is_some() {
        found.push("looks like a secret");
    }
    found
}

/// The kinds of injection that a `kid` looks like: "traversal", "sql", "ldap", "shell", "url", "template", "control".
/// Each wants signs that no identifier has: a path, an ARN, a URN or the URL of a key on a public https host is none.
pub(super) fn attacks(kid: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    // An identifier is made of these; most tokens are done here.
    if kid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=' | b':' | b'+' | b'.'))
        && !kid.contains("..")
    {
        return found;
    }
    let decoded = percent_decode_twice(kid.as_bytes());
    let plain = String::from_utf8_lossy(&decoded).to_ascii_lowercase();
    let mut add = |is: bool, class: &'static str| {
        if is {
            found.push(class);
        }
    };
    add(traversal(&plain), "traversal");
    add(sql(&plain), "sql");
    add(["*)(", ")(&", ")(|", "*)", "(|(", "(&("].iter().any(|sign| plain.contains(sign)), "ldap");
    add(shell(&plain), "shell");
    add(url(&plain), "url");
    add(["{{", "${", "<%", "#{"].iter().any(|sign| plain.contains(sign)), "template");
    add(plain.contains(['\0', '\r', '\n']), "control");
    found
}

fn traversal(kid: &str) -> bool {
    const FILES: &[&str] =
        &["/dev/", "/proc/", "/etc/", "/var/", "/root/", "/tmp/", "/sys/", "/usr/", "c:\\", "/home/"];
    let windows = matches!(kid.as_bytes(), [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic());
    kid.contains("../")
        || kid.contains("..\\")
        || kid == ".."
        || windows
        || kid.starts_with("file:")
        || FILES.iter().any(|file| kid.starts_with(file))
        || kid.contains("/dev/null")
        || kid.contains("/etc/passwd")
}

/// A quote, and what makes a statement of what follows it.
fn sql(kid: &str) -> bool {
    let Some(at) = kid.find(['\'', '"']) else { return false };
    let rest = &kid[at..];
    let word = |word: &str| {
        rest.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part.eq_ignore_ascii_case(word))
    };
    ["union", "select", "or", "and", "drop", "insert", "sleep", "waitfor", "benchmark"]
        .iter()
        .any(|w| word(w))
        || rest.contains("--")
        || rest.contains("/*")
        || rest.ends_with(';')
        || rest.ends_with('#')
        || rest.contains("||")
}

/// What makes a shell run something, and the name of something that can be run where the sign alone is not enough.
fn shell(kid: &str) -> bool {
    const COMMANDS: &[&str] = &[
        "sleep",
        "curl",
        "wget",
        "cat",
        "id",
        "ping",
        "nslookup",
        "dig",
        "whoami",
        "bash",
        "sh",
        "touch",
        "rm",
        "python",
        "python3",
        "perl",
        "ruby",
        "nc",
        "env",
        "echo",
        "ls",
        "uname",
        "powershell",
        "cmd",
        "printenv",
    ];
    let run = |rest: &str| {
        let path = rest.trim_start().split(|c: char| c.is_whitespace() || "<>;|&)`".contains(c)).next();
        let name = path.unwrap_or_default().rsplit('/').next().unwrap_or_default();
        COMMANDS.contains(&name)
    };
    kid.contains("$(")
        || kid.contains("&&")
        || kid.matches('`').count() >= 2
        || kid.match_indices([';', '|', '&']).any(|(at, _)| run(&kid[at + 1..]))
}

/// A URL without encryption, of an address, or of a name that resolves inside a network only: nothing that a key is
/// published under.
fn url(kid: &str) -> bool {
    let Some(scheme) = ["http://", "https://", "ftp://", "gopher://", "ldap://", "jndi:"]
        .iter()
        .find(|scheme| kid.contains(**scheme))
    else {
        return false;
    };
    let at = kid.find(scheme).unwrap_or_default();
    if *scheme != "https://" {
        return true;
    }
    let host = Target::reference(&kid.as_bytes()[at..]).host.map(|host| host_of(host.bytes));
    host.is_some_and(|host| {
        let name = name_of(&host);
        is_ip_literal(name) || internal_name(name) || !name.contains('.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attacks_are_told_by_kind() {
        for (kid, expected) in [
            ("../../../dev/null", &["traversal"][..]),
            ("%2e%2e%2fkeys", &["traversal"]),
            ("/proc/sys/kernel/randomize_va_space", &["traversal"]),
            ("file:///tmp/k", &["traversal"]),
            ("x' UNION SELECT 'secret", &["sql"]),
            ("1' or '1'='1", &["sql"]),
            ("a';--", &["sql"]),
            ("*)(uid=*))(|(uid=*", &["ldap"]),
            ("key1;sleep 10", &["shell"]),
            ("k|/usr/bin/id", &["shell"]),
            ("$(curl x.test)", &["shell"]),
            ("http://evil.example/jwk.json", &["url"]),
            ("https://169.254.169.254/latest", &["url"]),
            ("{{7*7}}", &["template"]),
            ("a\r\nb", &["control"]),
            ("a\0b", &["control"]),
        ] {
            assert_eq!(attacks(kid), expected, "{kid:?}");
        }
    }

    #[test]
    fn identifiers_are_no_attacks() {
        for kid in [
            "",
            "2011-04-29",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            "nFRfk6/xqp3m+V1Q==",
            "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "urn:ietf:params:oauth:jwk-thumbprint:sha-256:NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            "https://vault.vault.azure.net/keys/signing/0123456789abcdef",
            "did:web:issuer.example.test#key-1",
            "projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "CN=Signing Key, O=Example; serial=1",
            "keys/2024.pem",
            "/tenant/7/key",
            "O'Brien's key",
            "key..1",
        ] {
            assert_eq!(attacks(kid), Vec::<&str>::new(), "{kid:?}");
        }
    }

    #[test]
    fn odd_forms_are_named() {
        assert_eq!(problems(&json!(7)), ["not a string"]);
        assert_eq!(problems(&json!("")), ["empty"]);
        assert_eq!(problems(&json!("x".repeat(4096))), ["longer than 256 bytes"]);
        assert_eq!(problems(&json!("a\tb")), ["control characters"]);
        assert_eq!(
            problems(&json!("-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w")),
            ["control characters", "looks like a secret"]
        );
        assert_eq!(problems(&json!("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")), Vec::<&str>::new());
    }
}
