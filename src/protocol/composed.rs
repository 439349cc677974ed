//! Text that a protocol carries in parts, put together: labels of a name, attributes of a limited length, chunks.

use super::{Out, Trail};
use crate::message::{Direction, Position};

/// The parts so far, and where each was captured.
#[derive(Default)]
pub(super) struct Composed {
    text: Vec<u8>,
    trail: Trail,
}

impl Composed {
    /// The next part, which lies at offset `at` of the layer that `outer` is the trail of.
    pub(super) fn add(&mut self, part: &[u8], outer: &Trail, at: u64) {
        self.trail.push_from(self.text.len() as u64, outer, at, part.len() as u64);
        self.text.extend_from_slice(part);
    }

    /// The next part, which was captured at `position`.
    pub(super) fn place(&mut self, part: &[u8], position: Position) {
        self.trail.push(self.text.len() as u64, part.len() as u64, position);
        self.text.extend_from_slice(part);
    }

    /// What the protocol leaves out between two parts, which belongs to what was captured at `position`.
    pub(super) fn glue(&mut self, text: &[u8], position: Position) {
        self.trail.push_derived(self.text.len() as u64, text.len() as u64, position);
        self.text.extend_from_slice(text);
    }

    /// All of it.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Speaks of it: offsets are those in the text.
    pub(super) fn speak<R>(
        self,
        dir: Direction,
        out: &mut Out<'_>,
        speak: impl FnOnce(&[u8], &mut Out<'_>) -> R,
    ) -> R {
        let Self { text, trail } = self;
        let mut trails = <[Trail; 2]>::default();
        trails[dir.index()] = trail;
        out.decoded(&trails, |out| speak(&text, out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_leads_to_where_it_was_captured() {
        let mut outer = Trail::default();
        outer.push(100, 50, Position { frame: 7, offset: 1000, ..Position::default() });
        let mut composed = Composed::default();
        composed.add(b"one", &outer, 110);
        composed.glue(b".", outer.position(113));
        composed.place(b"two", Position { frame: 8, offset: 20, ..Position::default() });
        let at = |n| (composed.trail.position(n).frame, composed.trail.position(n).offset);
        assert_eq!(composed.text(), b"one.two");
        assert_eq!([at(0), at(2), at(3), at(4), at(6)], [(7, 1010), (7, 1012), (7, 1013), (8, 20), (8, 22)]);
    }
}
