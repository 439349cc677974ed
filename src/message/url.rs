//! Request targets and URLs, split without being changed: every part keeps its offset (RFC 3986, RFC 9112
//! section 3.2).

use super::{Location, Place, text::label};
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// Bytes as sent, and where they stand in what was parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raw<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Offset of the first.
    pub at: usize,
}

impl<'a> Raw<'a> {
    /// The whole of something, from offset 0.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether `offset` stands in it (or at its end).
    pub const fn holds(&self, offset: usize) -> bool {
        self.at <= offset && offset <= self.at + self.bytes.len()
    }

    /// Splits at `i`; the byte there belongs to neither.
    fn cut(self, i: usize) -> (Self, Self) {
        let after = self.bytes.get(i + 1..).unwrap_or_default();
        (self.head(i), Self { bytes: after, at: self.at + (i + 1).min(self.bytes.len()) })
    }

    fn head(self, i: usize) -> Self {
        Self { bytes: self.bytes.get(..i).unwrap_or(self.bytes), at: self.at }
    }

    fn tail(self, i: usize) -> Self {
        Self { bytes: self.bytes.get(i..).unwrap_or_default(), at: self.at + i.min(self.bytes.len()) }
    }

    /// Splits at the first `byte`, which belongs to neither part.
    fn cut_at(self, byte: u8) -> (Self, Option<Self>) {
        match memchr::memchr(byte, self.bytes) {
            Some(i) => {
                let (a, b) = self.cut(i);
                (a, Some(b))
            }
            None => (self, None),
        }
    }

    /// Its parts between `byte`s.
    pub(super) fn split(self, byte: u8) -> impl Iterator<Item = Self> {
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let (part, next) = rest?.cut_at(byte);
            rest = next;
            Some(part)
        })
    }
}

/// A `name=value` pair of a query, fragment, form or matrix parameter, as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// Before the first `=`; empty if there is none.
    pub name: Raw<'a>,
    /// After it; the whole pair if there is none.
    pub value: Raw<'a>,
}

impl<'a> Param<'a> {
    pub(super) fn new(pair: Raw<'a>) -> Self {
        match pair.cut_at(b'=') {
            (name, Some(value)) => Self { name, value },
            (value, None) => Self { name: pair.head(0), value },
        }
    }

    /// The name, decoded as a form's (`+` is a space); `None` if it is empty or may not be shown (a token).
    pub fn label(&self) -> Option<Box<str>> {
        label(&form_decode(self.name.bytes)).map(Into::into)
    }
}

/// Parameters of a query string, or of a form that stands in `raw` (`application/x-www-form-urlencoded`).
pub fn params(raw: Raw<'_>) -> impl Iterator<Item = Param<'_>> {
    raw.split(b'&').filter(|pair| !pair.bytes.is_empty()).map(Param::new)
}

/// A request target or URL in parts, as sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// Scheme of the absolute form.
    pub scheme: Option<Raw<'a>>,
    /// `user:password` before the host (RFC 3986 section 3.2.1).
    pub userinfo: Option<Raw<'a>>,
    /// `host:port`, of the absolute form and of CONNECT.
    pub host: Option<Raw<'a>>,
    /// Path; `*` for the asterisk form, empty for CONNECT.
    pub path: Raw<'a>,
    /// Query without `?`.
    pub query: Option<Raw<'a>>,
    /// Fragment without `#` (never sent in a request by a sane client).
    pub fragment: Option<Raw<'a>>,
}

impl<'a> Target<'a> {
    /// Splits the target of a request: origin, absolute, authority or asterisk form.
    pub fn parse(target: &'a [u8]) -> Self {
        let raw = Raw::new(target);
        // Nearly all begin so, and then there is no scheme and no host.
        if target.first() == Some(&b'/') {
            return Self::local(raw);
        }
        let bare = !target.iter().any(|b| matches!(b, b'/' | b'?' | b'#'));
        if bare && memchr::memchr(b':', target).is_some() {
            return Self::default().authority(raw);
        }
        Self::split(raw, false)
    }

    /// Splits a URL reference (`Location`, `Referer`), where `//host/path` has a host (RFC 3986 section 4.2).
    pub fn reference(url: &'a [u8]) -> Self {
        Self::split(Raw::new(url), true)
    }

