//! Words that follow from a token and its host.

use crate::message::{BASE64, BASE64URL};
use crate::token::Token;
use base64::Engine;
use serde_json::Value;
use std::collections::HashSet;

/// Words derived from one token, at most.
pub(super) const DERIVED: usize = 200;
/// Words of a capture that are tried on every token.
pub(super) const SHARED: usize = 4096;
/// Bytes of one text that words are derived from.
const SEED_BYTES: usize = 128;
/// Texts of one token that words are derived from.
const SEEDS: usize = 16;
/// What is put behind a name.
const SUFFIXES: [&str; 5] = ["secret", "-secret", "_secret", "key", "123"];

/// The texts of a token that words are derived from: `iss`, the host, `aud`, `kid`, `client_id`, `azp`, `sub`.
pub(super) fn seeds(token: &Token, host: Option<&str>) -> Box<[Box<str>]> {
    let mut out: Vec<Box<str>> = Vec::new();
    let mut add = |text: &str| {
        let fits = !text.is_empty() && text.len() <= SEED_BYTES && out.len() < SEEDS;
        if fits && !out.iter().any(|seed| &**seed == text) {
            out.push(text.into());
        }
    };
    let mut value = |value: Option<&Value>| match value {
        Some(Value::String(text)) => add(text),
        Some(Value::Number(number)) => add(&number.to_string()),
        Some(Value::Array(list)) => list.iter().take(4).filter_map(Value::as_str).for_each(&mut add),
        _ => {}
    };
    value(token.claim("iss"));
    value(host.map(|host| Value::String(host.to_owned())).as_ref());
    value(token.claim("aud"));
    value(token.header_member("kid"));
    for name in ["client_id", "azp", "sub"] {
        value(token.claim(name));
    }
    out.into()
}

/// The words of some seeds, likeliest first: each seed, its host and the host's labels, each also in lower case and
/// decoded; then each with the usual endings; always also with a newline behind it.
pub(super) fn words(seeds: &[Box<str>]) -> Vec<Vec<u8>> {
    let mut names: Vec<&str> = Vec::new();
    for seed in seeds {
        let host = host_of(seed);
        let labels = host.split('.').filter(|label| label.len() > 1);
        for name in [seed, host].into_iter().chain(labels.take(6)) {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut out = Out::default();
    for name in &names {
        out.add(name.as_bytes());
        out.add(name.to_lowercase().as_bytes());
        for bytes in decodings(name) {
            out.add(&bytes);
        }
    }
    for name in &names {
        for suffix in SUFFIXES {
            out.add(format!("{}{suffix}", name.to_lowercase()).as_bytes());
        }
    }
    out.words
}

#[derive(Default)]
struct Out {
    words: Vec<Vec<u8>>,
    seen: HashSet<Vec<u8>>,
}

impl Out {
    fn add(&mut self, word: &[u8]) {
        for word in [word.to_vec(), [word, b"\n"].concat()] {
            if word.len() > 1 && self.words.len() < DERIVED && self.seen.insert(word.clone()) {
                self.words.push(word);
            }
        }
    }
}

/// Host name in a URL or an authority, else the text itself.
fn host_of(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// What `text` says as base64, base64url or hexadecimal, if it can be read as such and is long enough to be meant so.
fn decodings(text: &str) -> Vec<Vec<u8>> {
    if text.len() < 4 {
        return Vec::new();
    }
    let base64 = [&BASE64, &BASE64URL].map(|engine| engine.decode(text).ok());
    base64.into_iter().flatten().chain(hex(text)).collect()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    digits.filter(|d| d.len() % 2 == 0).map(|d| d.chunks_exact(2).map(|p| (p[0] << 4) | p[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seeds: &[&str]) -> Vec<Vec<u8>> {
        words(&seeds.iter().map(|s| Box::from(*s)).collect::<Vec<_>>())
    }

    #[test]
    fn a_url_gives_itself_its_host_labels_and_endings() {
        let words = of(&["https://Auth.example.com:8443/realm"]);
        for word in [
            "https://Auth.example.com:8443/realm",
            "https://auth.example.com:8443/realm\n",
            "Auth.example.com",
            "auth",
            "example",
            "example\n",
            "example-secret",
            "example_secret",
            "auth.example.comsecret\n",
            "authkey",
            "auth123",
        ] {
            assert!(words.contains(&word.as_bytes().to_vec()), "{word:?}");
        }
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
        assert_eq!(words, of(&["https://Auth.example.com:8443/realm"]));
    }

    #[test]
    fn encoded_names_are_decoded() {
        assert!(of(&["c2VjcmV0"]).contains(&b"secret".to_vec()));
        assert!(of(&["-_-_"]).contains(&vec![0xfb, 0xff, 0xbf]));
        assert!(of(&["deadBEEF"]).contains(&vec![0xde, 0xad, 0xbe, 0xef]));
        assert!(of(&["ffff\u{e9}"]).len() > 2);
    }

    #[test]
    fn there_are_not_too_many() {
        let many: Vec<String> = (0..100).map(|n| format!("a{n}.b{n}.c{n}.example")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(of(&many).len(), DERIVED);
        assert!(of(&[]).is_empty());
    }
}
