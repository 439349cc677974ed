//! Findings and summaries as programs read them: what `json` and `ndjson` print. The structs mirror
//! [`crate::finding`], so that internals may change and the output may not.

use super::endpoint::EndpointView;
use crate::{
    finding::{Finding, Summary},
    rules::{Confidence, Severity},
    text::hex,
    time::Timestamp,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// One finding, keys in the order of the contract; what this program adds stands behind them.
#[derive(Debug, Serialize)]
pub(super) struct FindingView<'a> {
    rule: &'a str,
    title: &'a str,
    severity: Severity,
    confidence: Confidence,
    fingerprint: &'a str,
    message: &'a str,
    file: Option<&'a str>,
    packet: Option<u64>,
    time: Option<Timestamp>,
    flow: Option<u64>,
    client: EndpointView,
    server: EndpointView,
    location: Option<&'a str>,
    name: Option<&'a str>,
    host: Option<&'a str>,
    token: Option<String>,
    count: u64,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    evidence: Evidence<'a>,
    remediation: &'a str,
    references: &'a [String],
    cwe: &'a [u32],
    group: &'a str,
    route: Option<&'a str>,
    adjustments: &'a [&'static str],
    offset: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Evidence<'a> {
    /// SHA-256 of each token.
    tokens: Vec<String>,
    /// Their redacted texts, in the same order.
    redacted: Vec<&'a str>,
}

impl<'a> FindingView<'a> {
    /// The view of one finding; `inputs` are the names of the files.
    pub(super) fn new(finding: &'a Finding, inputs: &'a [String]) -> Self {
        Self {
            rule: &finding.identity.rule,
            title: &finding.title,
            severity: finding.severity,
            confidence: finding.confidence,
            fingerprint: &finding.fingerprint,
            message: &finding.message,
            file: finding.file.and_then(|id| inputs.get(id.0 as usize)).map(String::as_str),
            packet: finding.packet,
            time: finding.time,
            flow: finding.flow,
            client: EndpointView(finding.client),
            server: EndpointView(finding.server),
            location: finding.location.as_deref(),
            name: finding.name.as_deref(),
            host: finding.host.as_deref(),
            token: finding.token.as_ref().map(|sha256| hex(sha256)),
            count: finding.count,
            first_seen: finding.first_seen,
            last_seen: finding.last_seen,
            evidence: Evidence {
                tokens: finding.tokens.iter().map(|(sha256, _)| hex(sha256)).collect(),
                redacted: finding.tokens.iter().map(|(_, text)| text.as_str()).collect(),
            },
            remediation: &finding.remediation,
            references: &finding.references,
            cwe: &finding.cwe,
            group: finding.group,
            route: finding.route.as_deref(),
            adjustments: &finding.adjustments,
            offset: finding.offset,
        }
    }
}

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct ReportView<'a> {
    wirelint: &'a str,
    inputs: &'a [String],
    summary: SummaryView<'a>,
    findings: Vec<FindingView<'a>>,
    /// About the inputs, then about the configuration.
    warnings: Vec<&'a str>,
    schema_version: u32,
}

/// Version of the schema that `json` and `ndjson` follow. It changes where a field is renamed or dropped, or means something
/// else, not where one is added.
pub(super) const SCHEMA_VERSION: u32 = 1;

impl<'a> ReportView<'a> {
    /// The view of a summary.
    pub(super) fn new(summary: &'a Summary, version: &'a str) -> Self {
        Self {
            wirelint: version,
            inputs: &summary.inputs,
            summary: SummaryView::new(summary),
            findings: summary.findings.iter().map(|f| FindingView::new(f, &summary.inputs)).collect(),
            warnings: summary.warnings.iter().chain(&summary.remarks).map(String::as_str).collect(),
            schema_version: SCHEMA_VERSION,
        }
    }
}

#[derive(Debug, Serialize)]
struct SummaryView<'a> {
    findings: usize,
    severity: Counts,
    tokens: u64,
    sightings: u64,
    flows: u64,
    messages: u64,
    packets: u64,
    bytes: u64,
    payload_bytes: u64,
    opaque_bytes: u64,
    gap_bytes: u64,
    coverage: Vec<Reason>,
    crack: Crack,
    interrupted: bool,
    dropped: u64,
    suppressed: u64,
    known: u64,
    weirds: &'a BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct Counts {
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
    info: usize,
}

#[derive(Debug, Serialize)]
struct Reason {
    reason: &'static str,
    count: u64,
}

#[derive(Debug, Serialize)]
struct Crack {
    trials: u64,
    cut: bool,
}

impl<'a> SummaryView<'a> {
    fn new(summary: &'a Summary) -> Self {
        let of = |severity| summary.findings.iter().filter(|f| f.severity == severity).count();
        let tally = &summary.tally;
        Self {
            findings: summary.findings.len(),
            severity: Counts {
                critical: of(Severity::Critical),
                high: of(Severity::High),
                medium: of(Severity::Medium),
                low: of(Severity::Low),
                info: of(Severity::Info),
            },
            tokens: summary.tokens,
            sightings: tally.sightings,
            flows: tally.flows,
            messages: tally.messages,
            packets: tally.frames,
            bytes: tally.bytes,
            payload_bytes: tally.payload_bytes,
            opaque_bytes: tally.opaque_bytes,
            gap_bytes: tally.gap_bytes,
            coverage: summary
                .coverage()
                .into_iter()
                .map(|(reason, count)| Reason { reason, count })
                .collect(),
            crack: Crack { trials: summary.crack_trials, cut: summary.crack_cut },
            interrupted: summary.interrupted,
            dropped: summary.dropped,
            suppressed: summary.suppressed,
            known: summary.known,
            weirds: &tally.weirds,
        }
    }
}