    /// Query parameters.
    pub fn query_params(&self) -> impl Iterator<Item = Param<'a>> {
        params(self.query.unwrap_or_default())
    }

    /// Parameters in the fragment: all of it, or what follows its own `?` (`#/route?a=b`).
    pub fn fragment_params(&self) -> impl Iterator<Item = Param<'a>> {
        let (all, query) = self.fragment.unwrap_or_default().cut_at(b'?');
        params(query.unwrap_or(all))
    }

    /// Segments of the path with their matrix parameters.
    pub fn segments(&self) -> impl Iterator<Item = Raw<'a>> {
        let skip = usize::from(self.path.bytes.starts_with(b"/"));
        self.path.tail(skip).split(b'/')
    }

    /// Matrix parameters of all segments (`/a;v=1/b`; RFC 3986 section 3.3).
    pub fn matrix_params(&self) -> impl Iterator<Item = Param<'a>> {
        self.segments().flat_map(|s| s.split(b';').skip(1)).map(Param::new)
    }

    /// The place of the byte at `offset`: a parameter of query, path or fragment, or the part of the URL.
    pub fn place_at(&self, offset: usize) -> Place {
        let holds = |raw: Option<Raw<'_>>| raw.is_some_and(|r| r.holds(offset));
        let named = |location, param: Option<Param<'_>>| Place::new(location, param.and_then(|p| p.label()));
        let near = |p: &Param<'_>| p.value.holds(offset);
        if holds(self.query) {
            named(Location::Query, self.query_params().find(near))
        } else if holds(self.fragment) {
            named(Location::Fragment, self.fragment_params().find(near))
        } else if holds(self.userinfo) {
            Place::unnamed(Location::Userinfo)
        } else {
            named(Location::Path, self.matrix_params().find(near))
        }
    }

    /// Path, query and fragment.
    fn local(raw: Raw<'a>) -> Self {
        if memchr::memchr2(b'?', b'#', raw.bytes).is_none() {
            return Self { path: raw, ..Self::default() };
        }
        let (raw, fragment) = raw.cut_at(b'#');
        let (path, query) = raw.cut_at(b'?');
        Self { query, fragment, path, ..Self::default() }
    }

    fn split(raw: Raw<'a>, reference: bool) -> Self {
        let mut this = Self::local(raw);
        let raw = this.path;
        let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let colon = raw.bytes.iter().position(|b| !word(b)).filter(|&i| i > 0);
        let rest = match colon.filter(|&i| raw.tail(i).bytes.starts_with(b"://")) {
            Some(i) => {
                this.scheme = Some(raw.head(i));
                raw.tail(i + 3)
            }
            None if reference && raw.bytes.starts_with(b"//") => raw.tail(2),
            None => return this,
        };
        let end = memchr::memchr(b'/', rest.bytes).unwrap_or(rest.bytes.len());
        this.path = rest.tail(end);
        this.authority(rest.head(end))
    }

    fn authority(mut self, raw: Raw<'a>) -> Self {
        self.host = Some(raw);
        if let Some(i) = memchr::memrchr(b'@', raw.bytes) {
            let (userinfo, host) = raw.cut(i);
            self.userinfo = Some(userinfo);
            self.host = Some(host);
        }
        self
    }
}

/// Percent-encoding undone once (RFC 3986 section 2.1); what is no escape stays.
fn percent_decode_once(raw: &[u8]) -> Cow<'_, [u8]> {
    percent_decode(raw).into()
}

/// Percent-encoding undone twice.
pub fn percent_decode_twice(raw: &[u8]) -> Cow<'_, [u8]> {
    match percent_decode_once(raw) {
        Cow::Borrowed(raw) => Cow::Borrowed(raw),
        Cow::Owned(once) => match percent_decode_once(&once) {
            Cow::Owned(twice) => Cow::Owned(twice),
            Cow::Borrowed(_) => Cow::Owned(once),
        },
    }
}

