//! Every secret that was seen, and what stands for each.

use super::Pseudonyms;
use super::finder::{Finder, SHORTEST};
use super::look::{Found, Kind};
use super::recode::forms;
use crate::limits;
use hashbrown::HashSet;
use std::hash::{BuildHasher as _, RandomState};

/// Length from which a text is replaced wherever it stands, whatever it looks like.
const LONG: usize = 12;
/// Different letters and digits that a shorter one must have.
const DIFFERENT: usize = 4;

/// What is secret in a capture.
pub(super) struct Book {
    pub(super) names: Pseudonyms,
    /// Texts that are replaced wherever they stand.
    pub(super) finder: Finder,
    /// Hashes of all values that have a pseudonym other than themselves.
    known: HashSet<u64>,
    hasher: RandomState,
    /// Different tokens, and other secrets.
    pub(super) tokens: u64,
    pub(super) others: u64,
    /// More than may be held: what was not noted is replaced only where it was seen.
    pub(super) full: bool,
}

impl Book {
    pub(super) fn new(names: Pseudonyms) -> Self {
        let (known, hasher) = Default::default();
        Self { names, finder: Finder::default(), known, hasher, tokens: 0, others: 0, full: false }
    }

    /// Notes a secret.
    pub(super) fn learn(&mut self, found: &Found) {
        let value = found.value.as_slice();
        let hash = self.hasher.hash_one(value);
        if self.known.contains(&hash) {
            return;
        }
        let new = found.kind.pseudonym(value, &self.names);
        if new == value {
            return;
        }
        if self.finder.bytes() > limits::redact::BOOK_BYTES || self.known.len() > limits::redact::VALUES {
            self.full = true;
            return;
        }
        self.known.insert(hash);
        if found.kind == Kind::Token {
            self.tokens += 1;
            self.token(value, &new);
        } else {
            self.others += 1;
        }
        if found.kind == Kind::Base64 {
            self.inside(value, &new);
        }
        if !matches!(found.kind, Kind::Plain | Kind::Raw) || telling(value) {
            forms(value, &new, |old, new| self.finder.add(old, new));
        }
    }

    /// Claims and signature give a token away alone: its text may be cut.
    fn token(&mut self, value: &[u8], new: &[u8]) {
        let mut at = 0;
        for (i, segment) in value.split(|b| matches!(b, b'.' | b'~')).enumerate() {
            let range = at..at + segment.len();
            at = range.end + 1;
            if let Some(new) = new.get(range).filter(|_| i > 0 && segment.len() >= LONG) {
                self.finder.add(segment, new);
            }
        }
    }

    /// Texts in base64 that may stand elsewhere as they are: the password of Basic.
    fn inside(&mut self, value: &[u8], new: &[u8]) {
        use crate::message::BASE64;
        use base64::Engine as _;
        let (Ok(old), Ok(new)) = (BASE64.decode(value), BASE64.decode(new)) else { return };
        let mut at = 0;
        for part in old.split(|b| matches!(b, b':' | 0)) {
            let range = at..at + part.len();
            at = range.end + 1;
            if let Some(new) = new.get(range).filter(|_| telling(part)) {
                forms(part, new, |old, new| self.finder.add(old, new));
            }
        }
    }

    /// Whether what stands for one secret is another one, or has one in it.
    pub(super) fn clashes(&self) -> bool {
        self.finder.replacements().any(|new| self.finder.touches(new))
    }

    /// Whether a value is one of those that must not be found any more.
    pub(super) fn knows(&self, found: &Found) -> bool {
        found.value.len() >= SHORTEST && self.known.contains(&self.hasher.hash_one(found.value.as_slice()))
    }

    /// `text` with its secrets replaced: those that were found in it, then those that are known.
    pub(super) fn rewritten(&self, text: &[u8], found: &[Found]) -> Option<Vec<u8>> {
        let mut new = text.to_vec();
        let mut done = vec![false; if found.is_empty() { 0 } else { text.len() }];
        for found in found {
            let is = found.rewritten(text, &self.names);
            for (i, byte) in found.range.clone().zip(is) {
                if let (Some(place), Some(done)) = (new.get_mut(i), done.get_mut(i).filter(|done| !**done)) {
                    *place = byte;
                    *done = true;
                }
            }
        }
        self.finder.find(text, &mut |at, is| {
            for (i, byte) in (at..).zip(is) {
                if !done.get(i).copied().unwrap_or(false) {
                    new[i] = *byte;
                }
            }
        });
        (new != text).then_some(new)
    }
}

