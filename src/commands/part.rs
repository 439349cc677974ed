//! An output that is there whole or not at all.

use super::Failure;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Links to links that are followed, as Linux does (path_resolution(7)).
const LINKS: usize = 40;

/// An output until it is known that it may be kept.
pub(super) struct Part {
    /// Where it is until then.
    pub(super) path: PathBuf,
    to: To,
}

/// Where it goes.
enum To {
    /// It takes the place of a file, or becomes one.
    File(PathBuf),
    /// It is written into a pipe or a device.
    Through(PathBuf),
    Stdout,
}

impl Part {
    /// That of `out`; `-` is standard output. Nothing is written yet.
    ///
    /// # Errors
    /// It is a folder, or nobody can say what it is.
    pub(super) fn of(out: &Path) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::new(format!("{}: {error}", out.display()));
        let own = |name: OsString| {
            let mut own = OsString::from(".");
            own.push(name);
            own.push(format!(".{}.part", std::process::id()));
            own
        };
        let to = match fs::metadata(out) {
            _ if out.as_os_str() == "-" => To::Stdout,
            Ok(meta) if meta.is_dir() => {
                return Err(failure(io::Error::from(io::ErrorKind::IsADirectory)));
            }
            Ok(meta) if meta.is_file() => To::File(out.canonicalize().map_err(failure)?),
            Ok(_) => To::Through(out.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => To::File(target(out)),
            Err(error) => return Err(failure(error)),
        };
        let path = match &to {
            To::File(file) => file.with_file_name(own(file.file_name().unwrap_or_default().to_owned())),
            // Nothing can stand beside it.
            To::Through(_) | To::Stdout => std::env::temp_dir().join(own("wirelint".into())),
        };
        Ok(Self { path, to })
    }

    /// Creates it: only its owner can read it.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn create(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }

    /// Puts it where it goes.
    ///
    /// # Errors
    /// The system's. Of a reader that went away nothing is said.
    pub(super) fn keep(self) -> io::Result<()> {
        let copied = match &self.to {
            To::File(file) => return fs::rename(&self.path, file),
            To::Through(out) => OpenOptions::new().write(true).open(out).and_then(|out| self.copy(out)),
            To::Stdout => self.copy(io::stdout().lock()),
        };
        copied.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
    }

    fn copy(&self, mut out: impl Write) -> io::Result<()> {
        io::copy(&mut File::open(&self.path)?, &mut out)?;
        out.flush()
    }
}

impl Drop for Part {
    /// What is not kept goes.
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.path);
    }
}

/// What a name stands for that leads to no file: the last of its links may name one that is to come.
fn target(out: &Path) -> PathBuf {
    let mut path = out.to_owned();
    for _ in 0..LINKS {
        let Ok(link) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    path
}
