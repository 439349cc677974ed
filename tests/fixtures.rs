//! Every fixture: what wirelint finds, against what the recorder's servers and clients logged and what tshark says.

use crate::support::case::{Case, case, cases, every};
use crate::support::run::{Run, wirelint};
use crate::support::tree;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_case_says_where_it_comes_from() {
    every(&cases(), |case| {
        let text = |key: &str| case.about.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let lacks = |key: &&str| text(key).is_empty();
        ["about", "origin", "licence"]
            .into_iter()
            .filter(lacks)
            .map(|key| format!("case.toml does not say its {key}"))
            .collect()
    });
}

#[test]
fn findings_are_those_of_the_snapshots() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for case in cases() {
        let run = wirelint(["scan", "--format", "json", &case.capture]).args(case.arguments()).run();
        let report = run.json();
        let findings = report["findings"].as_array().unwrap();
        let lines: Vec<_> = findings.iter().map(finding).collect();
        let bad = findings.iter().any(|f| f["severity"] != "info");
        let run = run.code(i32::from(bad)).quiet();
        let text = if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") };
        settings.set_snapshot_path(tree::root().join(&case.folder));
        settings.set_description(format!("wirelint scan {}", case.capture));
        settings.bind(|| insta::assert_snapshot!("findings", text, &run.to_string()));
    }
}

/// `severity confidence rule host route place count`; `-` for what is not there.
fn finding(f: &Value) -> String {
    let word = |key: &str| f[key].as_str().unwrap_or("-").to_owned();
    let place = match (f["location"].as_str(), f["name"].as_str()) {
        (Some(location), Some(name)) => format!("{location} {name}"),
        (Some(location), None) => location.to_owned(),
        (None, _) => "-".to_owned(),
    };
    let count = format!("x{}", f["count"]);
    [word("severity"), word("confidence"), word("rule"), word("host"), word("route"), place, count].join("  ")
}

/// How often each row is there.
type Counts = BTreeMap<Vec<String>, i64>;

/// What one side has and the other has not.
fn differences(what: &str, truth: &Counts, ours: &Counts) -> Vec<String> {
    let rows: BTreeSet<_> = truth.keys().chain(ours.keys()).collect();
    rows.into_iter()
        .filter_map(|row| {
            let n = |side: &Counts| side.get(row).copied().unwrap_or(0);
            let (truth, ours) = (n(truth), n(ours));
            (truth != ours).then(|| format!("{what}: {truth} in truth, {ours} found: {}", row.join(" | ")))
        })
        .collect()
}

fn endpoint(end: &Value) -> String {
    let (Some(addr), port) = (end["addr"].as_str(), &end["port"]) else { return "-".to_owned() };
    if addr.contains(':') { format!("[{addr}]:{port}") } else { format!("{addr}:{port}") }
}

/// Whether secrets inside the capture opened what holds this; `decryption.rs` lays that beside the truth.
fn opened(case: &Case, row: &Value) -> bool {
    row["encrypted"] == true && case.name == "tls-secrets-inside"
}

/// What the truth says of encryption, where it does.
fn encrypted(row: &Value) -> String {
    (row["encrypted"] == true).to_string()
}

fn texts<const N: usize>(row: &Value, keys: [&str; N]) -> Vec<String> {
    keys.iter().map(|key| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned)).collect()
}

#[test]
fn sightings_are_those_that_the_recorder_logged() {
    every(&cases(), |case| {
        const KEYS: [&str; 4] = ["sha256", "direction", "location", "name"];
        let mut truth = Counts::new();
        for row in case.rows("sightings") {
            let mut key = texts(row, KEYS);
            key.extend([encrypted(row)]);
            key.extend(texts(row, ["client", "server", "packet"]));
            *truth.entry(key).or_default() += row["count"].as_i64().unwrap();
        }
        let mut ours = Counts::new();
        for row in wirelint(["tokens", "--format", "ndjson", &case.capture]).run().code(0).quiet().records() {
            if opened(case, &row) {
                continue;
            }
            let mut key = texts(&row, KEYS);
            key.extend([encrypted(&row), endpoint(&row["client"]), endpoint(&row["server"])]);
            // Where compression hides the token, the truth does not know its packet.
            let hidden = [key.as_slice(), &["null".to_owned()]].concat();
            let exact = [key.as_slice(), &[row["packet"].to_string()]].concat();
            let is = if !truth.contains_key(&exact) && truth.contains_key(&hidden) { hidden } else { exact };
            *ours.entry(is).or_default() += 1;
        }
        differences("sighting", &truth, &ours)
    });
}

#[test]
fn bodies_are_those_that_the_recorder_logged() {
    every(&cases(), |case| {
        let mut truth = Counts::new();
        // An answer with a hole: its digest is of what is there, and the recorder does not know that.
        let mut damaged = BTreeSet::new();
        // Calls of gRPC: the recorder logs what is in their messages, not how they are wrapped.
        let mut wrapped = BTreeSet::new();
        for row in case.rows("bodies") {
            let mut key =
                texts(row, ["method", "target", "request_body_sha256", "status", "client", "server"]);
            key.extend(texts(row, ["request_packet", "response_packet"]));
            key.push(encrypted(row));
            if row["damaged"] == true {
                damaged.insert(key.clone());
            }
            if row["request_body_sha256"].is_null() {
                wrapped.insert(key.clone());
            }
            key.extend(texts(row, ["response_body_sha256"]));
            *truth.entry(key).or_default() += 1;
        }
        let http = wirelint(["http", "--show-secrets", "--format", "ndjson", &case.capture]);
        let mut ours = Counts::new();
        for row in http.run().code(0).quiet().records() {
            if opened(case, &row) {
                continue;
            }
            let (asked, told) = (&row["request"], &row["response"]);
            let mut key = texts(asked, ["method", "target", "body_sha256"]);
            key.extend(texts(told, ["status"]));
            key.extend([endpoint(&row["client"]), endpoint(&row["server"])]);
            key.extend([asked["packet"].to_string(), told["packet"].to_string(), encrypted(&row)]);
            let mut whole = key.clone();
            whole[2] = "null".to_owned();
            if wrapped.contains(&whole) {
                key = whole;
            }
            let hidden = damaged.contains(&key) || wrapped.contains(&key);
            let digest = if hidden { "null" } else { told["body_sha256"].as_str().unwrap() };
            key.push(digest.to_owned());
            *ours.entry(key).or_default() += 1;
        }
        differences("exchange", &truth, &ours)
    });
}

