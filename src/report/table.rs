//! `table`: for people. By severity, then by rule; where it was seen, what to do, and what was not looked at.

use super::{
    Format, Report, Settings,
    endpoint::EndpointView,
    grid::{Column, Grid, Kind},
    style::{self, Paint},
    tail,
    text::{broken, counted, grouped, last, shorten, shorten_front, width, wrap},
};
use crate::{
    finding::{Finding, Summary},
    rules::{Confidence, Severity},
    text::{escape, hex},
};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    io::{self, Write},
};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "table",
    doc: "for people, as wide as the terminal",
    live: true,
    story: false,
    make: || Box::new(Table),
};

/// Occurrences of a rule that are shown.
const PLACES: usize = 5;
/// Tokens of a rule that are named.
const TOKENS: usize = 3;
/// Digits of a token's SHA-256 that name it.
const DIGITS: usize = 12;
/// Widest and narrowest page.
const WIDTHS: (usize, usize) = (40, 120);
/// Width from which places stand in columns.
const WIDE: usize = 110;
/// Space before occurrences.
const INDENT: usize = 4;

/// One finding in lines, as `live` prints it at once. `inputs` are the names of the files.
pub fn finding_lines(finding: &Finding, inputs: &[String], settings: &Settings) -> Vec<String> {
    let page = Page::new(inputs, settings);
    let grid = page.fit(std::iter::once(finding));
    let mut lines = page.heading(&[finding]);
    lines.extend(page.paragraph("", &finding.message));
    lines.extend(page.places(&[finding], &grid));
    lines
}

struct Table;

impl Report for Table {
    fn write(&self, summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
        let page = Page::new(&summary.inputs, settings);
        let groups = groups(&summary.findings);
        let grid = page.fit(groups.iter().flat_map(|g| g.iter().take(PLACES)).copied());
        for group in &groups {
            for line in page.group(group, &grid) {
                writeln!(out, "{line}")?;
            }
            writeln!(out)?;
        }
        if groups.is_empty() && !tail::nothing_read(summary) {
            let all = tail::missed(summary).is_empty();
            let text = if all { "No findings." } else { "No findings in what was inspected." };
            writeln!(out, "{}\n", page.paint.paint(style::GOOD, text))?;
        }
        tail::write(summary, page.width, page.paint, out)
    }
}

