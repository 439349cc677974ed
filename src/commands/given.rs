//! What facts depend on that the user gave.

use super::Failure;
use crate::cli::RuleArgs;
use crate::crack::Words;
use crate::facts::{Given, Hands};
use crate::keys::KeyStore;
use crate::time::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;

/// What facts depend on, and whether the word lists can be read.
pub(super) fn given(
    rules: &RuleArgs,
    now: Option<Timestamp>,
    keys: Arc<KeyStore>,
    hands: Hands,
) -> Result<Given, Failure> {
    wordlists(&rules.wordlist)?;
    Ok(Given { now, keys, wordlists: rules.wordlist.clone(), crack_budget: rules.budget(), hands })
}

/// Whether the word lists can be read. What is no file, such as a pipe, is not touched: it can be read only once.
pub(super) fn wordlists(paths: &[PathBuf]) -> Result<(), Failure> {
    let touch = |path: &&PathBuf| !std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir());
    let open = |path: &PathBuf| Words::open(path).map(drop);
    paths.iter().filter(touch).try_for_each(open).map_err(|e| Failure::new(format!("--wordlist {e}")))
}
