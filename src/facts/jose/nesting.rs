//! Tokens inside tokens (RFC 7519 section 5.2 and appendix A.2).

use crate::token::Token;
use serde_json::Value as Json;

/// Levels that are followed.
const LEVELS: usize = 8;
/// Texts of one token that are looked at.
const TEXTS: usize = 64;
/// Claims in which tokens and their parts are meant to stand: delegation (RFC 8693 section 4.1), confirmation keys.
const MEANT: &[&str] = &["act", "may_act", "cnf"];

/// How many tokens stand inside each other, this one included: as the payload, or in claims.
pub(super) fn depth(token: &Token) -> usize {
    below(token, LEVELS, &mut { TEXTS })
}

fn below(token: &Token, levels: usize, texts: &mut usize) -> usize {
    if levels == 0 {
        return 0;
    }
    let deepest = match (token.inner(), token.claims()) {
        (Some(inner), _) => below(&inner, levels - 1, texts),
        (None, Some(claims)) => claimed(claims, levels, texts),
        (None, None) => 0,
    };
    1 + deepest
}

fn claimed(value: &Json, levels: usize, texts: &mut usize) -> usize {
    match value {
        Json::String(text) if text.len() >= 18 && text.contains('.') && *texts > 0 => {
            *texts -= 1;
            Token::parse(text.as_bytes()).map_or(0, |inner| below(&inner, levels - 1, texts))
        }
        Json::Array(items) => items.iter().map(|item| claimed(item, levels, texts)).max().unwrap_or(0),
        Json::Object(members) => {
            let open = members.iter().filter(|(name, _)| !MEANT.contains(&name.as_str()));
            open.map(|(_, value)| claimed(value, levels, texts)).max().unwrap_or(0)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    fn around(payload: &str) -> String {
        let e = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", e(r#"{"alg":"ES256","cty":"JWT"}"#), e(payload), e(&"s".repeat(64)))
    }

    fn of(text: &str) -> usize {
        depth(&Token::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn levels_are_counted_in_payloads_and_claims() {
        let one = around(r#"{"sub":"x"}"#);
        let two = around(&one);
        assert_eq!((of(&one), of(&two), of(&around(&two))), (1, 2, 3));
        assert_eq!(of(&around(&format!("\"{two}\""))), 3);
        assert_eq!(of(&around(&format!(r#"{{"a":[{{"t":"{two}"}}],"cnf":"{two}"}}"#))), 3);
        assert_eq!(of(&around(&format!(r#"{{"act":{{"t":"{two}"}}}}"#))), 1);
        let deep = (0..12).fold(one, |inner, _| around(&inner));
        assert_eq!(of(&deep), LEVELS);
    }
}
