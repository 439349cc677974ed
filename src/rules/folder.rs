//! Folders of rule files.

use super::error::{RuleError, RuleErrorKind};
use crate::limits;
use std::io::Read as _;
use std::path::Path;

/// The rule files of a folder with their texts, in the order of their names.
pub fn read_dir(dir: &Path) -> Result<Vec<(String, String)>, RuleError> {
    let fail = |path: &Path, error: std::io::Error| {
        RuleError::new(path.display().to_string(), RuleErrorKind::Read(error.to_string()))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| fail(dir, error))? {
        let path = entry.map_err(|error| fail(dir, error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
        if paths.len() > limits::RULES {
            return Err(RuleError::new(dir.display().to_string(), RuleErrorKind::TooLarge));
        }
    }
    if paths.is_empty() {
        let why = "it has no files named *.toml".to_owned();
        return Err(RuleError::new(dir.display().to_string(), RuleErrorKind::Read(why)));
    }
    paths.sort();
    let texts = paths.iter().map(|path| {
        let file = std::fs::File::open(path).map_err(|error| fail(path, error))?;
        let mut text = String::new();
        let limit = limits::RULE_BYTES as u64 + 1;
        file.take(limit).read_to_string(&mut text).map_err(|error| fail(path, error))?;
        Ok((path.display().to_string(), text))
    });
    texts.collect()
}
