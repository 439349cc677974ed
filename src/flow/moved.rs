//! Flows whose client has moved to another port while its connection goes on (RFC 9000 section 9).

use std::hash::BuildHasher as _;

use super::{Consumer, FlowTable};
use crate::{
    decode::{FlowKey, IpProtocol, Packet, Side},
    limits,
};

/// Where a flow goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    /// The key that it is known by, and its identity.
    key: FlowKey,
    ordinal: u64,
    /// The sides of the new key are those of the other one exchanged.
    flipped: bool,
}

impl<S> FlowTable<S> {
    /// The flow of a datagram between ends that are of no flow, and who sent it: only if the consumer knows whose it is.
    pub(super) fn moved<C: Consumer<S>>(
        &mut self,
        packet: &Packet,
        payload: &[u8],
        consumer: &mut C,
    ) -> Option<(u32, Side)> {
        if packet.key.protocol != IpProtocol::Udp {
            return None;
        }
        if let Some(moved) = self.moves.get(&packet.key).copied() {
            match self.at(moved.key).filter(|&slot| self.is(slot, moved.ordinal)) {
                Some(slot) => {
                    let from = if moved.flipped { packet.from.other() } else { packet.from };
                    return Some((slot, from));
                }
                None => drop(self.moves.remove(&packet.key)),
            }
        }
        let key = consumer.owner(payload)?;
        let slot = self.at(key)?;
        let entry = self.flows.get_mut(slot)?;
        if !consumer.opens(&mut entry.state, payload) {
            return None;
        }
        // It is the client that moves.
        let client = entry.info.client();
        let moved = Moved { key, ordinal: entry.info.ordinal(), flipped: client != packet.from };
        if self.moves.len() >= limits::MOVED_FLOWS / limits::PARTITIONS {
            // Those that go on are found again.
            self.moves.clear();
        }
        self.moves.insert(packet.key, moved);
        Some((slot, client))
    }

    fn at(&self, key: FlowKey) -> Option<u32> {
        let same = |&slot: &u32| self.flows.get(slot).is_some_and(|entry| entry.info.key == key);
        self.index.find(self.hasher.hash_one(key), same).copied()
    }

    fn is(&self, slot: u32, ordinal: u64) -> bool {
        self.flows.get(slot).is_some_and(|entry| entry.info.ordinal() == ordinal)
    }
}
