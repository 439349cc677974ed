//! The end of a report for people: what was seen, and what was not looked at.

use super::{
    grid::{Column, Grid, Kind},
    style::{self, Paint},
    text::{bytes, counted, grouped, wrap},
};
use crate::{finding::Summary, rules::Severity, text::escape};
use std::io::{self, Write};

/// Columns that labels take, with the space around them.
const LABEL: usize = 12;

/// Writes the summary in lines of at most `width` columns.
pub(super) fn write(summary: &Summary, width: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", paint.paint(style::BOLD, "summary"))?;
    let mut rows = seen(summary);
    for value in rows.iter_mut().filter_map(|row| row.last_mut()) {
        *value = wrap(value, width - LABEL).join("\n");
    }
    let columns = [Kind::Short, Kind::Long].map(|kind| Column::new("", kind));
    let grid = Grid::fit(&columns, &rows, width - 2);
    for line in grid.lines(&rows) {
        writeln!(out, "  {line}")?;
    }
    let missed = missed(summary);
    if nothing_read(summary) {
        return writeln!(out, "{}", paint.paint(style::WARN, "no packets were read"));
    }
    if missed.is_empty() {
        return writeln!(out, "{}", paint.paint(style::GOOD, "everything was inspected"));
    }
    writeln!(out, "{}", paint.paint(style::WARN, "not inspected:"))?;
    for reason in missed {
        for (i, line) in wrap(&escape(&reason), width - 4).into_iter().enumerate() {
            writeln!(out, "  {} {line}", if i == 0 { "-" } else { " " })?;
        }
    }
    Ok(())
}

/// Whether there was nothing to find anything in.
pub(super) fn nothing_read(summary: &Summary) -> bool {
    summary.tally.frames == 0 && summary.tally.messages == 0
}

/// What was seen: label and value.
fn seen(summary: &Summary) -> Vec<Vec<String>> {
    let tally = &summary.tally;
    let mut counts = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        let n = summary.findings.iter().filter(|f| f.severity == severity).count();
        if n > 0 {
            counts.push(format!("{} {severity}", grouped(n as u64)));
        }
    }
    let counts = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    let tokens = format!("{} distinct, {}", grouped(summary.tokens), counted(tally.sightings, "sighting"));
    let mut traffic = format!(
        "{}, {}, {}",
        counted(tally.flows, "flow"),
        counted(tally.frames, "packet"),
        bytes(tally.bytes)
    );
    if summary.inputs.len() > 1 {
        traffic.push_str(&format!(" in {}", counted(summary.inputs.len() as u64, "file")));
    }
    let mut rows = vec![("findings", counts), ("tokens", tokens), ("traffic", traffic)];
    let accepted = [(summary.known, "in the baseline"), (summary.suppressed, "suppressed")];
    let accepted = accepted.iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{} {how}", grouped(*n)));
    let accepted = accepted.collect::<Vec<_>>().join(", ");
    if !accepted.is_empty() {
        rows.insert(1, ("accepted", accepted));
    }
    if summary.crack_trials > 0 {
        rows.push(("attack", counted(summary.crack_trials, "HMAC trial")));
    }
    rows.into_iter().map(|(label, value)| vec![label.to_owned(), value]).collect()
}

/// Why TLS sessions stayed closed although there were keys, by the name under which it is counted.
const CLOSED: [(&str, &str); 5] = [
    ("tls_no_secret", "no secret of it in the key log"),
    ("tls_wrong_secret", "the secret does not fit"),
    ("tls_suite_unsupported", "its cipher suite is not supported"),
    ("tls_version_unsupported", "its version is not supported"),
    ("tls_handshake_missing", "its handshake was not captured"),
];

/// What was not looked at, or not kept.
pub(super) fn missed(summary: &Summary) -> Vec<String> {
    let tally = &summary.tally;
    let mut missed = Vec::new();
    if summary.interrupted {
        missed.push("the rest of the input: interrupted".to_owned());
    }
    if tally.opaque_bytes > 0 {
        let share = percent(tally.opaque_bytes, tally.payload_bytes);
        missed.push(format!("{share} of payload is TLS without keys ({})", bytes(tally.opaque_bytes)));
    }
    for (name, why) in CLOSED {
        if let Some(n) = tally.weirds.get(name) {
            missed.push(format!("{}: {why}", counted(*n, "TLS session")));
        }
    }
    if tally.gap_bytes > 0 {
        missed.push(format!("{} of streams never arrived", bytes(tally.gap_bytes)));
    }
    missed.extend(summary.coverage().into_iter().map(|(reason, n)| format!("{reason}: {}", grouped(n))));
    if summary.crack_cut {
        let trials = grouped(summary.crack_trials);
        missed.push(format!("weak secrets: the crack budget ended the attack after {trials} trials"));
    }
    if summary.dropped > 0 {
        missed.push(format!("{} over the bound, counted but not kept", counted(summary.dropped, "finding")));
    }
    if !summary.warnings.is_empty() {
        let n = counted(summary.warnings.len() as u64, "warning");
        let said = if summary.unsaid { "; without -q printed" } else { ", printed" };
        missed.push(format!("{n} about the inputs{said} on standard error"));
    }
    missed
}

/// A share in words: never 0 % of something, never 100 % where something is left.
fn percent(part: u64, whole: u64) -> String {
    let whole = whole.max(part).max(1);
    let share = (part as f64 / whole as f64 * 100.0).round() as u64;
    match share {
        0 => "less than 1 %".to_owned(),
        100 if part < whole => "more than 99 %".to_owned(),
        n => format!("{n} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn shares_do_not_round_to_nothing_or_all() {
        assert_eq!((percent(61, 100), percent(1, 100_000)), ("61 %".into(), "less than 1 %".into()));
        assert_eq!((percent(99_999, 100_000), percent(5, 5)), ("more than 99 %".into(), "100 %".into()));
    }
}
