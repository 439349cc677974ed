//! What stands for a secret: as long, of the same kind of characters, and the same wherever the secret was the same.

use super::claims;
use super::random::Random;
use super::recode::recoded;
use crate::message::{BASE64, BASE64URL};
use crate::protocol::huffman_bits;
use base64::Engine as _;
use hashbrown::HashSet;
use sha2::{Digest, Sha256};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// Makes pseudonyms under a key that is forgotten with the run: who knows a secret cannot tell its pseudonym.
pub struct Pseudonyms {
    key: [u8; 32],
    /// Hashes of what stands for no segment of a token.
    avoided: HashSet<u64>,
    hasher: RandomState,
}

impl Default for Pseudonyms {
    /// A key that the system's random numbers make, by way of the standard library's hashers.
    fn default() -> Self {
        let mut digest = Sha256::new();
        for _ in 0..8 {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u64(0);
            digest.update(hasher.finish().to_le_bytes());
        }
        Self::with_key(digest.finalize().into())
    }
}

impl Pseudonyms {
    /// With a key of one's own, so that tests are repeatable.
    pub fn with_key(key: [u8; 32]) -> Self {
        Self { key, avoided: HashSet::new(), hasher: RandomState::new() }
    }

    /// The same, but none of these texts stands for a segment of a token if there is another that may.
    pub(super) fn avoiding<'a>(mut self, texts: impl Iterator<Item = &'a [u8]>) -> Self {
        self.avoided.extend(texts.map(|text| self.hasher.hash_one(text)));
        self
    }

    /// The pseudonym of a value of any kind: letters and digits are replaced, everything else stays where it was, so that
    /// it can be quoted and escaped as the value was. Its HPACK code (RFC 7541 appendix B) is as long as the value's.
    pub fn plain(&self, value: &[u8]) -> Vec<u8> {
        let start = scheme(value);
        let body = value.get(start..).unwrap_or_default();
        let alphabet = Alphabet::of(body);
        let mut new = value.to_vec();
        for round in 0..ROUNDS {
            let mut random = self.random(b"plain", round, value);
            for (new, old) in new.iter_mut().zip(value).skip(start) {
                if old.is_ascii_alphanumeric() {
                    *new = alphabet.any(*old, &mut random);
                }
            }
            let free: Vec<_> = (start..value.len()).filter(|i| value[*i].is_ascii_alphanumeric()).collect();
            tune(
                &mut new,
                &free,
                huffman_bits(value),
                |i, bits, random| alphabet.of_bits(value[i], bits, random),
                &mut random,
            );
            if new != value {
                break;
            }
        }
        new
    }

    /// The pseudonym of a text so short that, among characters of its kind, there are hardly others: of letters and digits of
    /// any kind. Its HPACK code is of any length.
    pub(super) fn short(&self, value: &[u8]) -> Vec<u8> {
        let mut random = self.random(b"short", 0, value);
        let mut any = |old: u8| {
            let others = MIXED.iter().filter(|new| **new != old).count();
            MIXED.iter().filter(|new| **new != old).nth(random.below(others)).copied().unwrap_or(old)
        };
        value.iter().map(|old| if old.is_ascii_alphanumeric() { any(*old) } else { *old }).collect()
    }

    /// The pseudonym of a token's compact text: the header stays, claims and signature are replaced.
    pub fn token(&self, text: &[u8]) -> Vec<u8> {
        let mut parts = text.split(|b| *b == b'~');
        let mut new = self.compact(parts.next().unwrap_or_default());
        for part in parts {
            new.push(b'~');
            // Behind the disclosures of an SD-JWT may stand a JWT of its holder's key.
            new.extend(if part.contains(&b'.') { self.compact(part) } else { self.segment(part) });
        }
        new
    }

    /// The pseudonym of `user:password` in base64, or of any other text in it.
    pub fn base64(&self, coded: &[u8]) -> Option<Vec<u8>> {
        let url = coded.iter().any(|b| matches!(b, b'-' | b'_'));
        let engine = if url { &BASE64URL } else { &BASE64 };
        let bytes = engine.decode(coded).ok().filter(|bytes| !bytes.is_empty())?;
        let text = recoded(coded, &self.parts(&bytes, |b| matches!(b, b':' | 0)), url);
        (text.len() == coded.len()).then_some(text)
    }

    /// The pseudonym of a secret that may not be text: a hash, a message of SASL as it is. In messages of NTLM the head stays.
    pub(super) fn raw(&self, value: &[u8]) -> Vec<u8> {
        if std::str::from_utf8(value).is_ok() && !value.iter().any(u8::is_ascii_control) {
            return self.plain(value);
        }
        let head = if value.starts_with(NTLM) { NTLM_HEAD.min(value.len()) } else { 0 };
        let (head, rest) = value.split_at(head);
        [head, &self.parts(rest, |b| b == 0)].concat()
    }

    /// The parts of a value, each replaced by itself.
    fn parts(&self, value: &[u8], between: fn(u8) -> bool) -> Vec<u8> {
        let mut new = value.to_vec();
        let mut at = 0;
        for part in value.split(|b| between(*b)) {
            new[at..at + part.len()].copy_from_slice(&self.value(part));
            at += part.len() + 1;
        }
        new
    }

    /// The pseudonym of bytes that may not be text.
    fn value(&self, bytes: &[u8]) -> Vec<u8> {
        if bytes.iter().any(u8::is_ascii_control) {
            return self.bytes(bytes);
        }
        if bytes.iter().any(u8::is_ascii_alphanumeric) && std::str::from_utf8(bytes).is_ok() {
            return self.plain(bytes);
        }
        // It may stand in a line.
        let apart = |b: u8| if b.is_ascii_alphanumeric() { b } else { b | 0x80 };
        self.bytes(bytes).into_iter().map(apart).collect()
    }

    /// As many random bytes, none of which is the one that it stands for.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut random = self.random(b"bytes", 0, bytes);
        bytes.iter().map(|old| old.wrapping_add(1 + random.below(255) as u8)).collect()
    }

    fn compact(&self, text: &[u8]) -> Vec<u8> {
        let segments: Vec<_> = text.split(|b| *b == b'.').collect();
        let Some((header, rest)) = segments.split_first() else { return Vec::new() };
        let mut new = header.to_vec();
        for (i, segment) in rest.iter().enumerate() {
            new.push(b'.');
            let last = i > 0 && i + 1 == rest.len();
            let mut segment = self.segment(segment);
            if last {
                let so_far = huffman_bits(&new) + huffman_bits(&segment);
                self.balance(&mut segment, huffman_bits(text).wrapping_sub(so_far) as isize, text);
            }
            new.extend(segment);
        }
        new
    }

    /// One segment of a token: JSON stays JSON.
    pub(super) fn segment(&self, text: &[u8]) -> Vec<u8> {
        let mut new = self.any_segment(text);
        let mut key = self.key;
        for _ in 0..ROUNDS {
            if self.avoided.is_empty() || !self.avoided.contains(&self.hasher.hash_one(new.as_slice())) {
                break;
            }
            key = Sha256::digest(key).into();
            new = Self::with_key(key).any_segment(text);
        }
        new
    }

    fn any_segment(&self, text: &[u8]) -> Vec<u8> {
        let url = !text.iter().any(|b| matches!(b, b'+' | b'/'));
        let engine = if url { &BASE64URL } else { &BASE64 };
        let Ok(bytes) = engine.decode(text) else { return self.plain(text) };
        let json = matches!(bytes.trim_ascii().first(), Some(b'{' | b'['));
        let new = match std::str::from_utf8(&bytes).ok().filter(|_| json) {
            Some(json) => claims::replaced(json, self),
            None => self.bytes(&bytes),
        };
        let new = recoded(text, &new, url);
        if new.len() == text.len() { new } else { self.plain(text) }
    }

    /// Changes characters of a signature so that its HPACK code is longer by `bits`: then the token's is as long as before.
    /// The last character stays: not all of its bits are free.
    fn balance(&self, signature: &mut [u8], bits: isize, text: &[u8]) {
        let mut random = self.random(b"balance", 0, text);
        let wanted = huffman_bits(signature).saturating_add_signed(bits);
        let end = signature.iter().position(|b| *b == b'=').unwrap_or(signature.len()).saturating_sub(1);
        let free: Vec<_> = (0..end).collect();
        let any = |_: usize, bits: usize, random: &mut Random| pick(BASE64URL_CHARACTERS, bits, random);
        tune(signature, &free, wanted, any, &mut random);
    }

    pub(super) fn random(&self, label: &[u8], round: u8, value: &[u8]) -> Random {
        let seed =
            Sha256::new().chain_update(self.key).chain_update([label.len() as u8, round]).chain_update(label);
        Random::from_seed(seed.chain_update(value).finalize().into())
    }
}

