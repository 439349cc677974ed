//! Interfaces as one source: frames of whichever has some. One that goes away is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::super::libpcap::available;
use super::super::{Block, CaptureError, FileId, More, Source};
use super::port::{Place, Port};
use super::steady::{Steady, Tick};
use super::{InterfaceCounts, LiveOptions, LiveStatus};
use crate::limits::BLOCK_BYTES;

/// Pause while nothing comes. libpcap's own wait ends only with a frame (TPACKET_V3), whatever its timeout:
/// on a quiet interface a stop would never be noticed.
const NAP: Duration = Duration::from_millis(2);

/// Longest time after a stop in which the kernel's buffer is emptied.
const DRAIN: Duration = Duration::from_secs(5);

/// Time between two attempts to open an interface again.
const RETRY: Duration = Duration::from_secs(1);

/// The kernel's counters of 32 bits are asked for this often: fewer frames come in between.
const STATS: Duration = Duration::from_millis(50);

/// Interfaces as a source.
pub struct LiveSource {
    slots: Vec<Slot>,
    options: LiveOptions,
    status: LiveStatus,
    /// Whose turn it is.
    turn: usize,
    stop: Arc<AtomicBool>,
    /// When to end after a stop: the kernel hands over what it has only every half of the patience.
    end: Option<Instant>,
    asked: Instant,
    clock: Steady,
    /// Frames that may still come.
    left: u64,
    /// Nothing was there when it was asked last.
    drained: bool,
}

struct Slot {
    name: String,
    file: FileId,
    port: Option<Port>,
    place: Place,
    /// When to try to open it again.
    retry: Instant,
    /// It was refused when it was opened again: said once.
    refused: bool,
    /// Counts of ports that were closed.
    before: [u64; 3],
    now: [u64; 3],
    /// Whether it was up when that was looked at.
    up: bool,
}

impl LiveSource {
    /// Starts to capture on interfaces, whose files are numbered from `first`. Once `stop` is set it takes what came until
    /// then, and ends.
    ///
    /// # Errors
    /// [`CaptureError::Live`] that says what to install, what to grant, or what is wrong with the filter.
    pub fn open(
        interfaces: &[String],
        first: FileId,
        options: &LiveOptions,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, CaptureError> {
        available()?;
        let mut slots = Vec::new();
        for (i, name) in interfaces.iter().enumerate() {
            let file = FileId(first.0 + i as u32);
            slots.push(Slot {
                name: name.clone(),
                file,
                port: Some(Port::open(name, file, options)?),
                place: Place::default(),
                retry: Instant::now(),
                refused: false,
                before: [0; 3],
                now: [0; 3],
                up: true,
            });
        }
        let counts =
            |slot: &Slot| InterfaceCounts { name: slot.name.clone(), open: true, ..Default::default() };
        Ok(Self {
            status: LiveStatus::new(slots.iter().map(counts).collect()),
            slots,
            options: options.clone(),
            turn: 0,
            stop,
            end: None,
            asked: Instant::now(),
            clock: Steady::default(),
            left: options.count.unwrap_or(u64::MAX),
            drained: false,
        })
    }

    /// How it is doing: a handle that stays up to date.
    pub fn status(&self) -> LiveStatus {
        self.status.clone()
    }

    /// Whether it is time to end: what the kernel had when it was asked to stop has come, or does not cease to.
    fn over(&mut self) -> bool {
        if self.left == 0 {
            return true;
        }
        if self.end.is_none() && self.stop.load(Ordering::Relaxed) {
            self.end = Some(Instant::now() + self.options.patience);
        }
        let now = Instant::now();
        self.end.is_some_and(|end| now >= end && self.drained || now >= end + DRAIN)
    }

    /// Frames of the next interface that has some.
    fn poll(&mut self, block: &mut Block) {
        for _ in 0..self.slots.len() {
            let at = self.turn;
            self.turn = (self.turn + 1) % self.slots.len();
            let Some(slot) = self.slots.get_mut(at) else { return };
            if slot.port.is_none() {
                slot.reopen(&self.options, &self.status, at);
            }
            let Some(port) = &mut slot.port else { continue };
            if let Err(why) = port.take(block, &mut slot.place, self.left) {
                slot.lost(&why, &self.status, at);
            }
            self.left -= block.frames.len() as u64;
            if !block.frames.is_empty() {
                return;
            }
        }
    }

    fn ask(&mut self) {
        for (at, slot) in self.slots.iter_mut().enumerate() {
            slot.ask();
            let sum = slot.sum();
            self.status.update(at, |counts| {
                [counts.received, counts.dropped, counts.interface_dropped] = sum;
            });
        }
        self.asked = Instant::now();
    }
}

impl Slot {
    fn ask(&mut self) {
        if let Some(now) = self.port.as_mut().and_then(Port::stats) {
            self.now = now;
        }
    }