/// Whether a text says something by itself, so that it is the same secret wherever it stands, and no word of a protocol.
fn telling(text: &[u8]) -> bool {
    let kinds = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
    let different: HashSet<u8> = text.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    let mixed = kinds.iter().filter(|is| text.iter().any(is)).count() > 1;
    // Numbers are no words.
    let number = text.iter().all(u8::is_ascii_digit);
    different.len() >= DIFFERENT && (text.len() >= LONG || text.len() >= SHORTEST && (mixed || number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &[u8] = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2huIGRvZSJ9.c2lnbmF0dXJlIG9mIHRoaXM";

    fn book(secrets: &[(&[u8], Kind)]) -> Book {
        let mut book = Book::new(Pseudonyms::with_key([3; 32]));
        for (value, kind) in secrets {
            book.learn(&Found { range: 0..0, value: value.to_vec(), kind: *kind });
        }
        book
    }

    #[test]
    fn a_token_is_replaced_whole_cut_and_encoded() {
        let book = book(&[(TOKEN, Kind::Token)]);
        let new = book.names.token(TOKEN);
        let claims = |t: &[u8]| t[21..45].to_vec();
        assert_eq!(book.rewritten(&[b"x=", TOKEN].concat(), &[]).unwrap(), [b"x=", &new[..]].concat());
        assert_eq!(book.rewritten(&claims(TOKEN), &[]).unwrap(), claims(&new));
        use base64::Engine as _;
        let coded =
            |t: &[u8]| crate::message::BASE64.encode([&b"Bearer "[..], t, b"!!"].concat()).into_bytes();
        let got = book.rewritten(&coded(TOKEN), &[]).unwrap();
        // Characters at its ends are shared with what is around it.
        let same = got.iter().zip(coded(&new)).filter(|(a, b)| **a == *b).count();
        assert!(same + 2 >= got.len());
        assert_eq!((book.tokens, book.others), (1, 0));
    }

    /// Claims of a letter each: what stands for one of them may be another.
    #[test]
    fn a_replacement_that_is_a_secret_is_told() {
        use base64::Engine as _;
        let token = |sub: char| {
            let claims =
                crate::message::BASE64URL.encode(format!("{{\"sub\":\"{sub}\",\"iat\":1700000000}}"));
            format!("eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJlIG9mIHRoaXM").into_bytes()
        };
        let all: Vec<_> = ('a'..='z').chain('0'..='9').map(token).collect();
        let all: Vec<_> = all.iter().map(|token| (token.as_slice(), Kind::Token)).collect();
        let first = book(&all);
        assert!(first.clashes(), "36 of 62");
        assert!(!book(&all[..1]).clashes());
        let mut second = Book::new(first.names.avoiding(first.finder.texts()));
        for (value, kind) in &all {
            second.learn(&Found { range: 0..0, value: value.to_vec(), kind: *kind });
        }
        assert_eq!((second.clashes(), second.tokens), (false, 36));
    }

    #[test]
    fn words_are_replaced_in_their_place_only() {
        let book = book(&[
            (b"password", Kind::Plain),
            (b"s3cret-1", Kind::Plain),
            (b"28658566", Kind::Plain),
            (b"dXNlcjpjMHJyZWN0aG9yc2U=", Kind::Base64),
        ]);
        assert_eq!(book.rewritten(b"the password", &[]), None);
        assert!(book.rewritten(b"the s3cret-1", &[]).is_some());
        assert!(book.rewritten(b"visitor=28658566", &[]).is_some());
        assert!(book.rewritten(b"the c0rrecthorse", &[]).is_some());
        let found = Found { range: 4..12, value: b"password".to_vec(), kind: Kind::Plain };
        let new = book.rewritten(b"the password", std::slice::from_ref(&found)).unwrap();
        assert!(new.starts_with(b"the ") && book.knows(&found));
        assert_eq!(new[4..], book.names.plain(b"password"));
    }
}
