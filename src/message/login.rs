//! Attempts to log in: what an eavesdropper learns from them.

use super::{Position, Transport};

/// What a login discloses to whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosed {
    /// A password.
    Password,
    /// A JWT: the business of the rules about tokens.
    Token,
    /// A bearer token of another kind.
    Bearer,
    /// A hash or the answer to a challenge, of which a weak password can be guessed.
    Hash,
    /// Nothing: it is anonymous, or proves possession of a key.
    Nothing,
}

impl Disclosed {
    /// As facts name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::Bearer => "bearer",
            Self::Hash => "hash",
            Self::Nothing => "nothing",
        }
    }
}

/// What became of encryption before the login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Starttls {
    /// The protocol has no such thing, or it was not seen.
    #[default]
    Unseen,
    /// The server offered it.
    Offered,
    /// The client asked for it and the server refused.
    Refused,
}

impl Starttls {
    /// As facts name it.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Unseen => None,
            Self::Offered => Some("offered"),
            Self::Refused => Some("refused"),
        }
    }
}

/// An attempt to log in, other than in HTTP. It is told when its outcome is known, or can no longer be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// What carried it.
    pub transport: Transport,
    /// Where what it discloses was captured.
    pub position: Position,
    /// How it is done: the name of a SASL mechanism, "password", ..., in lower case.
    pub mechanism: Box<str>,
    /// What it discloses.
    pub disclosed: Disclosed,
    /// What became of encryption before it.
    pub starttls: Starttls,
    /// Whether the server let the client in, if it said so.
    pub accepted: Option<bool>,
}
