//! Files of recorded exchanges (HAR, cassettes): compressed, damaged, hostile, large, and read by any number of threads.

use crate::support::case::{Case, cases, every};
use crate::support::child;
use crate::support::mangle::Random;
use crate::support::observe::observe;
use crate::support::run::wirelint;
use crate::support::tree;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

const HAR: &str = "fixtures/har-chromium/capture.har";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4tMDEyMzQ1Njc";

fn recorded() -> Vec<Case> {
    let all: Vec<_> = cases().into_iter().filter(|case| !case.has_packets()).collect();
    assert!(all.len() > 6);
    all
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(tree::root().join(path)).unwrap()
}

/// Output of a command that is to succeed, without the name of the file.
fn said(command: &str, path: &str, more: &[&str]) -> String {
    let run = wirelint([command, "--format", "ndjson", path]).args(more).run();
    assert!(run.code < 2 && run.err.is_empty(), "{run}");
    run.out.replace(path, "FILE")
}

#[test]
fn threads_do_not_change_what_is_said() {
    every(&recorded(), |case| {
        let with = |command: &str, threads: &str| {
            let more = if command == "scan" {
                &["-j", threads, "--crack-budget", "0"][..]
            } else {
                &["-j", threads]
            };
            said(command, &case.capture, more)
        };
        let differs = |command: &&str| with(command, "1") != with(command, "4");
        let all = ["scan", "flows", "http", "tokens"].into_iter();
        all.filter(differs).map(|command| format!("{command} differs")).collect()
    });
}

#[test]
fn compression_and_names_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    every(&recorded(), |case| {
        let data = read(&case.capture);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&data).unwrap();
        let zstd = ruzstd::encoding::compress_to_vec(&data[..], ruzstd::encoding::CompressionLevel::Fastest);
        let plain = said("tokens", &case.capture, &[]);
        let mut wrong = Vec::new();
        for (how, bytes) in [("gzip", gzip.finish().unwrap()), ("zstd", zstd), ("as it is", data)] {
            let path = folder.path().join("x.pcap");
            std::fs::write(&path, bytes).unwrap();
            if said("tokens", path.to_str().unwrap(), &[]) != plain {
                wrong.push(how.to_owned());
            }
        }
        wrong
    });
    let stdin = wirelint(["http", "--format", "ndjson", "-"]).stdin(read(HAR)).run().code(0).quiet();
    assert_eq!(stdin.out.replace("\"file\":\"-\"", "\"file\":\"FILE\""), said("http", HAR, &[]));
}

#[test]
fn folders_are_searched_for_them() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), read(HAR)).unwrap();
    std::fs::write(folder.path().join("b"), "{\"log\": {\"message\": \"none\"}}").unwrap();
    let run = wirelint(["http", "--format", "ndjson"]).args([folder.path()]).run().code(0).quiet();
    assert_eq!(run.records().len(), 19);
}

#[test]
fn a_cut_har_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.har");
    let data = read(HAR);
    std::fs::write(&path, &data[..data.len() / 2]).unwrap();
    let run = wirelint(["http", "--format", "ndjson"]).args([&path]).args([HAR]).run().code(0);
    let told = format!(
        "cut.har: offset {}: the file ends in the middle, 10 whole entries were read",
        data.len() / 2
    );
    assert_eq!(run.records().len(), 10 + 19, "what is whole is read, and so is the next file");
    run.says(&[&told]);
}

#[test]
fn a_broken_entry_is_skipped_and_told() {
    let text = String::from_utf8(read(HAR)).unwrap();
    let at = text.find("\"method\": \"POST\"").unwrap();
    let broken = text[..at].to_owned() + "\u{1}" + &text[at..];
    let run = wirelint(["http", "--format", "ndjson", "-"]).stdin(broken).run().code(0);
    assert_eq!(run.records().len(), 18);
    let run = run.says(&[&format!("warning: -: offset {at}: entry 3: "), "bytes lost"]);
    assert!(!run.err.contains("POST"), "{run}");
}

#[test]
fn connections_are_flows() {
    let flows = wirelint(["flows", "--format", "ndjson", HAR]).run().code(0).quiet().records();
    let of = |flow: &serde_json::Value| {
        let text = |key: &str| flow[key].as_str().unwrap_or("-").to_owned();
        let server = flow["server"]["addr"].as_str().unwrap_or("-").to_owned();
        (text("protocol"), text("inner"), server, flow["packets"].as_u64().unwrap(), text("state"))
    };
    let found: Vec<_> = flows.iter().map(of).collect();
    let row = |a: &str, b: &str, c: &str, n| (a.to_owned(), b.to_owned(), c.to_owned(), n, "open".to_owned());
    let expected = [
        row("websocket", "-", "-", 1),
        row("http1", "-", "10.77.0.2", 14),
        row("tls", "http1", "10.77.0.2", 4),
    ];
    assert_eq!(found, expected);
    assert!(flows[2]["encrypted"] == true && flows[2]["decrypted"] == true && flows[2]["tls"].is_null());
}

