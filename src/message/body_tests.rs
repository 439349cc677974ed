//! Bodies: tokens in JSON, forms, multipart and text.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn at(body: &str, text: &str) -> usize {
    memchr::memmem::find(body.as_bytes(), text.as_bytes()).unwrap()
}

fn name(format: &BodyFormat, body: &str, text: &str) -> Option<String> {
    Locator::new(format).name_at(body.as_bytes(), at(body, text)).map(String::from)
}

#[test]
fn json_places_have_full_paths() {
    let body = r#"{"data":[{"x":1},{"token":"TOK1","odd key":{"x":"TOK2"}}],"TOK3":{"a":"{\"t\":\"TOK4\"}"},"n":TOK5}"#;
    for (text, path) in [
        ("TOK1", "$.data[1].token"),
        ("TOK2", "$.data[1]['odd key'].x"),
        ("TOK3", "$"),
        ("TOK4", "$.TOK3.a"),
        ("TOK5", "$.n"),
    ] {
        assert_eq!(name(&BodyFormat::Json, body, text).as_deref(), Some(path));
    }
    for (body, path) in [
        ("\u{feff}\"TOK\"", "$"),
        (")]}',\n{\"a\":\"TOK\"}", "$.a"),
        ("{\"a\":\"x\"}\n{\"b\":[\"y\",\"TOK", "$.b[1]"),
        ("[1][2]{\"c\":\"TOK\"}", "$.c"),
        ("while(1);[{\"a\\u0062\":\"TOK\"}]", "$[0].ab"),
        ("{\"a\":{\"TOK\":1}}", "$.a"),
        ("{\"a\":[{},[],{}, \"TOK\"]}", "$.a[3]"),
        ("]]}{\"a\":\"\\\\\",\"b\":\"\\\"TOK\"}", "$.b"),
    ] {
        assert_eq!(name(&BodyFormat::Json, body, "TOK").as_deref(), Some(path), "{body}");
    }
}

#[test]
fn packets_of_socket_io_are_json() {
    for (body, path) in [
        ("40{\"token\":\"TOK\"}", "$.token"),
        ("42[\"login\",{\"jwt\":\"TOK\"}]", "$[1].jwt"),
        ("42/chat,[\"login\",\"TOK\"]", "$[1]"),
    ] {
        assert_eq!(BodyFormat::tell(None, body.as_bytes()), BodyFormat::Json, "{body}");
        assert_eq!(name(&BodyFormat::Json, body, "TOK").as_deref(), Some(path), "{body}");
    }
    assert_eq!(BodyFormat::tell(None, b"42 is the answer {"), BodyFormat::Text);
}

#[test]
fn events_and_stomp_frames_have_fields() {
    let events = "retry: 5\nid: TOK1\ndata: {\"a\":1}\n\nevent: login\ndata:{\"x\":[\"TOK2\"]}\ndata: TOK3\n";
    let format = BodyFormat::tell(Some(b"text/event-stream; charset=utf-8"), b"retry: 5\n");
    assert_eq!(format, BodyFormat::Fields);
    assert_eq!(name(&format, events, "TOK1").as_deref(), Some("id"));
    assert_eq!(name(&format, events, "TOK2").as_deref(), Some("$.x[0]"));
    assert_eq!(name(&format, events, "TOK3"), None);
    let stomp = "CONNECT\naccept-version:1.2\nAuthorization:Bearer TOK1\n\n{\"t\":\"TOK2\"}\0";
    let format = BodyFormat::tell(None, stomp.as_bytes());
    assert_eq!(format, BodyFormat::Fields);
    assert_eq!(name(&format, stomp, "TOK1").as_deref(), Some("authorization"));
    assert_eq!(name(&format, stomp, "TOK2").as_deref(), Some("$.t"));
    assert_eq!(BodyFormat::tell(None, b"CONNECTION lost\n"), BodyFormat::Text);
}

#[test]
fn past_the_depth_bound_there_is_no_name_and_after_it_there_is() {
    let deep = "[".repeat(100) + "\"TOK\"" + &"]".repeat(100) + "{\"a\":\"OK\"}";
    assert_eq!(name(&BodyFormat::Json, &deep, "TOK"), None);
    assert_eq!(name(&BodyFormat::Json, &deep, "OK\"}").as_deref(), Some("$.a"));
}

#[test]
fn locators_resume_go_back_and_follow_a_growing_body() {
    let body = br#"{"a":"x","b":["y","z"]}"#;
    let mut locator = Locator::new(&BodyFormat::Json);
    assert_eq!(locator.name_at(&body[..7], 6).as_deref(), Some("$.a"));
    assert_eq!(locator.name_at(body, 19).as_deref(), Some("$.b[1]"));
    assert_eq!(locator.name_at(body, 15).as_deref(), Some("$.b[0]"));
    assert_eq!(locator.name_at(body, 999), None);
}

