//! What a team accepts: baselines, suppressions beside captures and in them, expectations; and what it says by variables.

use crate::support::repository::Repository;
use crate::support::run::Done;
use serde_json::Value;
use std::fs;

const RULE: &str = "token-over-cleartext-http";

fn fingerprints(done: &Done) -> Vec<String> {
    done.records().iter().map(|f| f["fingerprint"].as_str().unwrap().to_owned()).collect()
}

fn has(done: &Done, rule: &str) -> bool {
    done.records().iter().any(|f| f["rule"] == rule)
}

#[test]
fn a_baseline_leaves_what_is_new() {
    let repository = Repository::new();
    let before = fingerprints(&repository.scan(&[]).code(1));
    assert!(before.len() > 2);
    let done = repository.scan(&["--write-baseline", "base.json"]).code(0);
    assert!(
        done.err.contains(&format!("base.json: {} findings are in the baseline", before.len())),
        "{}",
        done.err
    );
    let done = repository.scan(&["--baseline", "base.json"]).code(0);
    assert_eq!((done.records().len(), done.err.as_str()), (0, ""));
    let json =
        repository.run(&["scan", "fixtures", "--baseline", "base.json", "--format", "json"]).code(0).json();
    assert_eq!(json["summary"]["known"], before.len());
    // A new finding fails, alone.
    let text = fs::read_to_string(repository.path().join("base.json")).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    let dropped = file["findings"].as_array_mut().unwrap().remove(0);
    let mut gone = dropped.clone();
    gone["fingerprint"] = "0123456789abcdef".into();
    file["findings"].as_array_mut().unwrap().push(gone);
    repository.write("base.json", &file.to_string());
    repository.write("wirelint.toml", "baseline = 'base.json'\n");
    let done = repository.scan(&[]).code(1);
    assert_eq!(fingerprints(&done), [dropped["fingerprint"].as_str().unwrap()]);
    let rule = dropped["rule"].as_str().unwrap();
    assert!(
        done.err.contains(&format!("base.json: {rule}")) && done.err.contains("is found no longer"),
        "{}",
        done.err
    );
    // What a rule that does not run would say is not stale.
    assert!(!repository.scan(&["--ignore", rule]).err.contains("no longer"));
    // What is worse than it was is new.
    let mut lower: Value = serde_json::from_str(&text).unwrap();
    for finding in lower["findings"].as_array_mut().unwrap() {
        finding["severity"] = "info".into();
    }
    repository.write("base.json", &lower.to_string());
    assert!(has(&repository.scan(&[]).code(1), RULE));
    repository.scan(&["--baseline", "none.json"]).code(2);
    repository.write("base.json", "{}");
    assert!(repository.scan(&[]).code(2).err.contains("--baseline base.json: no baseline"));
}

#[test]
fn what_stands_beside_a_capture_holds_for_it_alone() {
    let repository = Repository::new();
    let suppress = format!("[[suppress]]\nrule = '{RULE}'\nreason = 'a lab'\n");
    repository.write("fixtures/login.wirelint.toml", &suppress);
    let done = repository.scan(&[]).code(1);
    assert!(!has(&done, RULE) && !done.err.contains("warning"), "{}", done.err);
    assert!(has(&repository.scan(&["--no-suppressions"]), RULE));
    let other = repository.path().join("fixtures/other.pcap");
    fs::copy(repository.path().join("fixtures/login.pcap"), other).unwrap();
    assert!(has(&repository.scan(&[]), RULE));
    repository.write("fixtures/other.pcap.wirelint.toml", &suppress.replace("rule =", "rul ="));
    let done = repository.scan(&[]).code(2);
    assert!(done.err.contains("other.pcap.wirelint.toml:2:1: unknown key `rul`"), "{}", done.err);
}

#[test]
fn comments_in_a_capture_suppress() {
    let repository = Repository::new();
    let packets: Vec<u64> = repository
        .scan(&["--select", RULE])
        .records()
        .iter()
        .map(|f| f["packet"].as_u64().unwrap())
        .collect();
    let login = repository.path().join("fixtures/login.pcap");
    let with = |section: &str, comment: &dyn Fn(u64) -> String| {
        let bytes = crate::support::pcapng::commented(&fs::read(&login).unwrap(), section, comment);
        fs::write(repository.path().join("commented.pcapng"), bytes).unwrap();
        repository.run(&["scan", "commented.pcapng", "--format", "ndjson"])
    };
    assert!(has(&with("", &|_| String::new()), RULE));
    let whole = with(&format!("wirelint:ignore[{RULE}] reason=a lab"), &|_| String::new());
    assert!(!has(&whole, RULE) && !whole.err.contains("warning"), "{}", whole.err);
    let on_them = |n: u64| match packets.contains(&n) {
        true => format!("by hand\nwirelint:ignore[{RULE}] reason=a lab"),
        false => String::new(),
    };
    let first = with("", &on_them);
    // Later requests of the same kind have no comment: what they show is still found.
    let shown: Vec<u64> =
        first.records().iter().filter(|f| f["rule"] == RULE).map(|f| f["packet"].as_u64().unwrap()).collect();
    assert!(!shown.is_empty() && shown.iter().all(|n| !packets.contains(n)), "{shown:?} {packets:?}");
    let every = with("", &|_| format!("wirelint:ignore[{RULE}] reason=a lab"));
    assert!(!has(&every, RULE));
    assert!(
        every.err.contains("comment of packet 1: nothing was found that this suppresses"),
        "{}",
        every.err
    );
    let wrong = with("wirelint:ignore[token-over-cleartext-htp] reason=x", &|_| String::new());
    assert!(has(&wrong, RULE) && wrong.err.contains(&format!("did you mean `{RULE}`?")), "{}", wrong.err);
    let wrong = with(&format!("wirelint:ignore[{RULE}]"), &|_| String::new());
    assert!(has(&wrong, RULE) && wrong.err.contains("it has no reason"), "{}", wrong.err);
}

