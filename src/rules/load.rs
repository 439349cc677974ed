//! Reads rule files. Everything that can be wrong with a rule is found here.

use toml::de::DeTable;

use super::document::{Section, Text};
use super::error::{RuleError, RuleErrorKind};
use super::expr::{Program, Template};
use super::nearest::nearest;
use super::rule::{Case, Event, EventKind, Example, Group, Rule, Schemas, Subject};
use super::severity::{Confidence, Severity};
use crate::facts::value::{FieldId, Schema, Type};
use crate::limits;

/// Reads one rule. `file` is its name for messages, whose stem is the rule's id.
pub fn load(file: &str, text: &str, schemas: &dyn Schemas) -> Result<Rule, RuleError> {
    let id = id(file)?;
    if text.len() > limits::RULE_BYTES {
        return Err(RuleError::new(file, RuleErrorKind::TooLarge));
    }
    let toml_error = |error: toml::de::Error| {
        let kind = RuleErrorKind::Toml(error.message().trim().replace('\n', "; "));
        RuleError::at(file, kind, text, error.span().unwrap_or(0..0))
    };
    let document = DeTable::parse(text).map_err(toml_error)?;
    // Only examples are tables whose members are not known.
    let has_examples = ["bad", "good"].iter().any(|key| document.get_ref().contains_key(*key));
    let values: toml::Table =
        if has_examples { toml::from_str(text).map_err(toml_error)? } else { toml::Table::new() };
    let top = Section::top(file, text, document.get_ref(), KEYS)?;

    let on = top.choice("on", Subject::NAMES, Subject::parse)?;
    let group = top.choice("group", Group::NAMES, Group::parse)?;
    let severity = top.choice("severity", &Severity::NAMES, Severity::parse)?;
    let confidence = top.choice("confidence", &Confidence::NAMES, Confidence::parse)?;
    let title = line(&top, "title")?;
    let schema = schemas.schema(on);
    let (condition, when) = program(&top, schema)?;
    let message = top.required("message")?;
    let template = Template::compile(message.value, schema).map_err(|error| {
        let span = message.place(text, error.span.clone());
        RuleError::expression(file, error, text, span)
    })?;
    Ok(Rule {
        id: id.to_owned(),
        file: file.to_owned(),
        on,
        group,
        title,
        severity,
        fixed: None,
        confidence,
        condition,
        when,
        message: template,
        about: top.required("about")?.value.trim().to_owned(),
        remedy: top.required("remedy")?.value.trim().to_owned(),
        references: top.texts("references")?,
        cwe: top.numbers("cwe")?,
        severity_if: cases(&top, "severity-if", schema, &Severity::NAMES, Severity::parse)?,
        confidence_if: cases(&top, "confidence-if", schema, &Confidence::NAMES, Confidence::parse)?,
        bad: examples(&top, "bad", &values)?,
        good: examples(&top, "good", &values)?,
    })
}

/// Reads arbitrary bytes as a rule file: nothing but an error may come of it.
#[doc(hidden)]
pub fn fuzz_rule_file(data: &[u8]) {
    struct Anything;

    impl Schema for Anything {
        fn field(&self, path: &[&str]) -> Option<(FieldId, Type, usize)> {
            const TYPES: &[(&str, Type)] = &[
                ("channel", Type::Str),
                ("token", Type::Json),
                ("replay", Type::Map),
                ("count", Type::Int),
                ("list", Type::List(&Type::Str)),
                ("flag", Type::Bool),
            ];
            let at = TYPES.iter().position(|(name, _)| path.first() == Some(name))?;
            Some((FieldId(u16::try_from(at).ok()?), TYPES[at].1, 1))
        }

        fn names(&self) -> Vec<String> {
            vec!["channel".to_owned(), "token".to_owned()]
        }
    }

    impl Schemas for Anything {
        fn schema(&self, _: Subject) -> &dyn Schema {
            self
        }
    }

    struct Nothing;

    impl crate::facts::value::Lookup for Nothing {
        fn value(&self, field: FieldId) -> crate::facts::value::Value<'_> {
            if field.0 == 5 {
                crate::facts::value::Value::Pending
            } else {
                crate::facts::value::Value::Missing
            }
        }
    }

    let Ok(text) = std::str::from_utf8(data) else { return };
    match load("fuzz.toml", text, &Anything) {
        Ok(rule) => {
            rule.judge(&Nothing);
            rule.message.render(&Nothing);
        }
        Err(error) => drop(error.to_string()),
    }
}

pub(super) const KEYS: &[&str] = &[
    "on",
    "group",
    "title",
    "severity",
    "confidence",
    "when",
    "message",
    "about",
    "remedy",
    "references",
    "cwe",
    "severity-if",
    "confidence-if",
    "bad",
    "good",
];

/// The id in a file's name.
fn id(file: &str) -> Result<&str, RuleError> {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let id = name.strip_suffix(".toml").unwrap_or(name);
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let kebab = id.starts_with(|c: char| c.is_ascii_lowercase()) && id.split('-').all(word);
    match kebab && id.len() <= 80 {
        true => Ok(id),
        false => Err(RuleError::new(file, RuleErrorKind::Id(id.to_owned()))),
    }
}