#[test]
fn tokens_in_websocket_messages_have_their_exchange() {
    let tokens = said("tokens", HAR, &[]);
    let sent = tokens.lines().find(|line| line.contains("\"$.auth\"")).unwrap();
    assert!(sent.contains("\"location\":\"websocket\"") && sent.contains("\"target\":\"/plain\""), "{sent}");
    assert!(
        sent.contains("\"direction\":\"request\"") && sent.contains("\"host\":\"api.shop.example:9091\"")
    );
}

/// A cassette without dates: no token is old or of the future by it.
#[test]
fn without_a_time_no_token_is_judged_by_one() {
    let cassette = |date: &str| {
        format!(
            "interactions:\n- request:\n    uri: https://a.test/\n    method: GET\n    headers:\n      Authorization: ['Bearer {TOKEN}']\n  \
             response:\n    status: {{code: 200}}\n    headers: {{{date}}}\n    body: {{string: ''}}\n"
        )
    };
    let token = |claims: &str| {
        let part = |text: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
        };
        format!("{}.{}.{}", part("{\"alg\":\"HS256\"}"), part(claims), part(&"s".repeat(32)))
    };
    let rules = |text: String| {
        let run = wirelint(["scan", "--format", "ndjson", "-"]).stdin(text).run();
        assert!(run.code < 2, "{run}");
        let ids = |r: &serde_json::Value| r["rule"].as_str().unwrap().to_owned();
        run.records().iter().map(ids).collect::<Vec<_>>()
    };
    let issued = token("{\"iat\":1700000000,\"exp\":1700000900}");
    let timed = |rules: &[String]| {
        let about = |rule: &&String| rule.contains("expired") || rule.contains("time");
        rules.iter().filter(about).cloned().collect::<Vec<_>>()
    };
    assert_eq!(timed(&rules(cassette("").replace(TOKEN, &issued))), Vec::<String>::new());
    let late = cassette("Date: ['Tue, 21 Nov 2023 22:13:20 GMT']").replace(TOKEN, &issued);
    assert_eq!(timed(&rules(late)), ["expired-token-accepted", "jwt-expired-sent"]);
    let early = cassette("Date: ['Tue, 07 Nov 2023 22:13:20 GMT']").replace(TOKEN, &issued);
    assert_eq!(timed(&rules(early)), ["jwt-time-inconsistent"]);
}

/// Whatever the bytes are, reading them ends.
#[test]
fn mangled_files_never_panic() {
    let mut random = Random::named("recorded exchanges");
    for case in recorded() {
        let bytes = read(&case.capture);
        for _ in 0..12 {
            let mut file = bytes.clone();
            for _ in 0..1 + random.below(4) {
                let at = random.below(file.len());
                match random.below(5) {
                    0 => file.truncate(at.max(file.len() / 2)),
                    1 => drop(
                        file.drain(at..(at + random.below(200)).min(bytes.len()).min(file.len()).max(at)),
                    ),
                    2 => file.splice(at..at, *b"\"}]{[&*!:\n").for_each(drop),
                    bit => file[at] ^= 1 << (bit % 8),
                }
            }
            observe(file, 1, false);
        }
    }
}

/// Memory is that of the largest entry, not of the file; nor do short values cost what they can.
#[test]
fn memory_does_not_grow_with_the_file() {
    let entry = |text: &str| {
        format!(
            "{{\"startedDateTime\":\"2024-01-01T00:00:00Z\",\"time\":1,\"request\":{{\"method\":\"GET\",\"url\":\"http://a.test/x\",\
             \"headers\":[{{\"name\":\"Authorization\",\"value\":\"Bearer {TOKEN}\"}}]}},\"response\":{{\"status\":200,\"headers\":[],\
             \"content\":{{\"size\":1,\"text\":\"{text}\"}}}}}},\n"
        )
    };
    let document = |entries: &str| format!("{{\"log\":{{\"version\":\"1.2\",\"entries\":[{entries}1]}}}}");
    let mut many = String::new();
    for n in 0..4000 {
        let _ = write!(many, "{}", entry(&format!("{n} {}", "x".repeat(10_000))));
    }
    let large = document(&many);
    assert!(large.len() > 38 << 20);
    let ended = child::wirelint(&["tokens", "-q"], large.as_bytes(), Duration::from_secs(100));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.peak < 40 << 10, "{} KiB for many entries", ended.peak);
    for (what, hostile) in [
        ("values", format!("[{}],", "1,".repeat(10 << 20) + "1")),
        ("depth", "[".repeat(20 << 20)),
        ("text", entry(&"y".repeat(40 << 20))),
    ] {
        let ended = child::wirelint(&["scan", "-q"], document(&hostile).as_bytes(), Duration::from_secs(60));
        assert!(matches!(ended.code, Some(0..=3)), "{what}: {}", ended.stderr);
        assert!(ended.peak < 120 << 10, "{} KiB for {what}", ended.peak);
    }
}
