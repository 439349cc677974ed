//! What can be wrong with a key that the user gave.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// A file of keys that cannot be used.
#[derive(Debug)]
pub struct KeyError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: KeyErrorKind,
}

/// What is wrong with a key.
#[derive(Debug)]
pub enum KeyErrorKind {
    /// The file cannot be read.
    Read(io::Error),
    /// The file is larger than keys are.
    TooLarge,
    /// It is neither PEM nor JSON.
    Format,
    /// It looks like JSON and is not, with the parser's reason.
    Json(String),
    /// It is JSON, but no JWK and no JWK Set (RFC 7517 sections 4 and 5).
    NotJwk,
    /// It is a private key that opens no JWE: it only signs, is encrypted itself, or is damaged.
    Private,
    /// It is an empty secret.
    Empty,
    /// A member of a JWK is missing or wrong (RFC 7518 section 6).
    Member(&'static str),
    /// A key of a kind that tokens cannot be verified with here.
    Unsupported(String),
    /// The key is damaged: not on its curve, or not what its type says.
    Invalid,
}

impl KeyError {
    pub(super) fn new(path: &Path, kind: KeyErrorKind) -> Self {
        Self { path: path.to_owned(), kind }
    }
}

impl fmt::Display for KeyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(cause) => write!(f, "cannot be read: {cause}"),
            Self::TooLarge => f.write_str("too large for a file of keys"),
            Self::Format => f.write_str("neither a PEM key or certificate nor a JWK"),
            Self::Json(why) => write!(f, "not JSON: {why}"),
            Self::NotJwk => f.write_str("neither a JWK (no `kty`) nor a JWK Set (no `keys`)"),
            Self::Private => {
                f.write_str("a private key that is encrypted, or decrypts nothing; give the public one")
            }
            Self::Empty => f.write_str("the secret is empty"),
            Self::Member(name) => write!(f, "JWK member `{name}` is missing or not what it must be"),
            Self::Unsupported(what) => write!(f, "{what} cannot be used"),
            Self::Invalid => f.write_str("the key is damaged"),
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.kind)
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            KeyErrorKind::Read(cause) => Some(cause),
            _ => None,
        }
    }
}
