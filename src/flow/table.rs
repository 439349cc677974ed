//! The flows of one partition: who a packet belongs to, when flows open, close and end.

use std::hash::BuildHasher as _;

use foldhash::HashMap;
use hashbrown::HashTable;

use super::{
    Arrival, Budget, Consumer, FlowInfo, FlowState, Origin, Step,
    entry::{Entry, Kind},
    list::List,
    moved::Moved,
    slab::Slab,
};
use crate::{
    decode::{FlowKey, IpProtocol, Packet, Segment, Side, TcpHeader},
    limits,
    message::End,
    tally::Tally,
    time::Timestamp,
};

/// All flows of one partition. Expiry and eviction happen at ticks (and where a packet comes for a flow that is
/// over), in an order that depends on packets only.
#[derive(Debug)]
pub struct FlowTable<S> {
    pub(super) index: HashTable<u32>,
    /// Flows in tunnels by what their key is without, a few of one key: see [`FlowTable::joined`].
    pub(super) bare: HashTable<u32>,
    /// Where flows go on whose client has moved: see [`FlowTable::moved`].
    pub(super) moves: HashMap<FlowKey, Moved>,
    pub(super) hasher: foldhash::fast::RandomState,
    /// Random too: of the fingerprints of segments.
    seed: u64,
    pub(super) flows: Slab<Entry<S>>,
    /// By kind: open TCP flows and UDP conversations in order of their last check, tombstones in order of closing.
    lists: [List; 3],
    /// Flows that may have waiting segments, with their ordinals.
    waiting: std::collections::VecDeque<(u32, u64)>,
    budget: Budget,
    tally: Tally,
    /// The slot of the last packet: packets come in runs.
    last: u32,
    bound: usize,
    tombstones: usize,
}

impl<S> Default for FlowTable<S> {
    /// A table with one partition's share of the bounds.
    fn default() -> Self {
        Self::within(&limits::Room::WHOLE)
    }
}

impl<S> FlowTable<S> {
    /// A table with one partition's share of `room`.
    pub fn within(room: &limits::Room) -> Self {
        let share = room.share();
        let table = Self::new(share.flows, limits::TOMBSTONES / limits::PARTITIONS);
        Self { budget: Budget::new(share.segments), ..table }
    }

    /// A table of at most `bound` flows, of which `tombstones` may be closed ones.
    pub fn new(bound: usize, tombstones: usize) -> Self {
        let hasher = foldhash::fast::RandomState::default();
        Self {
            index: HashTable::new(),
            bare: HashTable::new(),
            moves: HashMap::default(),
            seed: hasher.hash_one(0_u64),
            hasher,
            flows: Slab::default(),
            lists: [List::default(), List::default(), List::default()],
            waiting: std::collections::VecDeque::new(),
            budget: Budget::default(),
            tally: Tally::default(),
            last: 0,
            bound,
            tombstones,
        }
    }

