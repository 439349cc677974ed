//! JSON serialisation of JWS and JWE (RFC 7515 section 7.2, RFC 7516 section 7.2): one token for each signature or recipient.

use super::{
    Defect, DefectKind, Kind, Part, Token,
    base64url::{is_url_char, leading},
    recognise::Shape,
};
use crate::limits::TOKEN_BYTES;
use serde_json::{Map, Value};

/// Signatures or recipients of one object that are read.
const MANY: usize = 64;

impl Token {
    /// The tokens of a JWS or JWE in JSON serialisation, general or flattened: one for each signature or recipient. A
    /// member that the protected header lacks is taken from an unprotected one. An SD-JWT in this form has its disclosures in
    /// there (RFC 9901 section 8).
    pub fn from_json(value: &Value) -> Vec<Self> {
        let read = |kind: Kind| {
            let (all, one): (_, fn(&Value, &Value) -> Option<Self>) = match kind {
                Kind::JweJson => ("recipients", recipient),
                _ => ("signatures", signature),
            };
            let mut tokens: Vec<Self> = match value.get(all).and_then(Value::as_array) {
                Some(list) => list.iter().take(MANY).filter_map(|part| one(value, part)).collect(),
                None => one(value, value).into_iter().collect(),
            };
            let polyglot = !tokens.is_empty() && is_polyglot(value, tokens.first());
            for token in &mut tokens {
                token.kind = kind;
                if polyglot {
                    let mut defects = std::mem::take(&mut token.defects).into_vec();
                    defects.push(Defect { part: Part::Whole, kind: DefectKind::Polyglot });
                    token.defects = defects.into();
                }
            }
            tokens
        };
        if text(value, "payload").is_some() {
            read(Kind::JwsJson)
        } else if text(value, "ciphertext").is_some() {
            read(Kind::JweJson)
        } else {
            Vec::new()
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn signature(object: &Value, part: &Value) -> Option<Token> {
    let header = part.get("header").and_then(Value::as_object);
    let segments =
        [text(part, "protected").unwrap_or_default(), text(object, "payload")?, text(part, "signature")?];
    compact(&segments, &disclosed(header), header)
}

fn recipient(object: &Value, part: &Value) -> Option<Token> {
    let segments = [
        text(object, "protected").unwrap_or_default(),
        text(part, "encrypted_key").unwrap_or_default(),
        text(object, "iv").unwrap_or_default(),
        text(object, "ciphertext")?,
        text(object, "tag").unwrap_or_default(),
    ];
    let mut header = object.get("unprotected").and_then(Value::as_object).cloned();
    if let Some(own) = part.get("header").and_then(Value::as_object) {
        header.get_or_insert_default().extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    let mut token = compact(&segments, "", header.as_ref())?;
    token.aad = text(object, "aad").map(Into::into);
    token.header_member("enc").is_some().then_some(token)
}

/// The token of these segments, as if they stood in compact serialisation, with what follows them in an SD-JWT.
fn compact(segments: &[&str], behind: &str, header: Option<&Map<String, Value>>) -> Option<Token> {
    let core = segments.join(".");
    if segments.iter().any(|segment| segment.contains('.'))
        || !core.is_ascii()
        || core.len() + behind.len() > TOKEN_BYTES
    {
        return None;
    }
    let mut at = 0;
    let ranges = segments.iter().map(|segment| {
        let range = at..at + segment.len();
        at = range.end + 1;
        range
    });
    let (segments, text) = (ranges.collect(), format!("{core}{behind}"));
    let shape = Shape { segments, core: core.len(), end: text.len() };
    Token::read(text.as_bytes(), shape, header, None, Vec::new())
}

/// Disclosures and key binding JWT in an unprotected header, as they follow a compact token.
fn disclosed(header: Option<&Map<String, Value>>) -> String {
    let plain = |text: &&str| leading(text.as_bytes(), |b| is_url_char(b) || b == b'.') == text.len();
    let Some(list) = header.and_then(|header| header.get("disclosures")?.as_array()) else {
        return String::new();
    };
    let disclosures = list.iter().filter_map(Value::as_str).filter(plain);
    let binding = header.and_then(|header| header.get("kb_jwt")?.as_str()).filter(plain).unwrap_or_default();
    disclosures.fold("~".to_owned(), |all, one| all + one + "~") + binding
}

/// Whether the name of a member is a compact token with other claims: a reader that splits the text at its dots and skips
/// what is no base64 takes that one (CVE-2022-39227).
fn is_polyglot(value: &Value, token: Option<&Token>) -> bool {
    value.as_object().into_iter().flatten().any(|(name, _)| {
        name.bytes().filter(|b| *b == b'.').count() >= 2
            && Token::parse(name.as_bytes())
                .is_some_and(|other| other.claims() != token.and_then(Token::claims))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    fn e(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn a_jwe_has_one_token_for_each_recipient() {
        let general = json!({
            "protected": e(r#"{"enc":"A128GCM"}"#), "unprotected": {"cty": "JWT"}, "iv": "aXY", "ciphertext": "Y3Q", "tag": "dGFn",
            "recipients": [{"header": {"alg": "A128KW", "kid": "1"}, "encrypted_key": "a2V5"}, {"header": {"alg": "dir"}}],
        });
        let tokens = Token::from_json(&general);
        let texts: Vec<_> = tokens.iter().map(Token::reveal).collect();
        let head = e(r#"{"enc":"A128GCM"}"#);
        assert_eq!(texts, [format!("{head}.a2V5.aXY.Y3Q.dGFn"), format!("{head}..aXY.Y3Q.dGFn")]);
        assert!(tokens.iter().all(|t| t.kind() == Kind::JweJson && t.is_encrypted()));
        assert_eq!(tokens[0].alg().unwrap(), "A128KW");
        assert!(tokens[0].protects("enc") && !tokens[0].protects("alg"));
        assert_eq!(tokens[1].unprotected().unwrap().len(), 2);
        let no_enc = json!({"ciphertext": "Y3Q", "header": {"alg": "dir"}});
        assert!(Token::from_json(&no_enc).is_empty());
    }

    #[test]
    fn disclosures_in_the_header_follow_the_token() {
        let sd = json!({"payload": e("{}"), "protected": e(r#"{"alg":"ES256"}"#), "signature": "c2ln",
            "header": {"disclosures": ["WyJhIl0", "WyJiIl0"], "kb_jwt": "a.b.c"}});
        let token = Token::from_json(&sd).remove(0);
        assert_eq!(token.disclosures().collect::<Vec<_>>(), ["WyJhIl0", "WyJiIl0", "a.b.c"]);
        assert_eq!(token.segments().count(), 3);
    }

    #[test]
    fn a_name_that_is_a_token_makes_a_polyglot() {
        let head = e(r#"{"alg":"ES256"}"#);
        let forged = format!("  {head}.{}.", e(r#"{"sub":"admin"}"#));
        let text =
            json!({forged: "", "protected": head, "payload": e(r#"{"sub":"user"}"#), "signature": "c2ln"});
        let kinds = |value: &Value| {
            Token::from_json(value).remove(0).defects().iter().map(|d| d.kind.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&text), ["polyglot"]);
        let plain =
            json!({"a.b.c": "", "protected": head, "payload": e(r#"{"sub":"user"}"#), "signature": "c2ln"});
        assert_eq!(kinds(&plain), Vec::<&str>::new());
    }
}