#[test]
fn weak_secrets_are_those_that_the_recorder_used() {
    every(&cases(), |case| {
        let known = case.rows("tokens").filter(|t| t["secret"].as_str().is_some_and(|s| !s.is_empty()));
        let truth: BTreeSet<_> = known.map(|t| t["sha256"].as_str().unwrap().to_owned()).collect();
        let scan = wirelint(["scan", "--format", "ndjson", "--select", "jwt-hs-weak-secret", &case.capture]);
        let mut found = BTreeSet::new();
        for finding in scan.run().records() {
            let tokens = finding["evidence"]["tokens"].as_array().unwrap();
            found.extend(tokens.iter().map(|t| t.as_str().unwrap().to_owned()));
        }
        if truth == found { Vec::new() } else { vec![format!("truth {truth:?}, found {found:?}")] }
    });
}

/// Where tshark is known to be wrong: the table of `fixtures/record/verify.py`.
fn weak_for_tshark() -> BTreeSet<String> {
    let text = tree::read("fixtures/record/verify.py");
    let table = text.split("KNOWN = {").nth(1).unwrap().split('}').next().unwrap();
    let name = |line: &str| line.trim().strip_prefix('"')?.split('"').next().map(str::to_owned);
    table.lines().filter_map(name).collect()
}

/// Whether tshark is there; a missing one is an error where tests must be complete.
fn has_tshark() -> bool {
    let there = std::process::Command::new("tshark").arg("--version").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "CI needs tshark");
    if !there {
        eprintln!("no tshark: nothing compared with it");
    }
    there
}

/// Methods, targets and statuses as tshark sees them.
fn tshark(case: &Case) -> (Counts, Counts) {
    // tshark joins the values of several messages in a packet.
    const COMMA: &str = "\u{1}";
    let run = Run::of("tshark").args(["-r", &case.capture, "-o", "tcp.reassemble_out_of_order:TRUE"]);
    let run = run.args(["-d", "tcp.port==8081,http", "-d", "tcp.port==3128,http"]);
    let run =
        run.args(["-d", "tcp.port==9090,http2", "-d", "tcp.port==50051,http2", "-d", "tcp.port==9092,http"]);
    let run = run.args(["-d", "tcp.port==3001,http2", "-d", "tcp.port==13001,http2"]);
    let run = run.args(["-Y", "(http || http2) && !tls"]);
    let run = run.args(["-T", "fields", "-E", &format!("aggregator={COMMA}")]);
    let fields = [
        "http.request.method",
        "http.request.uri",
        "http.response.code",
        "http2.headers.method",
        "http2.headers.path",
        "http2.headers.status",
    ];
    let done = run.args(fields.iter().flat_map(|field| ["-e", field])).run().code(0);
    let (mut asked, mut told) = (Counts::new(), Counts::new());
    for line in done.out.lines() {
        let mut cells = line.split('\t').map(|c| c.split(COMMA).filter(|v| !v.is_empty()));
        for _ in ["http", "http2"] {
            let [methods, targets, statuses] = std::array::from_fn(|_| cells.next().unwrap());
            for (method, target) in methods.zip(targets) {
                *asked.entry(vec![method.to_owned(), target.to_owned()]).or_default() += 1;
            }
            for status in statuses.filter(|s| !s.starts_with('1') || *s == "101") {
                *told.entry(vec![status.to_owned()]).or_default() += 1;
            }
        }
    }
    (asked, told)
}

#[test]
fn messages_are_those_of_tshark() {
    if !has_tshark() {
        return;
    }
    let weak = weak_for_tshark();
    assert!(!weak.is_empty());
    let compared: Vec<_> =
        cases().into_iter().filter(|case| case.has_packets() && !weak.contains(&case.name)).collect();
    every(&compared, |case| {
        let http = wirelint(["http", "--show-secrets", "--format", "ndjson", &case.capture]);
        let (mut asked, mut told) = (Counts::new(), Counts::new());
        for row in http.run().code(0).records().into_iter().filter(|row| !opened(case, row)) {
            if row["request"].is_object() {
                *asked.entry(texts(&row["request"], ["method", "target"])).or_default() += 1;
            }
            if row["response"].is_object() {
                *told.entry(texts(&row["response"], ["status"])).or_default() += 1;
            }
        }
        let (theirs_asked, theirs_told) = tshark(case);
        let mut wrong = differences("tshark's request", &theirs_asked, &asked);
        wrong.extend(differences("tshark's status", &theirs_told, &told));
        wrong
    });
}

#[test]
fn nothing_is_wrong_with_the_clean_case() {
    let run = wirelint(["scan", "--format", "json", &case("clean-https").capture]).run().code(0);
    let report = run.json();
    let bad = report["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "info");
    assert_eq!(bad.count(), 0, "{run}");
    assert!(report["summary"]["packets"].as_u64().unwrap() > 20, "{run}");
}
