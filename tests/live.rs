//! `wirelint live` on a real interface: the loopback of a network namespace of its own.

use crate::support::child::watch;
use crate::support::tree;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_wirelint");

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// HS256, with a strong key.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJsaXZlIiwiZXhwIjo0MTAyNDQ0ODAwfQ\
                     .LW9mLXRoaXMtdG9rZW4tMDEyMzQ1Njc4OWFiY2RlZmdoaWprbA";

/// Whether `needs` are met. Where CI runs they must be.
fn able(needs: &[(&str, bool)]) -> bool {
    let Some((missing, _)) = needs.iter().find(|(_, met)| !met) else { return true };
    let ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false");
    assert!(!ci, "CI must have: {missing}");
    eprintln!("skipped, needs: {missing}");
    false
}

fn root() -> (&'static str, bool) {
    ("root", std::fs::read_to_string("/proc/self/status").is_ok_and(|s| s.contains("\nUid:\t0\t")))
}

fn libpcap() -> (&'static str, bool) {
    ("libpcap", wirelint::capture::available().is_ok())
}

fn tool(name: &'static str) -> (&'static str, bool) {
    (name, Command::new(name).arg("-V").output().is_ok())
}

/// A network namespace with its loopback up; goes with this value.
struct Namespace(String);

impl Namespace {
    fn new(what: &str) -> Self {
        let this = Self(format!("wirelint-{what}-{}", std::process::id()));
        run(Command::new("ip").args(["netns", "add", &this.0]));
        run(this.command("ip").args(["link", "set", "lo", "up"]));
        this
    }

    /// A command inside.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, program]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A running `live`; killed with this value.
struct Watching {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Watching {
    fn start(namespace: &Namespace, arguments: &[&str]) -> Self {
        let mut command = namespace.command(BINARY);
        command.args(["live", "-i", "lo", "--crack-budget", "0"]).args(arguments);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        let this = Self { child, stdout, stderr };
        wait_for(&this.stderr, "watching lo");
        this
    }

    fn signal(&self, name: &str) {
        run(Command::new("kill").args([name, &self.child.id().to_string()]));
    }

    /// Exit code, and what else was said on standard output and error.
    fn end(mut self) -> (Option<i32>, Vec<String>, Vec<String>) {
        let since = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(since.elapsed() < PATIENCE, "live does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        let code = self.child.wait().unwrap().code();
        (code, self.stdout.iter().collect(), self.stderr.iter().collect())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    receive
}

/// The first line with `text` in it.
fn wait_for(lines: &Receiver<String>, text: &str) -> String {
    let (since, mut seen) = (Instant::now(), Vec::new());
    while since.elapsed() < PATIENCE {
        match lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) if line.contains(text) => return line,
            Ok(line) => seen.push(line),
            Err(_) => {}
        }
    }
    panic!("no line with {text:?} came, only {seen:?}");
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
    let request =
        format!("GET /v1/me HTTP/1.1\r\nHost: api.example.test\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ok"));
    server.join().unwrap();
}

fn play_inside(namespace: &Namespace) {
    let this = std::env::current_exe().unwrap();
    run(namespace.command(this.to_str().unwrap()).args(["--exact", "live::play", "--ignored"]));
}

#[test]
fn findings_come_as_they_happen() {
    if !able(&[root(), libpcap(), tool("ip")]) {
        return;
    }
    let namespace = Namespace::new("ndjson");
    let watching = Watching::start(&namespace, &["--format", "ndjson", "--duration", "120"]);
    play_inside(&namespace);
    // Before the end: nobody has stopped it yet.
    let line = wait_for(&watching.stdout, "\"token-over-cleartext-http\"");
    let finding: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(finding["rule"], "token-over-cleartext-http", "{line}");
    assert_eq!(finding["host"], "api.example.test", "{line}");
    assert!(!line.contains(TOKEN), "the token is masked: {line}");
    watching.signal("-INT");
    let (code, rest, said) = watching.end();
    assert_eq!(code, Some(1), "{said:?}");
    assert!(!rest.iter().any(|l| l.contains("\"token-over-cleartext-http\"")), "said twice: {rest:?}");
    let summary = said.iter().find(|line| line.contains("packets dropped")).expect("a summary");
    assert!(summary.contains("1 tokens sighted") && summary.contains(" 0 packets dropped"), "{summary}");
}

#[test]
fn a_table_and_a_filter_work_live() {
    if !able(&[root(), libpcap(), tool("ip")]) {
        return;
    }
    let namespace = Namespace::new("table");
    let watching = Watching::start(&namespace, &["--filter", "tcp"]);
    play_inside(&namespace);
    wait_for(&watching.stdout, "token-over-cleartext-http");
    watching.signal("-TERM");
    let (code, ..) = watching.end();
    assert_eq!(code, Some(1));
}

#[test]
fn a_quiet_watch_ends_by_itself() {
    if !able(&[root(), libpcap(), tool("ip")]) {
        return;
    }
    let namespace = Namespace::new("quiet");
    let (code, out, said) = Watching::start(&namespace, &["--duration", "1"]).end();
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
