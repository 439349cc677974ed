//! One direction of a TCP stream: segments in, bytes in order out.

use super::{
    Chunk, Origin, Outlet, Step,
    anomalies::one,
    disorder::{Disorder, Moment},
    recent::Recent,
};
use crate::{decode::TcpHeader, limits, message::End};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Unseen,
    /// Midstream: a bare ACK told where the next byte will be.
    Expected,
    /// Midstream: the first data waits, because earlier data may follow it.
    Holding,
    Open,
    Ended,
}

/// One direction (RFC 9293 section 3.4). Offsets are 64 bits wide and count from the first byte after the SYN,
/// or from where a midstream capture starts; sequence numbers wrap freely. Of overlapping copies the first wins.
#[derive(Debug, Default)]
pub struct Assembler {
    /// Offset of the next byte to deliver.
    pub(super) next: u64,
    /// Sequence number of offset 0.
    pub(super) base: u32,
    /// Highest sequence number that the peer acknowledged, if `acked`.
    pub(super) ack: u32,
    pub(super) recent: Recent,
    pub(super) disorder: Option<Box<Disorder>>,
    pub(super) phase: Phase,
    pub(super) acked: bool,
    /// The SYN was seen.
    pub(super) syn: bool,
    /// A RST ended it.
    pub(super) aborted: bool,
    /// Something waits in `disorder`.
    pub(super) waiting: bool,
    /// A [second reading](Recent::second) is under way.
    pub(super) rereads: bool,
}

impl Assembler {
    /// Whether any segment of this direction was seen.
    pub fn seen(&self) -> bool {
        self.phase != Phase::Unseen
    }

    /// Whether neither the SYN nor a byte was seen.
    pub const fn is_blank(&self) -> bool {
        !self.syn && self.next == 0
    }

    /// Whether the end was delivered.
    pub fn ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether bytes or an end wait here: then [`Assembler::poll`] must be called.
    pub const fn waiting(&self) -> bool {
        self.waiting | self.rereads
    }

    /// Stream bytes delivered or given up so far.
    pub const fn delivered(&self) -> u64 {
        self.next
    }

    /// Whether a sequence number is near where the stream is; `None` if that is not known.
    pub fn is_near(&self, seq: u32) -> Option<bool> {
        let near =
            |known: u32| i64::from((seq.wrapping_sub(known) as i32).unsigned_abs()) < limits::JOINED_NEAR;
        match (self.seen(), self.acked) {
            (true, _) => Some(near(self.sequence())),
            (false, true) => Some(near(self.ack)),
            (false, false) => None,
        }
    }

    /// Whether a SYN with this sequence number can belong to the stream: if not, the port was used again.
    pub fn accepts_syn(&self, isn: u32) -> bool {
        let behind = self.base.wrapping_sub(isn.wrapping_add(1)) as i32;
        match self.phase {
            Phase::Unseen | Phase::Expected => true,
            Phase::Holding => i64::from(behind.unsigned_abs()) < limits::FAR_AHEAD,
            Phase::Open | Phase::Ended if self.syn => behind == 0,
            // Midstream and already started when its SYN comes: only a little late.
            Phase::Open | Phase::Ended => (0..1 << 16).contains(&behind) && self.next < 1 << 16,
        }
    }

    /// Whether all of a segment was seen before, by its numbers.
    pub fn has_passed(&self, seq: u32, len: u32) -> bool {
        let at = self.offset(seq);
        self.seen() && at >= 0 && at + i64::from(len) <= self.next as i64 + 1
    }

    /// Whether `ack` acknowledges all that was seen of this direction (or nothing is known of it).
    pub fn awaits(&self, ack: u32) -> bool {
        !self.seen()
            || self.phase == Phase::Holding
            || (0..=1).contains(&(self.offset(ack) - self.next as i64))
    }

    /// Notes an acknowledgment by the peer.
    pub fn acknowledge(&mut self, ack: u32) {
        let known = if self.acked { self.ack } else { ack.wrapping_sub(1) };
        let far = self.phase == Phase::Open && self.offset(ack) > self.next as i64 + 4 * limits::FAR_AHEAD;
        if ack.wrapping_sub(known) as i32 > 0 && !far {
            self.ack = ack;
            self.acked = true;
            if ack.wrapping_sub(self.sequence()) as i32 >= 0 {
                self.recent.acknowledged();
            }
        }
    }

    /// Takes one segment. `missing` bytes right behind `bytes` were on the wire but not captured.
    pub fn segment(&mut self, header: &TcpHeader, bytes: &[u8], missing: u32, step: &mut Step<'_>) {
        const ODD: u8 = TcpHeader::SYN | TcpHeader::FIN | TcpHeader::URG;
        let plain = header.flags & ODD == 0 && missing == 0;
        if plain && !self.waiting() && self.continues(header.seq) {
            if !bytes.is_empty() {
                self.deliver(bytes, step.origin, step.seed, step.out);
            }
            return;
        }
        self.irregular(header, bytes, missing, step);
    }

