//! Tells what a file of recorded exchanges is by its first page, never by its name.

use super::entry::Draft;
use super::json::Elements;
use super::yaml::Interactions;
use super::{Entries, har, nock, vcr};
use serde_json::Value;
use std::io::Read;

/// A format of recorded exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// HAR 1.2, of browsers, proxies, Playwright and Polly.
    Har,
    /// A cassette in JSON with `http_interactions` (VCR, betamax).
    JsonHttpInteractions,
    /// A cassette in JSON with `interactions` (vcrpy).
    JsonInteractions,
    /// A recording of nock: an array in JSON.
    Nock,
    /// A cassette in YAML (VCR, vcrpy, go-vcr).
    Yaml,
}

impl Kind {
    /// Tells the format of a file that begins with `head`.
    pub(in super::super) fn tell(head: &[u8]) -> Option<Self> {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let mut json = Json(head);
        match json.next()? {
            b'{' => object(json),
            b'[' => {
                let first = json.next() == Some(b'{') && json.string() == Some(b"scope");
                first.then_some(Self::Nock)
            }
            _ => yaml(head).then_some(Self::Yaml),
        }
    }

    /// Its entries in `input`.
    pub(super) fn entries(self, input: Box<dyn Read + Send>) -> Box<dyn Entries> {
        match self {
            Self::Har => Box::new(Elements::new(input, &["log", "entries"])),
            Self::JsonHttpInteractions => Box::new(Elements::new(input, &["http_interactions"])),
            Self::JsonInteractions => Box::new(Elements::new(input, &["interactions"])),
            Self::Nock => Box::new(Elements::new(input, &[])),
            Self::Yaml => Box::new(Interactions::new(input)),
        }
    }

    /// What an entry says; `None` if it is none.
    pub(super) fn draft(self, value: Value) -> Option<Draft> {
        match self {
            Self::Har => har::draft(value),
            Self::Nock => nock::draft(value),
            Self::JsonHttpInteractions | Self::JsonInteractions | Self::Yaml => vcr::draft(value),
        }
    }
}

/// A document that is an object: told by its first members.
fn object(mut json: Json<'_>) -> Option<Kind> {
    /// Members of `log` (HAR 1.2, section "log").
    const LOG: &[&[u8]] = &[b"version", b"creator", b"browser", b"pages", b"entries", b"comment"];
    loop {
        let name = json.string()?;
        let (colon, value) = (json.next()?, json.peek()?);
        match (name, value) {
            _ if colon != b':' => return None,
            (b"log", b'{') => {
                json.next();
                let name = json.string()?;
                return (LOG.contains(&name) || name.starts_with(b"_")).then_some(Kind::Har);
            }
            (b"http_interactions", b'[') => return Some(Kind::JsonHttpInteractions),
            (b"interactions", b'[') => return Some(Kind::JsonInteractions),
            (_, b'{' | b'[') => return None,
            _ => json.scalar()?,
        }
    }
}

/// Whether lines that are not indented are the members of a cassette, and its interactions are among them.
fn yaml(head: &[u8]) -> bool {
    let mut begun = false;
    for line in head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end) {
        if begun {
            // The first one, at whatever indentation.
            let item = line.trim_ascii_start();
            if item.is_empty() || item.starts_with(b"#") {
                continue;
            }
            let Some(first) = item.strip_prefix(b"- ") else { return false };
            let name = first.split(|b| *b == b':').next().unwrap_or_default();
            return matches!(name, b"request" | b"response" | b"id" | b"recorded_at" | b"duration");
        }
        match line.split(|b| *b == b':').next().unwrap_or_default() {
            b"http_interactions" | b"interactions" => begun = line.ends_with(b":"),
            b"version" | b"recorded_with" => {}
            _ if line.is_empty()
                || line.starts_with(b"#")
                || line == b"---"
                || line.starts_with(b"%YAML") => {}
            _ => return false,
        }
    }
    false
}

/// The first tokens of a JSON document.
struct Json<'a>(&'a [u8]);

impl<'a> Json<'a> {
    fn peek(&mut self) -> Option<u8> {
        self.0 = self.0.trim_ascii_start();
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.0 = self.0.get(1..)?;
        Some(byte)
    }

    /// A string without its quotes, as it stands, and the comma before it.
    fn string(&mut self) -> Option<&'a [u8]> {
        if self.peek()? == b',' {
            self.next();
        }
        (self.next()? == b'"').then_some(())?;
        let mut escaped = false;
        let end = self.0.iter().position(|b| {
            let ends = *b == b'"' && !escaped;
            escaped = *b == b'\\' && !escaped;
            ends
        })?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..)?;
        Some(text)
    }

    /// Passes a value that is neither object nor array.
    fn scalar(&mut self) -> Option<()> {
        if self.peek()? == b'"' {
            return self.string().map(drop);
        }
        let end = self.0.iter().position(|b| matches!(b, b',' | b'}'))?;
        self.0 = self.0.get(end..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_members() {
        let of = |text: &str| Kind::tell(text.as_bytes());
        assert_eq!(of("\u{feff} {\n \"log\": {\n  \"version\": \"1.2\","), Some(Kind::Har));
        assert_eq!(of("{\"log\":{\"_recordingName\":\"x\","), Some(Kind::Har));
        assert_eq!(of("{\"log\":{\"message\":\"x\"}}"), None);
        assert_eq!(of("{\"log\":\"x\"}"), None);
        assert_eq!(of("{\"version\": 1, \"interactions\": ["), Some(Kind::JsonInteractions));
        assert_eq!(of("{\"a\\\"\": \"b,\\\\\", \"http_interactions\": ["), Some(Kind::JsonHttpInteractions));
        assert_eq!(of("{\"x\":{},\"interactions\":["), None);
        assert_eq!(of("[{\"scope\":\"http://a:80\""), Some(Kind::Nock));
        assert_eq!(of("[{\"level\":1"), None);
        assert_eq!(of("---\nhttp_interactions:\n- request:\n    method: get\n"), Some(Kind::Yaml));
        assert_eq!(of("# c\nversion: 2\ninteractions:\n    - id: 0\n      request:\n"), Some(Kind::Yaml));
        assert_eq!(of("interactions:\r\n- request:\r\n"), Some(Kind::Yaml));
        assert_eq!(of("interactions:\n- drug: a\n"), None);
        assert_eq!(of("interactions: none\n- request: a\n"), None);
        assert_eq!(of("hello\n"), None);
        assert_eq!(of(""), None);
    }
}
