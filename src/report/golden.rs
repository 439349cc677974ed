//! One set of findings for the tests of all formats: short and long, plain and hostile.

use super::{Format, Settings};
use crate::{
    capture::FileId,
    decode::Endpoint,
    finding::{Finding, Identity, RuleNote, Summary},
    rules::{Confidence, Severity},
    tally::Tally,
    time::Timestamp,
};
use sha2::Digest as _;
use std::collections::BTreeMap;

/// The set as `format` prints it.
pub(super) fn render(format: &Format, width: usize, color: bool) -> String {
    let settings = Settings { width, color, version: "0.0.0", ..Settings::default() };
    let mut out = Vec::new();
    (format.make)().write(&summary(), &settings, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A run that saw traffic, missed nothing and found nothing.
pub(super) fn clean() -> Summary {
    let tally = Tally { frames: 120, bytes: 88_000, payload_bytes: 80_000, flows: 4, ..Tally::default() };
    Summary { inputs: vec!["clean.pcap".into()], tally, ..Summary::default() }
}

/// The set.
pub(crate) fn summary() -> Summary {
    let mut tally = Tally {
        frames: 12_345,
        bytes: 9_876_543,
        payload_bytes: 8_000_000,
        opaque_bytes: 4_880_000,
        gap_bytes: 1460,
        flows: 321,
        messages: 77,
        sightings: 34,
        ..Tally::default()
    };
    tally.weirds("gaps", 2);
    tally.weirds("content_undecodable", 1);
    tally.weirds("retransmitted", 5);
    Summary {
        inputs: vec!["captures/login.pcap".into(), "a\x1b[31mb.pcapng".into()],
        findings: findings(),
        rules: notes(&findings()),
        dropped: 3,
        tally,
        tokens: 12,
        crack_trials: 4_000_000,
        crack_cut: true,
        warnings: vec!["captures/login.pcap: offset 4711: block cut short, 12 bytes lost".into()],
        unsaid: false,
        suppressed: 2,
        known: 5,
        remarks: vec!["wirelint.toml:12: nothing was found that this suppresses; remove it".into()],
        ..Summary::default()
    }
}

fn notes(findings: &[Finding]) -> Vec<RuleNote> {
    let mut notes = BTreeMap::new();
    for finding in findings {
        notes.entry(finding.identity.rule.clone()).or_insert_with(|| RuleNote {
            id: finding.identity.rule.clone(),
            group: finding.group,
            title: finding.title.clone(),
            severity: finding.severity,
            confidence: finding.confidence,
            about: "Why it matters, in `Markdown`.".into(),
            remedy: finding.remediation.clone(),
            references: finding.references.clone(),
            cwe: finding.cwe.clone(),
        });
    }
    notes.into_values().collect()
}

fn findings() -> Vec<Finding> {
    let mut all = vec![
        none("GET", "api.example.test", "/v1/items/{id}", 4, 12),
        none("POST", "api.example.test", &format!("/v1/{}/end", "very-long-segment/".repeat(9)), 9, 1),
    ];
    for n in 0..7 {
        all.push(cleartext(n));
    }
    let mut hostile = cleartext(40);
    hostile.identity.rule = "token-in-query".into();
    hostile.severity = Severity::Medium;
    hostile.title = "Token in the query of a URL".into();
    hostile.message = "token in `\x1b]0;owned\x07\u{202e}gnp.exe` of a URL, 漢字漢字 and a word-that-does-not-end-until-it-is-longer-than-any-line-of-a-terminal-would-be-and-then-some".into();
    hostile.host = Some("evil\x1b[2J.test".into());
    hostile.file = Some(FileId(1));
    hostile.client = Some(endpoint("2001:db8:1234:5678:9abc:def0:1234:5678", 54321));
    hostile.server = Some(endpoint("2001:db8::1", 8080));
    hostile.name = Some("access\ntoken".into());
    hostile.adjustments = vec!["token had expired"];
    hostile.confidence = Confidence::Medium;
    all.push(hostile);
    all.push(tls());
    all.push(coverage());
    for finding in &mut all {
        finding.fingerprint = finding.identity.fingerprint();
    }
    all
}

fn none(method: &str, host: &str, path: &str, packet: u64, count: u64) -> Finding {
    let mut finding = base("jwt-alg-none", Severity::Critical, "Unsigned token (alg none)", packet);
    finding.group = "jose";
    finding.message = "token of https://issuer.example.test is not signed: its header says alg none".into();
    finding.host = Some(host.into());
    finding.route = Some(format!("{method} {path}"));
    finding.identity.host = host.into();
    finding.identity.route = format!("{method} {path}");
    finding.count = count;
    finding.remediation = "Accept only the algorithms that your issuer uses, and reject `none`.".into();
    finding.references = vec!["RFC 8725 §3.1".into()];
    finding.cwe = vec![347, 345];
    finding
}

fn cleartext(n: u64) -> Finding {
    let mut finding =
        base("token-over-cleartext-http", Severity::High, "Token sent over cleartext HTTP", 100 + n);
    finding.message = format!("bearer token of user-{} sent in the clear", n / 3);
    finding.host = Some(format!("shop{n}.example.test"));
    finding.route = Some("GET /cart".into());
    finding.identity.host = format!("shop{n}.example.test");
    finding.remediation = "Use HTTPS for every request that carries a token, redirect nothing from HTTP, and send Strict-Transport-Security so that browsers never try HTTP again.".into();
    finding.tokens =
        (0..4).map(|i| ([(160 + n * 4 + i) as u8; 32], "eyJhbGciOiJIUzI1NiJ9.***.***".into())).collect();
    finding
}

fn tls() -> Finding {
    let mut finding = base("tls-version-deprecated", Severity::Low, "Deprecated TLS version", 17);
    finding.message = "TLS 1.0 was negotiated".into();
    finding.host = Some("legacy.example.test".into());
    (finding.location, finding.name, finding.token) = (None, None, None);
    finding.tokens.clear();
    finding.remediation = "Turn TLS 1.0 and 1.1 off (RFC 8996).".into();
    finding
}

fn coverage() -> Finding {
    let mut finding = base("coverage-gap", Severity::Info, "Part of the traffic was not inspected", 0);
    finding.message = "holes in streams: 2, bodies with a content coding that could not be undone: 1".into();
    finding.remediation = "Capture with a larger buffer.".into();
    (finding.file, finding.packet, finding.offset, finding.time, finding.flow) =
        (None, None, None, None, None);
    (finding.client, finding.server, finding.location, finding.name) = (None, None, None, None);
    (finding.token, finding.first_seen, finding.last_seen) = (None, None, None);
    finding.tokens.clear();
    finding
}

fn base(rule: &str, severity: Severity, title: &str, packet: u64) -> Finding {
    let time = Timestamp::from_parts(1_700_000_000, packet as i64 * 1_000_000);
    let sha256: [u8; 32] = sha2::Sha256::digest("password").into();
    Finding {
        identity: Identity { rule: rule.into(), ..Identity::default() },
        fingerprint: String::new(),
        title: title.into(),
        group: "transport",
        severity,
        adjustments: Vec::new(),
        confidence: Confidence::High,
        message: String::new(),
        file: Some(FileId(0)),
        packet: Some(packet),
        offset: Some(packet * 1000),
        time: Some(time),
        flow: Some(1),
        client: Some(endpoint("10.0.0.1", 51234)),
        server: Some(endpoint("10.0.0.2", 8080)),
        location: Some("header".into()),
        name: Some("authorization".into()),
        host: None,
        route: None,
        token: Some(sha256),
        count: 1,
        first_seen: Some(time),
        last_seen: Some(time),
        tokens: vec![(sha256, "eyJhbGciOiJub25lIn0.***.".into())],
        remediation: String::new(),
        references: Vec::new(),
        cwe: Vec::new(),
    }
}

fn endpoint(addr: &str, port: u16) -> Endpoint {
    Endpoint { addr: addr.parse().unwrap(), port }
}
