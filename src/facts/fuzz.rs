//! Entry point of a fuzz target: whatever a token says, its facts are worked out without a panic and alike each time.

use super::{Case, FAMILIES, Subject};
use crate::message::{Channel, Direction, Location, Place, Position, Transport};
use crate::token::{Sighting, Token};
use std::sync::Arc;

/// Reads `data` as a token, compact or in JSON serialisation, and asks every fact of it.
#[doc(hidden)]
pub fn fuzz_facts(data: &[u8]) {
    let mut tokens = Vec::from_iter(Token::parse(data));
    tokens.extend(Token::parse_skipping(data));
    if let Ok(value) = serde_json::from_slice(data) {
        tokens.extend(Token::from_json(&value));
    }
    for token in tokens {
        let sighting = Sighting {
            token: Arc::new(token),
            spans: Default::default(),
            position: Position::default(),
            direction: Some(Direction::Request),
            place: Place::named(Location::Header, "authorization"),
            wrapping: Default::default(),
            transport: Transport {
                flow: 1,
                client: None,
                server: None,
                channel: Channel::Cleartext,
                protocol: "http1",
            },
        };
        let case = Case { sighting: Some(&sighting), ..Case::default() };
        for family in FAMILIES.iter().filter(|family| family.subjects.contains(&Subject::Sighting)) {
            for field in family.fields {
                let said = format!("{:?}", (field.get)(&case));
                assert_eq!(said, format!("{:?}", (field.get)(&case)), "{}", field.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    /// Pieces of headers that facts look at, good and bad.
    const MEMBERS: &[&str] = &[
        r#""alg":"ES256""#,
        r#""alg":"ECDH-ES""#,
        r#""enc":"A128CBC-HS256""#,
        r#""zip":"DEF""#,
        r#""kid":"../../x' or 1;id""#,
        r#""kid":7"#,
        r#""jku":"http://u@10.0.0.1/?x=https://y#z""#,
        r#""x5u":[]"#,
        r#""x5c":["MIIB"]"#,
        r#""x5c":[]"#,
        r#""crit":["b64","b64","alg",1]"#,
        r#""crit":["b64"]"#,
        r#""b64":false"#,
        r#""jwk":{"kty":"EC"}"#,
        r#""epk":{"crv":"P-521","x":"AA","y":"AA"}"#,
        r#""epk":{"crv":"X25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
        r#""p2c":99999999999"#,
        r#""p2s":"c2E""#,
        r#""typ":"kb+jwt""#,
        r#""_sd":["a","a",1]"#,
        r#""_sd_alg":"md5""#,
        r#""cnf":{"jwk":{}}"#,
        r#""exp":-9223372036854775808"#,
        r#""iat":9223372036854775807"#,
        r#""aud":[[]]"#,
        r#""a":[{"...":"x"},{"...":1}]"#,
    ];

    proptest! {
        #[test]
        fn facts_of_any_token_are_worked_out(
            header in prop::collection::vec(prop::sample::select(MEMBERS), 1..6),
            claims in prop::collection::vec(prop::sample::select(MEMBERS), 0..6),
            tail in prop::collection::vec(any::<u8>(), 0..80),
            parts in prop::collection::vec("[A-Za-z0-9_-]{0,20}", 0..4),
            nest in any::<bool>(),
        ) {
            let e = |text: String| URL_SAFE_NO_PAD.encode(text);
            let object = |members: &[&str]| e(format!("{{{}}}", members.join(",")));
            let (h, p, s) = (object(&header), object(&claims), URL_SAFE_NO_PAD.encode(&tail));
            let mut text = format!("{h}.{p}.{s}");
            fuzz_facts(text.as_bytes());
            if nest {
                text = format!("{h}.{}.{s}", e(text));
            }
            for part in &parts {
                text.push('~');
                text.push_str(part);
            }
            fuzz_facts(text.as_bytes());
            fuzz_facts(format!("{h}.{s}.{s}.{p}.{s}").as_bytes());
            let (hm, cm) = (header.join(","), claims.join(","));
            fuzz_facts(format!(r#"{{"payload":"{p}","protected":"{h}","signature":"{s}","header":{{{cm}}}}}"#).as_bytes());
            fuzz_facts(format!(r#"{{"ciphertext":"{p}","iv":"{s}","tag":"{s}","unprotected":{{{hm}}},"recipients":[{{"header":{{{cm}}}}}]}}"#).as_bytes());
        }
    }
}
