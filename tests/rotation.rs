//! Files that continue each other are one stream of packets: what they say is what the whole capture says.

use crate::support::run::wirelint;
use crate::support::wire::{self, Conversation, Packet, Style};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// RFC 7515 appendix A.1.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Connections side by side whose requests and responses take several packets each.
fn capture() -> Vec<Packet> {
    let connections = (0..20).map(|n| {
        let ask = format!(
            "POST /items/{n} HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 3000\r\n\r\n{}",
            "q".repeat(3000)
        );
        let body = format!("{{\"access_token\":\"{TOKEN}\",\"pad\":\"{}\"}}", "p".repeat(4000));
        let tell = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        Conversation::open(n, 80).client(ask.as_bytes()).server(tell.as_bytes()).close()
    });
    wire::interleave(connections, 7)
}

/// Writes `packets` in parts of `size`, by these names.
fn write(folder: &Path, packets: &[Packet], size: usize, name: impl Fn(usize) -> String) -> Vec<PathBuf> {
    let parts = packets.chunks(size).enumerate();
    parts
        .map(|(i, part)| {
            let path = folder.join(name(i));
            std::fs::write(&path, wire::write(part, Style { ng: i % 2 == 1, ..Style::default() })).unwrap();
            path
        })
        .collect()
}

fn records(command: &str, paths: &[PathBuf], threads: &str) -> Vec<Value> {
    wirelint([command, "--format", "ndjson", "--threads", threads])
        .args(paths)
        .run()
        .code(0)
        .quiet()
        .records()
}

/// Replaces file and packet number in a part by the number in the whole capture.
fn globally(mut rows: Vec<Value>, paths: &[PathBuf], size: usize) -> Vec<Value> {
    for row in &mut rows {
        let file = row["file"].as_str().unwrap();
        let part = paths.iter().position(|path| path.to_str() == Some(file)).unwrap();
        row["file"] = Value::Null;
        if let Some(packet) = row.get_mut("packet") {
            *packet = (packet.as_u64().unwrap() + (part * size) as u64).into();
        }
    }
    rows
}

#[test]
fn parts_say_what_the_whole_says() {
    let (folder, packets) = (tempfile::tempdir().unwrap(), capture());
    let whole = write(folder.path(), &packets, packets.len(), |_| "whole".to_owned());
    for size in [1, 3, 50, packets.len() / 2 + 1] {
        let folder = tempfile::tempdir().unwrap();
        // The later ones first by name, and by the order in which they are given.
        let parts = write(folder.path(), &packets, size, |i| format!("ring.pcap{}", 9999 - i));
        let mut given = parts.clone();
        given.reverse();
        for command in ["tokens", "flows"] {
            let one = globally(records(command, &whole, "1"), &whole, 0);
            let all = globally(records(command, &given, "1"), &parts, size);
            assert_eq!(one, all, "{command} in parts of {size}");
            assert_eq!(all, globally(records(command, &[folder.path().into()], "3"), &parts, size));
        }
        let exchanges = records("http", &given, "1");
        assert_eq!(exchanges.len(), 20);
        assert!(exchanges.iter().all(|e| e["response"]["body_len"].as_u64() > Some(4000)), "{exchanges:?}");
        let scan = wirelint(["scan", "--format", "ndjson"]).args(&given).run();
        let fingerprints =
            |rows: Vec<Value>| -> Vec<Value> { rows.into_iter().map(|f| f["fingerprint"].clone()).collect() };
        let findings = globally(scan.records(), &parts, size);
        let one = globally(wirelint(["scan", "--format", "ndjson"]).args(&whole).run().records(), &whole, 0);
        let places = |rows: &[Value]| rows.iter().map(|f| f["packet"].clone()).collect::<Vec<_>>();
        assert_eq!(places(&one), places(&findings));
        assert_eq!(fingerprints(one), fingerprints(findings));
    }
}

#[test]
fn by_any_name_if_given_in_order() {
    let (folder, packets) = (tempfile::tempdir().unwrap(), capture());
    let parts = write(folder.path(), &packets, 100, |i| format!("part-{}", "abcdefgh".split_at(i).0));
    assert!(parts.len() > 2);
    assert_eq!(records("tokens", &parts, "1").len(), 40);
    assert_eq!(records("flows", &parts, "1").len(), 20);
}

#[test]
fn what_does_not_continue_is_apart() {
    let (folder, packets) = (tempfile::tempdir().unwrap(), capture());
    let half = packets.len() / 2;
    let shifted = |by: i64| -> Vec<Packet> {
        packets[half..].iter().map(|p| Packet { time: p.time + by, ..p.clone() }).collect()
    };
    let flows = |name: &str, second: &[Packet]| {
        let paths = ["1", "2"].map(|part| folder.path().join(format!("{name}{part}")));
        for (path, packets) in paths.iter().zip([&packets[..half], second]) {
            std::fs::write(path, wire::write(packets, Style::default())).unwrap();
        }
        records("flows", &paths, "1").len()
    };
    assert_eq!(flows("continued", &shifted(0)), 20);
    assert!(flows("later", &shifted(2 * 3600 * 1_000_000_000)) > 20);
    assert!(flows("side by side", &shifted(-50_000_000)) > 20);
    // The same capture twice.
    let twice = [folder.path().join("continued1"), folder.path().join("continued1")];
    assert_eq!(records("flows", &twice, "1").len(), 2 * records("flows", &twice[..1], "1").len());
}
