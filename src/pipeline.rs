//! The only threads. The main thread reads, decodes and judges, and helps out where the shards are behind; workers
//! process partitions. What comes out is in the order of frames, whatever the number of threads.

#[cfg(feature = "live")]
mod alarms;
mod attack;
mod board;
#[cfg(feature = "live")]
mod metrics;
mod spread;

#[cfg(feature = "live")]
pub use alarms::{Deliveries, Delivery};
pub use attack::{Beside, attack};
#[cfg(feature = "live")]
pub use metrics::Metrics;
pub use spread::hands;

use crate::capture::{Block, CaptureError, Comment, Damage, FileId, More, SecretsBlock, Source};
use crate::decode::{DecodeOptions, Decoder, FlowKey, Paths, Segment, unbundle};
use crate::keylog::{BadLines, Keyring};
use crate::limits;
use crate::shard::{Batch, Item, Shared, Stamped, Tick};
use crate::tally::Tally;
use crate::time::Timestamp;
use board::Board;
use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Shards for each thread, where there is more than one: enough that none idles, few enough that lists stay long and that each
/// soon knows what comes again.
const SHARDS: usize = 2;

/// What one block came to.
#[derive(Debug, Default)]
pub struct Merged {
    /// Events in order ([`Stamped::order`]).
    pub events: Vec<Stamped>,
    /// Ordinals of first frames of flows that began, ascending.
    pub births: Vec<u64>,
    /// The same of flows that ended.
    pub deaths: Vec<u64>,
    /// Counters since the last block.
    pub tally: Tally,
    /// Damage in the block.
    pub damage: Vec<Damage>,
    /// Comments in the block that speak to this program, and their file.
    pub comments: (FileId, Vec<Comment>),
    /// TLS secrets stood in the capture, in this block.
    pub secrets: bool,
    /// Lines of TLS secrets that are of no use.
    pub bad_lines: Vec<BadLines>,
    /// Blocks that were read behind it and are not done yet.
    pub behind: u64,
}

/// Who listens: the main thread's end of the chute.
pub trait Listener {
    /// The results of the next block. Return `false` to stop reading.
    fn merged(&mut self, merged: Merged, paths: &Paths) -> bool;
    /// Whether it wants the frames themselves.
    fn wants_frames(&self) -> bool {
        false
    }
    /// The frames of the next block, decoded, before what comes of them is known: the flow of each that has one.
    fn frames(&mut self, _block: &Arc<Block>, _flows: &[Option<FlowKey>]) {}
    /// Bytes read so far, for progress.
    fn progress(&mut self, _done: u64) {}
    /// Said once, at the end: link types that nothing here decodes, with their number of frames.
    fn unknown_links(&mut self, _links: &BTreeMap<u16, u64>) {}
}

/// Runs `sources` one after the other. Flows end with their source, unless the next one continues it: it begins where
/// the one before ends, or so little later that a flow may still be open.
///
/// # Errors
/// What a source says when nothing more can be read from it; what was read until then has been reported.
pub fn run(
    sources: &mut dyn Iterator<Item = Box<dyn Source>>,
    shared: &Arc<Shared>,
    decode: DecodeOptions,
    threads: NonZeroUsize,
    listener: &mut dyn Listener,
) -> Result<(), CaptureError> {
    // More than there are partitions have nothing to do.
    let threads = NonZeroUsize::new(limits::PARTITIONS).map_or(threads, |most| threads.min(most));
    let shards = match threads.get() {
        1 => 1,
        // They divide the partitions.
        many => many.saturating_mul(SHARDS).min(limits::PARTITIONS).next_power_of_two(),
    };
    let board = Board::new(shared, shards);
    let reader = Reader::new(decode, shards, shared.keyring.clone());
    std::thread::scope(|scope| {
        spread::crew(scope, threads.get() - 1, || board.work());
        let result = reader.read(sources, &board, threads, listener);
        board.close();
        result
    })
}

