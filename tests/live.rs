//! `wirelint live` on a real interface: the loopback of a network namespace of its own.

use crate::support::child::watch;
use crate::support::namespace::{
    Namespace, PATIENCE, Running, able, basics, libpcap, root, run, tool, until, wait_for,
};
use crate::support::run::wirelint;
use crate::support::tree;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_wirelint");

/// HS256, with a strong key.
pub(crate) const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJsaXZlIiwiZXhwIjo0MTAyNDQ0ODAwfQ\
                     .LW9mLXRoaXMtdG9rZW4tMDEyMzQ1Njc4OWFiY2RlZmdoaWprbA";

/// Starts `live` on the loopback of a namespace and waits until it watches.
fn watching(namespace: &Namespace, arguments: &[&str]) -> Running {
    let mut command = namespace.command(BINARY);
    command.args(["live", "-i", "lo", "--crack-budget", "0"]).args(arguments);
    let this = Running::start(&mut command);
    wait_for(&this.stderr, "watching lo");
    this
}

/// What is played in the namespace, where this test binary runs it: a request with a token, and its answer.
#[test]
#[ignore = "run by the tests of `live` inside their namespace"]
fn play() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").unwrap();
    });
    let mut stream = TcpStream::connect(address).unwrap();
    let host = std::env::var("PLAY_HOST").unwrap();
    let request = format!("GET /v1/me HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ok"));
    server.join().unwrap();
}

fn play_inside(namespace: &Namespace) {
    play_to(namespace, "api.example.test");
}

pub(crate) fn play_to(namespace: &Namespace, host: &str) {
    let this = std::env::current_exe().unwrap();
    let mut command = namespace.command(this.to_str().unwrap());
    run(command.args(["--exact", "live::play", "--ignored"]).env("PLAY_HOST", host));
}

#[test]
fn findings_come_as_they_happen() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("ndjson");
    let live = watching(&namespace, &["--format", "ndjson", "--duration", "120"]);
    play_inside(&namespace);
    // Before the end: nobody has stopped it yet.
    let line = wait_for(&live.stdout, "\"token-over-cleartext-http\"");
    let finding: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(finding["rule"], "token-over-cleartext-http", "{line}");
    assert_eq!(finding["host"], "api.example.test", "{line}");
    assert!(!line.contains(TOKEN), "the token is masked: {line}");
    live.signal("-INT");
    let (code, rest, said) = live.end();
    assert_eq!(code, Some(1), "{said:?}");
    assert!(!rest.iter().any(|l| l.contains("\"token-over-cleartext-http\"")), "said twice: {rest:?}");
    let summary = said.iter().find(|line| line.contains("packets dropped")).expect("a summary");
    assert!(summary.contains("1 token sighted") && summary.contains(" 0 packets dropped"), "{summary}");
}

#[test]
fn a_table_and_a_filter_work_live() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("table");
    let live = watching(&namespace, &["--filter", "tcp"]);
    play_inside(&namespace);
    wait_for(&live.stdout, "token-over-cleartext-http");
    live.signal("-TERM");
    let (code, ..) = live.end();
    assert_eq!(code, Some(1));
}

#[test]
fn a_quiet_watch_ends_by_itself() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("quiet");
    let (code, out, said) = watching(&namespace, &["--duration", "1"]).end();
    assert_eq!((code, out), (Some(0), Vec::new()), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("0 packets") && line.contains("dropped")), "{said:?}");
}

