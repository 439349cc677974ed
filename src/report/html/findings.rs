//! The findings, by rule: what was seen, where, why it matters, what to do, and the evidence.

use super::lives::id;
use super::markup::{html, moment, prose, short};
use crate::{
    finding::{Finding, RuleNote, Summary},
    report::{
        EndpointView, Settings,
        text::{counted, grouped},
        words,
    },
    rules::Severity,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Findings that the page lists: more would make a browser slow.
const ROWS: usize = 5000;
/// Tokens that the evidence of one names.
const TOKENS: usize = 4;
/// Characters of hosts with routes, of messages and of names that are shown.
const TARGET: usize = 300;
const MESSAGE: usize = 600;
const NAME: usize = 120;

/// Writes all findings that have room.
pub(super) fn write(summary: &Summary, settings: &Settings, out: &mut String) {
    out.push_str(
        "<section aria-labelledby=\"findings\">\n<h2 id=\"findings\" tabindex=\"-1\">Findings</h2>\n",
    );
    if summary.findings.is_empty() {
        out.push_str("<p>None.</p>\n</section>\n");
        return;
    }
    let list = List::new(summary, settings);
    filter(summary, out);
    let listed = &summary.findings[..summary.findings.len().min(ROWS)];
    // Rules in the order of their worst finding: the list is sorted by severity.
    let mut order: Vec<(&str, Vec<&Finding>)> = Vec::new();
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in listed {
        let rule = finding.identity.rule.as_str();
        let i = *at.entry(rule).or_insert_with(|| {
            order.push((rule, Vec::new()));
            order.len() - 1
        });
        order[i].1.push(finding);
    }
    for (rule, findings) in order {
        list.rule(rule, &findings, out);
    }
    out.push_str("<p id=\"nothing\" hidden>No finding fits. <button type=\"button\" id=\"reset\">Show all</button></p>\n");
    if summary.findings.len() > ROWS {
        let more = counted((summary.findings.len() - ROWS) as u64, "more finding");
        let _ = writeln!(out, "<p>{more}, the least severe, are left out of this page.</p>");
    }
    out.push_str("</section>\n");
}

/// Shown by the script, without which it would do nothing.
fn filter(summary: &Summary, out: &mut String) {
    out.push_str(
        "<form id=\"filter\" role=\"search\" aria-label=\"Findings\" hidden><label class=\"search\">Search <input \
         type=\"search\" name=\"search\" placeholder=\"host, path, rule, packet\" aria-keyshortcuts=\"/\"></label>\n\
         <fieldset><legend>Severity</legend>",
    );
    for severity in Severity::ALL.into_iter().rev() {
        let n = summary.findings.iter().take(ROWS).filter(|f| f.severity == severity).count() as u64;
        if n > 0 {
            let _ = write!(
                out,
                "<label><input type=\"checkbox\" name=\"severity\" value=\"{severity}\" checked> {severity} <span \
                 class=\"soft\">{}</span></label> ",
                grouped(n)
            );
        }
    }
    out.push_str(
        "</fieldset>\n<p class=\"state\"><span id=\"shown\" role=\"status\"></span> <span class=\"soft keys\">\
         <kbd>/</kbd> search, <kbd>j</kbd> <kbd>k</kbd> next and previous</span></p></form>\n",
    );
}

struct List<'a> {
    summary: &'a Summary,
    settings: &'a Settings,
    /// Tokens that the page draws.
    drawn: BTreeSet<[u8; 32]>,
}

impl<'a> List<'a> {
    fn new(summary: &'a Summary, settings: &'a Settings) -> Self {
        let lives = summary.story.iter().flat_map(|story| &story.lives);
        Self { summary, settings, drawn: lives.map(|life| life.token).collect() }
    }

    fn rule(&self, id: &str, findings: &[&Finding], out: &mut String) {
        let Some(first) = findings.first() else { return };
        let name = format!("<code>{}</code>", html(id));
        let name = match words::page(self.settings, id) {
            Some(page) => format!("<a href=\"{}\">{name}</a>", html(&page)),
            None => name,
        };
        let _ = write!(
            out,
            "<section class=\"rule {1}\" aria-labelledby=\"rule-{0}\">\n<div class=\"head\"><span class=\"chip {1}\">{1}</span>\
             <h3 id=\"rule-{0}\">{2}</h3>{name}</div>\n",
            html(id),
            first.severity,
            html(&first.title),
        );
        let _ = writeln!(out, "<p class=\"todo\"><b>What to do</b> {}</p>", prose(&first.remediation));
        if let Some(note) = self.summary.rules.iter().find(|note| note.id == id) {
            about(note, out);
        }
        out.push_str("<ol class=\"finds\" role=\"list\">\n");
        findings.iter().for_each(|finding| self.finding(finding, first.severity, out));
        out.push_str("</ol>\n</section>\n");
    }

