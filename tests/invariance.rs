//! However the bytes travel, what is found stays the same: every fixture, mangled in every way, by any number of
//! threads.

use crate::support::mangle::{MANGLES, Mangle, Random};
use crate::support::observe::{Observed, keyring, observe, observe_with};
use crate::support::run::wirelint;
use crate::support::wire::{self, Conversation, Packet, Style};
use crate::support::{child, tree};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wirelint::keylog::Keyring;

/// Fixtures whose point is damage: what moves packets moves what the damage hides.
const DAMAGED: &[&str] = &["stream-hole"];

/// How files are written; the first is how all others are compared.
const STYLES: &[(&str, Style)] = &[
    ("pcap", Style { ng: false, big: false, nano: false, extras: false, gzip: false }),
    ("pcap, big-endian", Style { ng: false, big: true, nano: false, extras: false, gzip: false }),
    ("pcap, nanoseconds", Style { ng: false, big: false, nano: true, extras: false, gzip: false }),
    ("pcap, big-endian, nanoseconds", Style { ng: false, big: true, nano: true, extras: false, gzip: false }),
    ("pcap in gzip", Style { ng: false, big: false, nano: false, extras: false, gzip: true }),
    ("pcapng", Style { ng: true, big: false, nano: false, extras: false, gzip: false }),
    ("pcapng, big-endian", Style { ng: true, big: true, nano: false, extras: false, gzip: false }),
    ("pcapng, nanoseconds", Style { ng: true, big: false, nano: true, extras: false, gzip: false }),
    ("pcapng, sections", Style { ng: true, big: true, nano: true, extras: true, gzip: false }),
    ("pcapng in gzip", Style { ng: true, big: false, nano: false, extras: true, gzip: true }),
];

/// What is told by the time that passed, and where: a token that is used within two seconds of its logout may have been sent
/// before it (`ended.since_logout`).
const BY_TIME: &[(&str, &str, &str)] =
    &[("attacks-naive", "one point in time", "token-accepted-after-logout")];

struct Fixture {
    name: String,
    packets: Vec<Packet>,
    seed: Observed,
    keyring: Keyring,
}

impl Fixture {
    fn observe(&self, bytes: Vec<u8>, threads: usize) -> Observed {
        observe_with(self.keyring.clone(), bytes, threads, true)
    }
}

fn fixtures() -> Vec<Fixture> {
    let files = [tree::files("fixtures", "pcap"), tree::files("fixtures", "pcapng")].concat();
    assert!(files.len() > 20, "where are the fixtures?");
    let load = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(tree::root().join(path)).unwrap();
        let name = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let keyring = keyring(path);
        Fixture {
            name,
            packets: wire::read(&bytes),
            seed: observe_with(keyring.clone(), bytes, 1, true),
            keyring,
        }
    };
    files.iter().map(load).collect()
}

/// Does `work` for every item, two at a time, and gathers what went wrong.
fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    wrong.lock().unwrap().extend(work(item));
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

