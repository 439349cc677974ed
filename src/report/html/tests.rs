//! The page as a whole.

use super::super::golden;
use super::*;
use crate::capture::FileId;
use crate::finding::{LifeStep, Pair, Story, TokenLife};
use crate::rules::Severity;
use crate::time::Timestamp;

/// Three connections, and a token that is issued, presented, and refused once it has expired.
pub(super) fn story() -> Story {
    let at = |seconds| Timestamp::from_parts(1_700_000_000 + seconds, 0);
    let pair = |server: &str, channel, sightings, worst| Pair {
        client: "10.0.0.1".into(),
        server: format!("{server}:443"),
        host: Some(server.into()),
        channel,
        protocols: vec!["http1"],
        flows: 3,
        packets: 30,
        bytes: 4000,
        sightings,
        worst,
    };
    let step = |act, packet: u64, status, expired| LifeStep {
        act,
        request: Some("GET /v1/orders/{id}".into()),
        place: "header authorization".into(),
        partner: None,
        client: 0,
        server: 1,
        response: act == "issued",
        channel: "cleartext",
        outcome: (act == "presented").then_some(if status == 401 { "refused" } else { "accepted" }),
        status: Some(status),
        expired,
        count: 1,
        file: FileId(0),
        packet,
        first: at(packet as i64),
        last: at(packet as i64),
    };
    let life = TokenLife {
        token: golden::summary().findings[0].tokens[0].0,
        kind: "jws",
        alg: Some("none".into()),
        claims: vec![("issuer", "https://issuer.example.test".into())],
        expiry: Some(at(8)),
        sightings: 3,
        first: at(1),
        last: at(9),
        parties: vec!["10.0.0.1".into(), "api.example.test:443".into()],
        steps: vec![
            step("issued", 1, 200, false),
            step("presented", 4, 200, false),
            step("presented", 9, 401, true),
        ],
        left: 0,
    };
    Story {
        pairs: vec![
            pair("api.example.test", "cleartext", 12, Some(Severity::Critical)),
            pair("shop0.example.test", "tls-decrypted", 1, None),
            pair("legacy.example.test", "tls-opaque", 0, None),
        ],
        lives: vec![life],
        ..Story::default()
    }
}

fn written(summary: &Summary) -> String {
    let mut out = Vec::new();
    Html.write(summary, &Settings::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_page_holds_every_finding_and_nothing_foreign() {
    let summary = Summary { story: Some(story()), ..golden::summary() };
    let text = written(&summary);
    assert_eq!(text.matches("class=\"find\" id=\"f-").count(), summary.findings.len());
    for foreign in ["http://", "https://", "//cdn", "<link", "url(", "@import", "<img", "<iframe"] {
        let at = text.match_indices(foreign).map(|(at, _)| &text[at..(at + 40).min(text.len())]);
        let at: Vec<_> = at.filter(|t| !t.starts_with("https://issuer.example.test")).collect();
        assert!(at.is_empty(), "{at:?}");
    }
    let style = text.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    assert!(text.contains(&digest(style)) && text.contains(&digest(SCRIPT)));
    assert!(!text.contains(" style=\"") && !text.contains(" onclick"));
}

/// Every place of the page that shows text from the network.
#[test]
fn nothing_from_the_network_is_markup() {
    let mut summary = Summary { story: Some(story()), ..golden::summary() };
    let hostile = "</script></title></style><script>alert(1)</script><b a='\"`&\u{202e}";
    let text = || hostile.to_owned();
    let finding = &mut summary.findings[0];
    finding.message = text();
    (finding.name, finding.host) = (Some(text()), Some(text()));
    finding.route = Some(format!("GET /{hostile}"));
    finding.tokens[0].1 = text();
    (summary.inputs[0], summary.warnings[0], summary.remarks[0]) = (text(), text(), text());
    let story = summary.story.as_mut().unwrap();
    let pair = &mut story.pairs[0];
    (pair.client, pair.server, pair.host) = (text(), text(), Some(text()));
    let life = &mut story.lives[0];
    (life.alg, life.claims) = (Some(text()), vec![("issuer", text())]);
    life.parties = vec![text(), text()];
    let step = &mut life.steps[0];
    (step.request, step.place, step.partner) = (Some(text()), text(), Some(text()));
    let page = written(&summary);
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("</style").count(), 1);
    assert_eq!(page.matches("</title").count(), page.matches("<title>").count());
    assert!(!page.contains("<b a") && !page.contains('\u{202e}'));
    assert!(page.matches("alert(1)").count() >= 20, "{}", page.matches("alert(1)").count());
}

#[test]
fn rules_lead_to_their_page() {
    let summary = golden::summary();
    let settings = Settings { docs: Some("https://docs.example.test/rules?a&b"), ..Settings::default() };
    let page = page(&summary, &settings);
    for finding in &summary.findings {
        let rule = &finding.identity.rule;
        let link =
            format!("<a href=\"https://docs.example.test/rules?a&amp;b#{rule}\"><code>{rule}</code></a>");
        assert!(page.contains(&link), "{link}");
    }
    assert!(!written(&summary).contains("</code></a>"), "no page, no link");
}

#[test]
fn a_clean_run_is_told_as_one() {
    let text = written(&golden::clean());
    assert!(text.contains("<h1>No findings</h1>") && text.contains("Everything was inspected."));
    assert!(!text.contains("id=\"filter\"") && !text.contains("<path"));
}

#[test]
fn what_was_gathered_for_nothing_takes_no_room() {
    let text = written(&Summary { story: Some(Story::default()), ..golden::clean() });
    assert!(!text.contains("id=\"hosts\"") && !text.contains("id=\"lives\"") && !text.contains("#hosts"));
}