/// A text of one line.
fn line(section: &Section<'_>, key: &'static str) -> Result<String, RuleError> {
    let text = section.required(key)?;
    if text.value.contains(char::is_control) {
        let kind = RuleErrorKind::Type { key: key.to_owned(), expected: "one line" };
        return Err(section.error(kind, text.span));
    }
    Ok(text.value.trim().to_owned())
}

fn program(section: &Section<'_>, schema: &dyn Schema) -> Result<(String, Program), RuleError> {
    let text: Text<'_> = section.required("when")?;
    match Program::compile(text.value, schema) {
        Ok(program) => Ok((text.value.trim().to_owned(), program)),
        Err(error) => {
            let span = text.place(section.text, error.span.clone());
            Err(RuleError::expression(section.file, error, section.text, span))
        }
    }
}

fn cases<T>(
    top: &Section<'_>,
    key: &'static str,
    schema: &dyn Schema,
    names: &'static [&'static str],
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<Case<T>>, RuleError> {
    let sections = top.sections(key, &["when", "is"])?;
    let cases = sections.iter().map(|section| {
        let (condition, when) = program(section, schema)?;
        Ok(Case { condition, when, is: section.choice("is", names, &parse)? })
    });
    cases.collect()
}

fn examples(top: &Section<'_>, key: &'static str, values: &toml::Table) -> Result<Vec<Example>, RuleError> {
    let sections = top.sections(key, &["about", "config", "events"])?;
    let examples = sections.iter().enumerate().map(|(index, section)| {
        let events = section.sections("events", &[])?;
        if events.is_empty() {
            return Err(section.error(RuleErrorKind::MissingKey("events"), section.span.clone()));
        }
        let tables = values.get(key).and_then(|list| list.get(index)).and_then(|table| table.get("events"));
        let events = events.iter().enumerate().map(|(at, event)| {
            let expected = "tables with one event each, like { sighting = { ... } }";
            let name = event.only(expected)?;
            let kind = EventKind::parse(name.value).ok_or_else(|| {
                let found = name.value.to_owned();
                let kind = RuleErrorKind::Choice { key: "events", found, allowed: EventKind::NAMES };
                let nearest = nearest(name.value, EventKind::NAMES.iter().copied());
                event.error(kind, name.span.clone()).meant(nearest)
            })?;
            let fields = tables.and_then(|list| list.get(at)).and_then(|event| event.get(name.value));
            Ok(Event { kind, fields: fields.and_then(toml::Value::as_table).cloned().unwrap_or_default() })
        });
        Ok(Example {
            about: section.required("about")?.value.trim().to_owned(),
            config: section.optional("config")?.map_or_else(String::new, |text| text.value.to_owned()),
            events: events.collect::<Result<_, RuleError>>()?,
            line: section.line(),
        })
    });
    examples.collect()
}

#[cfg(test)]
mod tests {
    use super::super::expr::Verdict;
    use super::super::expr::sample::{Facts, SCHEMA};
    use super::*;

    const RULE: &str = r#"
on         = "sighting"
group      = "behaviour"
title      = "Same token from several client addresses"
severity   = "high"
confidence = "medium"
when       = 'size(replay.clients) > 1 && channel == "cleartext"'
message    = "token of {token.iss} seen from {replay.clients}"
about      = """
A bearer token works for whoever holds it.
"""
remedy     = "Bind tokens to their holder."
references = ["RFC 9449"]
cwe        = [294]

[[severity-if]]
when = 'late.cracked'
is   = "critical"

[[severity-if]]
when = 'token.lifetime > 5'
is   = "low"

[[confidence-if]]
when = 'false'
is   = "high"

[[bad]]
about  = "stolen"
events = [{ sighting = { client = "10.0.0.1", token.header.alg = "none" } }, { gap = {} }]

[[good]]
about  = "one client"
events = [{ sighting = {} }]
"#;

