//! What is printed and read fits its schema: JSON, SARIF, JUnit, rules, configuration.

use crate::support::case::cases;
use crate::support::needs::able;
use crate::support::repository::Repository;
use crate::support::run::wirelint;
use crate::support::schema::Schema;
use crate::support::tree;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// Captures that show something of everything, and one that shows nothing.
fn captures() -> Vec<PathBuf> {
    let mut all: Vec<_> = cases().into_iter().map(|case| PathBuf::from(case.capture)).collect();
    assert!(all.len() > 30);
    all.sort();
    all
}

/// Reports of all captures in one format, one after the other and all at once.
fn reports(format: &str) -> Vec<String> {
    let captures = captures();
    let run =
        |captures: &[PathBuf]| wirelint(["scan", "--pedantic", "--format", format]).args(captures).run().out;
    let mut all: Vec<_> =
        captures.iter().step_by(4).map(|capture| run(std::slice::from_ref(capture))).collect();
    all.push(run(&captures));
    all
}

fn schema(name: &str) -> Schema {
    Schema::new(&tree::read(format!("docs/schema/{name}.schema.json")))
}

fn valid(errors: Vec<String>, what: &str) {
    assert!(errors.is_empty(), "{what}:\n{}", errors.join("\n"));
}

#[test]
fn json_fits_the_published_schema_and_has_no_field_that_it_does_not_describe() {
    let schema = schema("report");
    let said = wirelint(["schema", "report"]).run().code(0).quiet().out;
    assert_eq!(said, tree::read("docs/schema/report.schema.json"));
    let reports_of_json: Vec<Value> =
        reports("json").iter().map(|report| serde_json::from_str(report).unwrap()).collect();
    for report in &reports_of_json {
        valid(schema.errors(report), "json");
        valid(schema.undescribed(report), "json");
    }
    for report in reports("ndjson") {
        for line in report.lines() {
            valid(schema.errors_of("finding", &serde_json::from_str(line).unwrap()), line);
        }
    }
    // The schema says something.
    let mut broken = reports_of_json[0].clone();
    broken["schema_version"] = json!(2);
    assert_eq!(schema.errors(&broken).len(), 1);
    assert!(schema.errors(&json!({ "wirelint": 1 })).len() > 4);
}

