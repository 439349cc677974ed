//! Where `jku` and `x5u` send a verifier to (RFC 7515 sections 4.1.2 and 4.1.5).

use crate::message::{Target, host_of, is_ip_literal, name_of};
use crate::token::{Token, internal_name};
use serde_json::Value as Json;

/// What is wrong with the URLs of keys in a header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KeyUrls {
    /// In words, with the name of the parameter.
    pub(super) problems: Vec<String>,
    /// One leads into a network: a verifier that follows it asks there for whoever wrote the token.
    pub(super) inside: bool,
}

/// Looks at both parameters.
pub(super) fn key_urls(token: &Token) -> KeyUrls {
    let mut found = KeyUrls::default();
    let issuer = token.iss().and_then(Json::as_str).and_then(|iss| host(iss.as_bytes()));
    for name in ["jku", "x5u"] {
        let Some(value) = token.header_member(name) else { continue };
        match value.as_str() {
            Some(url) => one(name, url, issuer.as_deref(), &mut found),
            None => found.problems.push(format!("{name} is no string")),
        }
    }
    found
}

fn one(name: &str, url: &str, issuer: Option<&str>, found: &mut KeyUrls) {
    let target = Target::reference(url.as_bytes());
    let mut say = |what: &str| found.problems.push(format!("{name} {what}"));
    let https = target.scheme.is_some_and(|scheme| scheme.bytes.eq_ignore_ascii_case(b"https"));
    if !https {
        say("is no https URL");
    }
    let Some(host) = target.host.map(|host| host_of(host.bytes)).filter(|host| !host.is_empty()) else {
        return;
    };
    let host = name_of(&host);
    if target.userinfo.is_some() || url.contains('@') || url.contains('\\') {
        say("hides its host");
    }
    if target.fragment.is_some() {
        say("has a fragment");
    }
    if redirects(&target) {
        say("leads to another URL");
    }
    if is_ip_literal(host) {
        say("names an address");
        found.inside = true;
    } else if internal_name(host) || !host.contains('.') || host.ends_with(".localhost") {
        say("names a host inside a network");
        found.inside = true;
    } else if issuer.is_some_and(|issuer| !below(host, issuer)) {
        say("is not on the issuer's host");
    }
}

/// Whether a parameter of the query holds a URL: the path may be an open redirect.
fn redirects(target: &Target<'_>) -> bool {
    target.query_params().any(|param| {
        let value: Vec<u8> = percent_encoding::percent_decode(param.value.bytes).collect();
        [&b"http://"[..], b"https://", b"//"].iter().any(|start| value.starts_with(start))
    })
}

/// The host of a URL, without its port.
fn host(url: &[u8]) -> Option<String> {
    let target = Target::reference(url);
    target.scheme?;
    let host = host_of(target.host?.bytes);
    Some(name_of(&host).to_owned())
}

/// Whether `host` is `parent` or below it.
fn below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> (Vec<String>, bool) {
        let mut found = KeyUrls::default();
        one("jku", url, Some("login.example.test"), &mut found);
        (found.problems, found.inside)
    }

    #[test]
    fn urls_off_the_issuer_are_named() {
        for (url, expected, inside) in [
            ("https://login.example.test/jwks", &[][..], false),
            ("https://keys.login.example.test:8443/jwks", &[], false),
            ("http://login.example.test/jwks", &["jku is no https URL"], false),
            ("https://evil.example/jwks", &["jku is not on the issuer's host"], false),
            ("https://notlogin.example.test/jwks", &["jku is not on the issuer's host"], false),
            ("http://169.254.169.254/k", &["jku is no https URL", "jku names an address"], true),
            ("https://localhost/k", &["jku names a host inside a network"], true),
            ("https://vault.svc.cluster.local/k", &["jku names a host inside a network"], true),
            (
                "https://login.example.test@evil.example/k",
                &["jku hides its host", "jku is not on the issuer's host"],
                false,
            ),
            ("https://login.example.test/k#x", &["jku has a fragment"], false),
            (
                "https://login.example.test/go?to=https%3A%2F%2Fevil.example",
                &["jku leads to another URL"],
                false,
            ),
            ("file:///etc/passwd", &["jku is no https URL"], false),
        ] {
            assert_eq!(of(url), (expected.iter().map(|s| (*s).to_owned()).collect(), inside), "{url}");
        }
    }
}
