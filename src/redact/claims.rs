//! The claims of a token, replaced in their JSON text without a change of its length or shape.

use super::Pseudonyms;

/// Numbers that say when: what judges a token needs them, and they name nobody.
const DATES: [&str; 6] = ["exp", "nbf", "iat", "auth_time", "updated_at", "rat"];

/// Length of a string of which there are few others.
const SHORT: usize = 3;

/// The JSON text with every string value and every number that is no date replaced. Names of members stay.
pub(super) fn replaced(json: &str, names: &Pseudonyms) -> Vec<u8> {
    let old = json.as_bytes();
    let mut new = old.to_vec();
    let mut walk = Walk { json: old, at: 0, name: "" };
    while let Some(value) = walk.advance() {
        let (text, is_string) = match value {
            Value::Text(range) => (range, true),
            Value::Number(_) if DATES.contains(&walk.name) => continue,
            Value::Number(range) => (range, false),
        };
        let Some(was) = old.get(text.clone()) else { continue };
        let is = if is_string { string(was, names) } else { number(was, names) };
        if let Some(place) = new.get_mut(text).filter(|place| place.len() == is.len()) {
            place.copy_from_slice(&is);
        }
    }
    if new == old {
        // Nothing but dates: those, then, by less than a minute and forty.
        let mut walk = Walk { json: old, at: 0, name: "" };
        while let Some(value) = walk.advance() {
            let Value::Number(range) = value else { continue };
            let digits = old.get(range.clone()).unwrap_or_default();
            if digits.len() > 4 && digits.iter().all(u8::is_ascii_digit) {
                let tail = range.end - 2..range.end;
                let is = names.plain(digits);
                if let (Some(place), Some(is)) = (new.get_mut(tail), is.get(digits.len() - 2..)) {
                    place.copy_from_slice(is);
                }
            }
        }
    }
    new
}

/// A JSON string without its quotes: escapes and what is not ASCII stay.
fn string(old: &[u8], names: &Pseudonyms) -> Vec<u8> {
    let mut new = if old.len() <= SHORT { names.short(old) } else { names.plain(old) };
    let mut at = 0;
    while let Some(found) = old.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        let start = at + found;
        let len = if old.get(start + 1) == Some(&b'u') { 6 } else { 2 };
        let end = (start + len).min(old.len());
        new[start..end].copy_from_slice(&old[start..end]);
        at = end;
    }
    new
}

/// A number: other digits, as many, none at the front that would make it shorter. A power of ten stays.
fn number(old: &[u8], names: &Pseudonyms) -> Vec<u8> {
    if old.iter().any(|b| matches!(b, b'e' | b'E')) {
        return old.to_vec();
    }
    let mut new = names.plain(old);
    let first = usize::from(old.first() == Some(&b'-'));
    if let Some(digit) = new.get_mut(first) {
        if old.get(first) == Some(&b'0') {
            *digit = b'0';
        } else if *digit == b'0' {
            *digit = b'7';
        }
    }
    new
}

enum Value {
    /// Without its quotes.
    Text(std::ops::Range<usize>),
    Number(std::ops::Range<usize>),
}

/// Runs over JSON that may be wrong: what it does not understand it passes over.
struct Walk<'a> {
    json: &'a [u8],
    at: usize,
    /// Name of the last member.
    name: &'a str,
}

impl Walk<'_> {
    fn advance(&mut self) -> Option<Value> {
        loop {
            match self.json.get(self.at)? {
                b'"' => {
                    let start = self.at + 1;
                    let end = string_end(self.json, start);
                    self.at = end + 1;
                    let mut rest = self.json.get(self.at..).unwrap_or_default().iter();
                    if rest.find(|b| !b.is_ascii_whitespace()) == Some(&b':') {
                        self.name =
                            self.json.get(start..end).and_then(|n| std::str::from_utf8(n).ok()).unwrap_or("");
                        continue;
                    }
                    return Some(Value::Text(start..end));
                }
                b'-' | b'0'..=b'9' => {
                    let start = self.at;
                    let part = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
                    self.at +=
                        self.json.get(start..).unwrap_or_default().iter().take_while(|b| part(b)).count();
                    return Some(Value::Number(start..self.at));
                }
                _ => self.at += 1,
            }
        }
    }
}

/// Where the string that begins at `start`, behind its quote, ends.
pub(super) fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        match json.get(at) {
            None | Some(b'"') => return at.min(json.len()),
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn new(json: &str) -> String {
        String::from_utf8(replaced(json, &Pseudonyms::with_key([1; 32]))).unwrap()
    }

    #[test]
    fn values_change_and_the_shape_stays() {
        let old = r#"{"iss":"https://idp.test/a","sub":"j\u00f6e\"x","n":-1042,"z":0,"exp":1700000000,"f":[true,null,"b"],"e":1e9}"#;
        let new = new(old);
        assert_eq!(new.len(), old.len());
        let (was, is): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(old).unwrap(), serde_json::from_str(&new).unwrap());
        for name in ["exp", "z", "e"] {
            assert_eq!(was[name], is[name], "{name}");
        }
        for name in ["iss", "sub", "n"] {
            assert_ne!(was[name], is[name], "{name}");
        }
        assert!(is["iss"].as_str().unwrap().starts_with("https://"));
        assert_eq!(is["f"][1], serde_json::Value::Null);
    }

    #[test]
    fn dates_alone_change_a_little() {
        let new = new(r#"{"exp":1700000000}"#);
        assert!(new.starts_with(r#"{"exp":17000000"#) && new != r#"{"exp":1700000000}"#, "{new}");
        assert_eq!(self::new("{}"), "{}");
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length(text in ".{0,60}") {
            prop_assert_eq!(new(&text).len(), text.len());
        }

        #[test]
        fn strings_stay_json(value in ".{0,20}") {
            let json = serde_json::json!({ "a": value, "b": [value] }).to_string();
            let new = new(&json);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&new).is_ok(), "{}", new);
        }
    }
}
