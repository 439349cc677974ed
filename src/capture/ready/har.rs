//! Entries of HAR 1.2, as browsers, mitmproxy, Playwright and Polly write them.

use super::entry::{Body, Draft, Half};
use crate::time::Timestamp;
use serde_json::Value;
use std::net::IpAddr;

/// What an entry says.
pub(super) fn draft(entry: Value) -> Option<Draft> {
    let request = entry.get("request")?;
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let response = entry.get("response").filter(|r| r.is_object());
    // A request that was blocked or got no answer has the status 0, or -1.
    let status = response.and_then(|r| u16::try_from(r.get("status")?.as_i64()?).ok()).filter(|s| *s >= 100);
    let port = entry.get("_serverPort").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let version = |message: Option<&Value>| message.map(|m| text(m, "httpVersion")).filter(|v| !v.is_empty());
    Some(Draft {
        method: text(request, "method"),
        url: text(request, "url"),
        version: version(Some(request)).or_else(|| version(response)).unwrap_or_default(),
        sent: entry.get("startedDateTime").and_then(Value::as_str).and_then(Timestamp::parse_date),
        took: entry.get("time").and_then(Value::as_f64).map_or(0, |ms| (ms * 1e6) as i64),
        request: Half { fields: fields(request, "Cookie"), body: posted(request) },
        response: status.zip(response).map(|(status, response)| {
            let body = content(response, text(request, "method") == "HEAD");
            (status, Half { fields: fields(response, "Set-Cookie"), body })
        }),
        server: address(&text(&entry, "serverIPAddress")).map(|addr| (addr, port)),
        connection: connection(&entry),
        frames: frames(&entry),
        decoded: true,
    })
}

/// Chromium's own name of the connection, or that of the specification; but where browsers have the port there.
fn connection(entry: &Value) -> Option<String> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !matches!(*text, "" | "0"));
    let spec = || text("connection").filter(|name| name.parse::<u16>().is_err());
    text("_connectionId").or_else(spec).map(str::to_owned)
}

/// An address, of IPv6 also in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    bare.unwrap_or(text).parse().ok()
}

/// Header fields. Where the one with cookies is missing, it is made of those that are listed by name.
fn fields(message: &Value, cookie: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (name, value) in pairs(message, "headers") {
        // Fields of one name are joined by line ends, which none of their values can have.
        for value in value.split('\n') {
            fields.push((name.clone(), value.to_owned()));
        }
    }
    if fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(cookie)) {
        return fields;
    }
    let cookies: Vec<_> = pairs(message, "cookies").map(|(name, value)| format!("{name}={value}")).collect();
    if cookie == "Set-Cookie" {
        fields.extend(cookies.into_iter().map(|text| (cookie.to_owned(), text)));
    } else if !cookies.is_empty() {
        fields.push((cookie.to_owned(), cookies.join("; ")));
    }
    fields
}

/// Objects with name and value.
fn pairs<'v>(message: &'v Value, list: &str) -> impl Iterator<Item = (String, String)> + use<'v> {
    let all = message.get(list).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|pair| {
        let value = pair.get("value").and_then(Value::as_str).unwrap_or_default();
        Some((pair.get("name")?.as_str()?.to_owned(), value.to_owned()))
    })
}

/// The body of a request: its text, or the fields of a form.
fn posted(request: &Value) -> Body {
    let Some(data) = request.get("postData").filter(|d| d.is_object()) else {
        let size = request.get("bodySize").and_then(Value::as_i64).unwrap_or(0);
        return if size > 0 { Body::Lacking } else { Body::Empty };
    };
    match data.get("text").and_then(Value::as_str).filter(|text| !text.is_empty()) {
        Some(text) if data.get("encoding").and_then(Value::as_str) == Some("base64") => Body::base64(text),
        Some(text) => Body::text(text),
        None if data.get("_file").is_some() => Body::Lacking,
        None => {
            let form: Vec<_> = pairs(data, "params").map(|(name, value)| format!("{name}={value}")).collect();
            Body::text(&form.join("&"))
        }
    }
}

/// The body of a response, decoded.
fn content(response: &Value, head: bool) -> Body {
    let Some(content) = response.get("content").filter(|c| c.is_object()) else { return Body::Empty };
    let Some(text) = content.get("text").and_then(Value::as_str) else {
        let size = content.get("size").and_then(Value::as_i64).unwrap_or(0);
        let lacking = !head && (size > 0 || content.get("_file").is_some());
        return if lacking { Body::Lacking } else { Body::Empty };
    };
    match content.get("encoding").and_then(Value::as_str) {
        Some(encoding) if encoding.eq_ignore_ascii_case("base64") => Body::base64(text),
        _ => Body::text(text),
    }
}

