//! `html`: one page that holds all it needs: no network, no fonts, nothing from the traffic that is not escaped.

mod charts;

use super::{
    EndpointView, Format, Report, Settings, tail,
    text::{bytes, counted, grouped},
    words,
};
use crate::{
    finding::{Finding, RuleNote, Summary},
    rules::Severity,
    text::escape,
};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "html",
    doc: "one page to look at, with filter and search",
    live: false,
    make: || Box::new(Html),
};

/// Findings that the page lists: more would make a browser slow.
const ROWS: usize = 5000;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

struct Html;

impl Report for Html {
    fn write(&self, summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
        let page = Page { summary, version: settings.version };
        out.write_all(page.text().as_bytes())
    }
}

struct Page<'a> {
    summary: &'a Summary,
    version: &'a str,
}

impl Page<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        // Only this page's own style and script may run, whatever a browser makes of the rest.
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
            digest(STYLE),
            digest(SCRIPT)
        );
        let _ = write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n",
            html(&self.title()),
        );
        self.head(&mut out);
        out.push_str("<main>\n");
        if self.summary.findings.is_empty() {
            out.push_str("<h2 id=\"findings\">Findings</h2>\n<p>None.</p>\n");
        } else {
            charts::write(self.summary, &mut out);
            self.findings(&mut out);
        }
        self.missed(&mut out);
        let _ = write!(
            out,
            "</main>\n<footer>Written by wirelint {}. Tokens and secrets are masked unless the report was asked to show \
             them.</footer>\n",
            html(self.version)
        );
        if !self.summary.findings.is_empty() {
            let _ = writeln!(out, "<script>{SCRIPT}</script>");
        }
        out.push_str("</body>\n</html>\n");
        out
    }

    fn title(&self) -> String {
        match self.summary.inputs.as_slice() {
            [] => "wirelint".to_owned(),
            [one] => format!("wirelint: {one}"),
            more => format!("wirelint: {}", counted(more.len() as u64, "file")),
        }
    }

    fn head(&self, out: &mut String) {
        let Summary { inputs, tally, tokens, findings, .. } = self.summary;
        let names: Vec<_> =
            inputs.iter().take(10).map(|name| format!("<code>{}</code>", html(name))).collect();
        let more = if inputs.len() > 10 { format!(" and {} more", inputs.len() - 10) } else { String::new() };
        let _ = write!(
            out,
            "<header>\n<h1>Tokens on the wire</h1>\n<p class=\"soft\">{}{more}: {}, {}, {}; {} of {}</p>\n<ul class=\"tiles\">\n",
            names.join(", "),
            counted(tally.flows, "flow"),
            counted(tally.frames, "packet"),
            bytes(tally.bytes),
            counted(tally.sightings, "sighting"),
            counted(*tokens, "distinct token"),
        );
        for severity in Severity::ALL.into_iter().rev() {
            let n = findings.iter().filter(|f| f.severity == severity).count() as u64;
            let _ = writeln!(out, "<li class=\"{severity}\"><b>{}</b> {severity}</li>", grouped(n));
        }
        out.push_str("</ul>\n</header>\n");
    }

    fn findings(&self, out: &mut String) {
        out.push_str("<h2 id=\"findings\">Findings</h2>\n");
        filter(out);
        let listed = &self.summary.findings[..self.summary.findings.len().min(ROWS)];
        // Rules in the order of their worst finding: the list is sorted by severity.
        let mut order: Vec<&str> = Vec::new();
        for finding in listed {
            if !order.contains(&finding.identity.rule.as_str()) {
                order.push(&finding.identity.rule);
            }
        }
        for id in order {
            let of: Vec<_> = listed.iter().filter(|f| f.identity.rule == id).collect();
            self.rule(id, &of, out);
        }
        if self.summary.findings.len() > ROWS {
            let more = grouped((self.summary.findings.len() - ROWS) as u64);
            let _ =
                writeln!(out, "<p>{more} more findings, the least severe, are left out of this page.</p>");
        }
    }

    fn rule(&self, id: &str, findings: &[&Finding], out: &mut String) {
        let Some(first) = findings.first() else { return };
        let note = self.summary.rules.iter().find(|note| note.id == id);
        let _ = write!(
            out,
            "<section class=\"rule\" aria-labelledby=\"rule-{0}\">\n<div class=\"head\"><span class=\"chip {1}\">{1}</span> \
             <h3 id=\"rule-{0}\">{2}</h3> <code>{0}</code></div>\n",
            html(id),
            first.severity,
            html(&first.title),
        );
        if let Some(note) = note {
            about(note, out);
        }
        let _ = writeln!(out, "<p class=\"todo\"><b>What to do:</b> {}</p>", prose(&first.remediation));
        let _ = write!(
            out,
            "<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Severity</th><th scope=\"col\">Where</th>\
             <th scope=\"col\">What was seen</th><th scope=\"col\">Times</th></tr></thead>\n<tbody>\n"
        );
        for finding in findings {
            self.row(finding, out);
        }
        out.push_str("</tbody></table></div>\n</section>\n");
    }

    fn row(&self, finding: &Finding, out: &mut String) {
        let target = words::target(finding).unwrap_or_else(|| "the whole run".to_owned());
        let mut place = Vec::new();
        if let (Some(file), Some(packet)) = (words::file(finding, self.summary), finding.packet) {
            place.push(format!("{}, packet {packet} (<code>{}</code>)", html(file), words::filter(packet)));
        }
        if finding.client.is_some() {
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
                .map_or_else(String::new, |name| format!(" <code>{}</code>", html(name)));
            place.push(format!("{}{name}", html(location)));
        }
        let _ = write!(
            out,
            "<tr id=\"f-{}\" data-severity=\"{}\" data-rule=\"{}\"><td><span class=\"chip {1}\">{1}</span>\
             <br><span class=\"soft\">{} confidence</span></td><td class=\"where\"><b>{}</b><br><span class=\"soft\">{}</span></td><td>{}",
            finding.fingerprint,
            finding.severity,
            html(&finding.identity.rule),
            finding.confidence,
            html(&target),
            place.join("<br>"),
            html(&finding.message),
        );
        for adjustment in &finding.adjustments {
            let _ = write!(out, "<br><span class=\"soft\">{}</span>", html(adjustment));
        }
        self.evidence(finding, out);
        let _ = writeln!(out, "</td><td class=\"n\">{}</td></tr>", grouped(finding.count));
    }

    fn evidence(&self, finding: &Finding, out: &mut String) {
        out.push_str("<details><summary>Evidence</summary><ul class=\"plain\">");
        if let (Some(first), Some(last)) = (finding.first_seen, finding.last_seen) {
            let _ = write!(out, "<li>first seen {first}, last seen {last}</li>");
        }
        for (sha256, text) in &finding.tokens {
            let _ = write!(
                out,
                "<li><code>{}</code> <span class=\"soft\">SHA-256 {}</span></li>",
                html(text),
                crate::text::hex(sha256)
            );
        }
        let _ = write!(out, "<li>fingerprint <code>{}</code></li></ul></details>", finding.fingerprint);
    }

    fn missed(&self, out: &mut String) {
        out.push_str("<h2>What was not inspected</h2>\n");
        let missed = tail::missed(self.summary);
        if tail::nothing_read(self.summary) {
            out.push_str("<p>No packets were read.</p>\n");
        } else if missed.is_empty() {
            out.push_str("<p>Everything was inspected.</p>\n");
        } else {
            list(missed.iter(), out);
        }
        if !self.summary.warnings.is_empty() {
            out.push_str("<h2>Warnings about the inputs</h2>\n");
            list(self.summary.warnings.iter(), out);
        }
    }
}