/// Times that another pseudonym is tried where one is the value itself or another's, which happens to very short ones.
const ROUNDS: u8 = 32;

/// What a message of NTLM begins with, and how much of it says what it is and where the rest stands (MS-NLMP section 2.2).
const NTLM: &[u8] = b"NTLMSSP\0";
pub(super) const NTLM_HEAD: usize = 63;

const BASE64URL_CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What must not be replaced at the start of a URL, so that it stays one.
fn scheme(value: &[u8]) -> usize {
    [&b"https://"[..], b"http://"].iter().find(|s| value.starts_with(s)).map_or(0, |s| s.len())
}

/// The characters that a value is made of, beside those that stay.
#[derive(Clone, Copy)]
enum Alphabet {
    Digits,
    /// Hexadecimal digits; the letters are as large as they were.
    Hex,
    Lower,
    Mixed,
}

const DIGITS: &[u8] = b"0123456789";
const HEX_LOWER: &[u8] = b"0123456789abcdef";
const HEX_UPPER: &[u8] = b"0123456789ABCDEF";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Alphabet {
    fn of(value: &[u8]) -> Self {
        let all = |is: fn(&u8) -> bool| value.iter().filter(|b| b.is_ascii_alphanumeric()).all(is);
        match () {
            () if all(u8::is_ascii_digit) => Self::Digits,
            () if all(u8::is_ascii_hexdigit) => Self::Hex,
            () if all(|b| !b.is_ascii_uppercase()) => Self::Lower,
            () => Self::Mixed,
        }
    }

    fn characters(self, old: u8) -> &'static [u8] {
        match self {
            Self::Digits => DIGITS,
            Self::Hex if old.is_ascii_uppercase() => HEX_UPPER,
            Self::Hex => HEX_LOWER,
            Self::Lower => LOWER,
            Self::Mixed => MIXED,
        }
    }

    fn any(self, old: u8, random: &mut Random) -> u8 {
        let all = self.characters(old);
        all.get(random.below(all.len())).copied().unwrap_or(old)
    }

    fn of_bits(self, old: u8, bits: usize, random: &mut Random) -> Option<u8> {
        pick(self.characters(old), bits, random)
    }
}

