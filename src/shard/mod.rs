//! Packets in, sightings out: one shard owns some of the partitions, knows flows, layers, messages and tokens,
//! and introduces them to each other. It never asks the time, reads a file or looks at another shard.

mod body;
mod book;
mod certificates;
mod demand;
mod event;
mod exchanges;
mod fields;
mod firsts;
mod guessed;
mod heads;
mod json_form;
mod opaque;
mod open;
mod passage;
mod raw;
mod reach;
mod ready;
mod stream;
mod tls;

pub use body::Repeats;
pub use demand::{Demand, Wanted};
pub use event::{Event, Stamped};
pub use reach::Reach;

use crate::capture::{Block, FileId, FrameRef};
use crate::decode::Packet;
use crate::flow::{Arrival, FlowTable, Origin};
use crate::keylog::Keyring;
use crate::limits;
use crate::message::{ContentPool, KnownHeads, Marks, Numbers, ReadyExchange, Whole};
use crate::protocol::Layer;
use crate::tally::Tally;
use crate::time::Timestamp;
use crate::token::{Scanner, TokenCache};
use body::Gathered;
use open::Held;
use ready::Connections;
use std::sync::Arc;
use stream::{Feed, Stream};

/// One packet on its way to its partition.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// The packet.
    pub packet: Packet,
    /// Its partition.
    pub partition: u8,
    /// Running maximum of packet time at this frame.
    pub now: Timestamp,
}

/// A point at which expiry and eviction happen.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// Index in the block of the frame behind which it stands.
    pub frame: u32,
    /// Running maximum of packet time there.
    pub now: Timestamp,
}

/// What one shard does with one block.
#[derive(Debug, Default)]
pub struct Batch {
    /// The bytes.
    pub block: Arc<Block>,
    /// TLS secrets that are known with this block.
    pub keyring: Arc<Keyring>,
    /// Ordinal in the run of the block's first frame.
    pub first: u64,
    /// Packets of the shard's partitions, in order.
    pub items: Vec<Item>,
    /// Ticks, in order; the same for every shard.
    pub ticks: Vec<Tick>,
    /// The input ends behind this block: flows end with it.
    pub last: bool,
    /// Running maximum of packet time at the end of the block.
    pub now: Timestamp,
}

/// What shards share, and never change in a way that anything told depends on.
pub struct Shared {
    /// Finds tokens.
    pub scanner: Scanner,
    /// What the run needs to know.
    pub demand: Demand,
    /// TLS secrets that are known before the first frame.
    pub keyring: Keyring,
    /// How much memory the partitions may use.
    pub room: limits::Room,
    /// Protocols that were set for a server port (`--decode-as`).
    pub decode_as: Vec<(u16, &'static crate::protocol::Protocol)>,
    /// Bodies that come again and again.
    pub repeats: Repeats,
}

impl Shared {
    /// For a run that needs to know that, and of which nothing else was said.
    pub fn new(demand: Demand) -> Self {
        let (keyring, room, decode_as, repeats) = Default::default();
        Self { scanner: Scanner::new(), demand, keyring, room, decode_as, repeats }
    }
}

/// What one shard reports about one block.
#[derive(Debug, Default)]
pub struct Output {
    /// Events of each flow in order.
    pub events: Vec<Stamped>,
    /// Ordinals of the first frames of flows that began, in no order.
    pub births: Vec<u64>,
    /// The same of flows that ended.
    pub deaths: Vec<u64>,
    /// Counters since the last report.
    pub tally: Tally,
}

/// Some of the partitions.
pub struct Shard {
    shared: Arc<Shared>,
    partitions: Vec<Partition>,
    tools: Tools,
}

/// The flows of one partition.
struct Partition {
    number: u8,
    table: FlowTable<Stream>,
    held: Held,
    /// Of exchanges that were never packets.
    connections: Connections,
}

/// What the flows of a shard have in common: caches, pools, and what they report.
struct Tools {
    cache: TokenCache,
    heads: KnownHeads,
    certificates: certificates::CertificateCache,
    pool: ContentPool,
    /// Taken out while it works.
    whole: Option<Box<Whole>>,
    /// For bodies that are held until they are whole.
    gathered: Vec<Gathered>,
    #[expect(clippy::vec_box, reason = "the boxes themselves are what is reused")]
    spare: Vec<Box<open::OpenMessage>>,
    /// Layers that came to rest.
    #[expect(clippy::vec_box, reason = "as above")]
    layers: Vec<Box<Layer>>,
    /// Of flows that closed.
    #[expect(clippy::vec_box, reason = "as above")]
    books: Vec<Box<book::Book>>,
    exchanges: exchanges::SpareExchanges,
    /// Buffers of bodies.
    buffers: Vec<Vec<u8>>,
    keyring: Arc<Keyring>,
    /// The marks that were asked about last, and whether they are wanted: most exchanges have the same.
    asked: Option<(Marks, bool)>,
    out: Output,
}

impl Tools {
    /// Those of a shard of that many partitions.
    fn new(partitions: usize) -> Self {
        let share = |total: usize| total * partitions / limits::PARTITIONS;
        Self {
            cache: TokenCache::new(share(limits::TOKEN_CACHE), share(limits::TOKEN_CACHE_BYTES)),
            heads: KnownHeads::default(),
            certificates: certificates::CertificateCache::new(share(limits::CERTIFICATE_CACHE)),
            pool: ContentPool::default(),
            whole: None,
            gathered: Vec::new(),
            spare: Vec::new(),
            layers: Vec::new(),
            books: Vec::new(),
            exchanges: exchanges::SpareExchanges::default(),
            buffers: Vec::new(),
            keyring: Arc::default(),
            asked: None,
            out: Output::default(),
        }
    }

