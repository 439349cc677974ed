//! Time claims that are not what a NumericDate should be (RFC 7519 section 2).

use serde_json::Value;

/// Claims that are a NumericDate.
const DATES: [&str; 4] = ["exp", "iat", "nbf", "auth_time"];

/// Beyond this a number counts milliseconds or less: in seconds it would be the year 5138.
const MILLISECONDS: f64 = 1e11;

/// What is wrong with the type or unit of the time claims, in words, each with the claim's name.
pub(super) fn date_problems(claims: &Value) -> Vec<String> {
    let problem = |name: &&str| Some(format!("{name} {}", problem(claims.get(name)?)?));
    DATES.iter().filter_map(problem).collect()
}

fn problem(value: &Value) -> Option<&'static str> {
    match value {
        Value::Number(number) => {
            let seconds = number.as_f64().unwrap_or(f64::INFINITY);
            match seconds {
                _ if seconds.abs() >= MILLISECONDS => Some("counts milliseconds or less"),
                _ if number.as_i64().is_some() => None,
                _ if seconds.fract() == 0.0 => Some("is written as a floating point number"),
                _ => Some("has a fraction"),
            }
        }
        Value::String(_) => Some("is text"),
        Value::Bool(_) => Some("is a boolean"),
        Value::Null => Some("is null"),
        Value::Array(_) | Value::Object(_) => Some("is not a number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_units() {
        let claims = |text: &str| date_problems(&serde_json::from_str(text).unwrap());
        assert_eq!(claims(r#"{"exp":1700000000,"iat":-5,"nbf":0}"#), [""; 0]);
        assert_eq!(
            claims(r#"{"exp":"1700000000","iat":1700000000000,"nbf":1700000000.25,"auth_time":null}"#),
            ["exp is text", "iat counts milliseconds or less", "nbf has a fraction", "auth_time is null"]
        );
        assert_eq!(
            claims(r#"{"exp":1.7e9,"iat":true,"nbf":1e400,"auth_time":[]}"#),
            [
                "exp is written as a floating point number",
                "iat is a boolean",
                "nbf counts milliseconds or less",
                "auth_time is not a number"
            ]
        );
    }
}
