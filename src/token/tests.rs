//! Vectors of the RFCs, every disguise, and the properties of the scanner.

use super::*;
use base64::{Engine, engine::general_purpose as b64};
use std::sync::LazyLock;

pub(super) static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::new);

/// Payload of RFC 7515 appendices A.1, A.2, A.3 and A.5 and of RFC 7519 sections 3.1 and 6.1.
const JOE: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
pub(super) const A1_HEADER: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
const A1_SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A1_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A3_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const A4: &str = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
/// RFC 8037 appendix A.4.
const ED25519: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
/// RFC 7516 appendix A.1.
const JWE: &str = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGeipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iGdXKHzg.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A.XFBoMYUZodetZdvTiFvSkQ";

pub(super) fn a1() -> String {
    format!("{A1_HEADER}.{JOE}.{A1_SIGNATURE}")
}

fn token(header: &str, payload: &str, signature: &[u8]) -> String {
    let e = |bytes: &[u8]| b64::URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", e(header.as_bytes()), e(payload.as_bytes()), e(signature))
}

pub(super) fn find(text: &[u8]) -> Vec<(usize, usize, String, Vec<&'static str>)> {
    let mut hits = Vec::new();
    SCANNER.find(text, &mut |h| {
        assert!(Token::parse(&h.text).is_some());
        let wrappings = h.wrappings.iter().map(Wrapping::as_str).collect();
        hits.push((h.range.start, h.range.end, String::from_utf8(h.text.into_owned()).unwrap(), wrappings));
    });
    hits
}

pub(super) fn texts(text: &str) -> Vec<String> {
    find(text.as_bytes()).into_iter().map(|hit| hit.2).collect()
}

fn parse(text: &str) -> Token {
    Token::parse(text.as_bytes()).unwrap()
}

