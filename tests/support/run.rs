//! The real program, run with bounded time.

use super::tree;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// No run in these tests takes this long, even on a busy machine.
const TIME: Duration = Duration::from_secs(120);

/// A run to be.
pub(crate) struct Run {
    command: Command,
    stdin: Option<Vec<u8>>,
    shown: String,
}

/// What a run left.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    shown: String,
}

/// `wirelint` with arguments, in the project's folder, on no terminal, in an environment that says nothing.
pub(crate) fn wirelint(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
    Run::of(env!("CARGO_BIN_EXE_wirelint")).args(arguments)
}

impl Run {
    /// Any program.
    pub(crate) fn of(program: &str) -> Self {
        let mut command = Command::new(program);
        command.current_dir(tree::root()).env("COLUMNS", "100");
        for name in ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        let shown = Path::new(program).file_name().unwrap_or_default().display().to_string();
        Self { command, stdin: None, shown }
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        for argument in arguments {
            self.shown += &format!(" {}", argument.as_ref().display());
            self.command.arg(argument);
        }
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// In another folder than the project's.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Bytes for the program's standard input, which is empty otherwise.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Starts the program and waits for its end; kills it and fails when that takes too long.
    pub(crate) fn run(mut self) -> Done {
        let end = if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        self.command.stdin(end).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap_or_else(|e| panic!("{}: {e}", self.shown));
        if let (Some(bytes), Some(mut pipe)) = (self.stdin, child.stdin.take()) {
            // The program may end before it has read all.
            thread::spawn(move || pipe.write_all(&bytes).is_ok());
        }
        let out = reader(child.stdout.take());
        let err = reader(child.stderr.take());
        let code = wait(&mut child, &self.shown);
        Done { code, out: out.join().unwrap(), err: err.join().unwrap(), shown: self.shown }
    }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.unwrap().read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    })
}

/// The exit code; a signal is 128 and its number, as in a shell.
fn wait(child: &mut Child, shown: &str) -> i32 {
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            #[cfg(unix)]
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            #[cfg(not(unix))]
            let signal = None;
            return status.code().or(signal.map(|n: i32| 128 + n)).unwrap();
        }
        if started.elapsed() > TIME {
            let _ = child.kill();
            panic!("{shown}: still runs after {TIME:?}");
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

impl Done {
    /// Fails unless this was the exit code. A panic in the program is never right.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert!(!self.err.contains("panicked at"), "{self}");
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Fails unless stderr has all of these texts.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "stderr lacks {text:?}\n{self}");
        }
        self
    }

    /// Fails if stderr has anything.
    #[track_caller]
    pub(crate) fn quiet(self) -> Self {
        assert!(self.err.is_empty(), "{self}");
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("stdout is no JSON: {e}\n{self}"))
    }

    /// Stdout as NDJSON.
    #[track_caller]
    pub(crate) fn records(&self) -> Vec<Value> {
        let record =
            |l| serde_json::from_str(l).unwrap_or_else(|e| panic!("stdout is no NDJSON: {e}\n{self}"));
        self.out.lines().map(record).collect()
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, out, err, shown } = self;
        let out: String = out.chars().take(4000).collect();
        write!(f, "$ {shown}\nexit code {code}\n--- stdout\n{out}\n--- stderr\n{err}")
    }
}
