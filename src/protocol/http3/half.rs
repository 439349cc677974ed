//! One side of a request stream: its frames (RFC 9114 section 7).

use super::PUSH;
use crate::limits;
use crate::message::Direction;
use crate::protocol::Out;
use crate::protocol::reader::Reader;

const DATA: u64 = 0;
const HEADERS: u64 = 1;
const PUSH_PROMISE: u64 = 5;
/// What follows is no frame, but a stream of WebTransport to its end.
const WEBTRANSPORT: u64 = 0x41;
/// Bytes of two numbers.
const HEADER: usize = 16;
/// Frames that are not known and longer than this are scanned: there may be text in them.
const SHORT: u64 = 8;

/// One side of a stream.
#[derive(Default)]
pub(super) struct Half {
    state: State,
    /// An incomplete frame header, and the stream offset of its first byte.
    header: [u8; HEADER],
    have: u8,
    at: u64,
    /// A header block, as far as it has come.
    block: Vec<u8>,
    /// The pushed exchange that the stream is of.
    push: Option<u64>,
    pub(super) over: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    Data {
        left: u64,
    },
    /// In a header block, which is gathered; behind it the promise that it is of.
    Block {
        left: u64,
        promise: bool,
    },
    /// In a payload that is of no interest, or is scanned.
    Other {
        left: u64,
        scan: bool,
    },
    /// A whole header block waits for its instructions.
    Blocked {
        push: Option<u64>,
    },
    /// Framing is lost, or there is none: what comes is scanned.
    Opaque,
}

/// What the bytes that a step took are.
pub(super) enum Step {
    /// Nothing to speak of.
    More,
    /// They are data.
    Data,
    /// They complete a header block, which begins at that stream offset, and the push that it promises.
    Block { block: Vec<u8>, at: u64, push: Option<u64> },
    /// They are to be scanned; with `over`, what follows does not belong to them.
    Opaque { over: bool },
    /// A bound bit.
    Limit(&'static str),
}

impl Half {
    /// That of a push stream.
    pub(super) fn pushed(push: u64) -> Self {
        Self { push: Some(push & !PUSH), ..Self::default() }
    }

    /// The number of the exchange that a stream is of.
    pub(super) fn number(&self, stream: u64) -> u64 {
        self.push.map_or(stream, |push| PUSH | push)
    }

    /// Takes some of the bytes at stream offset `at`; says how many, and what they are.
    pub(super) fn step(&mut self, at: u64, bytes: &[u8]) -> (usize, Step) {
        let within = |left: u64| usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        match self.state {
            State::Header => self.header(at, bytes),
            State::Data { left } => {
                let n = within(left);
                self.state = rest(left - n as u64, |left| State::Data { left });
                (n, Step::Data)
            }
            State::Block { left, promise } => {
                let n = within(left);
                self.block.extend_from_slice(&bytes[..n]);
                self.state = rest(left - n as u64, |left| State::Block { left, promise });
                let step = if n as u64 == left { self.gathered(promise) } else { Step::More };
                (n, step)
            }
            State::Other { left, scan } => {
                let n = within(left);
                self.state = rest(left - n as u64, |left| State::Other { left, scan });
                (n, if scan { Step::Opaque { over: n as u64 == left } } else { Step::More })
            }
            State::Blocked { .. } => (0, Step::More),
            State::Opaque => (bytes.len(), Step::Opaque { over: false }),
        }
    }

    fn header(&mut self, at: u64, bytes: &[u8]) -> (usize, Step) {
        let have = usize::from(self.have);
        if have == 0 {
            self.at = at;
        }
        let n = (HEADER - have).min(bytes.len());
        self.header[have..have + n].copy_from_slice(&bytes[..n]);
        let all = self.header.get(..have + n).unwrap_or_default();
        let mut r = Reader(all);
        let kind = r.varint();
        let len = if kind == Some(WEBTRANSPORT) { Some(0) } else { r.varint() };
        let (Some(kind), Some(len)) = (kind, len) else {
            self.have += n as u8;
            return (n, Step::More);
        };
        let used = all.len() - r.0.len() - have;
        self.have = 0;
        self.at += (have + used) as u64;
        let mut step = Step::More;
        self.state = match kind {
            WEBTRANSPORT => State::Opaque,
            DATA => rest(len, |left| State::Data { left }),
            HEADERS | PUSH_PROMISE if len > limits::HEADER_BLOCK as u64 => {
                step = Step::Limit("http3_block_limit");
                State::Other { left: len, scan: true }
            }
            HEADERS | PUSH_PROMISE if len == 0 => State::Header,
            HEADERS | PUSH_PROMISE => State::Block { left: len, promise: kind == PUSH_PROMISE },
            _ => rest(len, |left| State::Other { left, scan: len > SHORT }),
        };
        (used, step)
    }

    /// A header block is whole.
    fn gathered(&mut self, promise: bool) -> Step {
        let mut block = std::mem::take(&mut self.block);
        let (mut at, mut push) = (self.at, None);
        if promise {
            let mut r = Reader(&block);
            push = r.varint();
            let skip = block.len() - r.0.len();
            at += skip as u64;
            block.drain(..skip);
        }
        Step::Block { block, at, push: push.map(|push| push & !PUSH) }
    }

    /// The block waits for instructions.
    pub(super) fn block(&mut self, block: Vec<u8>, at: u64, push: Option<u64>) {
        self.block = block;
        self.at = at;
        self.state = State::Blocked { push };
    }

    /// The block that waited, and the push that it promises.
    pub(super) fn take_block(&mut self) -> (Vec<u8>, u64, Option<u64>) {
        let push = if let State::Blocked { push } = self.state { push } else { None };
        self.state = State::Header;
        (std::mem::take(&mut self.block), self.at, push)
    }

    pub(super) fn is_blocked(&self) -> bool {
        matches!(self.state, State::Blocked { .. })
    }

    /// Bytes never came.
    pub(super) fn gap(&mut self, len: u64) {
        match &mut self.state {
            State::Data { left } | State::Other { left, .. } if *left > len => *left -= len,
            State::Data { left } | State::Other { left, .. } if *left == len => self.state = State::Header,
            _ => {
                self.block = Vec::new();
                self.have = 0;
                self.state = State::Opaque;
            }
        }
    }

    /// Nothing follows: what is there of a header block is scanned.
    pub(super) fn finish(&mut self, dir: Direction, out: &mut Out<'_>) {
        if !self.block.is_empty() {
            out.opaque(dir, self.at, &std::mem::take(&mut self.block));
        }
        if !matches!(self.state, State::Header | State::Data { .. }) {
            out.opaque_end(dir);
        }
        self.state = State::Header;
    }

    /// The oldest stream offset that is still needed.
    pub(super) fn held(&self) -> u64 {
        if self.have > 0 || matches!(self.state, State::Block { .. } | State::Blocked { .. }) {
            self.at
        } else {
            u64::MAX
        }
    }
}

/// The state while `left` bytes of a payload are to come.
fn rest(left: u64, state: impl FnOnce(u64) -> State) -> State {
    if left == 0 { State::Header } else { state(left) }
}