/// A name or value of a form or query as text: `+` is a space, percent-encoding undone once.
pub fn form_decode(raw: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'+', raw).is_none() {
        return percent_decode(raw).decode_utf8_lossy();
    }
    let spaced: Vec<u8> = raw.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    Cow::Owned(percent_decode(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(raw: Option<Raw<'_>>) -> Option<&str> {
        raw.map(|r| std::str::from_utf8(r.bytes).unwrap())
    }

    fn decoded(raw: Raw<'_>) -> Cow<'_, str> {
        percent_decode(raw.bytes).decode_utf8_lossy()
    }

    #[test]
    fn all_four_forms_are_split() {
        let t = Target::parse(b"/a/b;v=1?x=1&y#f");
        assert_eq!(
            (text(Some(t.path)), text(t.query), text(t.fragment)),
            (Some("/a/b;v=1"), Some("x=1&y"), Some("f"))
        );
        assert_eq!((t.host, t.scheme), (None, None));
        let t = Target::parse(b"http://u:p@h.test:80/p?q");
        assert_eq!(
            (text(t.scheme), text(t.userinfo), text(t.host)),
            (Some("http"), Some("u:p"), Some("h.test:80"))
        );
        assert_eq!((text(Some(t.path)), t.path.at, text(t.query)), (Some("/p"), 20, Some("q")));
        let t = Target::parse(b"h.test:443");
        assert_eq!((text(t.host), t.path.bytes.len()), (Some("h.test:443"), 0));
        assert_eq!(Target::parse(b"*").path.bytes, b"*");
        assert_eq!(Target::parse(b"//x/y").host, None);
        assert_eq!(text(Target::reference(b"//x/y").host), Some("x"));
        let t = Target::parse(b"http://h?redirect=http://u@v/");
        assert_eq!(
            (text(t.host), text(t.query), t.path.bytes.len()),
            (Some("h"), Some("redirect=http://u@v/"), 0)
        );
        assert_eq!(Target::parse(b"").path.bytes, b"");
    }

    #[test]
    fn parameters_keep_their_offsets() {
        let target = b"/s;m=1/t;n=2?a+b=x%20y&&bare&c==d#access_token=z&state=s";
        let t = Target::parse(target);
        let all: Vec<_> = t.query_params().map(|p| (p.label().map(String::from), decoded(p.value))).collect();
        assert_eq!(all[0], (Some("a b".into()), "x y".into()));
        assert_eq!(all[1], (None, "bare".into()));
        assert_eq!(all[2], (Some("c".into()), "=d".into()));
        for p in t.query_params().chain(t.fragment_params()).chain(t.matrix_params()) {
            assert_eq!(&target[p.value.at..p.value.at + p.value.bytes.len()], p.value.bytes);
            assert!(p.value.holds(p.value.at) && !p.value.holds(p.value.at + p.value.bytes.len() + 1));
        }
        assert_eq!(t.fragment_params().next().and_then(|p| p.label()).as_deref(), Some("access_token"));
        assert_eq!(t.matrix_params().map(|p| decoded(p.value)).collect::<Vec<_>>(), ["1", "2"]);
        let route = Target::reference(b"https://h/#/cb?id_token=x");
        assert_eq!(route.fragment_params().next().and_then(|p| p.label()).as_deref(), Some("id_token"));
        assert_eq!(route.segments().count(), 1);
    }

    #[test]
    fn places_in_a_url_are_named() {
        let url = b"https://U@h/P1/x;m=P2?a=Q1&Q2#access%5Ftoken=FRAG";
        let at = |text: &str| {
            let place = Target::reference(url).place_at(memchr::memmem::find(url, text.as_bytes()).unwrap());
            (place.location.as_str(), place.name.map(String::from))
        };
        assert_eq!(at("U@"), ("userinfo", None));
        assert_eq!(at("P1"), ("path", None));
        assert_eq!(at("P2"), ("path", Some("m".into())));
        assert_eq!(at("Q1"), ("query", Some("a".into())));
        assert_eq!(at("Q2"), ("query", None));
        assert_eq!(at("FRAG"), ("fragment", Some("access_token".into())));
    }

    #[test]
    fn percent_is_undone_once_or_twice() {
        assert_eq!(&*percent_decode_once(b"a%2Eb%zz"), b"a.b%zz");
        assert_eq!(&*percent_decode_twice(b"a%252Eb"), b"a.b");
        assert_eq!(&*percent_decode_twice(b"plain"), b"plain");
    }

    proptest! {
        #[test]
        fn every_part_stands_where_it_says(target in "[a-z:/?#@&;=%.*\\[\\]]{0,40}") {
            for t in [Target::parse(target.as_bytes()), Target::reference(target.as_bytes())] {
                let parts = [t.scheme, t.userinfo, t.host, Some(t.path), t.query, t.fragment];
                let params = t.query_params().chain(t.fragment_params()).chain(t.matrix_params());
                let all = parts.into_iter().flatten().chain(params.flat_map(|p| [p.name, p.value])).chain(t.segments());
                for raw in all {
                    if !raw.bytes.is_empty() {
                        prop_assert_eq!(&target.as_bytes()[raw.at..raw.at + raw.bytes.len()], raw.bytes);
                    }
                }
            }
        }
    }
}
