//! Where configuration files are.

use super::{Config, NAMES};
use crate::rules::RuleError;
use std::path::{Path, PathBuf};

/// The configuration file of a folder: in it, or in the nearest one above it, up to the top of its repository.
pub fn find(folder: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(folder).ok()?;
    for dir in whole.ancestors() {
        if let Some(found) = NAMES.iter().map(|name| dir.join(name)).find(|path| path.is_file()) {
            // As short as the user would write it.
            let here = std::env::current_dir().ok();
            let short = here.and_then(|here| found.strip_prefix(here).ok().map(Path::to_path_buf));
            return Some(short.unwrap_or(found));
        }
        if dir.join(".git").exists() {
            return None;
        }
    }
    None
}

/// What stands beside a capture, if there is something: `NAME.wirelint.toml`, where the name is the capture's with or without
/// its extension.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn read_beside(capture: &Path) -> Result<Option<(PathBuf, Config)>, RuleError> {
    let Some(name) = capture.file_name() else { return Ok(None) };
    let names = [Some(name), capture.file_stem()];
    for name in names.into_iter().flatten() {
        let mut file = name.to_owned();
        file.push(".wirelint.toml");
        let path = capture.with_file_name(file);
        if path.is_file() {
            return Config::load_beside(&path).map(|config| Some((path, config)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_nearest_one_counts_and_none_outside_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("repo/fixtures/a");
        fs::create_dir_all(&deep).unwrap();
        fs::write(root.path().join("wirelint.toml"), "").unwrap();
        assert_eq!(find(&deep), Some(root.path().join("wirelint.toml")));
        fs::create_dir(root.path().join("repo/.git")).unwrap();
        assert_eq!(find(&deep), None);
        fs::write(root.path().join("repo/.wirelint.toml"), "").unwrap();
        assert_eq!(find(&deep), Some(root.path().join("repo/.wirelint.toml")));
        fs::write(root.path().join("repo/fixtures/wirelint.toml"), "").unwrap();
        assert_eq!(find(&deep), Some(root.path().join("repo/fixtures/wirelint.toml")));
    }

    #[test]
    fn beside_a_capture() {
        let root = tempfile::tempdir().unwrap();
        let capture = root.path().join("login.pcapng");
        assert!(read_beside(&capture).unwrap().is_none() && read_beside(Path::new("-")).unwrap().is_none());
        let suppress = "[[suppress]]\nrule = 'jwt-alg-none'\nreason = 'test'\n";
        fs::write(root.path().join("login.wirelint.toml"), suppress).unwrap();
        let (path, config) = read_beside(&capture).unwrap().unwrap();
        assert!(path.ends_with("login.wirelint.toml") && config.suppressions.len() == 1);
        fs::write(root.path().join("login.pcapng.wirelint.toml"), "[expect]\nsightings = 1\n").unwrap();
        let (path, config) = read_beside(&capture).unwrap().unwrap();
        assert!(path.ends_with("login.pcapng.wirelint.toml") && config.expect.is_some());
        fs::write(&path, "pedantic = true\n").unwrap();
        let error = read_beside(&capture).unwrap_err().to_string();
        assert!(error.contains("login.pcapng.wirelint.toml:1:1: unknown key `pedantic`"), "{error}");
    }
}