/// The main thread's side.
struct Reader {
    decoder: Decoder,
    shards: usize,
    ordinal: u64,
    now: Timestamp,
    spare: Vec<Block>,
    items: Vec<Vec<Item>>,
    merged: u64,
    issued: u64,
    keyring: Keyring,
    extras: VecDeque<Merged>,
}

impl Reader {
    fn new(decode: DecodeOptions, shards: usize, keyring: Keyring) -> Self {
        Self {
            decoder: Decoder::new(decode),
            shards,
            ordinal: 0,
            now: Timestamp::from_nanos(i64::MIN),
            spare: Vec::new(),
            items: Vec::new(),
            merged: 0,
            issued: 0,
            keyring,
            extras: VecDeque::new(),
        }
    }

    fn read(
        mut self,
        sources: &mut dyn Iterator<Item = Box<dyn Source>>,
        board: &Board,
        threads: NonZeroUsize,
        listener: &mut dyn Listener,
    ) -> Result<(), CaptureError> {
        let window = if threads.get() == 1 { 1 } else { 2 * threads.get() as u64 + 2 };
        let (mut before, mut drops) = (0, 0);
        let mut going = true;
        let mut result = Ok(());
        let mut next = sources.next().map(|source| self.begin(source, &mut result));
        while let Some((mut source, mut filled)) = next.take() {
            let began = filled.0.begins();
            loop {
                let (block, more) = filled;
                let done = source.progress().map_or(0, |(_, done)| done);
                listener.progress(before + done);
                let over = more == More::End || !going;
                if over && going {
                    next = sources.next().map(|source| self.begin(source, &mut result));
                }
                let goes_on = |(_, (first, _)): &(_, (Block, _))| self.goes_on(began, &block, first);
                let last = over && !next.as_ref().is_some_and(goes_on);
                let lost = source.drops();
                self.keyring.await_more(source.awaits_secrets());
                let last = last || block.cut;
                self.issue(block, last, board, lost.saturating_sub(drops), listener);
                drops = lost;
                if last {
                    self.now = Timestamp::from_nanos(i64::MIN);
                }
                if threads.get() == 1 {
                    board.step(true);
                }
                going &= self.collect(board, listener);
                while going && self.issued - self.merged >= window {
                    if !board.step(true) {
                        board.wait(self.merged);
                    }
                    going &= self.collect(board, listener);
                }
                if over {
                    drops = 0;
                    before += done;
                    next = next.filter(|_| going || !last);
                    break;
                }
                filled = self.fill(&mut *source, &mut result);
            }
        }
        while self.merged < self.issued {
            if !board.step(true) {
                board.wait(self.merged);
            }
            self.collect(board, listener);
        }
        listener.unknown_links(self.decoder.unknown_links());
        result
    }

    /// A source and its first block.
    fn begin(
        &mut self,
        mut source: Box<dyn Source>,
        result: &mut Result<(), CaptureError>,
    ) -> (Box<dyn Source>, (Block, More)) {
        let first = self.fill(&mut *source, result);
        (source, first)
    }

    /// The next block of a source. What ends the source becomes the result of the run.
    fn fill(&mut self, source: &mut dyn Source, result: &mut Result<(), CaptureError>) -> (Block, More) {
        let mut block = self.spare.pop().unwrap_or_default();
        block.clear();
        let more = source.fill(&mut block).unwrap_or_else(|error| {
            *result = Err(error);
            More::End
        });
        (block, more)
    }

    /// Whether a source that begins with `first` continues the one that began at `began` and ends with `last`.
    fn goes_on(&self, began: Option<Timestamp>, last: &Block, first: &Block) -> bool {
        let end = last.frames.iter().map(|frame| frame.time).fold(self.now, Timestamp::max);
        let overlap = limits::ROTATION_OVERLAP;
        first.begins().is_some_and(|begin| {
            Some(begin) > began && (-overlap..limits::TCP_IDLE).contains(&begin.since(end))
        })
    }