    fn sum(&self) -> [u64; 3] {
        [0, 1, 2].map(|i| self.before[i] + self.now[i])
    }

    /// libpcap goes on with an interface that is down as if nobody spoke. Linux says which are
    /// (`/sys/class/net`, IFF_UP of netdevice(7)).
    fn look(&mut self, status: &LiveStatus, at: usize) {
        let flags = std::fs::read_to_string(format!("/sys/class/net/{}/flags", self.name)).ok();
        let flags = flags.and_then(|text| u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok());
        let Some(up) = flags.map(|flags| flags & 1 == 1).filter(|up| self.port.is_some() && *up != self.up)
        else {
            return;
        };
        self.up = up;
        status.update(at, |counts| counts.open = up);
        status.notice(format!("{}: it is {}", self.name, if up { "up again" } else { "down" }));
    }

    /// The interface went away.
    fn lost(&mut self, why: &str, status: &LiveStatus, at: usize) {
        self.ask();
        self.port = None;
        (self.before, self.now) = (self.sum(), [0; 3]);
        self.retry = Instant::now() + RETRY;
        status.update(at, |counts| counts.open = false);
        status.notice(format!("{}: {why}; waiting for it to come back", self.name));
    }

    fn reopen(&mut self, options: &LiveOptions, status: &LiveStatus, at: usize) {
        if Instant::now() < self.retry {
            return;
        }
        self.retry = Instant::now() + RETRY;
        match Port::open(&self.name, self.file, options) {
            Ok(port) => {
                self.port = Some(port);
                self.refused = false;
                status.update(at, |counts| counts.open = true);
                status.notice(format!("{}: captured on again", self.name));
            }
            Err(error) => {
                let denied = error.to_string().contains("CAP_NET_RAW");
                if denied && !self.refused {
                    status.notice(format!(
                        "{}: it is back, but the right to open it (CAP_NET_RAW) was given up; --keep-privileges keeps it",
                        self.name
                    ));
                }
                self.refused = denied;
            }
        }
    }
}

impl Source for LiveSource {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        block.clear();
        block.bytes.restart(&[], BLOCK_BYTES);
        let since = Instant::now();
        while !self.over() && since.elapsed() < self.options.patience {
            self.poll(block);
            self.drained = block.frames.is_empty();
            if !block.frames.is_empty() {
                break;
            }
            std::thread::sleep(NAP);
        }
        match self.clock.look(Instant::now(), SystemTime::now()) {
            Some(Tick::On(now)) => {
                block.clock = Some(now);
                for (at, slot) in self.slots.iter_mut().enumerate() {
                    slot.look(&self.status, at);
                }
            }
            Some(Tick::Jumped(by)) => {
                block.cut = true;
                self.status.notice(format!(
                    "the clock jumped by {by:+} s: what is open ends here, and is followed anew"
                ));
            }
            None => {}
        }
        let over = self.over();
        if over || self.asked.elapsed() >= STATS {
            self.ask();
        }
        if !over && self.slots.iter().all(|slot| slot.refused) {
            let names: Vec<_> = self.slots.iter().map(|slot| slot.name.as_str()).collect();
            return Err(CaptureError::Live(format!(
                "no interface is left to capture on ({})",
                names.join(", ")
            )));
        }
        Ok(if over { More::End } else { More::Yes })
    }

    fn drops(&self) -> u64 {
        self.slots.iter().map(|slot| slot.sum()[1] + slot.sum()[2]).sum()
    }
}
