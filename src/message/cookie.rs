//! Cookies, read as browsers and servers read them rather than as RFC 6265 section 4 says to write them.

use super::url::Raw;

/// One cookie of a `Cookie` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// Name, as sent; empty if there is no `=`.
    pub name: &'a [u8],
    /// Value without the quotes around it.
    pub value: &'a [u8],
    /// Offset of the value in the field's value.
    pub at: usize,
}

/// The cookies of a `Cookie` field's value (RFC 6265 section 4.2).
pub fn cookies(value: &[u8]) -> impl Iterator<Item = Cookie<'_>> {
    Raw::new(value).split(b';').map(pair).filter(|c| !(c.name.is_empty() && c.value.is_empty()))
}

/// `SameSite` (RFC 6265bis section 5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never sent from other sites.
    Strict,
    /// Sent on navigation from other sites.
    Lax,
    /// Always sent.
    None,
}

/// The value of a `Set-Cookie` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetCookie<'a> {
    /// Name and value.
    pub cookie: Cookie<'a>,
    /// `Secure`.
    pub secure: bool,
    /// `HttpOnly`.
    pub http_only: bool,
    /// `SameSite`, if it has a known value.
    pub same_site: Option<SameSite>,
    /// `Path`, if it begins with `/`.
    pub path: Option<&'a [u8]>,
    /// `Domain` without a leading dot; `None` for a host-only cookie.
    pub domain: Option<&'a [u8]>,
    /// `Max-Age` in seconds, saturated.
    pub max_age: Option<i64>,
    /// `Expires`, as sent.
    pub expires: Option<&'a [u8]>,
    /// `Partitioned`.
    pub partitioned: bool,
}

impl<'a> SetCookie<'a> {
    /// Reads a field's value (RFC 6265 section 5.2); the last of repeated attributes counts. `None` if there is
    /// neither a name nor a value.
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let mut parts = Raw::new(value).split(b';');
        let cookie = parts.next().map(pair).filter(|c| !(c.name.is_empty() && c.value.is_empty()))?;
        let mut set = Self {
            cookie,
            secure: false,
            http_only: false,
            same_site: None,
            path: None,
            domain: None,
            max_age: None,
            expires: None,
            partitioned: false,
        };
        for part in parts {
            let end = memchr::memchr(b'=', part.bytes).unwrap_or(part.bytes.len());
            let name = part.bytes.get(..end).unwrap_or_default().trim_ascii();
            let value = part.bytes.get(end + 1..).unwrap_or_default().trim_ascii();
            set.attribute(&name.to_ascii_lowercase(), value);
        }
        Some(set)
    }

    fn attribute(&mut self, name: &[u8], value: &'a [u8]) {
        match name {
            b"secure" => self.secure = true,
            b"httponly" => self.http_only = true,
            b"partitioned" => self.partitioned = true,
            b"samesite" => {
                let is = |known: &[u8]| value.eq_ignore_ascii_case(known);
                self.same_site = match () {
                    () if is(b"strict") => Some(SameSite::Strict),
                    () if is(b"lax") => Some(SameSite::Lax),
                    () if is(b"none") => Some(SameSite::None),
                    () => None,
                };
            }
            b"path" => self.path = value.starts_with(b"/").then_some(value),
            b"domain" => {
                let domain = value.strip_prefix(b".").unwrap_or(value);
                self.domain = (!domain.is_empty()).then_some(domain);
            }
            b"max-age" => self.max_age = seconds(value).or(self.max_age),
            b"expires" => self.expires = Some(value),
            _ => {}
        }
    }
}

/// The base and index of the name of one part of a cookie that was split because it was too long: `name.0`,
/// `name.1` (NextAuth, Supabase, Auth0), `name_0`, and ASP.NET's `nameC1`, which counts from 1.
pub fn chunk_base(name: &str) -> Option<(&str, u32)> {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (base, index) = name.split_at_checked(name.len() - digits)?;
    let number = (1..=2).contains(&digits) && (digits == 1 || !index.starts_with('0'));
    let index = index.parse().ok().filter(|_| number)?;
    let base = base.strip_suffix(['.', '_']).or_else(|| base.strip_suffix('C').filter(|_| index > 0))?;
    (!base.is_empty()).then_some((base, index))
}

