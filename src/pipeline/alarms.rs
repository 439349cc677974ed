//! The threads of sinks. Whoever hands over an alarm never waits: what a sink cannot take is spooled, and what does not fit there is
//! counted.

use crate::alarm::{Alarm, Refusal, Sink, Spool};
use crate::limits::ALARM_QUEUE;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long a batch is gathered.
const GATHER: Duration = Duration::from_millis(300);

/// Time after which a sink that refused is tried again, doubled each time up to the second.
const PAUSE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// Time that sinks get at the end.
const LAST: Duration = Duration::from_secs(5);

/// What became of the alarms of one sink.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// Arrived.
    pub sent: AtomicU64,
    /// Neither arrived nor waits.
    pub lost: AtomicU64,
    /// Wait.
    pub waiting: AtomicU64,
    /// The sink is down.
    pub down: AtomicBool,
    news: Mutex<Option<String>>,
}

impl Deliveries {
    /// What happened since the last call: it is down, up again, or refuses something for good.
    pub fn take_news(&self) -> Option<String> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn say(&self, text: String) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}

/// One sink at work.
pub struct Delivery {
    /// What it is called.
    pub name: String,
    /// What became of its alarms.
    pub deliveries: Arc<Deliveries>,
    queue: Option<SyncSender<Alarm>>,
    hurry: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Delivery {
    /// Starts its thread.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn start(name: String, sink: Box<dyn Sink>, batch: usize, spool: Spool) -> std::io::Result<Self> {
        let (queue, alarms) = sync_channel(ALARM_QUEUE);
        let (deliveries, hurry) = (Arc::new(Deliveries::default()), Arc::new(AtomicBool::new(false)));
        let worker = Worker {
            sink,
            batch,
            spool,
            alarms,
            deliveries: Arc::clone(&deliveries),
            hurry: Arc::clone(&hurry),
            retry: Instant::now(),
            pause: PAUSE[0],
        };
        let thread = Builder::new().name("alarm".into()).spawn(move || worker.live())?;
        Ok(Self { name, deliveries, queue: Some(queue), hurry, thread: Some(thread) })
    }

    /// Hands an alarm over. Never waits.
    pub fn send(&self, alarm: Alarm) {
        let refused = match self.queue.as_ref().map(|queue| queue.try_send(alarm)) {
            Some(Ok(())) => false,
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => true,
        };
        self.deliveries.lost.fetch_add(u64::from(refused), Ordering::Relaxed);
    }

    /// Lets it deliver what it has, for a few seconds.
    pub fn finish(&mut self) {
        self.hurry.store(true, Ordering::Relaxed);
        self.queue = None;
        let until = Instant::now() + LAST;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        // One that still waits for its sink ends with the process.
        self.thread = None;
    }
}

struct Worker {
    sink: Box<dyn Sink>,
    batch: usize,
    spool: Spool,
    alarms: Receiver<Alarm>,
    deliveries: Arc<Deliveries>,
    hurry: Arc<AtomicBool>,
    retry: Instant,
    pause: Duration,
}

impl Worker {
    fn live(mut self) {
        self.count();
        loop {
            let open = self.gather();
            if Instant::now() >= self.retry {
                self.deliver();
            }
            self.count();
            if !open {
                break;
            }
        }
        // The end: what is down gets one more chance.
        self.deliver();
        let left = self.spool.len();
        if !self.spool.keeps() {
            self.deliveries.lost.fetch_add(left, Ordering::Relaxed);
        }
        self.count();
    }

