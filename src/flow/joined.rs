//! Flows whose packets come by more than one path: labels that the last hop takes off, a tunnel one way only.

use std::hash::BuildHasher as _;

use super::{Arrival, FlowTable};
use crate::{
    decode::{FlowKey, Packet},
    limits,
};

impl<S> FlowTable<S> {
    /// The flow of a packet whose own path has none.
    #[inline]
    pub(super) fn elsewhere(&mut self, packet: &Packet) -> Option<u32> {
        let lies_bare = packet.key.path | packet.key.vlan == 0 && self.bare.is_empty();
        if lies_bare { None } else { self.joined(packet) }
    }

    /// The flow of a packet that came by another path: a network may encapsulate one direction only (labels of a
    /// last hop, a tunnel one way), or some packets, or give each direction a VLAN or a network number of its own.
    /// Nothing may contradict: not both paths name a tenant, unless the numbers fit exactly, and the numbers go on.
    #[cold]
    fn joined(&mut self, packet: &Packet) -> Option<u32> {
        let bare = packet.key.bare();
        let hash = self.hasher.hash_one(bare);
        let plain = |&&slot: &&u32| self.flows.get(slot).is_some_and(|entry| entry.info.key == bare);
        let tunnelled =
            |&&slot: &&u32| self.flows.get(slot).is_some_and(|entry| entry.info.key.bare() == bare);
        let candidates = self.index.iter_hash(hash).filter(plain);
        let mut candidates = candidates.chain(self.bare.iter_hash(hash).filter(tunnelled));
        let found = candidates.find(|&&slot| self.flows.get(slot).is_some_and(|entry| entry.goes_on(packet)));
        let slot = found.copied()?;
        if let Some(entry) = self.flows.get_mut(slot) {
            entry.join(packet);
        }
        Some(slot)
    }

    /// Whether a flow cannot be the packet's.
    pub(super) fn is_over(&self, slot: u32, packet: &Packet, arrival: &Arrival) -> bool {
        self.flows.get(slot).is_none_or(|entry| entry.over(packet, arrival).is_some())
    }

    /// Notes a new flow that came in a tunnel or a VLAN.
    pub(super) fn enlist(&mut self, key: FlowKey, slot: u32) {
        if key.path | key.vlan == 0 {
            return;
        }
        let (flows, hasher) = (&self.flows, &self.hasher);
        let hash = hasher.hash_one(key.bare());
        let rehash = |&slot: &u32| flows.get(slot).map_or(0, |entry| hasher.hash_one(entry.info.key.bare()));
        if self.bare.iter_hash(hash).take(limits::JOINED_PATHS).count() < limits::JOINED_PATHS {
            self.bare.insert_unique(hash, slot, rehash);
        }
    }

    /// Forgets it.
    pub(super) fn delist(&mut self, key: FlowKey, slot: u32) {
        if key.path | key.vlan != 0
            && let Ok(found) = self.bare.find_entry(self.hasher.hash_one(key.bare()), |&other| other == slot)
        {
            found.remove();
        }
    }
}
