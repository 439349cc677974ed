//! Hosts: as named in records, and which of them belong together.

use std::{borrow::Cow, net::IpAddr};

/// Public suffixes of two labels that are common; the full list would be 10 000 entries and out of date.
const SUFFIXES: &[&str] = &[
    "ac.jp",
    "ac.nz",
    "ac.uk",
    "ac.za",
    "appspot.com",
    "azurewebsites.net",
    "blogspot.com",
    "cloudfront.net",
    "co.id",
    "co.il",
    "co.in",
    "co.jp",
    "co.ke",
    "co.kr",
    "co.nz",
    "co.th",
    "co.uk",
    "co.za",
    "com.ar",
    "com.au",
    "com.bd",
    "com.br",
    "com.cn",
    "com.co",
    "com.eg",
    "com.hk",
    "com.mx",
    "com.my",
    "com.ng",
    "com.pe",
    "com.ph",
    "com.pk",
    "com.pl",
    "com.sa",
    "com.sg",
    "com.tr",
    "com.tw",
    "com.ua",
    "com.ve",
    "com.vn",
    "edu.au",
    "edu.cn",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "go.jp",
    "go.kr",
    "gov.au",
    "gov.br",
    "gov.cn",
    "gov.in",
    "gov.uk",
    "herokuapp.com",
    "me.uk",
    "ne.jp",
    "net.au",
    "net.br",
    "net.cn",
    "net.nz",
    "netlify.app",
    "ngrok.io",
    "nhs.uk",
    "onrender.com",
    "or.jp",
    "or.kr",
    "org.au",
    "org.br",
    "org.cn",
    "org.nz",
    "org.uk",
    "pages.dev",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// The value of `Host` or `:authority` as records name it: lower case, without user information and a trailing dot;
/// the port stays (RFC 9110 section 7.2).
pub fn host_of(value: &[u8]) -> String {
    let value = value.trim_ascii();
    let host = memchr::memrchr(b'@', value).map_or(value, |at| &value[at + 1..]);
    let mut host = String::from_utf8_lossy(host).to_ascii_lowercase();
    let name = name_of(&host).len();
    if name > 1 && host.as_bytes().get(name - 1) == Some(&b'.') {
        host.remove(name - 1);
    }
    host
}

/// The host without its port; an IPv6 literal keeps its brackets.
pub fn name_of(host: &str) -> &str {
    if host.starts_with('[') {
        return host.find(']').and_then(|end| host.get(..=end)).unwrap_or(host);
    }
    match host.split_once(':') {
        // More than one colon: an IPv6 address without brackets.
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    }
}

/// Whether the host is an address (RFC 3986 section 3.2.2).
pub fn is_ip_literal(host: &str) -> bool {
    let name = name_of(host);
    let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    bare.parse::<IpAddr>().is_ok()
}

/// The domain that one party registers: the last two labels, or three below a suffix in a short built-in list. A
/// heuristic: the Public Suffix List is not consulted. An address is its own.
pub fn registrable_domain(host: &str) -> &str {
    let name = name_of(host);
    let name = name.strip_suffix('.').unwrap_or(name);
    if is_ip_literal(name) {
        return name;
    }
    let start = |labels: usize| name.rmatch_indices('.').nth(labels - 1).map_or(0, |(i, _)| i + 1);
    let two = name.get(start(2)..).unwrap_or(name);
    let suffix = lower(two);
    if SUFFIXES.contains(&&*suffix) { name.get(start(3)..).unwrap_or(name) } else { two }
}

/// Whether two hosts belong to the same site, schemes and ports aside (RFC 6265bis section 5.2). A heuristic, as
/// [`registrable_domain`] is.
pub fn same_site(a: &str, b: &str) -> bool {
    registrable_domain(a).eq_ignore_ascii_case(registrable_domain(b))
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_alike() {
        assert_eq!(host_of(b" API.Example.Test.:8080 "), "api.example.test:8080");
        assert_eq!(host_of(b"u:p@h"), "h");
        assert_eq!(host_of(b"[2001:DB8::1]:443"), "[2001:db8::1]:443");
        assert_eq!(host_of(b"."), ".");
        assert_eq!(name_of("[::1]:80"), "[::1]");
        assert_eq!(name_of("a:80"), "a");
        assert_eq!(name_of("::1"), "::1");
    }

    #[test]
    fn sites_are_told_apart() {
        assert_eq!(registrable_domain("a.b.example.com:80"), "example.com");
        assert_eq!(registrable_domain("a.b.Example.CO.uk"), "Example.CO.uk");
        assert_eq!(registrable_domain("co.uk"), "co.uk");
        assert_eq!(registrable_domain("localhost"), "localhost");
        assert_eq!(registrable_domain("10.1.2.3:80"), "10.1.2.3");
        assert!(same_site("api.x.com", "X.com:1") && !same_site("a.github.io", "b.github.io"));
        assert!(!same_site("10.1.2.3", "11.1.2.3") && is_ip_literal("[::1]:80") && !is_ip_literal("1.2.3"));
        assert!(SUFFIXES.is_sorted());
    }
}
