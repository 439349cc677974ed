//! From what the user names to sources: folders are searched, and formats are told by content.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ahead::Ahead;
use super::compressed::Compression;
use super::pcap::{self, Pcap};
use super::pcapng::{PcapNg, SECTION};
use super::reader::{FileSource, Format};
use super::ready::{Kind, ReadySource};
use super::{Block, CaptureError, FileId, More, Source, rotation};

/// Bytes that are looked at to tell a format: a page, so that later reads stay aligned in the file.
const SNIFF: usize = 4096;

/// Folders inside folders that are followed.
const FOLDERS: usize = 64;

/// One input of a run.
#[derive(Debug)]
pub struct Input {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// Whether the user named it, rather than a folder that it is in.
    pub named: bool,
    /// Why nothing can be read, if that is known already (a folder without captures).
    pub refused: Option<CaptureError>,
}

/// Expands what the user named: files and `-` stay, folders become the captures in them, at any depth and
/// sorted by path. A folder without captures, or that cannot be read, stays as a refused input. Files that seem to
/// continue each other, by their names, come in order of time.
pub fn expand(inputs: &[PathBuf]) -> Vec<Input> {
    let mut all = Vec::new();
    for path in inputs {
        if path.as_os_str() == "-" || !path.is_dir() {
            all.push(Input { path: path.clone(), named: true, refused: None });
            continue;
        }
        let mut found = Vec::new();
        let refused = match search(path, FOLDERS, &mut found) {
            Err(error) => Some(error.into()),
            Ok(()) if found.is_empty() => {
                Some(CaptureError::NotACapture { looks_like: "folder without captures" })
            }
            Ok(()) => None,
        };
        found.sort_by(|a, b| a.path.cmp(&b.path));
        match refused {
            Some(refused) => all.push(Input { path: path.clone(), named: true, refused: Some(refused) }),
            None => all.extend(found),
        }
    }
    rotation::in_order(all)
}

/// Opens a capture file, or standard input for `-`.
///
/// # Errors
/// [`CaptureError::Io`] if it cannot be opened, [`CaptureError::NotACapture`] if its content is none, and
/// [`CaptureError::Unreadable`] if it is one without a readable header, or of a variant that is refused.
pub fn open(path: &Path, file: FileId) -> Result<Box<dyn Source>, CaptureError> {
    if path.as_os_str() == "-" {
        return open_stream(Box::new(io::stdin()), file);
    }
    let opened = File::open(path)?;
    let meta = opened.metadata()?;
    if meta.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    let consumed = Arc::new(AtomicU64::new(0));
    let source = source(Box::new(Counted { input: opened, count: Arc::clone(&consumed) }), file)?;
    Ok(match source {
        Opened::Frames(source) if meta.is_file() => {
            Box::new(Ahead::new(source.with_progress(meta.len(), consumed), path))
        }
        Opened::Ready(source) if meta.is_file() => Box::new(source.with_progress(meta.len(), consumed)),
        other => other.boxed(),
    })
}

/// The bytes of a capture, decompressed.
///
/// # Errors
/// [`CaptureError::Io`] if nothing can be read.
pub fn plain(mut input: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>, CaptureError> {
    let head = sniff(&mut input)?;
    let outer = Compression::sniff(&head);
    let whole = Box::new(Cursor::new(head).chain(input));
    Ok(match outer {
        Some(outer) => outer.decode(whole),
        None => whole,
    })
}

/// Opens a stream of bytes as a capture, compressed or not.
///
/// # Errors
/// As [`open`].
pub fn open_stream(input: Box<dyn Read + Send>, file: FileId) -> Result<Box<dyn Source>, CaptureError> {
    source(input, file).map(Opened::boxed)
}

/// Reads arbitrary bytes as a capture through the whole path: the entry of the fuzzer. Says how many frames and
/// entries there were.
#[doc(hidden)]
pub fn fuzz_capture_file(data: &[u8]) -> usize {
    let Ok(mut source) = open_stream(Box::new(Cursor::new(data.to_vec())), FileId(0)) else { return 0 };
    let mut block = Block::default();
    let mut frames = 0;
    loop {
        let more = source.fill(&mut block);
        frames += (0..block.frames.len()).filter(|&index| block.frame(index).is_some()).count();
        frames += block.exchanges.len();
        if !matches!(more, Ok(More::Yes)) {
            return frames;
        }
    }
}

/// Captures in a folder. Files that cannot be read are kept, so that their opening says why, and so are folders.
fn search(folder: &Path, depth: usize, found: &mut Vec<Input>) -> io::Result<()> {
    let found_in = |path, refused| Input { path, named: false, refused };
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        // Links to folders are not followed, they may be circles. Pipes would block.
        if kind.is_dir() {
            let inside = match depth.checked_sub(1) {
                Some(depth) => search(&path, depth, found),
                None => Err(io::Error::other("folders are too deep in each other")),
            };
            if let Err(error) = inside {
                found.push(found_in(path, Some(error.into())));
            }
        } else if fs::metadata(&path).is_ok_and(|meta| meta.is_file()) {
            match open(&path, FileId(0)) {
                Err(CaptureError::NotACapture { .. }) => {}
                _ => found.push(found_in(path, None)),
            }
        }
    }
    Ok(())
}

