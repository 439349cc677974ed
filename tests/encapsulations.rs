//! Whatever a network puts around packets, the same tokens and exchanges are found: one fixture in every encapsulation.

use crate::support::run::wirelint;
use crate::support::tree;
use serde_json::Value;
use std::collections::BTreeSet;

const FOLDER: &str = "fixtures/token-in-path";

fn records(command: &str, capture: &str) -> Vec<Value> {
    wirelint([command, "--format", "ndjson", capture]).run().code(0).quiet().records()
}

/// What was said, whatever carried it.
fn said(capture: &str) -> Vec<String> {
    let pick = |row: &Value, paths: &[&str]| {
        paths
            .iter()
            .map(|path| row.pointer(path).unwrap_or(&Value::Null).to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let tokens = records("tokens", capture);
    let token = ["/sha256", "/direction", "/location", "/name", "/host", "/http", "/server/port"];
    let tokens = tokens.iter().map(|row| pick(row, &token));
    let exchanges = records("http", capture);
    let ends =
        ["/request/method", "/request/target", "/response/status", "/response/body_sha256", "/client/port"];
    tokens.chain(exchanges.iter().map(|row| pick(row, &ends))).collect()
}

#[test]
fn the_same_is_found_in_every_encapsulation() {
    let plain = said(&format!("{FOLDER}/capture.pcap"));
    assert!(plain.len() >= 4, "{plain:?}");
    let stacks: Value =
        serde_json::from_str(&tree::read(format!("{FOLDER}/encapsulated/stacks.json"))).unwrap();
    let stacks = stacks.as_object().unwrap();
    let files: BTreeSet<_> = tree::files(FOLDER, "gz").into_iter().collect();
    assert!(files.len() == stacks.len() && files.len() > 60, "{} files", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let path = path.to_str().unwrap();
        let name = path.rsplit('/').next().unwrap().strip_suffix(".pcap.gz").unwrap();
        if said(path) != plain {
            wrong.push(format!("{name}: {:#?}", said(path)));
        }
        let flows = records("flows", path);
        let tcp: Vec<_> = flows.iter().filter(|flow| flow["transport"] == "tcp").collect();
        if tcp.len() != 2 || flows.len() != 2 {
            wrong.push(format!("{name}: {} flows", flows.len()));
        }
        for flow in tcp {
            if ["tunnel", "vlan"].iter().any(|key| flow[key] != stacks[name][key])
                || flow["state"] != "closed"
            {
                wrong.push(format!("{name}: {flow}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
