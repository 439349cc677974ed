//! Signals as values that are asked for, instead of interruptions.

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;

/// `si_code` of a signal that the kernel itself sent, for instance because of Ctrl-C at a terminal (`SI_KERNEL`).
const FROM_KERNEL: i32 = 0x80;

/// Signals that wait to be asked for.
#[derive(Debug)]
pub struct Signals {
    set: SigSet,
    fd: SignalFd,
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// SIGINT, SIGTERM or SIGQUIT, or the terminal went away: end.
    Stop {
        /// Its number.
        number: i32,
        /// The terminal sent it, to the whole process group.
        terminal: bool,
    },
    /// Somebody sent SIGHUP: the configuration is to be read again.
    Hangup,
}

impl Signals {
    /// Keeps SIGINT, SIGTERM, SIGQUIT and SIGHUP from this thread and those that it starts. Call it before there are others.
    ///
    /// # Errors
    /// The system's.
    pub fn hold() -> io::Result<Self> {
        let set = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGQUIT, Signal::SIGHUP].into_iter().collect();
        SigSet::thread_block(&set)?;
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { set, fd })
    }

    /// The next one that came, if any did.
    pub fn next(&self) -> Option<Came> {
        let info = self.fd.read_signal().ok()??;
        let number = i32::try_from(info.ssi_signo).ok()?;
        let terminal = info.ssi_code == FROM_KERNEL;
        Some(match Signal::try_from(number) {
            Ok(Signal::SIGHUP) if !terminal => Came::Hangup,
            _ => Came::Stop { number, terminal },
        })
    }

    /// Lets them through again, those that wait too.
    pub fn release(self) {
        // Fails only for a set that is none.
        let _ = self.set.thread_unblock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::raise;

    #[test]
    fn signals_wait_and_say_who_sent_them() {
        let signals = Signals::hold().unwrap();
        assert_eq!(signals.next(), None);
        raise(Signal::SIGTERM).unwrap();
        raise(Signal::SIGHUP).unwrap();
        let mut came: Vec<_> = std::iter::from_fn(|| signals.next()).collect();
        came.sort_by_key(|c| *c == Came::Hangup);
        assert_eq!(came, [Came::Stop { number: 15, terminal: false }, Came::Hangup]);
        signals.release();
    }
}
