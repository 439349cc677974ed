//! JWS and JWE in JSON serialisation, flattened or general (RFC 7515 section 7.2, RFC 7516 section 7.2), in a JSON text.

use super::Token;
use crate::limits::{JSON_FORM_BYTES, SIGHTINGS_EXCHANGE};
use memchr::memmem::{find, find_iter};
use serde_json::Value;
use std::ops::Range;

/// A token in JSON serialisation: one of an object's signatures or recipients.
#[derive(Clone, Debug)]
pub struct JsonHit {
    /// The token.
    pub token: Token,
    /// Where the string of its `signature`, of a JWE its `ciphertext`, stands in the text, without its quotes.
    pub signature: Range<usize>,
    /// Where that of its `payload` stands, as far as it was found.
    pub payload: Option<Range<usize>>,
}

impl JsonHit {
    /// The member that [`JsonHit::signature`] is about.
    pub fn member(&self) -> &'static str {
        if self.token.is_encrypted() { "ciphertext" } else { "signature" }
    }
}

/// Whether what stands in JSON text behind `before` is the string of a protected header or of a payload: those of a JWT
/// are JSON, and begin as a token does.
pub fn hints_at_json_form(before: &[u8]) -> bool {
    let colon = before.strip_suffix(b"\"").map(<[u8]>::trim_ascii_end);
    let name = colon.and_then(|text| text.strip_suffix(b":")).map(<[u8]>::trim_ascii_end);
    name.is_some_and(|text| text.ends_with(PAYLOAD) || text.ends_with(b"\"protected\""))
}

/// The tokens in JSON serialisation of the JSON values in `text`, in their order, and whether a bound left some
/// out; what is behind a mistake is not read.
pub fn find_json_form(text: &[u8]) -> (Vec<JsonHit>, bool) {
    let mut hits = Vec::new();
    let names = |name: &[u8]| find_iter(text, name).take(SIGHTINGS_EXCHANGE).collect::<Vec<_>>();
    let (signatures, ciphertexts) = (names(SIGNATURE), names(CIPHERTEXT));
    if ciphertexts.is_empty() && (signatures.is_empty() || find(text, PAYLOAD).is_none()) {
        return (hits, false);
    }
    // Whatever protects the text from being run as a script is no JSON.
    let start = text.iter().position(|b| matches!(b, b'{' | b'[')).unwrap_or(text.len());
    let values =
        serde_json::Deserializer::from_slice(text.get(start..).unwrap_or_default()).into_iter::<Value>();
    let mut found = Collected::default();
    values.map_while(Result::ok).for_each(|value| found.collect(&value));
    let mut next = 0;
    let mut payload: Option<(String, Option<Range<usize>>)> = None;
    for token in found.tokens {
        let segment = |n| token.segments().nth(n).unwrap_or_default().to_owned();
        if token.is_encrypted() {
            // Recipients share it.
            let sent = segment(3);
            let known = ciphertexts.iter().find(|at| string_after(text, **at) == Some(sent.as_bytes()));
            let name = known.or(ciphertexts.first()).copied().unwrap_or(start);
            let at = value_at(text, name).unwrap_or(name);
            hits.push(JsonHit { token, signature: at..at + sent.len(), payload: None });
            continue;
        }
        let (sent, signature) = (segment(1), segment(2));
        let rest = signatures.get(next..).unwrap_or_default();
        let known = rest.iter().position(|at| string_after(text, *at) == Some(signature.as_bytes()));
        next += known.map_or(0, |n| n + 1);
        let name =
            known.and_then(|n| rest.get(n)).or(rest.first()).or(signatures.last()).copied().unwrap_or(start);
        let at = value_at(text, name).unwrap_or(name);
        let place = match payload.take().filter(|(known, _)| *known == sent) {
            Some((_, place)) => place,
            None => find(text, sent.as_bytes()).filter(|_| !sent.is_empty()).map(|at| at..at + sent.len()),
        };
        payload = Some((sent, place.clone()));
        hits.push(JsonHit { token, signature: at..at + signature.len(), payload: place });
    }
    (hits, found.cut)
}

const SIGNATURE: &[u8] = b"\"signature\"";
const PAYLOAD: &[u8] = b"\"payload\"";
const CIPHERTEXT: &[u8] = b"\"ciphertext\"";

/// The tokens of a text, bounded: each of many signatures repeats the payload.
#[derive(Default)]
struct Collected {
    tokens: Vec<Token>,
    bytes: usize,
    cut: bool,
}

impl Collected {
    /// Adds every token in `value`, at any depth (the parser's own bound holds it down).
    fn collect(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                if members.get("payload").is_some_and(Value::is_string) && members.contains_key("signature")
                    || members.contains_key("signatures")
                    || members.get("ciphertext").is_some_and(Value::is_string)
                {
                    self.object(value);
                }
                members.values().for_each(|member| self.collect(member));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            _ => {}
        }
    }

    fn object(&mut self, value: &Value) {
        if self.tokens.len() >= SIGHTINGS_EXCHANGE || self.bytes >= JSON_FORM_BYTES {
            self.cut = true;
            return;
        }
        for token in Token::from_json(value) {
            // RFC 7515 section 4.1.1: without `alg` it is something else that is signed.
            if token.header_member("alg").is_some() {
                self.bytes += token.reveal().len();
                self.tokens.push(token);
            }
        }
    }
}

