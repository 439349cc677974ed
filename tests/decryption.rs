//! TLS with keys: what is inside is what was served, and keys that do not fit cost nothing.

use crate::support::case::{Case, case, cases, every};
use crate::support::run::{Done, wirelint};
use crate::support::{tree, wire};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Cases that come with keys.
fn keyed() -> Vec<Case> {
    let keyed: Vec<_> = cases().into_iter().filter(|case| keylog(case).is_some()).collect();
    assert!(keyed.len() >= 6, "where are the keys?");
    keyed
}

fn keylog(case: &Case) -> Option<String> {
    let path = format!("{}/keys.log", case.folder);
    tree::root().join(&path).is_file().then_some(path)
}

/// A record command with keys.
fn records(command: &str, capture: &str, keys: &[&str]) -> Done {
    wirelint([command, "--show-secrets", "--format", "ndjson", capture]).args(keys).run()
}

type Counts = BTreeMap<String, i64>;

fn endpoint(end: &Value) -> String {
    format!("{}:{}", end["addr"].as_str().unwrap(), end["port"])
}

/// Method, target, digests, status and ends of each exchange inside encryption.
fn exchanges(done: Done) -> Counts {
    let mut counts = Counts::new();
    for row in done.code(0).records() {
        if row["encrypted"] == true {
            let (asked, told) = (&row["request"], &row["response"]);
            let parts = [
                &asked["method"],
                &asked["target"],
                &asked["body_sha256"],
                &told["status"],
                &told["body_sha256"],
            ];
            let ends = [endpoint(&row["client"]), endpoint(&row["server"])];
            *counts.entry(format!("{parts:?} {ends:?}")).or_default() += 1;
        }
    }
    counts
}

fn true_exchanges(case: &Case) -> Counts {
    let mut counts = Counts::new();
    for row in case.rows("encrypted_bodies") {
        let parts = ["method", "target", "request_body_sha256", "status", "response_body_sha256"]
            .map(|key| &row[key]);
        let ends = ["client", "server"].map(|key| row[key].as_str().unwrap());
        *counts.entry(format!("{parts:?} {ends:?}")).or_default() += 1;
    }
    counts
}

/// Digest, direction and place of each token inside encryption.
fn sightings(done: Done) -> Counts {
    let mut counts = Counts::new();
    for row in done.code(0).records() {
        if row["encrypted"] == true {
            let parts = ["sha256", "direction", "location", "name"].map(|key| &row[key]);
            *counts.entry(format!("{parts:?}")).or_default() += 1;
        }
    }
    counts
}

fn true_sightings(case: &Case) -> Counts {
    let mut counts = Counts::new();
    for row in case.rows("encrypted_sightings") {
        let parts = ["sha256", "direction", "location", "name"].map(|key| &row[key]);
        *counts.entry(format!("{parts:?}")).or_default() += row["count"].as_i64().unwrap();
    }
    counts
}

/// What is wrong with what these keys open, against what the recorder's servers and clients logged.
fn wrong(case: &Case, capture: &str, keys: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    let (ours, truth) = (exchanges(records("http", capture, keys)), true_exchanges(case));
    if ours != truth {
        wrong.push(format!("exchanges: {ours:#?}\nin truth: {truth:#?}"));
    }
    let (ours, truth) = (sightings(records("tokens", capture, keys)), true_sightings(case));
    if ours != truth {
        wrong.push(format!("tokens: {ours:#?}\nin truth: {truth:#?}"));
    }
    wrong
}

#[test]
fn what_a_key_log_opens_is_what_was_served() {
    every(&keyed(), |case| wrong(case, &case.capture, &["--keylog", &keylog(case).unwrap()]));
}

#[test]
fn flows_say_what_was_opened_and_why_the_others_were_not() {
    let case = case("tls-matrix");
    let keys = keylog(&case).unwrap();
    let flows = records("flows", &case.capture, &["--keylog", &keys]).code(0).quiet().records();
    assert_eq!(flows.len(), 37);
    for flow in &flows {
        let (tls, cipher) = (&flow["tls"], flow["tls"]["cipher"].as_str().unwrap());
        assert_eq!(flow["encrypted"], true);
        if cipher.contains("ARIA") {
            assert_eq!(flow["decrypted"], false, "{flow}");
            assert_eq!(tls["not_decrypted"], "cipher suite not supported");
        } else {
            assert_eq!((&flow["decrypted"], &flow["inner"]), (&true.into(), &"http1".into()), "{flow}");
            assert!(
                tls["not_decrypted"].is_null() && !tls["certificates"].as_array().unwrap().is_empty()
                    || tls["resumed"].is_string(),
                "{flow}"
            );
        }
    }
    for flow in records("flows", &case.capture, &[]).code(0).records() {
        assert_eq!(
            (&flow["decrypted"], &flow["tls"]["not_decrypted"]),
            (&false.into(), &"no keys were given".into())
        );
    }
}

