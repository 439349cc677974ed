//! Where a token ends in a run of token characters, and whether the run begins with one.
//!
//! `.`-separated base64url runs whose first segment decodes to a JSON object with a member `alg` of any type
//! (and `enc`, for the five segments of a JWE), or without one but with `typ`, `kid`, `cty` or `enc` and, for
//! three segments, a payload that is a JSON object.

use super::{
    Part,
    algorithm::{folded, signature_len_fits},
    base64url::{decode_any, is_base64_char, is_url_char, leading},
    defect::Defects,
    json,
};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::{borrow::Cow, fmt, ops::Range};

/// A recognised token: its segments and where its text ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Segments without padding rules applied: three for a JWS (the last may be missing: empty), five for a JWE.
    pub(super) segments: Vec<Range<usize>>,
    /// End of the JWS or JWE itself, with its padding.
    pub(super) core: usize,
    /// End of the whole text: behind the `~` parts of an SD-JWT (RFC 9901 section 4), else `core`.
    pub(super) end: usize,
}

/// Reads the token that `run` begins with. `next` is the byte behind the run, if there is one.
pub(super) fn recognise(run: &[u8], next: Option<u8>) -> Option<Shape> {
    let mut at = segment(run, 0, true)?;
    let header = facts(&run[..at])?;
    let mut segments = Vec::with_capacity(5);
    segments.push(0..at);
    let wanted = if header.enc && dots(run, at) >= 4 { 5 } else { 3 };
    while segments.len() + 1 < wanted {
        let start = at + 1;
        match segment(run, start, true) {
            Some(end) => {
                segments.push(start..end);
                at = end;
            }
            None => return two_segments(run, start, next, &header, segments),
        }
    }
    let start = at + 1;
    let end = last_segment(run, start, wanted, &header);
    segments.push(start..unpadded(run, start, end));
    if wanted == 5 {
        let body = segments[2].is_empty() || segments[3].is_empty() || segments[4].is_empty();
        if body {
            return None;
        }
        return Some(Shape { segments, core: end, end });
    }
    let behind = run.get(end).copied().or(next);
    let (payload, signature) = (&segments[1], &segments[2]);
    // Masked (`h.p.***`, `h.p.<redacted>`) or shortened (`h.p...`) text is no token.
    let masked = behind == Some(b'*');
    let shortened = payload.is_empty() || matches!(behind, Some(b'<' | b'[' | b'{' | b'.'));
    if masked || (signature.is_empty() && shortened) {
        return None;
    }
    // Four segments with `enc` are a JWE that lost one, and no JWS of three.
    let more = run.get(end) == Some(&b'.') && run.get(end + 1).is_some_and(|&b| is_url_char(b) || b == b'.');
    if header.enc && more {
        return None;
    }
    if !header.alg && !is_object(&run[payload.clone()]) {
        return None;
    }
    Some(Shape { segments, core: end, end: disclosures(run, end) })
}

/// Whether the first characters of a run can begin a token: decoded, they must begin a JSON object.
/// `true` too where there are not yet enough of them.
pub(super) fn plausible(prefix: &[u8]) -> bool {
    let mut bytes = decode_any(&prefix[..prefix.len() & !3]).unwrap_or_default();
    // UTF-16, with or without its byte order mark: what is left without the zeros is the text.
    if bytes.get(..2).is_some_and(|start| start.contains(&0) || start == [0xff, 0xfe]) {
        bytes.retain(|b| !matches!(b, 0 | 0xff | 0xfe));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let Some(rest) = bytes.trim_ascii_start().strip_prefix(b"{") else {
        return bytes.trim_ascii_start().is_empty();
    };
    match rest.trim_ascii_start() {
        [] => true,
        [b'"', name @ ..] => name.iter().all(|&b| b >= 0x20),
        _ => false,
    }
}

/// What the header says that decides whether this is a token.
#[derive(Default)]
struct Header<'a> {
    alg: bool,
    name: Option<Cow<'a, str>>,
    enc: bool,
    other: bool,
}

impl Header<'_> {
    fn any(&self) -> bool {
        self.alg || self.enc || self.other
    }
}

fn facts(segment: &[u8]) -> Option<Header<'static>> {
    let bytes = decode_any(segment)?;
    let plain = match serde_json::from_slice::<Header<'_>>(&bytes) {
        Ok(header) => Header { name: header.name.map(|n| Cow::Owned(n.into_owned())), ..header },
        Err(_) => {
            let map = json::object(&bytes, &mut Defects::of(&mut Vec::new(), Part::Header))?;
            Header {
                alg: map.contains_key("alg"),
                name: map.get("alg").and_then(|v| v.as_str()).map(|n| Cow::Owned(n.to_owned())),
                enc: map.contains_key("enc"),
                other: ["typ", "kid", "cty"].iter().any(|name| map.contains_key(*name)),
            }
        }
    };
    plain.any().then_some(plain)
}

