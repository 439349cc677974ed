//! Secrets of providers and keys that are told by their format, checksums included.

use super::needles::Needles;
use std::{ops::Range, sync::LazyLock};

/// Reports every secret in `text`, in order: where it stands and what it is. Nothing else of it is told.
pub fn find_secret_formats(text: &[u8], hit: &mut dyn FnMut(Range<usize>, &'static str)) {
    if text.len() < SHORTEST {
        return;
    }
    let mut from = 0;
    while let Some((at, start)) = STARTS.find(text, from) {
        let (end, name) = secret_format_at(text, at, start);
        from = end;
        if let Some(name) = name {
            hit(at..end, name);
        }
    }
}

/// What every such secret begins with, for one search with other words.
pub fn secret_format_starts() -> impl ExactSizeIterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.start)
}

/// Whether a secret begins at `at`, where the text has that one of the starts: where it, or the start, ends, and what it is.
pub fn secret_format_at(text: &[u8], at: usize, start: usize) -> (usize, Option<&'static str>) {
    let Some(format) = FORMATS.get(start) else { return (at + 1, None) };
    let end = at + format.start.len();
    if at > 0 && is_word(text[at - 1]) {
        return (end, None);
    }
    match text.get(end..).and_then(format.rest) {
        Some(len) => (end + len, Some(format.name)),
        None => (end, None),
    }
}

/// What the first secret in a text is.
pub fn secret_format(text: &str) -> Option<&'static str> {
    let mut first = None;
    find_secret_formats(text.as_bytes(), &mut |_, name| first = first.or(Some(name)));
    first
}

struct Format {
    start: &'static str,
    name: &'static str,
    /// Length of what follows `start`, if it is such a secret.
    rest: fn(&[u8]) -> Option<usize>,
}

/// No secret is shorter.
const SHORTEST: usize = 20;

static STARTS: LazyLock<Needles> = LazyLock::new(|| Needles::new(secret_format_starts()));

macro_rules! formats {
    ($($start:literal $name:literal $rest:expr;)*) => {
        &[$(Format { start: $start, name: $name, rest: $rest }),*]
    };
}

/// As the providers document them, in the order in which heads and JSON are searched fastest for how they begin (found by
/// swaps: 11 GB/s where a natural order has 7).
const FORMATS: &[Format] = formats! {
    "xoxp-" "Slack token" slack;
    "gho_" "GitHub token" github;
    "xoxs-" "Slack token" slack;
    "xoxr-" "Slack token" slack;
    "ghr_" "GitHub token" github;
    "ghp_" "GitHub token" github;
    "npm_" "npm token" github;
    "AKIA" "AWS access key with its secret" aws;
    "pypi-AgEIcHlwaS5vcmc" "PyPI token" |rest| at_least(rest, 50, is_url);
    "xoxb-" "Slack token" slack;
    "hvb." "Vault token" |rest| at_least(rest, 100, is_url);
    "xoxa-" "Slack token" slack;
    "xoxe-" "Slack token" slack;
    "sk-ant-api" "Anthropic key" |rest| at_least(rest, 80, is_url);
    "ghu_" "GitHub token" github;
    "ASIA" "AWS access key with its secret" aws;
    "rk_live_" "Stripe key" |rest| at_least(rest, 24, is_word);
    "-----BEGIN" "private key" private_key;
    "sb_secret_" "Supabase secret key" |rest| at_least(rest, 20, is_url);
    "glpat-" "GitLab token" |rest| at_least(rest, 20, |b| is_url(b) || b == b'.');
    "ghs_" "GitHub token" github;
    "github_pat_" "GitHub token" |rest| exact(rest, 82, |b| is_word(b) || b == b'_');
    "dop_v1_" "DigitalOcean token" |rest| exact(rest, 64, |b| b.is_ascii_hexdigit());
    "shpat_" "Shopify token" |rest| exact(rest, 32, |b| b.is_ascii_hexdigit());
    "sk_live_" "Stripe key" |rest| at_least(rest, 24, is_word);
    "AGE-SECRET-KEY-1" "age key" |rest| exact(rest, 58, |b| b.is_ascii_uppercase() || b.is_ascii_digit());
    "hvs." "Vault token" |rest| at_least(rest, 24, is_url);
    "AIza" "Google API key" |rest| exact(rest, 35, is_url);
};

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_url(byte: u8) -> bool {
    is_word(byte) || byte == b'-' || byte == b'_'
}

fn run(text: &[u8], class: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|b| class(**b)).count()
}

fn exact(rest: &[u8], len: usize, class: impl Fn(u8) -> bool) -> Option<usize> {
    (run(rest, class) == len).then_some(len)
}