    fn error(old: &str, new: &str) -> String {
        assert!(RULE.contains(old), "{old}");
        load("x/test-rule.toml", &RULE.replacen(old, new, 1), &SCHEMA).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_rule() {
        let rule = load("x/test-rule.toml", RULE, &SCHEMA).unwrap();
        assert_eq!(
            (rule.id.as_str(), rule.on, rule.group),
            ("test-rule", Subject::Sighting, Group::Behaviour)
        );
        assert_eq!((rule.cwe.as_slice(), rule.references.len()), ([294].as_slice(), 1));
        assert_eq!(rule.bad[0].events[0].kind, EventKind::Sighting);
        assert_eq!(rule.bad[0].events[0].fields["token"]["header"]["alg"].as_str(), Some("none"));
        assert_eq!((rule.bad[0].line, rule.good[0].events.len()), (28, 1));
        let mut facts = Facts::default();
        let judged = rule.judge(&facts);
        assert_eq!((judged.verdict, judged.severity, judged.pending), (Verdict::Yes, Severity::Low, true));
        assert_eq!(judged.confidence, Confidence::Medium);
        facts.cracked = Some(true);
        let judged = rule.judge(&facts);
        assert_eq!((judged.severity, judged.pending), (Severity::Critical, false));
        facts.clients.pop();
        assert_eq!(rule.judge(&facts).verdict, Verdict::No);
        assert_eq!(rule.fields().len(), 5);
    }

    #[test]
    fn mistakes_name_line_and_word() {
        for (old, new, expected) in [
            (
                "size(replay.clients)",
                "size(replay.client)",
                "test-rule.toml:7:20: unknown fact `replay.client`",
            ),
            ("size(replay.clients)", "size(replay.client)", "did you mean `replay.clients`?"),
            ("'late.cracked'", "'late.craked'", ":17:9: unknown fact"),
            ("'late.cracked'", "\"\\u006cate.craked\"", ":17:8: unknown fact"),
            ("{token.iss}", "{token.is}", ":8:25: unknown fact"),
            ("severity   =", "severty =", ":5:1: unknown key `severty`"),
            ("severity   =", "severty =", "did you mean `severity`?"),
            ("\"high\"", "\"hihg\"", "did you mean `high`?"),
            ("\"high\"", "5", ":5:14: `severity` must be a string"),
            ("title      =", "#", ":1:1: key `title` is missing"),
            ("is   = \"critical\"", "", ":16:1: key `is` is missing"),
            ("is   = \"critical\"", "iss = 1", ":18:1: unknown key `iss`"),
            ("[294]", "['x']", ":14:15: `cwe` must be a list of numbers"),
            ("{ gap = {} }", "{ gab = {} }", "did you mean `gap`?"),
            ("{ gap = {} }", "{ gap = {}, sighting = {} }", "tables with one event each"),
            ("{ gap = {} }", "{ gap = 5 }", "tables with one event each"),
            ("\"sighting\"", "\"sigthing\"", "did you mean `sighting`?"),
            ("cwe        = [294]", "cwe = [294", "not TOML"),
            ("'false'", "''", "`when` is empty"),
            ("'false'", "'1'", "expected bool, found int"),
            ("\"Same token", "\"Same\\ntoken", "`title` must be one line"),
        ] {
            let shown = error(old, new);
            assert!(shown.contains(expected), "{expected} not in:\n{shown}");
            assert!(shown.contains(" | ") && shown.contains('^'), "{shown}");
        }
        for name in ["Test.toml", "a--b.toml", "-a.toml", "a_b.toml", ".toml", "é.toml"] {
            assert!(matches!(load(name, RULE, &SCHEMA).unwrap_err().kind, RuleErrorKind::Id(_)), "{name}");
        }
    }

    #[test]
    fn a_subject_that_is_not_judged_and_facts_that_it_lacks_are_mistakes() {
        let error = |on: &str, when: &str| {
            let text = RULE.replacen("\"sighting\"", &format!("\"{on}\""), 1).replacen(
                "size(replay.clients) > 1 && channel == \"cleartext\"",
                when,
                1,
            );
            load("x/test-rule.toml", &text, &crate::facts::Facts).unwrap_err().to_string()
        };
        let shown = error("keys", "true");
        assert!(shown.contains("sighting, exchange, login, flow, tls, key, issuer, host, client"), "{shown}");
        for (on, fact, subjects) in [
            ("flow", "token.alg", "sighting"),
            ("exchange", "crack.found", "sighting"),
            ("sighting", "tls.version", "tls, flow"),
            ("capture", "token.claims.exp", "sighting"),
        ] {
            let shown = error(on, &format!("has({fact})"));
            let expected = format!("`{fact}` is no fact of this subject, but of {subjects}\n");
            assert!(shown.contains(&expected) && shown.contains(":7:19"), "{shown}");
        }
    }

    #[test]
    fn mutated_rules_do_no_harm() {
        // A small generator with a fixed start, so that a failure can be repeated.
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let pieces: &[&[u8]] =
            &[b"'", b"\"", b"[", b"]", b"{", b"}", b"(", b"((((((((", b"\n", b"=", b"!", b".", b"0x", b"\\u"];
        for _ in 0..1500 {
            let mut data = RULE.as_bytes().to_vec();
            for _ in 0..=next(4) {
                data.extend_from_slice(b"\n");
                let at = next(data.len());
                match next(4) {
                    0 => data[at] = next(256) as u8,
                    1 => drop(data.drain(at..(at + next(20)).min(data.len()))),
                    2 => data.truncate(at + 1),
                    _ => drop(data.splice(at..at, pieces[next(pieces.len())].iter().copied())),
                }
            }
            fuzz_rule_file(&data);
        }
        for deep in ["[", "{a=", "[[", "a."] {
            fuzz_rule_file(format!("a = {}", deep.repeat(15_000)).as_bytes());
            fuzz_rule_file(deep.repeat(15_000).as_bytes());
        }
    }
}
