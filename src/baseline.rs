//! Findings that were there before: a file of fingerprints, so that only new ones fail a run.

use crate::finding::Finding;
use crate::rules::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

/// The version of the file's form.
const VERSION: u32 = 1;
/// Bytes of the file: a finding is about 300.
const BYTES: u64 = 64 << 20;

/// The findings of an earlier run.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// By fingerprint.
    entries: BTreeMap<String, Entry>,
}

/// One of them. It names no token, no client and no time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fingerprint: String,
    rule: String,
    severity: String,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    route: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The form's version: tells that it is a baseline.
    wirelint_baseline: u32,
    findings: Vec<Entry>,
}

/// What a baseline made of the findings of a run.
#[derive(Debug, Default)]
pub struct Compared {
    /// Findings that were there before, and are no worse now.
    pub known: u64,
    /// Entries that were not found, in words.
    pub stale: Vec<String>,
}

impl Baseline {
    /// The findings of a run.
    pub fn of(findings: &[Finding]) -> Self {
        let entry = |finding: &Finding| Entry {
            fingerprint: finding.fingerprint.clone(),
            rule: finding.identity.rule.clone(),
            severity: finding.severity.as_str().to_owned(),
            host: finding.host.clone(),
            route: finding.route.clone(),
        };
        Self {
            entries: findings.iter().map(|finding| (finding.fingerprint.clone(), entry(finding))).collect(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Why it cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, String> {
        use io::Read as _;
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
        file.take(BYTES + 1).read_to_string(&mut text).map_err(|e| e.to_string())?;
        if text.len() as u64 > BYTES {
            return Err(format!("it is larger than {} MiB", BYTES >> 20));
        }
        let hint = "; wirelint scan --write-baseline FILE writes one";
        let file: File = serde_json::from_str(&text).map_err(|e| format!("no baseline: {e}{hint}"))?;
        if file.wirelint_baseline != VERSION {
            return Err(format!(
                "its version is {}, this wirelint reads {VERSION}{hint}",
                file.wirelint_baseline
            ));
        }
        if let Some(entry) = file.findings.iter().find(|entry| Severity::parse(&entry.severity).is_none()) {
            return Err(format!("`{}` is no severity", entry.severity.escape_debug()));
        }
        Ok(Self {
            entries: file.findings.into_iter().map(|entry| (entry.fingerprint.clone(), entry)).collect(),
        })
    }

    /// Writes the file: by rule, host and route, so that it can be read and compared.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut findings: Vec<_> = self.entries.values().cloned().collect();
        let key = |e: &Entry| (e.rule.clone(), e.host.clone(), e.route.clone(), e.fingerprint.clone());
        findings.sort_by_key(key);
        serde_json::to_writer_pretty(&mut *out, &File { wirelint_baseline: VERSION, findings })?;
        out.write_all(b"\n")
    }

    /// Findings in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The rules that it has findings of.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.entries.values().map(|entry| entry.rule.as_str())
    }

    /// Whether a finding was there before, and is no worse now.
    pub fn knows(&self, finding: &Finding) -> bool {
        let severity =
            self.entries.get(&finding.fingerprint).and_then(|entry| Severity::parse(&entry.severity));
        severity.is_some_and(|severity| finding.severity <= severity)
    }

    /// Takes out what was there before. `runs` says whether a rule takes part: an entry of another one is not stale.
    pub fn compare(&self, findings: &mut Vec<Finding>, runs: impl Fn(&str) -> bool) -> Compared {
        let found: std::collections::BTreeSet<_> = findings.iter().map(|f| f.fingerprint.clone()).collect();
        let before = findings.len();
        findings.retain(|finding| !self.knows(finding));
        let gone =
            self.entries.values().filter(|entry| !found.contains(&entry.fingerprint) && runs(&entry.rule));
        let words = |entry: &Entry| {
            let host = entry.host.as_ref().map_or_else(String::new, |host| format!(" of {host}"));
            let route = entry.route.as_ref().map_or_else(String::new, |route| format!(", {route}"));
            format!("{}{host}{route} ({}) is found no longer", entry.rule, entry.fingerprint)
        };
        Compared { known: (before - findings.len()) as u64, stale: gone.map(words).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::golden;

    #[test]
    fn what_was_written_is_known() {
        let all = golden::summary().findings;
        let mut text = Vec::new();
        Baseline::of(&all).write(&mut text).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &text).unwrap();
        let baseline = Baseline::read(file.path()).unwrap();
        let mut again = all.clone();
        let distinct = baseline.len();
        let compared = baseline.compare(&mut again, |_| true);
        assert_eq!((compared.known as usize, compared.stale.len(), again.len()), (all.len(), 0, 0));
        assert!(distinct > 1);
        // Neither tokens nor clients nor times are in it.
        let text = String::from_utf8(text).unwrap();
        assert!(
            !text.contains("eyJ") && !text.contains("first_seen") && !text.contains("10.0.0.1"),
            "{text}"
        );
        // What is worse now is new; what is gone is told, if its rule runs.
        let mut worse = vec![all[0].clone()];
        let mut old = all.clone();
        old[0].severity = Severity::Info;
        let compared = Baseline::of(&old).compare(&mut worse, |_| true);
        assert_eq!((worse.len(), compared.known), (1, 0));
        assert_eq!(compared.stale.len(), distinct - 1);
        assert!(Baseline::of(&old).compare(&mut worse, |_| false).stale.is_empty());
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, said) in [
            ("", "no baseline"),
            ("{\"findings\": []}", "no baseline"),
            ("{\"wirelint_baseline\": 2, \"findings\": []}", "its version is 2"),
            (
                "{\"wirelint_baseline\": 1, \"findings\": [{\"fingerprint\": \"0\", \"rule\": \"a\", \"severity\": \"bad\"}]}",
                "`bad` is no severity",
            ),
        ] {
            std::fs::write(file.path(), text).unwrap();
            let error = Baseline::read(file.path()).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
