//! Files of recorded exchanges, HAR and cassettes: every string in them is looked at by its name, and rewritten where it stands.

use super::RedactError;
use super::align::{Style, align};
use super::blank::refilled;
use super::claims::string_end;
use super::context::{Context, Place};
use super::recode::recoded;
use super::work::Work;
use super::yaml;
use crate::capture::CaptureError;
use crate::limits;
use crate::message::{BASE64, BASE64URL, ContentDecoder, Field, Start};
use crate::records::secret_param;
use base64::Engine as _;
use std::io::{self, Read, Write};

/// Bytes of a document that are read at once.
const PIECE: usize = 256 << 10;

/// What stands for a byte that nobody can say anything of.
pub(super) const BLANK: u8 = b'*';

/// Writes the document that `input` gives with its secrets replaced: what is known of them is in the book. JSON is written as it
/// comes, YAML when all of it is there.
pub(super) fn copy(input: &mut dyn Read, out: &mut dyn Write, work: &mut Work) -> Result<(), RedactError> {
    let mut json = Json::default();
    let mut ended = read(input, PIECE, &mut json.held)?;
    if !json.held.trim_ascii_start().starts_with(b"{") && !json.held.trim_ascii_start().starts_with(b"[") {
        read(input, usize::MAX, &mut json.held)?;
        return out
            .write_all(&yaml::replaced(&json.held, work))
            .and_then(|()| out.flush())
            .map_err(RedactError::Output);
    }
    loop {
        json.walk(ended, work);
        json.write(ended, work, out).map_err(RedactError::Output)?;
        if ended {
            return out.flush().map_err(RedactError::Output);
        }
        // A long string is not walked over too often.
        ended = read(input, PIECE.max(json.held.len()), &mut json.held)?;
    }
}

/// Reads up to `len` bytes more; true if that was all.
fn read(input: &mut dyn Read, len: usize, held: &mut Vec<u8>) -> Result<bool, RedactError> {
    let room = limits::redact::TEXT_BYTES.saturating_sub(held.len()).saturating_add(1);
    let read = input.take(len.min(room) as u64).read_to_end(held).map_err(CaptureError::Io)?;
    if held.len() > limits::redact::TEXT_BYTES {
        return Err(RedactError::Full);
    }
    Ok(read < len)
}

/// A JSON document that passes.
#[derive(Default)]
struct Json {
    /// What was not written yet.
    held: Vec<u8>,
    /// So much of it was walked over.
    walked: usize,
    context: Context,
}

impl Json {
    /// Replaces the secrets in all strings that are whole.
    fn walk(&mut self, ended: bool, work: &mut Work) {
        let Self { held, walked, context } = self;
        while let Some(byte) = held.get(*walked) {
            match byte {
                b'{' | b'[' => context.open(*byte == b'{'),
                b'}' | b']' => context.close(),
                b',' => context.next(),
                b'"' => {
                    let range = *walked + 1..string_end(held, *walked + 1);
                    if range.end == held.len() && !ended {
                        return;
                    }
                    let written = held.get(*walked..range.end + 1).unwrap_or_default();
                    let read: Option<String> = serde_json::from_slice(written).ok();
                    let raw = held.get(range.clone()).unwrap_or_default();
                    let mut new = None;
                    context.scalar(read.as_deref().unwrap_or_default(), |place| {
                        new = match &read {
                            Some(value) => string(raw, Style::Double, value, place, work),
                            None => Some(vec![BLANK; raw.len()]),
                        };
                    });
                    if let (Some(text), Some(place)) = (new, held.get_mut(range.clone())) {
                        place.copy_from_slice(&text);
                    }
                    *walked = range.end;
                }
                b':' => {}
                byte if byte.is_ascii_whitespace() => {}
                _ => {
                    let rest = held.get_mut(*walked..).unwrap_or_default();
                    let end = rest.iter().position(|b| ends_scalar(*b));
                    if end.is_none() && !ended {
                        return;
                    }
                    let end = end.unwrap_or(rest.len());
                    let word = rest.get_mut(..end).unwrap_or_default();
                    // A number, true, false, null: nothing else can stand here.
                    if serde_json::from_slice::<serde::de::IgnoredAny>(word).is_err() {
                        word.fill(BLANK);
                    }
                    *walked += end.max(1) - 1;
                }
            }
            *walked = (*walked + 1).min(held.len());
        }
    }

