//! By what datagrams a conversation can be reached whose client may move to another port.

use crate::decode::FlowKey;
use crate::limits;
use foldhash::HashMap;
use smallvec::SmallVec;

/// A connection ID (RFC 9000 section 5.1).
type Id = SmallVec<[u8; 20]>;

/// The connection IDs of one partition, and the conversations that they are of. Two generations: when one is full, the one
/// before it is forgotten.
#[derive(Default)]
pub struct Reach {
    generations: [HashMap<Id, FlowKey>; 2],
    /// Lengths that occur, as bits.
    lengths: u32,
    /// Those that the conversation at work has just got.
    fresh: Vec<Id>,
}

impl Reach {
    /// The conversation at work can be reached by this ID; short ones say nothing.
    pub fn add(&mut self, id: &[u8]) {
        if (4..=20).contains(&id.len()) && self.fresh.len() < limits::QUIC_IDS {
            self.fresh.push(SmallVec::from_slice(id));
        }
    }

    /// That conversation was this one.
    pub fn settle(&mut self, key: FlowKey) {
        for id in self.fresh.drain(..) {
            if self.generations[0].len() >= limits::REACHED_IDS / limits::PARTITIONS {
                self.generations.swap(0, 1);
                self.generations[0].clear();
            }
            self.lengths |= 1 << id.len();
            self.generations[0].insert(id, key);
        }
    }

    /// The conversation that a packet with a short header is addressed to.
    pub fn owner(&self, datagram: &[u8]) -> Option<FlowKey> {
        let (first, rest) = datagram.split_first()?;
        if self.lengths == 0 || first & 0xc0 != 0x40 {
            return None;
        }
        let lengths = (4..=20).rev().filter(|len| self.lengths & 1 << len != 0);
        lengths
            .filter_map(|len| rest.get(..len))
            .find_map(|id| self.generations.iter().find_map(|generation| generation.get(id)).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Endpoint, IpProtocol};

    fn key(port: u16) -> FlowKey {
        let end = |last, port| Endpoint { addr: [10, 0, 0, last].into(), port };
        FlowKey::new(end(1, port), end(2, 443), IpProtocol::Udp, 0).0
    }

    #[test]
    fn conversations_are_found_by_their_ids() {
        let mut reach = Reach::default();
        assert_eq!(reach.owner(&[0x40; 30]), None);
        reach.add(&[7; 8]);
        reach.add(&[1, 2, 3]);
        reach.settle(key(1000));
        reach.add(&[7; 12]);
        reach.settle(key(1001));
        let short = |id: &[u8]| [&[0x41][..], id, &[0; 20]].concat();
        assert_eq!(reach.owner(&short(&[7; 8])), Some(key(1000)));
        assert_eq!(reach.owner(&short(&[7; 12])), Some(key(1001)), "the longest counts");
        assert_eq!((reach.owner(&short(&[1, 2, 3])), reach.owner(&short(&[8; 8]))), (None, None));
        let mut long = short(&[7; 8]);
        long[0] = 0xc1;
        assert_eq!((reach.owner(&long), reach.owner(&[0x41])), (None, None));
    }

    #[test]
    fn they_are_held_to_a_bound() {
        let mut reach = Reach::default();
        let bound = limits::REACHED_IDS / limits::PARTITIONS;
        for n in 0..3 * bound as u32 {
            reach.add(&n.to_be_bytes());
            reach.settle(key(1000));
        }
        assert!(reach.generations.iter().all(|generation| generation.len() <= bound));
        assert!(reach.owner(&[&[0x40][..], &(3 * bound as u32 - 1).to_be_bytes()].concat()).is_some());
    }
}