    fn finding(&self, finding: &Finding, usual: Severity, out: &mut String) {
        let target = words::target(finding).unwrap_or_else(|| "the whole run".to_owned());
        let _ = write!(
            out,
            "<li class=\"find\" id=\"f-{}\" data-severity=\"{}\" tabindex=\"-1\"><div class=\"line\"><b class=\"where\">{}</b>",
            finding.fingerprint,
            finding.severity,
            // Where a line may break: no entity has a slash.
            short(&target, TARGET).replace('/', "/<wbr>"),
        );
        if finding.severity != usual {
            let _ = write!(out, "<span class=\"chip {0}\">{0}</span>", finding.severity);
        }
        if finding.count > 1 {
            let n = grouped(finding.count);
            let _ = write!(out, "<span class=\"times\">×{n}<span class=\"hear\"> times</span></span>");
        }
        let _ = write!(out, "</div><p>{}</p>", short(&finding.message, MESSAGE));
        let _ = write!(out, "<p class=\"soft facts\">{}</p>", self.place(finding).join(""));
        self.evidence(finding, out);
        out.push_str("</li>\n");
    }

    /// Where it is, in pieces.
    fn place(&self, finding: &Finding) -> Vec<String> {
        let mut place = Vec::new();
        if let Some(packet) = finding.packet {
            place.push(format!("packet {packet}"));
        }
        if let Some(file) = words::file(finding, self.summary) {
            place.push(format!("<code>{}</code>", html(file)));
        }
        if finding.client.is_some() || finding.server.is_some() {
            place.push(format!(
                "{} to {}",
                EndpointView(finding.client).text(),
                EndpointView(finding.server).text()
            ));
        }
        if let Some(location) = &finding.location {
            let name = finding
                .name
                .as_deref()
                .map_or_else(String::new, |name| format!(" <code>{}</code>", short(name, NAME)));
            place.push(format!("{}{name}", html(location)));
        }
        place.push(format!("{} confidence", finding.confidence));
        place.extend(finding.adjustments.iter().map(|adjustment| html(adjustment)));
        place.iter().map(|part| format!("<span>{part}</span> ")).collect()
    }

    fn evidence(&self, finding: &Finding, out: &mut String) {
        out.push_str("<details><summary>Evidence</summary><dl class=\"evidence\">");
        if let (Some(first), Some(last)) = (finding.first_seen, finding.last_seen) {
            let _ = write!(out, "<div><dt>first seen</dt><dd>{}</dd></div>", moment(first));
            if last > first {
                let _ = write!(out, "<div><dt>last seen</dt><dd>{}</dd></div>", moment(last));
            }
        }
        for (sha256, text) in finding.tokens.iter().take(TOKENS) {
            let digits = id(sha256);
            let name = if self.drawn.contains(sha256) {
                format!("<a href=\"#life-{digits}\">token {digits}</a>")
            } else {
                format!("token {digits}")
            };
            let _ = write!(out, "<div><dt>{name}</dt><dd><code>{}</code></dd></div>", short(text, MESSAGE));
        }
        if finding.tokens.len() > TOKENS {
            let more = counted((finding.tokens.len() - TOKENS) as u64, "more token");
            let _ = write!(out, "<div><dt></dt><dd>{more}</dd></div>");
        }
        if let Some(packet) = finding.packet {
            let filter = words::filter(packet);
            let _ = write!(out, "<div><dt>Wireshark filter</dt><dd><code>{filter}</code></dd></div>");
        }
        let _ = write!(
            out,
            "<div><dt>fingerprint</dt><dd><code>{}</code></dd></div></dl></details>",
            finding.fingerprint
        );
    }
}

/// Why a rule matters, folded away.
fn about(note: &RuleNote, out: &mut String) {
    out.push_str("<details class=\"why\"><summary>Why it matters</summary>");
    for paragraph in note.about.trim().split("\n\n") {
        let _ = write!(out, "<p>{}</p>", prose(paragraph));
    }
    let cwe = note.cwe.iter().map(|cwe| format!("CWE-{cwe}"));
    let sources: Vec<_> = note.references.iter().cloned().chain(cwe).map(|text| html(&text)).collect();
    if !sources.is_empty() {
        let _ = write!(out, "<p class=\"soft\">{}</p>", sources.join(" · "));
    }
    out.push_str("</details>\n");
}