#[test]
fn the_key_of_the_server_opens_static_rsa() {
    let case = case("tls-matrix");
    let key = format!("{}/server.key", case.folder);
    let ours = exchanges(records("http", &case.capture, &["--rsa-key", &key]));
    // TLS 1.0 and 1.1, and TLS 1.2 with CBC, GCM, CCM, Camellia and no cipher, with and without encrypt-then-MAC.
    assert_eq!(ours.len(), 11, "{ours:#?}");
    let truth = true_exchanges(&case);
    assert!(ours.keys().all(|exchange| truth.contains_key(exchange)));
    let text = records("http", &case.capture, &["--rsa-key", &case.capture]).code(2).err;
    assert!(text.contains("--rsa-key"), "{text}");
}

#[test]
fn secrets_inside_the_capture_are_used_unasked_wherever_they_stand() {
    let case = case("tls-secrets-inside");
    assert_eq!(wrong(&case, &case.capture, &[]), Vec::<String>::new());
    let bytes = fs::read(tree::root().join(&case.capture)).unwrap();
    let blocks = blocks(&bytes);
    let kind = |block: &&&[u8]| u32::from_le_bytes(block[..4].try_into().unwrap()) == 10;
    assert_eq!(blocks.iter().filter(kind).count(), 1, "one Decryption Secrets Block");
    let mut last = blocks.clone();
    last.sort_by_key(|block| kind(&block));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.pcapng").display().to_string();
    fs::write(&path, last.concat()).unwrap();
    assert_eq!(wrong(&case, &path, &[]), Vec::<String>::new(), "secrets behind all packets");
    // From a pipe they come too late for what was opaque for long, but this capture is short.
    let run =
        |command| wirelint([command, "--show-secrets", "--format", "ndjson", "-"]).stdin(last.concat()).run();
    assert_eq!(exchanges(run("http")), true_exchanges(&case));
    assert_eq!(sightings(run("tokens")), true_sightings(&case));
}

/// The blocks of a little-endian pcapng file.
fn blocks(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    while !bytes.is_empty() {
        let len = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        let (block, rest) = bytes.split_at(len);
        blocks.push(block);
        bytes = rest;
    }
    blocks
}

#[test]
fn keys_that_do_not_fit_cost_nothing() {
    let other = tree::read(keylog(&case("clean-https")).unwrap());
    let case = case("login-then-api-https");
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = dir.path().join(name).display().to_string();
        fs::write(&path, text).unwrap();
        path
    };
    let good = tree::read(keylog(&case).unwrap());
    let flip = |line: &str| {
        let (head, last) = line.split_at(line.len() - 1);
        format!("{head}{}\n", if last == "0" { "1" } else { "0" })
    };
    let wrong: String = good.lines().map(flip).collect();
    let cut = &good[..good.len() - 21];
    let garbage: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (name, text, said, why) in [
        ("wrong", wrong.as_bytes(), "", "the secret does not fit: records are not authentic"),
        ("other", other.as_bytes(), "", "no secret of this session in the key log"),
        ("empty", b"", "no secret in 0 lines", "no keys were given"),
        ("garbage", &garbage, "line 1: ", "no keys were given"),
    ] {
        let path = write(name, text);
        let flows = records("flows", &case.capture, &["--keylog", &path]).code(0);
        assert!(
            flows.err.contains(said) && (flows.err.is_empty() == said.is_empty()),
            "{name}: {}",
            flows.err
        );
        assert!(flows.err.lines().count() <= 8, "{}", flows.err);
        for flow in flows.records() {
            assert_eq!(
                (&flow["decrypted"], &flow["tls"]["not_decrypted"]),
                (&false.into(), &why.into()),
                "{name}"
            );
        }
        assert_eq!(exchanges(records("http", &case.capture, &["--keylog", &path])), Counts::new());
        let scan = wirelint(["scan", "--format", "json", "--keylog", &path, &case.capture]).run().code(0);
        assert_eq!(scan.json()["summary"]["tokens"], 0);
    }
    // The last line is the secret of one server: its answers stay closed, all else is as before.
    let path = write("cut", cut.as_bytes());
    let some = records("http", &case.capture, &["--keylog", &path]);
    assert!(some.err.contains(": a secret of the wrong length"), "{}", some.err);
    let (some, truth) = (exchanges(some), true_exchanges(&case));
    let whole = some.keys().filter(|e| truth.contains_key(*e)).count();
    assert!(whole + 3 >= truth.len() && whole < truth.len() && some.len() == truth.len(), "{some:#?}");
    let missing = records("http", &case.capture, &["--keylog", "no/such/file"]).code(2);
    assert!(missing.err.contains("--keylog no/such/file"), "{}", missing.err);
}

