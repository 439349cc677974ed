//! How a live capture is doing, for whoever watches it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Notices that wait to be taken: an interface that flaps makes no more.
const NOTICES: usize = 64;

/// What the kernel counted on one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounts {
    /// Its name.
    pub name: String,
    /// Frames that passed the filter, dropped ones included.
    pub received: u64,
    /// Frames that found no room in the kernel's buffer.
    pub dropped: u64,
    /// Frames that the interface or its driver dropped.
    pub interface_dropped: u64,
    /// Whether it can be captured on now.
    pub open: bool,
}

impl InterfaceCounts {
    /// Frames that were lost.
    pub fn lost(&self) -> u64 {
        self.dropped + self.interface_dropped
    }
}

/// Shared with the source, which keeps it up to date.
#[derive(Clone, Debug, Default)]
pub struct LiveStatus(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    interfaces: Vec<InterfaceCounts>,
    notices: Vec<String>,
}

impl LiveStatus {
    pub(super) fn new(interfaces: Vec<InterfaceCounts>) -> Self {
        Self(Arc::new(Mutex::new(State { interfaces, notices: Vec::new() })))
    }

    /// The counts of each interface.
    pub fn interfaces(&self) -> Vec<InterfaceCounts> {
        self.lock().interfaces.clone()
    }

    /// What happened to interfaces since the last call, in words.
    pub fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().notices)
    }

    pub(super) fn update(&self, at: usize, change: impl FnOnce(&mut InterfaceCounts)) {
        if let Some(counts) = self.lock().interfaces.get_mut(at) {
            change(counts);
        }
    }

    pub(super) fn notice(&self, text: String) {
        let mut state = self.lock();
        if state.notices.len() < NOTICES {
            state.notices.push(text);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
