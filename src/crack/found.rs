//! What the attack found.

use super::WordlistError;
use crate::token::Secret;
use std::collections::BTreeMap;

/// Where the secret of a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// The user gave it (`--secret-file`), and it is in no list: known, but not weak.
    Given,
    /// It is empty.
    Empty,
    /// It follows from the token or its host.
    Derived,
    /// It is in the built-in lists.
    Builtin,
    /// It is in a list of the user (`-w`).
    Wordlist,
}

impl Origin {
    /// As reports name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Empty => "empty",
            Self::Derived => "derived",
            Self::Builtin => "built-in list",
            Self::Wordlist => "word list",
        }
    }
}

/// A secret that verifies a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The secret.
    pub secret: Secret,
    /// Where it came from.
    pub origin: Origin,
}

impl Found {
    /// Whether anyone could have guessed it.
    pub fn is_weak(&self) -> bool {
        self.origin != Origin::Given
    }
}

/// The state of an attack.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The secrets found, by the SHA-256 of the token.
    pub found: BTreeMap<[u8; 32], Found>,
    /// Candidates tried, each on one signing input.
    pub trials: u64,
    /// Distinct signing inputs that were attacked.
    pub inputs: usize,
    /// Whether the budget ended before the words did.
    pub cut: bool,
    /// Tokens that were not attacked because there were too many.
    pub refused: u64,
    /// Lines of word lists that were too long to be tried.
    pub long_lines: u64,
    /// Word lists that could not be read.
    pub errors: Vec<WordlistError>,
}
