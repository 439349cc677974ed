//! Rules as text for people: the list, one rule, the reference page.

use std::fmt::Write;

use serde_json::json;

use super::rule::{Case, Group, Rule};
use super::set::RuleSet;
use crate::text::escape_into;

/// How a list of rules is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// One line a rule.
    Text,
    /// An array of objects.
    Json,
}

impl ListFormat {
    /// Names of the formats.
    pub const NAMES: &[&str] = &["text", "json"];

    /// The format of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Every rule of the set, whether it is enabled or not.
pub fn list(set: &RuleSet, format: ListFormat) -> String {
    match format {
        ListFormat::Text => list_text(set),
        ListFormat::Json => list_json(set),
    }
}

/// One rule, explained; at most 80 columns wide where words allow it.
pub fn show(rule: &Rule) -> String {
    let mut out = format!("{}\n{}\n\n", rule.id, "=".repeat(rule.id.chars().count()));
    wrap(&mut out, &rule.title, "");
    let _ = write!(
        out,
        "\nseverity   {}\nconfidence {}\ngroup      {}\njudges     {}\nfile       {}\n\n",
        rule.severity,
        rule.confidence,
        rule.group.as_str(),
        rule.on.as_str(),
        rule.file,
    );
    paragraphs(&mut out, &rule.about);
    out.push_str("\nFires when\n\n");
    wrap(&mut out, &rule.condition, "    ");
    cases(&mut out, "Severity", &rule.severity_if, |severity| severity.as_str());
    cases(&mut out, "Confidence", &rule.confidence_if, |confidence| confidence.as_str());
    out.push_str("\nWhat to do\n\n");
    paragraphs(&mut out, &rule.remedy);
    examples(&mut out, rule);
    if !rule.references.is_empty() || !rule.cwe.is_empty() {
        out.push_str("\nReferences\n\n");
        let cwe = rule.cwe.iter().map(|number| format!("CWE-{number}"));
        for reference in rule.references.iter().cloned().chain(cwe) {
            bullet(&mut out, &reference);
        }
    }
    escaped(&out)
}

/// The reference page of all rules, in Markdown.
pub fn docs(set: &RuleSet) -> String {
    let mut out = String::from("# Rules\n\nThis page is generated from the rules' files.\n");
    for group in Group::ALL {
        let rules: Vec<&Rule> = set.rules().iter().filter(|rule| rule.group == *group).collect();
        if rules.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "\n## {}\n\n| rule | severity | confidence | title |\n|---|---|---|---|\n",
            group.as_str()
        );
        for rule in &rules {
            let title = rule.title.replace('|', "\\|");
            let _ = writeln!(
                out,
                "| [`{0}`](#{0}) | {1} | {2} | {title} |",
                rule.id, rule.severity, rule.confidence
            );
        }
        for rule in rules {
            page(&mut out, rule);
        }
    }
    escaped(&out)
}

/// One rule in Markdown, without a heading: the help text of reports.
pub fn help(rule: &Rule) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}\n\n**What to do:** {}", rule.about, rule.remedy);
    if !rule.references.is_empty() || !rule.cwe.is_empty() {
        let cwe =
            rule.cwe.iter().map(|n| format!("[CWE-{n}](https://cwe.mitre.org/data/definitions/{n}.html)"));
        let all: Vec<String> = rule.references.iter().cloned().chain(cwe).collect();
        let _ = writeln!(out, "\n**References:** {}", all.join(", "));
    }
    out
}