/// The schema of the OASIS, as the crate has it that makes its types from it.
fn sarif_schema() -> Schema {
    let version = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into())).arg("-vV").output();
    let version = String::from_utf8(version.unwrap().stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    // What other platforms need was never fetched on a new machine.
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host])
        .arg("--manifest-path")
        .arg(tree::root().join("Cargo.toml"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    Schema::new(&std::fs::read_to_string(manifest.with_file_name("src").join("schema.json")).unwrap())
}

#[test]
fn sarif_fits_the_schema_of_oasis() {
    let schema = sarif_schema();
    for report in reports("sarif") {
        let log: Value = serde_json::from_str(&report).unwrap();
        valid(schema.errors(&log), "sarif");
        let mut broken = log.clone();
        broken["runs"][0]["tool"]["driver"].as_object_mut().unwrap().remove("name");
        assert!(!schema.errors(&broken).is_empty());
    }
}

/// What teams read it with (`sarif-tools`, which `scripts/setup` installs in CI) sees every finding.
#[test]
fn sarif_loads_in_sarif_tools() {
    let tools = tree::root().join("target/tools/sarif");
    if !able(&[("pip install --target target/tools/sarif sarif-tools", tools.join("sarif").is_dir())]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let reports = reports("sarif");
    let names = (0..reports.len()).map(|n| folder.path().join(format!("{n}.sarif")));
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", &tools).args(["-m", "sarif", "csv", "-o"]).arg(folder.path().join("all.csv"));
    let mut count = 0;
    for (name, report) in names.zip(&reports) {
        std::fs::write(&name, report).unwrap();
        let report: Value = serde_json::from_str(report).unwrap();
        count += report["runs"][0]["results"].as_array().unwrap().len();
        python.arg(name);
    }
    let output = python.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = std::fs::read_to_string(folder.path().join("all.csv")).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("wirelint,")).count();
    assert_eq!(rows, count);
    assert!(count > 100);
}

/// What GitHub documents for the files that it takes ("SARIF support for code scanning").
#[test]
fn sarif_is_what_github_takes() {
    for report in reports("sarif") {
        // 10 MB compressed with gzip; ours is far below it even as it is.
        assert!(report.len() < 10 << 20);
        let log: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(log["version"], "2.1.0");
        assert!(log["$schema"].is_string());
        let runs = log["runs"].as_array().unwrap();
        assert_eq!(runs.len(), 1, "at most 20 runs");
        let rules = runs[0]["tool"]["driver"]["rules"].as_array().unwrap();
        let results = runs[0]["results"].as_array().unwrap();
        assert!(rules.len() <= 25_000 && results.len() <= 25_000);
        for rule in rules {
            let length = |at: &str| rule.pointer(at).and_then(Value::as_str).map_or(0, str::len);
            assert!((1..=255).contains(&length("/name")), "{rule}");
            assert!((1..=1024).contains(&length("/shortDescription/text")), "{rule}");
            assert!((1..=1024 * 4).contains(&length("/fullDescription/text")), "{rule}");
            assert!(length("/help/text") > 0 && length("/help/markdown") > 0);
            let tags = rule["properties"]["tags"].as_array().unwrap();
            assert!(tags.len() <= 20 && tags.contains(&json!("security")));
            assert!(
                ["low", "medium", "high", "very-high"]
                    .contains(&rule["properties"]["precision"].as_str().unwrap())
            );
            if let Some(score) = rule["properties"].get("security-severity") {
                let score: f64 = score.as_str().unwrap().parse().unwrap();
                assert!(score > 0.0 && score <= 10.0);
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for result in results {
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
            let locations = result["locations"].as_array().unwrap();
            assert_eq!(locations.len(), 1, "at least one location, of which the first is shown");
            let place = &locations[0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(
                !uri.is_empty() && !uri.starts_with("./") && !uri.contains('\\') && uri.is_ascii(),
                "{uri}"
            );
            for at in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(place["region"][at].as_u64().unwrap() >= 1);
            }
            let hash = result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap();
            assert!(seen.insert((hash.to_owned(), uri.to_owned())), "two results would be one: {hash}");
            assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
        }
    }
}

#[test]
fn rule_files_fit_their_schema() {
    let schema = schema("rule");
    for file in tree::files("rules", "toml") {
        let rule: toml::Table = tree::read(&file).parse().unwrap();
        valid(schema.errors(&serde_json::to_value(rule).unwrap()), &file.display().to_string());
    }
    for broken in [json!({}), json!({ "on": "nothing" }), json!({ "bad": [{ "about": "x", "events": [] }] })]
    {
        assert!(!schema.errors(&broken).is_empty());
    }
}

#[test]
fn configuration_files_fit_their_schema() {
    let schema = schema("config");
    let said: String = wirelint(["init", "-"])
        .run()
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = ") || line.starts_with('['))
        .map(|line| format!("{line}\n"))
        .collect();
    let as_json = |text: &str| {
        let table: toml::Table = text.parse().unwrap();
        let mut value = serde_json::to_value(table).unwrap();
        // An editor hands a date over as its text.
        for suppression in value.get_mut("suppress").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(date) = suppression.get_mut("expires") {
                *date = "2099-12-31".into();
            }
        }
        value
    };
    valid(schema.errors(&as_json(&said)), &said);
    let repository = Repository::new();
    for wrong in
        ["fail-onn = 'low'", "[rules]\nselct = []", "strict = 1", "[[suppress]]\nrule = 'jwt-alg-none'"]
    {
        assert!(!schema.errors(&as_json(wrong)).is_empty(), "{wrong}");
        repository.write("wirelint.toml", wrong).scan(&[]).code(2);
    }
}

/// The form that CI servers read (Jenkins' xunit plugin has it as junit-10.xsd).
#[test]
fn junit_fits_the_form_that_ci_servers_read() {
    use crate::support::xml::{Element, parse};
    let number =
        |element: &Element, name: &str| -> usize { element.attribute(name).unwrap().parse().unwrap() };
    let only = |element: &Element, names: &[&str]| {
        for child in &element.children {
            assert!(names.contains(&child.name.as_str()), "{} in {}", child.name, element.name);
        }
    };
    let attributes = |element: &Element, names: &[&str]| {
        for (name, _) in &element.attributes {
            assert!(names.contains(&name.as_str()), "attribute {name} of {}", element.name);
        }
    };
    for report in reports("junit") {
        let root = parse(&report);
        attributes(&root, &["name", "time", "tests", "failures", "errors"]);
        assert_eq!(root.name, "testsuites");
        only(&root, &["testsuite"]);
        let (mut tests, mut failures) = (0, 0);
        for suite in &root.children {
            only(suite, &["properties", "testcase", "system-out", "system-err"]);
            attributes(
                suite,
                &[
                    "name",
                    "tests",
                    "failures",
                    "errors",
                    "group",
                    "time",
                    "skipped",
                    "timestamp",
                    "hostname",
                    "id",
                ],
            );
            assert!(!suite.attribute("name").unwrap().is_empty());
            let cases: Vec<_> = suite.children.iter().filter(|child| child.name == "testcase").collect();
            let failed = |case: &&&Element| case.children.iter().any(|child| child.name == "failure");
            assert!(!cases.is_empty(), "a suite without tests is shown as nothing");
            assert_eq!(number(suite, "tests"), cases.len());
            assert_eq!(number(suite, "failures"), cases.iter().filter(failed).count());
            assert_eq!(number(suite, "errors"), 0);
            for case in &cases {
                only(case, &["skipped", "error", "failure", "system-out", "system-err"]);
                attributes(case, &["name", "time", "classname", "group"]);
                assert!(!case.attribute("name").unwrap().is_empty());
                for failure in case.children.iter().filter(|child| child.name == "failure") {
                    attributes(failure, &["type", "message"]);
                    assert!(!failure.attribute("message").unwrap().is_empty());
                    assert!(failure.attribute("type").is_some() && failure.children.is_empty());
                }
            }
            tests += cases.len();
            failures += cases.iter().filter(failed).count();
        }
        assert_eq!((number(&root, "tests"), number(&root, "failures")), (tests, failures));
    }
}
