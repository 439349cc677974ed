//! Who listens to the layers of a flow.

use super::{TlsEvent, Trail};
use crate::keylog::Keyring;
use crate::message::{Direction, End, ExchangeId, Head, Known, Login, Position, Transport};
use std::sync::Arc;

/// What carries the bytes that a sink is given.
#[derive(Clone, Copy, Debug)]
pub struct Carrier<'a> {
    /// The transport of the emitting layer.
    pub transport: &'a Transport,
    /// Where its bytes were captured, by direction.
    pub trails: &'a [Trail; 2],
    /// The exchange that led to the emitting layer, if an upgrade did.
    pub via: Option<ExchangeId>,
    /// It is a datagram, so that a message that is no request and no response goes nowhere in particular.
    pub datagram: bool,
}

impl Carrier<'_> {
    /// Where the byte at `offset` of the layer was captured.
    pub fn position(&self, dir: Direction, offset: u64) -> Position {
        self.trails[dir.index()].position(offset)
    }
}

/// Who listens to the layers of a flow.
pub trait Sink {
    /// A message begins.
    fn begin(&mut self, carrier: Carrier<'_>, id: ExchangeId, head: &Head<'_>);
    /// What is remembered of the head of HTTP/1 that these bytes begin with.
    fn recall(&self, _request: bool, _bytes: &[u8]) -> Known {
        Known::Never
    }
    /// The next bytes of its body, from layer offset `at`, transfer coding undone.
    fn body(&mut self, carrier: Carrier<'_>, id: ExchangeId, dir: Direction, at: u64, bytes: &[u8]);
    /// Bytes of its body that never arrived; `len` is 0 where nobody knows how many.
    fn body_gap(&mut self, id: ExchangeId, dir: Direction, len: u64);
    /// Trailer fields (RFC 9110 section 6.5); `head.start` repeats nothing and is to be ignored.
    fn trailers(&mut self, carrier: Carrier<'_>, id: ExchangeId, dir: Direction, head: &Head<'_>);
    /// The header block that was just told, as it is coded: where each of its `parts` lies in it, and its layer offset.
    fn block(&mut self, _: Carrier<'_>, _: Direction, _bytes: &[u8], _parts: &[(usize, u64)]) {}
    /// Somebody logs in with this secret, which stands at layer offset `at`.
    fn secret(&mut self, _: Carrier<'_>, _: Direction, _at: u64, _secret: &[u8]) {}
    /// What the next bytes of a body are compressed to, from layer offset `at`; with the first of them the body `begins`.
    fn packed(&mut self, _: Carrier<'_>, _: Direction, _at: u64, _bytes: &[u8], _begins: bool) {}
    /// What follows is unpacked from something that cannot be changed byte by byte.
    fn wrapped(&mut self) {}
    /// It was unpacked from `bytes`, which begin at layer offset 0; `blank` gives as many that say nothing.
    fn unwrapped(
        &mut self,
        _: Carrier<'_>,
        _: Direction,
        _bytes: &[u8],
        _blank: fn(&[u8]) -> Option<Vec<u8>>,
    ) {
    }
    /// `len` bytes of ciphertext at layer offset `at` were opened, and hold more or less text (RFC 3749); 0 and 0 for all of a
    /// datagram.
    fn opened(&mut self, _: Carrier<'_>, _: Direction, _at: u64, _len: u64) {}
    /// The message is over.
    fn end(&mut self, id: ExchangeId, dir: Direction, end: End);
    /// Bytes of no known protocol, from layer offset `at`.
    fn opaque(&mut self, carrier: Carrier<'_>, dir: Direction, at: u64, bytes: &[u8]);
    /// A hole in such bytes, or their end.
    fn opaque_gap(&mut self, transport: &Transport, dir: Direction, ended: bool);
    /// Bytes inside encryption that no key opens: only counted.
    fn encrypted(&mut self, len: u64);
    /// TLS secrets that are known at this point of the input, if any can be.
    fn keyring(&self) -> Option<Arc<Keyring>> {
        None
    }
    /// What a TLS layer learned.
    fn tls(&mut self, carrier: Carrier<'_>, event: TlsEvent<'_>);
    /// Somebody tried to log in.
    fn login(&mut self, _: Login) {}
    /// Whether a secret is a token.
    fn is_token(&self, _: &[u8]) -> bool {
        false
    }
    /// A layer found its protocol; `depth` 0 is the outermost.
    fn protocol(&mut self, depth: usize, name: &'static str);
    /// Datagrams with these bytes behind their first one are of this conversation, wherever its client moves.
    fn reachable(&mut self, _id: &[u8]) {}
    /// The protocol of the layer at `depth` gave way to another one.
    fn upgraded(&mut self, depth: usize, name: &'static str);
    /// A dissector asks to hold that many bytes beside what it was given; false if that is over the bound.
    fn reserve(&mut self, bytes: usize) -> bool;
    /// It no longer holds them.
    fn release(&mut self, bytes: usize);
    /// An oddity.
    fn weird(&mut self, name: &'static str);
}