/// What was opened.
enum Opened {
    /// A capture.
    Frames(FileSource),
    /// Exchanges that were never packets.
    Ready(ReadySource),
}

impl Opened {
    fn boxed(self) -> Box<dyn Source> {
        match self {
            Self::Frames(source) => Box::new(source),
            Self::Ready(source) => Box::new(source),
        }
    }
}

fn source(mut input: Box<dyn Read + Send>, file: FileId) -> Result<Opened, CaptureError> {
    let mut head = sniff(&mut input)?;
    if let Some(outer) = Compression::sniff(&head) {
        input = outer.decode(Box::new(Cursor::new(head).chain(input)));
        head = sniff(&mut input).map_err(|error| CaptureError::Unreadable {
            offset: 0,
            cause: format!("the {} data cannot be decoded: {error}", outer.name()),
        })?;
        if let Some(inner) = Compression::sniff(&head) {
            let cause = format!("{} inside {}: decompress it once", inner.name(), outer.name());
            return Err(CaptureError::Unreadable { offset: 0, cause });
        }
        if !is_capture(&head) && foreign(&head).is_none() && Kind::tell(&head).is_none() {
            return Err(CaptureError::NotACapture { looks_like: "compressed file without a capture inside" });
        }
    }
    if let Some(kind) = Kind::tell(&head) {
        return Ok(Opened::Ready(ReadySource::new(Box::new(Cursor::new(head).chain(input)), kind, file)));
    }
    let (format, skip) = format(&head)?;
    let carry = head.get(skip..).unwrap_or_default().to_vec();
    Ok(Opened::Frames(FileSource::new(input, format, file, carry, skip as u64)))
}

/// The format of a capture that begins with `head`, and the bytes of its file header.
fn format(head: &[u8]) -> Result<(Box<dyn Format>, usize), CaptureError> {
    let unsupported = |name| {
        let cause = format!("{name} is not supported: editcap -F pcapng IN OUT converts it");
        Err(CaptureError::Unreadable { offset: 0, cause })
    };
    let Some(&magic) = head.first_chunk::<4>().filter(|_| is_capture(head)) else {
        return match foreign(head) {
            Some(name) => unsupported(name),
            None => Err(CaptureError::NotACapture { looks_like: looks_like(head) }),
        };
    };
    if let Some(name) = variant(magic) {
        return unsupported(name);
    }
    if magic == SECTION.to_le_bytes() {
        return Ok((Box::new(PcapNg::new(head)?), 0));
    }
    Ok((Box::new(Pcap::new(head)?), pcap::HEADER))
}

/// Whether the magic is one of pcap, its variants or pcapng.
fn is_capture(head: &[u8]) -> bool {
    let Some(&magic) = head.first_chunk::<4>() else { return false };
    // Of microseconds, of nanoseconds, and with Kuznetzov's patch.
    let pcap = |magic| matches!(magic, 0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34);
    pcap(u32::from_le_bytes(magic))
        || pcap(u32::from_be_bytes(magic))
        || magic == SECTION.to_le_bytes()
        || variant(magic).is_some()
}

/// The name of a pcap variant that we refuse, by its magic (libpcap's `sf-pcap.c`, Wireshark's `libpcap.h`).
fn variant(magic: [u8; 4]) -> Option<&'static str> {
    let name = |magic| match magic {
        0xa1b2_34cd => Some("modified pcap (Esquire's patch)"),
        0xa12b_3c4d => Some("Navtel pcap"),
        0x1c00_01ac => Some("IXIA lcap (hardware)"),
        0x1c00_01ab => Some("IXIA lcap (software)"),
        _ => None,
    };
    name(u32::from_le_bytes(magic)).or_else(|| name(u32::from_be_bytes(magic)))
}

