//! Network namespaces that tests make, what tests need of the machine, and running programs whose lines are waited for.

pub(crate) use super::needs::able;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn root() -> (&'static str, bool) {
    ("root", std::fs::read_to_string("/proc/self/status").is_ok_and(|s| s.contains("\nUid:\t0\t")))
}

pub(crate) fn libpcap() -> (&'static str, bool) {
    ("libpcap", wirelint::capture::available().is_ok())
}

/// A program that is on the path.
pub(crate) fn tool(name: &'static str) -> (&'static str, bool) {
    let null = || Stdio::null();
    let mut command = Command::new(name);
    let found = command.arg("-V").stdin(null()).stdout(null()).stderr(null()).status().is_ok();
    (name, found)
}

/// What all tests with namespaces need.
pub(crate) fn basics() -> Vec<(&'static str, bool)> {
    vec![root(), libpcap(), tool("ip")]
}

/// A network namespace with its loopback up; goes with this value.
pub(crate) struct Namespace(pub(crate) String);

impl Namespace {
    pub(crate) fn new(what: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let this = Self(format!("wirelint-{what}-{}-{number}", std::process::id()));
        run(Command::new("ip").args(["netns", "add", &this.0]));
        this.ip("link set lo up");
        this
    }

    /// A command inside.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, program]);
        command
    }

    /// `ip` with these arguments, inside.
    pub(crate) fn ip(&self, arguments: &str) {
        run(self.command("ip").args(arguments.split(' ')));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// Runs a command that must succeed; gives its output.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A program that runs; killed with this value.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: Receiver<String>,
    pub(crate) stderr: Receiver<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    pub(crate) fn signal(&self, name: &str) {
        run(Command::new("kill").args([name, &self.child.id().to_string()]));
    }

    /// Exit code, and what else was said on standard output and error.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<String>, Vec<String>) {
        let since = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(
                since.elapsed() < PATIENCE,
                "it does not end: {:?}",
                self.stderr.try_iter().collect::<Vec<_>>()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let code = self.child.wait().unwrap().code();
        (code, self.stdout.iter().collect(), self.stderr.iter().collect())
    }
}

impl Drop for Running {
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
#[track_caller]
pub(crate) fn wait_for(lines: &Receiver<String>, text: &str) -> String {
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

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
