//! Types of registered members: a reader that does not check them takes a number for a text, a list for a name.

use super::defect::{DefectKind, Defects};
use serde_json::{Map, Value};

/// What a member is to be.
enum Kind {
    Text,
    Texts,
    /// One text, or a list of them.
    TextOrTexts,
    Object,
    Flag,
    Number,
}

impl Kind {
    fn fits(&self, value: &Value) -> bool {
        let texts = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
        match self {
            Self::Text => value.is_string(),
            Self::Texts => texts(value),
            Self::TextOrTexts => value.is_string() || texts(value),
            Self::Object => value.is_object(),
            Self::Flag => value.is_boolean(),
            Self::Number => value.is_number(),
        }
    }
}

/// RFC 7515 section 4.1, RFC 7516 section 4.1, RFC 7518 sections 4.6 to 4.8, RFC 7797 section 3.
pub(super) fn of_header(header: &Map<String, Value>, defects: &mut Defects<'_>) {
    check(header, defects, |name| {
        Some(match name {
            "alg" => ("alg", Kind::Text),
            "enc" => ("enc", Kind::Text),
            "zip" => ("zip", Kind::Text),
            "typ" => ("typ", Kind::Text),
            "cty" => ("cty", Kind::Text),
            "kid" => ("kid", Kind::Text),
            "jku" => ("jku", Kind::Text),
            "x5u" => ("x5u", Kind::Text),
            "x5t" => ("x5t", Kind::Text),
            "x5t#S256" => ("x5t#S256", Kind::Text),
            "p2s" => ("p2s", Kind::Text),
            "x5c" => ("x5c", Kind::Texts),
            "crit" => ("crit", Kind::Texts),
            "jwk" => ("jwk", Kind::Object),
            "epk" => ("epk", Kind::Object),
            "b64" => ("b64", Kind::Flag),
            "p2c" => ("p2c", Kind::Number),
            _ => return None,
        })
    });
}

/// RFC 7519 section 4.1.
pub(super) fn of_claims(claims: &Map<String, Value>, defects: &mut Defects<'_>) {
    check(claims, defects, |name| {
        Some(match name {
            "iss" => ("iss", Kind::Text),
            "sub" => ("sub", Kind::Text),
            "jti" => ("jti", Kind::Text),
            "aud" => ("aud", Kind::TextOrTexts),
            "exp" => ("exp", Kind::Number),
            "nbf" => ("nbf", Kind::Number),
            "iat" => ("iat", Kind::Number),
            _ => return None,
        })
    });
}

fn check(
    members: &Map<String, Value>,
    defects: &mut Defects<'_>,
    known: impl Fn(&str) -> Option<(&'static str, Kind)>,
) {
    for (name, value) in members {
        if let Some((name, kind)) = known(name)
            && !kind.fits(value)
        {
            defects.add(DefectKind::WrongType(name));
        }
    }
}
