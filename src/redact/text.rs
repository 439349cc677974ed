//! Files of recorded exchanges, HAR and cassettes: every string in them is looked at by its name, and rewritten where it stands.

use super::align::{Style, align};
use super::blank::refilled;
use super::claims::string_end;
use super::context::{Context, Place};
use super::pseudonym::recoded;
use super::work::Work;
use crate::message::{BASE64, BASE64URL, ContentDecoder, Field, Start};
use crate::records::secret_param;
use base64::Engine as _;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::ops::Range;

/// The document with its secrets replaced: what is known of them is in the book.
pub(super) fn rewritten(document: &[u8], work: &mut Work) -> Vec<u8> {
    let mut new = document.to_vec();
    let json = document.trim_ascii_start().first().is_some_and(|b| matches!(b, b'{' | b'['));
    let mut each = |range: Range<usize>, style, value: &str, place: &Place<'_>| {
        let Some(is) = scalar(value, place, work) else { return };
        let raw = document.get(range.clone()).unwrap_or_default();
        if let (Some(text), Some(place)) = (align(raw, style, value.as_bytes(), &is), new.get_mut(range)) {
            place.copy_from_slice(&text);
        }
    };
    if json {
        json_strings(document, &mut each);
    } else if let Ok(text) = std::str::from_utf8(document) {
        yaml_strings(text, &mut each);
    }
    // What is known and stands where no string was read.
    if let Some(text) = work.book.finder.replaced(&new) {
        new = text;
    }
    new
}

/// Who is given a string: where it is written, how, what it says, and what it is called.
type Each<'a> = &'a mut dyn FnMut(Range<usize>, Style, &str, &Place<'_>);

/// Gives each string value of a JSON document: where it is written, without its quotes, and what it says.
fn json_strings(document: &[u8], each: Each<'_>) {
    let mut context = Context::default();
    let mut at = 0;
    while let Some(byte) = document.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => context.open(*byte == b'{'),
            b'}' | b']' => context.close(),
            b',' => context.next(),
            b'"' => {
                let range = at..string_end(document, at);
                at = range.end + 1;
                let written = document.get(range.start - 1..at).unwrap_or_default();
                let value: String = serde_json::from_slice(written).unwrap_or_default();
                context.scalar(&value, |place| each(range, Style::Double, &value, place));
            }
            _ => {}
        }
    }
}

/// The same of a YAML document.
fn yaml_strings(document: &str, each: Each<'_>) {
    let mut context = Context::default();
    let mut characters = document.char_indices().map(|(at, _)| at).enumerate().peekable();
    // Events come in order: so do their places.
    let mut offset = |index: usize| {
        while characters.next_if(|(n, _)| *n < index).is_some() {}
        characters.peek().map_or(document.len(), |(_, at)| *at)
    };
    for event in Parser::new_from_str(document) {
        let Ok((event, span)) = event else { return };
        match event {
            Event::MappingStart(..) => context.open(true),
            Event::SequenceStart(..) => context.open(false),
            Event::MappingEnd | Event::SequenceEnd => {
                context.close();
                context.next();
            }
            Event::Alias(_) if context.scalar("", |_| ()) => context.next(),
            Event::Scalar(value, style, ..) => {
                let start = offset(span.start.index());
                let end = offset(span.end.index()).max(start);
                let raw = document.get(start..end).unwrap_or_default();
                // The quote, or the head of a block.
                let (skip, style) = match style {
                    ScalarStyle::DoubleQuoted => (usize::from(raw.starts_with('"')), Style::Double),
                    ScalarStyle::SingleQuoted => (usize::from(raw.starts_with('\'')), Style::Plain),
                    ScalarStyle::Literal | ScalarStyle::Folded if raw.starts_with(['|', '>']) => {
                        (raw.find('\n').map_or(0, |n| n + 1), Style::Plain)
                    }
                    _ => (0, Style::Plain),
                };
                if context.scalar(&value, |place| each(start + skip..end, style, &value, place)) {
                    context.next();
                }
            }
            _ => {}
        }
    }
}

/// The new text of a string.
fn scalar(value: &str, place: &Place<'_>, work: &mut Work) -> Option<Vec<u8>> {
    let text = value.as_bytes();
    let start = Start::Request { method: b"", target: b"" };
    let found = work.look(|look, found| {
        let kind = super::look::Kind::Plain;
        look.field(&start, &Field { name: place.name.as_bytes(), value: text, at: 0 }, found);
        // A status is called "code", too.
        let number = text.len() <= 3 && text.iter().all(u8::is_ascii_digit);
        if place.cookies || !number && secret_param(place.name, text.len()) {
            look.value(text, 0..text.len(), kind, found);
        }
        look.body(None, text, found);
    });
    // A token in base64 is found without it being undone, and would be replaced less well.
    coded(text, work).or_else(|| work.book.rewritten(text, &found))
}

