//! Reads a capture once and gives every text in it to [`Work`]: the chute up to `protocol`, on one thread.

use super::fragments::fragments;
use super::witness::{Talk, Witness};
use super::work::{Task, Work};
use crate::capture::{Block, CaptureError, More, Source};
use crate::decode::{DecodeOptions, Decoder, FlowKey, IpProtocol, Packet, Side};
use crate::flow::{Arrival, Chunk, Consumer, FlowInfo, FlowTable, Origin, Piece};
use crate::keylog::Keyring;
use crate::limits;
use crate::message::{Channel, Direction, Numbers, Transport};
use crate::protocol::{Conversation, Layer, Protocol, Trail};
use crate::shard::Reach;
use crate::tally::Tally;
use crate::time::Timestamp;
use std::sync::Arc;

/// How a capture is read.
pub(super) struct Reading<'a> {
    /// Protocols that were set for a server port.
    pub(super) decode_as: &'a [(u16, &'static Protocol)],
    /// TLS secrets that are known before the first frame.
    pub(super) keyring: Keyring,
}

/// Reads `source` to its end. `each` is given every block that it is made of.
///
/// # Errors
/// What the source says when nothing more can be read from it.
pub(super) fn listen(
    mut source: Box<dyn Source>,
    reading: Reading<'_>,
    work: &mut Work,
    each: &mut dyn FnMut(&Block, &mut Work),
) -> Result<(), CaptureError> {
    let Reading { decode_as, mut keyring } = reading;
    let mut partitions: Vec<Partition> = Vec::new();
    let table = || FlowTable::within(&limits::Room::WHOLE);
    partitions.resize_with(limits::PARTITIONS, || Partition { table: table(), reach: Reach::default() });
    let mut decoder = Decoder::new(DecodeOptions::default());
    let (mut block, mut tally) = (Block::default(), Tally::default());
    let (mut ordinal, mut now) = (0_u64, Timestamp::from_nanos(i64::MIN));
    loop {
        block.clear();
        let more = source.fill(&mut block)?;
        each(&block, work);
        for secrets in std::mem::take(&mut block.secrets) {
            keyring.take(&secrets, block.file, &mut tally);
        }
        keyring.await_more(source.awaits_secrets());
        let ring = Arc::new(keyring.clone());
        for index in 0..block.frames.len() {
            now = now.max(block.frames[index].time);
            if work.task == Task::Locate
                && let Some(frame) = block.frame(index)
            {
                work.fragments.note(frame.data, frame.offset);
            }
            let packet = decoder.decode(&mut block, index, &mut tally);
            if packet.is_none()
                && work.task == Task::Learn
                && let Some(frame) = block.frame(index).filter(|frame| fragments(frame.data).next().is_none())
            {
                work.learn(frame.data);
            }
            if let Some(packet) = &packet
                && let Some(Partition { table, reach }) = partitions.get_mut(packet.key.partition())
            {
                let mut feed = Feed { work: &mut *work, decode_as, ring: &ring, reach };
                give(table, &block, packet, (ordinal, now), &mut feed);
            }
            ordinal += 1;
            if ordinal.is_multiple_of(limits::TICK_FRAMES) {
                for Partition { table, reach } in &mut partitions {
                    table.tick(now, &mut Feed { work: &mut *work, decode_as, ring: &ring, reach });
                }
            }
        }
        for exchange in &block.exchanges {
            let mut talk = Talk::default();
            Witness { talk: &mut talk, work: &mut *work, keyring: &ring, decoded: false }.ready(exchange);
        }
        if work.task == Task::Learn {
            work.seen += (block.frames.len() + block.exchanges.len()) as u64;
            work.recorded |= !block.exchanges.is_empty();
            let room = limits::redact::DAMAGES.saturating_sub(work.damage.len());
            work.damage_more += block.damage.len().saturating_sub(room) as u64;
            work.damage.extend(block.damage.drain(..).take(room));
        }
        if more == More::End {
            for Partition { table, reach } in &mut partitions {
                table.finish(now, &mut Feed { work: &mut *work, decode_as, ring: &ring, reach });
            }
            return Ok(());
        }
    }
}

/// Some of the flows, and by what they are reached.
struct Partition {
    table: FlowTable<Stream>,
    reach: Reach,
}

/// Gives a packet to the table of its partition.
fn give(
    table: &mut FlowTable<Stream>,
    block: &Block,
    packet: &Packet,
    (ordinal, now): (u64, Timestamp),
    feed: &mut Feed<'_>,
) {
    let Some(frame) = block.frames.get(packet.frame as usize) else { return };
    let payload = packet.payload;
    let (from, offset) = if payload.side {
        (&block.side[..], feed.joined(block, packet).unwrap_or(frame.offset))
    } else {
        (block.bytes.filled(), frame.offset + u64::from(payload.start.saturating_sub(frame.start)))
    };
    let range = payload.start as usize..payload.start as usize + payload.len as usize;
    let bytes = from.get(range).unwrap_or_default();
    let origin = Origin {
        ordinal,
        frame: frame.number,
        time: frame.time,
        offset,
        file: block.file,
        numbers: Numbers::of(packet),
    };
    let arrival = Arrival { origin, wire_len: frame.wire_len, now };
    table.packet(packet, bytes, &arrival, feed);
}

/// One flow.
struct Stream {
    layer: Option<Box<Layer>>,
    conversation: Conversation,
    talk: Talk,
    next_id: u64,
}

/// Who receives what flows yield.
struct Feed<'a> {
    work: &'a mut Work,
    decode_as: &'a [(u16, &'static Protocol)],
    ring: &'a Arc<Keyring>,
    reach: &'a mut Reach,
}