fn check(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// Differences of two sets as lines.
fn compare<T: Ord + std::fmt::Debug>(what: &str, seed: &BTreeSet<T>, seen: &BTreeSet<T>) -> Vec<String> {
    let lost = seed.difference(seen).map(|x| format!("{what}: lost {x:?}"));
    lost.chain(seen.difference(seed).map(|x| format!("{what}: new {x:?}"))).collect()
}

fn differences(seed: &Observed, seen: &Observed, what: &str, fingerprints: bool) -> Vec<String> {
    let counted = |o: &Observed| o.exchanges.iter().map(|(e, n)| (e.clone(), *n)).collect::<BTreeSet<_>>();
    let mut wrong = compare("token", &seed.tokens, &seen.tokens);
    wrong.extend(compare("exchange", &counted(seed), &counted(seen)));
    if fingerprints {
        wrong.extend(compare("finding", &seed.findings, &seen.findings));
    } else {
        let rules = |o: &Observed| o.findings.iter().map(|(rule, _)| rule.clone()).collect::<BTreeSet<_>>();
        wrong.extend(compare("rule", &rules(seed), &rules(seen)));
    }
    if !wrong.is_empty() && seed.tally.weirds != seen.tally.weirds {
        wrong.push(format!("oddities: {:?}, of the seed {:?}", seen.tally.weirds, seed.tally.weirds));
    }
    wrong.into_iter().map(|w| format!("{what}: {w}")).collect()
}

fn rewritten(fixture: &Fixture, mangle: &Mangle) -> Option<Vec<Packet>> {
    (mangle.rewrite)(&fixture.packets, &mut Random::named(&format!("{} {}", fixture.name, mangle.name)))
}

#[test]
fn mangled_captures_say_the_same() {
    let fixtures = fixtures();
    let all: Vec<_> = fixtures
        .iter()
        .filter(|f| !DAMAGED.contains(&f.name.as_str()))
        .flat_map(|f| MANGLES.iter().map(move |m| (f, m)))
        .collect();
    let fits = AtomicUsize::new(0);
    let wrong = in_parallel(&all, |(fixture, mangle)| {
        let Some(packets) = rewritten(fixture, mangle) else { return Vec::new() };
        fits.fetch_add(1, Ordering::Relaxed);
        let bytes = wire::write(&packets, Style::default());
        let what = format!("{}, {}", fixture.name, mangle.name);
        let mut one = fixture.observe(bytes.clone(), 1);
        let said = one.findings.iter().find(|(rule, _)| rule == "coverage-gap").cloned();
        if mangle.contradicts {
            let Some(said) = said else { return vec![format!("{what}: contradictions are not said")] };
            if !fixture.seed.findings.contains(&said) {
                one.findings.remove(&said);
            }
        }
        let mut wrong = differences(&fixture.seed, &one, &what, mangle.addresses);
        for (_, _, rule) in
            BY_TIME.iter().filter(|(f, m, _)| (*f, *m) == (fixture.name.as_str(), mangle.name))
        {
            wrong.retain(|line| !line.contains(&format!("finding: lost (\"{rule}\"")));
        }
        // Threads meet every mangling with some fixture, and every fixture with some mangling.
        if (fixture.name.len() + mangle.name.len()).is_multiple_of(4)
            && fixture.observe(bytes, 8).log != one.log
        {
            wrong.push(format!("{what}: 8 threads say something else"));
        }
        wrong
    });
    check(&wrong);
    assert!(fits.into_inner() > 20 * MANGLES.len(), "most fixtures should fit most manglings");
}

#[test]
fn file_formats_say_the_same() {
    let fixtures = fixtures();
    let all: Vec<_> = fixtures.iter().flat_map(|f| STYLES.iter().map(move |s| (f, s))).collect();
    let wrong = in_parallel(&all, |(fixture, (name, style))| {
        let seen = fixture.observe(wire::write(&fixture.packets, *style), 1);
        let mut wrong = differences(&fixture.seed, &seen, &format!("{}, {name}", fixture.name), true);
        wrong.extend(seen.error.map(|e| format!("{}, {name}: {e}", fixture.name)));
        wrong
    });
    check(&wrong);
}

#[test]
fn fixtures_end_without_an_error() {
    for fixture in fixtures() {
        assert_eq!(fixture.seed.error, None, "{}", fixture.name);
        assert!(!fixture.seed.tally.weirds.contains_key("damage"), "{}", fixture.name);
    }
}

/// The comparison would notice.
#[test]
fn a_missing_segment_is_noticed() {
    let fixture = fixtures().into_iter().find(|f| f.name == "login-then-api-http").unwrap();
    let mut packets = fixture.packets;
    let largest = (0..packets.len()).max_by_key(|i| packets[*i].data.len()).unwrap();
    packets.remove(largest);
    let seen = observe(wire::write(&packets, Style::default()), 1, true);
    assert!(!differences(&fixture.seed, &seen, "", true).is_empty());
}

/// Thousands of flows of all kinds: several blocks, many ticks, expiry, reordering, holes, flows without an end.
fn crowd() -> Vec<u8> {
    let mut random = Random::named("crowd");
    let conversations = (0..4000_u32).map(|n| {
        let login = format!(
            "POST /login HTTP/1.1\r\nHost: h{}.example\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 23\r\n\r\nuser=bob&password=s3cr{:03}",
            n % 50,
            n % 1000
        );
        let token = jwt(n % 300);
        let body = format!("{{\"access_token\":\"{token}\",\"pad\":\"{}\"}}", "p".repeat(random.below(1500)));
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let call = format!(
            "GET /v1/items/{n}?page=2 HTTP/1.1\r\nHost: h{}.example\r\nAuthorization: Bearer {token}\r\n\r\n",
            n % 50
        );
        let reply = "HTTP/1.1 204 No Content\r\n\r\n";
        let talk = Conversation::open(n, 80 + (n % 7) as u16)
            .client(login.as_bytes())
            .server(answer.as_bytes())
            .client(call.as_bytes())
            .server(reply.as_bytes());
        let mut packets = if n % 5 == 0 { talk.packets } else { talk.close() };
        if n % 11 == 0 {
            let at = 3 + random.below(packets.len() - 4);
            packets.swap(at, at + 1);
        }
        if n % 17 == 0 {
            packets.remove(random.below(packets.len()));
        }
        packets
    });
    let mut packets = wire::interleave(conversations, 700);
    // Idle time passes twice, so that flows expire.
    let third = packets.len() / 3;
    for (i, packet) in packets.iter_mut().enumerate() {
        packet.time += (i / third) as i64 * 4000 * 1_000_000_000;
    }
    wire::write(&packets, Style::default())
}

/// An unsigned-looking HS256 token with a number inside.
fn jwt(n: u32) -> String {
    use base64::Engine as _;
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let claims = format!("{{\"sub\":\"u{n}\",\"exp\":1700003600,\"iat\":1700000000}}");
    let signature = part(&format!("{n:032}"));
    format!("{}.{}.{signature}", part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), part(&claims))
}

