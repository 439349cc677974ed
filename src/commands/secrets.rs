//! TLS secrets that the user names: key logs and RSA keys.

use super::Failure;
use crate::cli::ReadArgs;
use crate::keylog::{BadLine, BadLines, KeyLog, Keyring, RsaKey};
use crate::report::text::counted;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// What was named, and what is to be said about it.
#[derive(Default)]
pub(super) struct Secrets {
    pub(super) ring: Keyring,
    pub(super) warnings: Vec<String>,
}

impl Secrets {
    /// Reads what `--keylog` and `--rsa-key` name.
    pub(super) fn load(read: &ReadArgs) -> Result<Self, Failure> {
        let mut this = Self::rsa(read)?;
        for path in &read.keylog {
            let failure = |e: std::io::Error| Failure::new(format!("--keylog {}: {e}", path.display()));
            let file = File::open(path).map_err(failure)?;
            let mut log = KeyLog::read(BufReader::with_capacity(64 << 10, file)).map_err(failure)?;
            this.add(path, &mut log);
        }
        Ok(this)
    }

    /// Reads what `--rsa-key` names; the key logs are followed.
    pub(super) fn rsa(read: &ReadArgs) -> Result<Self, Failure> {
        let mut this = Self::default();
        let mut keys = Vec::new();
        for path in &read.rsa_key {
            let failure =
                |e: &dyn std::fmt::Display| Failure::new(format!("--rsa-key {}: {e}", path.display()));
            let text = std::fs::read_to_string(path).map_err(|e| failure(&e))?;
            keys.push(RsaKey::from_pem(&text).map_err(|e| failure(&e))?);
        }
        this.ring.set_rsa(keys);
        Ok(this)
    }

    fn add(&mut self, path: &Path, log: &mut KeyLog) {
        let name = path.display();
        let found = log.entries.len();
        if found == 0 {
            self.warnings.push(format!("--keylog {name}: no secret in {}", counted(log.lines, "line")));
        }
        let dropped = log.dropped + self.ring.add(std::mem::take(&mut log.entries)) as u64;
        if dropped > 0 {
            self.warnings
                .push(format!("--keylog {name}: {dropped} of the oldest secrets are over the bound"));
        }
        self.warnings.extend(complaints(&format!("--keylog {name}"), 0, log));
    }
}

/// What is said about lines of secrets that came along with frames.
pub(super) fn bad_lines_text(names: &[String], bad: &BadLines) -> Vec<String> {
    use crate::capture::SecretsOrigin::{Capture, KeyLog};
    let file = names.get(bad.file.0 as usize).map_or("-", String::as_str);
    match bad.origin {
        Capture(offset) => {
            complaints(&format!("{file}: offset {offset}: secrets in the capture"), 0, &bad.log)
        }
        KeyLog(lines) => complaints("--keylog", lines, &bad.log),
    }
}

/// One line for each of the first bad lines, and one for the others.
fn complaints(what: &str, before: u64, log: &KeyLog) -> Vec<String> {
    let line = |(number, cause): &(u64, BadLine)| format!("{what}: line {}: {cause}", before + number);
    let mut all: Vec<_> = log.bad.iter().map(line).collect();
    let rest = log.bad_lines - log.bad.len() as u64;
    if rest > 0 {
        all.push(format!("{what}: {rest} more lines that are of no use"));
    }
    all
}
