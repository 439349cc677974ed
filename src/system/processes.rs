//! A child, and all that it started: they come to this process when their parents end, and are waited for.

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::io;
use std::process::{Child, Command};

/// Processes that are looked at in one walk: a command with more is a build farm.
const PROCESSES: usize = 65_536;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Exited(u8),
    /// By this signal.
    Killed(u8),
}

impl Ending {
    /// As a shell says it: 128 and the number of the signal.
    pub fn code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Killed(signal) => 128_u8.saturating_add(signal),
        }
    }
}

/// A command and its descendants.
#[derive(Debug)]
pub struct Family {
    /// Kept for its pipes only: waiting is done here, for all children alike.
    _child: Child,
    pid: Pid,
    ending: Option<Ending>,
}

impl Family {
    /// Starts a command. What it leaves running when it ends becomes a child of this process.
    ///
    /// # Errors
    /// The system's: no such program, not executable.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        set_child_subreaper(true)?;
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        Ok(Self { _child: child, pid, ending: None })
    }

    /// Waits for whoever ended, without waiting; says how the command did, once it has.
    pub fn ending(&mut self) -> Option<Ending> {
        loop {
            let status = match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Err(Errno::EINTR) => continue,
                Err(_) | Ok(WaitStatus::StillAlive) => return self.ending,
                Ok(status) => status,
            };
            let ending = match status {
                WaitStatus::Exited(_, code) => Ending::Exited(code as u8),
                WaitStatus::Signaled(_, signal, _) => Ending::Killed(signal as u8),
                _ => continue,
            };
            if status.pid() == Some(self.pid) {
                self.ending = Some(ending);
            }
        }
    }

    /// The ids of the command and all its descendants that live.
    pub fn members(&self) -> Vec<i32> {
        let mut all = children_of(std::process::id().cast_signed());
        let mut at = 0;
        while at < all.len() && all.len() < PROCESSES {
            all.extend(children_of(all[at]));
            at += 1;
        }
        all
    }

    /// Sends a signal to the command itself.
    pub fn signal(&self, number: i32) {
        if let (None, Ok(signal)) = (self.ending, Signal::try_from(number)) {
            // Whoever has just ended needs none.
            let _ = kill(self.pid, signal);
        }
    }

    /// Sends a signal to all that live; says how many there were.
    pub fn signal_all(&self, number: i32) -> usize {
        let Ok(signal) = Signal::try_from(number) else { return 0 };
        let members = self.members();
        for pid in &members {
            let _ = kill(Pid::from_raw(*pid), signal);
        }
        members.len()
    }
}

/// Whether a process descends from this one; none if it has ended. Orphans of the command are this process's own.
pub(super) fn descends(pid: i32) -> Option<bool> {
    let me = std::process::id().cast_signed();
    let mut at = pid;
    for _ in 0..PROCESSES {
        let stat = fs::read_to_string(format!("/proc/{at}/stat")).ok()?;
        // The name, in parentheses, may hold anything; state and parent stand behind it.
        let parent: i32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        match parent {
            _ if parent == me => return Some(true),
            0 | 1 => return Some(false),
            _ => at = parent,
        }
    }
    None
}

/// The children of all threads of a process (proc(5), `/proc/pid/task/tid/children`).
fn children_of(pid: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut all = Vec::new();
    for task in tasks.flatten() {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(text.split_ascii_whitespace().filter_map(|word| word.parse::<i32>().ok()));
    }
    all
}
