//! Connection IDs (RFC 9000 section 5.1): what packets of one direction are addressed to.

use super::header::ID;
use crate::limits;
use smallvec::SmallVec;

/// Those of one direction, newest last.
#[derive(Default)]
pub(super) struct Ids(Vec<SmallVec<[u8; ID]>>);

impl Ids {
    /// Adds one, unless it is there; says whether it is new.
    pub(super) fn add(&mut self, id: &[u8]) -> bool {
        if id.len() > ID || self.0.iter().any(|known| known.as_slice() == id) {
            return false;
        }
        if self.0.len() >= limits::QUIC_IDS {
            self.0.remove(0);
        }
        self.0.push(SmallVec::from_slice(id));
        true
    }

    pub(super) fn has(&self, id: &[u8]) -> bool {
        self.0.iter().any(|known| known.as_slice() == id)
    }

    /// The longest one that `bytes` begin with.
    pub(super) fn prefix(&self, bytes: &[u8]) -> Option<usize> {
        self.0.iter().filter(|id| bytes.starts_with(id)).map(|id| id.len()).max()
    }

    /// Lengths that an ID that is not known may have: those of the known ones, or all if there are none.
    pub(super) fn lengths(&self) -> SmallVec<[usize; 4]> {
        let mut lengths: SmallVec<[usize; 4]> = SmallVec::new();
        for id in self.0.iter().rev() {
            if !lengths.contains(&id.len()) {
                lengths.push(id.len());
            }
        }
        if lengths.is_empty() {
            lengths.extend([8, 0, 4, 20, 16]);
            lengths.extend((1..ID).filter(|len| ![4, 8, 16].contains(len)));
        }
        lengths
    }
}
