//! `markdown`: a page for a job summary or a merge request.

use super::{
    Format, Report, Settings, tail,
    text::{counted, grouped},
    words,
};
use crate::{
    finding::{Finding, Summary},
    rules::Severity,
    text::escape,
};
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "markdown",
    doc: "a page for a job summary or a merge request",
    live: false,
    story: false,
    make: || Box::new(Markdown),
};

/// Findings that are listed: a job summary holds one MiB.
const ROWS: usize = 500;

struct Markdown;

impl Report for Markdown {
    fn write(&self, summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "## wirelint\n")?;
        writeln!(out, "{}\n", headline(summary))?;
        if !summary.findings.is_empty() {
            writeln!(out, "| severity | finding | where | seen |")?;
            writeln!(out, "| --- | --- | --- | ---: |")?;
            for finding in summary.findings.iter().take(ROWS) {
                writeln!(out, "{}", row(finding, summary))?;
            }
            if summary.findings.len() > ROWS {
                writeln!(out, "\n{} more are left out.", grouped((summary.findings.len() - ROWS) as u64))?;
            }
            remedies(summary, settings, out)?;
        }
        let missed = tail::missed(summary);
        if tail::nothing_read(summary) {
            writeln!(out, "\nNo packets were read.")
        } else if missed.is_empty() {
            writeln!(out, "\nEverything was inspected.")
        } else {
            writeln!(out, "\n**Not inspected**\n")?;
            missed.iter().try_for_each(|reason| writeln!(out, "- {}", inline(reason)))
        }
    }
}

fn headline(summary: &Summary) -> String {
    let of = |severity| summary.findings.iter().filter(|f| f.severity == severity).count() as u64;
    let counts = Severity::ALL.into_iter().rev().map(|severity| (severity, of(severity)));
    let counts: Vec<_> = counts.filter(|(_, n)| *n > 0).map(|(s, n)| format!("{} {s}", grouped(n))).collect();
    let found =
        if counts.is_empty() { "**No findings**".to_owned() } else { format!("**{}**", counts.join(", ")) };
    format!(
        "{found} in {} and {} ({} of {})",
        counted(summary.tally.flows, "flow"),
        counted(summary.tally.frames, "packet"),
        counted(summary.tally.sightings, "sighting"),
        counted(summary.tokens, "token"),
    )
}

fn row(finding: &Finding, summary: &Summary) -> String {
    let mut places = Vec::new();
    places.extend(words::target(finding).map(|target| code(&target)));
    if let (Some(file), Some(packet)) = (words::file(finding, summary), finding.packet) {
        places.push(format!("{}, packet {packet}", inline(file)));
    }
    format!(
        "| {} | **{}**<br>{} | {} | {} |",
        finding.severity,
        inline(&finding.title),
        inline(&finding.message),
        places.join("<br>"),
        grouped(finding.count),
    )
}

/// What to do, once for each rule.
fn remedies(summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n<details><summary>What to do</summary>\n")?;
    let mut told = std::collections::HashSet::new();
    for finding in summary.findings.iter().take(ROWS) {
        if told.insert(finding.identity.rule.as_str()) {
            let rule = code(&finding.identity.rule);
            let rule = match words::page(settings, &finding.identity.rule) {
                Some(page) => format!("[{rule}]({page})"),
                None => rule,
            };
            writeln!(out, "- {rule}: {}", finding.remediation.trim())?;
        }
    }
    writeln!(out, "\n</details>")
}

/// Text within a line: nothing in it is markup, ends a cell, or becomes a link.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for c in escape(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            // What GitHub would make a mention or a link.
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    out.replace("://", ":&#47;/")
}

/// Text in code font within a table: HTML, because in a code span nothing can be escaped.
fn code(text: &str) -> String {
    format!("<code>{}</code>", inline(text))
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};

    #[test]
    fn the_golden_report() {
        insta::assert_snapshot!(golden::render(&FORMAT, 80, false));
        let mut out = Vec::new();
        Markdown.write(&golden::clean(), &Settings::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("**No findings** in 4 flows and 120 packets"), "{text}");
        assert!(text.ends_with("\nEverything was inspected.\n"));
    }

    #[test]
    fn nothing_from_the_network_is_markup() {
        let text = inline("a|b\n<img src=x>`c` [d](https://e) @f ![g] **h**");
        assert_eq!(
            text,
            "a\\|b\\\\n&lt;img src=x&gt;\\`c\\` \\[d\\](https:&#47;/e) &#64;f \\!\\[g\\] \\*\\*h\\*\\*"
        );
    }

    #[test]
    fn a_page_has_a_bound() {
        let mut summary = golden::summary();
        let one = summary.findings[0].clone();
        summary.findings = vec![one; ROWS + 3];
        let mut out = Vec::new();
        Markdown.write(&summary, &Settings::default(), &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("\n3 more are left out.\n"));
    }
}