#[test]
fn behind_a_hole_records_are_opened_again() {
    let case = case("login-then-api-https");
    let keys = keylog(&case).unwrap();
    let bytes = fs::read(tree::root().join(&case.capture)).unwrap();
    let packets = wire::read(&bytes);
    let all = exchanges(records("http", &case.capture, &["--keylog", &keys]));
    let dir = tempfile::tempdir().unwrap();
    let mut resumed = 0;
    // Each packet in turn is lost.
    for lost in 0..packets.len() {
        let mut rest = packets.clone();
        rest.remove(lost);
        let path = dir.path().join("lost.pcap").display().to_string();
        fs::write(&path, wire::write(&rest, wire::Style::default())).unwrap();
        let flows = records("flows", &path, &["--keylog", &keys]).code(0).records();
        let holes = flows.iter().filter(|f| f["anomalies"]["gap_bytes"].as_u64() > Some(0));
        let opened = holes.filter(|f| f["decrypted"] == true).count();
        let left = exchanges(records("http", &path, &["--keylog", &keys]));
        let whole = left.keys().filter(|e| all.contains_key(*e)).count();
        assert!(whole + 3 >= all.len(), "packet {}: {} of {} exchanges", lost + 1, whole, all.len());
        resumed += opened;
    }
    assert!(resumed > 5, "{resumed}");
}

#[test]
fn where_one_side_was_captured_early_all_is_opened_all_the_same() {
    let case = case("tls-matrix");
    let keys = keylog(&case).unwrap();
    let packets = wire::read(&fs::read(tree::root().join(&case.capture)).unwrap());
    let dir = tempfile::tempdir().unwrap();
    // Of the session that negotiates anew inside itself the order is not put right.
    let followed =
        |counts: Counts| counts.into_iter().filter(|(e, _)| !e.contains(":4522")).collect::<Counts>();
    let truth = followed(true_exchanges(&case));
    assert_eq!(truth.len(), 35);
    // Milliseconds by which the clock of the servers' side is wrong.
    for skew in [-1000, -2, 10] {
        let mut packets = packets.clone();
        // Ethernet, IPv4 without options, TCP: the clients' ports are the high ones.
        for packet in packets.iter_mut().filter(|packet| packet.data[34] < 0x40) {
            packet.time += skew * 1_000_000;
        }
        packets.sort_by_key(|packet| packet.time);
        let path = dir.path().join("skewed.pcap").display().to_string();
        fs::write(&path, wire::write(&packets, wire::Style::default())).unwrap();
        let ours = followed(exchanges(records("http", &path, &["--keylog", &keys])));
        assert_eq!(ours, truth, "{skew} ms");
    }
}

#[test]
fn a_token_over_tls_is_no_finding_about_the_transport() {
    let sealed: Vec<_> = keyed().into_iter().filter(|case| case.rows("sightings").next().is_none()).collect();
    assert!(sealed.len() >= 5);
    every(&sealed, |case| {
        let keys = keylog(case).unwrap();
        let report = wirelint(["scan", "--format", "json", "--pedantic", "--keylog", &keys, &case.capture])
            .run()
            .json();
        let findings = report["findings"].as_array().unwrap().iter();
        let clear = findings.filter(|f| f["rule"].as_str().unwrap().contains("cleartext"));
        clear.map(|f| f.to_string()).collect()
    });
}

#[test]
fn the_key_log_is_read_from_anywhere_and_more_than_one_may_be_named() {
    let case = case("clean-https");
    let lines = tree::read(keylog(&case).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let half = |name: &str, keep: fn(usize) -> bool| {
        let path: std::path::PathBuf = Path::new(dir.path()).join(name);
        let text: Vec<_> = lines.lines().enumerate().filter(|(i, _)| keep(*i)).map(|(_, l)| l).collect();
        fs::write(&path, text.join("\r\n")).unwrap();
        path.display().to_string()
    };
    let (even, odd) = (half("even", |i| i % 2 == 0), half("odd", |i| i % 2 == 1));
    let ours = exchanges(records("http", &case.capture, &["--keylog", &even, "--keylog", &odd]).quiet());
    assert_eq!(ours, true_exchanges(&case));
}
