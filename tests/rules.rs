//! The built-in rules as files, and the pages that are generated from them.

use crate::support::run::wirelint;
use crate::support::tree;
use std::collections::BTreeSet;
use std::fs;
use wirelint::rules::builtin::BUILTIN;

#[test]
fn every_rule_file_is_built_in() {
    let files: BTreeSet<_> = tree::files("rules", "toml")
        .iter()
        .map(|file| file.strip_prefix("rules").unwrap().with_extension("").display().to_string())
        .collect();
    let builtin: BTreeSet<_> = BUILTIN.iter().map(|(id, _)| (*id).to_owned()).collect();
    let listed = wirelint(["rules", "list", "--format", "json"]).run().code(0).json();
    let listed = listed.as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(files, builtin);
    assert_eq!(files, listed);
    assert!(BUILTIN.is_sorted_by_key(|(id, _)| *id));
}

#[test]
fn every_rule_says_all_and_has_examples() {
    let mut wrong = Vec::new();
    for (id, text) in BUILTIN {
        let rule: toml::Table = text.parse().unwrap_or_else(|e| panic!("{id}: {e}"));
        for key in ["on", "group", "title", "severity", "confidence", "when", "message", "about", "remedy"] {
            if rule.get(key).and_then(toml::Value::as_str).is_none_or(|text| text.trim().is_empty()) {
                wrong.push(format!("{id} has no {key}"));
            }
        }
        // Traffic that could not be looked at is no weakness.
        let sources = if *id == "coverage-gap" { &[][..] } else { &["references", "cwe"] };
        for key in ["bad", "good"].iter().chain(sources) {
            if rule.get(*key).and_then(toml::Value::as_array).is_none_or(Vec::is_empty) {
                wrong.push(format!("{id} has no {key}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn generated_pages_are_fresh() {
    let said = |command: &[&str]| wirelint(command).run().code(0).quiet().out;
    let pages = [
        ("docs/rules.md", said(&["rules", "docs"])),
        ("docs/facts.md", said(&["rules", "docs", "--facts"])),
        ("docs/config.md", wirelint::config::page()),
        ("docs/schema/config.schema.json", said(&["schema", "config"])),
        ("docs/schema/rule.schema.json", said(&["schema", "rule"])),
    ];
    for (page, fresh) in pages {
        if std::env::var_os("UPDATE").is_some() {
            fs::write(tree::root().join(page), &fresh).unwrap();
        }
        let stored = fs::read_to_string(tree::root().join(page)).unwrap_or_default();
        assert!(stored == fresh, "{page} is not what wirelint says now: UPDATE=1 cargo test writes it");
    }
}

#[test]
fn pages_have_every_rule() {
    let page = tree::read("docs/rules.md");
    for (id, _) in BUILTIN {
        assert!(page.lines().any(|line| line == format!("### {id}")), "docs/rules.md has no {id}");
    }
}

/// The rule that `docs/rules-howto.md` teaches with is a rule that works.
#[test]
fn the_rule_of_the_how_to_holds_its_examples() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules-howto.md")).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("\n```").unwrap();
    let outcome = wirelint::example::test("token-of-staging.toml", text).unwrap();
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    assert_eq!(outcome.held, 2);
}
