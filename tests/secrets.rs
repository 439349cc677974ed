//! Nothing that opens anything is printed, in any output, unless it was asked for.

use crate::support::case::cases;
use crate::support::run::wirelint;
use crate::support::tree;
use crate::support::wire::{self, Style, connection};
use base64::Engine as _;
use regex_lite::Regex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use wirelint::message::BASE64URL;

/// Bytes of a token in a row that are as good as the token for who can guess the rest.
const PIECE: usize = 12;

/// Secrets that the recorder's programs have in their text.
const KNOWN: [&str; 8] = [
    "correct horse",
    "correct+horse",
    "correct%20horse",
    "hunter2",
    "a1B2c3D4a1B2c3D4",
    "k3yQ7vW9pL2mX8nR4tZ6bC1dF5gH0jSa",
    "changeme",
    "your-256-bit-secret",
];

/// Secrets that the recorder made up anew: what the captures have behind these words. The name says where.
const MADE: [(&str, &str); 8] = [
    ("client_secret", r"client_secret=([\w%+.-]{12,})"),
    ("refresh_token", r#"refresh_token(?:=|": ?")([\w%+.-]{12,})"#),
    ("access_token", r#"access_token(?:=|": ?")([\w%+.-]{12,})"#),
    ("code", r"[?&]code=([\w%+.-]{12,})"),
    ("session cookie", r"JSESSIONID=(\w{12,})"),
    ("authorization", r"(?i)authorization: \w+ ([\w+/=.-]{12,})"),
    ("digest", r#"response="(\w{12,})""#),
    ("api key", r"(?i)x-api-key: (\w{12,})"),
];

fn captures() -> Vec<String> {
    cases().into_iter().map(|case| case.capture).collect()
}

/// Distinct tokens of all fixtures; each is one of those that the recorder made.
fn tokens() -> BTreeSet<String> {
    let run = wirelint(["tokens", "--show-secrets", "--format", "ndjson"]).args(captures()).run().code(0);
    let tokens: BTreeMap<_, _> =
        run.records().iter().map(|r| (text(r, "sha256"), text(r, "token"))).collect();
    for case in cases() {
        for row in case.rows("sightings") {
            assert!(tokens.contains_key(&text(row, "sha256")), "{}: {row}", case.name);
        }
    }
    assert!(tokens.len() > 80, "{}", tokens.len());
    tokens.into_values().collect()
}

fn text(record: &Value, key: &str) -> String {
    record[key].as_str().unwrap().to_owned()
}

/// Texts that must not be printed, with what they are.
fn secrets() -> BTreeMap<String, String> {
    // The header names the algorithm; it may be printed.
    let headers: BTreeSet<String> =
        tokens().iter().filter_map(|token| Some(token.split_once('.')?.0.to_owned())).collect();
    let mut all: BTreeMap<String, String> =
        KNOWN.iter().map(|secret| ((*secret).to_owned(), "of the recorder".to_owned())).collect();
    for token in tokens() {
        let mut parts = token.split('.');
        let header = parts.next().unwrap();
        for part in parts {
            let pieces = part.as_bytes().chunks_exact(PIECE).map(|c| String::from_utf8(c.to_vec()).unwrap());
            // What a header says too, `":"https:` for one, is no secret elsewhere.
            let own = pieces.filter(|piece| !headers.iter().any(|header| header.contains(piece)));
            all.extend(own.map(|piece| (piece, format!("a piece of {header}..."))));
        }
    }
    for case in cases() {
        let capture = fs::read(tree::root().join(&case.capture)).unwrap();
        let capture = String::from_utf8_lossy(&capture);
        for (name, pattern) in MADE {
            for found in Regex::new(pattern).unwrap().captures_iter(&capture) {
                // The header of a token is no secret, and its other parts are there already.
                if !found[1].starts_with("ey") {
                    all.insert(found[1].to_owned(), format!("{name} in {}", case.name));
                }
            }
        }
    }
    for (name, _) in MADE {
        let made = all.values().any(|what| what.starts_with(name));
        assert!(made, "no fixture has a {name}: is the pattern still right?");
    }
    all
}

/// Every output of every command that prints traffic.
fn outputs() -> Vec<Vec<&'static str>> {
    let mut all = Vec::new();
    for format in wirelint::report::FORMATS {
        all.push(vec!["scan", "--pedantic", "--format", format.name]);
    }
    for format in wirelint::records::TRACE_FORMATS {
        all.push(vec!["trace", "--format", format.name]);
    }
    for command in ["flows", "http", "tokens"] {
        for format in ["table", "ndjson", "csv"] {
            all.push(vec![command, "--format", format]);
        }
    }
    all
}

#[test]
fn no_output_has_a_secret() {
    let secrets = secrets();
    let mut wrong = Vec::new();
    for output in outputs() {
        // Wide, so that tables cut nothing.
        let run = wirelint(&output).args(["-v"]).args(captures()).env("COLUMNS", "1000").run();
        assert!(run.code < 2 && run.out.len() > 1000, "{run}");
        for (secret, what) in &secrets {
            for (stream, text) in [("stdout", &run.out), ("stderr", &run.err)] {
                if text.contains(secret) {
                    wrong.push(format!("{}: {stream} has {secret}: {what}", output.join(" ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn credentials_in_paths_are_not_printed() {
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.";
    let body = format!("{{\"index\":{{}}}}\n{{\"line\":\"{token}\"}}\n");
    let request = format!(
        "POST /t;password=Zq7.wX9/_bulk;sid=Zq7.wX9?token=Zq7.wX9 HTTP/1.1\r\nHost: logs.test\r\nX-Token: {token}\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let packets = connection(request.as_bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let capture = wire::write(&packets, Style::default());
    let rules = tempfile::tempdir().unwrap();
    fs::write(
        rules.path().join("says-path.toml"),
        "on = 'exchange'\ngroup = 'adjacent'\ntitle = 'Path'\nseverity = 'low'\nconfidence = 'high'\n\
         when = 'request.log_sink'\nmessage = 'asks for {request.path}'\nabout = 'a'\nremedy = 'r'\n\
         references = []\ncwe = []\n",
    )
    .unwrap();
    for mut output in outputs() {
        output.extend(["-v", "-"]);
        let run = wirelint(&output).env("COLUMNS", "1000").stdin(capture.clone());
        let run = if output[0] == "scan" { run.args(["--rules"]).args([rules.path()]) } else { run }.run();
        assert!(run.code < 2, "{run}");
        assert!(!run.out.contains("Zq7.wX9") && !run.err.contains("Zq7.wX9"), "{run}");
        if output[0] == "scan" {
            // Markdown escapes what would be markup.
            let text = run.out.replace('\\', "");
            assert!(text.contains("token-in-log-stream") && text.contains("/_bulk"), "{run}");
            assert!(text.contains("asks for /t;password={id}/_bulk;sid={id}"), "{run}");
        }
    }
}

/// A signature that no other token has, as long as one of HS256.
fn signature(name: &str) -> String {
    BASE64URL.encode(format!("{name:-<32}"))
}

/// A token with these parts.
fn made(header: &Value, claims: &Value, name: &str) -> String {
    let coded = |value: &Value| BASE64URL.encode(value.to_string());
    format!("{}.{}.{}", coded(header), coded(claims), signature(name))
}

/// A rule that says all that a token says of itself.
fn telling_rule() -> tempfile::TempDir {
    let rules = tempfile::tempdir().unwrap();
    let facts = [
        "token.header",
        "token.header.kid",
        "token.claims",
        "token.claims.sub",
        "token.iss",
        "token.claims.aud",
        "token.claims.aud[0]",
        "token.claims.password",
        "token.claims['api_key']",
        "token.claims.in.client_secret",
        "token.claims.note",
        "token.claims.pem",
        "token.claims.cnf.jwk.d",
        "token.claims.cnf",
    ];
    let message = facts.map(|fact| format!("{{{fact}}}")).join(" ");
    fs::write(
        rules.path().join("says-all.toml"),
        format!(
            "on = 'sighting'\ngroup = 'jose'\ntitle = 'All'\nseverity = 'low'\nconfidence = 'high'\nwhen = 'true'\n\
             message = \"{message}\"\nabout = 'a'\nremedy = 'r'\nreferences = []\ncwe = []\n"
        ),
    )
    .unwrap();
    rules
}

#[test]
fn what_tokens_hold_is_not_printed() {
    let inner =
        |name: &str| made(&json!({"alg": "HS256"}), &json!({"sub": name, "iat": 1_700_000_000}), name);
    let pem =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", "MHcCAQEEIIRbE1v7".repeat(3));
    let outer = made(
        &json!({"alg": "HS256", "kid": inner("kid"), "jwk": {"kty": "oct", "k": "Pr1vateK"}}),
        &json!({
            "sub": inner("sub"), "iss": format!("https://i.test/?t={}", inner("iss")), "aud": [inner("aud")],
            "password": "Passw0rdX", "api_key": "Ap1KeyXYZ", "in": {"client_secret": "Cl1entSec"}, "pem": pem,
            "cnf": {"jwk": {"kty": "EC", "d": "Pr1vateD"}}, "note": format!("see {}, https://u:Us3rInf0@a.test/", inner("note")),
        }),
        "outer",
    );
    let header = inner("header");
    let request =
        format!("GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer {outer}\r\n{header}: x\r\n\r\n");
    let packets = connection(request.as_bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let capture = wire::write(&packets, Style::default());
    let mut secrets: Vec<String> =
        ["kid", "sub", "iss", "aud", "note", "header", "outer"].map(signature).to_vec();
    let values =
        ["Passw0rdX", "Ap1KeyXYZ", "Cl1entSec", "Pr1vateK", "Pr1vateD", "MHcCAQEEIIRbE1v7", "Us3rInf0"];
    secrets.extend(values.map(str::to_owned));
    let rules = telling_rule();
    let mut commands = outputs();
    for format in ["table", "ndjson", "csv"] {
        commands.push(vec!["crack", "--crack-budget", "10", "--format", format]);
    }
    for format in ["text", "json"] {
        commands.push(vec!["inspect", "--select", "says-all", "--crack-budget", "10", "--format", format]);
    }
    let mut wrong = Vec::new();
    for command in commands {
        let run = wirelint(&command).env("COLUMNS", "100000");
        let run = if matches!(command[0], "scan" | "inspect") {
            run.args(["--rules"]).args([rules.path()])
        } else {
            run
        };
        let run = match command[0] {
            "inspect" => run.args([&outer]).run(),
            _ => run.args(["-v", "-"]).stdin(capture.clone()).run(),
        };
        assert!(run.code < 2 && run.out.len() > 20, "{run}");
        let left = secrets.iter().filter(|secret| run.out.contains(*secret) || run.err.contains(*secret));
        wrong.extend(left.map(|secret| format!("{}: {secret}", command.join(" "))));
        // Masked, not left out.
        let masked = format!("{}.***.***", BASE64URL.encode(r#"{"alg":"HS256"}"#));
        if matches!(command[..], ["inspect", .., "json"] | ["tokens" | "http", .., "ndjson"]) {
            assert!(run.out.contains(&masked), "{run}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Who asks is told.
    for command in ["scan", "tokens", "http"] {
        let run = wirelint([command, "--format", "ndjson", "--show-secrets", "-"]).stdin(capture.clone());
        let run = if command == "scan" { run.args(["--rules"]).args([rules.path()]) } else { run };
        let run = run.run();
        let wanted: &[&str] = match command {
            "scan" => &["kid", "sub", "iss", "aud", "note"],
            "tokens" => &["kid", "sub", "iss", "aud"],
            _ => &["header"],
        };
        for name in wanted {
            assert!(run.out.contains(&signature(name)), "{command} {name}: {run}");
        }
        assert!(command != "scan" || values.iter().all(|value| run.out.contains(value)), "{run}");
    }
}

#[test]
fn secrets_are_shown_to_who_asks() {
    let tokens = tokens();
    let show = |command: &[&str]| wirelint(command).args(["--show-secrets"]).args(captures()).run();
    let csv = show(&["tokens", "--format", "csv"]).code(0);
    for token in &tokens {
        assert!(csv.out.contains(token), "tokens --format csv lacks {token}");
    }
    let http = show(&["http", "--format", "ndjson"]).code(0);
    let whole = tokens.iter().filter(|token| http.out.contains(*token)).count();
    assert!(whole > 50, "{whole} of {}", tokens.len());
    for secret in ["k3yQ7vW9pL2mX8nR4tZ6bC1dF5gH0jSa", "hunter2"] {
        assert!(http.out.contains(secret), "http lacks {secret}");
    }
    let scan = show(&["scan", "--format", "json"]).code(1);
    let whole = tokens.iter().filter(|token| scan.out.contains(*token)).count();
    assert!(whole > 50, "{whole} of {}", tokens.len());
    assert!(scan.out.contains("found by trying words: secret"), "{scan}");
}

#[test]
fn damage_and_errors_show_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body.pcap");
    let secrets = secrets();
    for case in cases() {
        let mut capture = fs::read(tree::root().join(&case.capture)).unwrap();
        // Damage in the middle, and the end cut off.
        let middle = capture.len() / 2;
        capture[middle..middle + 16].fill(0xff);
        capture.truncate(capture.len() - 40);
        fs::write(&file, &capture).unwrap();
        let run = wirelint(["http", "--format", "ndjson", "-v"]).args([&file]).run();
        assert!(run.code == 0 || run.code == 2, "{run}");
        for (secret, what) in &secrets {
            let printed = run.out.contains(secret) || run.err.contains(secret);
            assert!(!printed, "{}: {secret}: {what}\n{run}", case.name);
        }
    }
}
