//! How a watch is doing.

use crate::capture::InterfaceCounts;
use crate::rules::Severity;
use crate::tally::Tally;
use std::time::Duration;

/// A picture of one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    /// Since it began.
    pub(super) running: Duration,
    /// What was read.
    pub(super) tally: Tally,
    /// Flows that are open.
    pub(super) open_flows: usize,
    /// Distinct tokens.
    pub(super) tokens: u64,
    /// Distinct findings, by [`Severity::ALL`].
    pub(super) findings: [u64; 5],
    /// Blocks that wait to be processed.
    pub(super) behind: u64,
    /// What the kernel counted.
    pub(super) interfaces: Vec<InterfaceCounts>,
    /// Packets, bytes of packets, a second, over the last seconds.
    pub(super) rates: [f64; 2],
}

impl Stats {
    /// Packets that were lost by the kernel, and by interfaces.
    pub(super) fn lost(&self) -> [u64; 2] {
        let sum = |f: fn(&InterfaceCounts) -> u64| self.interfaces.iter().map(f).sum();
        [sum(|i| i.dropped), sum(|i| i.interface_dropped)]
    }

    /// Subjects that were given up for a bound, by name.
    pub(super) fn evictions(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names =
            ["flows_evicted", "retained_evicted", "tokens_uncounted", "dissector_memory", "head_memory"];
        names.into_iter().filter_map(|name| Some((name, *self.tally.weirds.get(name)?)))
    }

    /// Counts a finding.
    pub(super) fn count(&mut self, severity: Severity) {
        let at = Severity::ALL.iter().position(|s| *s == severity);
        if let Some(count) = at.and_then(|at| self.findings.get_mut(at)) {
            *count += 1;
        }
    }
}