#[test]
fn output_is_the_same_for_any_number_of_threads() {
    let capture = crowd();
    assert!(capture.len() > 3 << 20, "{} bytes cross too few blocks", capture.len());
    let commands: [&[&str]; 6] = [
        &["scan", "--crack-budget", "0", "--pedantic", "--format", "json"],
        &["scan", "--crack-budget", "20000", "--format", "ndjson"],
        &["scan", "--crack-budget", "0"],
        &["tokens", "--format", "ndjson"],
        &["http", "--format", "ndjson"],
        &["flows", "--format", "csv"],
    ];
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("crowd.pcap");
    std::fs::write(&path, capture).unwrap();
    let wrong = in_parallel(&commands, |arguments| {
        let run = |threads: &str| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wirelint"));
            command.args(*arguments).args(["--threads", threads]).arg(&path);
            child::watch(command, Duration::from_secs(120))
        };
        let (one, eight, three) = (run("1"), run("8"), run("3"));
        assert!(one.stdout.len() > 1000, "{arguments:?} says little: {}{}", one.stdout, one.stderr);
        let same = |other: &child::Ended| {
            (&one.stdout, &one.stderr, one.code) == (&other.stdout, &other.stderr, other.code)
        };
        let wrong = [(&eight, 8), (&three, 3)].into_iter().filter(|(other, _)| !same(other));
        wrong.map(|(_, n)| format!("{arguments:?}: {n} threads say something else")).collect()
    });
    check(&wrong);
}

/// A body that said nothing twice is not read again: one that says something is, each time, and so is one that only begins alike.
#[test]
fn bodies_that_come_again_and_again() {
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    const SECRET: &str = "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";
    // One that is remembered as it is, and one that is not so short.
    let long: String = (0..400_u64).map(|n| format!("{:x},", n * n * 2_654_435_761)).collect();
    let silent = ["x".repeat(200), long].map(|pad| format!("{{\"ok\": true, \"pad\": \"{pad}\"}}"));
    let talk = |n: u32| {
        let said = [TOKEN, SECRET, "", "", "", "", "", ""][n as usize % 8];
        let coded = (n / 8).is_multiple_of(2);
        let silent = &silent[usize::from(coded)];
        let text =
            if said.is_empty() { silent.clone() } else { silent.replace("true", &format!("\"{said}\"")) };
        let body = if coded { wire::gzip(text.as_bytes()) } else { text.into_bytes() };
        let coding = if coded { "Content-Encoding: gzip\r\n" } else { "" };
        let len = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{coding}Content-Length: {len}\r\n\r\n"
        );
        let request = format!("GET /{} HTTP/1.1\r\nHost: a.test\r\n\r\n", n % 3);
        Conversation::open(n, 80)
            .client(request.as_bytes())
            .server(&[head.as_bytes(), &body].concat())
            .close()
    };
    let capture = wire::write(&wire::interleave((0..160).map(talk), 4), Style::default());
    let told = |command: &str, format: &str, threads: &str| {
        let run = wirelint([command, "--format", format, "--threads", threads, "-"]).stdin(capture.clone());
        run.run()
    };
    let tokens = told("tokens", "ndjson", "1").code(0);
    assert_eq!(tokens.records().len(), 20, "each token");
    let audit = told("scan", "json", "1").code(1).json();
    let findings = audit["findings"].as_array().unwrap();
    let secret = findings.iter().find(|finding| finding["rule"] == "known-secret-format-in-traffic").unwrap();
    assert_eq!(secret["count"], 20, "{secret}");
    for threads in ["2", "8"] {
        assert_eq!(told("tokens", "ndjson", threads).out, tokens.out, "{threads} threads");
        assert_eq!(told("scan", "json", threads).json()["findings"], audit["findings"], "{threads} threads");
    }
}
