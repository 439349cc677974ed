//! What is secret in a text: tokens wherever they stand, credentials by their place and name. Where it is unsure, it is.

use super::Pseudonyms;
use super::pseudonym::NTLM_HEAD;
use super::recode::recode;
use crate::limits;
use crate::message::{
    Authorization, BodyFormat, Cookie, Field, Location, SetCookie, Start, cookies, json_members,
    multipart_fields,
};
use crate::policy::SecretPattern;
use crate::records::{credentials_in, field_credentials, secret_param};
use crate::token::{Scanner, find_json_form};
use std::ops::Range;

/// A secret in a text.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Where it stands, as it is encoded.
    pub(super) range: Range<usize>,
    /// The secret itself, all encodings undone.
    pub(super) value: Vec<u8>,
    pub(super) kind: Kind,
}

/// How a secret is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A token in compact form.
    Token,
    /// One segment of a token.
    Segment,
    /// Base64 of something secret, such as `user:password`.
    Base64,
    /// A message of NTLM (MS-NLMP section 2.2) in base64: its head stays.
    Ntlm,
    /// What a protocol names as secret: it may not be text.
    Raw,
    /// Anything else.
    Plain,
}

impl Kind {
    /// What stands for a secret of this kind.
    pub(super) fn pseudonym(self, value: &[u8], names: &Pseudonyms) -> Vec<u8> {
        match self {
            Self::Token => names.token(value),
            Self::Segment => names.segment(value),
            Self::Base64 => names.base64(value).unwrap_or_else(|| names.raw(value)),
            Self::Ntlm => {
                // Signature, type, and where in the rest everything stands.
                let head = value.len().min(NTLM_HEAD.div_ceil(3) * 4);
                [&value[..head], &names.segment(&value[head..])].concat()
            }
            Self::Raw => names.raw(value),
            Self::Plain => names.plain(value),
        }
    }
}

impl Found {
    /// What is to stand in its place, encoded as it was.
    pub(super) fn rewritten(&self, text: &[u8], names: &Pseudonyms) -> Vec<u8> {
        let raw = text.get(self.range.clone()).unwrap_or_default();
        let new = self.kind.pseudonym(&self.value, names);
        recode(raw, &self.value, &new).unwrap_or_else(|| names.plain(raw))
    }
}

/// Looks for secrets.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) scanner: &'a Scanner,
    pub(super) patterns: &'a [SecretPattern],
}

