//! `sarif`: SARIF 2.1.0 (OASIS), as GitHub code scanning takes it.

use super::{Format, Report, Settings, words};
use crate::{
    finding::{Finding, RuleNote, Summary},
    rules::{Confidence, Severity},
    text::escape,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "sarif",
    doc: "SARIF 2.1.0, for GitHub code scanning and editors",
    live: false,
    story: false,
    make: || Box::new(Sarif),
};

/// Results that GitHub takes of one run; it shows the most severe.
const RESULTS: usize = 25_000;

/// What a path keeps in a URI (RFC 3986 section 3.3).
const PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

struct Sarif;

impl Report for Sarif {
    fn write(&self, summary: &Summary, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &log(summary, settings))?;
        out.write_all(b"\n")
    }
}

fn log(summary: &Summary, settings: &Settings) -> Value {
    let results: Vec<_> = summary.findings.iter().take(RESULTS).map(|f| result(f, summary)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "wirelint",
                "version": settings.version,
                "semanticVersion": settings.version,
                "rules": summary.rules.iter().map(|note| rule(note, settings)).collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": "wirelint/" },
            "invocations": [{
                "executionSuccessful": !summary.interrupted,
                "toolExecutionNotifications": notifications(summary),
            }],
            "artifacts": summary.inputs.iter().map(|name| json!({
                "location": { "uri": uri(name) },
                "roles": ["analysisTarget"],
            })).collect::<Vec<_>>(),
            "results": results,
        }],
    })
}

fn rule(note: &RuleNote, settings: &Settings) -> Value {
    let mut tags = vec!["security".to_owned(), note.group.to_owned()];
    tags.extend(note.cwe.iter().map(|cwe| format!("external/cwe/cwe-{cwe:03}")));
    // GitHub takes at most twenty.
    tags.truncate(20);
    let mut properties = json!({ "tags": tags, "precision": precision(note.confidence) });
    if let (Some(score), Some(map)) = (score(note.severity), properties.as_object_mut()) {
        map.insert("security-severity".into(), score.into());
    }
    let about = note.about.trim();
    let references: String = note.references.iter().map(|r| format!("- {r}\n")).collect();
    let mut markdown = format!("{about}\n\n**What to do.** {}\n", note.remedy.trim());
    if !references.is_empty() {
        markdown.push_str(&format!("\n**References**\n\n{references}"));
    }
    let mut rule = json!({
        "id": note.id,
        "name": note.id,
        "shortDescription": { "text": note.title },
        "fullDescription": { "text": about },
        "help": { "text": format!("{about}\n\n{}", note.remedy.trim()), "markdown": markdown },
        "defaultConfiguration": { "level": level(note.severity) },
        "properties": properties,
    });
    if let (Some(page), Some(map)) = (words::page(settings, &note.id), rule.as_object_mut()) {
        map.insert("helpUri".into(), page.into());
    }
    rule
}

fn result(finding: &Finding, summary: &Summary) -> Value {
    let place = words::place(finding).map_or_else(String::new, |place| format!("{place}: "));
    let target = words::target(finding).map_or_else(String::new, |target| format!(" ({})", escape(&target)));
    let mut properties = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            properties.insert(name.into(), value);
        }
    };
    put("severity", finding.severity.as_str().into());
    put("confidence", finding.confidence.as_str().into());
    put("packet", finding.packet.into());
    put("filter", finding.packet.map(words::filter).into());
    put("flow", finding.flow.into());
    put("location", finding.location.clone().into());
    put("name", finding.name.as_deref().map(escape).into());
    let mut result = json!({
        "ruleId": finding.identity.rule,
        "level": level(finding.severity),
        "message": { "text": format!("{place}{}{target}", escape(&finding.message)) },
        "locations": [location(finding, summary)],
        // The one that GitHub reads; by default it would hash lines of text, which a capture has none of.
        "partialFingerprints": {
            "primaryLocationLineHash": format!("{}:1", finding.fingerprint),
            "wirelint/v1": finding.fingerprint,
        },
        "occurrenceCount": finding.count,
        "properties": properties,
    });
    let index = summary.rules.iter().position(|note| note.id == finding.identity.rule);
    if let (Some(index), Some(map)) = (index, result.as_object_mut()) {
        map.insert("ruleIndex".into(), index.into());
    }
    result
}

