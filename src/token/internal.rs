//! What a token tells of the inside of a network: private addresses, names that only resolve there, paths of files,
//! account numbers.

use crate::message::{host_of, name_of};
use std::net::IpAddr;

/// What a text tells of the inside, in one word.
pub(super) fn internal(text: &str) -> Option<&'static str> {
    // Every one of them has one of these; most claims have none.
    if text.len() > TEXT || !text.bytes().any(|b| matches!(b, b'.' | b'/' | b':' | b'\\')) {
        return None;
    }
    if arn(text) {
        return Some("account");
    }
    if path(text) {
        return Some("path");
    }
    let host = host(text);
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&host);
    match bare.parse::<IpAddr>() {
        Ok(address) => private(address).then_some("address"),
        Err(_) => internal_name(&host).then_some("host"),
    }
}

/// Longest text that is looked at: addresses, hosts and paths are short.
const TEXT: usize = 2048;

/// Whether a host name resolves inside a network only: in a name space set aside for that (RFC 6762 appendix G,
/// ICANN's `internal`), or a service of a Kubernetes cluster.
pub(crate) fn internal_name(host: &str) -> bool {
    const ZONES: &[&str] = &["internal", "local", "lan", "corp", "intranet", "home", "svc", "localdomain"];
    host.rsplit_once('.').is_some_and(|(rest, zone)| !rest.is_empty() && ZONES.contains(&zone))
}

/// The host of a URL, or the text itself as `host:port`.
fn host(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // An address of version 6 without brackets is nothing but an address.
    let host = host_of(authority.as_bytes());
    if authority.parse::<IpAddr>().is_ok() { host } else { name_of(&host).to_owned() }
}

/// RFC 1918, RFC 4193, RFC 6598, link-local.
fn private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            a.is_private() || a.is_link_local() || a.octets()[0] == 100 && a.octets()[1] & 0xc0 == 64
        }
        IpAddr::V6(a) => a.segments()[0] & 0xfe00 == 0xfc00 || a.segments()[0] & 0xffc0 == 0xfe80,
    }
}

/// An absolute path in one of the folders that systems have.
fn path(text: &str) -> bool {
    const ROOTS: &[&str] = &[
        "/home/", "/etc/", "/var/", "/usr/", "/opt/", "/root/", "/srv/", "/tmp/", "/Users/", "/proc/",
        "/mnt/",
    ];
    let drive = matches!(text.as_bytes(), [d, b':', b'\\', _, ..] if d.is_ascii_alphabetic());
    drive
        || text.starts_with("file:///")
        || text.starts_with("\\\\")
        || ROOTS.iter().any(|root| text.starts_with(root))
}

/// An Amazon resource name with its account of twelve digits.
fn arn(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("arn:aws") else { return false };
    rest.split(':')
        .nth(3)
        .is_some_and(|account| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inside_shows_in_claims() {
        for (text, expected) in [
            ("10.1.2.3", Some("address")),
            ("http://192.168.1.4:8080/realms/x", Some("address")),
            ("[fd00::1]:80", Some("address")),
            ("fe80::1", Some("address")),
            ("http://keycloak.auth.svc.cluster.local/realms/x", Some("host")),
            ("https://kubernetes.default.svc", Some("host")),
            ("ip-10-0-0-1.eu-west-1.compute.internal", Some("host")),
            ("/home/deploy/app/key.pem", Some("path")),
            ("C:\\inetpub\\keys", Some("path")),
            ("arn:aws:iam::123456789012:role/admin", Some("account")),
            ("https://issuer.example.test/local", None),
            ("8.8.8.8", None),
            ("urn:example:internal", None),
            ("a.b@example.org", None),
            ("/api/v1/items", None),
            (".local", None),
            ("", None),
        ] {
            assert_eq!(internal(text), expected, "{text}");
        }
    }
}
