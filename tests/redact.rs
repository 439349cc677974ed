//! `redact`: nothing secret is left, and the capture says what it said before.

use crate::support::case::{Case, case, cases, every};
use crate::support::mangle::{MANGLES, Random};
use crate::support::observe::observe;
use crate::support::run::{Run, wirelint};
use crate::support::tree;
use crate::support::wire::{self, Conversation, Style, connection};
use base64::Engine as _;
use regex_lite::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use wirelint::capture::{FileId, open};
use wirelint::message::{BASE64, BASE64URL};
use wirelint::redact::{Input, Outcome, Pseudonyms, Redaction, redact};

/// Secrets that the recorder's programs have in their text.
const KNOWN: [&str; 5] = ["correct horse", "correct+horse", "correct%20horse", "hunter2", "a1B2c3D4a1B2c3D4"];

/// RFC 7515 appendix A.1, shortened to what is needed to be one.
const TOKEN: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2huIGRvZSIsImV4cCI6MTcwMDAwMDAwMH0.c2lnbmF0dXJlIG9mIHRoaXM";

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Redacts the bytes of a capture with the library.
fn redacted(bytes: &[u8]) -> (Outcome, Vec<u8>) {
    let scratch = Scratch::new();
    let output = scratch.path("out");
    let this = Redaction {
        input: Input::Bytes(bytes),
        decode_as: &[],
        keyring: Default::default(),
        secrets: Default::default(),
    };
    let mut file = fs::File::create(&output).unwrap();
    let names = Pseudonyms::with_key([9; 32]);
    let outcome = redact(&this, names, &mut file, || open(&output, FileId(0))).unwrap();
    (outcome, fs::read(&output).unwrap())
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn records(command: &str, path: &Path, arguments: &[String]) -> Vec<Value> {
    let run = wirelint([command, "--show-secrets", "--format", "ndjson"]).args([path]).args(arguments).run();
    run.code(0).records()
}

/// What must not be found any more: claims and signatures of tokens, cookies, credentials, passwords.
fn secrets(capture: &Path, arguments: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for record in records("tokens", capture, arguments) {
        let token = text(&record, "token");
        // Headers stay, that of a key binding token behind the disclosures, too.
        let parts = token.split('~').flat_map(|jwt| {
            let header = usize::from(jwt.contains('.'));
            jwt.split('.').skip(header)
        });
        all.extend(parts.filter(|part| part.len() >= 16).map(str::to_owned));
        all.insert(token);
    }
    let raw = fs::read(capture).unwrap();
    let raw = String::from_utf8_lossy(&raw);
    all.extend(KNOWN.iter().filter(|known| raw.contains(**known)).map(|known| (*known).to_owned()));
    for record in records("http", capture, arguments) {
        for message in ["request", "response"] {
            for field in record[message]["headers"].as_array().into_iter().flatten() {
                let (name, value) =
                    (field[0].as_str().unwrap().to_ascii_lowercase(), field[1].as_str().unwrap());
                let found: Vec<&str> = match name.as_str() {
                    "cookie" => {
                        value.split(';').filter_map(|pair| pair.split_once('=')).map(|pair| pair.1).collect()
                    }
                    "set-cookie" => {
                        let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
                        pair.map(|pair| pair.1).into_iter().collect()
                    }
                    "authorization" if !value.contains('"') => {
                        value.split_once(' ').map(|pair| pair.1).into_iter().collect()
                    }
                    _ => continue,
                };
                all.extend(
                    found.into_iter().map(|v| v.trim_matches('"').to_owned()).filter(|v| v.len() >= 8),
                );
            }
        }
    }
    // A token without a signature and without claims says nothing.
    all.retain(|secret| !secret.ends_with(".e30.") && secret.len() >= 6);
    all
}

/// What a reader may make of bytes: as they are, percent-encoding undone, base64 undone wherever there is some.
fn readings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![bytes.to_vec()];
    let percent = percent_decoded(bytes);
    if percent.len() != bytes.len() {
        all.push(percent);
    }
    let is = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
    for run in bytes.split(|b| !is(b)).filter(|run| run.len() >= 16) {
        for skip in 0..4 {
            let part = &run[skip..];
            let part = &part[..part.len() - usize::from(part.len() % 4 == 1)];
            let url = part.iter().any(|b| b"-_".contains(b));
            all.extend(if url { BASE64URL.decode(part) } else { BASE64.decode(part) }.ok());
        }
    }
    all
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let code =
            bytes.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// Secrets that some reading of the output has.
fn found(secrets: &BTreeSet<String>, output: &[u8]) -> Vec<String> {
    let patterns: Vec<_> = secrets.iter().collect();
    let searcher = aho_corasick::AhoCorasick::new(&patterns).unwrap();
    let mut all = BTreeSet::new();
    for reading in readings(output) {
        all.extend(searcher.find_iter(&reading).map(|m| patterns[m.pattern().as_usize()].clone()));
    }
    all.into_iter().map(|secret| format!("{} is left", secret.chars().take(24).collect::<String>())).collect()
}

fn flows(path: &Path) -> Vec<String> {
    let shown = [
        "client",
        "server",
        "transport",
        "protocol",
        "packets",
        "bytes",
        "start",
        "end",
        "state",
        "encrypted",
    ];
    records("flows", path, &[]).iter().map(|flow| shown.map(|key| flow[key].to_string()).join(" ")).collect()
}

/// Exchanges that whoever has no keys sees: without what is replaced in them.
fn exchanges(path: &Path, all: bool) -> Vec<String> {
    let message = |message: &Value| {
        let names = message["headers"].as_array().into_iter().flatten().map(|field| field[0].to_string());
        let names: Vec<_> = names.collect();
        format!("{} {} {} {}", message["packet"], message["method"], message["status"], names.join(" "))
    };
    let mut rows: Vec<_> = records("http", path, &[])
        .iter()
        .filter(|row| all || row["encrypted"] == false)
        .map(|row| {
            format!("{} | {} | {}", row["version"], message(&row["request"]), message(&row["response"]))
        })
        .collect();
    rows.sort();
    rows
}

/// What tshark calls an error, wrong checksums among them.
fn errors(path: &Path) -> BTreeSet<String> {
    let run = Run::of("tshark").args(["-r"]).args([path]);
    let run =
        ["tcp", "udp", "ip"].iter().fold(run, |run, p| run.args(["-o", &format!("{p}.check_checksum:TRUE")]));
    let run = run.args(["-Y", "_ws.expert.severity >= 8388608", "-T", "fields", "-e", "frame.number"]);
    let run = run.args(["-e", "_ws.expert.message"]).run();
    // A checksum that was wrong before is wrong after: what it should be is another.
    let should = Regex::new(r" \[should be 0x[0-9a-f]+\]").unwrap();
    run.out.lines().map(|line| should.replace_all(line, "").into_owned()).collect()
}

fn has_tshark() -> bool {
    let there = std::process::Command::new("tshark").arg("--version").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "CI needs tshark");
    there
}

