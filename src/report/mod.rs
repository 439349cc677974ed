//! Reports: what a run found, for people and for programs. A new format is one file and one line of [`FORMATS`].

mod csv;
mod ecs;
mod endpoint;
mod github;
#[cfg(test)]
pub(crate) mod golden;
mod grid;
mod html;
mod json;
mod junit;
mod markdown;
mod ndjson;
mod sarif;
mod schema;
pub(crate) mod style;
mod table;
mod tail;
pub(crate) mod text;
mod view;
mod words;

use crate::finding::Summary;
use crate::rules::Severity;
use std::io::{self, Write};

pub(crate) use csv::csv_row;
pub use ecs::ecs_line;
pub use endpoint::EndpointView;
pub(crate) use grid::Grid;
pub use grid::{Column, Kind};
pub use ndjson::ndjson_line;
pub use schema::REPORT_SCHEMA;
pub use table::finding_lines;

/// Writes the report of a run.
pub trait Report {
    /// Writes all of it. Errors are those of `out`.
    fn write(&self, summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()>;
}

/// What a format may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Columns of the terminal, or 80.
    pub width: usize,
    /// Whether colours may be used; without, nothing is printed but text.
    pub color: bool,
    /// `--fail-on`: findings below it are no failures; `None` for `never`.
    pub fail_on: Option<Severity>,
    /// This program's version.
    pub version: &'static str,
    /// The address of the page that explains the rules, each under its id.
    pub docs: Option<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            width: 80,
            color: false,
            fail_on: Some(Severity::Low),
            version: env!("CARGO_PKG_VERSION"),
            docs: None,
        }
    }
}

/// A report format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is, in a few words, for `--help`.
    pub doc: &'static str,
    /// Whether `live` can print it, finding by finding.
    pub live: bool,
    /// Whether it draws the traffic: who talked to whom, the lives of tokens. Only then is that gathered.
    pub story: bool,
    /// Makes its writer.
    pub make: fn() -> Box<dyn Report>,
}

/// Every format; the first is the default.
pub const FORMATS: &[Format] = &[
    table::FORMAT,
    json::FORMAT,
    ndjson::FORMAT,
    sarif::FORMAT,
    junit::FORMAT,
    github::FORMAT,
    markdown::FORMAT,
    csv::FORMAT,
    html::FORMAT,
];

/// The format of that name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_writes_the_golden_report_and_passes_errors_on() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for f in FORMATS {
            assert_eq!(format(f.name).map(|found| found.doc), Some(f.doc));
            for summary in [golden::summary(), golden::clean()] {
                let mut out = Vec::new();
                (f.make)().write(&summary, &Settings::default(), &mut out).unwrap();
                let text = String::from_utf8(out).unwrap();
                assert!(text.is_empty() || text.ends_with('\n'), "{}", f.name);
                assert!(!text.contains('\x1b'), "{}", f.name);
            }
            let error = (f.make)().write(&golden::summary(), &Settings::default(), &mut Closed).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{}", f.name);
        }
        assert!(format("yaml").is_none());
    }
}
