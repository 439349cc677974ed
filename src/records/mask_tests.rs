//! What records mask and what they show.

use super::*;
use base64::{Engine as _, engine::general_purpose};
use proptest::prelude::*;

const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const PAYLOAD: &str = "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0";
const SIGNATURE: &str = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";

fn token() -> String {
    format!("{HEADER}.{PAYLOAD}.{SIGNATURE}")
}

fn redacted() -> String {
    format!("{HEADER}.***.***")
}

fn field(name: &str, value: &str) -> String {
    mask_field(name, value, &Scanner::new())
}

fn target(text: &str) -> String {
    mask_target(text, &Scanner::new())
}

#[test]
fn tokens_are_redacted_in_every_place() {
    let (t, r) = (token(), redacted());
    assert_eq!(
        target(&format!("/a/{t}/b?x={t}&y=1#id_token={t}")),
        format!("/a/{r}/b?x={r}&y=1#id_token={r}")
    );
    assert_eq!(field("Authorization", &format!("Bearer {t}")), format!("Bearer {r}"));
    assert_eq!(field("X-Id", &format!("{t}, {t}")), format!("{r}, {r}"));
    assert_eq!(field("cookie", &format!("a=1; jwt={t}; theme=dark")), format!("a=1; jwt={r}; theme=dark"));
    assert_eq!(
        field("set-cookie", &format!("id={t}; Path=/; HttpOnly")),
        format!("id={r}; Path=/; HttpOnly")
    );
    assert_eq!(
        field("Referer", &format!("http://h/p?access_token={t}&a=b")),
        format!("http://h/p?access_token={r}&a=b")
    );
    assert_eq!(mask_target(&format!("see {t}."), &Scanner::new()), format!("see {r}."));
}

#[test]
fn encoded_tokens_do_not_come_through() {
    let t = token();
    let percent = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let dots = t.replace('.', "%2E");
    let twice = t.replace('.', "%252E");
    let base64 = general_purpose::STANDARD.encode(format!("user:{t}"));
    let url = general_purpose::URL_SAFE_NO_PAD.encode(&t);
    let json = percent(&format!(r#"{{"token":"{t}"}}"#));
    let bearer = format!("Bearer%20{t}");
    assert_eq!(field("authorization", &format!("Basic {base64}")), "Basic ***");
    for form in [&dots, &twice, &percent(&t), &percent(&dots), &url, &json, &bearer] {
        for text in [
            target(&format!("/p?v={form}&w=1")),
            target(&format!("/p/{form}/q")),
            field("cookie", &format!("v={form}; w=1")),
            field("x-any", form),
            field("location", &format!("https://h/cb#v={form}")),
            field("authorization", &format!("Basic {form}")),
        ] {
            for secret in [PAYLOAD, SIGNATURE, form.get(form.len() / 2..).unwrap()] {
                assert!(!text.contains(secret), "{form} in {text}");
            }
        }
    }
    let nested = target(&format!("/login?next=https%3A%2F%2Fh%2Fcb%3Ftoken%3D{t}%26a%3Db"));
    assert_eq!(nested, format!("/login?next=https%3A%2F%2Fh%2Fcb%3Ftoken%3D{}%26a%3Db", redacted()));
}

#[test]
fn credentials_are_hidden_by_name() {
    assert_eq!(target("/p?password=hunter2&q=1"), "/p?password=***&q=1");
    assert_eq!(target("/p?q=1&api_key=a%26b&client_secret=s"), "/p?q=1&api_key=***&client_secret=***");
    assert_eq!(target("/cb?code=abc&state=xyz"), "/cb?code=***&state=xyz");
    assert_eq!(target("/a;jsessionid=0A1B/b?x=1"), "/a;jsessionid=***/b?x=1");
    assert_eq!(target("http://user:pass@h.test/p"), "http://***@h.test/p");
    assert_eq!(target("user:pass@h.test:443"), "***@h.test:443");
    assert_eq!(target("/go?u=https%3A%2F%2Fuser%3Apw%40h%2F"), "/go?u=https%3A%2F%2F***%40h%2F");
    assert_eq!(
        target("/go?u=%2Fcb%3Frefresh_token%3Dabc%26x%3D1&y=2"),
        "/go?u=%2Fcb%3Frefresh_token%3D***%26x%3D1&y=2"
    );
    assert_eq!(target("/p?pass%77ord=hunter2"), "/p?pass%77ord=***");
    assert_eq!(target("/search?q=password&page=2"), "/search?q=password&page=2");
    assert_eq!(field("location", "//u:p@h/x"), "//***@h/x");
    assert_eq!(field("link", "<https://h/?sig=abc>; rel=\"next\""), "<https://h/?sig=***>; rel=\"next\"");
    assert_eq!(field("X-Api-Key", "0123456789"), "***");
    assert_eq!(field("X-Vault-Token", "s.abc"), "***");
    assert_eq!(field("X-CSRF-Token", "abc"), "abc");
}

#[test]
fn schemes_and_cookie_names_stay() {
    assert_eq!(field("Authorization", "Basic dXNlcjpwYXNz"), "Basic ***");
    assert_eq!(field("proxy-authorization", "Digest username=\"u\", response=\"r\""), "Digest ***");
    assert_eq!(field("authorization", "opaque-without-a-scheme-0123456789"), "***");
    assert_eq!(field("authorization", "Negotiate"), "Negotiate");
    assert_eq!(field("authorization", ""), "");
    assert_eq!(field("X-Forwarded-Authorization", "Bearer abc"), "Bearer ***");
    assert_eq!(field("X-Upstream", "Bearer abc"), "Bearer ***");
    assert_eq!(field("authorization", &format!("Bearer {} trailing", token())), "Bearer ***");
    assert_eq!(
        field("cookie", "theme=dark; PHPSESSID=abc123; _ga=GA1.2.3"),
        "theme=dark; PHPSESSID=***; _ga=GA1.2.3"
    );
    assert_eq!(field("cookie", "sid=\"q\"; x"), "sid=\"***\"; x");
    assert_eq!(field("set-cookie", "session=abc; Path=/; Secure"), "session=***; Path=/; Secure");
    let (left, right) = (&token()[..60], &token()[60..]);
    assert_eq!(field("cookie", &format!("tok.0={left}; tok.1={right}")), "tok.0=***; tok.1=***");
    assert_eq!(
        field("content-type", "multipart/form-data; boundary=abc"),
        "multipart/form-data; boundary=abc"
    );
}

proptest! {
    #[test]
    fn no_token_survives_its_surroundings(before in "[ -~é漢]{0,20}", after in "([ ,;&\"#?][ -~]{0,20})?", name in "[a-z-]{1,12}") {
        let text = format!("{before} {}{after}", token());
        let scanner = Scanner::new();
        for masked in [mask_target(&text, &scanner), mask_field(&name, &text, &scanner),
            mask_field("cookie", &text, &scanner), mask_field("authorization", &text, &scanner)] {
            prop_assert!(!masked.contains(SIGNATURE) && !masked.contains(PAYLOAD), "{masked}");
        }
    }

    #[test]
    fn anything_is_masked_without_panic(text in any::<String>(), name in "(cookie|set-cookie|authorization|location|x)") {
        let scanner = Scanner::new();
        let _ = (mask_target(&text, &scanner), mask_field(&name, &text, &scanner));
    }
}