/// Where a finding is. A capture is no text: the lines and columns are there because GitHub asks for them.
fn location(finding: &Finding, summary: &Summary) -> Value {
    let file = words::file(finding, summary).or(summary.inputs.first().map(String::as_str));
    let mut region = json!({ "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1 });
    if let (Some(offset), Some(map)) = (finding.offset, region.as_object_mut()) {
        map.insert("byteOffset".into(), offset.into());
    }
    let mut location = json!({
        "physicalLocation": { "artifactLocation": { "uri": uri(file.unwrap_or("-")) }, "region": region },
    });
    let mut logical = Vec::new();
    logical.extend(finding.packet.map(|n| json!({ "name": format!("packet:{n}"), "kind": "member" })));
    logical.extend(finding.flow.map(|n| json!({ "name": format!("flow:{n}"), "kind": "module" })));
    if let (false, Some(map)) = (logical.is_empty(), location.as_object_mut()) {
        map.insert("logicalLocations".into(), logical.into());
    }
    location
}

/// What was said about the inputs, and what was not inspected.
fn notifications(summary: &Summary) -> Vec<Value> {
    let note = |level: &str, text: &str| json!({ "level": level, "message": { "text": escape(text) } });
    let mut all: Vec<_> =
        summary.warnings.iter().chain(&summary.remarks).map(|text| note("warning", text)).collect();
    all.extend(
        super::tail::missed(summary).iter().map(|text| note("note", &format!("not inspected: {text}"))),
    );
    if summary.findings.len() > RESULTS {
        let more = summary.findings.len() - RESULTS;
        all.push(note("warning", &format!("{more} more findings, the least severe, are left out")));
    }
    all
}

/// The name of an input as a URI reference: relative where the name is.
fn uri(name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    let path = utf8_percent_encode(if name == "-" { "stdin" } else { name }, &PATH).to_string();
    if path.starts_with('/') { format!("file://{path}") } else { path }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
        Severity::Info => "note",
    }
}

/// The middle of each range that GitHub gives a name: critical above 9, high from 7, medium from 4.
fn score(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("2.0"),
        Severity::Info => None,
    }
}

fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "very-high",
        Confidence::Medium => "high",
        Confidence::Low => "medium",
    }
}

#[cfg(test)]
mod tests {
    use super::{super::golden, *};

    fn golden_log() -> Value {
        serde_json::from_str(&golden::render(&FORMAT, 80, false)).unwrap()
    }

    /// The requirements that GitHub documents for what it takes.
    #[test]
    fn github_can_take_it() {
        for log in [golden_log(), serde_json::to_value(log(&golden::clean(), &Settings::default())).unwrap()]
        {
            assert_eq!(log["version"], "2.1.0");
            let run = &log["runs"][0];
            assert_eq!(run["tool"]["driver"]["name"], "wirelint");
            assert!(run["automationDetails"]["id"].as_str().unwrap().ends_with('/'));
            let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
            for rule in rules {
                for text in
                    ["/id", "/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"]
                {
                    let text = rule.pointer(text).and_then(Value::as_str).unwrap();
                    assert!(!text.is_empty() && text.len() < 10_000);
                }
                assert!(rule["properties"]["tags"].as_array().unwrap().contains(&json!("security")));
                if rule["defaultConfiguration"]["level"] != "note" {
                    let score: f64 =
                        rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
                    assert!(score > 0.0 && score <= 10.0);
                }
            }
            for result in run["results"].as_array().unwrap() {
                assert!(!result["message"]["text"].as_str().unwrap().is_empty());
                let locations = result["locations"].as_array().unwrap();
                assert_eq!(locations.len(), 1);
                let place = &locations[0]["physicalLocation"];
                let uri = place["artifactLocation"]["uri"].as_str().unwrap();
                assert!(
                    !uri.is_empty()
                        && !uri.starts_with("./")
                        && uri.is_ascii()
                        && !uri.contains([' ', '\x1b'])
                );
                for at in ["startLine", "startColumn", "endLine", "endColumn"] {
                    assert_eq!(place["region"][at], 1);
                }
                assert!(result["partialFingerprints"]["primaryLocationLineHash"].is_string());
                let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
                assert_eq!(rule["id"], result["ruleId"]);
            }
        }
    }

    #[test]
    fn it_fits_the_types_of_the_specification() {
        let log: serde_sarif::sarif::Sarif = serde_json::from_value(golden_log()).unwrap();
        let results = log.runs[0].results.as_ref().unwrap();
        assert_eq!(results.len(), golden::summary().findings.len());
        let region =
            results[0].locations.as_ref().unwrap()[0].physical_location.as_ref().unwrap().region.as_ref();
        assert_eq!(region.unwrap().byte_offset, Some(4000));
        assert!(log.runs[0].invocations.as_ref().unwrap()[0].execution_successful);
    }

    #[test]
    fn rules_lead_to_their_page() {
        let settings = Settings { docs: Some("https://docs.example.test/rules"), ..Settings::default() };
        let log = log(&golden::summary(), &settings);
        for rule in log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap() {
            let page = format!("https://docs.example.test/rules#{}", rule["id"].as_str().unwrap());
            assert_eq!(rule["helpUri"], page);
        }
    }

    #[test]
    fn names_become_uris() {
        assert_eq!(uri("./a b/c#d.pcap"), "a%20b/c%23d.pcap");
        assert_eq!((uri("/tmp/ä"), uri("-")), ("file:///tmp/%C3%A4".into(), "stdin".into()));
        assert_eq!(uri("a\x1b[31mb.pcapng"), "a%1B%5B31mb.pcapng");
    }
}