    /// Lets time pass: a hole whose grace is over becomes a gap, a midstream start is made.
    pub fn poll(&mut self, step: &mut Step<'_>) {
        let now = step.moment();
        if self.recent.second().is_some_and(|second| second.is_over(now)) {
            self.read_again(step);
        }
        while self.waiting {
            let justified = self.justified(step);
            let acked = self.acked.then(|| self.offset(self.ack));
            let Some(d) = &mut self.disorder else { return };
            if self.phase == Phase::Holding {
                let lowest = d.first().map_or(0, |(at, _)| at);
                let sure = acked.is_some_and(|ack| ack >= lowest);
                if sure || d.advanced.passed(now, limits::HOLD_PACKETS, limits::HOLD_TIME) {
                    self.begin(lowest, step);
                    continue;
                }
                return;
            }
            if !justified {
                return;
            }
            let grace = *d.grace.get_or_insert(now);
            // Time alone tells little while packets come: one that was held up may be behind the next ones.
            let silent = now.time.since(step.touched) >= limits::GAP_TIME;
            if !silent && !grace.passed(now, limits::GAP_PACKETS << d.patience, limits::LINGER) {
                return;
            }
            self.give_up(step);
            // Later holes have waited as long as the segments behind them.
            if self.justified(step)
                && let Some(d) = &mut self.disorder
            {
                d.grace = d.first().map(|(_, held)| held.since);
            }
        }
    }

    /// Ends the direction: what waits is delivered, holes become gaps. Does nothing after the end.
    pub fn finish(&mut self, end: End, step: &mut Step<'_>) {
        if self.phase == Phase::Holding {
            let lowest = self.disorder.as_ref().and_then(|d| d.first()).map_or(0, |(at, _)| at);
            self.begin(lowest, step);
        }
        while self.waiting {
            self.give_up(step);
        }
        if matches!(self.phase, Phase::Expected | Phase::Open) && self.acked {
            // The peer has bytes that we never saw; a single one may be the FIN.
            let tail = self.offset(self.ack) - self.next as i64;
            if tail > 1 {
                self.gap(tail, step.origin, step);
            }
        }
        if self.phase != Phase::Ended {
            self.end(end, step);
        }
        self.disorder = None;
    }

    /// Whether a segment of that sequence number brings the next byte of a stream that is under way.
    #[inline]
    pub(super) fn continues(&self, seq: u32) -> bool {
        self.phase == Phase::Open && seq == self.sequence()
    }

    pub(super) const fn sequence(&self) -> u32 {
        self.base.wrapping_add(self.next as u32)
    }

    /// The offset of a sequence number: the one nearest to the next byte.
    pub(super) const fn offset(&self, seq: u32) -> i64 {
        self.next as i64 + (seq.wrapping_sub(self.sequence()) as i32) as i64
    }

    pub(super) fn disorder(&mut self, now: Moment) -> &mut Disorder {
        let fresh = !self.waiting;
        let d = self.disorder.get_or_insert_default();
        if fresh {
            d.advanced = now;
        }
        d
    }

    /// Whether the first hole may be given up.
    pub(super) fn justified(&self, step: &Step<'_>) -> bool {
        !step.peer_seen
            || (self.acked && self.offset(self.ack) > self.next as i64)
            || self.disorder.as_ref().is_some_and(|d| {
                matches!(d.fin, Some((_, End::Reset)))
                    || d.first().is_some_and(|(_, held)| step.now.since(held.since.time) >= limits::LINGER)
            })
    }

    fn irregular(&mut self, header: &TcpHeader, bytes: &[u8], missing: u32, step: &mut Step<'_>) {
        let syn = header.has(TcpHeader::SYN);
        let fin = header.has(TcpHeader::FIN);
        let seq = header.seq.wrapping_add(u32::from(syn));
        if syn {
            self.synchronise(seq, step);
        }
        if bytes.is_empty() && missing == 0 && !fin {
            match self.phase {
                Phase::Unseen => (self.base, self.phase) = (seq, Phase::Expected),
                Phase::Open if !syn && self.offset(seq) == self.next as i64 - 1 => {
                    one(&mut step.out.anomalies().keepalives);
                }
                _ => {}
            }
            return;
        }
        let sure = (self.acked && self.ack == seq) || step.out.starts_message(bytes);
        match (self.phase, self.offset(seq)) {
            (Phase::Unseen, _) => {
                self.base = seq;
                self.phase = if sure { Phase::Open } else { Phase::Holding };
            }
            // A bare ACK may have been a keep-alive probe, one byte back.
            (Phase::Expected, 1) => (self.base, self.phase) = (seq, Phase::Open),
            (Phase::Expected, 0..limits::FAR_AHEAD) => self.phase = Phase::Open,
            (Phase::Expected, _) => (self.base, self.phase) = (seq, Phase::Holding),
            _ => {}
        }
        let at = self.offset(seq);
        self.place(at, bytes, missing, fin, step);
        if header.has(TcpHeader::URG) {
            urgent(at, bytes, header.urgent, step);
        }
        if self.phase == Phase::Holding
            && sure
            && let Some((at, _)) = self.disorder.as_ref().and_then(|d| d.first())
            && at == self.offset(seq)
        {
            self.begin(at, step);
        }
        self.bound(step);
    }

