//! The real binary in a process of its own, watched.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// What it wrote to standard output.
    pub(crate) stdout: String,
    /// What it wrote to standard error.
    pub(crate) stderr: String,
    /// Peak of its resident memory in KiB, as last seen.
    pub(crate) peak: u64,
}

/// Runs `wirelint` with these arguments, the last of which is a file made of `capture`. Panics if it takes longer
/// than `patience`.
pub(crate) fn wirelint(arguments: &[&str], capture: &[u8], patience: Duration) -> Ended {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(capture).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelint"));
    command.args(arguments).arg(file.path());
    watch(command, patience)
}

/// Runs a command to its end.
pub(crate) fn watch(mut command: Command, patience: Duration) -> Ended {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = drain(child.stdout.take().unwrap());
    let stderr = drain(child.stderr.take().unwrap());
    let (since, mut peak) = (Instant::now(), 0);
    let status = loop {
        peak = peak.max(peak_of(&child));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if since.elapsed() > patience {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} did not end within {patience:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    Ended { code: status.code(), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap(), peak }
}

/// The kernel keeps the peak itself: the last look before the end is as good as all.
fn peak_of(child: &Child) -> u64 {
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