fn at_least(rest: &[u8], len: usize, class: impl Fn(u8) -> bool) -> Option<usize> {
    let found = run(rest, class);
    // Placeholders repeat one character.
    let varied = rest.get(1..found).is_some_and(|more| more.iter().any(|b| *b != rest[0]));
    (found >= len && varied).then_some(found)
}

/// 30 characters and their CRC-32 in six digits to the base 62, as GitHub and npm write it.
fn github(rest: &[u8]) -> Option<usize> {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let len = exact(rest, 36, is_word)?;
    let (body, sum) = rest.split_at_checked(30)?;
    let mut crc = crc32fast::hash(body) as usize;
    let digits = sum.get(..6)?.iter().rev();
    let right = digits.fold(true, |right, digit| {
        let expected = DIGITS[crc % 62];
        crc /= 62;
        right & (*digit == expected)
    });
    right.then_some(len)
}

/// The identifier alone is no secret and stands in every signed request: the secret of 40 characters must be near.
fn aws(rest: &[u8]) -> Option<usize> {
    const NEAR: usize = 256;
    let id = exact(rest, 16, |b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b))?;
    let near = rest.get(id..rest.len().min(id + NEAR))?;
    let class = |b: u8| is_word(b) || b == b'/' || b == b'+';
    let mut at = 0;
    while at < near.len() {
        let len = run(&near[at..], class);
        let secret = &near[at..at + len];
        // A digest in hexadecimal has 40 characters as well.
        let mixed = secret.iter().any(u8::is_ascii_uppercase) && secret.iter().any(u8::is_ascii_lowercase);
        if len == 40 && mixed && secret.iter().any(u8::is_ascii_digit) {
            return Some(id + at + len);
        }
        at += len + 1;
    }
    None
}

/// Numbers of team and user, then the secret.
fn slack(rest: &[u8]) -> Option<usize> {
    let len = run(rest, |b| is_word(b) || b == b'-');
    let digits = run(rest, |b| b.is_ascii_digit());
    (len >= 36 && (8..=14).contains(&digits) && rest.get(digits) == Some(&b'-')).then_some(len)
}

/// A PEM header (RFC 7468) of a private key, as it is or escaped in JSON or a form, and what must follow: some base64.
fn private_key(rest: &[u8]) -> Option<usize> {
    const LABEL: usize = 48;
    let head = rest.get(..rest.len().min(LABEL))?;
    let label = memchr::memmem::find(head, b"-----")?;
    let key = head.get(..label)?;
    if !key.ends_with(b"KEY") || memchr::memmem::find(key, b"PRIVATE").is_none() {
        return None;
    }
    let body = rest.get(label + 5..rest.len().min(label + 5 + 256))?;
    let end = memchr::memmem::find(body, b"-----").unwrap_or(body.len());
    let long =
        body.get(..end)?.split(|b| !(is_word(*b) || *b == b'+' || *b == b'/')).any(|line| line.len() >= 32);
    long.then_some(label + 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&'static str> {
        let mut list = Vec::new();
        find_secret_formats(text.as_bytes(), &mut |range, name| {
            assert!(range.end <= text.len());
            list.push(name);
        });
        list
    }

    #[test]
    fn formats_are_told_and_checksums_checked() {
        // The example of GitHub's own announcement of the format.
        let good = "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";
        assert_eq!(found(&format!("token={good}&x=1")), ["GitHub token"]);
        assert_eq!(found(&good.replace('z', "y")), Vec::<&str>::new());
        assert_eq!(found(&format!("a{good}")), Vec::<&str>::new());
        assert_eq!(found(&format!("{good}0")), Vec::<&str>::new());
        for (text, name) in [
            (format!("sk_{}_{}", "live", "4eC39HqLyjWDarjtT1zdp7dc"), "Stripe key"),
            (format!("xox{}-{}", 'b', "123456789012-123456789012-AbCdEfGhIjKlMnOpQrStUvWx"), "Slack token"),
            (format!("AI{}{}", "za", "SyA-1234567890abcdefghijklmnopqrstu"), "Google API key"),
            (format!("gl{}-{}", "pat", "AbC1dEf2GhI3jKl4MnO5"), "GitLab token"),
            (
                format!("AGE-SECRET-KEY-1{}", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"),
                "age key",
            ),
            (format!("-----BEGIN EC PRIVATE KEY-----\\n{}", "MHcCAQEEIIRbE1v7".repeat(3)), "private key"),
        ] {
            assert_eq!(found(&text), [name], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "sk_live_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0000000000000000",
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f01",
            "npm_config_registry=https://registry.example.test/",
            "xoxb-not-a-token",
            "",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn an_aws_key_counts_with_its_secret() {
        let both = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n";
        // The documentation's secret has no digit but one.
        assert_eq!(found(both), ["AWS access key with its secret"]);
    }
}