    /// A SYN fixes the start, whatever came before it.
    fn synchronise(&mut self, first: u32, step: &mut Step<'_>) {
        match self.phase {
            Phase::Unseen | Phase::Expected => (self.base, self.phase) = (first, Phase::Open),
            Phase::Holding => self.begin(self.offset(first), step),
            Phase::Open | Phase::Ended if self.syn => one(&mut step.out.anomalies().retransmitted),
            Phase::Open | Phase::Ended => {}
        }
        self.syn = true;
    }

    /// Starts a held stream at offset `start`, which becomes offset 0.
    pub(super) fn begin(&mut self, start: i64, step: &mut Step<'_>) {
        self.base = self.base.wrapping_add(start as u32);
        self.phase = Phase::Open;
        if let Some(mut d) = self.disorder.take() {
            d.shift(start);
            while let Some((at, _)) = d.first()
                && at < 0
                && let Some((at, held)) = d.pop_first(step.budget)
            {
                one(&mut step.out.anomalies().late);
                step.again(at, &held.bytes, &held.origin);
            }
            self.disorder = Some(d);
        }
        self.drain(self.next, 0, step);
    }

    fn place(&mut self, mut at: i64, mut bytes: &[u8], missing: u32, fin: bool, step: &mut Step<'_>) {
        let next = self.next as i64;
        let mut origin = *step.origin;
        if self.phase != Phase::Holding && at < next && !bytes.is_empty() {
            let cut = (next - at).min(bytes.len() as i64) as usize;
            self.old(at, &bytes[..cut], &origin, step);
            bytes = &bytes[cut..];
            at += cut as i64;
            origin = origin.skip(cut);
            if bytes.is_empty() && missing == 0 && !fin {
                return;
            }
        }
        self.read_on(at, bytes, &origin, step);
        let lost_to = at + bytes.len() as i64 + i64::from(missing);
        if self.phase == Phase::Ended {
            if !bytes.is_empty() {
                one(&mut step.out.anomalies().after_end);
                step.again(at, bytes, &origin);
                if at == next {
                    self.next = lost_to as u64;
                }
            }
            return;
        }
        if self.phase == Phase::Open && at < next && lost_to < next {
            return; // nothing new: an old FIN, or bytes cut by the snap length
        }
        if self.phase == Phase::Open && !self.waiting && at <= next {
            if !bytes.is_empty() {
                self.deliver(bytes, &origin, step.seed, step.out);
            }
            if lost_to > self.next as i64 {
                self.gap(lost_to - self.next as i64, &origin, step);
            }
            if fin {
                self.end(End::Complete, step);
            }
            return;
        }
        if at > next && self.phase == Phase::Open {
            one(&mut step.out.anomalies().out_of_order);
        }
        self.queue(at, bytes, missing, fin, &origin, step);
    }

    pub(super) fn deliver(&mut self, bytes: &[u8], origin: &Origin, seed: u64, out: &mut dyn Outlet) {
        let at = self.next;
        self.next += bytes.len() as u64;
        if out.chunk(at, Chunk::Data(bytes), origin) {
            let acknowledged = if self.acked { self.ack.wrapping_sub(self.base) } else { 0 };
            self.recent.remember(at, bytes, acknowledged, seed);
        }
    }

    pub(super) fn gap(&mut self, n: i64, origin: &Origin, step: &mut Step<'_>) {
        let n = n.max(0) as u64;
        let at = self.next;
        self.next += n;
        let counts = step.out.anomalies();
        one(&mut counts.gaps);
        counts.gap_bytes += n;
        step.out.chunk(at, Chunk::Gap(n), origin);
    }

    pub(super) fn end(&mut self, end: End, step: &mut Step<'_>) {
        self.read_again(step);
        self.phase = Phase::Ended;
        self.aborted = end == End::Reset;
        self.waiting = false;
        step.out.chunk(self.next, Chunk::End(end), step.origin);
    }
}

/// Most stacks take the last byte of urgent data out of the stream (RFC 6093 section 3.4), whoever asked for it in line
/// does not. It is delivered in line; the bytes without it are the other reading, so that it cannot part a token.
#[cold]
fn urgent(at: i64, bytes: &[u8], pointer: u16, step: &mut Step<'_>) {
    one(&mut step.out.anomalies().urgent);
    if let Some((before, rest)) = bytes.split_at_checked(usize::from(pointer).wrapping_sub(1))
        && let Some((_, behind)) = rest.split_first()
        && !(before.is_empty() || behind.is_empty())
    {
        step.again(at, &[before, behind].concat(), step.origin);
    }
}
