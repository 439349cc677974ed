//! Tokens in message heads: which part of which field, with every part named.

use super::body::{Found, Text};
use crate::message::{
    Authorization, BASE64, Cookie, Direction, Field, Head, Location, Place, Raw, SetCookie, Start, Target,
    chunk_base, cookies, label,
};
use crate::protocol::Trail;
use crate::token::{Scanner, Token, Wrappings, find_json_form};
use base64::Engine as _;
use std::sync::Arc;

/// Finds tokens in one head.
pub(super) struct HeadScan<'a> {
    pub(super) scanner: &'a Scanner,
    pub(super) trail: &'a Trail,
    /// Layer offset of the head.
    pub(super) at: u64,
    pub(super) found: &'a mut Vec<Found>,
}

impl HeadScan<'_> {
    /// Looks through the whole head of a message.
    pub(super) fn head(&mut self, head: &Head<'_>, trailer: bool) {
        let mut starts = Starts { scanner: self.scanner, raw: head.raw, next: 0 };
        if !head.raw.is_empty() && !starts.any() && !head.fields.iter().any(encoded) {
            return;
        }
        let direction = head.start.direction();
        if let Start::Message { fields: location, .. } = head.start {
            let sasl = location == Location::Sasl;
            for field in head.fields.iter().filter(|f| sasl || starts.within(f.value, f.at)) {
                if sasl {
                    self.sasl(field);
                } else {
                    self.plain(field, location);
                }
            }
            return;
        }
        if let Start::Request { target, .. } = head.start
            && !trailer
            && starts.within(target, head.start_at)
        {
            self.target(target, head.start_at.into());
        }
        let mut jars = false;
        for field in head.fields {
            // Of a head with a token nearly every field has none.
            if !starts.within(field.value, field.at) && !encoded(field) {
                continue;
            }
            if trailer {
                self.plain(field, Location::Trailer);
            } else if self.field(field, direction) && !jars {
                jars = true;
                self.jars(head, direction);
            }
        }
    }

    /// Looks through one field; true if it is one of those whose cookies belong together.
    fn field(&mut self, field: &Field<'_>, direction: Direction) -> bool {
        let name = field.name.to_ascii_lowercase();
        let at = u64::from(field.at);
        match (direction, name.as_slice()) {
            (Direction::Request, b"authorization" | b"proxy-authorization") => {
                let basic = Authorization::parse(field.value)
                    .and_then(|a| Some((a.at, a.credentials.len(), a.basic()?)));
                let Some((credentials, len, basic)) = basic else {
                    self.plain(field, Location::Header);
                    return false;
                };
                let place = Place::named(Location::Header, String::from_utf8_lossy(&name));
                let mut hits = Vec::new();
                let mut hit = |text: &[u8]| hits.push(text.to_vec());
                self.scanner.find_in_value(basic.user(), &mut |h| hit(&h.text));
                self.scanner.find_in_value(basic.password(), &mut |h| hit(&h.text));
                for text in hits {
                    let raw = (at + credentials as u64, len as u64);
                    self.push(text, Wrappings::of_base64(), place.clone(), raw);
                }
            }
            // Cookies of all fields together: see `jars`.
            (Direction::Request, b"cookie") | (Direction::Response, b"set-cookie") => return true,
            (Direction::Request, b"referer") => {
                let target = Target::reference(field.value);
                let mut any = false;
                for param in target.query_params() {
                    any |= self.param(param.value, param.label().as_deref(), at, Location::Referer);
                }
                if !any {
                    self.value(field.value, at, Location::Referer, None);
                }
            }
            (Direction::Response, b"location" | b"content-location" | b"refresh") => {
                let target = Target::reference(field.value);
                let mut any = false;
                for param in target.fragment_params() {
                    any |= self.param(param.value, param.label().as_deref(), at, Location::Fragment);
                }
                let end = target.fragment.map_or(field.value.len(), |f| f.at);
                let before = &field.value[..if any { end.min(field.value.len()) } else { field.value.len() }];
                self.value(before, at, Location::Header, Some(&String::from_utf8_lossy(&name)));
            }
            _ => self.plain(field, Location::Header),
        }
        false
    }

    fn plain(&mut self, field: &Field<'_>, location: Location) {
        // A field of HTTP/2 whose name is lost has none.
        let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
        self.value(field.value, field.at.into(), location, Some(&*name).filter(|n| !n.is_empty()));
    }

    /// A message of SASL, as it is or in base64: the token need not stand at its beginning.
    fn sasl(&mut self, field: &Field<'_>) {
        let name = String::from_utf8_lossy(field.name);
        let raw = u64::from(field.at);
        if self.value(field.value, raw, Location::Sasl, Some(&name)) {
            return;
        }
        let Ok(decoded) = BASE64.decode(field.value) else { return };
        let mut hits = Vec::new();
        self.scanner.find(&decoded, &mut |h| hits.push((h.range.clone(), h.text.to_vec(), h.wrappings)));
        for (range, text, wrappings) in hits {
            // Three bytes stand in four characters.
            let (from, to) = (range.start * 4 / 3, (range.end * 4).div_ceil(3).min(field.value.len()));
            let span = (raw + from as u64, to.saturating_sub(from) as u64);
            let place = Place::named(Location::Sasl, &*name);
            self.push(text, Wrappings::of_base64().then(wrappings), place, span);
        }
    }

    /// A request target: query, fragment, user information, path.
    fn target(&mut self, target: &[u8], at: u64) {
        let parsed = Target::parse(target);
        for param in parsed.query_params() {
            self.param(param.value, param.label().as_deref(), at, Location::Query);
        }
        for param in parsed.fragment_params() {
            self.param(param.value, param.label().as_deref(), at, Location::Fragment);
        }
        if let Some(userinfo) = parsed.userinfo {
            self.param(userinfo, None, at, Location::Userinfo);
        }
        for segment in parsed.segments() {
            self.param(segment, None, at, Location::Path);
        }
    }

    fn param(&mut self, value: Raw<'_>, name: Option<&str>, at: u64, location: Location) -> bool {
        self.value(value.bytes, at + value.at as u64, location, name)
    }

    /// The cookies of all fields of a head.
    fn jars(&mut self, head: &Head<'_>, direction: Direction) {
        let mut jar = Vec::new();
        let name = if direction == Direction::Request { "cookie" } else { "set-cookie" };
        for field in head.fields.iter().filter(|f| f.name.eq_ignore_ascii_case(name.as_bytes())) {
            match direction {
                Direction::Request => {
                    cookies(field.value).for_each(|c| jar.push((field.at as usize + c.at, c)))
                }
                Direction::Response => {
                    jar.extend(
                        SetCookie::parse(field.value).map(|s| (field.at as usize + s.cookie.at, s.cookie)),
                    );
                }
            }
        }
        if !jar.is_empty() {
            let location =
                if direction == Direction::Request { Location::Cookie } else { Location::SetCookie };
            self.cookies(&jar, location);
        }
    }

    /// Searches cookies; those that were split because they were too long are joined first.
    fn cookies(&mut self, jar: &[(usize, Cookie<'_>)], location: Location) {
        let mut chunks: Vec<(String, u32, usize)> = Vec::new();
        for (i, (_, cookie)) in jar.iter().enumerate() {
            let name = String::from_utf8_lossy(cookie.name);
            chunks.extend(chunk_base(&name).map(|(base, index)| (base.to_owned(), index, i)));
        }
        chunks.sort();
        chunks.dedup_by(|a, b| a.0 == b.0 && a.1 == b.1);
        let split: Vec<_> = chunks.chunk_by(|a, b| a.0 == b.0).filter(|c| c.len() > 1).collect();
        for (i, (at, cookie)) in jar.iter().enumerate() {
            if !split.iter().flat_map(|c| c.iter()).any(|(.., j)| *j == i) {
                let name = String::from_utf8_lossy(cookie.name);
                self.value(cookie.value, *at as u64, location, label(&name));
            }
        }
        for chunks in split {
            let joined: Vec<u8> = chunks.iter().flat_map(|(.., i)| jar[*i].1.value.iter().copied()).collect();
            let Some((name, _, first)) = chunks.first() else { continue };
            let (at, cookie) = &jar[*first];
            let mut hits = Vec::new();
            self.scanner.find_in_value(&joined, &mut |h| hits.push((h.text.to_vec(), h.wrappings)));
            for (text, wrappings) in hits {
                let place = Place::new(location, label(name).map(Into::into));
                self.push(text, wrappings.split(), place, (*at as u64, cookie.value.len() as u64));
            }
        }
    }

    fn value(&mut self, value: &[u8], at: u64, location: Location, name: Option<&str>) -> bool {
        let mut hits = Vec::new();
        self.scanner
            .find_in_value(value, &mut |h| hits.push((h.range.clone(), h.text.to_vec(), h.wrappings)));
        let place = Place::new(location, name.map(Into::into));
        let mut any = !hits.is_empty();
        for (range, text, wrappings) in hits {
            self.push(text, wrappings, place.clone(), (at + range.start as u64, range.len() as u64));
        }
        let (mut tokens, wrappings) = in_json(value);
        if !any && tokens.is_empty() {
            tokens.extend(with_foreign_characters(value));
        }
        any |= !tokens.is_empty();
        for token in tokens {
            self.push_text(Text::Read(Arc::new(token)), wrappings, place.clone(), (at, value.len() as u64));
        }
        any
    }

    fn push(&mut self, text: Vec<u8>, wrappings: Wrappings, place: Place, span: (u64, u64)) {
        self.push_text(Text::Compact(text), wrappings, place, span);
    }

    fn push_text(&mut self, text: Text, wrappings: Wrappings, place: Place, (at, len): (u64, u64)) {
        let at = self.at.wrapping_add(at);
        let (position, spans) = (self.trail.position(at), self.trail.spans(at, len));
        self.found.push(Found { text, wrappings, place, position, spans });
    }
}

/// Tokens in JSON serialisation in a value, as it is or percent-encoded.
fn in_json(value: &[u8]) -> (Vec<Token>, Wrappings) {
    let mut wrappings = Wrappings::default();
    let find = |text: &[u8]| -> Vec<Token> {
        let Some(at) = memchr::memchr(b'{', text).filter(|_| hints_at_json_value(text)) else {
            return Vec::new();
        };
        find_json_form(&text[at..]).0.into_iter().map(|hit| hit.token).collect()
    };
    if memchr::memchr(b'{', value).is_some() || memchr::memchr(b'%', value).is_none() {
        return (find(value), wrappings);
    }
    wrappings = wrappings.percent();
    (find(&percent_encoding::percent_decode(value).collect::<Vec<_>>()), wrappings)
}

/// Whether a value may hold a token in JSON serialisation.
fn hints_at_json_value(text: &[u8]) -> bool {
    [&b"\"signature\""[..], b"\"ciphertext\""].iter().any(|name| memchr::memmem::find(text, name).is_some())
}

/// A token that is all there is in a value, behind a scheme perhaps, with characters in it that belong to none.
fn with_foreign_characters(value: &[u8]) -> Option<Token> {
    let text = value.trim_ascii();
    let text = memchr::memrchr(b' ', text).map_or(text, |at| &text[at + 1..]);
    let dots = memchr::memchr_iter(b'.', text).count();
    if matches!(dots, 2 | 4) && text.starts_with(b"e") { Token::parse_skipping(text) } else { None }
}

/// Where in a head tokens may start: its parts are asked in order, and nothing is searched twice.
struct Starts<'a> {
    scanner: &'a Scanner,
    raw: &'a [u8],
    /// The first one that was not passed by.
    next: usize,
}

impl Starts<'_> {
    fn any(&mut self) -> bool {
        self.next = self.scanner.next(self.raw, 0).unwrap_or(self.raw.len());
        self.next < self.raw.len()
    }

    /// Whether the part of the head at offset `at` has to be looked through.
    fn within(&mut self, part: &[u8], at: u32) -> bool {
        if memchr::memchr(b'%', part).is_some() {
            return true;
        }
        if self.raw.is_empty() {
            return self.scanner.touches(part);
        }
        let at = at as usize;
        if self.next < at {
            self.next = self.scanner.next(self.raw, at).unwrap_or(self.raw.len());
        }
        self.next < at + part.len()
    }
}

/// Whether a field has to be decoded before it can be searched.
fn encoded(field: &Field<'_>) -> bool {
    match field.name.len() {
        13 => field.name.eq_ignore_ascii_case(b"authorization") && field.value.len() > 40,
        19 => field.name.eq_ignore_ascii_case(b"proxy-authorization") && field.value.len() > 40,
        _ => false,
    }
}
