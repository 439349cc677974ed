//! The manual's page of the configuration.

use super::keys::{KEYS, Kind, TABLES};
use std::fmt::Write as _;

/// The page, in Markdown.
pub fn page() -> String {
    let mut out = String::from(
        "# wirelint.toml\n\nEvery key of the configuration. Generated from the code; `wirelint init` writes a file with all of \
         them,\n`wirelint schema config` a schema for editors. Where a file is looked for, and what counts when flags say \
         something else, stands\nin the [guide](guide.md#configuration). Paths start from the folder of the file.\n",
    );
    for table in TABLES {
        let title = match (table.name, table.many) {
            ("", _) => "The top of the file".to_owned(),
            (name, true) => format!("`[[{name}]]`"),
            (name, false) => format!("`[{name}]`"),
        };
        let beside =
            if table.beside { " Also in a file beside a capture (`NAME.wirelint.toml`)." } else { "" };
        let _ = write!(out, "\n## {title}\n\n{}{beside}\n\n", table.doc);
        out.push_str("| key | value | | for example |\n| --- | --- | --- | --- |\n");
        for key in KEYS.iter().filter(|key| key.table == table.name) {
            let name = if table.open { "any name".to_owned() } else { format!("`{}`", key.name) };
            let example = match table.open {
                true => format!("{} = {}", key.name, key.example),
                false => key.example.to_owned(),
            };
            let _ = writeln!(out, "| {name} | {} | {} | `{example}` |", kind(key.kind), key.doc);
        }
    }
    out
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Texts => "list of texts",
        Kind::Flag => "`true` or `false`",
        Kind::Count => "whole number",
        Kind::Share => "number from 0 to 1",
        Kind::Duration => "duration: `90s`, `10m`, `24h`, `30d`, or seconds",
        Kind::Date => "date",
        Kind::Word(_) => "a severity",
        Kind::Selectors => "list of texts and tables",
    }
}
