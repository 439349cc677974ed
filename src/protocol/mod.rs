//! Stream bytes become messages: dissectors stacked in layers.
//!
//! A dissector emits two things only: a message (its head, then its body as it arrives), or inner bytes for
//! the layer inside it. What it learns about its own session is described with [`Out::tls`].

mod http1;
mod layer;
mod out;
mod reader;
#[cfg(test)]
mod tests;
mod tls;
mod trail;

pub use http1::parse_head;
pub use layer::{Carrier, Layer, Sink};
pub use out::Out;
pub use tls::{ClientHello, ServerHello, TlsEvent};
pub use trail::Trail;

use crate::message::{Direction, End};

/// What a probe thinks of the first bytes of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not this protocol.
    No,
    /// More bytes are needed to tell.
    More,
    /// This protocol; the bytes are of the given direction (`None`: cannot tell which).
    Yes(Option<Direction>),
}

/// Bytes that break the protocol so that the dissector cannot go on. Counted, never thrown further: the layer
/// turns opaque and is scanned as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(
    /// Name under which it is counted, in `snake_case`.
    pub &'static str,
);

/// One protocol of one layer of one flow.
pub trait Dissector: Send {
    /// Takes the next bytes of one direction; their offset in the layer is [`Out::at`].
    ///
    /// # Errors
    /// [`Malformed`] if the protocol cannot be followed any further; bytes from [`Out::consumed`] on are then scanned as opaque.
    fn data(&mut self, dir: Direction, bytes: &[u8], out: &mut Out<'_>) -> Result<(), Malformed>;

    /// `len` bytes of one direction will never arrive: resynchronise if the protocol can.
    ///
    /// # Errors
    /// As [`Dissector::data`].
    fn gap(&mut self, dir: Direction, len: u64, out: &mut Out<'_>) -> Result<(), Malformed>;

    /// No more bytes of this direction.
    fn close(&mut self, dir: Direction, end: End, out: &mut Out<'_>);

    /// The oldest layer offset of `dir` whose position may still be asked for.
    fn held(&self, dir: Direction) -> u64;
}

/// A protocol that wirelint knows: one file, one line in [`PROTOCOLS`].
pub struct Protocol {
    /// As the records print it.
    pub name: &'static str,
    /// Looks at the first bytes of a direction; never at more than it is given.
    pub probe: fn(&[u8]) -> Verdict,
    /// A fresh dissector.
    pub open: fn() -> Box<dyn Dissector>,
}

/// Every protocol, in order of probing.
pub const PROTOCOLS: &[&Protocol] = &[&tls::PROTOCOL, &http1::PROTOCOL];

/// The protocol of that name.
pub fn by_name(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().copied().find(|p| p.name == name)
}