impl Look<'_> {
    /// Tokens in a text, and what the operator's patterns fit.
    pub(super) fn tokens(self, text: &[u8], found: &mut Vec<Found>) {
        self.scanner.find(text, &mut |hit| {
            found.push(Found { range: hit.range, value: hit.text.into_owned(), kind: Kind::Token });
        });
        self.patterns(text, found);
    }

    /// What the operator's patterns fit.
    pub(super) fn patterns(self, text: &[u8], found: &mut Vec<Found>) {
        for range in self.patterns.iter().flat_map(|pattern| pattern.spans(text)) {
            self.value(text, range, Kind::Plain, found);
        }
    }

    /// A value that is secret as a whole: the tokens in it, or all of it.
    pub(super) fn value(self, text: &[u8], range: Range<usize>, kind: Kind, found: &mut Vec<Found>) {
        let Some(raw) = text.get(range.clone()).filter(|raw| !raw.is_empty()) else { return };
        let before = found.len();
        self.scanner.find_in_value(raw, &mut |hit| {
            let range = range.start + hit.range.start..range.start + hit.range.end;
            found.push(Found { range, value: hit.text.into_owned(), kind: Kind::Token });
        });
        if found.len() == before || !matches!(kind, Kind::Plain | Kind::Raw) {
            let value = match kind {
                Kind::Plain if raw.contains(&b'%') => percent_encoding::percent_decode(raw).collect(),
                _ => raw.to_vec(),
            };
            found.push(Found { range, value, kind });
        }
    }

    /// The request target.
    pub(super) fn target(self, target: &[u8], found: &mut Vec<Found>) {
        self.tokens(target, found);
        for range in credentials_in(target) {
            self.value(target, range, Kind::Plain, found);
        }
    }

    /// The value of a field of a head that begins with `start`.
    pub(super) fn field(self, start: &Start<'_>, field: &Field<'_>, found: &mut Vec<Found>) {
        let value = field.value;
        let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
        if let Start::Message { fields: location, .. } = start {
            match location {
                Location::Sasl => return self.value(value, 0..value.len(), Kind::Base64, found),
                Location::Connect if secret_param(&name, value.len()) => {
                    return self.value(value, 0..value.len(), Kind::Raw, found);
                }
                _ => {}
            }
        }
        let mut cookie = |cookie: &Cookie<'_>| {
            self.value(value, cookie.at..cookie.at + cookie.value.len(), Kind::Plain, found);
        };
        match name.as_str() {
            "cookie" => cookies(value).for_each(|c| cookie(&c)),
            "set-cookie" => SetCookie::parse(value).iter().for_each(|set| cookie(&set.cookie)),
            "authorization" | "proxy-authorization" => self.authorization(value, found),
            "authentication-info" | "www-authenticate" | "proxy-authenticate" => {
                self.parameters(value, 0, found)
            }
            _ => {
                self.tokens(value, found);
                let Ok(text) = std::str::from_utf8(value) else { return };
                for range in field_credentials(&name, text, self.scanner) {
                    self.value(value, range, Kind::Plain, found);
                }
            }
        }
    }

    fn authorization(self, value: &[u8], found: &mut Vec<Found>) {
        let Some(auth) = Authorization::parse(value) else { return };
        let range = auth.at..auth.at + auth.credentials.len();
        let before = found.len();
        self.parameters(value, auth.at, found);
        if found.len() > before {
            return;
        }
        let kind = match auth.credentials {
            credentials if credentials.starts_with(b"TlRMTVNTUA") => Kind::Ntlm,
            _ if auth.is("basic") || auth.is("negotiate") || auth.is("ntlm") => Kind::Base64,
            _ => Kind::Plain,
        };
        self.value(value, range, kind, found);
    }

    /// Parameters that prove who somebody is: of Digest (RFC 7616), OAuth 1, HTTP signatures, AWS.
    fn parameters(self, value: &[u8], from: usize, found: &mut Vec<Found>) {
        const SECRET: [&str; 11] = [
            "response",
            "cnonce",
            "nonce",
            "nextnonce",
            "rspauth",
            "opaque",
            "username",
            "signature",
            "credential",
            "oauth_token",
            "oauth_signature",
        ];
        let mut at = from;
        for part in value.get(from..).unwrap_or_default().split(|b| matches!(b, b',' | b' ')) {
            let start = at;
            at += part.len() + 1;
            let Some(equals) = memchr::memchr(b'=', part) else { continue };
            let (name, text) = part.split_at(equals);
            if SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret.as_bytes())) {
                let text = text.get(1..).unwrap_or_default();
                let quotes = text.len() - text.strip_prefix(b"\"").unwrap_or(text).len();
                let inner = text.get(quotes..).unwrap_or_default();
                let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
                let begin = start + equals + 1 + quotes;
                self.value(value, begin..begin + inner.len(), Kind::Plain, found);
            }
        }
    }

    /// A body, all codings undone.
    pub(super) fn body(self, content_type: Option<&[u8]>, body: &[u8], found: &mut Vec<Found>) {
        self.tokens(body, found);
        let format = BodyFormat::tell(content_type, body.get(..512).unwrap_or(body));
        if format == BodyFormat::Binary {
            return;
        }
        for range in credentials_in(body) {
            self.value(body, range, Kind::Plain, found);
        }
        for range in private_keys(body) {
            found.push(Found {
                value: body.get(range.clone()).unwrap_or_default().to_vec(),
                range,
                kind: Kind::Plain,
            });
        }
        match format {
            BodyFormat::Json | BodyFormat::Fields => self.json(body, found),
            BodyFormat::Multipart { boundary } => {
                for part in multipart_fields(body, &boundary) {
                    if part.name.is_some_and(|name| secret_param(&name, part.value.len())) {
                        self.value(body, part.at..part.at + part.value.len(), Kind::Plain, found);
                    }
                }
            }
            _ => {}
        }
    }

    fn json(self, body: &[u8], found: &mut Vec<Found>) {
        let mut encrypted = false;
        for hit in find_json_form(body).0 {
            encrypted |= hit.token.is_encrypted();
            for range in [Some(hit.signature), hit.payload].into_iter().flatten() {
                let value = body.get(range.clone()).unwrap_or_default().to_vec();
                found.push(Found { range, value, kind: Kind::Segment });
            }
        }
        let keys = memchr::memmem::find(body, b"\"kty\"").is_some();
        json_members(body, limits::ENTRY_VALUES, &mut |member| {
            // RFC 7516 section 7.2: the parts of a JWE beside its ciphertext and its headers.
            if encrypted && matches!(&*member.name, "encrypted_key" | "iv" | "tag" | "aad") {
                let range = member.at..super::claims::string_end(body, member.at);
                let value = body.get(range.clone()).unwrap_or_default().to_vec();
                found.push(Found { range, value, kind: Kind::Segment });
                return;
            }
            let private = keys && matches!(&*member.name, "d" | "p" | "q" | "dp" | "dq" | "qi" | "k" | "oth");
            if private || secret_param(&member.name, member.value.len()) {
                let range = member.at..super::claims::string_end(body, member.at);
                let raw = body.get(range.clone()).unwrap_or_default();
                if raw == member.value.as_bytes() {
                    self.value(body, range, Kind::Plain, found);
                } else {
                    let value = member.value.as_bytes().to_vec();
                    found.push(Found { range, value, kind: Kind::Plain });
                }
            }
        });
    }
}

