//! Keys that a capture shows, and what they say of its tokens: the real program on HAR files that are made here. The tokens
//! were signed with OpenSSL (Python's cryptography).

use crate::support::run::wirelint;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const JWKS: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "x": "MnBdid2Z8PhgeQHXgKGWdScRhrTG4jLRRIMYoK_XAJ4", "y": "4lInFkj33hohX_didzGVpbjzDBJw_V_xt2M_Evr6u8M", "kid": "key-1"}]}"#;
/// Signed with that key.
const VALID: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleS0xIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLnRlc3QiLCJzdWIiOiIzZjljMmEiLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlLnRlc3QiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDkwMCwianRpIjoiYTFiMmMzZDQifQ.fQfkGjyaQ2a_lwT56CRi7JD0aa6zhcjydcJUAGJBMWkvMbn3cTOG3odkEKQOwnMroenqtfBDOlnZV4sJlcSwVA";
/// Signed with another one, under the same name.
const FORGED: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleS0xIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLnRlc3QiLCJzdWIiOiIzZjljMmEiLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlLnRlc3QiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDkwMCwianRpIjoiYTFiMmMzZDQiLCJyb2xlIjoiYWRtaW4ifQ.ettx-EhWvzEuYFZ658vfVAftkGHsL073ZBrX60-MsZymWae7aY5TAlWX7ZLlkXvfN78-bKhJv5ky1ToH8du9vw";
/// HS256; the secret is the PEM text of the key.
const CONFUSED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleS0xIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLnRlc3QiLCJzdWIiOiIzZjljMmEiLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlLnRlc3QiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDkwMCwianRpIjoiYTFiMmMzZDQiLCJyb2xlIjoiYWRtaW4ifQ.WN4ixVoZCOs9Z6jZJoHcEn5IzM04AVBueqxVLM9mYbY";

/// A shared key that nobody but issuer and service must know.
const SHARED: &str =
    r#"{"keys": [{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "kid": "enc-1"}]}"#;
/// Encrypted with that key (jwcrypto): claims that had expired, with an address of e-mail.
const ENCRYPTED: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiZW5jLTEifQ..KFnZBOMUNCiwppm9.oMY2fvBbIWrP5XsQ0Qj4w71cMuC8AT0nR5xEmD30BFIt8QXtdvPNkPKLUg0jqzh-8N-00FuZgZVy3mjQODrUMxTHRZhgmmXU2yCzREVeXKa-Ah7SoiYvTtp6-6N-wDkpNlvohWZqNgTOJjUPoZsDGcRh5S7ZaDCioe9ddm03lDyXfllX3CIVie73AEI5F9F6DdE.wE6S3p8w-4ggMhr4xCoq7Q";
/// The same: a token with alg none.
const AROUND_NONE: &str = "eyJhbGciOiJkaXIiLCJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiZW5jLTEifQ..hYoPqrpTjfOOzgWT.5QVWgwPGahdJEB2JefOYYLIbOqtjY3fEtfcJ-hvemfOOBuU6hBq9CkGuVkWESOX34n-eJFBkdWyOtjgF9nG0pbq0jwIs5ea7hQyouFQ0IC7n7pry51kIYYAHMByxAD8wEqL3f_sIW_ggM3tedFQ3b4uxCukvS8qEfEid0TD-MaQZ89EZHGPArJ_CxAdexyg-4jkfBaJovZMu9iVocK_kyzJkcmeSSgiSLM2NusZ17H8hNF0mtEX__rA7zMOasgDPcQhIqRYs6VOD6XQ.xaM4LnbgTUEKTb9Fk8dIqQ";

/// What one entry of a HAR file asks and gets.
enum Entry {
    /// A call with a token.
    Call(&'static str),
    /// A document at an address.
    Document(&'static str, &'static str),
}

fn har(folder: &Path, entries: &[Entry]) -> PathBuf {
    let entry = |(number, entry): (usize, &Entry)| {
        let (url, authorization, body) = match entry {
            Entry::Call(token) => ("https://api.example.test/v1/items", Some(*token), "{}"),
            Entry::Document(url, body) => (*url, None, *body),
        };
        let headers: Vec<Value> = authorization
            .map(|token| json!({"name": "Authorization", "value": format!("Bearer {token}")}))
            .into_iter()
            .collect();
        json!({
            "startedDateTime": format!("2023-11-14T22:13:{:02}.000Z", 20 + number),
            "time": 1,
            "request": {"method": "GET", "url": url, "httpVersion": "HTTP/1.1", "headers": headers, "cookies": [],
                "queryString": [], "headersSize": -1, "bodySize": 0},
            "response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1",
                "headers": [{"name": "Content-Type", "value": "application/json"}], "cookies": [],
                "content": {"size": body.len(), "mimeType": "application/json", "text": body},
                "redirectURL": "", "headersSize": -1, "bodySize": body.len()},
            "cache": {}, "timings": {"send": 0, "wait": 1, "receive": 0},
        })
    };
    let entries: Vec<Value> = entries.iter().enumerate().map(entry).collect();
    let har =
        json!({"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": entries}});
    let path = folder.join("keys.har");
    std::fs::write(&path, har.to_string()).unwrap();
    path
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn signatures(har: &Path) -> Vec<String> {
    let done = wirelint(["tokens", "--format", "ndjson"]).args([har]).run().code(0).quiet();
    lines(&done.out).iter().map(|record| record["signature"].as_str().unwrap().to_owned()).collect()
}