/// Findings of one severity and rule, the worst first.
fn groups(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut index: HashMap<(Severity, &str), usize> = HashMap::new();
    let mut groups: Vec<(Severity, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        let key = (finding.severity, finding.identity.rule.as_str());
        let at = *index.entry(key).or_insert_with(|| {
            groups.push((finding.severity, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, group)) = groups.get_mut(at) {
            group.push(finding);
        }
    }
    groups.sort_by_key(|(severity, _)| Reverse(*severity));
    groups.into_iter().map(|(_, group)| group).collect()
}

/// What the lines are laid out for.
struct Page<'a> {
    inputs: &'a [String],
    /// Files of different folders bear the same name.
    alike: bool,
    width: usize,
    paint: Paint,
}

impl<'a> Page<'a> {
    fn new(inputs: &'a [String], settings: &Settings) -> Self {
        let width = settings.width.clamp(WIDTHS.0, WIDTHS.1);
        let mut names = HashSet::new();
        let alike = !inputs.iter().all(|input| names.insert(last(input, 1)));
        Self { inputs, alike, width, paint: Paint(settings.color) }
    }

    fn group(&self, group: &[&Finding], grid: &Grid) -> Vec<String> {
        let Some(first) = group.first() else { return Vec::new() };
        let mut lines = self.heading(group);
        let mut shown: Vec<(&str, Vec<&Finding>)> = Vec::new();
        for finding in group.iter().take(PLACES) {
            match shown.iter_mut().find(|(message, _)| *message == finding.message) {
                Some((_, findings)) => findings.push(finding),
                None => shown.push((&finding.message, vec![finding])),
            }
        }
        for (message, findings) in shown {
            lines.extend(self.paragraph("", message));
            lines.extend(self.places(&findings, grid));
        }
        if let Some(more) = group.len().checked_sub(PLACES).filter(|n| *n > 0) {
            let text = format!("… and {}; --format json lists all", counted(more as u64, "more place"));
            lines.extend(self.dim("    ", &text));
        }
        let tokens = tokens(group);
        if !tokens.is_empty() {
            lines.extend(self.dim("  ", &tokens));
        }
        let mut adjustments: Vec<_> = group.iter().flat_map(|f| &f.adjustments).copied().collect();
        adjustments.sort_unstable();
        adjustments.dedup();
        if !adjustments.is_empty() {
            lines.extend(self.paragraph("severity adjusted: ", &adjustments.join(", ")));
        }
        if !first.remediation.is_empty() {
            lines.extend(self.paragraph("fix: ", &first.remediation));
        }
        lines
    }

    /// Severity, title, rule, how often.
    fn heading(&self, group: &[&Finding]) -> Vec<String> {
        let Some(first) = group.first() else { return Vec::new() };
        let severity = first.severity.as_str();
        let doubt = match first.confidence {
            Confidence::High => String::new(),
            other => format!(", {other} confidence"),
        };
        let rule = format!("[{}{doubt}]", escape(&first.identity.rule));
        let times: u64 = group.iter().fold(0, |sum, f| sum.saturating_add(f.count));
        let count = match group.len() {
            1 => format!("x{}", grouped(times)),
            n => format!("x{} in {} places", grouped(times), grouped(n as u64)),
        };
        let rule = shorten(&rule, self.width.saturating_sub(width(&count) + 4));
        let rest = width(&rule) + width(&count) + 4;
        let room = self.width.saturating_sub(width(severity) + 2);
        let title = escape(&first.title);
        // Where the title has no room beside the rest, the rest takes a line of its own.
        let split = room < width(&title) + rest;
        let title = shorten(&title, room);
        let severity = self.paint.paint(style::severity(first.severity), severity);
        let title = self.paint.paint(style::BOLD, &title);
        let rule = self.paint.paint(style::DIM, &rule);
        match split {
            true => vec![format!("{severity}  {title}"), format!("  {rule}  {count}")],
            false => vec![format!("{severity}  {title}  {rule}  {count}")],
        }
    }

    /// Wrapped text behind a label, at the second level.
    fn paragraph(&self, label: &str, text: &str) -> Vec<String> {
        let hang = if label.len() > 8 { 0 } else { label.len() };
        let text = if hang == 0 { format!("{label}{}", escape(text)) } else { escape(text) };
        let lines = wrap(&text, self.width - 2 - hang).into_iter().enumerate();
        lines
            .map(|(i, line)| match i {
                _ if hang == 0 => format!("  {line}"),
                0 => format!("  {}{line}", self.paint.paint(style::GOOD, label)),
                _ => format!("  {:hang$}{line}", ""),
            })
            .collect()
    }

    fn dim(&self, indent: &str, text: &str) -> Vec<String> {
        let lines = wrap(text, self.width - indent.len()).into_iter();
        lines.map(|line| format!("{indent}{}", self.paint.paint(style::DIM, &line))).collect()
    }

    fn fit<'f>(&self, findings: impl Iterator<Item = &'f Finding>) -> Grid {
        let twice = |title| Column { lines: 2, ..Column::new(title, Kind::Long) };
        let mut columns = vec![twice("WHERE"), twice("ENDS")];
        columns.extend(["PLACE", "PACKET", "COUNT"].map(|title| Column::new(title, Kind::Short)));
        let rows: Vec<_> = if self.wide() { findings.map(|f| self.row(f)).collect() } else { Vec::new() };
        Grid::fit(&columns, &rows, self.width - INDENT)
    }

    const fn wide(&self) -> bool {
        self.width >= WIDE
    }

    /// Where findings are: in columns, or below each other where columns would be narrow.
    fn places(&self, findings: &[&Finding], grid: &Grid) -> Vec<String> {
        if !self.wide() {
            return findings.iter().flat_map(|finding| self.stacked(finding)).collect();
        }
        let rows: Vec<_> = findings.iter().map(|finding| self.row(finding)).collect();
        grid.lines(&rows).into_iter().map(|line| format!("{:INDENT$}{line}", "")).collect()
    }

    /// Where, ends, place, packet, count.
    fn row(&self, finding: &Finding) -> Vec<String> {
        vec![
            subject(finding),
            ends(finding),
            shorten(&place(finding), self.width / 4),
            self.packet(finding, self.width / 6).join("\n"),
            format!("x{}", grouped(finding.count)),
        ]
    }

    /// Where and how often; below it everything else.
    fn stacked(&self, finding: &Finding) -> Vec<String> {
        let count = format!("  x{}", grouped(finding.count));
        let mut lines = broken(&subject(finding), self.width - INDENT - width(&count));
        if let Some(first) = lines.first_mut() {
            first.push_str(&count);
        }
        for line in &mut lines {
            line.insert_str(0, &" ".repeat(INDENT));
        }
        let packet = self.packet(finding, self.width / 2).join(" ");
        let about = [place(finding), packet, ends(finding)];
        let about: Vec<_> = about.into_iter().filter(|text| !text.is_empty()).collect();
        lines.extend(self.dim(&" ".repeat(INDENT + 2), &about.join(", ")));
        lines
    }

    /// `packet 4`, and `of login.pcap` where there are several files.
    fn packet(&self, finding: &Finding, room: usize) -> Vec<String> {
        let Some(packet) = finding.packet else { return Vec::new() };
        let mut said = vec![format!("packet {packet}")];
        let file = finding.file.and_then(|id| self.inputs.get(id.0 as usize));
        if let Some(file) = file.filter(|_| self.inputs.len() > 1) {
            let name = last(file, if self.alike { 2 } else { 1 });
            said.push(format!("of {}", shorten_front(&escape(name), room)));
        }
        said
    }
}

