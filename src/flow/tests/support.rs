//! A direction under test, and what it yielded.

use crate::{
    decode::TcpHeader,
    flow::{Anomalies, Assembler, Budget, Chunk, Origin, Outlet, Step},
    message::End,
    time::Timestamp,
};

pub(super) const SYN: u8 = TcpHeader::SYN;
pub(super) const FIN: u8 = TcpHeader::FIN;
pub(super) const URG: u8 = TcpHeader::URG;

#[derive(Default)]
pub(super) struct Yield {
    /// Data in order, gaps as zero bytes if small.
    pub(super) data: Vec<u8>,
    pub(super) gaps: Vec<(u64, u64)>,
    pub(super) again: Vec<(u64, Vec<u8>)>,
    /// Of each of those, where its pieces begin, and whether they are told.
    pub(super) pieces: Vec<Vec<(usize, bool)>>,
    pub(super) end: Option<End>,
    pub(super) origins: Vec<(u64, u64, u64)>,
    pub(super) anomalies: Anomalies,
    pub(super) next: u64,
    pub(super) hint: bool,
}

impl Outlet for Yield {
    fn chunk(&mut self, at: u64, chunk: Chunk<'_>, origin: &Origin) -> bool {
        if let Chunk::Again(bytes, pieces) = chunk {
            assert_eq!((pieces[0].at, pieces[0].origin), (0, *origin));
            self.pieces.push(pieces.iter().map(|piece| (piece.at, piece.told)).collect());
            self.again.push((at, bytes.to_vec()));
            return true;
        }
        assert_eq!(at, self.next, "{chunk:?}");
        assert!(self.end.is_none(), "{chunk:?} after the end");
        match chunk {
            Chunk::Data(bytes) => {
                assert!(!bytes.is_empty());
                self.origins.push((at, origin.ordinal, origin.offset));
                self.data.extend(bytes);
                self.next += bytes.len() as u64;
            }
            Chunk::Gap(n) => {
                assert!(n > 0);
                self.gaps.push((at, n));
                if n < 1 << 20 {
                    self.data.resize(self.data.len() + n as usize, 0);
                }
                self.next += n;
            }
            Chunk::End(end) => self.end = Some(end),
            Chunk::Again(..) => {}
        }
        true
    }

    fn anomalies(&mut self) -> &mut Anomalies {
        &mut self.anomalies
    }

    fn starts_message(&self, bytes: &[u8]) -> bool {
        self.hint && bytes.starts_with(b"GET ")
    }
}

pub(super) struct Rig {
    pub(super) assembler: Assembler,
    pub(super) got: Yield,
    pub(super) budget: Budget,
    pub(super) packets: u32,
    pub(super) now: Timestamp,
    pub(super) touched: Timestamp,
    pub(super) peer_seen: bool,
    /// Urgent pointer of the segments to come.
    pub(super) urgent: u16,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self {
            assembler: Assembler::default(),
            got: Yield::default(),
            budget: Budget::default(),
            packets: 0,
            now: Timestamp::default(),
            touched: Timestamp::default(),
            peer_seen: true,
            urgent: 0,
        }
    }

    /// A rig whose SYN with sequence number `isn` was seen.
    pub(super) fn open(isn: u32) -> Self {
        let mut rig = Self::new();
        rig.send(isn, SYN, b"");
        rig
    }

    pub(super) fn with<R>(&mut self, f: impl FnOnce(&mut Assembler, &mut Step<'_>) -> R) -> R {
        let n = u64::from(self.packets);
        let origin = Origin { ordinal: n, frame: n, offset: n * 10_000, ..Origin::default() };
        f(
            &mut self.assembler,
            &mut Step {
                now: self.now,
                touched: self.touched,
                packets: self.packets,
                peer_seen: self.peer_seen,
                origin: &origin,
                seed: 0x5eed,
                budget: &mut self.budget,
                out: &mut self.got,
            },
        )
    }

    pub(super) fn send(&mut self, seq: u32, flags: u8, bytes: &[u8]) {
        self.send_cut(seq, flags, bytes, 0);
    }

    pub(super) fn send_cut(&mut self, seq: u32, flags: u8, bytes: &[u8], missing: u32) {
        self.packet();
        let header = TcpHeader { seq, ack: 0, flags, urgent: self.urgent };
        self.with(|a, step| {
            a.segment(&header, bytes, missing, step);
            a.poll(step);
        });
    }

    pub(super) fn ack(&mut self, ack: u32) {
        self.packet();
        self.with(|a, step| {
            a.acknowledge(ack);
            a.poll(step);
        });
    }

    pub(super) fn rst(&mut self, seq: u32, answers: bool) -> bool {
        self.packet();
        self.with(|a, step| a.reset(seq, answers, step))
    }

    fn packet(&mut self) {
        self.packets += 1;
        self.touched = self.now;
    }

    /// Lets `n` packets of the flow pass.
    pub(super) fn pass(&mut self, n: u32) {
        for _ in 0..n {
            self.packet();
            self.with(|a, step| a.poll(step));
        }
    }

    pub(super) fn wait(&mut self, nanos: i64) {
        self.now = self.now.plus(nanos);
        self.with(|a, step| a.poll(step));
    }

    pub(super) fn finish(&mut self) {
        self.with(|a, step| a.finish(End::Cut, step));
        assert_eq!(self.budget.used(), 0, "everything is freed");
        assert!(!self.assembler.waiting());
    }

    pub(super) fn data(&self) -> &str {
        std::str::from_utf8(&self.got.data).unwrap()
    }
}