/// WebSocket messages, as Chromium adds them: and Playwright too: binary ones (opcode 2) in base64, times
/// in seconds since 1970.
fn frames(entry: &Value) -> Vec<(bool, Option<Timestamp>, Vec<u8>)> {
    let all = entry.get("_webSocketMessages").and_then(Value::as_array).into_iter().flatten();
    let frame = |message: &Value| {
        let data = message.get("data")?.as_str()?;
        let time = message.get("time").and_then(Value::as_f64);
        // Playwright has milliseconds. A float has no more than microseconds of either.
        let micros = |t: f64| if t > 1e11 { t * 1e3 } else { t * 1e6 };
        let time = time.map(|t| Timestamp::from_nanos((micros(t).round() as i64).saturating_mul(1000)));
        let data = match message.get("opcode").and_then(Value::as_i64) {
            Some(2) => match Body::base64(data) {
                Body::Bytes(bytes) => bytes,
                _ => data.as_bytes().to_vec(),
            },
            _ => data.as_bytes().to_vec(),
        };
        let sent = matches!(message.get("type").and_then(Value::as_str), Some("send" | "request"));
        Some((sent, time, data))
    };
    all.filter_map(frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(request: Value, response: Value) -> Draft {
        draft(json!({ "startedDateTime": "2023-11-14T23:13:20.5+01:00", "time": 250.5, "request": request,
            "response": response, "serverIPAddress": "[::1]", "connection": "443", "_connectionId": "159",
            "_serverPort": 8443 }))
        .unwrap()
    }

    #[test]
    fn an_entry_says_what_was_sent() {
        let draft = entry(
            json!({ "method": "POST", "url": "https://a/", "httpVersion": "http/2.0",
                "headers": [{ "name": ":authority", "value": "a" }, { "name": "Cookie", "value": "b=1" }],
                "cookies": [{ "name": "b", "value": "1" }],
                "postData": { "mimeType": "x", "text": "", "params": [{ "name": "u", "value": "v" }] } }),
            json!({ "status": 200, "headers": [{ "name": "set-cookie", "value": "a=1\nb=2" }],
                "content": { "size": 2, "text": "aGk=", "encoding": "base64" } }),
        );
        assert_eq!(draft.sent, Some(Timestamp::from_parts(1_700_000_000, 500_000_000)));
        assert_eq!((draft.took, &*draft.version), (250_500_000, "http/2.0"));
        assert_eq!(draft.server, Some(("::1".parse().unwrap(), Some(8443))));
        assert_eq!(draft.connection.as_deref(), Some("159"));
        assert_eq!(draft.request.fields.len(), 2);
        assert_eq!(draft.request.body, Body::Text("u=v".to_owned()));
        let (status, response) = draft.response.unwrap();
        assert_eq!((status, response.body), (200, Body::Bytes(b"hi".to_vec())));
        let cookies: Vec<_> = response.fields.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
    }

    #[test]
    fn what_was_not_recorded_is_told_from_what_was_not_sent() {
        let body = |content: Value| {
            let response = json!({ "status": 200, "content": content });
            entry(json!({ "method": "GET", "url": "u" }), response).response.unwrap().1.body
        };
        assert_eq!(body(json!({ "size": 0 })), Body::Empty);
        assert_eq!(body(json!({ "size": 7 })), Body::Lacking);
        assert_eq!(body(json!({ "size": -1, "_file": "x.json" })), Body::Lacking);
        assert_eq!(body(json!({ "size": 7, "text": "" })), Body::Empty);
        let draft = entry(
            json!({ "url": "u", "bodySize": 9, "cookies": [{ "name": "a", "value": "1" },
            { "name": "b", "value": "2" }] }),
            json!({ "status": 0 }),
        );
        assert_eq!(draft.request.body, Body::Lacking);
        assert_eq!(draft.request.fields, [("Cookie".to_owned(), "a=1; b=2".to_owned())]);
        assert!(draft.response.is_none());
    }

    #[test]
    fn messages_of_a_websocket() {
        let messages = json!([
            { "type": "send", "time": 1_700_000_000.25, "opcode": 1, "data": "hi" },
            { "type": "receive", "time": 1_700_000_001.5, "opcode": 2, "data": "aGk=" },
            { "type": "receive", "time": 1_700_000_002_000.125, "opcode": 1, "data": "" },
            { "type": "receive" },
        ]);
        let all = frames(&json!({ "_webSocketMessages": messages }));
        let time = |s, n| Some(Timestamp::from_parts(s, n));
        assert_eq!(all[0], (true, time(1_700_000_000, 250_000_000), b"hi".to_vec()));
        assert_eq!(all[1], (false, time(1_700_000_001, 500_000_000), b"hi".to_vec()));
        assert_eq!(all[2], (false, time(1_700_000_002, 125_000), Vec::new()));
        assert_eq!(all.len(), 3);
    }
}
