//! Writes records as they come.

use super::{Record, RecordFormat, RecordKind};
use crate::report::csv_row;
use crate::report::{Grid, Settings};
use crate::text::escape;
use std::io::{self, Write};

/// Rows of a table that are laid out together: the widths are those that the first of them need, and memory does not
/// grow with the capture.
const ROWS: usize = 500;
/// Narrowest table.
const NARROW: usize = 40;

/// Writes records of one kind in one format. [`RecordWriter::finish`] writes what is held.
#[derive(Debug)]
pub struct RecordWriter {
    kind: RecordKind,
    width: usize,
    started: bool,
    rows: Vec<Vec<String>>,
    grid: Option<Grid>,
    /// There are several inputs, so that a table says which file its rows are of.
    several: bool,
    /// The file of the last row.
    file: Option<String>,
    /// It has not been said yet.
    unsaid: bool,
}

impl RecordWriter {
    /// A writer of `format`.
    pub fn new(format: &RecordFormat, settings: &Settings) -> Self {
        let width = settings.width.max(NARROW);
        let (rows, grid, file) = Default::default();
        Self { kind: format.kind, width, started: false, rows, grid, several: false, file, unsaid: false }
    }

    /// The same for records of several files: a line of its own names each, in a table.
    #[must_use]
    pub fn of_several(self, several: bool) -> Self {
        Self { several, ..self }
    }

    /// Writes one record, or holds it for a while.
    pub fn write<R: Record>(&mut self, record: &R, out: &mut dyn Write) -> io::Result<()> {
        match self.kind {
            RecordKind::Ndjson => {
                serde_json::to_writer(&mut *out, record)?;
                out.write_all(b"\n")
            }
            RecordKind::Csv => {
                self.start::<R>(out)?;
                write!(out, "{}\r\n", csv_row(&serde_json::to_value(record)?, R::CSV))
            }
            RecordKind::Table => {
                if self.several && record.file() != self.file.as_deref() {
                    self.flush::<R>(out)?;
                    self.file = record.file().map(str::to_owned);
                    self.unsaid = true;
                }
                self.rows.push(record.row().iter().map(|cell| escape(cell)).collect());
                if self.rows.len() >= ROWS { self.flush::<R>(out) } else { Ok(()) }
            }
        }
    }

    /// Writes what is held; a CSV without records has its headings.
    pub fn finish<R: Record>(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match self.kind {
            RecordKind::Ndjson => Ok(()),
            RecordKind::Csv => self.start::<R>(out),
            RecordKind::Table => self.flush::<R>(out),
        }
    }

    fn start<R: Record>(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        write!(out, "{}\r\n", R::CSV.join(","))
    }

    fn flush<R: Record>(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        let grid = self.grid.get_or_insert_with(|| Grid::fit(R::COLUMNS, &rows, self.width));
        if !std::mem::replace(&mut self.started, true) {
            writeln!(out, "{}", grid.header())?;
        }
        if let Some(file) = self.file.as_ref().filter(|_| std::mem::replace(&mut self.unsaid, false)) {
            writeln!(out, "{}:", escape(file))?;
        }
        for line in grid.lines(&rows) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            FlowRecord, HttpRecord, RECORD_FORMATS, TokenRecord, flow_record, golden, http_record,
            record_format, token_record,
        },
        *,
    };
    use crate::message::Place;
    use crate::token::Scanner;

    fn written<R: Record>(format: &str, width: usize, records: &[&R]) -> String {
        let settings = Settings { width, ..Settings::default() };
        let (mut writer, mut out) =
            (RecordWriter::new(record_format(format).unwrap(), &settings), Vec::new());
        for record in records {
            writer.write(*record, &mut out).unwrap();
        }
        writer.finish::<R>(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tables_fit_and_nothing_escapes() {
        let (flow, exchange, mut sighting) =
            (golden::flow(), golden::exchange(), golden::sighting(golden::TOKEN));
        sighting.place = Place::named(sighting.place.location, "a\x1b[31m\u{202e}b");
        let context = super::super::Context {
            exchange: Some(&exchange),
            flow: 7,
            file: "a.pcap",
            signature: Some("weak-secret"),
            show_secrets: false,
        };
        let scanner = Scanner::new();
        let (a, b) = (
            flow_record(&flow, 7, "a.pcap", &[5], &[]),
            http_record(&exchange, "a.pcap", 7, &scanner, false),
        );
        let c = token_record(&sighting, context, &scanner);
        for width in [40, 80, 120, 200] {
            let text = [
                written("table", width, &[&a, &a]),
                written("table", width, &[&b]),
                written("table", width, &[&c]),
            ]
            .join("\n");
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
                assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line}");
            }
            if width == 80 {
                insta::assert_snapshot!(text);
            }
        }
    }

    #[test]
    fn tables_of_several_files_name_them() {
        let exchange = golden::exchange();
        let records = ["a.pcap", "a.pcap", "b\x1b.pcap"]
            .map(|file| http_record(&exchange, file, 7, &Scanner::new(), false));
        let mut out = Vec::new();
        let mut writer =
            RecordWriter::new(record_format("table").unwrap(), &Settings::default()).of_several(true);
        records.iter().for_each(|record| writer.write(record, &mut out).unwrap());
        writer.finish::<HttpRecord<'_>>(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().map(|line| line.ends_with(':').then_some(line)).collect();
        let escaped = format!("{}:", escape("b\x1b.pcap"));
        assert_eq!(lines, [None, Some("a.pcap:"), None, None, Some(&*escaped), None], "{text}");
    }

    #[test]
    fn csv_has_one_heading_and_as_many_cells() {
        let exchange = golden::exchange();
        let record = http_record(&exchange, "a,b.pcap", 7, &Scanner::new(), false);
        let text = written("csv", 80, &[&record, &record]);
        assert_eq!(text.matches("request.method").count(), 1);
        assert_eq!(text.matches("\r\n").count(), 3);
        insta::assert_snapshot!(text.replace('\r', ""));
        assert_eq!(written::<FlowRecord<'_>>("csv", 80, &[]).split(',').count(), FlowRecord::CSV.len());
        assert_eq!(written::<TokenRecord<'_>>("ndjson", 80, &[]), "");
        assert_eq!(written::<HttpRecord<'_>>("table", 80, &[]), "");
        assert_eq!(RECORD_FORMATS.iter().map(|f| f.name).collect::<Vec<_>>(), ["table", "ndjson", "csv"]);
    }

    #[test]
    fn long_tables_are_written_in_parts_under_one_heading() {
        let flow = golden::flow();
        let record = flow_record(&flow, 7, "a.pcap", &[], &[]);
        let text = written("table", 80, &vec![&record; 1201]);
        assert_eq!(text.lines().count(), 1202);
        assert_eq!(text.matches("PROTOCOL").count(), 1);
    }
}