    /// Decodes a block and hands it to the shards.
    fn issue(
        &mut self,
        mut block: Block,
        last: bool,
        board: &Board,
        drops: u64,
        listener: &mut dyn Listener,
    ) {
        let wants_frames = listener.wants_frames();
        let mut flows = Vec::new();
        let entries = block.exchanges.iter().map(|exchange| exchange.len).sum();
        let frames = (block.frames.len() + block.exchanges.len()) as u64;
        let mut tally = Tally { frames, bytes: entries, ..Tally::default() };
        unbundle(&mut block);
        let count = (block.frames.len() + block.exchanges.len()) as u64;
        let mut ticks = Vec::new();
        let mut lists = std::mem::take(&mut self.items);
        lists.resize_with(self.shards, Vec::new);
        let per = limits::PARTITIONS / self.shards;
        for index in 0..block.frames.len() {
            let frame = &block.frames[index];
            tally.bytes += u64::from(frame.len);
            self.now = self.now.max(frame.time);
            if wants_frames {
                flows.push(None);
            }
            let now = self.now;
            self.decoder.decode_to(&mut block, index, &mut tally, |packet, tally| {
                if wants_frames && let Some(flow) = flows.last_mut() {
                    *flow = Some(packet.key);
                }
                if packet.payload.missing > 0 && matches!(packet.segment, Segment::Tcp(_)) {
                    tally.weird("snapped");
                }
                let partition = packet.key.partition();
                if let Some(list) = lists.get_mut(partition / per) {
                    list.push(Item { packet, partition: partition as u8, now });
                }
            });
            if (self.ordinal + index as u64 + 1).is_multiple_of(limits::TICK_FRAMES) {
                ticks.push(Tick { frame: index as u32, now: self.now });
            }
        }
        if let Some(clock) = block.clock {
            self.now = self.now.max(clock);
            ticks.push(Tick { frame: block.frames.len().saturating_sub(1) as u32, now: self.now });
        }
        if last {
            self.decoder.end_source(&mut tally);
        }
        tally.weirds("damage", block.damage.len() as u64);
        tally.weirds("drops", drops);
        let (damage, comments) = (std::mem::take(&mut block.damage), std::mem::take(&mut block.comments));
        let mut extra = Merged { damage, comments: (block.file, comments), ..Merged::default() };
        for secrets in std::mem::take(&mut block.secrets) {
            extra.secrets |= secrets.is_embedded() && secrets.kind == SecretsBlock::TLS_KEY_LOG;
            extra.bad_lines.extend(self.keyring.take(&secrets, block.file, &mut tally));
        }
        extra.tally = tally;
        self.extras.push_back(extra);
        let first = self.ordinal;
        self.ordinal += count + u64::from(last);
        let now = self.now;
        let block = Arc::new(block);
        if wants_frames {
            listener.frames(&block, &flows);
        }
        let keyring = Arc::new(self.keyring.clone());
        board.push(self.issued, lists, |items| Batch {
            block: Arc::clone(&block),
            keyring: Arc::clone(&keyring),
            first,
            items,
            ticks: ticks.clone(),
            last,
            now,
        });
        self.issued += 1;
    }

    /// Reports the blocks that every shard is done with, in order.
    fn collect(&mut self, board: &Board, listener: &mut dyn Listener) -> bool {
        let mut going = true;
        while let Some(done) = board.take(self.merged) {
            self.merged += 1;
            let mut merged = self.extras.pop_front().unwrap_or_default();
            merged.behind = self.issued - self.merged;
            for (mut output, batch) in done {
                merged.events.append(&mut output.events);
                merged.births.append(&mut output.births);
                merged.deaths.append(&mut output.deaths);
                merged.tally.absorb(&mut output.tally);
                let Batch { block, mut items, .. } = batch;
                items.clear();
                if self.items.len() < self.shards {
                    self.items.push(items);
                }
                if let Some(block) = Arc::into_inner(block) {
                    self.spare.push(block);
                }
            }
            // Within a flow events are in order already: the sort is stable.
            merged.events.sort_by_key(Stamped::order);
            merged.births.sort_unstable();
            merged.deaths.sort_unstable();
            going &= listener.merged(merged, self.decoder.paths());
        }
        going
    }
}
