//! HTTP/1 heads: finding their end, parsing them strictly, and leniently where that fails.

use crate::limits;
use crate::message::{Direction, Field, Head, STATUS_AT, Start, Version};
use memchr::{memchr, memmem};
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// Searches `bytes` for the end of a head, the empty line (RFC 9112 section 2.1; a bare LF is accepted as
/// section 2.2 allows). `from` is how far an earlier call got. Returns the length of the head.
pub(super) fn end(bytes: &[u8], from: &mut usize) -> Option<usize> {
    let mut i = *from;
    while let Some(n) = memchr(b'\n', bytes.get(i..)?) {
        let line_end = i + n + 1;
        match bytes.get(line_end..) {
            Some([b'\n', ..]) => return Some(line_end + 1),
            Some([b'\r', b'\n', ..]) => return Some(line_end + 2),
            Some([] | [b'\r']) => {
                *from = i + n;
                return None;
            }
            _ => i = line_end,
        }
    }
    *from = bytes.len();
    None
}

/// Whether `bytes` begin with a request line; `None` if they are too short to tell.
pub(super) fn is_request(bytes: &[u8]) -> Option<bool> {
    let method = match bytes {
        // Nearly all are.
        [b'G', b'E', b'T', b' ', ..] => Some(3),
        _ => bytes.iter().take(limits::PROBE_BYTES / 2).position(|b| !is_token(*b)),
    };
    let Some(method) = method else {
        return if bytes.len() < limits::PROBE_BYTES / 2 && bytes.iter().all(|b| plausible_method_byte(*b)) {
            None
        } else {
            Some(false)
        };
    };
    if !(2..=24).contains(&method)
        || bytes[method] != b' '
        || !bytes[..method].iter().all(|b| plausible_method_byte(*b))
    {
        return Some(false);
    }
    let line = match memchr(b'\n', bytes) {
        Some(end) => &bytes[..end],
        // The line goes on: known methods are believed, others must show their version first.
        None if KNOWN_METHODS.contains(&&bytes[..method]) && !maybe_sip(&bytes[method + 1..]) => {
            return bytes.get(method + 1).map(|b| *b > b' ');
        }
        None => return if bytes.len() < limits::PROBE_BYTES { None } else { Some(false) },
    };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let version = line.trim_ascii_end().split_last_chunk::<9>().map(|(_, version)| version);
    // The preface of HTTP/2 only looks like a request (RFC 9113 section 3.4).
    Some(version.is_some_and(|v| v.starts_with(b" HTTP/") && v[6].is_ascii_digit() && v[6] != b'2'))
}

/// Whether `bytes` begin with a status line; `None` if they are too short to tell.
pub(super) fn is_response(bytes: &[u8]) -> Option<bool> {
    const PATTERN: &[u8] = b"HTTP/1.";
    let n = bytes.len().min(PATTERN.len());
    if bytes[..n] != PATTERN[..n] {
        return Some(false);
    }
    match bytes.get(PATTERN.len()..) {
        Some([minor, b' ' | b'\t', rest @ ..]) if minor.is_ascii_digit() => {
            let status = rest.iter().skip_while(|b| **b == b' ').take(3);
            if status.clone().count() < 3 { None } else { Some(status.copied().all(|b| b.is_ascii_digit())) }
        }
        Some([minor]) if minor.is_ascii_digit() => None,
        Some([]) | None => None,
        Some(_) => Some(false),
    }
}

/// Whether a target may be one of SIP, which has some of the methods too.
fn maybe_sip(target: &[u8]) -> bool {
    let n = target.len().min(3);
    n > 0 && target[..n].eq_ignore_ascii_case(&b"sip"[..n])
}

const KNOWN_METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"M-SEARCH",
    b"PURGE",
    b"QUERY",
    b"MERGE",
    b"MKCALENDAR",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
];

fn plausible_method_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
}

fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// What became of a head.
pub(super) enum Parsed {
    /// Understood; the flag says that only lenient parsing could do it.
    Yes { lenient: bool },
    /// Understood up to here, where the fields were more than [`limits::HEAD_FIELDS`].
    Part(usize),
    /// Not a message head at all.
    No,
}

/// Parses the text of a whole head, of a message that was not captured as packets.
pub fn parse_head(text: &[u8], dir: Direction, then: impl FnOnce(&Head<'_>)) {
    parse(text, 0, dir == Direction::Request, then);
}

/// Parses a whole head of a request or response and calls `then` with it.
pub(super) fn parse(bytes: &[u8], at: u64, request: bool, then: impl FnOnce(&Head<'_>)) -> Parsed {
    match strict(bytes, at, request, then) {
        Ok(_) => Parsed::Yes { lenient: false },
        Err(then) => lenient(bytes, at, request, then),
    }
}

/// Parses the head that `bytes` begin with, if it is whole and flawless; gives its length, or `then` back.
pub(super) fn strict<F: FnOnce(&Head<'_>)>(
    bytes: &[u8],
    at: u64,
    request: bool,
    then: F,
) -> Result<usize, F> {
    // Uninitialised, because clearing room for so many fields would cost more than parsing the usual ten.
    let mut headers = [const { MaybeUninit::uninit() }; limits::HEAD_FIELDS];
    let offset = |part: &[u8]| (part.as_ptr() as usize).saturating_sub(bytes.as_ptr() as usize) as u32;
    let (start, start_at, minor, headers, len) = if request {
        let mut parsed = httparse::Request::new(&mut []);
        let Ok(httparse::Status::Complete(len)) = parsed.parse_with_uninit_headers(bytes, &mut headers)
        else {
            return Err(then);
        };
        let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(then);
        };
        let start = Start::Request { method: method.as_bytes(), target: target.as_bytes() };
        (start, offset(target.as_bytes()), minor, parsed.headers, len)
    } else {
        let (mut parsed, config) = (httparse::Response::new(&mut []), httparse::ParserConfig::default());
        let result = config.parse_response_with_uninit_headers(&mut parsed, bytes, &mut headers);
        let Ok(httparse::Status::Complete(len)) = result else { return Err(then) };
        let (Some(status), Some(minor)) = (parsed.code, parsed.version) else { return Err(then) };
        (Start::Response { status }, STATUS_AT, minor, parsed.headers, len)
    };
    // Filled in place: collecting would copy all of its room.
    let mut fields = SmallVec::<[Field<'_>; 32]>::new();
    fields.extend(headers.iter().map(|h| Field {
        name: h.name.as_bytes(),
        value: h.value,
        at: offset(h.value),
    }));
    let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    then(&Head { start_at, at, raw: &bytes[..len], ..Head::new(version, start, &fields) });
    Ok(len)
}

/// What sloppy servers accept: odd bytes in names and values, spaces before the colon, folded lines (RFC 9112
/// section 5.2), spaces in the target, no version.
fn lenient(bytes: &[u8], at: u64, request: bool, then: impl FnOnce(&Head<'_>)) -> Parsed {
    let unfolded = unfold(bytes);
    let mut fields = Vec::new();
    let mut lines = Lines { bytes: &unfolded, at: 0 };
    let Some((first, first_at)) = lines.find(|(line, _)| !line.is_empty()) else { return Parsed::No };
    let (start, start_at, version) = if request {
        let Some(space) = memchr(b' ', first) else { return Parsed::No };
        let (target, version) = match memmem::rfind(&first[space..], b" HTTP/") {
            Some(end) => (&first[space..space + end], &first[space + end + 1..]),
            None => (&first[space..], &b"HTTP/1.0"[..]),
        };
        let target = target.trim_ascii();
        let target_at = first_at + (target.as_ptr() as usize).saturating_sub(first.as_ptr() as usize);
        let version = if version.ends_with(b"1.0") { Version::Http10 } else { Version::Http11 };
        (Start::Request { method: &first[..space], target }, target_at, version)
    } else {
        let status = first.split(|b| *b == b' ').filter(|p| !p.is_empty()).nth(1).unwrap_or_default();
        let status = status.iter().take_while(|b| b.is_ascii_digit()).take(3);
        let status = status.fold(0, |n, b| n * 10 + u16::from(b - b'0'));
        let version = if first.starts_with(b"HTTP/1.0") { Version::Http10 } else { Version::Http11 };
        (Start::Response { status }, first_at + STATUS_AT as usize, version)
    };
    let mut cut = None;
    for (line, line_at) in lines {
        if fields.len() == limits::HEAD_FIELDS {
            cut = Some(line_at);
            break;
        }
        let Some(colon) = memchr(b':', line) else { continue };
        let name = line[..colon].trim_ascii();
        let value = line[colon + 1..].trim_ascii();
        let value_at = line_at + (value.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
        fields.push(Field { name, value, at: value_at as u32 });
    }
    then(&Head { start_at: start_at as u32, at, raw: bytes, ..Head::new(version, start, &fields) });
    cut.map_or(Parsed::Yes { lenient: true }, Parsed::Part)
}

/// Replaces every line fold by spaces of the same length, so that offsets stay right.
fn unfold(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for i in 1..out.len() {
        if out[i - 1] == b'\n' && matches!(out[i], b' ' | b'\t') && i > 1 {
            out[i - 1] = b' ';
            if out[i - 2] == b'\r' {
                out[i - 2] = b' ';
            }
        }
    }
    out
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (&'a [u8], usize);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let rest = self.bytes.get(at..).filter(|r| !r.is_empty())?;
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        self.at = at + end + 1;
        let line = &rest[..end];
        Some((line.strip_suffix(b"\r").unwrap_or(line), at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_head_is_found_in_any_pieces() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
        for cut in 0..head.len() {
            let mut from = 0;
            let first = end(&head[..cut], &mut from);
            assert_eq!(first.or_else(|| end(head, &mut from)), Some(27), "cut at {cut}");
        }
        assert_eq!(end(b"GET / HTTP/1.0\nA: b\n\n", &mut 0), Some(21));
    }

    #[test]
    fn start_lines_are_told_from_other_bytes() {
        assert_eq!(is_request(b"GET / HTTP/1.1\r\n"), Some(true));
        assert_eq!(is_request(b"GET /a-long-target-that-goes-on"), Some(true));
        assert_eq!(is_request(b"BREW /pot HTTP/1.1\r\n"), Some(true));
        assert_eq!(is_request(b"GE"), None);
        assert_eq!(is_request(b"USER anonymous\r\n"), Some(false));
        assert_eq!(is_request(b"SSH-2.0-OpenSSH_9\r\n"), Some(false));
        assert_eq!(is_response(b"HTTP/1.1 200 OK\r\n"), Some(true));
        assert_eq!(is_response(b"HTTP/1."), None);
        assert_eq!(is_response(b"HTTP/2 200\r\n"), Some(false));
    }

    #[test]
    fn folded_and_sloppy_fields_are_read() {
        let head = b"GET /a b HTTP/1.1\r\nX-Long: one\r\n two\r\nBad Name : v\r\n\r\n";
        let mut seen = Vec::new();
        let parsed = parse(head, 0, true, |h| {
            seen = h.fields.iter().map(|f| (f.name.to_vec(), f.value.to_vec(), f.at)).collect();
            assert_eq!(h.start, Start::Request { method: b"GET", target: b"/a b" });
        });
        assert!(matches!(parsed, Parsed::Yes { lenient: true }));
        assert_eq!(seen[0], (b"X-Long".to_vec(), b"one   two".to_vec(), 27));
        assert_eq!(seen[1].1, b"v");
    }
}
