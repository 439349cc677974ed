//! `json`: the whole report as one object.

use super::{Format, Report, Settings, view::ReportView};
use crate::finding::Summary;
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "json",
    doc: "one object: inputs, summary, findings and warnings",
    live: false,
    story: false,
    make: || Box::new(Json),
};

struct Json;

impl Report for Json {
    fn write(&self, summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &ReportView::new(summary, settings.version))?;
        out.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use serde_json::Value;

    #[test]
    fn the_golden_report_is_one_object() {
        let text = golden::render(&super::FORMAT, 80, false);
        let value: Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["wirelint", "inputs", "summary", "findings", "warnings", "schema_version"]);
        assert_eq!(value["summary"]["severity"]["critical"], 2);
        insta::assert_snapshot!(text);
    }
}
