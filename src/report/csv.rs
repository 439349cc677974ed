//! `csv`: one finding a line, for spreadsheets (RFC 4180).

use super::{Format, Report, Settings, view::FindingView};
use crate::{finding::Summary, text::escape};
use serde_json::Value;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "csv",
    doc: "one finding a line, with a heading (RFC 4180)",
    live: false,
    story: false,
    make: || Box::new(Csv),
};

/// The columns, as paths into the JSON of a finding.
const COLUMNS: &[&str] = &[
    "rule",
    "title",
    "severity",
    "confidence",
    "fingerprint",
    "message",
    "file",
    "packet",
    "time",
    "flow",
    "client.addr",
    "client.port",
    "server.addr",
    "server.port",
    "location",
    "name",
    "host",
    "route",
    "token",
    "count",
    "first_seen",
    "last_seen",
    "remediation",
    "references",
    "cwe",
];

struct Csv;

impl Report for Csv {
    fn write(&self, summary: &Summary, _: &Settings, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{}\r\n", COLUMNS.join(","))?;
        for finding in &summary.findings {
            let value = serde_json::to_value(FindingView::new(finding, &summary.inputs))?;
            write!(out, "{}\r\n", csv_row(&value, COLUMNS))?;
        }
        Ok(())
    }
}

/// One line without its end: the cell at each path, text as it is, nothing for null, lists as JSON.
pub(crate) fn csv_row(value: &Value, columns: &[&str]) -> String {
    let cells =
        columns.iter().map(|path| match path.split('.').try_fold(value, |value, name| value.get(name)) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => cell(text),
            Some(other) => quoted(&other.to_string()),
        });
    cells.collect::<Vec<_>>().join(",")
}

/// A text that came from the network must neither move the cursor of a terminal nor become a formula when a
/// spreadsheet opens the file.
fn cell(text: &str) -> String {
    let text = &escape(text);
    if text.starts_with(['=', '+', '-', '@']) { quoted(&format!("'{text}")) } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let plain = !text.contains([',', '"', '\r', '\n']) && text.trim() == text;
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};

    #[test]
    fn quotes_where_it_must() {
        assert_eq!(
            (quoted("a b"), quoted("a,b"), quoted("a\"b")),
            ("a b".into(), "\"a,b\"".into(), "\"a\"\"b\"".into())
        );
        assert_eq!(
            (quoted("a\r\nb"), quoted(" a"), quoted("")),
            ("\"a\r\nb\"".into(), "\" a\"".into(), "".into())
        );
    }

    #[test]
    fn no_text_becomes_a_formula() {
        let value = serde_json::json!({ "a": "=cmd()", "b": -5, "c": "@x,y", "d": "1-2" });
        assert_eq!(csv_row(&value, &["a", "b", "c", "d", "e"]), "'=cmd(),-5,\"'@x,y\",1-2,");
    }

    #[test]
    fn the_golden_report_has_a_line_for_each_finding() {
        let text = golden::render(&FORMAT, 80, false);
        assert_eq!(text.matches("\r\n").count(), golden::summary().findings.len() + 1);
        insta::assert_snapshot!(text.lines().take(3).collect::<Vec<_>>().join("\n"));
    }
}
