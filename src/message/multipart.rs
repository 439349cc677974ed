//! Multipart bodies (RFC 2046 section 5.1, RFC 7578): where parts are and how they are named.

use super::text::label;
use memchr::memmem;
use std::borrow::Cow;

/// One part of a multipart body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The `name` of its `Content-Disposition` (RFC 7578 section 4.2).
    pub name: Option<Cow<'a, str>>,
    /// Whether it has a `filename`.
    pub file: bool,
    /// Its content.
    pub value: &'a [u8],
    /// Offset of the content in the body.
    pub at: usize,
}

/// The parts of a multipart body, in order; the last may be cut.
pub fn multipart_fields<'a>(body: &'a [u8], boundary: &[u8]) -> impl Iterator<Item = Part<'a>> + use<'a> {
    let mut walk = PartWalk::new(boundary);
    let mut start = walk.next(body, body.len());
    std::iter::from_fn(move || {
        loop {
            let at = start?;
            let closing = walk.part.is_none();
            start = walk.next(body, body.len());
            if !closing {
                // Without the line break and `--` of the delimiter that ends it.
                let end = start
                    .map_or(body.len(), |next| line_before(body, next.saturating_sub(walk.delimiter.len())));
                return body.get(at..end.max(at)).map(|part| part_of(part, at));
            }
        }
    })
}

/// Runs forward over the delimiters of a multipart body.
#[derive(Debug)]
pub(super) struct PartWalk {
    delimiter: Box<[u8]>,
    at: usize,
    /// Where the part that `at` stands in starts (after its delimiter).
    part: Option<usize>,
}

impl PartWalk {
    pub(super) fn new(boundary: &[u8]) -> Self {
        Self { delimiter: [b"--", boundary].concat().into(), at: 0, part: None }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The name of the part that the byte at `offset` stands in, also if it stands in the part's header.
    pub(super) fn name_at(&mut self, body: &[u8], offset: usize) -> Option<Box<str>> {
        while self.next(body, offset).is_some() {}
        let (head, _) = head_of(body.get(self.part?..)?);
        label(&parameter(header(head, b"content-disposition")?, b"name")?).map(Into::into)
    }

    /// Goes past the next delimiter that ends before `to`.
    fn next(&mut self, body: &[u8], to: usize) -> Option<usize> {
        let to = to.min(body.len());
        while let Some(found) = body.get(self.at..to).and_then(|rest| memmem::find(rest, &self.delimiter)) {
            let start = self.at + found;
            self.at = start + self.delimiter.len();
            let rest = body.get(self.at..).unwrap_or_default();
            // The closing delimiter opens no part.
            let closing = rest.starts_with(b"--");
            let whole = closing || rest.first().is_none_or(u8::is_ascii_whitespace);
            if whole && (start == 0 || body.get(start - 1) == Some(&b'\n')) {
                self.part = (!closing).then_some(self.at);
                return Some(self.at);
            }
        }
        // A delimiter may be cut at `to`.
        self.at = self.at.max((to + 1).saturating_sub(self.delimiter.len()));
        None
    }
}

/// The `boundary` parameter of a `Content-Type` (RFC 2046 section 5.1.1).
pub(super) fn boundary_of(content_type: &[u8]) -> Option<Box<[u8]>> {
    let boundary = parameter(content_type, b"boundary")?;
    (!boundary.is_empty() && boundary.len() <= 200).then(|| boundary.as_bytes().into())
}

/// The boundary of a body that begins with a delimiter line and a part's header.
pub(super) fn first_boundary(body: &[u8]) -> Option<Box<[u8]>> {
    let rest = body.strip_prefix(b"--")?;
    let end = memchr::memchr(b'\n', rest).filter(|&end| end <= 100)?;
    let line = rest.get(..end)?.trim_ascii_end();
    let next = rest.get(end + 1..)?;
    let content = next.get(..8).is_some_and(|n| n.eq_ignore_ascii_case(b"content-"));
    (content && !line.is_empty()).then(|| line.into())
}

/// The header of a part (with the rest of its delimiter's line), and where its content starts.
fn head_of(part: &[u8]) -> (&[u8], usize) {
    const HEAD: usize = 8 << 10;
    let near = part.get(..HEAD).unwrap_or(part);
    let mut at = memchr::memchr(b'\n', near).map_or(near.len(), |i| i + 1);
    let first = at;
    while let Some(end) = memchr::memchr(b'\n', near.get(at..).unwrap_or_default()) {
        let line = near.get(at..at + end).unwrap_or_default();
        if line.is_empty() || line == b"\r" {
            return (near.get(first..at).unwrap_or_default(), at + end + 1);
        }
        at += end + 1;
    }
    (near.get(first..).unwrap_or_default(), near.len())
}

/// Reads a part that stands at `at`.
fn part_of(part: &[u8], at: usize) -> Part<'_> {
    let (head, skip) = head_of(part);
    let disposition = header(head, b"content-disposition");
    Part {
        name: disposition.and_then(|d| parameter(d, b"name")),
        file: disposition.is_some_and(|d| parameter(d, b"filename").is_some()),
        value: part.get(skip..).unwrap_or_default(),
        at: at + skip,
    }
}

