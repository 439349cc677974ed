//! Words about a finding that several formats share.

use super::Settings;
use crate::finding::{Finding, Summary};

/// Where it is, for people: packet, and how Wireshark shows it; `None` for a finding about the whole run.
pub(super) fn place(finding: &Finding) -> Option<String> {
    finding.packet.map(|packet| format!("packet {packet}, Wireshark filter {}", filter(packet)))
}

/// The display filter that shows one packet in Wireshark and tshark.
pub(super) fn filter(packet: u64) -> String {
    format!("frame.number == {packet}")
}

/// The name of the file that a finding is in.
pub(super) fn file<'a>(finding: &Finding, summary: &'a Summary) -> Option<&'a str> {
    finding.file.and_then(|id| summary.inputs.get(id.0 as usize)).map(String::as_str)
}

/// Host and route, as far as they are known.
pub(super) fn target(finding: &Finding) -> Option<String> {
    match (&finding.host, &finding.route) {
        (Some(host), Some(route)) => match route.split_once(' ') {
            Some((method, path)) => Some(format!("{method} {host}{path}")),
            None => Some(format!("{host} {route}")),
        },
        (Some(host), None) => Some(host.clone()),
        (None, route) => route.clone(),
    }
}

/// Where a rule is explained, if there is a page.
pub(super) fn page(settings: &Settings, rule: &str) -> Option<String> {
    settings.docs.map(|docs| format!("{docs}#{rule}"))
}