#[test]
fn recordings_are_tests() {
    let repository = Repository::new();
    let expect =
        |arguments: &[&str]| repository.run(&[&["scan", "fixtures", "--expect"], arguments].concat());
    let done = expect(&[]).code(1);
    assert!(
        done.out.contains("FAILED  fixtures/login.pcap") && done.out.contains("nothing is expected of it")
    );
    repository.write(
        "fixtures/login.wirelint.toml",
        &format!(
            "[expect]\nfind = ['{RULE}']\nnot-find = ['jwt-alg-none']\nsightings = 2\ninspected = 0.9\n"
        ),
    );
    let done = expect(&[]).code(0);
    assert_eq!(done.out, "ok      fixtures/login.pcap\n1 capture as expected, 0 not\n");
    for (wrong, said) in [
        ("find = ['jwt-alg-none']", "must be found, and is not: jwt-alg-none"),
        ("find = [{ rule = 'token-over-cleartext-http', host = 'other.test' }]", "and is not: { rule ="),
        ("not-find = ['group:transport']", "must not be found (group:transport): token-over-cleartext-http"),
        ("find = ['jwt-missing-jti']\nonly = true", "is found, and not expected: "),
        ("sightings = 1000", "1000 sightings of tokens are expected, there are"),
    ] {
        repository.write("fixtures/login.wirelint.toml", &format!("[expect]\n{wrong}\n"));
        let done = expect(&[]).code(1);
        assert!(done.out.contains(said), "{}", done.out);
    }
    // With a format, the report goes out, and how it went stands beside it.
    let junit = expect(&["--format", "junit"]).code(1).out;
    assert!(
        junit.contains("tests=\"1\" failures=\"1\"") && junit.contains("1000 sightings of tokens"),
        "{junit}"
    );
    let done = expect(&["--format", "json"]).code(1);
    assert!(done.json()["findings"].as_array().unwrap().len() > 1 && done.err.contains("FAILED"));
    expect(&["--baseline", "x"]).code(2);
}

#[test]
fn encrypted_payload_is_not_inspected() {
    let repository = Repository::new();
    let clean = crate::support::tree::root().join("fixtures/clean-https/capture.pcap");
    fs::copy(clean, repository.path().join("tls.pcap")).unwrap();
    repository.write("tls.wirelint.toml", "[expect]\ninspected = 0.5\n");
    let done = repository.run(&["scan", "tls.pcap", "--expect"]).code(1);
    assert!(done.out.contains("50.0 % of the payload must be inspected, "), "{}", done.out);
}

#[test]
fn variables_say_what_flags_say() {
    let repository = Repository::new();
    let scan = |name: &str, value: &str, arguments: &[&str]| {
        repository.command(&[&["scan", "fixtures"], arguments].concat()).env(name, value).run()
    };
    assert!(scan("WIRELINT_FORMAT", "ndjson", &[]).code(1).records().len() > 1);
    scan("WIRELINT_FAIL_ON", "never", &[]).code(0);
    scan("WIRELINT_FAIL_ON", "never", &["--fail-on", "low"]).code(1);
    assert!(scan("WIRELINT_FAIL_ON", "hihg", &[]).code(2).err.contains("did you mean high?"));
    assert_eq!(scan("WIRELINT_SELECT", RULE, &["--format", "ndjson"]).records().len(), 1);
    repository.write("wirelint.toml", "fail-on = 'never'\n");
    scan("WIRELINT_ISOLATED", "1", &[]).code(1);
    scan("WIRELINT_ISOLATED", "0", &[]).code(0);
    scan("WIRELINT_FAIL_ON", "low", &[]).code(1);
    repository.write("other.toml", "fail-on = 'low'\n");
    scan("WIRELINT_CONFIG", "other.toml", &[]).code(1);
    // What prints secrets is typed, or not done.
    let shown = scan("WIRELINT_SHOW_SECRETS", "1", &["--format", "json"]);
    assert_eq!(shown.out, repository.run(&["scan", "fixtures", "--format", "json"]).out);
}

#[test]
fn reports_lead_to_the_page_of_the_rules() {
    let repository = Repository::new();
    repository.write("wirelint.toml", "[rules]\ndocs = 'https://docs.example.test/rules'\n");
    for format in ["sarif", "markdown", "junit", "github"] {
        let done = repository.run(&["scan", "fixtures", "--format", format]).code(1);
        assert!(
            done.out.contains(&format!("https://docs.example.test/rules#{RULE}")),
            "{format}: {}",
            done.out
        );
    }
}
