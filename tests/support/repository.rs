//! A repository with a recorded capture, for one test alone.

use super::run::{Done, Run, wirelint};
use super::tree;
use std::fs;
use std::path::Path;

/// A folder that is the top of a repository. `fixtures/login.pcap` has findings.
pub(crate) struct Repository(tempfile::TempDir);

impl Repository {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(".git")).unwrap();
        fs::create_dir_all(root.path().join("fixtures")).unwrap();
        let login = tree::root().join("fixtures/login-then-api-http/capture.pcap");
        fs::copy(login, root.path().join("fixtures/login.pcap")).unwrap();
        Self(root)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.path().join(name), text).unwrap();
        self
    }

    /// `wirelint` with arguments, in it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Run {
        wirelint(arguments).folder(self.path())
    }

    /// The same, run.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.command(arguments).run()
    }

    /// Scans its fixtures into records.
    pub(crate) fn scan(&self, arguments: &[&str]) -> Done {
        self.run(&[&["scan", "fixtures", "--format", "ndjson"], arguments].concat())
    }
}