    /// [`Demand::wants`], of the one demand that a shard has.
    fn wants(&mut self, demand: &Demand, marks: Marks) -> bool {
        match self.asked {
            Some((known, wanted)) if known == marks => wanted,
            _ => self.asked.insert((marks, demand.wants(marks))).1,
        }
    }
}

impl Shard {
    /// A shard of the partitions `numbers`.
    pub fn new(shared: Arc<Shared>, numbers: impl Iterator<Item = u8>) -> Self {
        let partition = |number| Partition {
            number,
            table: FlowTable::within(&shared.room),
            held: Held::within(&shared.room),
            connections: Connections::default(),
        };
        let partitions: Vec<_> = numbers.map(partition).collect();
        let tools = Tools::new(partitions.len());
        Self { shared, partitions, tools }
    }

    /// Processes one block's packets and says what came of them.
    pub fn process(&mut self, batch: &Batch) -> Output {
        let block = &batch.block;
        self.tools.keyring = Arc::clone(&batch.keyring);
        let mut ticks = batch.ticks.iter().peekable();
        for item in &batch.items {
            while let Some(tick) = ticks.next_if(|t| t.frame < item.packet.frame) {
                self.tick(batch.first + u64::from(tick.frame), tick.now);
            }
            let Some(frame) = block.frames.get(item.packet.frame as usize) else { continue };
            let ordinal = batch.first + u64::from(item.packet.frame);
            self.packet(block, frame, item, ordinal);
        }
        for tick in ticks {
            self.tick(batch.first + u64::from(tick.frame), tick.now);
        }
        let end = batch.first + block.frames.len() as u64;
        for (i, exchange) in block.exchanges.iter().enumerate() {
            self.ready(block.file, exchange, end + i as u64);
        }
        if batch.last {
            self.finish(end + block.exchanges.len() as u64, batch.now);
        }
        for partition in &mut self.partitions {
            self.tools.out.tally.absorb(partition.table.tally());
        }
        std::mem::take(&mut self.tools.out)
    }

    fn packet(&mut self, block: &Block, frame: &FrameRef, item: &Item, ordinal: u64) {
        let payload = item.packet.payload;
        let (from, base) = if payload.side {
            (&block.side[..], frame.offset)
        } else {
            (block.bytes.filled(), frame.offset + u64::from(payload.start.saturating_sub(frame.start)))
        };
        let range = payload.start as usize..payload.start as usize + payload.len as usize;
        let bytes = from.get(range).unwrap_or_default();
        let origin = Origin {
            ordinal,
            frame: frame.number,
            time: frame.time,
            offset: base,
            file: block.file,
            numbers: Numbers::of(&item.packet),
        };
        let arrival = Arrival { origin, wire_len: frame.wire_len, now: item.now };
        let Some(partition) = Self::partition(&mut self.partitions, item.partition) else { return };
        let held = &mut partition.held;
        let mut feed = Feed { shared: &self.shared, tools: &mut self.tools, held, ordinal };
        if !feed.held.guessed.is_empty() {
            feed.tell_due(item.now);
        }
        partition.table.packet(&item.packet, bytes, &arrival, &mut feed);
    }

    fn partition(all: &mut [Partition], number: u8) -> Option<&mut Partition> {
        let i = if all.len() == limits::PARTITIONS {
            usize::from(number)
        } else {
            all.iter().position(|p| p.number == number)?
        };
        all.get_mut(i)
    }

    fn tick(&mut self, ordinal: u64, now: Timestamp) {
        for Partition { table, held, .. } in &mut self.partitions {
            let mut feed = Feed { shared: &self.shared, tools: &mut self.tools, held, ordinal };
            feed.tell_due(now);
            table.tick(now, &mut feed);
        }
    }

    fn finish(&mut self, ordinal: u64, now: Timestamp) {
        for Partition { table, held, connections, .. } in &mut self.partitions {
            let mut feed = Feed { shared: &self.shared, tools: &mut self.tools, held, ordinal };
            table.finish(now, &mut feed);
            feed.connections_end(connections);
        }
    }

    /// An exchange that was never packets enters here, if this shard has the partition of its connection.
    fn ready(&mut self, file: FileId, exchange: &ReadyExchange, ordinal: u64) {
        let flow = ordinal.saturating_sub(exchange.connection.unwrap_or(0));
        let number = (flow % limits::PARTITIONS as u64) as u8;
        let Some(partition) = Self::partition(&mut self.partitions, number) else { return };
        let Partition { held, connections, .. } = partition;
        let mut feed = Feed { shared: &self.shared, tools: &mut self.tools, held, ordinal };
        feed.ready(file, exchange, connections);
    }
}
