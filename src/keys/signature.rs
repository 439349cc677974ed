//! What is known about a signature.

/// What is known about a token's signature; the names are those of the `tokens` record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signature {
    /// A key that was given verifies it.
    Valid,
    /// The key that it must be verified with was given, and does not.
    Invalid,
    /// There is none: `alg` says `none` in some form, or the signature is empty.
    Unsigned,
    /// Anyone could make it: its secret is in a word list, or follows from the token.
    WeakSecret,
    /// No key that was given tells.
    Unverified,
    /// A JWE has no signature.
    Encrypted,
}

impl Signature {
    /// As the records print it; `None` for a JWE.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Valid => Some("valid"),
            Self::Invalid => Some("invalid"),
            Self::Unsigned => Some("unsigned"),
            Self::WeakSecret => Some("weak-secret"),
            Self::Unverified => Some("unverified"),
            Self::Encrypted => None,
        }
    }

    /// The same once the dictionary attack found the secret.
    #[must_use]
    pub const fn or_weak(self, weak: bool) -> Self {
        if weak { Self::WeakSecret } else { self }
    }
}