#[test]
fn without_permission_live_says_what_to_grant() {
    if !able(&[libpcap(), tool("setpriv")]) {
        return;
    }
    // Where others can read it: the project may be in a home that they cannot.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("wirelint");
    std::fs::copy(BINARY, &copy).unwrap();
    for (path, mode) in [(folder.path(), 0o755), (copy.as_path(), 0o755)] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }
    let mut command = Command::new("setpriv");
    if root().1 {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    command.arg(&copy).args(["live", "-i", "lo", "--duration", "1"]);
    let ended = watch(command, PATIENCE);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("setcap cap_net_raw"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

/// A folder of empty files with libpcap's names: the loader takes them first, and fails.
fn without_libpcap() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["libpcap.so.1", "libpcap.so.0.8", "libpcap.so"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    folder
}

#[test]
fn without_libpcap_live_says_what_to_install() {
    let hidden = without_libpcap();
    let fixture = tree::root().join("fixtures/login-then-api-http/capture.pcap");
    let live = ["live", "-i", "lo", "--duration", "1"].map(PathBuf::from).to_vec();
    let filter =
        ["scan", "--filter", "tcp"].map(PathBuf::from).into_iter().chain([fixture.clone()]).collect();
    for arguments in [live, vec!["live".into(), "--list".into()], filter] {
        let mut command = Command::new(BINARY);
        command.args(&arguments).env("LD_LIBRARY_PATH", hidden.path());
        let ended = watch(command, PATIENCE);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("apt install libpcap0.8"), "{arguments:?}: {}", ended.stderr);
    }
    let mut command = Command::new(BINARY);
    command.arg("scan").arg(fixture).env("LD_LIBRARY_PATH", hidden.path());
    let ended = watch(command, PATIENCE);
    assert_eq!(ended.code, Some(1), "files need no libpcap: {}", ended.stderr);
}

#[test]
fn an_interface_that_is_not_there_is_refused() {
    if !able(&[root(), libpcap()]) {
        return;
    }
    let mut command = Command::new(BINARY);
    command.args(["live", "-i", "no-such-if0", "--duration", "1"]);
    let ended = watch(command, PATIENCE);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("no-such-if0") && ended.stderr.contains("--list"), "{}", ended.stderr);
}

#[test]
fn repetitions_are_counted_and_told_in_windows() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("window");
    let live = watching(&namespace, &["--format", "ndjson", "--window", "1"]);
    play_inside(&namespace);
    let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let first = value(&wait_for(&live.stdout, "\"token-over-cleartext-http\""));
    assert_eq!(first["count"], 1, "{first}");
    play_inside(&namespace);
    play_inside(&namespace);
    let mut again = value(&wait_for(&live.stdout, "\"token-over-cleartext-http\""));
    if again["count"] == 2 {
        again = value(&wait_for(&live.stdout, "\"token-over-cleartext-http\""));
    }
    assert_eq!((&again["fingerprint"], &again["count"]), (&first["fingerprint"], &3.into()), "{again}");
    live.signal("-TERM");
    let (code, rest, said) = live.end();
    assert_eq!(code, Some(1), "{said:?}");
    assert!(rest.is_empty(), "nothing is told again without reason: {rest:?}");
}

#[test]
fn sighup_loads_rules_anew_and_keeps_the_old_ones_if_they_are_broken() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("reload");
    let rules = tempfile::tempdir().unwrap();
    let rule = |title: &str, when: &str| {
        let text = format!(
            "on = 'sighting'\ngroup = 'claims'\ntitle = '{title}'\nseverity = 'high'\nconfidence = 'high'\n\
             when = '{when}'\nmessage = 'here'\nabout = 'a'\nremedy = 'r'\nreferences = []\ncwe = []\n"
        );
        std::fs::write(rules.path().join("house-rule.toml"), text).unwrap();
    };
    rule("First", "token.kind == \"none-such\"");
    let folder = rules.path().display().to_string();
    let live = watching(&namespace, &["--format", "ndjson", "--rules", &folder, "--fail-on", "medium"]);
    rule("Broken", "token.no_such_fact == 1");
    live.signal("-HUP");
    let said = wait_for(&live.stderr, "SIGHUP");
    assert!(said.contains("house-rule") && said.contains("no_such_fact"), "{said}");
    play_to(&namespace, "one.test");
    wait_for(&live.stdout, "\"one.test\"");
    rule("Second", "request.host == \"two.test\"");
    live.signal("-HUP");
    let said = wait_for(&live.stderr, "SIGHUP");
    assert!(said.contains("loaded anew"), "{said}");
    play_to(&namespace, "two.test");
    let line = wait_for(&live.stdout, "\"house-rule\"");
    assert!(line.contains("\"Second\""), "{line}");
    live.signal("-INT");
    let (code, _, said) = live.end();
    assert_eq!(code, Some(1), "{said:?}");
    let summary = said.iter().find(|line| line.contains("packets dropped")).unwrap();
    assert!(!summary.contains(" 0 findings") && summary.contains("0 packets dropped"), "{summary}");
}