    /// Writes what was walked over, as far as nothing may begin in it that is known and stands where no string was read.
    fn write(&mut self, ended: bool, work: &Work, out: &mut dyn Write) -> io::Result<()> {
        let mut changes = Vec::new();
        let text = self.held.get(..self.walked).unwrap_or_default();
        let tail = work.book.finder.find(text, &mut |at, new| changes.push((at, new.to_vec())));
        let from = if ended { self.held.len() } else { tail.from.min(self.walked) };
        for (at, new) in changes.into_iter().filter(|(at, _)| *at < from) {
            if let Some(place) = self.held.get_mut(at..at + new.len()) {
                place.copy_from_slice(&new);
            }
        }
        out.write_all(self.held.get(..from).unwrap_or_default())?;
        self.held.drain(..from);
        self.walked -= from.min(self.walked);
        Ok(())
    }
}

/// Whether a number or a word of JSON ends before this byte.
fn ends_scalar(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':' | b'"')
}

/// What is to be written for a string in the place of `raw`.
pub(super) fn string(
    raw: &[u8],
    style: Style,
    value: &str,
    place: &Place<'_>,
    work: &mut Work,
) -> Option<Vec<u8>> {
    let new = scalar(value, place, work)?;
    align(raw, style, value.as_bytes(), &new)
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
        let mut new = Vec::new();
        copy(&mut document.as_bytes(), &mut new, &mut work).unwrap();
        assert_eq!(new.len(), document.len());
        String::from_utf8(new).unwrap()
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

    /// Larger than what is read at once, with a string that is, too, and a secret where no string is.
    #[test]
    fn a_document_is_written_as_it_comes() {
        struct Watched(Vec<u8>, usize);
        impl Write for Watched {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 += 1;
                self.0.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let entry = |n: usize, padding: usize| {
            format!(
                r#"{{"n":"{n}","cookies":[{{"name":"a","value":"v{n}x"}}],"t":"{}","j":"{TOKEN}"}}"#,
                "-".repeat(padding)
            )
        };
        let entries: Vec<_> =
            (0..40).map(|n| entry(n, if n == 20 { 3 * PIECE } else { 30_000 + n })).collect();
        let document = format!("{{\"entries\":[{}]}} {TOKEN}", entries.join(","));
        let mut work = Work::new(Book::new(Pseudonyms::with_key([5; 32])), Default::default());
        let kind = super::super::look::Kind::Token;
        work.book.learn(&super::super::look::Found { range: 0..0, value: TOKEN.into(), kind });
        let mut out = Watched(Vec::new(), 0);
        copy(&mut document.as_bytes(), &mut out, &mut work).unwrap();
        let new = String::from_utf8(out.0).unwrap();
        assert!(new.len() == document.len() && out.1 > 4, "{}", out.1);
        assert!(!new.contains(&TOKEN[21..]) && new.matches("eyJhbGciOiJIUzI1NiJ9.").count() == 40);
        // What can be no JSON is no secret that is known, but nobody can tell what it is.
        assert!(new.ends_with(&"*".repeat(TOKEN.len())));
        assert!((0..40).all(|n| !new.contains(&format!("v{n}x")) && new.contains(&format!("\"n\":\"{n}\""))));
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
    fn what_cannot_be_read_is_blanked() {
        let other = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYXJ5IGRvZSJ9.c2lnbmF0dXJl";
        let document = format!(r#"{{"a":[1.5e3,true,{other},null],"b":"{other}\ud800"}}"#);
        let blank = "*".repeat(other.len());
        assert_eq!(new(&document), format!(r#"{{"a":[1.5e3,true,{blank},null],"b":"{blank}******"}}"#));
        let new = new(&format!("a: b\n# {other}\n{other}: [c] # {other}\n"));
        assert!(
            new.starts_with("a: b\n# eyJhbGciOiJIUzI1NiJ9.") && new.contains(": [c] # eyJhbGciOiJIUzI1NiJ9.")
        );
        assert!(!new.contains(&other[21..45]));
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
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("{\"jwt\":\"eyJhbGciOiJIUzI1NiJ9.") && text.ends_with("\"}"), "{text}");
        assert!(!text.contains(&TOKEN[21..45]));
    }
}
