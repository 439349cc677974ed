//! What `wirelint.toml` says.

mod discover;
mod docs;
mod expect;
mod keys;
mod read;
mod schema;
mod template;
#[cfg(test)]
mod tests;

pub use discover::{find, read_beside};
pub use docs::page;
pub use expect::{Expect, words};
pub use read::fuzz_config_file;
pub use schema::schema;
pub use template::template;

use crate::limits;
use crate::policy::Policy;
use crate::rules::{FailOn, RuleError, RuleErrorKind, RuleSet, Severity};
use crate::suppress::Suppression;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Names that a configuration file has.
pub const NAMES: [&str; 2] = ["wirelint.toml", ".wirelint.toml"];

/// Everything that a configuration file says; nothing by default. Paths are as the working directory sees them.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `fail-on`.
    pub fail_on: Option<FailOn>,
    /// `strict`.
    pub strict: bool,
    /// `pedantic`.
    pub pedantic: bool,
    /// `format`.
    pub formats: Vec<String>,
    /// `baseline`.
    pub baseline: Option<PathBuf>,
    /// `rules.dirs`.
    pub rule_dirs: Vec<PathBuf>,
    /// `rules.docs`.
    pub docs: Option<String>,
    /// `rules.select`.
    pub select: Vec<String>,
    /// `rules.ignore`.
    pub ignore: Vec<String>,
    /// `[severity]`: rule or group, and what its findings are.
    pub severities: Vec<(String, Severity)>,
    /// What facts are measured by.
    pub policy: Policy,
    /// `[attack]` and `[read]`.
    pub reading: Reading,
    /// `[keys]`: files with keys, with sets of them, with secrets.
    pub keys: [Vec<PathBuf>; 3],
    /// `[[suppress]]`.
    pub suppressions: Vec<Suppression>,
    /// `[expect]`.
    pub expect: Option<Expect>,
    /// Names of rules that stand somewhere, with what to say if there is no such rule.
    mentions: Vec<(String, RuleError)>,
}

/// How captures are read and secrets tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `attack.wordlists`.
    pub wordlists: Vec<PathBuf>,
    /// `attack.budget`.
    pub budget: Option<u64>,
    /// `read.decode-as`.
    pub decode_as: Vec<String>,
    /// `read.verify-checksums`.
    pub verify_checksums: bool,
    /// `read.keylog`.
    pub keylog: Vec<PathBuf>,
    /// `read.rsa-key`.
    pub rsa_key: Vec<PathBuf>,
}

impl Config {
    /// Reads a file of the whole configuration.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn load(path: &Path) -> Result<Self, RuleError> {
        let text = read_file(path)?;
        read::config(&path.display().to_string(), &text, path.parent().unwrap_or(Path::new("")), false)
    }

    /// Reads the text of a whole configuration; `name` is for messages. Paths in it start from the working directory.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(name: &str, text: &str) -> Result<Self, RuleError> {
        read::config(name, text, Path::new(""), false)
    }

    /// Reads a file that stands beside a capture, in which suppressions and expectations may stand.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn load_beside(path: &Path) -> Result<Self, RuleError> {
        let text = read_file(path)?;
        read::config(&path.display().to_string(), &text, path.parent().unwrap_or(Path::new("")), true)
    }

    /// Whether there are such rules as it names.
    ///
    /// # Errors
    /// The first name that no rule has, and where it stands.
    pub fn check_names(&self, rules: &RuleSet) -> Result<(), RuleError> {
        let unknown = self.mentions.iter().find_map(|(name, error)| Some((error, rules.check(name).err()?)));
        match unknown {
            Some((error, said)) => Err(error.clone().meant(said.nearest)),
            None => Ok(()),
        }
    }
}

fn read_file(path: &Path) -> Result<String, RuleError> {
    let name = path.display().to_string();
    let fail = |error: std::io::Error| RuleError::new(&name, RuleErrorKind::Read(error.to_string()));
    let file = std::fs::File::open(path).map_err(fail)?;
    let mut text = String::new();
    file.take(limits::CONFIG_BYTES as u64 + 1).read_to_string(&mut text).map_err(fail)?;
    match text.len() > limits::CONFIG_BYTES {
        true => Err(RuleError::new(name, RuleErrorKind::TooLarge)),
        false => Ok(text),
    }
}