    /// Flows in the table, closed ones that linger included.
    pub const fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.flows.len() == 0
    }

    /// Bytes of waiting segments, bookkeeping included.
    pub const fn waiting_bytes(&self) -> usize {
        self.budget.used()
    }

    /// Flows, gaps and oddities of the flows that ended, to be absorbed.
    pub const fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// Takes one packet of this partition with its transport payload.
    pub fn packet<C: Consumer<S>>(
        &mut self,
        packet: &Packet,
        payload: &[u8],
        arrival: &Arrival,
        consumer: &mut C,
    ) {
        let mut from = packet.from;
        let slot = match self.find(packet) {
            Some(slot) => match self.flows.get(slot).and_then(|entry| entry.over(packet, arrival)) {
                None => slot,
                Some(state) => {
                    self.end(slot, state, arrival.now, consumer);
                    let other = self.elsewhere(packet).filter(|&slot| !self.is_over(slot, packet, arrival));
                    other.unwrap_or_else(|| self.open(packet, arrival, consumer))
                }
            },
            None => match self.moved(packet, payload, consumer) {
                Some((slot, sender)) => {
                    from = sender;
                    slot
                }
                None => self.open(packet, arrival, consumer),
            },
        };
        self.last = slot;
        let Some(entry) = self.flows.get_mut(slot) else { return };
        entry.touch(arrival);
        self.tally.payload_bytes += payload.len() as u64;
        let header = match packet.segment {
            Segment::Tcp(header) => header,
            Segment::Udp => {
                entry.spoke[from.index()] |= packet.key.path == entry.info.key.path;
                if !payload.is_empty() || packet.payload.missing > 0 {
                    let (info, state) = (&mut entry.info, &mut entry.state);
                    consumer.datagram(info, state, from, payload, packet.payload.missing, &arrival.origin);
                }
                return;
            }
        };
        if entry.is_regular(from, &header, packet.payload.missing) {
            let (stream, peer, mut outlet) = entry.split(from, consumer);
            if header.has(TcpHeader::ACK) {
                peer.acknowledge(header.ack);
            }
            if !payload.is_empty() {
                stream.deliver(payload, &arrival.origin, self.seed, &mut outlet);
            }
            return;
        }
        self.irregular(slot, packet, &header, payload, arrival, consumer);
    }

    /// A segment that begins or ends something, or is not the next one of its direction, or does not bring its direction up to date.
    fn irregular<C: Consumer<S>>(
        &mut self,
        slot: u32,
        packet: &Packet,
        header: &TcpHeader,
        payload: &[u8],
        arrival: &Arrival,
        consumer: &mut C,
    ) {
        let from = packet.from;
        let Some(entry) = self.flows.get_mut(slot) else { return };
        if entry.outlives_reset(from, header, payload) {
            entry.revive(arrival.now);
            consumer.revived(&mut entry.info, &mut entry.state);
            self.lists[Kind::Tombstone as usize].remove(&mut self.flows, slot);
            self.lists[Kind::Tcp as usize].push(&mut self.flows, slot);
        }
        let Some(entry) = self.flows.get_mut(slot) else { return };
        let (peer_seen, packets) = (entry.streams[from.other().index()].seen(), entry.info.packets as u32);
        let (stream, peer, mut outlet) = entry.split(from, consumer);
        if header.has(TcpHeader::ACK) && !header.has(TcpHeader::RST) {
            peer.acknowledge(header.ack);
        }
        let mut step = Step {
            now: arrival.now,
            touched: arrival.now,
            packets,
            peer_seen,
            origin: &arrival.origin,
            seed: self.seed,
            budget: &mut self.budget,
            out: &mut outlet,
        };
        if header.has(TcpHeader::RST) {
            let answers = header.has(TcpHeader::ACK) && peer.awaits(header.ack);
            // What a RST carries is a diagnostic text (RFC 9293 section 3.5.2), not stream data.
            let valid = stream.reset(header.seq, answers, &mut step);
            if valid && !payload.is_empty() {
                step.again(stream.delivered() as i64, payload, &arrival.origin);
            }
            let aborted = valid && stream.ended();
            entry.reset |= aborted;
            if valid {
                entry.reset_by = Some(from);
            }
        } else {
            stream.segment(header, payload, packet.payload.missing, &mut step);
        }
        if header.has(TcpHeader::SYN) {
            let client = if header.has(TcpHeader::ACK) { from.other() } else { from };
            let simultaneous = entry.info.known_client().is_some() && !header.has(TcpHeader::ACK);
            entry.handshake(client, simultaneous);
        }
        if entry.watch(slot, &mut self.waiting) {
            self.poll(slot, arrival.now, &arrival.origin, consumer);
        }
        self.settle(slot, arrival.now, &arrival.origin, consumer);
    }

    /// Lets time pass: called after every [`limits::TICK_FRAMES`] frames of the run, in every partition.
    pub fn tick<C: Consumer<S>>(&mut self, now: Timestamp, consumer: &mut C) {
        // Entries of flows that wait no more cost nothing but their removal.
        let (mut left, mut looked) = (self.waiting.len(), 0);
        while left > 0 && looked < limits::TICK_WAITING {
            left -= 1;
            let Some((slot, ordinal)) = self.waiting.pop_front() else { break };
            let Some(entry) = self.flows.get_mut(slot).filter(|e| e.info.ordinal() == ordinal) else {
                continue;
            };
            entry.watched = false;
            let origin = entry.last_origin();
            if entry.watch(slot, &mut self.waiting) {
                looked += 1;
                self.poll(slot, now, &origin, consumer);
                self.settle(slot, now, &origin, consumer);
            }
        }
        for kind in Kind::ALL {
            while let Some(slot) = self.lists[kind as usize].front()
                && let Some(entry) = self.flows.get_mut(slot)
                && now.since(entry.checked) >= kind.timeout()
            {
                if kind == Kind::Tombstone || now.since(entry.touched) >= kind.timeout() {
                    self.end(slot, FlowState::TimedOut, now, consumer);
                } else {
                    entry.checked = entry.touched;
                    self.lists[kind as usize].remove(&mut self.flows, slot);
                    self.lists[kind as usize].push(&mut self.flows, slot);
                }
            }
        }
        self.evict(now, consumer);
    }

    /// The input is over: everything ends, in order of first frames.
    pub fn finish<C: Consumer<S>>(&mut self, now: Timestamp, consumer: &mut C) {
        let mut all: Vec<_> = self.flows.iter().map(|(slot, entry)| (entry.info.ordinal(), slot)).collect();
        all.sort_unstable();
        for (_, slot) in all {
            self.end(slot, FlowState::Open, now, consumer);
        }
        self.waiting.clear();
    }

    fn find(&mut self, packet: &Packet) -> Option<u32> {
        if self.flows.get(self.last).is_some_and(|entry| entry.info.key == packet.key) {
            return Some(self.last);
        }
        let same = |&slot: &u32| self.flows.get(slot).is_some_and(|entry| entry.info.key == packet.key);
        let found = self.index.find(self.hasher.hash_one(packet.key), same).copied();
        if found.is_none() { self.elsewhere(packet) } else { found }
    }

    fn open<C: Consumer<S>>(&mut self, packet: &Packet, arrival: &Arrival, consumer: &mut C) -> u32 {
        self.tally.flows += 1;
        let info = FlowInfo::new(packet.key, packet.from, arrival.origin);
        let state = consumer.open(&info);
        let kind = match packet.key.protocol {
            IpProtocol::Tcp => Kind::Tcp,
            IpProtocol::Udp => Kind::Udp,
        };
        let slot = self.flows.insert(Entry::new(info, state, kind, arrival.now));
        let (flows, hasher) = (&self.flows, &self.hasher);
        let rehash = |&slot: &u32| flows.get(slot).map_or(0, |entry| hasher.hash_one(entry.info.key));
        self.index.insert_unique(hasher.hash_one(packet.key), slot, rehash);
        self.enlist(packet.key, slot);
        self.lists[kind as usize].push(&mut self.flows, slot);
        slot
    }

    fn poll<C: Consumer<S>>(&mut self, slot: u32, now: Timestamp, origin: &Origin, consumer: &mut C) {
        self.each(slot, now, origin, consumer, |stream, step| stream.poll(step));
    }

    /// Runs `f` on both directions of a flow.
    fn each<C: Consumer<S>>(
        &mut self,
        slot: u32,
        now: Timestamp,
        origin: &Origin,
        consumer: &mut C,
        f: impl Fn(&mut super::Assembler, &mut Step<'_>),
    ) {
        let Some(entry) = self.flows.get_mut(slot) else { return };
        for side in [Side::Low, Side::High] {
            let (peer_seen, packets) =
                (entry.streams[side.other().index()].seen(), entry.info.packets as u32);
            let touched = entry.touched;
            let (stream, _, mut outlet) = entry.split(side, consumer);
            let (seed, budget) = (self.seed, &mut self.budget);
            f(stream, &mut Step { now, touched, packets, peer_seen, origin, seed, budget, out: &mut outlet });
        }
    }

    /// Closes a flow whose directions have ended, or one of them by RST.
    fn settle<C: Consumer<S>>(&mut self, slot: u32, now: Timestamp, origin: &Origin, consumer: &mut C) {
        let Some(entry) = self.flows.get_mut(slot) else { return };
        if entry.kind != Kind::Tcp || !entry.streams.iter().any(super::Assembler::ended) {
            return;
        }
        if entry.reset {
            entry.info.state = FlowState::Reset;
            self.each(slot, now, origin, consumer, |stream, step| stream.finish(End::Reset, step));
        } else if entry.streams.iter().all(super::Assembler::ended) {
            entry.info.state = FlowState::Closed;
        } else {
            return;
        }
        let Some(entry) = self.flows.get_mut(slot) else { return };
        consumer.closed(&mut entry.info, &mut entry.state);
        entry.kind = Kind::Tombstone;
        entry.checked = now;
        self.lists[Kind::Tcp as usize].remove(&mut self.flows, slot);
        self.lists[Kind::Tombstone as usize].push(&mut self.flows, slot);
        if self.lists[Kind::Tombstone as usize].len() > self.tombstones
            && let Some(oldest) = self.lists[Kind::Tombstone as usize].front()
        {
            self.end(oldest, FlowState::Open, now, consumer);
        }
    }

    /// Takes a flow out; if it was still open, its state becomes `state`.
    fn end<C: Consumer<S>>(&mut self, slot: u32, state: FlowState, now: Timestamp, consumer: &mut C) {
        let Some(entry) = self.flows.get_mut(slot) else { return };
        let (kind, key) = (entry.kind, entry.info.key);
        if kind != Kind::Tombstone {
            entry.info.state = state;
            if kind == Kind::Tcp {
                let origin = entry.last_origin();
                self.each(slot, now, &origin, consumer, |stream, step| stream.finish(End::Cut, step));
            }
            if let Some(entry) = self.flows.get_mut(slot) {
                consumer.closed(&mut entry.info, &mut entry.state);
            }
        }
        self.lists[kind as usize].remove(&mut self.flows, slot);
        if let Ok(found) = self.index.find_entry(self.hasher.hash_one(key), |&other| other == slot) {
            found.remove();
        }
        self.delist(key, slot);
        if let Some(entry) = self.flows.get_mut(slot) {
            entry.info.report(&mut self.tally);
            consumer.ended(&entry.info, &mut entry.state);
        }
        self.flows.remove(slot);
    }

    /// Over the bound: closed flows go first, then those idle for longest, a sixteenth more than needed.
    fn evict<C: Consumer<S>>(&mut self, now: Timestamp, consumer: &mut C) {
        if self.flows.len() <= self.bound {
            return;
        }
        let surplus = self.flows.len() - (self.bound - self.bound / 16);
        let mut all: Vec<_> = self
            .flows
            .iter()
            .map(|(slot, entry)| (entry.kind != Kind::Tombstone, entry.touched, entry.info.ordinal(), slot))
            .collect();
        if surplus < all.len() {
            all.select_nth_unstable(surplus);
            all.truncate(surplus);
        }
        all.sort_unstable();
        for (open, _, _, slot) in all {
            if open {
                self.tally.weird("flows_evicted");
            }
            self.end(slot, FlowState::Evicted, now, consumer);
        }
    }
}
