//! The watch in the words of Prometheus.

use super::announce::Change;
use super::outlet::Outlet;
use super::stats::Stats;
use crate::finding::Finding;
use crate::pipeline::{Deliveries, Metrics};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Keeps the page up to date.
pub(super) struct Exporter {
    pub(super) metrics: Metrics,
    pub(super) deliveries: Vec<(String, Arc<Deliveries>)>,
    /// Distinct findings by rule and severity. As many as rules.
    findings: BTreeMap<(String, &'static str), u64>,
    occurrences: BTreeMap<String, u64>,
}

impl Exporter {
    pub(super) fn new(metrics: Metrics, deliveries: Vec<(String, Arc<Deliveries>)>) -> Self {
        Self { metrics, deliveries, findings: BTreeMap::new(), occurrences: BTreeMap::new() }
    }

    fn page(&self, stats: &Stats) -> String {
        let mut page = Page(String::new());
        let tally = &stats.tally;
        page.one("packets_total", "counter", "Packets read.", tally.frames);
        page.one("bytes_total", "counter", "Captured bytes.", tally.bytes);
        page.one("payload_bytes_total", "counter", "Transport payload.", tally.payload_bytes);
        page.one(
            "opaque_bytes_total",
            "counter",
            "Payload inside encryption that no key opened.",
            tally.opaque_bytes,
        );
        page.one("gap_bytes_total", "counter", "Stream bytes that never came.", tally.gap_bytes);
        page.one("flows_total", "counter", "Flows seen.", tally.flows);
        page.one("flows_open", "gauge", "Flows that are open.", stats.open_flows as u64);
        page.one("messages_total", "counter", "Messages dissected.", tally.messages);
        page.one("token_sightings_total", "counter", "Token sightings.", tally.sightings);
        page.one("tokens_distinct_total", "counter", "Distinct tokens.", stats.tokens);
        page.one("blocks_behind", "gauge", "Blocks that wait to be processed.", stats.behind);
        page.one("uptime_seconds", "gauge", "Since the watch began.", stats.running.as_secs());
        let interface = |name: &str| vec![("interface", name.to_owned())];
        let each = |f: fn(&crate::capture::InterfaceCounts) -> u64| {
            stats.interfaces.iter().map(|i| (interface(&i.name), f(i))).collect::<Vec<_>>()
        };
        page.many(
            "kernel_packets_total",
            "counter",
            "Packets that the kernel counted.",
            each(|i| i.received),
        );
        page.many(
            "kernel_dropped_total",
            "counter",
            "Packets that found no room in the kernel's buffer.",
            each(|i| i.dropped),
        );
        page.many(
            "interface_dropped_total",
            "counter",
            "Packets that the interface dropped.",
            each(|i| i.interface_dropped),
        );
        page.many(
            "interface_up",
            "gauge",
            "Whether the interface is captured on.",
            each(|i| u64::from(i.open)),
        );
        let weirds = tally.weirds.iter().map(|(name, n)| (vec![("name", (*name).to_owned())], *n)).collect();
        page.many("oddities_total", "counter", "Oddities, bounds that bit and losses.", weirds);
        let findings = self.findings.iter().map(|((rule, severity), n)| {
            (vec![("rule", rule.clone()), ("severity", (*severity).to_owned())], *n)
        });
        page.many("findings_total", "counter", "Distinct findings.", findings.collect());
        let occurrences = self.occurrences.iter().map(|(rule, n)| (vec![("rule", rule.clone())], *n));
        page.many(
            "finding_occurrences_total",
            "counter",
            "Occurrences of findings, as far as they were told.",
            occurrences.collect(),
        );
        let sinks = |f: fn(&Deliveries) -> u64| {
            self.deliveries.iter().map(|(name, d)| (vec![("sink", name.clone())], f(d))).collect::<Vec<_>>()
        };
        page.many(
            "alarms_sent_total",
            "counter",
            "Alarms that arrived.",
            sinks(|d| d.sent.load(Ordering::Relaxed)),
        );
        page.many(
            "alarms_lost_total",
            "counter",
            "Alarms that were lost.",
            sinks(|d| d.lost.load(Ordering::Relaxed)),
        );
        page.many(
            "alarms_waiting",
            "gauge",
            "Alarms that wait.",
            sinks(|d| d.waiting.load(Ordering::Relaxed)),
        );
        page.many(
            "sink_up",
            "gauge",
            "Whether the sink takes alarms.",
            sinks(|d| u64::from(!d.down.load(Ordering::Relaxed))),
        );
        page.0
    }
}

impl Outlet for Exporter {
    fn finding(&mut self, finding: &Finding, change: Change, _: &[String]) {
        let rule = &finding.identity.rule;
        let more = match change {
            Change::New => {
                *self.findings.entry((rule.clone(), finding.severity.as_str())).or_default() += 1;
                finding.count
            }
            Change::Worse => 0,
            Change::Again(more) => more,
        };
        *self.occurrences.entry(rule.clone()).or_default() += more;
    }

    fn stats(&mut self, stats: &Stats) -> bool {
        let down: Vec<_> = stats.interfaces.iter().filter(|i| !i.open).map(|i| i.name.as_str()).collect();
        let trouble = (!down.is_empty() && down.len() == stats.interfaces.len())
            .then(|| format!("no interface is captured on: {}", down.join(", ")));
        self.metrics.set(self.page(stats), trouble);
        true
    }
}

/// The text format of Prometheus, version 0.0.4.
struct Page(String);

impl Page {
    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.many(name, kind, help, vec![(Vec::new(), value)]);
    }

    fn many(&mut self, name: &str, kind: &str, help: &str, values: Vec<(Vec<(&str, String)>, u64)>) {
        if values.is_empty() {
            return;
        }
        let _ = writeln!(self.0, "# HELP wirelint_{name} {help}\n# TYPE wirelint_{name} {kind}");
        for (labels, value) in values {
            let label = |(name, value): &(&str, String)| format!("{name}=\"{}\"", escaped(value));
            let labels: Vec<_> = labels.iter().map(label).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.0, "wirelint_{name}{labels} {value}");
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