/// Where the line that ends before `at` ends.
fn line_before(body: &[u8], at: usize) -> usize {
    let before = body.get(..at).unwrap_or_default();
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    before.strip_suffix(b"\r").unwrap_or(before).len()
}

/// The value of a field in a part's header.
fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|&b| b == b'\n').find_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let (field, value) = line.split_at(colon);
        field.trim_ascii().eq_ignore_ascii_case(name).then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

/// A parameter of a header value, quotes and their escapes undone (RFC 9110 section 5.6.6); `name*` is not read.
fn parameter<'a>(value: &'a [u8], name: &[u8]) -> Option<Cow<'a, str>> {
    let mut rest = value.get(memchr::memchr(b';', value)?..)?;
    while let Some(next) = rest.strip_prefix(b";") {
        let equals = next.iter().position(|b| matches!(b, b'=' | b';')).unwrap_or(next.len());
        let (key, after) = next.split_at(equals);
        let found = key.trim_ascii().eq_ignore_ascii_case(name);
        let (text, tail) = match after.strip_prefix(b"=").map(<[u8]>::trim_ascii_start) {
            None => (Cow::Borrowed(&b""[..]), after),
            Some(quoted) if quoted.starts_with(b"\"") => {
                let (text, used) = unquote(quoted);
                (Cow::Owned(text), quoted.get(used..).unwrap_or_default())
            }
            Some(bare) => {
                let end = memchr::memchr(b';', bare).unwrap_or(bare.len());
                let (text, tail) = bare.split_at(end);
                (Cow::Borrowed(text.trim_ascii()), tail)
            }
        };
        if found {
            return Some(match text {
                Cow::Borrowed(text) => String::from_utf8_lossy(text),
                Cow::Owned(text) => String::from_utf8_lossy(&text).into_owned().into(),
            });
        }
        rest = tail.get(memchr::memchr(b';', tail)?..)?;
    }
    None
}

/// The text of a quoted string and the bytes it took. Browsers send `%22` for a quote (RFC 7578 section 2).
fn unquote(quoted: &[u8]) -> (Vec<u8>, usize) {
    let (mut text, mut at) = (Vec::new(), 1);
    while let Some(&byte) = quoted.get(at) {
        at += 1;
        match (byte, quoted.get(at)) {
            (b'"', _) => break,
            (b'\\', Some(&next @ (b'"' | b'\\'))) => {
                text.push(next);
                at += 1;
            }
            _ => text.push(byte),
        }
    }
    (text, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"preamble\r\n--x-y\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nbob --x-y\r\n--x-y\r\n\
        content-type: text/plain\r\nContent-Disposition: form-data; filename=\"a;b.txt\"; name=\"the \\\"file\\\"\"\r\n\r\nline\r\n\r\n--x-y--\r\nepilogue";

    #[test]
    fn parts_have_names_and_values() {
        let parts: Vec<_> = multipart_fields(BODY, b"x-y").collect();
        assert_eq!(parts[0].name.as_deref(), Some("user"));
        assert_eq!((parts[0].value, parts[0].file), (&b"bob --x-y"[..], false));
        assert_eq!(parts[1].name.as_deref(), Some("the \"file\""));
        assert_eq!(parts[1].value, b"line\r\n");
        assert!(parts[1].file);
        assert_eq!(&BODY[parts[1].at..parts[1].at + 4], b"line");
        assert_eq!(parts.len(), 2);
        let cut: Vec<_> = multipart_fields(&BODY[..BODY.len() - 30], b"x-y").collect();
        assert_eq!((cut.len(), multipart_fields(BODY, b"x").count()), (2, 0));
    }

    #[test]
    fn a_byte_is_in_its_part_also_in_the_parts_header() {
        let mut walk = PartWalk::new(b"x-y");
        let at = |text: &str| memmem::find(BODY, text.as_bytes()).unwrap();
        assert_eq!(walk.name_at(BODY, at("amble")), None);
        assert_eq!(walk.name_at(BODY, at("user")).as_deref(), Some("user"));
        assert_eq!(walk.name_at(BODY, at("bob")).as_deref(), Some("user"));
        assert_eq!(walk.name_at(BODY, at("text/plain")).as_deref(), Some("the \"file\""));
        assert_eq!(walk.name_at(BODY, at("line\r")).as_deref(), Some("the \"file\""));
        assert_eq!(walk.name_at(BODY, at("epilogue")), None);
    }

    #[test]
    fn boundaries_come_from_the_type_or_the_body() {
        assert_eq!(
            boundary_of(b"multipart/form-data; charset=x; Boundary=\"a b\"").as_deref(),
            Some(&b"a b"[..])
        );
        assert_eq!(boundary_of(b"multipart/form-data; boundary=abc ; x").as_deref(), Some(&b"abc"[..]));
        assert_eq!(boundary_of(b"multipart/form-data"), None);
        assert_eq!(first_boundary(b"--ab\r\nContent-Type: x").as_deref(), Some(&b"ab"[..]));
        assert_eq!(first_boundary(b"-- a comment\nselect"), None);
    }
}
