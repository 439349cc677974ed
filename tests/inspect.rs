//! `wirelint inspect`: the real program on tokens given as text.

use crate::support::run::{Done, wirelint};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use std::fs;

const NOW: &str = "2026-03-01T12:00:00Z";
const IAT: i64 = 1_772_362_800; // 2026-03-01T11:00:00Z

fn token(header: &str, claims: &str, secret: &[u8]) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap().chain_update(&input).finalize();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()))
}

fn claims() -> String {
    format!(
        r#"{{"iss":"https://login.example.test","sub":"3f9c2a","aud":"https://api.example.test","iat":{IAT},"exp":{},"jti":"a1b2c3"}}"#,
        IAT + 900
    )
}

fn weak() -> String {
    token(r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#, &claims(), b"your-256-bit-secret")
}

fn inspect<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Done {
    wirelint(["inspect", "--now", NOW]).env("COLUMNS", "80").args(arguments).run()
}

fn json(done: &Done) -> Value {
    serde_json::from_str(&done.out).unwrap()
}

#[test]
fn a_token_with_a_weak_secret_reads_well_at_80_columns() {
    let done = inspect([weak().as_str()]).code(1).quiet();
    assert!(done.out.lines().all(|line| line.chars().count() <= 80), "{}", done.out);
    assert!(!done.out.contains("256-bit-secret"), "{}", done.out);
    insta::assert_snapshot!(done.out);
}

#[test]
fn json_says_the_same_to_programs() {
    let token = weak();
    let done = inspect([token.as_str(), "--format", "json"]).code(1).quiet();
    assert!(!done.out.contains("256-bit-secret") && !done.out.contains(&token), "{}", done.out);
    let entry = &json(&done)["tokens"][0];
    assert_eq!(entry["claims"]["sub"], "3f9c2a");
    assert_eq!(entry["signature"]["status"], "weak-secret");
    assert_eq!(entry["signature"]["secret"], "y****t (19 chars)");
    let explained = entry["explained"].as_array().unwrap();
    let exp = explained.iter().find(|e| e["name"] == "exp").unwrap();
    assert_eq!(exp["words"], "45 minutes ago");
    assert_eq!(exp["time"], "2026-03-01T11:15:00.000000000Z");
    let rules: Vec<_> = entry["findings"].as_array().unwrap().iter().map(|f| &f["rule"]).collect();
    assert!(rules.iter().any(|rule| *rule == "jwt-hs-weak-secret"), "{rules:?}");
    let shown = inspect([token.as_str(), "--format", "json", "--show-secrets"]).code(1);
    assert_eq!(json(&shown)["tokens"][0]["signature"]["secret"], "your-256-bit-secret");
    assert_eq!(json(&shown)["tokens"][0]["token"], token);
}

#[test]
fn several_lines_of_standard_input_are_several_tokens() {
    let lines =
        format!("Authorization: Bearer {}\r\n\n{}\n", weak(), token(r#"{"alg":"HS256"}"#, "{}", b"x"));
    for arguments in [&["--format", "json"][..], &["-", "--format", "json"]] {
        let done = wirelint(["inspect", "--now", NOW]).args(arguments).stdin(lines.clone()).run().code(1);
        assert_eq!(json(&done)["tokens"].as_array().unwrap().len(), 2, "{done}");
    }
    // A line without a token is a mistake, and does not hide the others; it is not repeated.
    let lines = format!("not-a-token-ey\n{}\n", weak());
    let done = wirelint(["inspect", "--now", NOW]).stdin(lines).run().code(2);
    assert!(done.out.contains("sha") || done.out.contains("HS256"), "{done}");
    done.says(&["standard input: line 1: no token"]);
    wirelint(["inspect"]).stdin("").run().code(2).says(&["no token"]);
    let done = inspect(["eyJhbGciOiJub25l"]).code(2).says(&["argument 1: no token"]);
    assert!(!done.err.contains("eyJ"), "{done}");
}

#[test]
fn keys_that_were_tried_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let strong = b"\x01 a long and random secret that stands in no list \xff";
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (write("right", strong), write("wrong", b"another secret"));
    let rsa = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let jwks = write("jwks.json", rsa.as_bytes());
    let token = token(r#"{"alg":"HS256","typ":"JWT"}"#, &claims(), strong);
    let keys = ["--secret-file", &right, "--secret-file", &wrong, "--jwks", &jwks];
    let done = inspect([token.as_str(), "--fail-on", "never"].into_iter().chain(keys)).code(0);
    for text in
        ["valid: a key", "key (HMAC): verifies", "key (HMAC): does not verify", "1 key of another type"]
    {
        assert!(done.out.contains(text), "{text}: {}", done.out);
    }
    let done = inspect([token.as_str(), "--fail-on", "never", "--secret-file", &wrong]).code(0);
    assert!(done.out.contains("INVALID"), "{}", done.out);
    // Without keys the words are tried, and how many.
    let done = inspect([token.as_str(), "--fail-on", "never"]).code(0);
    assert!(done.out.contains("not verified") && done.out.contains("words tried"), "{}", done.out);
}

#[test]
fn what_is_secret_in_claims_is_masked() {
    let inner = weak();
    let claims = format!(
        r#"{{"password":"hunter2-hunter2","nested":{{"api_key":"abcdefgh12345"}},"id_token":"{inner}","email":"a@example.test"}}"#
    );
    let header = r#"{"alg":"HS256","jwk":{"kty":"oct","k":"c3VwZXItc2VjcmV0LWtleQ"}}"#;
    let token = token(header, &claims, b"super-secret-key");
    for format in ["text", "json"] {
        let done = inspect([token.as_str(), "--format", format, "--fail-on", "never"]).code(0);
        for secret in ["hunter2", "abcdefgh12345", inner.rsplit('.').next().unwrap(), "c3VwZXI"] {
            assert!(!done.out.contains(secret), "{secret} in {}", done.out);
        }
        assert!(done.out.contains("a@example.test"), "{}", done.out);
        let shown =
            inspect([token.as_str(), "--format", format, "--fail-on", "never", "--show-secrets"]).code(0);
        assert!(shown.out.contains("hunter2-hunter2") && shown.out.contains("c3VwZXI"), "{}", shown.out);
    }
}

#[test]
fn unsigned_damaged_and_encrypted_tokens_are_told() {
    let text = |s: &str| URL_SAFE_NO_PAD.encode(s);
    let unsigned =
        format!("{}.{}.", text(r#"{"alg":"none"}"#), text(r#"{"sub":"a","sub":"b","exp":"soon"}"#));
    let done = inspect([unsigned.as_str()]).code(1);
    for said in ["none: anyone can write such a token", "defects", "stands there twice", "[jwt-alg-none]"] {
        assert!(done.out.contains(said), "{said}: {}", done.out);
    }
    let jwe = format!("{}.YQ.YQ.YWJj.YWJj", text(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#));
    let done = inspect([jwe.as_str(), "--fail-on", "never"]).code(0);
    assert!(done.out.contains("JWE") && done.out.contains("a JWE has none"), "{}", done.out);
    insta::assert_snapshot!(inspect([unsigned.as_str()]).code(1).out);
}

/// RFC 7520 section 6: a signed token inside an encrypted one, opened with the key of section 5.2.
#[test]
fn a_token_inside_an_encrypted_one_is_inspected_too() {
    let example = |file: &str, name: &str, member: &str| {
        let all: Vec<Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        all.into_iter().find(|entry| entry["rfc"] == name).unwrap()[member].take()
    };
    let jwe = example("src/token/rfc_examples.json", "RFC 7520 6.2", "text");
    let jwe = jwe.as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.json");
    fs::write(&key, example("src/keys/jwe/rfc_keys.json", "RFC 7520 5.2", "jwk").to_string()).unwrap();
    let given = ["--fail-on", "never", "--key", key.to_str().unwrap()];
    let done = inspect([&[jwe][..], &given, &["--format", "json"]].concat()).code(0).quiet();
    let tokens = json(&done)["tokens"].take();
    assert_eq!((&tokens[0]["opened"], &tokens[0]["claims"]), (&true.into(), &Value::Null));
    assert_eq!((&tokens[1]["within"], &tokens[1]["alg"]), (&tokens[0]["sha256"], &"PS256".into()));
    assert_eq!(tokens[1]["claims"]["iss"], "hobbiton.example");
    insta::assert_snapshot!(inspect([&[jwe][..], &given].concat()).code(0).out);
    let closed = inspect([jwe, "--fail-on", "never"]).code(0);
    assert!(!closed.out.contains("hobbiton"), "{}", closed.out);
}

#[test]
fn flags_of_rules_hold() {
    let token = weak();
    inspect([token.as_str(), "--fail-on", "never"]).code(0);
    inspect([token.as_str(), "--ignore", "group:jose,group:claims"]).code(0);
    inspect([token.as_str(), "--select", "jwt-hs-weak-secret"]).code(1);
    inspect([token.as_str(), "--crack-budget", "0", "--select", "jwt-hs-weak-secret"]).code(0);
    inspect([token.as_str(), "--format", "yaml"]).code(2).says(&["no format yaml"]);
    inspect([token.as_str(), "--select", "nothing-of-this-name"]).code(2);
}

/// Texts that try to take over the terminal are shown as escapes.
#[test]
fn nothing_in_a_token_reaches_the_terminal_raw() {
    let token = token(r#"{"alg":"HS256","kid":"a\u001b[31mb"}"#, "{\"\\u202esub\":\"x\\u0007\\n\"}", b"k");
    let done = inspect([token.as_str(), "--fail-on", "never"]).code(0);
    assert!(done.out.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", done.out);
    assert!(done.out.contains("\\u{1b}[31m") && !done.out.contains('\u{202e}'), "{}", done.out);
}
