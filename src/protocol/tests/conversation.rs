//! Conversations of any protocol: the same comes out however they are cut, and nothing that is cut short panics or is kept.

use super::tape::Wire;
use crate::message::Direction::{self, Request, Response};
use crate::protocol::fuzz_probe;

/// A conversation: who says what.
pub(super) struct Conversation(pub(super) Vec<(Direction, Vec<u8>)>);

impl Conversation {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// The client says.
    pub(super) fn c(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push((Request, bytes.as_ref().to_vec()));
        self
    }

    /// The server says.
    pub(super) fn s(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push((Response, bytes.as_ref().to_vec()));
        self
    }

    /// What comes of it, played whole; the same in pieces, and in any part of it.
    #[track_caller]
    pub(super) fn says(&self, expected: &[&str]) {
        let mut wire = Wire::new();
        self.play(&mut wire, usize::MAX);
        assert_eq!(wire.all(), expected);
        self.withstands(expected);
        self.keeps_the_contract();
    }

    #[track_caller]
    fn withstands(&self, expected: &[&str]) {
        for piece in [1, 2, 3, 7, 50] {
            let mut wire = Wire::in_pieces(piece);
            self.play(&mut wire, usize::MAX);
            assert_eq!(wire.all(), expected, "in pieces of {piece}");
        }
        let len: usize = self.0.iter().map(|(_, bytes)| bytes.len()).sum();
        for cut in 0..len {
            let mut wire = Wire::new();
            self.play(&mut wire, cut);
            wire.all();
            // A hole of one byte there.
            let mut wire = Wire::new();
            self.play_with_hole(&mut wire, cut);
            wire.all();
        }
    }

    /// The same with any byte changed, cut anyhow: no sink is told what it may not be.
    fn keeps_the_contract(&self) {
        let plain = self.pieces(100);
        fuzz_probe(&plain);
        for at in 0..plain.len() {
            let mut data = plain.clone();
            for change in [0x01, 0x80, 0xff] {
                data[at] ^= change;
                fuzz_probe(&data);
            }
        }
        for piece in [1, 5] {
            fuzz_probe(&self.pieces(piece));
        }
    }

    /// As the fuzz functions take it.
    fn pieces(&self, len: usize) -> Vec<u8> {
        let piece = |dir: &Direction, bytes: &[u8]| {
            [&[bytes.len() as u8 | (dir.index() as u8) << 7][..], bytes].concat()
        };
        let chunks = self.0.iter().flat_map(|(dir, bytes)| bytes.chunks(len).map(move |c| piece(dir, c)));
        chunks.collect::<Vec<_>>().concat()
    }

    fn play(&self, wire: &mut Wire, mut len: usize) {
        for (dir, bytes) in &self.0 {
            let n = bytes.len().min(len);
            len -= n;
            if n > 0 {
                wire.say(*dir, &bytes[..n]);
            }
        }
    }

    fn play_with_hole(&self, wire: &mut Wire, mut at: usize) {
        for (dir, bytes) in &self.0 {
            match bytes.split_at_checked(at) {
                Some((before, [_, after @ ..])) if at < bytes.len() => {
                    wire.say(*dir, before);
                    wire.lose(*dir, 1);
                    wire.say(*dir, after);
                    at = usize::MAX;
                }
                _ => {
                    at = at.saturating_sub(bytes.len());
                    wire.say(*dir, bytes);
                }
            }
        }
    }
}
