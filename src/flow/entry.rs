//! A flow as its table keeps it.

use std::collections::VecDeque;

use super::{
    Anomalies, Arrival, Assembler, Chunk, Consumer, FlowInfo, FlowState, Origin, Outlet,
    anomalies::one,
    list::{Linked, Links},
};
use crate::{
    decode::{Packet, Paths, Segment, Side, TcpHeader},
    limits,
    message::End,
    time::Timestamp,
};

/// Which list a flow is in, and so what ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    Udp,
    /// Closed, but its last packets may still come.
    Tombstone,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Tombstone];

    pub(super) const fn timeout(self) -> i64 {
        match self {
            Self::Tcp => limits::TCP_IDLE,
            Self::Udp => limits::UDP_IDLE,
            Self::Tombstone => limits::LINGER,
        }
    }
}

#[derive(Debug)]
pub(super) struct Entry<S> {
    pub(super) info: FlowInfo,
    pub(super) streams: [Assembler; 2],
    pub(super) state: S,
    /// Running maximum of packet time at the last packet, and at the last check of the list.
    pub(super) touched: Timestamp,
    pub(super) checked: Timestamp,
    links: Links,
    pub(super) kind: Kind,
    /// It is in the table's queue of flows with waiting segments.
    pub(super) watched: bool,
    /// A direction ended by RST.
    pub(super) reset: bool,
    /// Who sent the last RST that was believed.
    pub(super) reset_by: Option<Side>,
    /// Sides whose datagrams came by the path of the flow.
    pub(super) spoke: [bool; 2],
    /// A path with another tenant by which packets of this flow come all the same; 0 is none.
    beside: u32,
}

impl<S> Linked for Entry<S> {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

impl<S> Entry<S> {
    pub(super) fn new(info: FlowInfo, state: S, kind: Kind, now: Timestamp) -> Self {
        Self {
            info,
            streams: Default::default(),
            state,
            touched: now,
            checked: now,
            links: Links::default(),
            kind,
            watched: false,
            reset: false,
            reset_by: None,
            spoke: [false; 2],
            beside: 0,
        }
    }

    pub(super) fn touch(&mut self, arrival: &Arrival) {
        self.touched = arrival.now;
        let info = &mut self.info;
        info.packets += 1;
        info.bytes += u64::from(arrival.wire_len);
        info.start = info.start.min(arrival.origin.time);
        info.end = info.end.max(arrival.origin.time);
    }

    /// Whether the flow cannot be the packet's, and how it ended then.
    #[inline]
    pub(super) fn over(&self, packet: &Packet, arrival: &Arrival) -> Option<FlowState> {
        let (now, time) = (arrival.now, arrival.origin.time);
        let last = if self.kind == Kind::Tombstone { self.checked } else { self.touched };
        // By its own packets, too: one packet of another flow whose time is wrong ends no flow that goes on.
        let over = now.since(last) >= self.kind.timeout() && time.since(self.info.end) >= self.kind.timeout();
        if over && self.kind != Kind::Tombstone {
            return Some(FlowState::TimedOut);
        }
        let Segment::Tcp(header) = packet.segment else { return None };
        // A copy that is late is no other connection, however late.
        if over && !self.streams[packet.from.index()].has_passed(header.seq, packet.payload.len) {
            return Some(FlowState::TimedOut);
        }
        let goes_on = self.kind == Kind::Tcp && !header.has(TcpHeader::SYN);
        if goes_on || header.has(TcpHeader::RST) {
            return None;
        }
        let begins = header.has(TcpHeader::SYN)
            && !self.streams[packet.from.index()].accepts_syn(header.seq)
            && !self.stray(packet.from, &header);
        // A RST or FIN from before the capture, or a forged one: the connection that speaks is another.
        let speaks = self.kind == Kind::Tombstone
            && packet.payload.len > 0
            && self.streams.iter().all(Assembler::is_blank);
        (begins || speaks).then_some(FlowState::Reused)
    }

    /// Whether a segment is what nearly all are: the next one of its direction, which begins and ends nothing, in a
    /// flow in which nothing waits.
    #[inline]
    pub(super) fn is_regular(&self, from: Side, header: &TcpHeader, missing: u32) -> bool {
        const SPECIAL: u8 = TcpHeader::SYN | TcpHeader::FIN | TcpHeader::RST | TcpHeader::URG;
        let [low, high] = &self.streams;
        self.kind == Kind::Tcp
            && header.flags & SPECIAL == 0
            && missing == 0
            && !(low.waiting() | high.waiting())
            && self.streams[from.index()].continues(header.seq)
    }

    /// The assembler of what `from` sends, its peer's, and the way to the consumer.
    pub(super) fn split<'a, C: Consumer<S>>(
        &'a mut self,
        from: Side,
        consumer: &'a mut C,
    ) -> (&'a mut Assembler, &'a mut Assembler, Port<'a, S, C>) {
        let Self { info, streams: [low, high], state, reset, .. } = self;
        let port = Port { info, state, reset, from, consumer };
        match from {
            Side::Low => (low, high, port),
            Side::High => (high, low, port),
        }
    }