fn list<'a>(items: impl Iterator<Item = &'a String>, out: &mut String) {
    out.push_str("<ul class=\"plain\">\n");
    for item in items {
        let _ = writeln!(out, "<li>{}</li>", html(item));
    }
    out.push_str("</ul>\n");
}

/// Shown by the script, without which it would do nothing.
fn filter(out: &mut String) {
    out.push_str(
        "<form id=\"filter\" role=\"search\" hidden><label>Search <input type=\"search\" name=\"search\" \
         placeholder=\"host, path, rule, packet\" aria-keyshortcuts=\"/\"></label>\n<fieldset><legend>Severity</legend>",
    );
    for severity in Severity::ALL.into_iter().rev() {
        let _ =
            write!(out, "<label><input type=\"checkbox\" value=\"{severity}\" checked> {severity}</label> ");
    }
    out.push_str("</fieldset> <span id=\"shown\" role=\"status\" class=\"soft\"></span></form>\n");
}

/// Why a rule matters, folded away.
fn about(note: &RuleNote, out: &mut String) {
    out.push_str("<details><summary>Why it matters</summary>");
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

/// A rule's Markdown, of which only code spans matter.
fn prose(markdown: &str) -> String {
    let mut out = String::new();
    for (i, part) in markdown.trim().split('`').enumerate() {
        let text = html(&part.replace('\n', " "));
        if i % 2 == 1 {
            let _ = write!(out, "<code>{text}</code>");
        } else {
            out.push_str(&text);
        }
    }
    out
}

/// Text that is no markup, in elements and attributes alike.
fn html(text: &str) -> String {
    let mut out = String::new();
    for c in escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The source of a content security policy that allows exactly this text.
fn digest(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};

    #[test]
    fn the_page_holds_every_finding_and_nothing_foreign() {
        let text = golden::render(&FORMAT, 80, false);
        assert_eq!(text.matches("<tr id=\"f-").count(), golden::summary().findings.len());
        for foreign in ["http://", "https://", "//cdn", "<link", "url(", "@import", "<img", "<iframe"] {
            let at = text.match_indices(foreign).map(|(at, _)| &text[at..(at + 40).min(text.len())]);
            let at: Vec<_> = at.filter(|t| !t.starts_with("https://issuer.example.test")).collect();
            assert!(at.is_empty(), "{at:?}");
        }
        let style = text.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        assert!(text.contains(&digest(style)) && text.contains(&digest(SCRIPT)));
        assert!(!text.contains(" style=\"") && !text.contains(" onclick"));
    }

    #[test]
    fn nothing_from_the_network_is_markup() {
        let mut summary = golden::summary();
        let hostile = "</script><script>alert(1)</script><b a='\"`&\u{202e}";
        let finding = &mut summary.findings[0];
        finding.message = hostile.into();
        finding.name = Some(hostile.into());
        finding.host = Some(hostile.into());
        finding.route = Some(format!("GET /{hostile}"));
        finding.tokens[0].1 = hostile.into();
        summary.inputs[0] = hostile.into();
        summary.warnings[0] = hostile.into();
        let mut out = Vec::new();
        Html.write(&summary, &Settings::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("<script").count(), 1);
        assert!(!text.contains("<b a") && !text.contains('\u{202e}'));
        assert!(text.matches("alert(1)").count() >= 7);
    }

    #[test]
    fn a_clean_run_has_no_script() {
        let mut out = Vec::new();
        Html.write(&golden::clean(), &Settings::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("<p>None.</p>") && text.contains("Everything was inspected."));
        assert!(!text.contains("<script") && !text.contains("<svg"));
    }

    #[test]
    fn code_spans_are_told_apart() {
        assert_eq!(prose("reject `a<b` and\n`c`."), "reject <code>a&lt;b</code> and <code>c</code>.");
    }
}
