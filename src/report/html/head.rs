//! The head of the page: what was found, in what, and how much of it could be read.

use super::markup::html;
use crate::{
    finding::Summary,
    report::text::{bytes, counted, grouped},
    rules::Severity,
};
use std::fmt::Write as _;

/// Names of files that are written out.
const FILES: usize = 10;

/// Writes the head.
pub(super) fn write(summary: &Summary, out: &mut String) {
    out.push_str(
        "<header>\n<div class=\"bar\"><span class=\"brand\">wirelint</span><nav aria-label=\"Sections\">",
    );
    for (id, words, there) in sections(summary) {
        if there {
            let _ = write!(out, "<a href=\"#{id}\">{words}</a>");
        }
    }
    out.push_str("</nav><button type=\"button\" id=\"theme\" hidden>Dark</button></div>\n");
    let names: Vec<_> =
        summary.inputs.iter().take(FILES).map(|name| format!("<code>{}</code>", html(name))).collect();
    let more = summary.inputs.len().saturating_sub(FILES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let _ = writeln!(
        out,
        "<h1>{}</h1>\n<p class=\"files soft\">{}{more}</p>",
        verdict(summary),
        names.join(", ")
    );
    tiles(summary, out);
    facts(summary, out);
    out.push_str("</header>\n");
}

/// Anchors, their words, and whether there is such a section.
fn sections(summary: &Summary) -> [(&'static str, &'static str, bool); 5] {
    let story = summary.story.as_ref();
    [
        ("time", "Time", summary.findings.iter().any(|f| f.first_seen.is_some())),
        ("hosts", "Hosts", story.is_some_and(|story| !story.pairs.is_empty())),
        ("lives", "Tokens", story.is_some_and(|story| !story.lives.is_empty())),
        ("findings", "Findings", true),
        ("missed", "Not inspected", true),
    ]
}

/// What was found, in one line.
fn verdict(summary: &Summary) -> String {
    let all = summary.findings.len() as u64;
    let Some(worst) = summary.findings.iter().map(|f| f.severity).max() else {
        return "No findings".to_owned();
    };
    let n = summary.findings.iter().filter(|f| f.severity == worst).count() as u64;
    match all {
        1 => format!("1 finding, {worst}"),
        all if n == all => format!("{}, all {worst}", counted(all, "finding")),
        all => format!("{}, {} {worst}", counted(all, "finding"), grouped(n)),
    }
}

fn tiles(summary: &Summary, out: &mut String) {
    out.push_str("<ul class=\"tiles\" aria-label=\"Findings by severity\">\n");
    for severity in Severity::ALL.into_iter().rev() {
        let n = summary.findings.iter().filter(|f| f.severity == severity).count() as u64;
        let none = if n == 0 { " none" } else { "" };
        let _ = writeln!(out, "<li class=\"tile {severity}{none}\"><b>{}</b> {severity}</li>", grouped(n));
    }
    out.push_str("</ul>\n");
}

fn facts(summary: &Summary, out: &mut String) {
    let tally = &summary.tally;
    let mut rows = vec![
        ("Traffic", format!("{}, {}", counted(tally.flows, "flow"), counted(tally.frames, "packet"))),
        ("Size", bytes(tally.bytes)),
        ("Tokens", format!("{} distinct, {}", grouped(summary.tokens), counted(tally.sightings, "sighting"))),
    ];
    if summary.suppressed > 0 {
        rows.push(("Accepted", format!("{}, suppressed", counted(summary.suppressed, "finding"))));
    }
    if summary.crack_trials > 0 {
        rows.push(("Weak secrets", counted(summary.crack_trials, "HMAC trial")));
    }
    out.push_str("<dl class=\"facts\">\n");
    for (name, value) in rows {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", html(&value));
    }
    readable(summary, out);
    out.push_str("</dl>\n");
}

/// How much of the payload could be read, as a bar.
fn readable(summary: &Summary, out: &mut String) {
    let tally = &summary.tally;
    let whole = tally.payload_bytes.max(tally.opaque_bytes) + tally.gap_bytes;
    if whole == 0 {
        return;
    }
    let (closed, lost) = (share(tally.opaque_bytes, whole), share(tally.gap_bytes, whole));
    let read = 1000 - closed - lost;
    let words = match (closed, lost) {
        (0, 0) => "all of the payload".to_owned(),
        (_, 0) => format!("{} of the payload; the rest is TLS without keys", percent(read)),
        (0, _) => format!("{} of the payload; the rest is lost", percent(read)),
        _ => format!("{} of the payload; {} is TLS without keys", percent(read), percent(closed)),
    };
    let _ = writeln!(
        out,
        "<div class=\"read\"><dt>Read</dt><dd>{words}<svg class=\"meter\" viewBox=\"0 0 1000 10\" \
         preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"part-read\" width=\"{read}\" height=\"10\"/>\
         <rect class=\"part-closed\" x=\"{read}\" width=\"{closed}\" height=\"10\"/><rect class=\"part-lost\" x=\"{}\" \
         width=\"{lost}\" height=\"10\"/></svg></dd></div>",
        read + closed,
    );
}

/// Thousandths: never none of something, never all where something is left.
fn share(part: u64, whole: u64) -> u64 {
    if part == 0 { 0 } else { ((part as f64 / whole as f64 * 1000.0).round() as u64).clamp(1, 998) }
}

fn percent(thousandths: u64) -> String {
    match thousandths {
        0..10 => "less than 1 %".to_owned(),
        991..1000 => "more than 99 %".to_owned(),
        n => format!("{} %", (n + 5) / 10),
    }
}