/// Both ends of the connection, if there is one.
fn ends(finding: &Finding) -> String {
    match (finding.client, finding.server) {
        (None, None) => String::new(),
        (client, server) => {
            format!("{} -> {}", EndpointView(client).address(), EndpointView(server).text())
        }
    }
}

/// Where in the message.
fn place(finding: &Finding) -> String {
    let place = [finding.location.as_deref(), finding.name.as_deref()];
    escape(&place.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// `GET api.example.test/v1/items/{id}`; without an exchange the host, else the server.
fn subject(finding: &Finding) -> String {
    let host = finding.host.as_deref().filter(|h| !h.is_empty());
    let host = host.map(str::to_owned).or_else(|| finding.server.map(|s| EndpointView(Some(s)).text()));
    let text = match (&finding.route, host) {
        (Some(route), Some(host)) => match route.split_once(' ') {
            Some((method, path)) if path.starts_with('/') => format!("{method} {host}{path}"),
            Some((method, path)) => format!("{method} {host} {path}"),
            None => format!("{route} {host}"),
        },
        (Some(route), None) => route.clone(),
        (None, Some(host)) => host,
        (None, None) => "the whole run".to_owned(),
    };
    escape(&text)
}

/// The tokens of a group by the first digits of their SHA-256, as `trace --token` takes them.
fn tokens(group: &[&Finding]) -> String {
    let mut all: Vec<&[u8]> = Vec::new();
    for (sha256, _) in group.iter().flat_map(|f| &f.tokens) {
        let id = sha256.get(..DIGITS / 2).unwrap_or(sha256);
        if !all.contains(&id) {
            all.push(id);
        }
    }
    let named = all.iter().take(TOKENS).map(|id| hex(id)).collect::<Vec<_>>().join(" ");
    match (all.len(), all.len().saturating_sub(TOKENS)) {
        (0, _) => String::new(),
        (1, _) => format!("token {named}"),
        (_, 0) => format!("tokens {named}"),
        (_, more) => format!("tokens {named} and {} more", grouped(more as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};

    #[test]
    fn golden_at_80_columns() {
        let text = golden::render(&FORMAT, 80, false);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn golden_at_120_columns() {
        let text = golden::render(&FORMAT, 120, false);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn no_line_is_wider_than_the_page_and_nothing_escapes() {
        for columns in [40, 60, 79, 80, 100, 110, 120, 200] {
            for line in golden::render(&FORMAT, columns, false).lines() {
                assert!(width(line) <= columns.min(120), "{columns}: {line}");
                assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line}");
            }
        }
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let colored = golden::render(&FORMAT, 80, true);
        assert!(colored.contains("\x1b["));
        let plain = anstream::adapter::strip_str(&colored).to_string();
        assert_eq!(plain, golden::render(&FORMAT, 80, false));
    }

    #[test]
    fn a_clean_run_says_so() {
        let mut out = Vec::new();
        Table.write(&golden::clean(), &Settings::default(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
        let mut out = Vec::new();
        Table.write(&Summary::default(), &Settings::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("no packets were read") && !text.contains("everything was inspected"),
            "{text}"
        );
    }

    #[test]
    fn one_finding_prints_at_once() {
        let summary = golden::summary();
        let lines = finding_lines(&summary.findings[0], &summary.inputs, &Settings::default());
        insta::assert_snapshot!(lines.join("\n"));
    }
}
