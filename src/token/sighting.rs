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
