//! Short names of a token's issuer and identifier, and the hosts of its audiences: worked out once for each token, since its claims lie all over memory.

use super::{audience, digest};
use crate::keys::thumbprint;
use crate::token::{Names, Token};
use serde_json::Value as Json;
use std::borrow::Cow;

/// The issuer as text: one that is no string as its JSON.
pub(super) fn issuer_text(token: &Token) -> Option<Cow<'_, str>> {
    let iss = token.iss()?;
    Some(iss.as_str().map_or_else(|| iss.to_string().into(), Cow::Borrowed))
}

/// Those of a token.
pub(super) fn names(token: &Token) -> &Names {
    token.names(|| {
        let text = |claim: &str| token.claim(claim).and_then(Json::as_str);
        let identifier = || {
            let jti = text("jti")?;
            match text("iss") {
                Some(iss) => Some((true, digest([iss, jti]))),
                None => Some((false, digest([&*thumbprint(token.header_member("jwk")?)?, jti]))),
            }
        };
        let issuer = issuer_text(token).map(digest);
        Names { issuer, identifier: identifier(), audience: audience::hosts(token) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    fn of(claims: &str) -> Names {
        let text = [r#"{"alg":"ES256"}"#, claims, "0123456789abcdef0123456789abcdef"];
        let text = text.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        names(&Token::parse(text.as_bytes()).unwrap()).clone()
    }

    #[test]
    fn names_tell_issuers_and_identifiers_apart() {
        let known = of(r#"{"iss":"a","jti":"1","sub":"x"}"#);
        assert_eq!(known, of(r#"{"jti":"1","iss":"a"}"#));
        let other = [of(r#"{"iss":"a","jti":"2"}"#), of(r#"{"iss":"b","jti":"1"}"#)];
        assert!(other.iter().all(|other| other.identifier != known.identifier));
        assert_eq!((other[0].issuer == known.issuer, other[1].issuer == known.issuer), (true, false));
        assert_eq!(of(r#"{"iss":5,"jti":"1"}"#).issuer, of(r#"{"iss":"5"}"#).issuer);
        assert_eq!(of(r#"{"iss":5,"jti":"1"}"#).identifier, None);
        assert_eq!(of(r#"{"jti":"1"}"#), Names::default());
        assert_eq!(of(r#"{"aud":["https://a.test/x","urn:b"]}"#).audience, ["a.test".into()].into());
    }
}
