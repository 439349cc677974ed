//! `wirelint rules`: list, explain, test and document rules.

use super::{Failure, all_rules, exit, output};
use crate::cli::RulesCommand;
use crate::example;
use crate::facts::FAMILIES;
use crate::rules::RuleSet;
use crate::rules::builtin::BUILTIN;
use crate::rules::docs::{self, ListFormat};
use crate::rules::folder::read_dir;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Runs the command.
pub(super) fn run(command: &RulesCommand) -> Result<u8, Failure> {
    let (text, code) = match command {
        RulesCommand::List { format, rules } => {
            let format = ListFormat::parse(format)
                .ok_or_else(|| super::scan::unknown_format(format, ListFormat::NAMES.iter().copied()))?;
            (docs::list(&all_rules(rules)?, format), exit::CLEAN)
        }
        RulesCommand::Show { id, rules } => {
            let set = all_rules(rules)?;
            let rule = set.find(id).map_err(|e| Failure::mistakes(&[e]))?;
            (docs::show(rule), exit::CLEAN)
        }
        RulesCommand::Test { dir } => test(dir.as_ref())?,
        RulesCommand::Docs { facts: true, .. } => (facts(), exit::CLEAN),
        RulesCommand::Docs { rules, .. } if rules.is_empty() => (docs::docs(&all_rules(&[])?), exit::CLEAN),
        RulesCommand::Docs { rules, .. } => {
            // Rules that have the name of a built-in one are refused here as well.
            all_rules(rules)?;
            (docs::docs(&super::with_dirs(Ok(RuleSet::default()), rules)?), exit::CLEAN)
        }
    };
    let mut out = output::open(None)?;
    output::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(code)
}

/// Runs the examples of the rules; exit code 1 if one does not hold.
fn test(dir: Option<&PathBuf>) -> Result<(String, u8), Failure> {
    let sources = match dir {
        None => BUILTIN.iter().map(|(id, text)| (format!("rules/{id}.toml"), (*text).to_owned())).collect(),
        Some(dir) => {
            all_rules(std::slice::from_ref(dir))?;
            read_dir(dir).map_err(|e| Failure::mistakes(&[e]))?
        }
    };
    let (mut text, mut held, mut failed) = (String::new(), 0, 0);
    for (file, source) in sources {
        let outcome = example::test(&file, &source).map_err(|e| Failure::mistakes(&[*e]))?;
        for failure in &outcome.failures {
            let _ = writeln!(text, "{file}:{}: {}", failure.line, failure.cause);
        }
        failed += outcome.failures.len();
        held += outcome.held;
    }
    let _ = writeln!(text, "{held} examples hold, {failed} do not");
    Ok((text, if failed == 0 { exit::CLEAN } else { exit::FINDINGS }))
}

/// The reference page of facts.
fn facts() -> String {
    let mut out = String::from(
        "# Facts\n\nWhat rules can ask about. Generated from the code by `wirelint rules docs --facts`.\n",
    );
    for family in FAMILIES {
        let subjects: Vec<_> = family.subjects.iter().map(|s| s.as_str()).collect();
        let late = if family.late { " Late: known at the end of input." } else { "" };
        let _ = write!(
            out,
            "\n## {}\n\n{} Subjects: {}.{late}\n\n",
            family.name,
            family.doc,
            subjects.join(", ")
        );
        out.push_str("| fact | type | meaning |\n| --- | --- | --- |\n");
        for field in family.fields {
            let _ = writeln!(out, "| `{}` | {} | {} |", field.name, field.ty, field.doc);
        }
    }
    out
}
