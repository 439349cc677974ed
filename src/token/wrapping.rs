//! Encodings that were removed around a token.

use crate::limits::WRAPPINGS;
use std::fmt;

/// One encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wrapping {
    /// Percent-encoding (RFC 3986 section 2.1).
    Percent,
    /// Percent-encoding, twice.
    PercentTwice,
    /// Escapes of a JSON string (RFC 8259 section 7).
    Json,
    /// HTML character references.
    Html,
    /// base64 or base64url of the whole token, or of a text that holds it.
    Base64,
    /// Hexadecimal.
    Hex,
    /// Split over several cookies.
    Split,
}

impl Wrapping {
    /// As facts name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::PercentTwice => "percent-twice",
            Self::Json => "json",
            Self::Html => "html",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Split => "split",
        }
    }
}

/// Encodings removed, outermost first; each at most once in a row. Small and `Copy`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Wrappings([Option<Wrapping>; WRAPPINGS * 2]);

impl Wrappings {
    /// base64 alone, as of Basic credentials.
    pub fn of_base64() -> Self {
        let mut this = Self::default();
        this.push(Wrapping::Base64);
        this
    }

    /// These, percent-encoded.
    #[must_use]
    pub fn percent(self) -> Self {
        let mut outer = Self::default();
        outer.push(Wrapping::Percent);
        outer.then(self)
    }

    /// These, of a value that was split over several cookies.
    #[must_use]
    pub fn split(self) -> Self {
        let mut outer = Self::default();
        outer.push(Wrapping::Split);
        outer.then(self)
    }

    /// From the outermost to the innermost.
    pub fn iter(&self) -> impl Iterator<Item = Wrapping> + '_ {
        self.0.iter().copied().flatten()
    }

    pub(super) fn push(&mut self, wrapping: Wrapping) {
        if self.iter().last() != Some(wrapping)
            && let Some(free) = self.0.iter_mut().find(|w| w.is_none())
        {
            *free = Some(wrapping);
        }
    }

    pub(super) fn add(&mut self, wrapping: Wrapping) {
        if !self.iter().any(|w| w == wrapping) {
            self.push(wrapping);
        }
    }

    /// These, and `inner` ones inside.
    #[must_use]
    pub fn then(mut self, inner: Self) -> Self {
        for wrapping in inner.iter() {
            self.push(wrapping);
        }
        self
    }
}

impl fmt::Debug for Wrappings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