fn lost<T: Ord + std::fmt::Debug + Clone>(what: &str, before: &[T], after: &[T]) -> Vec<String> {
    if before == after {
        return Vec::new();
    }
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), after.iter().collect());
    let gone = a.difference(&b).take(3).map(|x| format!("{what} lost: {x:?}"));
    let new = b.difference(&a).take(3).map(|x| format!("{what} new: {x:?}"));
    gone.chain(new).chain([format!("{what}: {} and then {}", before.len(), after.len())]).collect()
}

/// Those of the arguments that open a capture: keys of tokens change nothing in what is replaced.
fn opening(arguments: &[String]) -> Vec<&String> {
    let pairs = arguments.chunks(2).filter(|pair| pair[0] != "--key" && pair[0] != "--jwks");
    pairs.flatten().collect()
}

fn check(case: &Case) -> Vec<String> {
    let scratch = Scratch::new();
    let input = tree::root().join(&case.capture);
    let output = scratch.path("out");
    let arguments = case.arguments();
    let run =
        wirelint(["redact"]).args([&input]).args(["-o"]).args([&output]).args(opening(&arguments)).run();
    if run.code != 0 {
        return vec![format!("exit {}: {}", run.code, run.err)];
    }
    let secrets = secrets(&input, &arguments);
    let bytes = fs::read(&output).unwrap();
    let mut wrong = found(&secrets, &bytes);
    // Nor is any of them in what is said.
    wrong.extend(
        secrets.iter().filter(|s| run.err.contains(s.as_str()) || run.out.contains(s.as_str())).cloned(),
    );
    // What the program finds in its own output, in bodies that are coded too.
    for record in records("tokens", &output, &arguments) {
        if secrets.contains(&text(&record, "token")) {
            wrong.push(format!("token {} is left", text(&record, "sha256")));
        }
    }
    wrong.extend(lost("flow", &flows(&input), &flows(&output)));
    let all = !case.has_packets();
    wrong.extend(lost("exchange", &exchanges(&input, all), &exchanges(&output, all)));
    if case.has_packets() && has_tshark() {
        let before = errors(&input);
        wrong.extend(errors(&output).difference(&before).map(|error| format!("tshark: {error}")));
    }
    wrong
}