#[test]
fn form_places_are_parameters() {
    let body = "grant_type=x&id%5Ftoken=TOK1&a+b=TOK2&TOK3&=TOK4&e=f";
    for (text, expected) in [
        ("TOK1", Some("id_token")),
        ("TOK2", Some("a b")),
        ("TOK3", None),
        ("TOK4", None),
        ("x&", Some("grant_type")),
    ] {
        assert_eq!(name(&BodyFormat::Form, body, text).as_deref(), expected);
    }
    let fields: Vec<_> = form_fields(b"a=1+2&b&c=%3D").collect();
    assert_eq!(fields, [("a".into(), "1 2".into()), ("b".into(), "".into()), ("c".into(), "=".into())]);
}

#[test]
fn formats_are_told_from_type_and_content() {
    let tell = |kind: &str, body: &str| {
        BodyFormat::tell((!kind.is_empty()).then_some(kind.as_bytes()), body.as_bytes()).as_str()
    };
    for (kind, body, format) in [
        ("application/json; charset=utf-8", "x", "json"),
        ("application/problem+json", "", "json"),
        ("Application/X-WWW-Form-Urlencoded", "a=b", "form"),
        ("application/x-www-form-urlencoded", " {\"a\":1}", "json"),
        ("text/html", "<html>", "html"),
        ("text/html", "{\"a\":1}", "json"),
        ("text/plain", "[1]", "json"),
        ("text/plain", "a=b", "text"),
        ("text/javascript", "{}", "text"),
        ("", "{\"a\"", "json"),
        ("", "\u{feff})]}',\n{", "json"),
        ("", "user=bob&pass=x%20y", "form"),
        ("", "user = bob", "text"),
        ("", "<?xml?>", "html"),
        ("", "--b\r\nContent-Disposition: form-data", "multipart"),
        ("multipart/form-data; boundary=q", "", "multipart"),
        ("multipart/form-data", "", "text"),
        ("image/png", "{", "binary"),
        ("application/octet-stream", "\0\u{1}\u{2}", "binary"),
        ("", "", "text"),
        ("", "eyJhbGciOiJub25lIn0.e30.", "text"),
    ] {
        assert_eq!(tell(kind, body), format, "{kind} {body}");
    }
    assert_eq!(BodyFormat::tell(None, b"\xff\xd8\xff"), BodyFormat::Binary);
}

/// Every string value of `value` gets a number of its own as text; its path goes to `paths` in that order.
fn number(value: &mut Value, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            *text = format!("{text}@{}@", paths.len());
            paths.push(path.to_owned());
        }
        Value::Array(all) => {
            all.iter_mut().enumerate().for_each(|(i, v)| number(v, &format!("{path}[{i}]"), paths));
        }
        Value::Object(all) => {
            for (key, v) in all.iter_mut() {
                let mut path = path.to_owned();
                crate::message::text::path_member(&mut path, key);
                number(v, &path, paths);
            }
        }
        _ => {}
    }
}

fn json() -> impl Strategy<Value = Value> {
    let text = "[a-z\"\\\\{}\\[\\],: é\n\u{1f600}-\u{1f610}]{0,6}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((text, inner), 0..5)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_string_in_json_has_the_path_that_walking_it_gives(mut value in json(), pretty: bool, step in 1usize..4) {
        let mut paths = Vec::new();
        number(&mut value, "$", &mut paths);
        let body = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let mut locator = Locator::new(&BodyFormat::Json);
        for (i, path) in paths.iter().enumerate().step_by(step) {
            let offset = at(&body, &format!("@{i}@"));
            let found = locator.name_at(body.as_bytes(), offset);
            prop_assert_eq!(found.as_deref(), Some(&**path));
        }
        let mut members = 0;
        crate::message::json_members(body.as_bytes(), usize::MAX, &mut |m| {
            assert!(m.value.ends_with(&format!("@{members}@")));
            members += 1;
        });
        prop_assert_eq!(members, paths.len());
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz_part(&data);
    }

    #[test]
    fn resuming_gives_what_starting_again_gives(data in "[\\[\\]{}\":,a\\\\&=\r\nx-]{0,60}", mut offsets in proptest::collection::vec(0usize..60, 1..6)) {
        offsets.sort_unstable();
        fuzz_part(data.as_bytes());
        for format in [BodyFormat::Json, BodyFormat::Form, BodyFormat::Multipart { boundary: b"x"[..].into() }] {
            let mut resumed = Locator::new(&format);
            for &offset in &offsets {
                let fresh = Locator::new(&format).name_at(data.as_bytes(), offset);
                prop_assert_eq!(resumed.name_at(data.as_bytes(), offset), fresh);
            }
        }
    }
}