fn list_text(set: &RuleSet) -> String {
    let width = set.rules().iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (at, rule) in set.rules().iter().enumerate() {
        let off = if set.is_enabled(at) { "" } else { " (off)" };
        let line = format!(
            "{:width$}  {:8}  {:6}  {:9}  {}{off}",
            rule.id,
            rule.severity,
            rule.confidence,
            rule.group.as_str(),
            rule.title
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    escaped(&out)
}

fn list_json(set: &RuleSet) -> String {
    let rules: Vec<serde_json::Value> = set
        .rules()
        .iter()
        .enumerate()
        .map(|(at, rule)| {
            json!({
                "id": rule.id,
                "title": rule.title,
                "severity": rule.severity.as_str(),
                "confidence": rule.confidence.as_str(),
                "group": rule.group.as_str(),
                "on": rule.on.as_str(),
                "enabled": set.is_enabled(at),
                "file": rule.file,
                "when": rule.condition,
                "remedy": rule.remedy,
                "references": rule.references,
                "cwe": rule.cwe,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(rules))
}

fn page(out: &mut String, rule: &Rule) {
    let _ = write!(
        out,
        "\n### {}\n\n{}. Severity {}, confidence {}, judges: {}.\n\n```text\n{}\n```\n",
        rule.id,
        rule.title.trim_end_matches('.'),
        rule.severity,
        rule.confidence,
        rule.on.as_str(),
        rule.condition,
    );
    markdown_cases(out, "Severity", &rule.severity_if, |severity| severity.as_str());
    markdown_cases(out, "Confidence", &rule.confidence_if, |confidence| confidence.as_str());
    let _ = write!(out, "\n{}", help(rule));
    for (label, examples) in [("Fires", &rule.bad), ("Silent", &rule.good)] {
        if !examples.is_empty() {
            let about: Vec<&str> = examples.iter().map(|example| example.about.as_str()).collect();
            let _ = write!(out, "\n**{label}:** {}.\n", about.join("; "));
        }
    }
}

fn markdown_cases<T: Copy>(
    out: &mut String,
    what: &str,
    cases: &[Case<T>],
    name: impl Fn(T) -> &'static str,
) {
    for (at, case) in cases.iter().enumerate() {
        let start = if at == 0 { "\n" } else { "" };
        let condition = case.condition.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "{start}- {what} {} if `{condition}`", name(case.is));
    }
}

fn cases<T: Copy>(out: &mut String, what: &str, cases: &[Case<T>], name: impl Fn(T) -> &'static str) {
    for case in cases {
        let _ = write!(out, "\n{what} {} if\n\n", name(case.is));
        wrap(out, &case.condition, "    ");
    }
}

fn examples(out: &mut String, rule: &Rule) {
    for (label, examples) in [("Fires", &rule.bad), ("Stays silent", &rule.good)] {
        if !examples.is_empty() {
            let _ = write!(out, "\n{label}, for example\n\n");
            examples.iter().for_each(|example| bullet(out, &example.about));
        }
    }
}

fn bullet(out: &mut String, text: &str) {
    let mut item = String::new();
    wrap(&mut item, text, "  ");
    if item.len() > 2 {
        item.replace_range(..2, "- ");
    }
    out.push_str(&item);
}

/// Appends paragraphs, each wrapped.
fn paragraphs(out: &mut String, text: &str) {
    for (at, paragraph) in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()).enumerate() {
        out.push_str(if at == 0 { "" } else { "\n" });
        wrap(out, paragraph, "");
    }
}

/// Appends words in lines of at most [`COLUMNS`] characters, each after `indent`.
fn wrap(out: &mut String, text: &str, indent: &str) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width <= COLUMNS {
            out.push(' ');
            column += 1 + width;
        } else {
            out.push_str(if column > 0 { "\n" } else { "" });
            out.push_str(indent);
            column = indent.len() + width;
        }
        out.push_str(word);
    }
    out.push('\n');
}

/// The text without anything that could steer a terminal: rules may come from anybody.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        escape_into(&mut out, line);
        out.push('\n');
    }
    out
}

const COLUMNS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;

    fn set() -> RuleSet {
        RuleSet::builtin(&Facts).unwrap()
    }

    #[test]
    fn the_list_has_a_line_for_every_rule() {
        let text = list(&set(), ListFormat::Text);
        let line = text.lines().find(|l| l.starts_with("jwt-alg-none ")).unwrap();
        assert_eq!(
            line.split_whitespace().take(4).collect::<Vec<_>>(),
            ["jwt-alg-none", "critical", "high", "jose"]
        );
        let json: serde_json::Value = serde_json::from_str(&list(&set(), ListFormat::Json)).unwrap();
        assert_eq!(json.as_array().unwrap().len(), set().rules().len());
        assert!(
            json.as_array()
                .unwrap()
                .iter()
                .any(|r| r["id"] == "jwt-missing-exp" && r["severity"] == "medium")
        );
    }

    #[test]
    fn every_rule_fits_80_columns() {
        for rule in set().rules() {
            let shown = show(rule);
            let wide = shown
                .lines()
                .find(|line| line.chars().count() > 80 && line.contains(' ') && !line.starts_with("file"));
            assert!(wide.is_none_or(|line| line.split_whitespace().count() == 1), "{wide:?}");
            assert!(
                shown.contains(&rule.title.split_whitespace().next().unwrap_or_default().to_owned()),
                "{shown}"
            );
        }
        let shown = show(set().get("jwt-missing-exp").unwrap());
        assert!(
            shown.contains("CWE-613") && shown.contains("What to do") && shown.contains("medium"),
            "{shown}"
        );
    }

    #[test]
    fn the_page_has_a_section_for_every_rule() {
        let page = docs(&set());
        assert!(page.contains("| [`jwt-alg-none`](#jwt-alg-none) | critical | high |"), "{page}");
        for rule in set().rules() {
            assert!(page.contains(&format!("\n### {}\n", rule.id)), "{}", rule.id);
        }
        assert!(page.contains("definitions/613.html"));
    }
}
