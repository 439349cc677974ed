//! Recordings of nock (node.js): an array of objects, each a request and its response.

use super::entry::{Body, Draft, Half};
use serde_json::Value;

/// What an object says.
pub(super) fn draft(call: Value) -> Option<Draft> {
    let text = |name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let status = call.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok());
    let fields = fields(&call);
    let bytes = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-encoding"))
        || call.get("responseIsBinary").is_some_and(|flag| *flag == Value::Bool(true));
    let answer = Half { fields, body: body(call.get("response"), bytes) };
    Some(Draft {
        method: text("method").to_ascii_uppercase(),
        url: text("scope") + call.get("path")?.as_str()?,
        request: Half { fields: map(call.get("reqheaders")), body: body(call.get("body"), false) },
        response: status.map(|status| (status, answer)),
        ..Draft::default()
    })
}

/// `rawHeaders`: names and values by turns; or the members of an object, there or in `headers`.
fn fields(call: &Value) -> Vec<(String, String)> {
    let raw = call.get("rawHeaders").or_else(|| call.get("headers"));
    let Some(list) = raw.and_then(Value::as_array) else { return map(raw) };
    let texts: Vec<_> = list.iter().map(|v| v.as_str().unwrap_or_default().to_owned()).collect();
    texts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn map(value: Option<&Value>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (name, value) in value.and_then(Value::as_object).into_iter().flatten() {
        let values = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
        fields.extend(values.into_iter().filter_map(|v| Some((name.clone(), v.as_str()?.to_owned()))));
    }
    fields
}

/// Text, JSON as a value, or `bytes` in hexadecimal, in one text or several.
fn body(value: Option<&Value>, bytes: bool) -> Body {
    let hex = |value: &Value| value.as_str().and_then(hexadecimal).filter(|_| bytes);
    match value {
        None | Some(Value::Null) => Body::Empty,
        Some(text @ Value::String(plain)) => hex(text).map_or_else(|| Body::text(plain), Body::Bytes),
        Some(list @ Value::Array(chunks)) => {
            let chunks: Option<Vec<_>> = chunks.iter().map(hex).collect();
            chunks
                .filter(|c| !c.is_empty())
                .map_or_else(|| Body::text(&list.to_string()), |chunks| Body::Bytes(chunks.concat()))
        }
        Some(other) => Body::text(&other.to_string()),
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_an_exchange() {
        let call = json!({ "scope": "https://a.test:443", "method": "post", "path": "/x?y=1", "body": { "b": [1] },
            "status": 200, "response": ["1f8b08000000000000", "03cbc8040000ff"],
            "rawHeaders": ["Content-Encoding", "gzip", "X", "1"], "reqheaders": { "authorization": ["t"] } });
        let draft = draft(call).unwrap();
        assert_eq!((&*draft.method, &*draft.url), ("POST", "https://a.test:443/x?y=1"));
        assert_eq!(draft.request.body, Body::Text("{\"b\":[1]}".to_owned()));
        assert_eq!(draft.request.fields, [("authorization".to_owned(), "t".to_owned())]);
        let (_, response) = draft.response.unwrap();
        assert_eq!(response.fields.len(), 2);
        assert!(matches!(response.body, Body::Bytes(bytes) if bytes.len() == 16));
        for (response, text) in [(json!("plain"), "plain"), (json!(["ab", "cd"]), "[\"ab\",\"cd\"]")] {
            let call = json!({ "scope": "http://a", "path": "/", "status": 200, "response": response });
            assert_eq!(super::draft(call).unwrap().response.unwrap().1.body, Body::Text(text.to_owned()));
        }
    }
}
