//! The slow path of an [`Assembler`]: segments that wait, holes that are given up, bounds that bite.

use super::{Assembler, Origin, Step, anomalies::one, assembler::Phase, disorder::Held};
use crate::{limits, message::End};

impl Assembler {
    /// Cuts a segment along what waits already: what is new is delivered or waits too.
    pub(super) fn queue(
        &mut self,
        at: i64,
        bytes: &[u8],
        missing: u32,
        fin: bool,
        origin: &Origin,
        step: &mut Step<'_>,
    ) {
        let since = step.moment();
        let lost_to = at + bytes.len() as i64 + i64::from(missing);
        let d = self.disorder(since);
        if fin && d.fin.is_none() {
            d.fin = Some((lost_to, End::Complete));
        }
        let split = d.split(at, bytes);
        if split.repeated {
            one(&mut step.out.anomalies().retransmitted);
        }
        if split.conflicts {
            one(&mut step.out.anomalies().overlap_conflicts);
            self.reread(at, bytes, origin, true, step);
        }
        let open = self.phase == Phase::Open;
        let before = self.next;
        let mut straight = bytes.is_empty() && at <= self.next as i64;
        for (from, to) in split.fresh {
            let last = to == bytes.len();
            if open && at + from as i64 == self.next as i64 {
                self.deliver(&bytes[from..to], &origin.skip(from), step.seed, step.out);
                straight = last;
                continue;
            }
            let held = Held {
                bytes: bytes[from..to].into(),
                missing: if last { missing } else { 0 },
                since,
                origin: origin.skip(from),
            };
            self.disorder(since).insert(at + from as i64, held, step.budget);
            self.waiting = true;
        }
        self.waiting = self.disorder.as_ref().is_some_and(|d| d.waiting());
        if open {
            self.drain(before, if straight { lost_to } else { 0 }, step);
        }
    }

    /// Delivers what is in order now; `before` is where the stream was before this packet. Bytes below `lost_to` that do not wait here will never come.
    pub(super) fn drain(&mut self, before: u64, mut lost_to: i64, step: &mut Step<'_>) {
        let Some(mut d) = self.disorder.take() else {
            self.waiting = false;
            return;
        };
        loop {
            let next = self.next as i64;
            let first = d.first().map(|(at, _)| at);
            if first == Some(next)
                && let Some((at, held)) = d.pop_first(step.budget)
            {
                self.deliver(&held.bytes, &held.origin, step.seed, step.out);
                lost_to = lost_to.max(at + held.bytes.len() as i64 + i64::from(held.missing));
            } else if lost_to > next {
                self.gap(first.map_or(lost_to, |at| at.min(lost_to)) - next, step.origin, step);
            } else {
                break;
            }
        }
        if self.next != before {
            d.grace = None;
        }
        d.advanced = if self.next == before { d.advanced } else { step.moment() };
        if let Some((at, end)) = d.fin
            && at <= self.next as i64
        {
            d.fin = None;
            self.end(end, step);
            while let Some((at, held)) = d.pop_first(step.budget) {
                one(&mut step.out.anomalies().after_end);
                step.again(at, &held.bytes, &held.origin);
            }
        }
        self.waiting = d.waiting();
        if self.waiting || d.has_lost() {
            self.disorder = Some(d);
        }
    }

    /// Gives up the first hole, or what waits behind it if that is not believed.
    pub(super) fn give_up(&mut self, step: &mut Step<'_>) {
        let next = self.next as i64;
        let acked = if self.acked { self.offset(self.ack) } else { next };
        let Some(d) = &mut self.disorder else {
            self.waiting = false;
            return;
        };
        let first = d.first().map(|(at, held)| (at, held.origin));
        let (to, origin) = match (first, d.fin) {
            (Some((at, origin)), Some((fin, _))) if at <= fin => (at, origin),
            (Some(first), None) => first,
            (_, fin) => (fin.map_or(next, |(at, _)| at), *step.origin),
        };
        if to - next > limits::FAR_AHEAD && acked <= next {
            one(&mut step.out.anomalies().far_ahead);
            if first.is_some_and(|(at, _)| at == to)
                && let Some((at, held)) = d.pop_first(step.budget)
            {
                step.again(at, &held.bytes, &held.origin);
            } else {
                d.fin = None;
            }
        } else if to > next {
            let to = if acked > next { to.min(acked) } else { to };
            d.lose(next, to);
            self.gap(to - next, &origin, step);
        }
        self.drain(next as u64, 0, step);
    }

    /// Holds the bounds. A stream that advances although segments wait does not need them: the farthest is dropped
    /// (a flood far ahead must not disturb it). Otherwise its first hole is given up.
    pub(super) fn bound(&mut self, step: &mut Step<'_>) {
        while let Some(d) = &mut self.disorder
            && d.over(step.budget)
        {
            one(&mut step.out.anomalies().segments_bounded);
            let (lowest, since) = d.first().map_or((0, step.moment()), |(at, held)| (at, held.since));
            let stalled = d.advanced.passed(step.moment(), limits::GAP_PACKETS / 4, limits::GAP_TIME)
                || d.advanced.packets.wrapping_sub(since.packets) as i32 <= 0;
            if self.phase == Phase::Holding {
                self.begin(lowest, step);
            } else if stalled || self.justified(step) {
                self.give_up(step);
            } else if let Some(d) = &mut self.disorder
                && let Some((at, held)) = d.pop_last(step.budget)
            {
                step.again(at, &held.bytes, &held.origin);
                self.waiting = d.waiting();
            }
        }
    }
}
