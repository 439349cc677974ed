//! Finds tokens in a stream that arrives in chunks.

use super::{
    base64url::leading,
    run::can_continue,
    scan::{Hit, NEEDLE, Rest, Scanner},
    wrapping::Wrappings,
};
use crate::limits::TOKEN_BYTES;
use smallvec::SmallVec;

/// A token in a stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamHit<'a> {
    /// Stream offset of its first raw byte.
    pub at: u64,
    /// Its raw length.
    pub len: u64,
    /// Its compact text, all encodings undone.
    pub text: &'a [u8],
    /// The encodings that were undone.
    pub wrappings: Wrappings,
}

/// Candidates that were given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Cut by a gap (weird `token_cut`).
    pub cut: u64,
    /// Longer than [`crate::limits::TOKEN_BYTES`] (weird `token_over_limit`).
    pub over: u64,
}

/// The state of the search in one direction of a stream. It allocates only while a candidate is unfinished.
#[derive(Debug, Default)]
pub struct StreamScan {
    carry: Vec<u8>,
    next: u64,
    tail: [u8; NEEDLE - 1],
    tail_len: u8,
    held: bool,
    skipping: bool,
    failed: SmallVec<[u64; 2]>,
    losses: Losses,
}

impl StreamScan {
    /// A search at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Searches the next chunk; `at` is the stream offset of its first byte. An offset that does not follow
    /// the last chunk is a gap.
    pub fn feed(&mut self, scanner: &Scanner, chunk: &[u8], at: u64, hit: &mut dyn FnMut(StreamHit<'_>)) {
        if at != self.next {
            self.gap(scanner, hit);
        }
        self.next = at + chunk.len() as u64;
        let mut chunk = chunk;
        if self.skipping {
            let end = leading(chunk, can_continue);
            let Some(rest) = chunk.get(end + 1..) else { return };
            self.skipping = false;
            chunk = rest;
        }
        if !self.held {
            self.hold_straddling(chunk);
        }
        if self.held {
            let end = leading(chunk, can_continue);
            let Some(rest) = chunk.get(end + 1..) else { return self.hold_more(scanner, chunk, hit) };
            self.carry.extend_from_slice(&chunk[..=end]);
            self.settle(scanner, self.next - rest.len() as u64, false, hit);
            self.release();
            chunk = rest;
        }
        let base = self.next - chunk.len() as u64;
        let rest = scanner.scan(chunk, false, 0, &mut |h| hit(placed(&h, base)));
        self.note(&rest, base);
        if rest.held {
            self.hold(&chunk[rest.from..]);
            if self.carry.len() > TOKEN_BYTES {
                self.give_up();
            }
        } else {
            self.keep_tail(chunk, rest.from);
        }
    }

    /// Bytes were lost: a candidate that may have gone on is dropped, for it is not the token it seems to be.
    pub fn gap(&mut self, scanner: &Scanner, hit: &mut dyn FnMut(StreamHit<'_>)) {
        if self.held {
            let rest = self.settle(scanner, self.next, false, hit);
            self.losses.cut += u64::from(rest.held);
        }
        self.reset();
    }

    /// The stream ended: a token may end with it.
    pub fn finish(&mut self, scanner: &Scanner, hit: &mut dyn FnMut(StreamHit<'_>)) {
        if self.held {
            self.settle(scanner, self.next, true, hit);
        }
        self.reset();
    }

    /// Bytes before the end of the last chunk that a token may begin with.
    pub fn pending(&self) -> usize {
        if self.held { self.carry.len() } else { self.tail_len.into() }
    }

    /// Stream offsets at which something began like a token and was none, since this was last asked: it may be a part of
    /// one.
    pub fn failed(&mut self) -> SmallVec<[u64; 2]> {
        std::mem::take(&mut self.failed)
    }

    fn note(&mut self, rest: &Rest, base: u64) {
        self.losses.over += rest.over as u64;
        let room = FAILED.saturating_sub(self.failed.len());
        self.failed.extend(rest.failed.iter().take(room).map(|at| base + *at as u64));
    }

    /// What was given up since this was last asked.
    pub fn losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    /// Bytes that are held.
    #[cfg(test)]
    pub(super) const fn held_bytes(&self) -> usize {
        self.carry.capacity()
    }

    fn settle(
        &mut self,
        scanner: &Scanner,
        end: u64,
        last: bool,
        hit: &mut dyn FnMut(StreamHit<'_>),
    ) -> Rest {
        let base = end - self.carry.len() as u64;
        let rest = scanner.scan(&self.carry, last, 0, &mut |h| hit(placed(&h, base)));
        self.note(&rest, base);
        rest
    }

    /// The whole chunk may belong to the candidate.
    fn hold_more(&mut self, scanner: &Scanner, chunk: &[u8], hit: &mut dyn FnMut(StreamHit<'_>)) {
        self.carry.extend_from_slice(chunk);
        if self.carry.len() <= TOKEN_BYTES {
            return;
        }
        let rest = self.settle(scanner, self.next, false, hit);
        if rest.held && self.carry.len() - rest.from <= TOKEN_BYTES / 2 {
            self.carry.drain(..rest.from);
        } else if rest.held {
            self.give_up();
        } else {
            let carry = std::mem::take(&mut self.carry);
            self.held = false;
            self.keep_tail(&carry, rest.from);
        }
    }

    fn hold_straddling(&mut self, chunk: &[u8]) {
        let len = usize::from(self.tail_len);
        if len == 0 || chunk.is_empty() {
            return;
        }
        let mut window = [0; 2 * (NEEDLE - 1)];
        let more = chunk.len().min(NEEDLE - 1);
        window[..len].copy_from_slice(&self.tail[..len]);
        window[len..len + more].copy_from_slice(&chunk[..more]);
        if let Some(start) = Scanner::straddling(&window[..len + more], len) {
            self.hold(&window[start..len]);
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.carry.clear();
        self.carry.extend_from_slice(bytes);
        self.held = true;
        self.tail_len = 0;
    }

    /// Keeps the last bytes that may begin a needle; those before `from` belong to a token.
    fn keep_tail(&mut self, chunk: &[u8], from: usize) {
        let mut window = [0; 2 * (NEEDLE - 1)];
        let old = if from == 0 { usize::from(self.tail_len) } else { 0 };
        let new = &chunk[from.max(chunk.len().saturating_sub(NEEDLE - 1))..];
        window[..old].copy_from_slice(&self.tail[..old]);
        window[old..old + new.len()].copy_from_slice(new);
        let len = (old + new.len()).min(NEEDLE - 1);
        let end = old + new.len();
        self.tail[..len].copy_from_slice(&window[end - len..end]);
        self.tail_len = len as u8;
    }

    fn give_up(&mut self) {
        self.losses.over += 1;
        self.release();
        self.skipping = true;
    }

    fn release(&mut self) {
        self.held = false;
        self.tail_len = 0;
        if self.carry.capacity() > KEEP {
            self.carry = Vec::new();
        } else {
            self.carry.clear();
        }
    }

    fn reset(&mut self) {
        self.release();
        self.carry = Vec::new();
        self.skipping = false;
    }
}

/// Failed candidates that are remembered until somebody asks.
const FAILED: usize = 64;

/// A buffer of this size is kept for the next candidate of the stream.
const KEEP: usize = 4096;

fn placed<'a>(hit: &'a Hit<'_>, base: u64) -> StreamHit<'a> {
    StreamHit {
        at: base + hit.range.start as u64,
        len: hit.range.len() as u64,
        text: &hit.text,
        wrappings: hit.wrappings,
    }
}
