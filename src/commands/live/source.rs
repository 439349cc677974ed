//! A source that outlives a run: rules that ask for other facts begin another one on the same interfaces.

use crate::capture::{Block, CaptureError, Followed, LiveSource, More, Source};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Interfaces, with the key logs that are followed beside them.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Box<dyn Source>>>);

impl Shared {
    pub(super) fn new(source: LiveSource, keylogs: &[PathBuf]) -> Self {
        let source: Box<dyn Source> =
            if keylogs.is_empty() { Box::new(source) } else { Box::new(Followed::new(source, keylogs)) };
        Self(Arc::new(Mutex::new(source)))
    }

    /// The source of one run.
    pub(super) fn handle(&self) -> Box<dyn Source> {
        Box::new(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Source>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Shared {
    fn fill(&mut self, block: &mut Block) -> Result<More, CaptureError> {
        self.lock().fill(block)
    }

    fn awaits_secrets(&self) -> bool {
        self.lock().awaits_secrets()
    }

    fn drops(&self) -> u64 {
        self.lock().drops()
    }
}
