//! A life, drawn in every format.

use super::super::golden;
use super::*;
use crate::report::text::width;

/// A token that is issued, presented four times and refused once it has expired.
fn traced(format: &str, settings: Settings) -> String {
    let mut tracer =
        Tracer::new(trace_format(format).unwrap(), settings, String::new(), false, vec!["a.pcap".into()]);
    let scanner = Scanner::new();
    let mut sighting = golden::sighting(golden::TOKEN);
    let mut exchange = golden::exchange();
    for (seconds, packet) in [(-5, 4), (-4, 9), (-3, 14), (2, 19)] {
        sighting.position.time = Timestamp::from_parts(1_700_000_000 + seconds, 0);
        sighting.position.frame = packet;
        sighting.direction = Some(if packet == 4 { Direction::Response } else { Direction::Request });
        if packet == 19 {
            exchange.response.as_mut().unwrap().head.status = 401;
        }
        if packet == 4 {
            sighting.place = Place::named(Location::Body, "$.a\u{202e}\x1b[31m;token");
        } else {
            sighting.place = Place::named(Location::Header, "authorization");
        }
        let around =
            Around { exchange: Some(&exchange), others: &[], flow: 1, signature: Some("unverified") };
        tracer.sighting(&sighting, around, &scanner);
    }
    let mut out = Vec::new();
    tracer.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_life_is_drawn_in_order() {
    insta::assert_snapshot!(traced("text", Settings::default()));
    insta::assert_snapshot!(traced("mermaid", Settings::default()));
}

#[test]
fn diagrams_fit_and_nothing_escapes() {
    for columns in [60, 80, 100, 200] {
        let text = traced("text", Settings { width: columns, ..Settings::default() });
        for line in text.lines() {
            assert!(width(line) <= columns, "{columns}: {line}");
            assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line}");
        }
    }
    let coloured = traced("text", Settings { color: true, ..Settings::default() });
    assert!(coloured.contains("\x1b["));
    let plain = anstream::adapter::strip_str(&coloured).to_string();
    let trimmed: Vec<_> = plain.lines().map(str::trim_end).collect();
    assert_eq!(trimmed, traced("text", Settings::default()).lines().collect::<Vec<_>>());
}

#[test]
fn steps_are_merged_and_bounded() {
    let value: serde_json::Value = serde_json::from_str(&traced("json", Settings::default())).unwrap();
    let steps = value["tokens"][0]["steps"].as_array().unwrap();
    let row =
        |s: &serde_json::Value| format!("{} {} {} {}", s["event"], s["count"], s["outcome"], s["expired"]);
    let rows: Vec<_> = steps.iter().map(row).collect();
    assert_eq!(
        rows,
        ["\"issued\" 1 null false", "\"presented\" 2 \"accepted\" false", "\"presented\" 1 \"refused\" true"]
    );
    let format = trace_format("json").unwrap();
    let mut tracer = Tracer::new(format, Settings::default(), String::new(), false, Vec::new());
    let mut sighting = golden::sighting(golden::TOKEN);
    for n in 0..TRACE_STEPS + 10 {
        sighting.place = Place::named(Location::Cookie, n.to_string());
        let around = Around { exchange: None, others: &[], flow: 1, signature: None };
        tracer.sighting(&sighting, around, &Scanner::new());
    }
    assert_eq!((tracer.lives[0].steps.len(), tracer.lives[0].dropped), (TRACE_STEPS, 10));
}
