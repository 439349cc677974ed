//! What the environment of the command says, so that TLS libraries write their secrets down.

use crate::commands::Failure;
use crate::limits::SECRETS_AHEAD;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Read by OpenSSL 3.5 and later (built with `enable-sslkeylog`), curl, GnuTLS, NSS, Python's `ssl`, Deno, browsers.
const KEYLOG: &str = "SSLKEYLOGFILE";
/// Node has a flag instead, which this variable may hold.
const NODE: &str = "NODE_OPTIONS";

/// The variables, and where the secrets go.
pub(super) struct Environment {
    path: PathBuf,
    /// The user's own file, of which only what comes now is ours.
    from: u64,
    own: bool,
    node: OsString,
}

impl Environment {
    /// A key log in `folder`, or the one that the environment names already.
    pub(super) fn new(folder: &Path) -> Result<Self, Failure> {
        let given = std::env::var_os(KEYLOG).filter(|path| !path.is_empty());
        let own = given.is_none();
        let path = match given {
            Some(path) => std::path::absolute(path).map_err(|e| format!("{KEYLOG}: {e}"))?,
            None => folder.join("keys.log"),
        };
        let from = fs::metadata(&path).map_or(0, |m| m.len());
        if own {
            File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        let node = node_options(std::env::var_os(NODE).as_deref(), &path);
        Ok(Self { path, from, own, node })
    }

    /// Sets the variables for a command.
    pub(super) fn apply(&self, command: &mut Command) {
        command.env(KEYLOG, &self.path).env(NODE, &self.node);
    }

    /// The lines that were written since this was made. Of a file that is longer than is ever read, the first.
    pub(super) fn secrets(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            use std::io::{Seek, SeekFrom};
            let from = if file.metadata()?.len() < self.from { 0 } else { self.from };
            file.seek(SeekFrom::Start(from))?;
            file.take(SECRETS_AHEAD as u64).read_to_end(&mut bytes)
        });
        if read.is_ok() && !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        bytes
    }

    /// What was set, for `-v`.
    pub(super) fn describe(&self) -> String {
        let whose = if self.own { "" } else { " (yours)" };
        format!("{KEYLOG}={}{whose}, {NODE}={}", self.path.display(), self.node.display())
    }
}

/// `NODE_OPTIONS` with a key log, unless there is one. Spaces in the path need quotes, which need escapes.
fn node_options(given: Option<&OsStr>, path: &Path) -> OsString {
    let given = given.unwrap_or_default();
    if given.to_string_lossy().contains("--tls-keylog") {
        return given.to_owned();
    }
    let mut all = given.to_owned();
    if !all.is_empty() {
        all.push(" ");
    }
    let text = path.to_string_lossy();
    if text.contains([' ', '"', '\\']) {
        all.push(format!("\"--tls-keylog={}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
    } else {
        all.push(format!("--tls-keylog={text}"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_keeps_its_options() {
        let with = |given: &str, path: &str| {
            node_options(Some(OsStr::new(given)), Path::new(path)).into_string().unwrap()
        };
        assert_eq!(with("", "/t/k"), "--tls-keylog=/t/k");
        assert_eq!(with("--no-warnings", "/t/k"), "--no-warnings --tls-keylog=/t/k");
        assert_eq!(with("--tls-keylog=/mine", "/t/k"), "--tls-keylog=/mine");
        assert_eq!(with("", "/a b/\"k"), "\"--tls-keylog=/a b/\\\"k\"");
    }

    #[test]
    fn only_what_is_new_in_a_log_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        fs::write(&path, "old\n").unwrap();
        let environment = Environment { path: path.clone(), from: 4, own: false, node: OsString::new() };
        assert_eq!(environment.secrets(), b"");
        fs::write(&path, "old\nnew").unwrap();
        assert_eq!(environment.secrets(), b"new\n");
        fs::write(&path, "x\n").unwrap();
        assert_eq!(environment.secrets(), b"x\n", "it was begun anew");
    }
}
