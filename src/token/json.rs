//! JSON text of headers and claims: strict first, lenient second, with repeated names reported.

use super::defect::{DefectKind, Defects};
use crate::limits::JSON_DEPTH;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The JSON object that `text` is, with what is wrong about how it is written (RFC 8259, RFC 7515 section 4).
pub(super) fn object(text: &[u8], defects: &mut Defects<'_>) -> Option<Map<String, Value>> {
    let mut text = text;
    if let Some(rest) = text.strip_prefix(b"\xef\xbb\xbf") {
        defects.add(DefectKind::Bom);
        text = rest;
    }
    let narrow = narrowed(text);
    if let Some(narrow) = &narrow {
        defects.add(DefectKind::WideText);
        text = narrow.as_bytes();
    }
    if text.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return None;
    }
    let utf8 = String::from_utf8_lossy(text);
    if matches!(utf8, Cow::Owned(_)) {
        defects.add(DefectKind::NotUtf8);
    }
    let mut utf8 = utf8;
    let parsed = first(&utf8).or_else(|| {
        let repaired = without_lone_surrogates(&utf8)?;
        let parsed = first(&repaired)?;
        defects.add(DefectKind::LoneSurrogate);
        utf8 = Cow::Owned(repaired);
        Some(parsed)
    });
    let (value, end) = parsed?;
    let (body, rest) = utf8.split_at_checked(end)?;
    if !rest.trim_ascii().is_empty() {
        defects.add(DefectKind::TrailingData);
    }
    if survey(body, defects) > JSON_DEPTH {
        defects.add(DefectKind::TooDeep);
        return None;
    }
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

/// The text of JSON in UTF-16 or UTF-32, told by its zeros as RFC 4627 section 3 did, with or without a byte order mark.
fn narrowed(text: &[u8]) -> Option<String> {
    let body = |mark: &[u8]| text.strip_prefix(mark);
    let (body, wide, big) = match text {
        [0xff, 0xfe, 0, 0, ..] => (body(&[0xff, 0xfe, 0, 0])?, true, false),
        [0, 0, 0xfe, 0xff, ..] => (body(&[0, 0, 0xfe, 0xff])?, true, true),
        [0xff, 0xfe, ..] => (body(&[0xff, 0xfe])?, false, false),
        [0xfe, 0xff, ..] => (body(&[0xfe, 0xff])?, false, true),
        [0, 0, 0, first, ..] if *first != 0 => (text, true, true),
        [first, 0, 0, 0, ..] if *first != 0 => (text, true, false),
        [0, first, ..] if *first != 0 => (text, false, true),
        [first, 0, ..] if *first != 0 => (text, false, false),
        _ => return None,
    };
    if wide {
        let (units, _) = body.as_chunks::<4>();
        let code = |unit: &[u8; 4]| if big { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
        return Some(units.iter().map(|unit| char::from_u32(code(unit)).unwrap_or('\u{fffd}')).collect());
    }
    let (units, _) = body.as_chunks::<2>();
    let code = |unit: &[u8; 2]| if big { u16::from_be_bytes(*unit) } else { u16::from_le_bytes(*unit) };
    Some(char::decode_utf16(units.iter().map(code)).map(|c| c.unwrap_or('\u{fffd}')).collect())
}

/// The first JSON value of `text` and where it ends.
fn first(text: &str) -> Option<(Value, usize)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = stream.next()?.ok()?;
    Some((value, stream.byte_offset()))
}

/// Replaces every `\uD800`-`\uDFFF` that has no partner by `\uFFFD`; `None` if there is none.
fn without_lone_surrogates(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let unit = |at: usize| -> Option<u32> {
        let hex = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
    };
    let mut out: Option<Vec<u8>> = None;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                out.get_or_insert_with(|| bytes.to_vec())[at..at + 6].copy_from_slice(b"\\ufffd");
                at += 6;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    String::from_utf8(out?).ok()
}