/// Rule, confidence and token of the findings of some rules.
fn findings(har: &Path, rules: &[&str]) -> Vec<(String, String, String)> {
    let done = wirelint(["scan", "--format", "ndjson", "--fail-on", "never"]);
    let done = rules.iter().fold(done, |done, rule| done.args(["--select", rule]));
    let done = done.args([har]).run().code(0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines(&done.out).iter().map(|f| (text(&f["rule"]), text(&f["confidence"]), text(&f["message"]))).collect()
}

const OWN: &str = "https://issuer.example.test/jwks.json";

#[test]
fn a_published_key_verifies_what_comes_behind_it_and_judges_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let early = har(
        folder.path(),
        &[Entry::Call(FORGED), Entry::Document(OWN, JWKS), Entry::Call(FORGED), Entry::Call(VALID)],
    );
    assert_eq!(signatures(&early), ["unverified", "invalid", "valid"]);
    let found = findings(&early, &["jwt-invalid-signature"]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0.as_str(), found[0].1.as_str()), ("jwt-invalid-signature", "high"));
    let valid = har(folder.path(), &[Entry::Call(VALID), Entry::Document(OWN, JWKS)]);
    assert_eq!(findings(&valid, &["jwt-invalid-signature", "jwt-alg-confusion"]), []);
}

#[test]
fn metadata_says_whose_keys_another_host_has() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = "https://keys.cdn.example/jwks.json?v=1";
    let keys = Entry::Document(elsewhere, JWKS);
    let foreign = har(folder.path(), &[keys, Entry::Call(FORGED), Entry::Call(VALID)]);
    assert_eq!(signatures(&foreign), ["unverified", "valid"], "nobody says that these are the issuer's keys");
    let metadata =
        r#"{"issuer": "https://issuer.example.test", "jwks_uri": "https://keys.cdn.example/jwks.json"}"#;
    let address = "https://issuer.example.test/.well-known/openid-configuration";
    let entries = [Entry::Document(elsewhere, JWKS), Entry::Document(address, metadata), Entry::Call(FORGED)];
    let own = har(folder.path(), &entries);
    assert_eq!(signatures(&own), ["invalid"]);
    assert_eq!(findings(&own, &["jwt-invalid-signature"]).len(), 1);
}

#[test]
fn a_public_key_as_a_secret_is_named_by_its_form() {
    let folder = tempfile::tempdir().unwrap();
    let har = har(folder.path(), &[Entry::Call(CONFUSED), Entry::Document(OWN, JWKS)]);
    let found = findings(&har, &["jwt-alg-confusion"]);
    assert!(matches!(&found[..], [(_, _, message)] if message.contains("SPKI PEM of ")), "{found:?}");
}

#[test]
fn what_is_known_of_keys_does_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let entries =
        [Entry::Call(CONFUSED), Entry::Call(FORGED), Entry::Document(OWN, JWKS), Entry::Call(VALID)];
    let har = har(folder.path(), &entries);
    let scan = |threads| {
        let done = wirelint(["scan", "--format", "ndjson", "--fail-on", "never", "--threads", threads]);
        done.args([&har]).run().code(0).out
    };
    let one = scan("1");
    assert!(one.contains("jwt-invalid-signature") && one.contains("jwt-alg-confusion"), "{one}");
    assert_eq!(one, scan("4"));
}

#[test]
fn a_key_that_is_shown_opens_what_comes_before_and_behind() {
    let folder = tempfile::tempdir().unwrap();
    let rules = ["jwt-nested-none", "jwt-alg-none", "unsigned-token-accepted", "token-over-cleartext-http"];
    let closed = har(folder.path(), &[Entry::Call(AROUND_NONE)]);
    assert_eq!(findings(&closed, &rules), []);
    let (call, key) = (Entry::Call(AROUND_NONE), Entry::Document(OWN, SHARED));
    for entries in [&[call, key], &[Entry::Document(OWN, SHARED), Entry::Call(AROUND_NONE)]] {
        let har = har(folder.path(), entries);
        let mut found: Vec<_> = findings(&har, &rules).into_iter().map(|(rule, ..)| rule).collect();
        found.sort_unstable();
        assert_eq!(found, ["jwt-alg-none", "jwt-nested-none", "unsigned-token-accepted"]);
    }
}

#[test]
fn the_claims_of_a_token_that_a_key_opens_are_judged_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let rules = ["expired-token-accepted", "jwt-pii-claims"];
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, SHARED).unwrap();
    let closed = har(folder.path(), &[Entry::Call(ENCRYPTED), Entry::Call(ENCRYPTED)]);
    assert_eq!(findings(&closed, &rules), []);
    let scan = |threads| {
        let done = wirelint(["scan", "--format", "ndjson", "--fail-on", "never", "--threads", threads]);
        done.args(["--select", &rules.join(","), "--jwks"]).args([&keys, &closed]).run().code(0).out
    };
    let found = lines(&scan("1"));
    assert_eq!(
        (found.len(), &found[0]["rule"], &found[0]["count"]),
        (1, &"expired-token-accepted".into(), &2.into())
    );
    assert_eq!(scan("1"), scan("4"));
    let done = wirelint(["tokens", "--format", "ndjson", "--jwks"]).args([&keys, &closed]).run().code(0);
    let record = &lines(&done.out)[0];
    assert_eq!(
        (&record["kind"], &record["sub"], &record["signature"]),
        (&"jwe".into(), &"3f9c2a".into(), &Value::Null)
    );
    assert!(!done.out.contains("ada@") && !done.out.contains(ENCRYPTED.rsplit('.').next().unwrap()));
}
