//! Datagrams that come twice: their sender had no answer in time, or the capture saw them at two places. They say nothing new.

use crate::message::Direction;
use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};

/// Datagrams of one conversation that are remembered: what is sent again is sent soon.
const RECENT: usize = 64;

/// The recent datagrams of a conversation, by a hash whose key nobody knows.
#[derive(Default)]
pub(super) struct Again {
    key: RandomState,
    recent: VecDeque<u64>,
}

impl Again {
    /// Whether the datagram came before; it is remembered.
    pub(super) fn came(&mut self, dir: Direction, datagram: &[u8]) -> bool {
        let hash = self.key.hash_one((dir, datagram));
        if self.recent.contains(&hash) {
            return true;
        }
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(hash);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Direction::{Request, Response};

    #[test]
    fn the_same_datagram_is_known_for_a_while() {
        let mut again = Again::default();
        assert!(!again.came(Request, b"x") && !again.came(Response, b"x") && !again.came(Request, b"y"));
        assert!(again.came(Request, b"x") && again.came(Response, b"x"));
        for n in 0..RECENT as u64 {
            assert!(!again.came(Request, &n.to_be_bytes()));
        }
        assert!(!again.came(Request, b"x"), "it is forgotten");
    }
}
