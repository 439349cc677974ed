//! `ndjson`: one finding a line.

use super::{Format, Report, Settings, view::FindingView};
use crate::finding::{Finding, Summary};
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "ndjson",
    doc: "one finding a line, as JSON",
    live: true,
    story: false,
    make: || Box::new(Ndjson),
};

/// One finding as a line of JSON, without the line break; `inputs` are the names of the files. `live` prints findings with it.
pub fn ndjson_line(finding: &Finding, inputs: &[String]) -> String {
    serde_json::to_string(&FindingView::new(finding, inputs)).unwrap_or_default()
}

struct Ndjson;

impl Report for Ndjson {
    fn write(&self, summary: &Summary, _: &Settings, out: &mut dyn Write) -> io::Result<()> {
        for finding in &summary.findings {
            writeln!(out, "{}", ndjson_line(finding, &summary.inputs))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};

    #[test]
    fn keys_stand_in_the_order_of_the_contract() {
        let summary = golden::summary();
        let text = golden::render(&FORMAT, 80, false);
        assert_eq!(text.lines().count(), summary.findings.len());
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
            let contract = [
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
                "client",
                "server",
                "location",
                "name",
                "host",
                "token",
                "count",
                "first_seen",
                "last_seen",
                "evidence",
                "remediation",
                "references",
                "cwe",
            ];
            assert_eq!(keys[..contract.len()], contract);
            assert!(value["evidence"]["tokens"].is_array());
        }
        insta::assert_snapshot!(text.lines().next().unwrap());
    }

    #[test]
    fn what_is_unknown_is_null() {
        let mut summary = golden::summary();
        let finding = summary.findings.pop().unwrap();
        let value: serde_json::Value = serde_json::from_str(&ndjson_line(&finding, &[])).unwrap();
        for key in ["file", "packet", "time", "flow", "location", "name", "token"] {
            assert!(value[key].is_null(), "{key}");
        }
        assert_eq!(value["client"].to_string(), r#"{"addr":null,"port":null}"#);
    }
}