#[test]
fn evidence_is_the_flows_with_findings() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("evidence");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (some, all) = (file("some.pcapng"), file("all.pcapng"));
    let some_live = watching(&namespace, &["--write", &some, "--select", "token-over-cleartext-http"]);
    let all_live = watching(&namespace, &["--write", &all, "--write-packets", "all"]);
    // A flow without a finding: no token in it.
    run(namespace.command("python3").args([
        "-c",
        "import socket\ns=socket.create_server(('127.0.0.1',0))\nc=socket.create_connection(s.getsockname())\n\
         c.send(b'GET / HTTP/1.1\\r\\nHost: quiet.test\\r\\n\\r\\n')\ns.accept()[0].recv(99)",
    ]));
    play_inside(&namespace);
    wait_for(&some_live.stdout, "token-over-cleartext-http");
    for live in [some_live, all_live] {
        live.signal("-INT");
        let (_, _, said) = live.end();
        assert!(said.iter().any(|line| line.contains("packets written to 1 file")), "{said:?}");
    }
    let hosts = |file: &str| {
        let http = wirelint(["http", "--format", "ndjson"]).args([file]).run().code(0);
        http.records().iter().map(|r| r["request"]["host"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(hosts(&some), ["api.example.test"]);
    assert_eq!(hosts(&all), ["quiet.test", "api.example.test"]);
    let scan = wirelint(["scan", "--crack-budget", "0", "--format", "ndjson"]).args([&some]).run().code(1);
    assert!(scan.out.contains("token-over-cleartext-http"), "the handshake is there too: {scan}");
    let flows = wirelint(["flows", "--format", "ndjson"]).args([&some]).run().code(0);
    assert_eq!(flows.records()[0]["state"], "closed", "{flows}");
}

#[test]
fn a_full_disk_stops_the_evidence_only() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("full");
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "none"]).arg(&disk));
    let file = disk.join("all.pcapng").display().to_string();
    let live = watching(&namespace, &["--format", "ndjson", "--write", &file, "--write-packets", "all"]);
    run(namespace.command("python3").args([
        "-c",
        "import socket\ns=socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nfor i in range(200): s.sendto(bytes(1000), ('127.0.0.1', 9))",
    ]));
    let said = wait_for(&live.stderr, "--write");
    assert!(said.contains("No space left"), "{said}");
    play_inside(&namespace);
    wait_for(&live.stdout, "\"token-over-cleartext-http\"");
    live.signal("-INT");
    let (code, _, said) = live.end();
    run(Command::new("umount").arg(&disk));
    assert_eq!(code, Some(1), "{said:?}");
    assert!(said.iter().any(|line| line.contains("could not be written")), "{said:?}");
}

#[test]
fn an_interface_that_goes_down_and_away_is_waited_for() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("flap");
    let make = || {
        namespace.ip("link add eth0 type veth peer name eth1");
        namespace.ip("link set eth1 up");
        namespace.ip("addr add 10.9.0.1/24 dev eth0");
        namespace.ip("link set eth0 up");
    };
    make();
    let live = watching(&namespace, &["--format", "ndjson", "-i", "eth0", "--keep-privileges"]);
    namespace.ip("link set eth0 down");
    wait_for(&live.stderr, "eth0: it is down");
    namespace.ip("link set eth0 up");
    wait_for(&live.stderr, "eth0: it is up again");
    namespace.ip("link del eth0");
    wait_for(&live.stderr, "eth0: ");
    make();
    wait_for(&live.stderr, "eth0: captured on again");
    play_inside(&namespace);
    wait_for(&live.stdout, "\"token-over-cleartext-http\"");
    live.signal("-INT");
    assert_eq!(live.end().0, Some(1));
}

