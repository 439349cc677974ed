//! Why what keys might open stays closed.

/// Why a session stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// No secret of this session is known.
    Secret,
    /// The secret does not fit: tags fail.
    Tag,
    /// The cipher suite is not among those that can be opened.
    Suite,
    /// SSL 2 or 3.
    Version,
    /// The handshake was not captured.
    Handshake,
}

impl Lock {
    /// As the `flows` record says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "no secret of this session in the key log",
            Self::Tag => "the secret does not fit: records are not authentic",
            Self::Suite => "cipher suite not supported",
            Self::Version => "version not supported",
            Self::Handshake => "the handshake was not captured",
        }
    }

    /// Under which it is counted.
    pub(in crate::protocol) const fn counted(self) -> &'static str {
        match self {
            Self::Secret => "tls_no_secret",
            Self::Tag => "tls_wrong_secret",
            Self::Suite => "tls_suite_unsupported",
            Self::Version => "tls_version_unsupported",
            Self::Handshake => "tls_handshake_missing",
        }
    }
}
