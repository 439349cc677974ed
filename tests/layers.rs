//! Imports run downward only, in the order of the table in `docs/architecture.md`; files are small.

use crate::support::tree;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Lines that a source file may have, unit tests included.
const LINES: usize = 400;

/// What every module above them may import, without a word in its row.
const VOCABULARY: &[&str] = &["time", "limits", "tally", "text"];

/// The only files that may have `unsafe` code, each with its reason in its head.
const UNSAFE: &[&str] = &["src/capture/libpcap.rs", "src/crack/kernel/x86.rs"];

/// A row of the module table.
struct Row {
    module: String,
    may_import: BTreeSet<String>,
}

/// `docs/architecture.md` as this test reads it.
struct Table {
    rows: Vec<Row>,
    /// (file, module) that stands outside of the order.
    exceptions: BTreeSet<(String, String)>,
}

impl Table {
    fn read() -> Self {
        let text = tree::read("docs/architecture.md");
        let rows = table_below(&text, "## Modules")
            .map(|cells| Row {
                module: names(cells[0]).remove(0),
                may_import: names(cells[1]).into_iter().collect(),
            })
            .collect();
        let exceptions = table_below(&text, "### Exceptions")
            .map(|cells| (names(cells[0]).remove(0), names(cells[1]).remove(0)))
            .collect();
        Self { rows, exceptions }
    }

    /// Whether `import` is vocabulary that stands below `module`.
    fn is_vocabulary(&self, import: &str, module: &str) -> bool {
        VOCABULARY.contains(&import) && self.place(import) < self.place(module)
    }

    fn place(&self, module: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.module == module)
    }
}

/// The cells of the rows of the first table below a heading, without its two head rows.
fn table_below<'a>(text: &'a str, heading: &str) -> impl Iterator<Item = Vec<&'a str>> {
    let mut lines = text.lines();
    assert!(lines.any(|line| line == heading), "docs/architecture.md has no heading {heading:?}");
    lines
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// The words that a cell sets `like this`.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The top module that a source file belongs to; none for the roots of the library and the program.
fn module_of(file: &Path) -> Option<String> {
    let first = file.strip_prefix("src").ok()?.components().next()?;
    let name = Path::new(first.as_os_str()).file_stem()?.to_str()?.to_owned();
    (!["lib", "main", "build"].contains(&name.as_str())).then_some(name)
}

/// Code without its comments. A `//` inside of a string hides the rest of its line, which costs nothing here.
fn code(file: &Path) -> String {
    tree::read(file)
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Top modules that the code names behind `crate::`, in `use` or in place, alone or in braces.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let behind = &code[at + "crate::".len()..];
        let Some(inside) = behind.strip_prefix('{') else {
            found.insert(word(behind));
            continue;
        };
        let mut depth = 0;
        let mut start = 0;
        for (i, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                ',' | '}' if depth == 0 => {
                    found.insert(word(inside[start..i].trim_start()));
                    start = i + 1;
                }
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 && c == '}' && start == i + 1 {
                break;
            }
        }
    }
    found.remove("");
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// Imports that cross a module's border, by importing module: file and imported module.
fn crossings(table: &Table) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut all = BTreeMap::<_, BTreeSet<_>>::new();
    for file in tree::files("src", "rs") {
        let Some(module) = module_of(&file) else { continue };
        let mut imports = imports(&code(&file));
        imports.retain(|name| *name != module && table.place(name).is_some());
        let inside = file.strip_prefix("src").unwrap().display().to_string();
        all.entry(module).or_default().extend(imports.into_iter().map(|name| (inside.clone(), name)));
    }
    all
}

#[test]
fn imports_are_those_of_the_table() {
    let table = Table::read();
    let crossings = crossings(&table);
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for (module, crossings) in &crossings {
        let Some(row) = table.rows.iter().find(|row| row.module == *module) else {
            wrong.push(format!("`{module}` has no row"));
            continue;
        };
        for crossing in crossings {
            let (file, import) = crossing;
            if table.exceptions.contains(crossing) {
                used.insert(crossing.clone());
            } else if !row.may_import.contains(import) && !table.is_vocabulary(import, module) {
                wrong.push(format!(
                    "src/{file} imports `{import}`, which the row of `{module}` does not allow"
                ));
            }
        }
    }
    wrong.extend(
        table.exceptions.difference(&used).map(|(file, import)| {
            format!("the exception of `{import}` in src/{file} is not needed any more")
        }),
    );
    assert!(wrong.is_empty(), "docs/architecture.md and src/ differ:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_runs_one_way() {
    let table = Table::read();
    for (place, row) in table.rows.iter().enumerate() {
        assert_eq!(table.place(&row.module), Some(place), "`{}` has two rows", row.module);
        for import in &row.may_import {
            let below = table.place(import).unwrap_or_else(|| panic!("`{import}` has no row"));
            assert!(below < place, "`{}` stands above `{import}` but may import it", row.module);
        }
    }
}

#[test]
fn every_row_is_a_module() {
    for Row { module, .. } in Table::read().rows {
        let src = tree::root().join("src");
        let there = src.join(format!("{module}.rs")).is_file() || src.join(&module).join("mod.rs").is_file();
        assert!(there, "docs/architecture.md has a row for `{module}`, which does not exist");
    }
}

#[test]
fn a_module_is_left_by_crate_paths_only() {
    for file in tree::files("src", "rs") {
        let Some(module) = module_of(&file) else { continue };
        let depth = file.components().count() - 1 - usize::from(file.ends_with("mod.rs"));
        let root = format!("{}::", "super::".repeat(depth.max(1)).trim_end_matches("::"));
        for (at, _) in code(&file).match_indices(&root) {
            let name = word(&code(&file)[at + root.len()..]);
            let known = name != module && Table::read().place(&name).is_some();
            let own = tree::root().join("src").join(&module).join(format!("{name}.rs")).exists();
            assert!(!known || own, "{}: write crate::{name} for {root}{name}", file.display());
        }
    }
}

#[test]
fn files_are_small() {
    let long: Vec<_> = tree::files("src", "rs")
        .into_iter()
        .map(|file| (tree::read(&file).lines().count(), file))
        .filter(|(lines, _)| *lines > LINES)
        .map(|(lines, file)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "over {LINES} lines:\n{}", long.join("\n"));
}

#[test]
fn files_say_what_they_are() {
    for file in tree::files("src", "rs") {
        assert!(
            tree::read(&file).starts_with("//!"),
            "{} does not begin with its doc comment",
            file.display()
        );
    }
}

#[test]
fn unsafe_stays_in_its_place() {
    for file in tree::files("src", "rs") {
        let code = code(&file);
        let has = code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
        let may = UNSAFE.iter().any(|path| Path::new(path) == file);
        assert_eq!(has, may, "{}: unsafe code is for {UNSAFE:?}", file.display());
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let found =
        imports("use crate::{a::{B, C}, d, e::F};\nlet x = crate::g::h(); use crate::i::J; $crate::k!()");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "d", "e", "g", "i", "k"]);
}
