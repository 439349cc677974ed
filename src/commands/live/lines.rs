//! Findings as lines on standard output, as they come.

use super::announce::Change;
use super::outlet::Outlet;
use crate::finding::Finding;
use crate::report::{Settings, finding_lines, ndjson_line};
use std::io::Write;

/// Lines of a table, or of JSON.
pub(super) struct Lines {
    pub(super) out: Box<dyn Write>,
    pub(super) json: bool,
    pub(super) settings: Settings,
}

impl Outlet for Lines {
    fn finding(&mut self, finding: &Finding, change: Change, names: &[String]) {
        let text = match change {
            _ if self.json => ndjson_line(finding, names),
            Change::New | Change::Worse => finding_lines(finding, names, &self.settings).join("\n"),
            Change::Again(more) => {
                let host = finding.host.as_deref().unwrap_or("-");
                let route = finding.route.as_deref().unwrap_or_default();
                let text = format!(
                    "again   {} x{more}, {} in all: {host} {route}",
                    finding.identity.rule, finding.count
                );
                crate::text::escape(text.trim_end())
            }
        };
        // A reader that went away is noticed by the pipe's signal or the summary; live goes on.
        let _ = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
    }
}