impl Consumer<Stream> for Feed<'_> {
    fn open(&mut self, flow: &FlowInfo) -> Stream {
        let talk = Talk::new(flow.key.protocol == IpProtocol::Udp);
        Stream { layer: None, conversation: Conversation::default(), talk, next_id: 0 }
    }

    fn stream(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut Stream,
        from: Side,
        _: u64,
        chunk: Chunk<'_>,
        origin: &Origin,
    ) -> bool {
        match chunk {
            Chunk::Data(bytes) => {
                self.find_client(flow, state, from, bytes);
                let dir = direction(flow, from);
                let Stream { layer, talk, next_id, .. } = state;
                let mut witness = Witness { talk, work: self.work, keyring: self.ring, decoded: false };
                let layer = layer.get_or_insert_with(|| {
                    let mut layer = Box::new(Layer::new(transport(flow), 0));
                    let port = layer_port(flow);
                    if let Some((_, protocol)) = self.decode_as.iter().find(|(p, _)| *p == port) {
                        layer.set_protocol(protocol, &mut witness);
                    }
                    layer
                });
                layer.data(dir, bytes, origin.position(0), &mut witness, next_id);
            }
            Chunk::Gap(len) => {
                let dir = direction(flow, from);
                self.drive(state, |layer, witness, id| layer.gap(dir, len, witness, id));
            }
            Chunk::End(end) => {
                let dir = direction(flow, from);
                self.drive(state, |layer, witness, id| layer.close(dir, end, witness, id));
            }
            Chunk::Again(bytes, pieces) => {
                let trail = Trail::of(bytes.len() as u64, pieces.iter().map(Piece::place));
                self.witness(&mut state.talk).raw(bytes, &trail);
            }
        }
        true
    }

    fn datagram(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut Stream,
        from: Side,
        bytes: &[u8],
        _: u32,
        origin: &Origin,
    ) {
        let Stream { conversation, talk, next_id, .. } = state;
        let mut witness = Witness { talk, work: self.work, keyring: self.ring, decoded: false };
        if let Some(said) = conversation.probe(bytes, &mut witness) {
            flow.set_client(if said == Direction::Request { from } else { from.other() });
        }
        let (dir, transport, position) = (direction(flow, from), transport(flow), origin.position(0));
        if !conversation.datagram(dir, bytes, position, transport, &mut witness, next_id) {
            let trail = Trail::of(bytes.len() as u64, std::iter::once((0, position)));
            witness.raw(bytes, &trail);
        }
        talk.reachable(|id| self.reach.add(id));
        self.reach.settle(flow.key);
    }

    fn owner(&mut self, payload: &[u8]) -> Option<FlowKey> {
        self.reach.owner(payload)
    }

    fn opens(&mut self, state: &mut Stream, payload: &[u8]) -> bool {
        state.conversation.opens(payload, self.ring)
    }

    fn closed(&mut self, flow: &mut FlowInfo, state: &mut Stream) {
        let transport = transport(flow);
        let mut witness =
            Witness { talk: &mut state.talk, work: self.work, keyring: self.ring, decoded: false };
        state.conversation.close(transport, &mut witness, &mut state.next_id);
        witness.close(&transport);
        state.layer = None;
    }

    fn ended(&mut self, _: &FlowInfo, _: &mut Stream) {}

    fn starts_message(&self, bytes: &[u8]) -> bool {
        Layer::probe(bytes).is_some()
    }
}

impl Feed<'_> {
    /// Where the payload of a datagram stands that came in fragments.
    fn joined(&mut self, block: &Block, packet: &Packet) -> Option<u64> {
        let payload = packet.payload;
        let joined = block.side.get(..payload.start as usize + payload.len as usize)?;
        let Work { task, fragments, patches, .. } = &mut *self.work;
        let frame = block.frame(packet.frame as usize).filter(|_| *task == Task::Locate)?;
        fragments.place(frame.data, joined, payload.len as usize, patches)
    }

    fn witness<'b>(&'b mut self, talk: &'b mut Talk) -> Witness<'b> {
        Witness { talk, work: self.work, keyring: self.ring, decoded: false }
    }

    fn drive(&mut self, state: &mut Stream, act: impl FnOnce(&mut Layer, &mut Witness<'_>, &mut u64)) {
        let Stream { layer, talk, next_id, .. } = state;
        if let Some(layer) = layer {
            act(layer, &mut Witness { talk, work: self.work, keyring: self.ring, decoded: false }, next_id);
        }
    }

    /// Without a handshake, content tells which side is the client.
    fn find_client(&mut self, flow: &mut FlowInfo, state: &mut Stream, from: Side, bytes: &[u8]) {
        let probing = state.layer.as_ref().is_none_or(|layer| layer.is_probing());
        if flow.known_client().is_some() || !probing {
            return;
        }
        let Some((_, Some(said))) = Layer::probe(bytes) else { return };
        let (client, guessed) = (if said == Direction::Request { from } else { from.other() }, flow.client());
        flow.set_client(client);
        if let Some(layer) = state.layer.as_mut().filter(|_| client != guessed) {
            layer.swap_ends();
        }
    }
}

fn layer_port(flow: &FlowInfo) -> u16 {
    flow.key.end(flow.client().other()).port
}

fn direction(flow: &FlowInfo, from: Side) -> Direction {
    if from == flow.client() { Direction::Request } else { Direction::Response }
}

fn transport(flow: &FlowInfo) -> Transport {
    let client = flow.client();
    Transport {
        flow: flow.ordinal(),
        client: Some(flow.key.end(client)),
        server: Some(flow.key.end(client.other())),
        channel: Channel::Cleartext,
        protocol: "unknown",
    }
}