    /// Whether a packet with the same ends that came by another path belongs here.
    pub(super) fn goes_on(&self, packet: &Packet) -> bool {
        let (own, other) = (self.info.key.path, packet.key.path);
        let contradicts =
            ![own, self.beside].contains(&other) && Paths::has_tenant(own) && Paths::has_tenant(other);
        let Segment::Tcp(header) = packet.segment else {
            // Datagrams have no numbers: the side must be one that was never heard on the other path. Copies of them
            // come in several VLANs where a router is mirrored.
            return own == other || !contradicts && !self.spoke[packet.from.index()];
        };
        if contradicts {
            return self.is_answered(packet.from, &header);
        }
        let (from, to) = (&self.streams[packet.from.index()], &self.streams[packet.from.other().index()]);
        let seq = from.is_near(header.seq);
        let ack = if header.has(TcpHeader::ACK) { to.is_near(header.ack) } else { None };
        seq != Some(false) && ack != Some(false) && (seq.is_some() || ack.is_some())
    }

    /// Whether a segment is the first that is heard of its side, and has the very number that the other side gave. Some
    /// networks give each direction a number of its own (EVPN with asymmetric routing, OVN).
    fn is_answered(&self, from: Side, header: &TcpHeader) -> bool {
        let (stream, peer) = (&self.streams[from.index()], &self.streams[from.other().index()]);
        let (syn, ack) = (header.has(TcpHeader::SYN), header.has(TcpHeader::ACK));
        let awaited = stream.acked && stream.ack == header.seq.wrapping_add(u32::from(syn));
        let answers = peer.syn && (0..=peer.next as i64).contains(&peer.offset(header.ack));
        let fits = match (syn, ack) {
            (true, true) => answers,
            (true, false) => awaited,
            (false, true) => awaited && peer.is_near(header.ack) == Some(true),
            (false, false) => false,
        };
        fits && self.kind == Kind::Tcp && !stream.seen() && peer.seen()
    }

    /// Notes that a packet that came by another path belongs here.
    pub(super) fn join(&mut self, packet: &Packet) {
        if packet.key.path != self.info.key.path && Paths::has_tenant(packet.key.path) {
            self.beside = packet.key.path;
        }
    }

    /// Whether a SYN-ACK answers the SYN of this very connection, though its own number is another than the one
    /// that the client has acknowledged: a second answer, or a forged one, which no client accepts (RFC 5961).
    pub(super) fn stray(&self, from: Side, header: &TcpHeader) -> bool {
        let (stream, peer) = (&self.streams[from.index()], &self.streams[from.other().index()]);
        let established =
            stream.syn && stream.acked && (0..=stream.next as i64 + 1).contains(&stream.offset(stream.ack));
        self.kind == Kind::Tcp
            && header.has(TcpHeader::ACK)
            && established
            && peer.syn
            && peer.base == header.ack
    }

    /// Whether a segment shows that the RST was not its sender's: that one goes on talking. The flow lives on then.
    pub(super) fn outlives_reset(&self, from: Side, header: &TcpHeader, payload: &[u8]) -> bool {
        self.kind == Kind::Tombstone
            && self.reset_by == Some(from)
            && !payload.is_empty()
            && !header.has(TcpHeader::RST)
            && self.streams[from.index()].outlives_reset(header.seq)
    }

    /// Opens the flow again after a RST that was a forgery.
    pub(super) fn revive(&mut self, now: Timestamp) {
        self.kind = Kind::Tcp;
        self.checked = now;
        self.reset = false;
        self.reset_by = None;
        self.info.state = FlowState::Open;
        one(&mut self.info.anomalies_mut().resets_ignored);
        self.streams.iter_mut().for_each(Assembler::revive);
    }

    pub(super) fn handshake(&mut self, client: Side, simultaneous: bool) {
        if !simultaneous {
            self.info.handshake(client);
        }
    }

    /// Whether anything waits; if so, the table's queue has this flow from now on.
    pub(super) fn watch(&mut self, slot: u32, queue: &mut VecDeque<(u32, u64)>) -> bool {
        let waiting = self.streams.iter().any(Assembler::waiting);
        if waiting && !self.watched {
            self.watched = true;
            queue.push_back((slot, self.info.ordinal()));
        }
        waiting
    }

    /// Stands for the packet where there is none: the first one, at the time of the last.
    pub(super) const fn last_origin(&self) -> Origin {
        Origin { time: self.info.end, ..self.info.first }
    }
}

/// One direction's way to the consumer.
pub(super) struct Port<'a, S, C> {
    info: &'a mut FlowInfo,
    state: &'a mut S,
    reset: &'a mut bool,
    from: Side,
    consumer: &'a mut C,
}

impl<S, C: Consumer<S>> Outlet for Port<'_, S, C> {
    fn chunk(&mut self, at: u64, chunk: Chunk<'_>, origin: &Origin) -> bool {
        *self.reset |= chunk == Chunk::End(End::Reset);
        self.consumer.stream(self.info, self.state, self.from, at, chunk, origin)
    }

    fn anomalies(&mut self) -> &mut Anomalies {
        self.info.anomalies_mut()
    }

    fn starts_message(&self, bytes: &[u8]) -> bool {
        self.consumer.starts_message(bytes)
    }
}