/// Walks valid JSON text once: names repeated within one object, NUL characters, and the depth.
fn survey(json: &str, defects: &mut Defects<'_>) -> usize {
    let text = json.as_bytes();
    let mut open: Vec<Vec<Cow<'_, str>>> = Vec::new();
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
                open.push(Vec::new());
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                report_repeated(open.pop().unwrap_or_default(), defects);
            }
            b'"' => {
                let end = string_end(text, at);
                let plain = unescaped(json.get(at + 1..end.saturating_sub(1)).unwrap_or_default());
                // As it is, the character is no JSON (RFC 8259 section 7).
                if matches!(&plain, Cow::Owned(plain) if plain.contains('\0')) {
                    defects.add(DefectKind::Nul);
                }
                let next = text[end.min(text.len())..].iter().find(|b| !b.is_ascii_whitespace());
                if next == Some(&b':')
                    && let Some(names) = open.last_mut()
                {
                    names.push(plain);
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Offset behind the closing quote of the string that opens at `at`.
fn string_end(text: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(&byte) = text.get(end) {
        match byte {
            b'\\' => end += 2,
            b'"' => return end + 1,
            _ => end += 1,
        }
    }
    text.len()
}

fn unescaped(string: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', string.as_bytes()).is_some()
        && let Ok(plain) = serde_json::from_str::<String>(&format!("\"{string}\""))
    {
        return Cow::Owned(plain);
    }
    Cow::Borrowed(string)
}

fn report_repeated(mut names: Vec<Cow<'_, str>>, defects: &mut Defects<'_>) {
    names.sort_unstable();
    for pair in names.windows(2) {
        if pair[0] == pair[1] {
            let short: String = pair[0].chars().take(256).collect();
            defects.add(DefectKind::DuplicateMember(short.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Part, *};

    fn read(text: &[u8]) -> (Option<String>, Vec<DefectKind>) {
        let mut list = Vec::new();
        let map = object(text, &mut Defects::of(&mut list, Part::Header));
        (map.map(|m| Value::Object(m).to_string()), list.into_iter().map(|d| d.kind).collect())
    }

    #[test]
    fn order_and_numbers_stay_as_sent() {
        let text = br#"{"z":1.50,"a":[1e+400,{"b":null}],"n":18446744073709551616}"#;
        assert_eq!(read(text), (Some(String::from_utf8(text.to_vec()).unwrap()), vec![]));
    }

    #[test]
    fn repeated_names_are_found_at_any_depth_and_after_unescaping() {
        let duplicate = |name: &str| vec![DefectKind::DuplicateMember(name.into())];
        assert_eq!(read(br#"{"alg":"a","alg":"b"}"#).1, duplicate("alg"));
        assert_eq!(read(br#"{"alg":"a","al\u0067":"b"}"#).1, duplicate("alg"));
        assert_eq!(read(br#"{"a":[{"x":{"k":1,"k" : 2}}]}"#).1, duplicate("k"));
        assert_eq!(read(br#"{"a":{"k":1},"b":{"k":1},"c":["k","k"]}"#).1, vec![]);
        assert_eq!(read(br#"{"a":"\"a\":","b":"a"}"#).1, vec![]);
    }

    #[test]
    fn odd_text_is_read_and_named() {
        assert_eq!(read(b"\xef\xbb\xbf{\"a\":1}").1, vec![DefectKind::Bom]);
        assert_eq!(read(b"{\"a\":\"\xff\"}").1, vec![DefectKind::NotUtf8]);
        assert_eq!(read(br#"{"a":"\u0000"}"#).1, vec![DefectKind::Nul]);
        assert_eq!(read(br#"{"a":"\ud800x"}"#).1, vec![DefectKind::LoneSurrogate]);
        assert_eq!(read(br#"{"a":"\ud83d\ude00"}"#).1, vec![]);
        assert_eq!(read(br#"{"a":1}{"#), (Some("{\"a\":1}".into()), vec![DefectKind::TrailingData]));
        for big in [false, true] {
            let two = |c: u16| if big { c.to_be_bytes() } else { c.to_le_bytes() };
            let wide: Vec<u8> = "{\"a\":1}".encode_utf16().flat_map(two).collect();
            let marked = [&two(0xfeff)[..], &wide].concat();
            for text in [wide, marked] {
                assert_eq!(read(&text), (Some("{\"a\":1}".into()), vec![DefectKind::WideText]));
            }
            let four = |c: char| if big { u32::from(c).to_be_bytes() } else { u32::from(c).to_le_bytes() };
            let wide: Vec<u8> = "{\"a\":1}".chars().flat_map(four).collect();
            assert_eq!(read(&wide).1, vec![DefectKind::WideText]);
        }
        assert_eq!(read(b"[1]").0, None);
        assert_eq!(read(b"{\"a\":").0, None);
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(90), "]".repeat(90));
        assert_eq!(read(deep.as_bytes()), (None, vec![DefectKind::TooDeep]));
    }
}