/// One of the characters whose HPACK code has that many bits.
fn pick(characters: &[u8], bits: usize, random: &mut Random) -> Option<u8> {
    let fit: Vec<u8> = characters.iter().copied().filter(|c| huffman_bits(&[*c]) == bits).collect();
    fit.get(random.below(fit.len())).copied()
}

/// Replaces characters at `free` places until the HPACK code of the text has `wanted` bits, or none is left to replace.
fn tune(
    text: &mut [u8],
    free: &[usize],
    wanted: usize,
    of_bits: impl Fn(usize, usize, &mut Random) -> Option<u8>,
    random: &mut Random,
) {
    let mut missing = wanted as isize - huffman_bits(text) as isize;
    let mut order = free.to_vec();
    random.shuffle(&mut order);
    for i in order {
        if missing == 0 {
            return;
        }
        let Some(place) = text.get_mut(i) else { continue };
        let now = huffman_bits(&[*place]) as isize;
        // As far as one character goes, but never past it.
        let reach =
            (5..=8_isize).filter(|bits| (0..=missing.abs()).contains(&((bits - now) * missing.signum())));
        let mut reach: Vec<_> = reach.collect();
        reach.sort_by_key(|bits| -(bits - now).abs());
        for bits in reach {
            if let Some(new) = of_bits(i, bits as usize, random) {
                *place = new;
                missing -= bits - now;
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;
    use proptest::prelude::*;

    #[test]
    fn nothing_stays_of_what_is_no_text() {
        let names = names();
        let message = [NTLM, &[3, 0, 0, 0], &[7; 51], &[1, b'a', 0, 0, b'.', 0xe9, 2]].concat();
        let new = names.raw(&message);
        let kept: Vec<_> = (0..message.len()).filter(|i| message[*i] == new[*i]).skip(NTLM_HEAD).collect();
        assert_eq!((&new[..NTLM_HEAD], kept), (&message[..NTLM_HEAD], vec![65, 66]));
        let (user, new) = (b"\0alice\0pa55", names.raw(b"\0alice\0pa55"));
        assert!(new[0] == 0 && new[6] == 0 && new[1..6] != user[1..6] && new[7..] != user[7..]);
        assert_eq!(names.raw(b"a:b1"), names.plain(b"a:b1"));
        // Latin-1 in a line.
        let line = names.raw(b"p\xe4ssw\xf6rter");
        assert!(!line.iter().any(u8::is_ascii_control) && line.len() == 10);
    }

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqb2UiLCJhZG1pbiI6dHJ1ZSwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDM2MDAsInVpZCI6NDIxMTd9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn names() -> Pseudonyms {
        Pseudonyms::with_key([7; 32])
    }

    #[test]
    fn a_token_stays_one_and_says_something_else() {
        let new = names().token(TOKEN.as_bytes());
        let (old, new) = (Token::parse(TOKEN.as_bytes()).unwrap(), Token::parse(&new).unwrap());
        assert_eq!(new.reveal().len(), TOKEN.len());
        assert_eq!(new.alg(), old.alg());
        assert_eq!((new.defects().len(), new.signature().len()), (old.defects().len(), 32));
        assert_eq!(new.claim("admin"), old.claim("admin"));
        assert_eq!((new.claim("iat"), new.claim("exp")), (old.claim("iat"), old.claim("exp")));
        for name in ["sub", "uid"] {
            assert_ne!(new.claim(name), old.claim(name), "{name}");
        }
        let bits = |t: &Token| huffman_bits(t.reveal().as_bytes());
        assert_eq!(bits(&new), bits(&old));
        assert_ne!(new.signature(), old.signature());
    }

    #[test]
    fn what_was_equal_stays_equal_and_keys_differ() {
        let (a, b) = (names(), Pseudonyms::with_key([8; 32]));
        assert_eq!(a.plain(b"s3cret-value"), names().plain(b"s3cret-value"));
        assert_ne!(a.plain(b"s3cret-value"), b.plain(b"s3cret-value"));
        assert_ne!(
            Pseudonyms::default().plain(b"s3cret-value"),
            Pseudonyms::default().plain(b"s3cret-value")
        );
    }

    #[test]
    fn credentials_of_basic_stay_readable() {
        for coded in ["dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA", "AHVzZXIAcGFzc3dvcmQ="] {
            let new = names().base64(coded.as_bytes()).unwrap();
            assert_eq!(new.len(), coded.len());
            let (old, new) = (BASE64.decode(coded).unwrap(), BASE64.decode(&new).unwrap());
            assert_eq!(new.len(), old.len());
            assert!(
                new.iter().zip(&old).all(|(a, b)| (*a == b':') == (*b == b':') && (*a == 0) == (*b == 0))
            );
            assert!(!new.ends_with(b"password"));
        }
        assert_eq!(names().base64(b"no base64!"), None);
    }

    proptest! {
        #[test]
        fn a_value_keeps_its_length_its_code_length_and_what_is_no_letter(value in "[ -~]{1,60}") {
            let new = names().plain(value.as_bytes());
            prop_assert_eq!(new.len(), value.len());
            for (a, b) in new.iter().zip(value.as_bytes()) {
                prop_assert_eq!(a.is_ascii_alphanumeric(), b.is_ascii_alphanumeric());
                prop_assert!(a.is_ascii_alphanumeric() || a == b);
            }
            prop_assert_eq!(huffman_bits(&new), huffman_bits(value.as_bytes()));
        }

        #[test]
        fn segments_keep_their_length(text in "[A-Za-z0-9_-]{0,90}") {
            prop_assert_eq!(names().segment(text.as_bytes()).len(), text.len());
            prop_assert_eq!(names().token(format!("eyJhbGciOiJub25lIn0.{text}.{text}").as_bytes()).len(), 21 + 2 * text.len());
        }
    }
}