    /// Takes what comes in a moment; false if nothing will any more.
    fn gather(&mut self) -> bool {
        let until = Instant::now() + GATHER;
        loop {
            let wait = until.saturating_duration_since(Instant::now());
            match self.alarms.recv_timeout(wait) {
                Ok(alarm) => {
                    if !self.spool.push(alarm) {
                        self.deliveries.lost.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
            let enough =
                self.spool.len() >= self.batch as u64 && !self.deliveries.down.load(Ordering::Relaxed);
            if enough || self.hurry.load(Ordering::Relaxed) && wait.is_zero() {
                return true;
            }
        }
    }

    /// Sends what waits, until the sink refuses.
    fn deliver(&mut self) {
        loop {
            let batch = self.spool.front(self.batch);
            if batch.is_empty() {
                return;
            }
            let (arrived, refusal) = match self.sink.send(&batch) {
                Ok(()) => (batch.len(), None),
                Err((arrived, refusal)) => (arrived, Some(refusal)),
            };
            self.spool.done(arrived);
            self.deliveries.sent.fetch_add(arrived as u64, Ordering::Relaxed);
            match refusal {
                None => self.up(),
                Some(Refusal::Later(why)) => {
                    self.down(&why);
                    return;
                }
                Some(Refusal::Never(why)) => {
                    let refused = batch.len() - arrived;
                    self.spool.done(refused);
                    self.deliveries.lost.fetch_add(refused as u64, Ordering::Relaxed);
                    self.deliveries.say(format!("refuses alarms: {why}"));
                }
            }
            self.count();
        }
    }

    fn up(&mut self) {
        self.pause = PAUSE[0];
        if self.deliveries.down.swap(false, Ordering::Relaxed) {
            self.deliveries.say("takes alarms again".into());
        }
    }

    fn down(&mut self, why: &str) {
        self.retry = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSE[1]);
        if !self.deliveries.down.swap(true, Ordering::Relaxed) {
            self.deliveries.say(format!("is down ({why}): alarms wait"));
        }
    }

    fn count(&self) {
        self.deliveries.waiting.store(self.spool.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refuses until it is told not to.
    struct Moody {
        well: Arc<AtomicBool>,
        got: Arc<Mutex<Vec<String>>>,
    }

    impl Sink for Moody {
        fn send(&mut self, batch: &[Alarm]) -> Result<(), (usize, Refusal)> {
            if !self.well.load(Ordering::Relaxed) {
                return Err((0, Refusal::Later("moody".into())));
            }
            self.got.lock().unwrap().extend(batch.iter().map(|alarm| alarm.record.clone()));
            Ok(())
        }
    }

    fn alarm(n: usize) -> Alarm {
        Alarm {
            record: format!("{{\"n\":{n}}}"),
            rule: "r".into(),
            fingerprint: "f".into(),
            severity: 2,
            time: "2026-01-01T00:00:00Z".into(),
            count: 1,
        }
    }

    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let since = Instant::now();
        while !holds() {
            assert!(since.elapsed() < Duration::from_secs(20), "it never happened: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_sink_that_is_down_gets_its_alarms_later_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.spool");
        let (well, got) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let sink = || Box::new(Moody { well: Arc::clone(&well), got: Arc::clone(&got) });
        let spool = || Spool::open(Some(path.clone()), None).unwrap();
        let mut first = Delivery::start("a".into(), sink(), 10, spool()).unwrap();
        (0..50).for_each(|n| first.send(alarm(n)));
        until("it is down", || first.deliveries.down.load(Ordering::Relaxed));
        assert!(first.deliveries.take_news().unwrap().contains("moody"));
        first.finish();
        assert!(got.lock().unwrap().is_empty());
        assert_eq!(first.deliveries.lost.load(Ordering::Relaxed), 0, "they wait on disk for another run");
        well.store(true, Ordering::Relaxed);
        let mut second = Delivery::start("a".into(), sink(), 10, spool()).unwrap();
        second.send(alarm(50));
        until("all are sent", || second.deliveries.sent.load(Ordering::Relaxed) == 51);
        second.finish();
        let expected: Vec<_> = (0..51).map(|n| format!("{{\"n\":{n}}}")).collect();
        assert_eq!(*got.lock().unwrap(), expected);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(Some(folder.path().join("s")), Some(1000)).unwrap();
        let sink = Box::new(Moody { well: Arc::default(), got: Arc::default() });
        let mut delivery = Delivery::start("a".into(), sink, 10, spool).unwrap();
        for n in 0..200 {
            delivery.send(alarm(n));
        }
        delivery.finish();
        let count = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let (lost, waiting) = (count(&delivery.deliveries.lost), count(&delivery.deliveries.waiting));
        assert!(lost > 150 && lost + waiting == 200, "{lost} {waiting}");
    }
}
