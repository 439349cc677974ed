//! Entry points of the fuzz targets: nothing may panic, and what is true of one way of scanning is true of the other.

use super::{
    Scanner, StreamScan, Token, TokenCache, credential::fuzz_credential, find_json_form, find_secret_formats,
};
use std::sync::LazyLock;

static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::new);

/// Reads `data` as a token and asks it everything.
#[doc(hidden)]
pub fn fuzz_token(data: &[u8]) {
    let Some(token) = TokenCache::new(2, 1 << 16).get(data) else { return };
    let _ = (token.alg(), token.none_form(), token.family(), token.role(), token.is_sample());
    let _ = (token.sha256_hex(), token.to_string(), token.seconds("exp"), token.kind().as_str());
    let _ = (token.segments().count(), token.disclosures().count(), token.signing_input().len());
    let again = Token::parse(token.reveal().as_bytes()).map(|t| *t.sha256());
    assert_eq!(again.as_ref(), Some(token.sha256()), "the text of a token is a token");
}

/// Scans `data` whole and in two chunks, cut where its first byte says; both must find the same.
#[doc(hidden)]
pub fn fuzz_scan(data: &[u8]) {
    let Some((&cut, text)) = data.split_first() else { return };
    fuzz_credential(text);
    find_secret_formats(text, &mut |range, _| assert!(range.start < range.end && range.end <= text.len()));
    for hit in find_json_form(text).0 {
        assert!(hit.signature.start <= text.len() && !hit.token.reveal().is_empty());
    }
    let mut whole = Vec::new();
    SCANNER.find(text, &mut |h| {
        assert!(Token::parse(&h.text).is_some(), "a hit is a token");
        whole.push((h.range.start as u64, h.range.len() as u64, h.text.into_owned()));
    });
    let (a, b) = text.split_at(usize::from(cut) * text.len() / 256);
    let mut stream = StreamScan::new();
    let mut parts = Vec::new();
    let mut take = |h: super::StreamHit<'_>| parts.push((h.at, h.len, h.text.to_vec()));
    stream.feed(&SCANNER, a, 0, &mut take);
    stream.feed(&SCANNER, b, a.len() as u64, &mut take);
    stream.finish(&SCANNER, &mut take);
    assert_eq!(whole, parts, "chunks do not matter");
    SCANNER.find_in_value(text, &mut |_| {});
}