#[test]
fn the_examples_of_rfc_7515_decode_as_it_says() {
    use hmac::{Hmac, KeyInit, Mac};
    let a1 = parse(&a1());
    assert_eq!(a1.header().to_string(), r#"{"typ":"JWT","alg":"HS256"}"#);
    let claims = r#"{"iss":"joe","exp":1300819380,"http://example.com/is_root":true}"#;
    assert_eq!(a1.claims().unwrap().to_string(), claims);
    let mut mac =
        Hmac::<sha2::Sha256>::new_from_slice(&b64::URL_SAFE_NO_PAD.decode(A1_KEY).unwrap()).unwrap();
    mac.update(a1.signing_input());
    mac.verify_slice(a1.signature()).unwrap();
    assert!(a1.is_sample() && a1.defects().is_empty());
    assert_eq!((a1.kind(), a1.family()), (Kind::Jws, Some(Family::Hs)));
    for (header, signature, len, family) in [
        ("eyJhbGciOiJSUzI1NiJ9", A2_SIGNATURE, 256, Family::Rs),
        ("eyJhbGciOiJFUzI1NiJ9", A3_SIGNATURE, 64, Family::Es),
    ] {
        let token = parse(&format!("{header}.{JOE}.{signature}"));
        assert_eq!((token.signature().len(), token.family()), (len, Some(family)));
        assert_eq!(token.claims(), a1.claims());
    }
    let a4 = parse(A4);
    assert_eq!((a4.payload(), a4.signature().len(), a4.claims()), (&b"Payload"[..], 132, None));
}

#[test]
fn unsecured_and_other_rfc_examples_decode() {
    for end in [".", ""] {
        let text = format!("eyJhbGciOiJub25lIn0.{JOE}{end}");
        let none = parse(&text);
        assert_eq!((none.alg().unwrap(), none.none_form()), ("none".into(), NoneForm::Exact));
        assert_eq!(none.signature(), b"");
        assert_eq!(texts(&format!("t={text}; x=1")), [text]);
    }
    let ed = parse(ED25519);
    assert_eq!((ed.payload(), ed.signature().len()), (&b"Example of Ed25519 signing"[..], 64));
    let jwe = parse(JWE);
    assert_eq!((jwe.kind(), jwe.claims(), jwe.segments().count()), (Kind::Jwe, None, 5));
    assert_eq!(jwe.header_member("enc").unwrap(), "A256GCM");
    assert_eq!(jwe.signature().len(), 16);
    assert_eq!(texts(&format!("{JWE}.")), [JWE]);
    let (four, _) = JWE.rsplit_once('.').unwrap();
    assert!(texts(four).is_empty() && texts(&format!("{four}.")).is_empty());
}

#[test]
fn alg_of_any_type_or_none_at_all() {
    for (header, alg) in [
        (r#"{"alg":["none"],"typ":"JWT"}"#, Some(r#"["none"]"#)),
        (r#"{"alg":null,"typ":"JWT"}"#, Some("null")),
        (r#"{"alg":1.50}"#, Some("1.50")),
        (r#"{"alg":{"a":1}}"#, Some(r#"{"a":1}"#)),
        (r#"{"alg":""}"#, Some("")),
        (r#"{"typ":"JWT"}"#, None),
        (r#"{"kid":"1"}"#, None),
    ] {
        let text = token(header, r#"{"sub":"x"}"#, b"0123456789abcdef");
        assert_eq!(parse(&text).alg().as_deref(), alg, "{header}");
        assert_eq!(texts(&format!("\"{text}\"")), [text]);
    }
    assert!(Token::parse(token(r#"{"typ":"JWT"}"#, "text", b"0123").as_bytes()).is_none());
    assert!(Token::parse(token(r#"{"a":"JWT"}"#, "{}", b"0123").as_bytes()).is_none());
}

#[test]
fn odd_starts_are_found() {
    for header in [
        "{\n  \"alg\": \"HS256\"\n}",
        "{\r\n\"alg\":\"HS256\"}",
        "{\t\"alg\":\"HS256\"}",
        " {\"alg\":\"HS256\"}",
        "{ \"alg\":\"HS256\"}",
        "\n{\"alg\":\"HS256\"}",
        "\r\n{\"alg\":\"HS256\"}",
        "  {\"alg\":\"HS256\"}",
        "\t{\"alg\":\"HS256\"}",
        "{\n\t\"alg\":\"HS256\"}",
        "{\n\n\"alg\":\"HS256\"}",
        "{\n\"alg\":\"HS256\"}",
        "{\"1\":2,\"alg\":\"HS256\"}",
        "   {\"alg\":\"HS256\"}",
        "\u{feff}{\"alg\":\"HS256\"}",
        "\n\n{\"alg\":\"HS256\"}",
    ] {
        let text = token(header, r#"{"sub":"x"}"#, &[7; 32]);
        assert_eq!(texts(&format!("a: {text}\r\n")), [text], "{header:?}");
    }
}

pub(super) fn disguises() -> Vec<(String, Vec<&'static str>)> {
    let text = a1();
    let every = |f: &dyn Fn(u8) -> String| text.bytes().map(f).collect::<String>();
    let cookie = b64::URL_SAFE_NO_PAD.encode(format!(r#"{{"access_token":"{text}","x":1}}"#));
    vec![
        (text.clone(), vec![]),
        (text.replace('.', "%2E"), vec!["percent"]),
        (text.replace('.', "%252e"), vec!["percent-twice"]),
        (text.replace('_', "%5F").replace('-', "%2d"), vec!["percent"]),
        (every(&|b| format!("%{b:02x}")), vec!["percent"]),
        (every(&|b| format!("%25{b:02X}")), vec!["percent-twice"]),
        (text.replace('.', "\\u002e"), vec!["json"]),
        (every(&|b| format!("\\u{b:04x}")), vec!["json"]),
        (text.replace('.', "&#46;"), vec!["html"]),
        (every(&|b| format!("&#{b};")), vec!["html"]),
        (every(&|b| format!("&#x{b:x};")), vec!["html"]),
        (b64::STANDARD.encode(&text), vec!["base64"]),
        (b64::URL_SAFE_NO_PAD.encode(&text), vec!["base64"]),
        (b64::STANDARD.encode(&text).replace('=', "%3D"), vec!["percent", "base64"]),
        (b64::STANDARD.encode(b64::STANDARD.encode(&text)), vec!["base64"]),
        (text.bytes().map(|b| format!("{b:02x}")).collect(), vec!["hex"]),
        (text.bytes().map(|b| format!("{b:02X}")).collect(), vec!["hex"]),
        (cookie, vec!["base64"]),
    ]
}

#[test]
fn every_disguise_is_seen_through_and_measured() {
    let plain = a1();
    for (index, (disguised, wrappings)) in disguises().into_iter().enumerate() {
        let hits = find(format!("x=\"{disguised}\" y").as_bytes());
        if index == 14 {
            // Base64 twice: its start is not one of the needles.
            assert!(hits.len() <= 1);
            continue;
        }
        assert_eq!(hits.len(), 1, "{disguised}");
        assert_eq!((&hits[0].2, &hits[0].3), (&plain, &wrappings), "{disguised}");
        if !disguised.starts_with("eyJhY2Nlc3N") {
            assert_eq!((hits[0].0, hits[0].1), (3, 3 + disguised.len()), "{disguised}");
        }
    }
    let supabase = b64::STANDARD.encode(format!(r#"{{"access_token":"{plain}","b":"{ED25519}"}}"#));
    assert_eq!(texts(&format!("sb-auth=base64-{supabase}; a=b")), [plain, ED25519.to_owned()]);
}

#[test]
fn nothing_but_the_token_is_taken_and_no_fragment_of_one() {
    let text = a1();
    for around in [
        "Bearer {}",
        "({}).",
        "{}.",
        "see {}...",
        "/verify/{}/next",
        "a={}&b=1",
        "{\"t\":\"{}\"}",
        "{}+x",
        "{}%22",
        "{}\\n",
        "sid_{}",
        "{}%0D%0A",
        "{}; Path=/",
        "https://h/{}?x",
    ] {
        assert_eq!(texts(&around.replace("{}", &text)), std::slice::from_ref(&text), "{around}");
    }
    let (head, rest) = text.split_once('.').unwrap();
    for fragment in [
        rest.to_owned(),
        format!(".{rest}"),
        format!("{rest}."),
        format!("{head}.***.***"),
        format!("{head}..***"),
        format!("{head}.{JOE}.***"),
        format!("{head}.{JOE}..."),
        format!("{head}..."),
        format!("{head}.{JOE}"),
        format!("{head}.{JOE}.<redacted>"),
        format!("{}", parse(&text)),
        head.to_owned(),
        "eyJ..***".into(),
        format!("{head}.{JOE}.abc***"),
    ] {
        assert_eq!(texts(&fragment), Vec::<String>::new(), "{fragment}");
    }
    // A payload that could itself be a header, and a token inside a token.
    let inner = token(r#"{"alg":"none"}"#, &format!(r#"{{"typ":"Bearer","t":"{text}"}}"#), b"");
    assert_eq!(texts(&format!("{inner} ")), [inner]);
}

#[test]
fn detached_empty_padded_and_standard_forms_are_tokens_with_defects() {
    let detached = format!("{A1_HEADER}..{A1_SIGNATURE}");
    assert_eq!(parse(&detached).payload(), b"");
    assert_eq!(texts(&detached), [detached]);
    let stripped = format!("{A1_HEADER}.{JOE}.");
    assert_eq!(parse(&stripped).signature(), b"");
    assert_eq!(texts(&format!("{stripped}\n")), [stripped]);
    let kinds = |text: &str| -> Vec<_> { parse(text).defects().iter().map(|d| d.kind.as_str()).collect() };
    let padded = format!("{A1_HEADER}.{JOE}==.{A1_SIGNATURE}=");
    assert_eq!(kinds(&padded), ["padding", "padding"]);
    assert_eq!(texts(&format!("t={padded}&x")), [padded]);
    let standard = format!("{A1_HEADER}.{JOE}.{}", A1_SIGNATURE.replace('-', "+").replace('_', "/"));
    assert_eq!(kinds(&standard), ["standard-alphabet"]);
    assert_eq!(texts(&format!("t={standard}/x")).len(), 1);
    assert_eq!(texts(&format!("t={standard}")), [standard]);
    assert_eq!(kinds(&format!("{A1_HEADER}.{JOE}.{}", A1_SIGNATURE.replace("Xk", "Xl"))), ["trailing-bits"]);
    assert_eq!(kinds(&format!("{A1_HEADER}.{JOE}\n.{A1_SIGNATURE}")), ["whitespace"]);
    assert_eq!(kinds(&token(r#"{"alg":"a","alg":1}"#, "{}", b"s")), ["duplicate-member", "wrong-type"]);
}

#[test]
fn sd_jwt_json_and_nested_forms_have_their_kinds_and_digests() {
    use sha2::Digest;
    let digest = |text: &str| -> [u8; 32] { sha2::Sha256::digest(text).into() };
    let (core, disclosure) = (a1(), b64::URL_SAFE_NO_PAD.encode(r#"["salt","a","b"]"#));
    let binding = token(r#"{"alg":"ES256","typ":"kb+jwt"}"#, "{}", &[1; 64]);
    for text in
        [format!("{core}~{disclosure}~"), format!("{core}~"), format!("{core}~{disclosure}~{binding}")]
    {
        let sd = parse(&text);
        assert_eq!((sd.kind(), sd.sha256()), (Kind::SdJwt, &digest(&core)));
        assert_eq!(texts(&format!("{text} ")), [text]);
    }
    let nested = token(r#"{"alg":"none","cty":"JWT"}"#, &core, b"");
    assert_eq!(parse(&nested).kind(), Kind::Nested);
    let json = serde_json::json!({"payload": JOE, "signatures": [
        {"protected": A1_HEADER, "header": {"kid": "k"}, "signature": A1_SIGNATURE},
        {"header": {"alg": "ES256"}, "signature": A3_SIGNATURE}]});
    let tokens = Token::from_json(&json);
    assert_eq!(tokens.len(), 2);
    assert_eq!((tokens[0].kind(), tokens[0].sha256()), (Kind::JwsJson, &digest(&core)));
    assert_eq!(tokens[0].kid().unwrap(), "k");
    assert_eq!(tokens[1].alg().unwrap(), "ES256");
}

#[test]
fn a_token_prints_redacted() {
    let token = parse(&a1());
    assert_eq!(token.to_string(), format!("{A1_HEADER}.***.***"));
    assert_eq!(format!("{token:?}"), format!("Token({A1_HEADER}.***.***)"));
    assert_eq!(token.text(true), a1());
    assert_eq!(parse(&format!("{A1_HEADER}.{JOE}.")).to_string(), format!("{A1_HEADER}.***."));
}

#[test]
fn roles_are_told_by_type_use_and_claims() {
    let role = |header: &str, claims: &str| parse(&token(header, claims, b"s")).role().as_str();
    assert_eq!(role(r#"{"alg":"a","typ":"at+jwt"}"#, "{}"), "access");
    assert_eq!(role(r#"{"alg":"a","typ":"dpop+jwt"}"#, "{}"), "dpop-proof");
    assert_eq!(role(r#"{"alg":"a","typ":"JWT"}"#, r#"{"token_use":"id"}"#), "id");
    assert_eq!(role(r#"{"alg":"a"}"#, r#"{"typ":"Refresh"}"#), "refresh");
    assert_eq!(role(r#"{"alg":"a"}"#, r#"{"iss":"c","sub":"c","jti":"1"}"#), "client-assertion");
    assert_eq!(role(r#"{"alg":"a"}"#, r#"{"scope":"x"}"#), "access");
    assert_eq!(role(r#"{"alg":"a","ppt":"shaken"}"#, "{}"), "passport");
    assert_eq!(role(r#"{"alg":"a"}"#, r#"{"sub":"x"}"#), "unknown");
}

#[test]
fn repeated_names_without_end_are_a_bounded_list_that_hides_nothing() {
    let names: String = (0..2000).map(|n| format!("\"m{n}\":1,\"m{n}\":2,")).collect();
    let header = format!("{{\"alg\":\"HS256\",{names}\"x\":\"\\u0000\"}}");
    let token = parse(&token(&header, "{\"a\":\"\\ud800\"}", b"x"));
    let count = |kind| token.defects().iter().filter(|d| d.kind.as_str() == kind).count();
    assert!(token.defects().len() <= crate::limits::DEFECTS + 2, "{}", token.defects().len());
    assert_eq!((count("duplicate-member") > 10, count("nul"), count("lone-surrogate")), (true, 1, 1));
}

#[test]
fn many_tokens_inside_one_escaped_run_take_time_in_proportion() {
    let inner = "eyJhbGciOiJub25lIn0.e30. ".repeat(3600);
    let mut run = b64::STANDARD_NO_PAD.encode(inner);
    let escaped = format!("\\u{:04x}", run.as_bytes()[12]);
    run.replace_range(12..13, &escaped);
    let started = std::time::Instant::now();
    let found = find(run.as_bytes());
    assert_eq!(found.len(), 3600);
    assert!(found.windows(2).all(|two| two[0].0 < two[1].0), "in order");
    // Walked from the start for each, it takes a quarter of a minute (debug build).
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