/// Where the string begins that is the value of the member name at `name`, whose quotes are part of it.
fn value_at(text: &[u8], name: usize) -> Option<usize> {
    let rest = text.get(name + 1..)?;
    let rest = rest.get(memchr::memchr(b'"', rest)? + 1..)?;
    let quoted = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    Some(text.len() - quoted.len())
}

/// That string, as far as it has no escapes.
fn string_after(text: &[u8], name: usize) -> Option<&[u8]> {
    let value = text.get(value_at(text, name)?..)?;
    value.get(..memchr::memchr2(b'"', b'\\', value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &str = "eyJhbGciOiJub25lIn0";

    fn found(text: &str) -> Vec<(String, String, Option<String>)> {
        let part = |range: &Range<usize>| text[range.clone()].to_owned();
        let (hits, _) = find_json_form(text.as_bytes());
        let of =
            |h: &JsonHit| (h.token.reveal().to_owned(), part(&h.signature), h.payload.as_ref().map(part));
        hits.iter().map(of).collect()
    }

    #[test]
    fn the_general_and_the_flattened_form_are_found_anywhere() {
        let general = r#"{"payload": "eyJhIjoxfQ", "signatures": [
            {"protected": "eyJhbGciOiJSUzI1NiJ9", "header": {"kid": "1"}, "signature": "AAAA"},
            {"protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "BBBB"}]}"#;
        let payload = Some("eyJhIjoxfQ".to_owned());
        let two = [("eyJhbGciOiJSUzI1NiJ9", "AAAA"), ("eyJhbGciOiJFUzI1NiJ9", "BBBB")]
            .map(|(header, s)| (format!("{header}.eyJhIjoxfQ.{s}"), s.to_owned(), payload.clone()));
        assert_eq!(found(general), two);
        assert_eq!(found(&format!(")]}}',\n[1,{{\"x\":{general}}}]")), two);
        let flat = format!(r#"{{"signature":"","kind":"signature","payload":"e30","protected":"{NONE}"}}"#);
        let one = (format!("{NONE}.e30."), String::new(), Some("e30".to_owned()));
        assert_eq!(found(&flat), std::slice::from_ref(&one));
        assert_eq!(found(&format!("{flat}\n{flat}\n")), [one.clone(), one]);
        assert!(
            find_json_form(flat.as_bytes()).0.iter().all(|h| h.token.kind() == super::super::Kind::JwsJson)
        );
    }

    #[test]
    fn a_jwe_is_found_once_for_each_recipient() {
        let general = r#"{"x":[{"ciphertext":"Y3Q","iv":"aXY","protected":"eyJlbmMiOiJBMTI4R0NNIn0","tag":"dGFn",
            "recipients":[{"header":{"alg":"A128KW"},"encrypted_key":"a2V5"},{"header":{"alg":"dir"}}]}]}"#;
        let two = ["a2V5", ""]
            .map(|key| (format!("eyJlbmMiOiJBMTI4R0NNIn0.{key}.aXY.Y3Q.dGFn"), "Y3Q".to_owned(), None));
        assert_eq!(found(general), two);
        assert_eq!(found(r#"{"ciphertext":"Y3Q","iv":"aXY"}"#), []);
    }

    #[test]
    fn what_is_signed_otherwise_is_no_token() {
        for text in [
            r#"{"payload":"eyJhIjoxfQ","signature":"AAAA"}"#,
            r#"{"payload":{"a":1},"protected":"eyJhbGciOiJub25lIn0","signature":"AAAA"}"#,
            r#"{"payload":"eyJhIjoxfQ","header":{"x":1},"signature":"AAAA"}"#,
            r#"{"payload":"a.b","header":{"alg":"HS256"},"signature":"AA.AA"}"#,
            r#"{"payload":"eyJhIjoxfQ","protected":"eyJhbGciOiJub25lIn0","signature":"AAAA""#,
            "\"signature\" \"payload\"",
            "",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn the_strings_that_hint_at_one_are_told_by_their_names() {
        for (before, hints) in [
            ("{\"payload\":\"", true),
            ("[{ \"protected\" :\n \"", true),
            ("{\"xpayload\":\"", false),
            ("{\"token\":\"", false),
            ("\"payload\":", false),
            ("\"payload\"\"", false),
            ("", false),
        ] {
            assert_eq!(hints_at_json_form(before.as_bytes()), hints, "{before}");
        }
    }

    #[test]
    fn many_are_bounded() {
        let one = format!(r#"{{"payload":"e30","protected":"{NONE}","signature":"AA"}}"#);
        let all = format!("[{}]", vec![one.as_str(); 2000].join(","));
        let (hits, cut) = find_json_form(all.as_bytes());
        assert_eq!((hits.len(), cut), (SIGHTINGS_EXCHANGE, true));
        let signatures = vec![format!(r#"{{"protected":"{NONE}","signature":"AA"}}"#); 64].join(",");
        let long = format!(r#"{{"payload":"{}","signatures":[{signatures}]}}"#, "A".repeat(40_000));
        let (hits, cut) = find_json_form(format!("{long}{long}").as_bytes());
        assert_eq!((hits.len(), cut), (64, true));
    }
}
