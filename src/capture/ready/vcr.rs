//! Interactions of cassettes: VCR and betamax (`http_interactions`), vcrpy and go-vcr (`interactions`).

use super::entry::{Body, Draft, Half};
use crate::time::Timestamp;
use serde_json::Value;

/// What an interaction says.
pub(super) fn draft(interaction: Value) -> Option<Draft> {
    let request = interaction.get("request")?;
    let response = interaction.get("response").filter(|r| r.is_object());
    let text = |value: &Value, names: &[&str]| {
        let found = names.iter().find_map(|name| value.get(name).and_then(Value::as_str));
        found.unwrap_or_default().to_owned()
    };
    let status = response.and_then(status);
    let version = response.map(|r| text(r, &["http_version", "proto"])).unwrap_or_default();
    Some(Draft {
        method: text(request, &["method"]).to_ascii_uppercase(),
        url: text(request, &["uri", "url"]),
        version: if version.is_empty() { text(request, &["proto"]) } else { version },
        sent: Timestamp::parse_date(&text(&interaction, &["recorded_at"])),
        request: half(request),
        response: status.zip(response).map(|(status, response)| (status, half(response))),
        ..Draft::default()
    })
}

/// `status: {code: 200}`, `code: 200`, `status: 200`.
fn status(response: &Value) -> Option<u16> {
    let number = |value: &Value| -> Option<u16> {
        match value {
            Value::String(text) => text.split(' ').next()?.parse().ok(),
            other => other.as_u64().and_then(|n| u16::try_from(n).ok()),
        }
    };
    let status = response.get("status").unwrap_or(&Value::Null);
    let code = status.get("code").or_else(|| response.get("code"));
    code.and_then(number).or_else(|| number(status)).filter(|s| *s >= 100)
}

fn half(message: &Value) -> Half {
    let mut fields = Vec::new();
    for (name, value) in message.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let values = match value {
            Value::Array(list) => list.iter().collect(),
            one => vec![one],
        };
        fields.extend(values.into_iter().filter_map(|value| Some((name.clone(), plain(value)?))));
    }
    Half { fields, body: body(message.get("body").unwrap_or(&Value::Null)) }
}

/// A value of a header field: text, or bytes that YAML has as `!!binary`.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(_) => match body(value) {
            Body::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Body::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// A body: text, or an object with `string` or `base64_string`, one of which may be in the other.
fn body(value: &Value) -> Body {
    match value {
        Value::String(text) => Body::text(text),
        Value::Object(parts) => match (parts.get("base64_string"), parts.get("string")) {
            (Some(Value::String(text)), _) => Body::base64(text),
            (_, Some(Value::String(text))) => Body::text(text),
            (_, Some(Value::Object(inner))) => match inner.get("base64_string") {
                Some(Value::String(text)) => Body::base64(text),
                _ => Body::Empty,
            },
            _ => Body::Empty,
        },
        _ => Body::Empty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_library_has_its_own_words() {
        let vcr = draft(json!({
            "request": { "method": "get", "uri": "http://a/", "headers": { "Accept": ["a", "b"] },
                "body": { "encoding": "utf-8", "string": "" } },
            "response": { "status": { "code": 200, "message": "OK" }, "headers": { "X": ["1"] },
                "body": { "encoding": "ASCII-8BIT", "base64_string": "aG\nk=\n" }, "http_version": "1.0" },
            "recorded_at": "Tue, 14 Nov 2023 22:13:20 GMT",
        }))
        .unwrap();
        assert_eq!((&*vcr.method, &*vcr.url, &*vcr.version), ("GET", "http://a/", "1.0"));
        assert_eq!(vcr.sent.map(Timestamp::seconds), Some(1_700_000_000));
        assert_eq!(vcr.request.fields.len(), 2);
        assert_eq!(vcr.request.body, Body::Empty);
        assert_eq!(vcr.response.unwrap().1.body, Body::Bytes(b"hi".to_vec()));

        let vcrpy = draft(json!({
            "request": { "method": "POST", "uri": "https://a/", "body": "a=1", "headers": {} },
            "response": { "status": { "code": "201" }, "headers": { "set-cookie": "a=1" },
                "body": { "string": { "base64_string": "aGk=" } } },
        }))
        .unwrap();
        assert_eq!(vcrpy.request.body, Body::Text("a=1".to_owned()));
        let (status, response) = vcrpy.response.unwrap();
        assert_eq!((status, response.body), (201, Body::Bytes(b"hi".to_vec())));
        assert_eq!(response.fields, [("set-cookie".to_owned(), "a=1".to_owned())]);

        let go = draft(json!({
            "id": 0, "request": { "proto": "HTTP/1.1", "url": "https://a/x", "method": "GET", "body": "" },
            "response": { "proto": "HTTP/2.0", "status": "200 OK", "code": 200, "body": "{}" },
        }))
        .unwrap();
        assert_eq!((&*go.version, go.response.unwrap().0), ("HTTP/2.0", 200));
        assert_eq!(super::status(&json!({ "status": "404 Not Found" })), Some(404));
        assert!(draft(json!({ "response": {} })).is_none());
    }
}
