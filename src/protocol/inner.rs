//! The layers inside a layer.

use super::Layer;
use crate::limits;
use crate::message::Transport;
use smallvec::SmallVec;

/// Layers inside a layer, by key: one for a protocol that carries one stream, more for one that carries many.
#[derive(Default)]
pub(super) struct Inner(SmallVec<[(u64, Box<Layer>); 1]>);

impl Inner {
    /// The layer of that key, which is opened if there is none; `None` where that would be over a bound.
    pub(super) fn get(&mut self, key: u64, transport: &Transport, depth: usize) -> Option<&mut Layer> {
        let at = match self.0.iter().position(|(k, _)| *k == key) {
            Some(at) => at,
            None if depth >= limits::LAYERS || self.0.len() >= limits::INNER_LAYERS => return None,
            None => {
                self.0.push((key, Box::new(Layer::new(*transport, depth))));
                self.0.len() - 1
            }
        };
        self.0.get_mut(at).map(|(_, layer)| &mut **layer)
    }

    /// The layer of that key, if it is open.
    pub(super) fn find(&mut self, key: u64) -> Option<&mut Layer> {
        self.0.iter_mut().find(|(k, _)| *k == key).map(|(_, layer)| &mut **layer)
    }

    /// Removes the layer of that key.
    pub(super) fn take(&mut self, key: u64) -> Option<Box<Layer>> {
        let at = self.0.iter().position(|(k, _)| *k == key)?;
        Some(self.0.remove(at).1)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every layer, in order of opening.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Layer> {
        self.0.iter_mut().map(|(_, layer)| &mut **layer)
    }
}
