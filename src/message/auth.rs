//! The `Authorization` field (RFC 9110 section 11.6.2).

use super::{BASE64, BASE64URL};
use ::base64::Engine as _;
use std::ops::Range;

/// A scheme and its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// Scheme, as sent; empty where the value is one bare word (a token without `Bearer`).
    pub scheme: &'a [u8],
    /// What follows it, without white space around.
    pub credentials: &'a [u8],
    /// Offset of the credentials in the field's value.
    pub at: usize,
}

impl<'a> Authorization<'a> {
    /// Reads the value of `Authorization` or `Proxy-Authorization`; `None` if it is empty.
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let start = value.len() - value.trim_ascii_start().len();
        let text = value.trim_ascii();
        if text.is_empty() {
            return None;
        }
        let (scheme, rest) = match text.iter().position(u8::is_ascii_whitespace) {
            Some(end) => text.split_at(end),
            // A bare word: a scheme's name alone, or credentials alone.
            None if text.len() <= 16 && text.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-') => {
                (text, &text[text.len()..])
            }
            None => text.split_at(0),
        };
        let credentials = rest.trim_ascii_start();
        Some(Self { scheme, credentials, at: start + text.len() - credentials.len() })
    }

    /// Whether the scheme is `name` (case-insensitive, RFC 9110 section 11.1).
    pub fn is(&self, name: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The user and password of Basic (RFC 7617 section 2); `None` for other schemes and what is not base64.
    pub fn basic(&self) -> Option<Basic> {
        if self.is("basic") { Basic::decode(self.credentials) } else { None }
    }
}

/// Decoded credentials of Basic: user, colon, password. It does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Basic {
    bytes: Vec<u8>,
    colon: usize,
}

impl Basic {
    /// Decodes base64 of either alphabet, with or without padding; the first colon splits. Without one all is the
    /// user.
    pub fn decode(credentials: &[u8]) -> Option<Self> {
        let url = credentials.iter().any(|b| matches!(b, b'-' | b'_'));
        let engine = if url { BASE64URL } else { BASE64 };
        let bytes = engine.decode(credentials).ok().filter(|b| !b.is_empty())?;
        let colon = memchr::memchr(b':', &bytes).unwrap_or(bytes.len());
        Some(Self { bytes, colon })
    }

    /// All decoded bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The user.
    pub fn user(&self) -> &[u8] {
        self.bytes.get(self.user_range()).unwrap_or_default()
    }

    /// The password; empty if there is none.
    pub fn password(&self) -> &[u8] {
        self.bytes.get(self.password_range()).unwrap_or_default()
    }

    /// Where the user stands in [`Basic::bytes`].
    pub const fn user_range(&self) -> Range<usize> {
        0..self.colon
    }

    /// Where the password stands in [`Basic::bytes`].
    pub fn password_range(&self) -> Range<usize> {
        (self.colon + 1).min(self.bytes.len())..self.bytes.len()
    }
}

impl std::fmt::Debug for Basic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Basic({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn schemes_are_split_from_credentials() {
        let value = b" bEARER   abc.def. ";
        let auth = Authorization::parse(value).unwrap();
        assert_eq!((auth.scheme, auth.credentials, auth.at), (&b"bEARER"[..], &b"abc.def."[..], 10));
        assert!(auth.is("Bearer"));
        let bare = Authorization::parse(b"eyJhbGciOiJub25lIn0.e30.").unwrap();
        assert_eq!((bare.scheme, bare.at, bare.credentials.len()), (&b""[..], 0, 24));
        let alone = Authorization::parse(b"Negotiate").unwrap();
        assert_eq!((alone.scheme, alone.credentials, alone.at), (&b"Negotiate"[..], &b""[..], 9));
        assert_eq!(Authorization::parse(b" "), None);
    }

    #[test]
    fn basic_is_decoded_leniently() {
        for credentials in ["dXNlcjpwYTpzcw==", "dXNlcjpwYTpzcw", "dXNlcjpwYTpzcx="] {
            let value = format!("basic {credentials}");
            let basic = Authorization::parse(value.as_bytes()).unwrap().basic().unwrap();
            assert_eq!((basic.user(), basic.password()), (&b"user"[..], &b"pa:ss"[..]));
        }
        let token = Basic::decode(b"eyJh").unwrap();
        assert_eq!((token.user().len(), token.password()), (3, &b""[..]));
        assert_eq!(Basic::decode(b"Pz8_OmE").unwrap().password(), b"a");
        assert_eq!(Basic::decode(b"!!"), None);
        assert_eq!(format!("{token:?}"), "Basic(3 bytes)");
        assert_eq!(Authorization::parse(b"Bearer dXNlcjpwYTpzcw==").unwrap().basic(), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(value in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Some(auth) = Authorization::parse(&value) {
                prop_assert_eq!(&value[auth.at..auth.at + auth.credentials.len()], auth.credentials);
            }
            let _ = Basic::decode(&value).map(|b| (b.user().len(), b.password().len()));
        }
    }
}
