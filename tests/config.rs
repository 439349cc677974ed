//! `wirelint.toml`: found where it should be, and meant as it is written.

use crate::support::repository::Repository;
use crate::support::run::{Done, wirelint};
use std::fs;

fn rules(done: &Done) -> Vec<String> {
    done.records().iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_is_found_from_the_input_and_from_the_working_directory() {
    let repository = Repository::new();
    let all = repository.scan(&[]).code(1);
    assert!(rules(&all).contains(&"token-over-cleartext-http".to_owned()));
    repository.write("wirelint.toml", "[rules]\nselect = ['jwt-missing-jti']\npedantic = 1\n");
    let broken = repository.scan(&[]).code(2);
    assert!(broken.err.contains("wirelint.toml:3:1: unknown key `pedantic`"), "{}", broken.err);
    repository.write("wirelint.toml", "fail-on = 'never'\n[rules]\nselect = ['token-over-cleartext-http']\n");
    assert_eq!(rules(&repository.scan(&[]).code(0)), ["token-over-cleartext-http"]);
    let capture = repository.path().join("fixtures/login.pcap");
    let elsewhere = wirelint(["scan", "--format", "ndjson"]).args([&capture]).run().code(0);
    assert_eq!(rules(&elsewhere), ["token-over-cleartext-http"]);
    let stdin = fs::read(&capture).unwrap();
    let piped = repository.command(&["scan", "-", "--format", "ndjson"]).stdin(stdin).run().code(0);
    assert_eq!(rules(&piped), ["token-over-cleartext-http"]);
    assert_eq!(rules(&repository.scan(&["--isolated"]).code(1)), rules(&all));
    assert_eq!(rules(&repository.scan(&["--isolated", "--config", "wirelint.toml"]).code(1)), rules(&all));
    // Flags win.
    let other = rules(&all).into_iter().find(|rule| rule != "token-over-cleartext-http").unwrap();
    assert_eq!(rules(&repository.scan(&["--select", &other])), [other.as_str()]);
    repository.scan(&["--fail-on", "low"]).code(1);
    repository.write("other.toml", "");
    assert_eq!(rules(&repository.scan(&["--config", "other.toml"]).code(1)), rules(&all));
    repository.scan(&["--config", "none.toml"]).code(2);
}

#[test]
fn severities_suppressions_and_clear_text() {
    let repository = Repository::new();
    let rule = "token-over-cleartext-http";
    let record = |done: &Done| done.records().iter().find(|f| f["rule"] == rule).cloned();
    let before = record(&repository.scan(&[])).unwrap();
    assert_eq!(before["severity"], "critical");
    repository.write("wirelint.toml", &format!("[severity]\n{rule} = 'info'\n"));
    let after = record(&repository.scan(&[])).unwrap();
    assert_eq!((after["severity"].as_str(), &after["fingerprint"]), (Some("info"), &before["fingerprint"]));
    let host = before["host"].as_str().unwrap();
    let fingerprint = before["fingerprint"].as_str().unwrap();
    for what in [
        format!("rule = '{rule}'"),
        format!("host = '{host}'\nrule = 'group:transport'"),
        format!("fingerprint = '{fingerprint}'"),
    ] {
        repository.write(
            "wirelint.toml",
            &format!("[[suppress]]\n{what}\nreason = 'test'\nexpires = 2099-12-31\n"),
        );
        let done = repository.scan(&[]);
        assert!(!done.records().iter().any(|f| f["fingerprint"] == fingerprint), "{what}");
        assert!(!done.err.contains("warning"), "{}", done.err);
    }
    let json = repository.run(&["scan", "fixtures", "--format", "json"]).json();
    assert_eq!(json["summary"]["suppressed"], 1);
    let suppress = format!("[[suppress]]\nrule = '{rule}'\nreason = 'ticket 7'\nexpires = 2020-01-01\n");
    let suppress = suppress + "[[suppress]]\nhost = 'nowhere.test'\nreason = 'gone'\n";
    repository.write("wirelint.toml", &suppress);
    let done = repository.scan(&[]).code(1);
    assert!(record(&done).is_some());
    assert!(
        done.err.contains("warning: wirelint.toml:1: this suppression has expired on 2020-01-01"),
        "{}",
        done.err
    );
    assert!(done.err.contains("wirelint.toml:5: nothing was found that this suppresses"), "{}", done.err);
    // As of another day it holds.
    assert!(record(&repository.scan(&["--now", "2020-01-01T12:00:00Z"])).is_none());
    repository.write("wirelint.toml", &format!("[cleartext]\nhosts = ['{host}']\n"));
    assert_eq!(record(&repository.scan(&[])).map(|f| f["severity"].clone()), None);
}

#[test]
fn names_of_rules_are_checked_with_the_line() {
    let repository = Repository::new();
    repository.write("wirelint.toml", "[severity]\njwt-alg-nonee = 'low'\n");
    let done = repository.scan(&[]).code(2);
    assert!(
        done.err.contains("wirelint.toml:2:1: no rule and no group is named `jwt-alg-nonee`"),
        "{}",
        done.err
    );
    assert!(done.err.contains("did you mean `jwt-alg-none`?"), "{}", done.err);
}

#[test]
fn records_read_it_too() {
    let repository = Repository::new();
    repository.write("wirelint.toml", "[keys]\nkey = ['none.pem']\n");
    let done = repository.run(&["tokens", "fixtures"]).code(2);
    assert!(done.err.contains("none.pem"), "{}", done.err);
    repository.run(&["tokens", "fixtures", "--isolated"]).code(0);
    let token = repository.run(&["tokens", "fixtures", "--isolated", "--show-secrets", "--format", "ndjson"]);
    let token = token.records()[0]["token"].as_str().unwrap().to_owned();
    let done = repository.run(&["inspect", &token]).code(2);
    assert!(done.err.contains("none.pem"), "{}", done.err);
}

#[test]
fn init_writes_one_and_overwrites_none() {
    let repository = Repository::new();
    let before = rules(&repository.scan(&[]));
    repository.run(&["init"]).code(0);
    assert_eq!(rules(&repository.scan(&[]).code(1)), before);
    let done = repository.run(&["init"]).code(2);
    assert!(done.err.contains("wirelint.toml is there already"), "{}", done.err);
    repository.run(&["init", "--force"]).code(0);
    let printed = repository.run(&["init", "-"]).code(0).quiet().out;
    assert_eq!(printed, fs::read_to_string(repository.path().join("wirelint.toml")).unwrap());
}
