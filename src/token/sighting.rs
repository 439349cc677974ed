//! One occurrence of one token: the first owned value on the way down the chute.

use super::Token;
use crate::message::{Direction, Place, Position, Span, Transport};
use smallvec::SmallVec;
use std::sync::Arc;

/// One occurrence of one token on the wire.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The token.
    pub token: Arc<Token>,
    /// The captured bytes that it was read from; for decoded bytes, those they were decoded from.
    pub spans: SmallVec<[Span; 1]>,
    /// Where its first byte was captured.
    pub position: Position,
    /// Which way it went; `None` for a datagram.
    pub direction: Option<Direction>,
    /// Where in the message.
    pub place: Place,
    /// Encodings that were undone around it, outermost first ("percent", "base64", ...).
    pub wrapping: SmallVec<[&'static str; 2]>,
    /// What carried it.
    pub transport: Transport,
}

/// Among the wrappings of a token: it stood inside of a JWE, which a key of the run opened.
const INSIDE: &str = "jwe";

impl Sighting {
    /// The sighting of a token that is inside of this one.
    #[must_use]
    pub fn around(&self, inner: Arc<Token>) -> Self {
        let mut this = Self { token: inner, ..self.clone() };
        this.wrapping.push(INSIDE);
        this
    }

    /// Whether it is inside of a JWE: nobody without the key reads it.
    pub fn is_inside(&self) -> bool {
        self.wrapping.contains(&INSIDE)
    }
}
