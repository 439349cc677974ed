//! The certificate chain that a header brings along (RFC 7515 section 4.1.6).

use crate::message::BASE64;
use crate::session::Certificate;
use crate::token::{Family, Token};
use base64::Engine as _;
use serde_json::Value as Json;

/// Longest certificate that is read, in characters.
const LONG: usize = 16 << 10;

/// Why a verifier should not take the key of the chain, in words; `None` if there is no chain.
pub(super) fn problems(token: &Token) -> Option<Vec<&'static str>> {
    let chain = token.header_member("x5c")?;
    let first = chain.as_array().and_then(|chain| chain.first()).and_then(Json::as_str);
    let Some(first) = first else { return Some(vec!["no list of certificates"]) };
    let der = BASE64.decode(first).ok().filter(|_| first.len() <= LONG);
    let Some(leaf) = der.and_then(|der| Certificate::parse(&der, [0; 32])) else {
        return Some(vec!["no certificate"]);
    };
    let mut found = Vec::new();
    if leaf.self_signed {
        found.push("self-signed");
    }
    if let [Some(at), ..] = token.times() {
        if at > leaf.not_after {
            found.push("expired when the token was issued");
        } else if at < leaf.not_before {
            found.push("not yet valid when the token was issued");
        }
    }
    if token.family().is_some_and(|family| !fits(family, &leaf)) {
        found.push("its key does not fit alg");
    }
    Some(found)
}

fn fits(family: Family, leaf: &Certificate) -> bool {
    match family {
        Family::Hs => false,
        Family::Rs => leaf.key == "RSA",
        Family::Ps => leaf.key.starts_with("RSA"),
        Family::Es => leaf.key == "EC",
        Family::EdDsa => leaf.key.starts_with("Ed"),
    }
}
