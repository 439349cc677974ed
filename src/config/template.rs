//! What `wirelint init` writes.

use super::keys::{KEYS, TABLES};
use std::fmt::Write as _;

/// A configuration file that says nothing yet: every key as a comment, with what it means and an example.
pub fn template() -> String {
    let mut out = String::from(
        "# wirelint's configuration. It is found from the folder of the capture upward, and from the working directory.\n\
         # Flags and WIRELINT_* variables win over it. Every line is an example: remove the # of those that you want.\n",
    );
    for table in TABLES {
        let keys = KEYS.iter().filter(|key| key.table == table.name);
        out.push('\n');
        for line in wrap(table.doc) {
            let _ = writeln!(out, "# {line}");
        }
        match (table.name, table.many) {
            ("", _) => {}
            (name, true) => drop(writeln!(out, "# [[{name}]]")),
            (name, false) => drop(writeln!(out, "# [{name}]")),
        }
        let width = keys.clone().map(|key| name(key.name).len()).max().unwrap_or_default();
        for key in keys {
            let comment = if table.open { String::new() } else { format!("    # {}", key.doc) };
            let _ = writeln!(out, "# {:width$} = {}{comment}", name(key.name), key.example);
        }
    }
    out
}

/// A key as TOML wants it.
fn name(key: &str) -> String {
    let bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if bare { key.to_owned() } else { format!("\"{key}\"") }
}

/// Lines of at most 110 characters.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.last().is_some_and(|line| !line.is_empty() && line.len() + word.len() > 110);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