/// Capture formats of other tools, by their magic.
fn foreign(head: &[u8]) -> Option<&'static str> {
    const FOREIGN: [(&[u8], &str); 5] = [
        (b"snoop\0\0\0", "a snoop capture"),
        (b"btsnoop\0", "a btsnoop capture"),
        (b"RTSS", "a Microsoft Network Monitor 1 capture"),
        (b"GMBU", "a Microsoft Network Monitor 2 capture"),
        (b"TRSNIFF data", "a Sniffer capture"),
    ];
    FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)).map(|&(_, name)| name)
}

fn looks_like(head: &[u8]) -> &'static str {
    let text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b | 0x20..=0x7e | 0x80..);
    match head {
        [] => "empty file",
        _ if foreign(head).is_some() => "another capture format",
        [0x7f, b'E', b'L', b'F', ..] => "program",
        [b'P', b'K', 3, 4, ..] => "zip archive",
        [b'B', b'Z', b'h', ..] => "bzip2, which is not supported",
        _ if head.get(257..262) == Some(b"ustar") => "tar archive",
        [b'{' | b'[', ..] if head.iter().all(text) => "JSON text",
        _ if head.iter().all(text) => "text",
        _ => "unknown binary data",
    }
}

/// Reads up to [`SNIFF`] bytes; an error counts only if nothing came before it.
fn sniff(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(SNIFF);
    match input.take(SNIFF as u64).read_to_end(&mut head) {
        Err(error) if head.is_empty() => Err(error),
        // A decoder that failed fails again, and then the reader tells it.
        _ => Ok(head),
    }
}

/// Counts what is read from a file.
struct Counted {
    input: File,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buf)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::{Writer, drain};

    fn capture() -> Vec<u8> {
        let mut writer = Writer::default();
        writer.frame(b"frame");
        writer.bytes
    }

    #[test]
    fn folders_become_their_captures() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("b/deep")).unwrap();
        fs::create_dir_all(root.join("none/sub")).unwrap();
        for name in ["z.bin", "a.txt", "b/deep/x"] {
            fs::write(root.join(name), capture()).unwrap();
        }
        fs::write(root.join("readme"), "text").unwrap();
        fs::write(root.join("empty.pcap"), "").unwrap();
        fs::write(root.join("none/sub/notes.pcap"), "not one").unwrap();
        fs::write(root.join("b/cut.pcap"), &capture()[..10]).unwrap();

        let inputs = [PathBuf::from("-"), root.into(), root.join("none"), root.join("missing")];
        let all = expand(&inputs);
        let paths: Vec<_> = all.iter().map(|i| i.path.strip_prefix(root).unwrap_or(&i.path)).collect();
        let names = ["-", "a.txt", "b/cut.pcap", "b/deep/x", "z.bin", "none", "missing"];
        assert_eq!(paths, names.map(Path::new));
        let named: Vec<_> = all.iter().map(|i| i.named).collect();
        assert_eq!(named, [true, false, false, false, false, true, true]);
        let refused: Vec<_> = all.iter().map(|i| i.refused.is_some()).collect();
        assert_eq!(refused, [false, false, false, false, false, true, false]);
    }

    #[test]
    fn what_is_no_capture_is_told() {
        let looks = |data: &[u8]| match open_stream(Box::new(Cursor::new(data.to_vec())), FileId(0)) {
            Err(CaptureError::NotACapture { looks_like }) => looks_like,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("opened"),
        };
        assert_eq!(looks(b""), "empty file");
        assert_eq!(looks(b"hello\n"), "text");
        assert_eq!(looks(b"{\"log\": 1}"), "JSON text");
        assert_eq!(looks(b"\x7fELF\0\0"), "program");
        assert_eq!(looks(b"\0\x01\x02\x03"), "unknown binary data");
        let snoop = open_stream(Box::new(Cursor::new(b"snoop\0\0\0\0\0".to_vec())), FileId(0));
        assert!(matches!(snoop, Err(CaptureError::Unreadable { cause, .. }) if cause.contains("snoop")));
    }

    #[test]
    fn a_file_counts_its_progress() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        fs::write(&path, capture()).unwrap();
        let mut source = open(&path, FileId(7)).unwrap();
        let size = capture().len() as u64;
        assert_eq!(drain(source.as_mut()).unwrap().frames.len(), 1);
        assert_eq!(source.progress(), Some((size, size)));
        assert!(matches!(open(dir.path(), FileId(0)), Err(CaptureError::Io(_))));
        assert!(matches!(open(&dir.path().join("no"), FileId(0)), Err(CaptureError::Io(_))));
    }
}