/// `name=value` without white space around either and without quotes around the value.
fn pair(raw: Raw<'_>) -> Cookie<'_> {
    let equals = memchr::memchr(b'=', raw.bytes);
    let name = equals.and_then(|i| raw.bytes.get(..i)).unwrap_or_default().trim_ascii();
    let from = equals.map_or(0, |i| i + 1);
    let rest = raw.bytes.get(from..).unwrap_or_default();
    let start = rest.trim_ascii_start();
    let mut at = raw.at + from + rest.len() - start.len();
    let mut value = start.trim_ascii_end();
    if let Some(bare) = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")) {
        value = bare;
        at += 1;
    }
    Cookie { name, value, at }
}

/// `Max-Age` (RFC 6265 section 5.2.2).
fn seconds(value: &[u8]) -> Option<i64> {
    let (negative, digits) = value.strip_prefix(b"-").map_or((false, value), |rest| (true, rest));
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let n = digits.iter().fold(0_i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0')));
    Some(if negative { -n } else { n })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cookies_are_split_with_their_offsets() {
        let value = b"a=1; b = \"x y\" ;c=d==;; bare;=e; q=\"";
        let all: Vec<_> = cookies(value).collect();
        let plain: Vec<_> = all.iter().map(|c| (c.name, c.value)).collect();
        let expected: [(&[u8], &[u8]); 6] =
            [(b"a", b"1"), (b"b", b"x y"), (b"c", b"d=="), (b"", b"bare"), (b"", b"e"), (b"q", b"\"")];
        assert_eq!(plain, expected);
        for c in &all {
            assert_eq!(&value[c.at..c.at + c.value.len()], c.value);
        }
    }

    #[test]
    fn attributes_are_read_whatever_their_case_and_order() {
        let set = SetCookie::parse(
            b"sid=\"abc\"; HTTPONLY; secure;path=/x; Domain=.A.test; SameSite=lax;max-age=-5; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Partitioned",
        )
        .unwrap();
        assert_eq!((set.cookie.name, set.cookie.value, set.cookie.at), (&b"sid"[..], &b"abc"[..], 5));
        assert!(set.secure && set.http_only && set.partitioned);
        assert_eq!((set.path, set.domain, set.max_age), (Some(&b"/x"[..]), Some(&b"A.test"[..]), Some(-5)));
        assert_eq!((set.same_site, set.expires.map(<[u8]>::len)), (Some(SameSite::Lax), Some(29)));
        let set =
            SetCookie::parse(b"a=b; path=x; domain=; max-age=1x; samesite=odd; max-age=99999999999999999999")
                .unwrap();
        assert_eq!((set.path, set.domain, set.max_age, set.same_site), (None, None, Some(i64::MAX), None));
        assert_eq!(SetCookie::parse(b"; secure"), None);
    }

    #[test]
    fn parts_of_split_cookies_are_told() {
        assert_eq!(chunk_base("next-auth.session-token.0"), Some(("next-auth.session-token", 0)));
        assert_eq!(chunk_base("sb-x-auth-token.12"), Some(("sb-x-auth-token", 12)));
        assert_eq!(chunk_base(".AspNetCore.CookiesC2"), Some((".AspNetCore.Cookies", 2)));
        for name in ["a", "a.", ".0", "v2", "C1", "a.01", "a.123", "aC0", ""] {
            assert_eq!(chunk_base(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_value_stands_where_it_says(text in "[a-z=;\" ]{0,40}") {
            for c in cookies(text.as_bytes()).chain(SetCookie::parse(text.as_bytes()).map(|s| s.cookie)) {
                prop_assert_eq!(&text.as_bytes()[c.at..c.at + c.value.len()], c.value);
            }
            let _ = chunk_base(&text);
        }
    }
}