/// The lines between `-----BEGIN ... PRIVATE KEY-----` and its end (RFC 7468).
fn private_keys(text: &[u8]) -> Vec<Range<usize>> {
    const BEGIN: &[u8] = b"PRIVATE KEY-----";
    let mut all = Vec::new();
    let mut marks = memchr::memmem::find_iter(text, BEGIN);
    while let (Some(begin), Some(end)) = (marks.next(), marks.next()) {
        let lines = text.get(begin + BEGIN.len()..end).unwrap_or_default();
        let len = memchr::memmem::find(lines, b"-----END").unwrap_or(lines.len());
        all.push(begin + BEGIN.len()..begin + BEGIN.len() + len);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Direction;

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

    fn texts(text: &str, look: impl FnOnce(Look<'_>, &mut Vec<Found>)) -> Vec<String> {
        let (scanner, mut found) = (Scanner::new(), Vec::new());
        look(Look { scanner: &scanner, patterns: &[] }, &mut found);
        let names = Pseudonyms::with_key([1; 32]);
        found
            .iter()
            .map(|f| {
                let new = f.rewritten(text.as_bytes(), &names);
                assert_eq!(new.len(), f.range.len());
                assert_ne!(new, &text.as_bytes()[f.range.clone()], "{text}");
                text[f.range.clone()].to_owned()
            })
            .collect()
    }

    fn field(name: &str, value: &str) -> Vec<String> {
        let start = Start::Request { method: b"GET", target: b"/" };
        let field = Field { name: name.as_bytes(), value: value.as_bytes(), at: 0 };
        texts(value, |look, found| look.field(&start, &field, found))
    }

    #[test]
    fn fields_are_searched_by_their_names() {
        assert_eq!(field("Cookie", "a=1; theme=dark"), ["1", "dark"]);
        assert_eq!(field("Set-Cookie", "sid=x%3Dy1; Path=/; HttpOnly"), ["x%3Dy1"]);
        assert_eq!(field("Authorization", "Basic dXNlcjpwYXNz"), ["dXNlcjpwYXNz"]);
        assert_eq!(field("Authorization", &format!("Bearer {TOKEN}")), [TOKEN]);
        let digest = r#"Digest username="joe", realm="r", nonce="abc1", uri="/x", response="6629fae4""#;
        assert_eq!(field("Authorization", digest), ["joe", "abc1", "6629fae4"]);
        assert_eq!(field("X-Api-Key", "k1234567"), ["k1234567"]);
        assert!(field("Accept", "text/html").is_empty());
        assert_eq!(field("Referer", "http://a.test/?code=x1y2"), ["x1y2"]);
    }

    #[test]
    fn bodies_are_searched_by_their_formats() {
        let body = |kind: &str, text: &str| {
            texts(text, |look, found| look.body(Some(kind.as_bytes()), text.as_bytes(), found))
        };
        let form = "grant_type=password&password=hunter2&x=y";
        assert_eq!(body("application/x-www-form-urlencoded", form), ["hunter2"]);
        let json = r#"{"password":"hun\u0074er2","user":"joe","n":[{"access_token":"opaque1"}]}"#;
        assert_eq!(body("application/json", json), [r"hun\u0074er2", "opaque1"]);
        let parts = "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--b--\r\n";
        assert_eq!(body("multipart/form-data; boundary=b", parts), ["hunter2"]);
        let pem = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
        assert_eq!(body("text/plain", pem), ["\nMIIB\n"]);
        let jwk = r#"{"kty":"oct","k":"c2VjcmV0","kid":"1"}"#;
        assert_eq!(body("application/json", jwk), ["c2VjcmV0"]);
        let jwe = r#"{"ciphertext":"Y3Q","iv":"aXY","protected":"eyJlbmMiOiJBMTI4R0NNIn0","tag":"dGFn","aad":"YWFk","recipients":[{"header":{"alg":"A128KW"},"encrypted_key":"a2V5"}]}"#;
        assert_eq!(body("application/json", jwe), ["Y3Q", "aXY", "dGFn", "YWFk", "a2V5"]);
        assert!(body("application/json", r#"{"iv":"aXY","tag":"dGFn"}"#).is_empty(), "no JWE");
        assert_eq!(body("text/html", &format!("<a href='?t={TOKEN}'>")), [TOKEN]);
    }

    #[test]
    fn logins_of_other_protocols() {
        let start = Start::Message {
            dir: Direction::Request,
            location: Location::Connect,
            fields: Location::Connect,
        };
        let password = Field { name: b"password", value: b"hunter2", at: 0 };
        assert_eq!(texts("hunter2", |look, found| look.field(&start, &password, found)), ["hunter2"]);
    }
}
