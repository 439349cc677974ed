//! `github`: workflow commands, which GitHub shows as annotations of a run.

use super::{Format, Report, Settings, words};
use crate::{
    finding::{Finding, Summary},
    rules::Severity,
    text::escape,
};
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "github",
    doc: "annotations of a GitHub workflow",
    live: false,
    story: false,
    make: || Box::new(Github),
};

struct Github;

impl Report for Github {
    fn write(&self, summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
        for finding in &summary.findings {
            writeln!(out, "{}", annotation(finding, summary, settings))?;
        }
        Ok(())
    }
}

fn annotation(finding: &Finding, summary: &Summary, settings: &Settings) -> String {
    let command = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
        Severity::Info => "notice",
    };
    let file = words::file(finding, summary);
    let file = file.map_or_else(String::new, |name| format!("file={},line=1,", property(name)));
    let title = property(&format!("{} [{}]", finding.title, finding.identity.rule));
    let place = words::place(finding).map_or_else(String::new, |place| format!(" ({place})"));
    let page = words::page(settings, &finding.identity.rule);
    let page = page.map_or_else(String::new, |page| format!(" More: {page}"));
    let message = data(&format!("{}{place}. {}{page}", finding.message, finding.remediation));
    format!("::{command} {file}title={title}::{message}")
}

/// The text of a command, in which line breaks and percent signs are encoded.
fn data(text: &str) -> String {
    escape(text).replace('%', "%25")
}

/// The value of a property, which ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};

    #[test]
    fn a_line_for_each_finding() {
        let text = golden::render(&FORMAT, 80, false);
        assert_eq!(text.lines().count(), golden::summary().findings.len());
        for line in text.lines() {
            let (head, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
            let (command, properties) = head.split_once(' ').unwrap();
            assert!(["error", "warning", "notice"].contains(&command), "{line}");
            assert!(properties.split(',').all(|p| p.split_once('=').is_some()), "{line}");
            assert!(!message.is_empty() && !properties.contains("::"), "{line}");
        }
        insta::assert_snapshot!(
            text.lines().filter(|l| !l.contains("token-over")).collect::<Vec<_>>().join("\n")
        );
    }

    #[test]
    fn nothing_from_the_network_ends_a_command() {
        assert_eq!(property("a,b:c\n::error::x%"), "a%2Cb%3Ac\\n%3A%3Aerror%3A%3Ax%25");
        assert_eq!(data("a\r\n::set-output"), "a\\r\\n::set-output");
    }
}