#[test]
fn it_stops_after_a_count() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("count");
    let live = watching(&namespace, &["--count", "5", "--immediate", "--memory", "256M", "-v"]);
    play_inside(&namespace);
    let (_, _, said) = live.end();
    assert!(said.iter().any(|line| line.starts_with("5 packets, 1 flow")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("at most about 25")), "{said:?}");
}

#[test]
fn rights_are_given_up_and_alarms_go_out() {
    if !able(&basics()) {
        return;
    }
    let namespace = Namespace::new("alarms");
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    std::fs::create_dir(&spool).unwrap();
    let file = folder.path().join("alarms.ndjson");
    let url = format!("file:{}?shape=ecs", file.display());
    // Nobody listens to the second: that one is down, and what it misses waits.
    let live = watching(
        &namespace,
        &[
            "-v",
            "--alarm",
            &url,
            "--alarm",
            "syslog+tcp://127.0.0.1:9",
            "--spool",
            spool.to_str().unwrap(),
            "--metrics",
            "9464",
        ],
    );
    let said = wait_for(&live.stderr, "http://127.0.0.1:9464/metrics");
    assert!(said.contains("/health"), "{said}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", live.child.id())).unwrap();
    for line in ["CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{line}: {status}");
    }
    play_inside(&namespace);
    wait_for(&live.stderr, "is down");
    let get = |path: &str| {
        let url = format!("http://127.0.0.1:9464{path}");
        run(namespace.command("curl").args(["-sS", &url]))
    };
    until("the metrics say so", || {
        let metrics = get("/metrics");
        [
            "wirelint_findings_total{rule=\"token-over-cleartext-http\"",
            "wirelint_sink_up{sink=\"syslog+tcp://127.0.0.1:9\"} 0",
        ]
        .iter()
        .all(|text| metrics.contains(text))
    });
    assert_eq!(get("/health"), "ok\n");
    live.signal("-INT");
    let (code, _, said) = live.end();
    assert_eq!(code, Some(1), "{said:?}");
    let alarms = std::fs::read_to_string(&file).unwrap();
    assert!(
        alarms.contains("\"id\":\"token-over-cleartext-http\"") && alarms.contains("\"ecs\""),
        "{alarms}"
    );
    assert!(!alarms.contains(TOKEN) && !alarms.contains(&TOKEN[40..80]), "tokens are masked: {alarms}");
    assert!(
        said.iter().any(|l| l.contains("syslog+tcp://127.0.0.1:9: 0 alarms sent") && l.ends_with(" 0 lost")),
        "{said:?}"
    );
    let kept = std::fs::read_dir(&spool).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).max();
    assert!(kept > Some(100), "they wait on disk: {kept:?}");
}

#[test]
fn nobody_with_the_one_capability_can_watch() {
    let mut needs = basics();
    needs.push(tool("setpriv"));
    if !able(&needs) {
        return;
    }
    let namespace = Namespace::new("nobody");
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("wirelint");
    std::fs::copy(BINARY, &copy).unwrap();
    for path in [folder.path(), copy.as_path()] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let mut command = namespace.command("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all,+net_raw",
        "--ambient-caps=-all,+net_raw",
    ]);
    command.args(["--bounding-set=-all,+net_raw"]).arg(&copy).args([
        "live",
        "-i",
        "lo",
        "--crack-budget",
        "0",
    ]);
    let live = Running::start(&mut command);
    wait_for(&live.stderr, "watching lo");
    play_inside(&namespace);
    wait_for(&live.stdout, "token-over-cleartext-http");
    live.signal("-INT");
    assert_eq!(live.end().0, Some(1));
}
