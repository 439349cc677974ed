//! Where a run writes: nowhere that another of its outputs, or anything that it reads, is.

use super::Failure;
use crate::capture;
use crate::cli::{KeyArgs, ReadArgs};
use std::path::{Path, PathBuf};

/// What makes two names one file.
#[derive(PartialEq, Eq)]
enum Place {
    /// Device and inode of one that is there.
    #[cfg(unix)]
    Node(u64, u64),
    /// The name without links of one that may come.
    Name(PathBuf),
}

impl Place {
    /// That of a file; none of what is no regular one, which holds nothing that could be lost.
    fn of(path: &Path) -> Option<Self> {
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_file() => Self::there(path, &meta),
            Ok(_) => None,
            Err(_) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let folder = parent.unwrap_or(Path::new(".")).canonicalize().ok()?;
                Some(Self::Name(folder.join(path.file_name()?)))
            }
        }
    }

    #[cfg(unix)]
    fn there(_: &Path, meta: &std::fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        Some(Self::Node(meta.dev(), meta.ino()))
    }

    #[cfg(not(unix))]
    fn there(path: &Path, _: &std::fs::Metadata) -> Option<Self> {
        path.canonicalize().ok().map(Self::Name)
    }

    /// That of an input, which may be standard input.
    fn of_input(path: &Path) -> Option<Self> {
        Self::of(if path.as_os_str() == "-" { Path::new("/dev/stdin") } else { path })
    }
}

/// Makes sure that no output is one of the captures, which may be folders, or another file that is read.
///
/// # Errors
/// The output that is.
pub(super) fn spare<'a>(
    outputs: impl IntoIterator<Item = &'a Path>,
    captures: &[PathBuf],
    others: impl IntoIterator<Item = &'a Path>,
) -> Result<(), Failure> {
    let there = |path: &'a Path| path.exists().then(|| Place::of(path)).flatten().map(|place| (path, place));
    let outputs: Vec<_> = outputs.into_iter().filter_map(there).collect();
    if outputs.is_empty() {
        return Ok(());
    }
    let captures = capture::expand(captures);
    let captured = captures.iter().filter_map(|input| Place::of_input(&input.path));
    let read: Vec<_> = captured.chain(others.into_iter().filter_map(Place::of_input)).collect();
    match outputs.iter().find(|(_, place)| read.contains(place)) {
        Some((path, _)) => Err(format!("{}: input and output are the same file", path.display()).into()),
        None => Ok(()),
    }
}

/// Makes sure that nothing is written over another output.
///
/// # Errors
/// The file that two of them name.
pub(super) fn distinct<'a>(outputs: impl IntoIterator<Item = &'a Path>) -> Result<(), Failure> {
    let mut places = Vec::new();
    for path in outputs {
        let Some(place) = Place::of(path) else { continue };
        if places.contains(&place) {
            return Err(format!(
                "{}: two outputs cannot go to the same file; give each a file of its own",
                path.display()
            )
            .into());
        }
        places.push(place);
    }
    Ok(())
}

/// Files that flags name to be read.
pub(super) fn read<'a>(read: &'a ReadArgs, keys: &'a KeyArgs) -> impl Iterator<Item = &'a Path> {
    let lists = [&read.keylog, &read.rsa_key, &keys.key, &keys.jwks, &keys.secret_file];
    lists.into_iter().flatten().map(PathBuf::as_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "").unwrap();
        std::fs::hard_link(at("a"), at("b")).unwrap();
        std::fs::write(at("c"), "").unwrap();
        let around = folder.path().join(".").join("a");
        let (a, b, c, none) = (at("a"), at("b"), at("c"), at("none"));
        assert!(spare([&*a], std::slice::from_ref(&b), []).is_err());
        assert!(spare([&*a], &[], [&*around]).is_err());
        assert!(spare([&*none, &*a], std::slice::from_ref(&c), [&*none]).is_ok());
        assert!(distinct([&*a, &*c, &*none]).is_ok());
        assert!(distinct([&*a, &*c, &*b]).is_err());
        assert!(distinct([&*none, &*c, &*folder.path().join("./none")]).is_err());
    }
}
