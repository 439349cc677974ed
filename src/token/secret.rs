//! A value that prints itself masked.

use std::{borrow::Cow, fmt};

/// A password, key or other credential. `Debug` and `Display` are masked; [`Secret::reveal`] is the only way out.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self(value.into().into_boxed_slice())
    }

    /// The value itself.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value if `show` (`--show-secrets`), else its masked form: `s****t (6 chars)`.
    pub fn masked(&self, show: bool) -> Cow<'_, str> {
        if show { String::from_utf8_lossy(&self.0) } else { Cow::Owned(mask(&self.0)) }
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value.as_bytes())
    }
}

impl From<&[u8]> for Secret {
    fn from(value: &[u8]) -> Self {
        Self::new(value)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value.into_bytes())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

/// First and last character of a value that has enough others, a fixed number of stars, and the length.
fn mask(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let count = text.chars().count();
    let chars = if count == 1 { "char" } else { "chars" };
    let ends = (text.chars().next(), text.chars().next_back());
    match ends {
        (Some(first), Some(last)) if count >= 6 && !first.is_control() && !last.is_control() => {
            format!("{first}****{last} ({count} {chars})")
        }
        _ => format!("**** ({count} {chars})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_masked_and_reveals_only_when_asked() {
        let secret = Secret::from("secret");
        assert_eq!(secret.to_string(), "s****t (6 chars)");
        assert_eq!(format!("{secret:?}"), "Secret(s****t (6 chars))");
        assert_eq!(secret.masked(true), "secret");
        assert_eq!(secret.reveal(), b"secret");
        assert_eq!(Secret::from("abc").to_string(), "**** (3 chars)");
        assert_eq!(Secret::from("a").to_string(), "**** (1 char)");
        assert_eq!(Secret::from("").to_string(), "**** (0 chars)");
        assert_eq!(Secret::new(vec![0xff; 8]).to_string(), "\u{fffd}****\u{fffd} (8 chars)");
    }
}
