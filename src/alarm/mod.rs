//! Where findings go as they come: files, syslog, webhooks, message brokers. A new sink is one file and one line of [`SINKS`].

mod connection;
mod file;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "nats")]
mod nats;
mod spool;
mod syslog;
mod target;
#[cfg(test)]
mod tests;
mod webhook;

pub use spool::Spool;
pub use target::{Shape, Target};

use serde::{Deserialize, Serialize};

/// One finding on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// The record, as one line of JSON in the shape that its sink asked for.
    pub record: String,
    /// Rule id.
    pub rule: String,
    /// Fingerprint of the finding.
    pub fingerprint: String,
    /// Severity, from 0 (info) to 4 (critical).
    pub severity: u8,
    /// When it was seen, RFC 3339.
    pub time: String,
    /// Occurrences until then: with the fingerprint it tells alarms apart.
    pub count: u64,
}

/// Why a batch did not arrive.
#[derive(Debug)]
pub enum Refusal {
    /// It may arrive later.
    Later(String),
    /// It never will: the other side does not want it.
    Never(String),
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::Later(error.to_string())
    }
}

/// Takes alarms to one place. Runs on a thread of its own and may wait, but not for ever.
pub trait Sink: Send {
    /// Sends a batch, in order. Says how many arrived, if not all did.
    ///
    /// # Errors
    /// [`Refusal`] with how many had arrived before it.
    fn send(&mut self, batch: &[Alarm]) -> Result<(), (usize, Refusal)>;
}

/// A kind of sink.
pub struct Kind {
    /// The schemes that choose it.
    pub schemes: &'static [&'static str],
    /// What it is, with an example, for `--help`.
    pub doc: &'static str,
    /// The port where none is given.
    pub port: u16,
    /// The most alarms of one batch.
    pub batch: usize,
    /// Makes one. Nothing is connected to yet.
    pub open: fn(&Target) -> Result<Box<dyn Sink>, String>,
}

/// Every kind.
pub const SINKS: &[Kind] = &[
    file::KIND,
    syslog::KIND,
    webhook::KIND,
    #[cfg(feature = "nats")]
    nats::KIND,
    #[cfg(feature = "kafka")]
    kafka::KIND,
];

/// The kind that a scheme chooses.
pub fn kind(scheme: &str) -> Option<&'static Kind> {
    SINKS.iter().find(|kind| kind.schemes.contains(&scheme))
}