/// End of the segment at `start`, if a dot follows it (`dot`) and its padding.
fn segment(run: &[u8], start: usize, dot: bool) -> Option<usize> {
    let rest = run.get(start..)?;
    let end = leading(rest, is_base64_char);
    if end == rest.len() {
        return None;
    }
    let pad = rest[end..].iter().take(2).take_while(|&&b| b == b'=').count();
    (!dot || rest.get(end + pad) == Some(&b'.')).then_some(start + end + pad)
}

fn dots(run: &[u8], from: usize) -> usize {
    let mut at = from;
    let mut count = 0;
    while count < 4 && run.get(at) == Some(&b'.') {
        count += 1;
        match segment(run, at + 1, true) {
            Some(end) => at = end,
            None => break,
        }
    }
    count
}

/// End of the last segment. `+` and `/` belong to it only if the signature has its right length with them and
/// not without: behind a token they also end a path segment or stand for a space.
fn last_segment(run: &[u8], start: usize, wanted: usize, header: &Header<'_>) -> usize {
    let rest = run.get(start..).unwrap_or_default();
    let url = leading(rest, is_url_char);
    let long = url + leading(&rest[url..], is_base64_char);
    let mut len = url;
    if long > url {
        let fits = |chars: usize| match header.name.as_deref() {
            Some(name) if wanted == 3 => signature_len_fits(name, chars * 3 / 4),
            _ => chars * 3 / 4 == 16,
        };
        let known = header.name.as_deref().is_some_and(|n| super::Family::of(n).is_some()) || wanted == 5;
        if known && !fits(url) && fits(long) {
            len = long;
        }
    }
    let pad = rest[len..].iter().take(3).take_while(|&&b| b == b'=').count();
    let after = rest.get(len + pad).copied();
    let joined = after.is_some_and(|b| is_url_char(b) || b == b'=');
    if pad > 0 && (len + pad) % 4 == 0 && !joined { start + len + pad } else { start + len }
}

fn unpadded(run: &[u8], start: usize, end: usize) -> usize {
    let pad = run[start..end].iter().rev().take_while(|&&b| b == b'=').count();
    // The padding stays part of the segment: it is a defect of the encoding.
    if pad <= 2 { end } else { end - pad }
}

/// `header.payload` without a second dot: only an unsecured token (RFC 7519 section 6) is written so.
fn two_segments(
    run: &[u8],
    start: usize,
    next: Option<u8>,
    header: &Header<'_>,
    mut segments: Vec<Range<usize>>,
) -> Option<Shape> {
    let rest = run.get(start..)?;
    let end = start + leading(rest, is_url_char);
    let behind = run.get(end).copied().or(next);
    let unsecured = header.name.as_deref().is_some_and(|name| folded(name) == "none");
    let ends = !matches!(behind, Some(b'.' | b'*' | b'+' | b'/' | b'='));
    if segments.len() != 1 || !unsecured || !ends || !is_object(&run[start..end]) {
        return None;
    }
    segments.push(start..end);
    segments.push(end..end);
    Some(Shape { segments, core: end, end })
}

fn is_object(segment: &[u8]) -> bool {
    decode_any(segment)
        .and_then(|bytes| json::object(&bytes, &mut Defects::of(&mut Vec::new(), Part::Payload)))
        .is_some()
}

/// End of the disclosures and the key binding JWT of an SD-JWT that follow a JWS.
fn disclosures(run: &[u8], core: usize) -> usize {
    let mut end = core;
    while run.get(end) == Some(&b'~') {
        let rest = &run[end + 1..];
        let len = leading(rest, is_url_char);
        let closed = rest.get(len) == Some(&b'~');
        if !closed {
            let binding = recognise_binding(rest);
            return end + 1 + binding;
        }
        end += 1 + len;
    }
    end
}

fn recognise_binding(rest: &[u8]) -> usize {
    let (Some(first), true) = (segment(rest, 0, true), rest.starts_with(b"e")) else { return 0 };
    let Some(second) = segment(rest, first + 1, true) else { return 0 };
    let tail = &rest[second + 1..];
    second + 1 + leading(tail, is_url_char)
}

impl<'de: 'a, 'a> Deserialize<'de> for Header<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Header<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut header = Header::default();
                while let Some(name) = map.next_key::<Text<'de>>()? {
                    match &*name.0 {
                        "alg" => {
                            header.alg = true;
                            header.name = map.next_value::<Loose<'de>>()?.0;
                            continue;
                        }
                        "enc" => header.enc = true,
                        "typ" | "kid" | "cty" => header.other = true,
                        _ => {}
                    }
                    map.next_value::<IgnoredAny>()?;
                }
                Ok(header)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Any)
    }
}

/// A string, or any other value (then nothing).
struct Loose<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(value.as_str().map(|text| Cow::Owned(text.to_owned()))))
    }
}