/// The new text of one in base64 or hexadecimal, which may be compressed inside.
fn coded(text: &[u8], work: &mut Work) -> Option<Vec<u8>> {
    let bare: Vec<u8> = text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    if bare.len() < 16 {
        return None;
    }
    let hex = bare.len().is_multiple_of(2) && bare.iter().all(u8::is_ascii_hexdigit);
    let url = bare.iter().any(|b| matches!(b, b'-' | b'_'));
    let bytes: Vec<u8> = if hex {
        let two = |two: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok();
        bare.as_chunks::<2>().0.iter().map(two).collect::<Option<_>>()?
    } else {
        if url { BASE64URL.decode(&bare) } else { BASE64.decode(&bare) }.ok()?
    };
    let new = body(&bytes, work)?;
    let written = if hex {
        let upper = bare.iter().any(u8::is_ascii_uppercase);
        let write = |b: &u8| if upper { format!("{b:02X}") } else { format!("{b:02x}") };
        new.iter().map(write).collect::<String>().into_bytes()
    } else {
        recoded(&bare, &new, url)
    };
    if written.len() != bare.len() {
        return None;
    }
    let mut written = written.into_iter();
    Some(
        text.iter()
            .map(|b| if b.is_ascii_whitespace() { *b } else { written.next().unwrap_or(*b) })
            .collect(),
    )
}

/// The new bytes of a body.
fn body(bytes: &[u8], work: &mut Work) -> Option<Vec<u8>> {
    let search = |bytes: &[u8], work: &Work| {
        let found = work.look(|look, found| look.body(None, bytes, found));
        work.book.rewritten(bytes, &found)
    };
    let codings: &[&str] = match bytes {
        [0x1f, 0x8b, ..] => &["gzip"],
        [0x28, 0xb5, 0x2f, 0xfd, ..] => &["zstd"],
        _ => &["br", "deflate"],
    };
    if let Some(new) = search(bytes, work) {
        return Some(new);
    }
    for coding in codings {
        let Ok(Some(mut decoder)) = ContentDecoder::new(coding.as_bytes()) else { continue };
        let mut plain = Vec::new();
        let _damaged = decoder.push(bytes, &mut |out| plain.extend_from_slice(out));
        let _damaged = decoder.finish(&mut |out| plain.extend_from_slice(out));
        if let Some(new) = search(&plain, work) {
            let (body, whole) = refilled(coding.as_bytes(), &plain, &new, bytes.len());
            work.told.bodies += u64::from(!whole);
            return Some(body);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::book::Book;
    use super::*;
    use crate::redact::Pseudonyms;

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2huIGRvZSJ9.c2lnbmF0dXJl";

    fn new(document: &str) -> String {
        let mut work = Work::new(Book::new(Pseudonyms::with_key([5; 32])), Default::default());
        let new = String::from_utf8(rewritten(document.as_bytes(), &mut work)).unwrap();
        assert_eq!(new.len(), document.len());
        new
    }

    #[test]
    fn a_har_is_rewritten_by_the_names_of_its_strings() {
        let body = BASE64.encode(format!("{{\"jwt\":\"{TOKEN}\"}}"));
        let document = format!(
            r#"{{"log":{{"entries":[{{"request":{{"url":"http:\/\/a.test\/?access_token=abc123","cookies":[{{"name":"a","value":"q1"}}],
            "headers":[{{"name":"Authorization","value":"Bearer {TOKEN}"}},{{"name":"Accept","value":"text/html"}}]}},
            "response":{{"content":{{"encoding":"base64","text":"{body}"}}}}}}]}}}}"#
        );
        let new = new(&document);
        let (was, is): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&document).unwrap(), serde_json::from_str(&new).unwrap());
        let entry = |v: &serde_json::Value| v["log"]["entries"][0].clone();
        let (was, is) = (entry(&was), entry(&is));
        for path in
            ["/request/url", "/request/cookies/0/value", "/request/headers/0/value", "/response/content/text"]
        {
            assert_ne!(was.pointer(path), is.pointer(path), "{path}");
        }
        assert_eq!(is["request"]["headers"][1]["value"], "text/html");
        assert_eq!(is["request"]["cookies"][0]["name"], "a");
        assert!(!new.contains(&TOKEN[21..]) && !new.contains("abc123"));
        let text = BASE64.decode(is["response"]["content"]["text"].as_str().unwrap()).unwrap();
        assert!(text.starts_with(b"{\"jwt\":\"eyJhbGciOiJIUzI1NiJ9."));
    }

    #[test]
    fn a_cassette_in_yaml_is_rewritten_over_its_lines() {
        let (first, second) = TOKEN.split_at(30);
        let document = format!(
            "interactions:\n- request:\n    body: 'password=hunter2'\n    headers:\n      Cookie: [a=b1c2]\n      Authorization:\n      - \"Bearer {first}\\\n        {second}\"\n  response:\n    body: |\n      {TOKEN}\n    note: é {TOKEN}\n"
        );
        let new = new(&document);
        for gone in ["hunter2", "b1c2", &TOKEN[21..], second] {
            assert!(!new.contains(gone), "{gone}: {new}");
        }
        assert!(new.contains("Cookie: [a=") && new.contains("Bearer eyJhbGciOiJIUzI1NiJ9."));
    }

    #[test]
    fn compressed_bodies_are_compressed_anew() {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(format!("{{\"jwt\":\"{TOKEN}\"}}").as_bytes()).unwrap();
        let body = BASE64.encode(gzip.finish().unwrap());
        let new = new(&format!(r#"{{"body":"{body}"}}"#));
        let body: serde_json::Value = serde_json::from_str(&new).unwrap();
        let bytes = BASE64.decode(body["body"].as_str().unwrap()).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text).unwrap();
        assert!(text.starts_with("{\"jwt\":\"eyJhbGciOiJIUzI1NiJ9.") && text.ends_with("\"}"), "{text}");
        assert!(!text.contains(&TOKEN[21..45]));
    }
}
