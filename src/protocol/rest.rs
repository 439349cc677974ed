//! What is left of a layer between messages: so little that a million idle flows cost next to nothing, and that the layer
//! itself, with its dissector, goes on with another flow.

use super::layer::State;
use super::{Layer, Protocol, Sink};
use crate::message::{Direction, Transport};

/// A layer that holds nothing but the name of its protocol.
#[derive(Clone, Copy)]
pub struct Rest {
    protocol: &'static Protocol,
    flipped: bool,
}

impl Rest {
    /// What a flow begins with whose first bytes of direction `dir` tell the protocol.
    pub fn probe(dir: Direction, bytes: &[u8]) -> Option<Self> {
        let (protocol, said) = Layer::probe(bytes)?;
        Some(Self { protocol, flipped: said.is_some_and(|said| said != dir) })
    }

    /// Whether a layer that rests, or came to rest, can go on as this one.
    pub fn fits(&self, layer: &Layer) -> bool {
        matches!(&layer.state, State::Active(protocol, _) if std::ptr::eq(*protocol, self.protocol))
    }

    /// Says that the outermost layer of a flow has this protocol.
    pub fn announce(&self, sink: &mut dyn Sink) {
        sink.protocol(0, self.protocol.name);
    }

    /// One direction is over: in a layer that rests, only bytes of no protocol can end with it.
    pub fn close(&self, transport: Transport, dir: Direction, sink: &mut dyn Sink) {
        let transport = Transport { protocol: self.protocol.name, ..transport };
        sink.opaque_gap(&transport, if self.flipped { dir.other() } else { dir }, true);
    }
}

impl Layer {
    /// What is left of an outermost layer, if a fresh dissector would go on as well as its own.
    pub fn rest(&self) -> Option<Rest> {
        let State::Active(protocol, dissector) = &self.state else { return None };
        let alone = self.depth == 0 && self.via.is_none() && self.unwanted == [0; 2];
        let idle = alone && dissector.is_idle() && self.inner.is_empty();
        idle.then_some(Rest { protocol, flipped: self.flipped })
    }

    /// Goes on where a layer came to rest, from `spare`, which rests too and fits, or anew.
    pub fn resume(rest: Rest, transport: Transport, spare: Option<Box<Self>>) -> Box<Self> {
        let mut layer = spare.unwrap_or_else(|| {
            let mut layer = Self::new(transport, 0);
            layer.state = State::Active(rest.protocol, (rest.protocol.open)());
            Box::new(layer)
        });
        layer.transport = Transport { protocol: rest.protocol.name, ..transport };
        layer.flipped = rest.flipped;
        layer.offsets = [0; 2];
        layer.trails.iter_mut().for_each(super::Trail::clear);
        layer
    }
}
