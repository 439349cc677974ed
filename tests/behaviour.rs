//! What servers do with tokens: a well-built service gives no finding, and what an attack shows depends on what the server
//! answered.

use crate::support::case::case;
use crate::support::run::wirelint;
use crate::support::tree;
use serde_json::Value;
use std::collections::BTreeSet;
use wirelint::rules::builtin::BUILTIN;

fn findings(name: &str, options: &[&str]) -> Vec<Value> {
    let run = wirelint(["scan", "--format", "json", &case(name).capture]).args(options).run();
    assert!(run.code < 2, "{run}");
    let report = run.json();
    assert!(report["summary"]["tokens"].as_u64().unwrap() > 0, "{run}");
    report["findings"].as_array().unwrap().clone()
}

fn text<'a>(finding: &'a Value, key: &str) -> &'a str {
    finding[key].as_str().unwrap_or_default()
}

fn is_bad(finding: &&Value) -> bool {
    matches!(text(finding, "severity"), "medium" | "high" | "critical")
}

/// Rules that say that a server took what it should not take.
fn accepted(findings: &[Value]) -> BTreeSet<&str> {
    let takes = |rule: &str| {
        rule.ends_with("-accepted")
            || rule.contains("-accepted-after-")
            || matches!(rule, "refresh-token-reuse" | "oauth-code-reuse" | "token-mutation-500")
    };
    let bound = |f: &Value| text(f, "rule").starts_with("dpop-") && text(f, "severity") == "critical";
    findings.iter().filter(|f| takes(text(f, "rule")) || bound(f)).map(|f| text(f, "rule")).collect()
}

/// The false positives: login, API, refresh, API, logout, and the old token refused.
#[test]
fn a_well_built_service_gives_no_finding_but_that_it_is_not_encrypted() {
    let clear = findings("well-built-http", &[]);
    let groups: BTreeSet<_> = clear.iter().filter(is_bad).map(|f| text(f, "group")).collect();
    assert_eq!(groups, BTreeSet::from(["adjacent", "transport"]), "{clear:#?}");
    assert!(clear.iter().filter(is_bad).all(|f| text(f, "rule").contains("cleartext")), "{clear:#?}");

    let keys = tree::root().join("fixtures/well-built-https/keys.log");
    let secure = findings("well-built-https", &["--keylog", keys.to_str().unwrap()]);
    assert_eq!(secure.iter().filter(is_bad).count(), 0, "{secure:#?}");
}

#[test]
fn what_a_naive_service_accepts_is_found() {
    let naive = findings("attacks-naive", &[]);
    let expected = BTreeSet::from([
        "dpop-bound-token-as-bearer",
        "dpop-proof-invalid",
        "dpop-proof-replay",
        "expired-token-accepted",
        "forged-token-accepted",
        "not-yet-valid-token-accepted",
        "oauth-code-reuse",
        "refresh-token-reuse",
        "token-accepted-after-logout",
        "token-mutation-500",
        "unsigned-token-accepted",
    ]);
    assert_eq!(accepted(&naive), expected);
    let python = findings("attacks-python", &[]);
    let expected = ["expired-token-accepted", "forged-token-accepted", "unsigned-token-accepted"];
    assert_eq!(accepted(&python), BTreeSet::from(expected));
}

#[test]
fn a_service_that_checks_its_tokens_accepts_nothing_wrong() {
    let correct = findings("attacks-correct", &[]);
    assert_eq!(accepted(&correct), BTreeSet::new());
    let rules: BTreeSet<_> = correct.iter().map(|f| text(f, "rule")).collect();
    for seen in [
        "dpop-bound-token-as-bearer",
        "dpop-proof-replay",
        "jwt-attack-probe",
        "stolen-token-use-suspected",
        "token-forwarded-on-redirect",
        "token-guessing",
        "token-replay-multi-client",
        "token-sent-to-multiple-origins",
    ] {
        assert!(rules.contains(seen), "the attack is seen all the same: {seen} in {rules:?}");
    }
    assert!(!rules.contains("verbose-token-error"));
}

/// Of the requests over TLS one was taken as early data; the other one was refused, and sent again. Of those over QUIC two
/// were taken, and one came after the handshake.
#[test]
fn early_data_is_told_from_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let text = BUILTIN.iter().find(|(id, _)| *id == "tls-early-data-token").unwrap().1;
    let any_method = text.replace(r#"!(request.method in ["GET", "HEAD", "OPTIONS", "TRACE"])"#, "true");
    assert!(any_method != text);
    let (any_method, _) = any_method.split_once("[[bad]]").unwrap();
    let examples = "[[bad]]\nabout = 'b'\nevents = [{ sighting = { early_data = true } }]\n\
                    [[good]]\nabout = 'g'\nevents = [{ sighting = {} }]\n";
    std::fs::write(folder.path().join("any-early-data.toml"), any_method.to_owned() + examples).unwrap();
    let rules = folder.path().to_str().unwrap();
    for (name, counts) in [("tls-early-data", &[1][..]), ("http3-early-data", &[1, 1])] {
        let keys = tree::root().join("fixtures").join(name).join("keys.log");
        let options = ["--keylog", keys.to_str().unwrap(), "--rules", rules, "--select", "any-early-data"];
        let found: Vec<_> = findings(name, &options).iter().map(|f| f["count"].clone()).collect();
        assert_eq!(found, counts, "{name}");
    }
}
