//! What a capture must show, so that a recording is a test.

use crate::finding::{Finding, Summary};
use crate::suppress::Selector;

/// What `wirelint scan --expect` asks of one capture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// What must be found, and how it was written.
    pub find: Vec<(Selector, String)>,
    /// What must not be found.
    pub not_find: Vec<(Selector, String)>,
    /// Nothing else must be found.
    pub only: bool,
    /// Sightings of tokens, at least.
    pub sightings: u64,
    /// Share of the payload that was inspected, at least; from 0 to 1.
    pub inspected: f64,
}

impl Expect {
    /// What does not hold, in words; nothing if all does. The summary is of that capture alone.
    pub fn unmet(&self, summary: &Summary) -> Vec<String> {
        let fits = |selector: &Selector, f: &Finding| selector.fits(&f.identity.rule, f.group, &f.identity);
        let mut unmet = Vec::new();
        for (selector, written) in &self.find {
            if !summary.findings.iter().any(|finding| fits(selector, finding)) {
                unmet.push(format!("must be found, and is not: {written}"));
            }
        }
        for finding in &summary.findings {
            if let Some((_, written)) = self.not_find.iter().find(|(selector, _)| fits(selector, finding)) {
                unmet.push(format!("must not be found ({written}): {}", words(finding)));
            } else if self.only && !self.find.iter().any(|(selector, _)| fits(selector, finding)) {
                unmet.push(format!("is found, and not expected: {}", words(finding)));
            }
        }
        let sightings = summary.tally.sightings;
        if sightings < self.sightings {
            unmet.push(format!("{} sightings of tokens are expected, there are {sightings}", self.sightings));
        }
        let inspected = inspected(summary);
        if inspected < self.inspected {
            unmet.push(format!(
                "{:.1} % of the payload must be inspected, {:.1} % was",
                self.inspected * 100.0,
                inspected * 100.0
            ));
        }
        unmet
    }
}

/// A finding in a few words.
pub fn words(finding: &Finding) -> String {
    let packet = finding.packet.map_or_else(String::new, |packet| format!(" in packet {packet}"));
    let host = finding.host.as_ref().map_or_else(String::new, |host| format!(" of {host}"));
    format!("{}{host}{packet} (fingerprint {})", finding.identity.rule, finding.fingerprint)
}

/// The share of payload and of lost bytes of streams that was looked at.
fn inspected(summary: &Summary) -> f64 {
    let tally = &summary.tally;
    let whole = tally.payload_bytes + tally.gap_bytes;
    let missed = (tally.opaque_bytes + tally.gap_bytes).min(whole);
    if whole == 0 { 1.0 } else { (whole - missed) as f64 / whole as f64 }
}
