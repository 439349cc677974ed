//! Records: what `flows`, `http`, `tokens`, `trace`, `inspect` and `crack` print of each value that passes, and the formats that they
//! print it in.

mod crack;
mod credentials;
mod flows;
#[cfg(test)]
mod golden;
mod http;
mod inspect;
mod mask;
mod story;
mod tls;
mod tokens;
mod trace;
mod writer;

use crate::report::Column;
use crate::token::{cloaked, cloaked_value};
use serde_json::Value;
use std::borrow::Cow;

pub use crack::CrackRecord;
pub use credentials::{credentials_in, secret_param};
pub use flows::{FlowRecord, flow_record};
pub use http::{HttpRecord, http_record};
pub use inspect::{INSPECT_FORMATS, InspectFormat, Inspection, inspect_format};
pub use mask::{field_credentials, mask_field, mask_target};
pub use story::Storyteller;
pub use tokens::{Context, TokenRecord, token_record};
pub use trace::{Around, TRACE_FORMATS, TraceFormat, Tracer, trace_format};
pub use writer::RecordWriter;

/// One kind of record. Its JSON is the contract; the other formats show of it what fits them.
pub trait Record: serde::Serialize {
    /// Columns of the CSV: paths into the JSON.
    const CSV: &'static [&'static str];
    /// Columns of the table.
    const COLUMNS: &'static [Column];

    /// Cells of the table, not escaped.
    fn row(&self) -> Vec<String>;

    /// The file that it is of, if it is of one.
    fn file(&self) -> Option<&str> {
        None
    }
}

/// A format of records.
#[derive(Clone, Copy, Debug)]
pub struct RecordFormat {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is, in a few words, for `--help`.
    pub doc: &'static str,
    kind: RecordKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RecordKind {
    Table,
    Ndjson,
    Csv,
}

/// Every format of records; the first is the default.
pub const RECORD_FORMATS: &[RecordFormat] = &[
    RecordFormat { name: "table", doc: "for people, as wide as the terminal", kind: RecordKind::Table },
    RecordFormat { name: "ndjson", doc: "one record a line, as JSON", kind: RecordKind::Ndjson },
    RecordFormat { name: "csv", doc: "one record a line, with a heading (RFC 4180)", kind: RecordKind::Csv },
];

/// The format of that name.
pub fn record_format(name: &str) -> Option<&'static RecordFormat> {
    RECORD_FORMATS.iter().find(|format| format.name == name)
}

/// A text from traffic, with the tokens in it masked unless `show` (`--show-secrets`).
fn shown(text: Cow<'_, str>, show: bool) -> Cow<'_, str> {
    match text {
        text if show => text,
        Cow::Borrowed(text) => cloaked(text),
        Cow::Owned(text) => Cow::Owned(cloaked(&text).into_owned()),
    }
}

/// The same of a member of a token. Anything else stays as sent.
fn shown_value(value: &Value, show: bool) -> Cow<'_, Value> {
    if show { Cow::Borrowed(value) } else { cloaked_value(value) }
}

/// A name that may be missing.
fn name(text: Option<&str>) -> String {
    text.filter(|t| !t.is_empty()).unwrap_or("-").to_owned()
}