#[test]
fn nothing_secret_is_left_of_any_fixture_and_it_says_the_same() {
    every(&cases(), check);
}

#[test]
fn however_the_bytes_travel_nothing_is_left() {
    let mut wrong = Vec::new();
    for name in ["login-then-api-http", "bodies", "http2-cleartext", "websocket"] {
        let fixture = case(name);
        let bytes = fs::read(tree::root().join(&fixture.capture)).unwrap();
        let packets = wire::read(&bytes);
        let secrets = secrets(&tree::root().join(&fixture.capture), &[]);
        for mangle in MANGLES {
            let mangled = (mangle.rewrite)(&packets, &mut Random::named(&format!("{name} {}", mangle.name)));
            let Some(mangled) = mangled else { continue };
            let bytes = wire::write(&mangled, Style::default());
            let (outcome, output) = redacted(&bytes);
            let what = format!("{name}, {}", mangle.name);
            if outcome.left_count > 0 {
                wrong.push(format!("{what}: left {outcome:?}"));
            }
            let raw = String::from_utf8_lossy(&output);
            wrong.extend(
                secrets.iter().filter(|s| raw.contains(s.as_str())).map(|s| format!("{what}: {s} is left")),
            );
            let (before, after) = (observe(bytes, 1, false), observe(output, 1, false));
            let old: BTreeSet<_> = before.tokens.iter().map(|t| &t.0).collect();
            let left = after.tokens.iter().filter(|t| old.contains(&t.0)).count();
            let count = |o: &crate::support::observe::Observed| o.exchanges.values().sum::<u32>();
            if left > 0 || count(&before) != count(&after) {
                wrong.push(format!(
                    "{what}: {left} tokens, {} exchanges of {}",
                    count(&after),
                    count(&before)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A request whose token stands in two chunks of its body, and the copy of a segment in which half of it is.
#[test]
fn both_copies_of_a_split_token_are_the_same() {
    let (first, second) = TOKEN.split_at(60);
    let head = "POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
    let request = format!("{head}{body}");
    let (a, b) = request.as_bytes().split_at(head.len() + 30);
    let mut talk = Conversation::open(1, 80);
    talk = talk.client(a).client(b);
    let mut packets = talk.server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").close();
    // Segments with half a token each, sent again.
    let copies: Vec<_> = packets.iter().filter(|p| p.data.len() > 70).cloned().collect();
    assert!(copies.len() >= 2);
    packets.splice(6..6, copies.clone());
    let (outcome, output) = redacted(&wire::write(&packets, Style::default()));
    assert_eq!((outcome.left_count, outcome.told.tokens), (0, 1));
    let written = wire::read(&output);
    for copy in &copies {
        let places: Vec<_> =
            packets.iter().enumerate().filter(|(_, p)| p.data == copy.data).map(|(i, _)| i).collect();
        assert_eq!(places.len(), 2);
        assert_eq!(written[places[0]].data, written[places[1]].data);
    }
    let seen = observe(output, 1, false);
    assert_eq!((seen.tokens.len(), seen.exchanges.len()), (1, 1));
}

/// A block of pcapng (draft-ietf-opsawg-pcapng section 3.1).
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes(), &len[..], &body, &len].concat()
}

fn request_with(token: &str) -> Vec<wire::Packet> {
    let request = format!("GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    connection(request.as_bytes(), b"HTTP/1.1 204 No Content\r\n\r\n")
}

/// What is said outside of packets is searched too, whether a packet says it or not, and stays where nothing is in it.
#[test]
fn comments_are_searched_and_kept() {
    let style = Style { ng: true, ..Style::default() };
    for sent in [true, false] {
        let packets = if sent { request_with(TOKEN) } else { connection(b"GET / HTTP/1.1\r\n\r\n", b"") };
        let mut bytes = wire::write(&packets, style);
        // A section header with a comment.
        let comment = format!("see {TOKEN} and the ticket");
        let mut header = [&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8], &[1, 0]].concat();
        header.extend((comment.len() as u16).to_le_bytes());
        header.extend(comment.bytes());
        header.resize(header.len().next_multiple_of(4), 0);
        header.extend([0; 4]);
        bytes.extend(block(0x0a0d_0d0a, &header));
        let (outcome, output) = redacted(&bytes);
        assert_eq!((outcome.left_count, output.len(), outcome.told.tokens), (0, bytes.len(), 1));
        let output = String::from_utf8_lossy(&output);
        assert!(output.contains("and the ticket") && output.contains("see eyJhbGciOiJIUzI1NiJ9."));
        assert!(!output.contains(&TOKEN[21..]));
    }
}

/// Whatever nobody can say anything of: it may be a secret, in any form.
#[test]
fn what_is_not_read_is_left_out() {
    let other = TOKEN.replace("huIGRvZS", "bIGRvZSA");
    let has = |bytes: &[u8], what: &str| bytes.windows(what.len()).any(|w| w == what.as_bytes());
    let bare = |token: &str| token[21..].to_owned();
    let packets = request_with(TOKEN);
    let wrong = |name: &str, input: &[u8], frames: usize, damage: usize| {
        let (outcome, output) = redacted(input);
        let left = has(&output, &bare(&other)) || has(&output, &bare(TOKEN));
        let got = (wire::read(&output).len(), outcome.damage.len(), outcome.left_count, left);
        assert_eq!(got, (frames, damage, 0, false), "{name}");
        // Nothing is wrong with what is written.
        assert!(redacted(&output).0.damage.is_empty(), "{name}");
        outcome.told.unknown
    };
    for style in [Style::default(), Style { ng: true, ..Style::default() }] {
        let whole = wire::write(&packets, style);
        let last = wire::write(&[packets.clone(), request_with(&other)].concat(), style);
        // In the middle of the record that has the other token.
        let cut = last.windows(other.len()).position(|w| w == other.as_bytes()).unwrap() + other.len();
        let before = wire::read(&last[..*wire::boundaries(&last).iter().rfind(|at| **at < cut).unwrap()]);
        wrong("cut", &last[..cut], before.len(), 1);
        let garbage = [&whole, format!("garbage {other} garbage").as_bytes()].concat();
        wrong("garbage behind", &garbage, packets.len(), 1);
        let bounds = wire::boundaries(&last);
        let at = *bounds.iter().rfind(|at| **at < cut).unwrap();
        let mut damaged = last.clone();
        damaged[at + if style.ng { 4 } else { 8 }..][..4].fill(0xff);
        wrong("a length", &damaged, bounds.len() - if style.ng { 4 } else { 2 }, 1);
    }
    let whole = wire::write(&packets, Style { ng: true, ..Style::default() });
    for kind in [0xbad, 0x4000_0bad, 9, 0x8000_0001] {
        let note = [&[0, 0, 0, 7][..], other.as_bytes()].concat();
        let input = [&whole[..], &block(kind, &note), &whole].concat();
        assert_eq!(wrong("unknown", &input, 2 * packets.len(), 0), 1);
    }
    // A packet of an interface that is not there.
    let packet = [&99_u32.to_le_bytes()[..], &[0; 8], &[9, 0, 0, 0, 9, 0, 0, 0], other.as_bytes()].concat();
    wrong("no interface", &[&whole[..], &block(6, &packet)].concat(), packets.len(), 1);
    // Of a protocol that nothing here reads.
    let frame = [&[2; 12][..], &[0x88, 0xb5], other.as_bytes()].concat();
    let strange = [packets.clone(), vec![wire::Packet::new(packets[0].time, wire::ETHERNET, frame)]].concat();
    wrong("no packet", &wire::write(&strange, Style::default()), strange.len(), 0);
}

/// A file of nothing but damage is told of within a bound.
#[test]
fn much_damage_is_counted() {
    let entry =
        r#"{"request":{"method":"GET","url":"http://a.test/","headers":[]},"response":{"status":200}}"#;
    let broken = vec![r#"{"request":nothing}"#; 300].join(",");
    let document = format!(r#"{{"log":{{"version":"1.2","entries":[{entry},{broken}]}}}}"#);
    let (outcome, output) = redacted(document.as_bytes());
    assert_eq!((outcome.damage.len() as u64 + outcome.damage_more, outcome.damage.len()), (300, 200));
    assert_eq!(output.len(), document.len());
}

#[test]
fn what_is_lost_is_said() {
    let scratch = Scratch::new();
    let (input, output) = (scratch.path("a.pcap"), scratch.path("b.pcap"));
    let whole = wire::write(&request_with(TOKEN), Style::default());
    fs::write(&input, &whole[..whole.len() - 1]).unwrap();
    let run = wirelint(["redact"]).args([&input]).args(["-o"]).args([&output]).run().code(0);
    let bounds = wire::boundaries(&whole);
    let at = bounds[bounds.len() - 2];
    let lost = whole.len() - 1 - at;
    run.says(&[&format!("a.pcap: offset {at}: cut in the middle of a record; {lost} bytes lost")]);
    assert_eq!(fs::read(&output).unwrap().len(), at);
}

/// Claims of a letter each: hardly anything else can stand for them.
#[test]
fn a_replacement_is_no_other_secret() {
    let token = |sub: char| {
        let claims = BASE64URL.encode(format!("{{\"sub\":\"{sub}\",\"iat\":1700000000}}"));
        format!("eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJlIG9mIHRoaXM")
    };
    let list: String = ('a'..='z').map(|sub| token(sub) + "\r\n").collect();
    let request = format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\n\r\n{list}", list.len());
    let (outcome, output) = redacted(&wire::write(&connection(request.as_bytes(), b""), Style::default()));
    assert_eq!((outcome.left_count, outcome.told.tokens), (0, 26));
    let output = String::from_utf8_lossy(&output);
    for sub in 'a'..='z' {
        assert!(!output.contains(token(sub).split('.').nth(1).unwrap()), "{sub}");
    }
}

/// What `[secrets]` of the configuration describes is replaced wherever it stands, in a stream of no known protocol, too.
#[test]
fn secrets_of_the_operators_own_make() {
    let scratch = Scratch::new();
    let (input, output) = (scratch.path("a.pcap"), scratch.path("b.pcap"));
    let body = r#"{"note":"acme_k3j2h1g0"}"#;
    let request = format!(
        "POST /acme_a1b2c3d4 HTTP/1.1\r\nHost: a.test\r\nX-Note: acme_z9y8x7w6\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut packets = connection(request.as_bytes(), b"HTTP/1.1 204 No Content\r\n\r\n");
    // Half of one in each segment.
    packets.extend(Conversation::open(2, 7777).client(b"\x01\x02 acme_q5").client(b"w4e3r2 \x03").close());
    fs::write(&input, wire::write(&packets, Style::default())).unwrap();
    fs::write(scratch.path("wirelint.toml"), "[secrets]\nacme-key = 'acme_[a-z0-9]{8}'\n").unwrap();
    let run = |more: &[&str]| {
        wirelint(["redact"]).args([&input]).args(["-o"]).args([&output]).args(more).run().code(0);
        let bytes = fs::read(&output).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        ["acme_k3j2h1g0", "acme_a1b2c3d4", "acme_z9y8x7w6", "acme_q5", "w4e3r2"]
            .map(|part| text.contains(part))
    };
    assert_eq!(run(&["--isolated"]), [true; 5]);
    assert_eq!(run(&[]), [false; 5]);
}

#[test]
fn usage() {
    let scratch = Scratch::new();
    let (input, output) = (scratch.path("a.pcap"), scratch.path("b.pcap"));
    fs::write(
        &input,
        wire::write(&connection(b"GET / HTTP/1.1\r\nCookie: a=1\r\n\r\n", b""), Style::default()),
    )
    .unwrap();
    let redact = |a: &Path, b: &Path| wirelint(["redact"]).args([a]).args(["-o"]).args([b]).run();
    redact(&input, &output).code(0).says(&["replaced: 0 tokens and 1 other secret"]);
    assert!(!fs::read(&output).unwrap().windows(11).any(|w| w == b"Cookie: a=1"));
    redact(&input, &input).code(2).says(&["the same file"]);
    redact(Path::new("-"), &output).code(2).says(&["name a file"]);
    redact(&scratch.path("none"), &output).code(2);
    fs::write(scratch.path("text"), "nothing").unwrap();
    redact(&scratch.path("text"), &scratch.path("c.pcap")).code(3).says(&["not a capture"]);
    let names: BTreeSet<_> = fs::read_dir(scratch.0.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["a.pcap", "b.pcap", "text"],
        "nothing half-written stays"
    );
}
