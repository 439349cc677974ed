//! The fixtures.

use super::tree;
use serde_json::Value;
use std::fs;

/// A folder of `fixtures/`.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Its folder, from the top.
    pub(crate) folder: String,
    /// Its capture, from the top.
    pub(crate) capture: String,
    /// `case.toml`.
    pub(crate) about: toml::Table,
    /// `truth.json`.
    pub(crate) truth: Value,
}

/// What a capture may end in.
const ENDINGS: [&str; 6] = ["pcap", "pcapng", "har", "json", "yaml", "yml"];

/// All of them, by name.
pub(crate) fn cases() -> Vec<Case> {
    let mut names: Vec<_> = fs::read_dir(tree::root().join("fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir() && entry.file_name() != "record")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 20, "where are the fixtures? {names:?}");
    names.into_iter().map(|name| case(&name)).collect()
}

/// One of them.
pub(crate) fn case(name: &str) -> Case {
    let folder = format!("fixtures/{name}");
    let read = |file: &str| tree::read(format!("{folder}/{file}"));
    let about = read("case.toml").parse().unwrap_or_else(|e| panic!("{folder}/case.toml: {e}"));
    let truth = serde_json::from_str(&read("truth.json")).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let capture = ENDINGS.map(|end| format!("{folder}/capture.{end}"));
    let capture = capture.into_iter().find(|path| tree::root().join(path).is_file());
    let capture = capture.unwrap_or_else(|| panic!("{folder} has no capture"));
    Case { name: name.to_owned(), folder, capture, about, truth }
}

impl Case {
    /// Whether it has packets; a HAR or a cassette has entries.
    pub(crate) fn has_packets(&self) -> bool {
        self.capture.ends_with("pcap") || self.capture.ends_with("pcapng")
    }

    /// What `case.toml` gives wirelint besides the capture.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let list = self.about.get("arguments").and_then(toml::Value::as_array);
        list.into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
    }

    /// The rows of a list in `truth.json`; none if it is not there.
    pub(crate) fn rows(&self, list: &str) -> impl Iterator<Item = &Value> {
        self.truth.get(list).and_then(Value::as_array).into_iter().flatten()
    }
}

/// A failure of each case that has one, so that one run shows all.
#[track_caller]
pub(crate) fn every(cases: &[Case], check: impl Fn(&Case) -> Vec<String>) {
    let mut wrong = Vec::new();
    for case in cases {
        wrong.extend(check(case).into_iter().map(|text| format!("{}: {text}", case.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
