//! Word lists: the built-in ones and those of the user.

use crate::capture::decompressed;
use foldhash::HashSet;
use std::{
    fmt,
    fs::File,
    io::{self, BufRead, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    sync::{Arc, LazyLock},
};

/// Longest line of a word list that is tried, in bytes.
pub const WORD_BYTES: usize = 1024;

/// The built-in words in order: sample secrets, each also with a newline behind it, then common passwords.
/// `wordlists/README.md` names their sources.
pub fn builtin() -> &'static [Box<[u8]>] {
    &BUILTIN.words
}

/// Whether `word` is one of [`builtin`].
pub(super) fn is_builtin(word: &[u8]) -> bool {
    BUILTIN.set.contains(word)
}

/// A word list that cannot be read.
#[derive(Debug)]
pub struct WordlistError {
    /// The file.
    pub path: PathBuf,
    /// The system's reason.
    pub cause: io::Error,
}

impl fmt::Display for WordlistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "word list {}: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for WordlistError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// The words of a file, one a line, as bytes; LF or CRLF ends a line, which need not be UTF-8. Empty lines and those
/// longer than [`WORD_BYTES`] are left out.
pub struct Words<R = Box<dyn BufRead + Send>> {
    source: R,
    path: PathBuf,
    long: u64,
    /// Bytes of the file that were read, before they were decompressed.
    consumed: Arc<AtomicU64>,
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    consumed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buf)?;
        self.consumed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Words {
    /// Opens a word list, which may be compressed (gzip, zstd, lz4, xz).
    pub fn open(path: &Path) -> Result<Self, WordlistError> {
        let error = |cause| WordlistError { path: path.to_owned(), cause };
        let file = File::open(path).map_err(error)?;
        if file.metadata().map_err(error)?.is_dir() {
            return Err(error(io::ErrorKind::IsADirectory.into()));
        }
        let consumed = Arc::<AtomicU64>::default();
        let counted = Counted { file, consumed: Arc::clone(&consumed) };
        let source = decompressed(Box::new(counted)).map_err(error)?;
        Ok(Self { consumed, ..Self::new(source, path) })
    }
}

impl<R: BufRead> Words<R> {
    /// The words of `source`, which errors call `path`.
    pub fn new(source: R, path: &Path) -> Self {
        Self { source, path: path.to_owned(), long: 0, consumed: Arc::default() }
    }

    /// Reads the next word into `word`; false at the end.
    pub fn next_into(&mut self, word: &mut Vec<u8>) -> Result<bool, WordlistError> {
        loop {
            word.clear();
            let (mut some, mut ended) = (false, false);
            while !ended {
                let chunk = self
                    .source
                    .fill_buf()
                    .map_err(|cause| WordlistError { path: self.path.clone(), cause })?;
                if chunk.is_empty() {
                    break;
                }
                some = true;
                let end = memchr::memchr(b'\n', chunk);
                let line = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
                // Of a long line no more is kept than tells that it is one.
                let room = (WORD_BYTES + 2).saturating_sub(word.len());
                word.extend_from_slice(line.get(..room).unwrap_or(line));
                ended = end.is_some();
                let used = line.len() + usize::from(ended);
                self.source.consume(used);
            }
            if !some {
                return Ok(false);
            }
            if ended && word.last() == Some(&b'\r') {
                word.pop();
            }
            if word.len() > WORD_BYTES {
                self.long += 1;
            } else if !word.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Lines left out because of their length, so far.
    pub const fn long_lines(&self) -> u64 {
        self.long
    }

    /// Bytes of the file that were read so far; ahead of the words, by a buffer.
    pub fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }
}

impl<R> fmt::Debug for Words<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({})", self.path.display())
    }
}

struct Builtin {
    words: Vec<Box<[u8]>>,
    set: HashSet<&'static [u8]>,
}

const SECRETS: &str = include_str!("../../wordlists/secrets.txt");
const PASSWORDS: &str = include_str!("../../wordlists/passwords.txt");

static BUILTIN: LazyLock<Builtin> = LazyLock::new(|| {
    // Lines keep their newline here, so that a word with one behind it is borrowed too.
    let lines = |text: &'static str| text.split_inclusive('\n');
    let mut all = Builtin { words: Vec::with_capacity(32 << 10), set: HashSet::default() };
    let mut add = |word: &'static str| {
        if !word.is_empty() && all.set.insert(word.as_bytes()) {
            all.words.push(word.as_bytes().into());
        }
    };
    for line in lines(SECRETS).filter(|line| !line.starts_with("# ")) {
        add(line.trim_end_matches(['\r', '\n']));
        add(line);
    }
    for line in lines(PASSWORDS) {
        add(line.trim_end_matches(['\r', '\n']));
    }
    all
});

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[u8]) -> (Vec<Vec<u8>>, u64) {
        let mut words = Words::new(text, Path::new("list"));
        let (mut out, mut word) = (Vec::new(), Vec::new());
        while words.next_into(&mut word).unwrap() {
            out.push(word.clone());
        }
        (out, words.long_lines())
    }

    #[test]
    fn lines_are_bytes_and_end_in_lf_or_crlf() {
        assert_eq!(words(b"a\r\n\n\xff b\nlast").0, [&b"a"[..], b"\xff b", b"last"]);
        assert_eq!(words(b"").0, Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_long_line_is_left_out_and_counted() {
        let mut text = vec![b'x'; WORD_BYTES];
        text.extend_from_slice(b"\r\nok\n");
        assert_eq!(words(&text).0.len(), 2);
        for n in [1, 2, 3, 5000] {
            let mut text = vec![b'x'; WORD_BYTES + n];
            text.extend_from_slice(b"\nok\n");
            assert_eq!(words(&text), (vec![b"ok".to_vec()], 1), "{n}");
        }
        assert_eq!(words(&vec![b'x'; 5000]), (vec![], 1));
    }

    #[test]
    fn the_built_in_list_is_whole_and_starts_with_the_likeliest() {
        assert_eq!(&*builtin()[0], b"secret");
        assert_eq!(&*builtin()[1], b"secret\n");
        assert!(builtin().len() > 31_000, "{}", builtin().len());
        assert_eq!(builtin().len(), BUILTIN.set.len());
        assert!(is_builtin(b"your-256-bit-secret") && is_builtin(b"123456") && !is_builtin(b""));
        assert!(!builtin().iter().any(|w| w.starts_with(b"# ")));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = Words::open(Path::new("/no/such/list")).unwrap_err();
        assert!(error.to_string().contains("/no/such/list"), "{error}");
        assert!(Words::open(Path::new("/")).is_err());
    }
}
