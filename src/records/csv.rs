//! Lines of CSV (RFC 4180).

use super::Record;
use serde_json::Value;

/// The headings.
pub(super) fn header<R: Record>() -> String {
    R::CSV.join(",")
}

/// A record: text as it is, nothing for null, lists as JSON.
pub(super) fn line<R: Record>(record: &R) -> serde_json::Result<String> {
    let value = serde_json::to_value(record)?;
    let cells = R::CSV.iter().map(|path| {
        let cell = path.split('.').try_fold(&value, |value, name| value.get(name));
        match cell {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => quoted(text),
            Some(other) => quoted(&other.to_string()),
        }
    });
    Ok(cells.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    let plain = !text.contains([',', '"', '\r', '\n']) && text.trim() == text;
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_where_it_must() {
        assert_eq!(
            (quoted("a b"), quoted("a,b"), quoted("a\"b")),
            ("a b".into(), "\"a,b\"".into(), "\"a\"\"b\"".into())
        );
        assert_eq!(
            (quoted("a\r\nb"), quoted(" a"), quoted("")),
            ("\"a\r\nb\"".into(), "\" a\"".into(), "".into())
        );
    }
}
