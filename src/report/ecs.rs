//! A finding in the Elastic Common Schema (ECS 8), for sinks that feed Elasticsearch, OpenSearch or a SIEM.

use super::EndpointView;
use super::ndjson_line;
use crate::finding::Finding;
use serde_json::{Map, Value, json};

/// One finding as a line of ECS; `inputs` are the names of files or interfaces. What ECS has no field for is below `wirelint`.
pub fn ecs_line(finding: &Finding, inputs: &[String]) -> String {
    let whole: Value = serde_json::from_str(&ndjson_line(finding, inputs)).unwrap_or_default();
    let end = |e: Option<crate::decode::Endpoint>| match serde_json::to_value(EndpointView(e)) {
        Ok(Value::Object(view)) => {
            let mut end = Map::new();
            for (ecs, own) in [("ip", "addr"), ("port", "port")] {
                end.extend(view.get(own).filter(|v| !v.is_null()).map(|v| (ecs.to_owned(), v.clone())));
            }
            Value::Object(end)
        }
        _ => Value::Null,
    };
    let text = |name: &str| whole.get(name).cloned().unwrap_or_default();
    let interface = finding.file.and_then(|file| inputs.get(file.0 as usize));
    let seen = [&finding.last_seen, &finding.time].into_iter().flatten().next().map(ToString::to_string);
    // 21, 47, 73 and 99 as Elastic's own rules have them.
    let severity = [1, 21, 47, 73, 99].get(finding.severity as usize);
    let mut line = json!({
        "@timestamp": seen,
        "ecs": {"version": "8.11.0"},
        "event": {
            "kind": "alert", "category": ["network"], "type": ["info"],
            "module": "wirelint", "dataset": "wirelint.finding",
            "severity": severity,
            "id": finding.fingerprint, "start": text("first_seen"), "end": text("last_seen"),
        },
        "rule": {
            "id": finding.identity.rule, "name": finding.title, "category": finding.group,
            "reference": finding.references.first(),
        },
        "message": finding.message,
        "source": end(finding.client), "client": end(finding.client),
        "destination": end(finding.server), "server": end(finding.server),
        "url": {"domain": finding.host},
        "observer": {
            "product": "wirelint", "type": "ids", "version": env!("CARGO_PKG_VERSION"),
            "ingress": {"interface": {"name": interface}},
        },
        "wirelint": whole,
    });
    prune(&mut line);
    line.to_string()
}

/// Takes away what is not known: ECS has no nulls. What is below `wirelint` stays as the record is.
fn prune(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    for (_, field) in fields.iter_mut().filter(|(name, _)| *name != "wirelint") {
        prune(field);
    }
    fields.retain(|_, v| !v.is_null() && v.as_object().is_none_or(|o| !o.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;

    #[test]
    fn every_finding_has_a_place_in_ecs() {
        let summary = golden::summary();
        for finding in &summary.findings {
            let line = ecs_line(finding, &summary.inputs);
            let value: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(value["rule"]["id"], finding.identity.rule.as_str());
            assert_eq!(value["event"]["id"], finding.fingerprint.as_str());
            assert_eq!(value["wirelint"]["rule"], value["rule"]["id"]);
            assert!(value["event"]["severity"].as_u64().unwrap() > 0);
            let outside = line.split("\"wirelint\":{").next().unwrap();
            assert!(!outside.contains("null"), "{outside}");
            if let Some(client) = finding.client {
                assert_eq!(value["source"]["ip"], client.addr.to_string());
                assert_eq!(value["source"]["port"], client.port);
            }
        }
    }
}
