//! Rights that a watch gives up once its interfaces are open.

use crate::cli::LiveArgs;
use std::path::{Path, PathBuf};

/// What it still needs.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) read: Vec<PathBuf>,
    pub(super) write: Vec<PathBuf>,
    pub(super) connect: Vec<u16>,
}

impl Needs {
    /// What the flags name: rules are read again on SIGHUP, word lists at the end, key logs all the time.
    pub(super) fn new(args: &LiveArgs) -> Self {
        let mut this = Self::default();
        let rules = &args.audit.rules;
        this.read.extend(rules.rules.iter().chain(&rules.wordlist).cloned());
        // Key logs may not be there yet, and are replaced.
        this.read.extend(args.audit.read.keylog.iter().map(|path| folder(path)));
        this.write.extend(args.evidence.write.iter().map(|path| folder(path)));
        this.write.extend(args.alarms.spool.clone());
        this
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Gives up what is not needed; says what is left.
#[cfg(target_os = "linux")]
pub(super) fn confine(needs: Needs, args: &LiveArgs) -> Vec<String> {
    use crate::system::{Allowed, drop_capabilities};
    if args.no_sandbox {
        return vec!["sandbox: none (--no-sandbox)".into()];
    }
    let keep = args.keep_privileges;
    let mut said = vec![match drop_capabilities(keep) {
        Ok(true) if keep => "capabilities: all given up but CAP_NET_RAW".into(),
        Ok(true) => "capabilities: all given up".into(),
        Ok(false) => "capabilities: there were none".into(),
        Err(error) => format!("capabilities: not given up: {error}"),
    }];
    let mut connect = needs.connect;
    if !connect.is_empty() {
        // Names are asked for over TCP when the answer is long.
        connect.push(53);
    }
    said.extend(crate::system::confine(&Allowed { read: needs.read, write: needs.write, connect }));
    said
}

/// Elsewhere there is nothing of the kind.
#[cfg(not(target_os = "linux"))]
pub(super) fn confine(_: Needs, _: &LiveArgs) -> Vec<String> {
    vec!["sandbox: none on this system".into()]
}
