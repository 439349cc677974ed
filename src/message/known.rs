//! Heads that came before, byte for byte: polls, health checks and what a server says to all of them. They are parsed and
//! searched once.

use super::stored::HeadText;
use super::{Field, Head, Start, StoredHead, Version, head::is_about_body};
use crate::limits::{KNOWN_HEAD_BYTES, KNOWN_HEADS, KNOWN_PRINTS};
use foldhash::fast::RandomState;
use memchr::memmem::Finder;
use smallvec::SmallVec;
use std::cell::Cell;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

/// What is known of a head's text.
#[derive(Debug, Default)]
pub enum Known {
    /// Nothing, and nothing will be.
    #[default]
    Never,
    /// Nothing yet: it is remembered by that print when it comes again.
    New(Print),
    /// It came before.
    Before(Arc<KnownHead>),
}

impl Known {
    /// Calls `then` with the head that `bytes`, at layer offset `at`, begin with, if it came before, and gives its length.
    pub fn read(&self, bytes: &[u8], at: u64, then: impl FnOnce(&Head<'_>)) -> Option<usize> {
        let Self::Before(known) = self else { return None };
        let KnownHead { version, status, text, about_body, quiet, .. } = &**known;
        let (start, start_at) = match *status {
            0 => (Start::Request { method: text.method(), target: text.target() }, text.target_at()),
            status => (Start::Response { status }, STATUS_AT),
        };
        let field = |(name, value, at)| Field { name, value, at };
        let fields_at = about_body.iter().filter_map(|at| text.nth_field(usize::from(*at)));
        let mut about_body = SmallVec::<[Field<'_>; 4]>::new();
        about_body.extend(fields_at.map(field));
        let mut fields = SmallVec::<[Field<'_>; 32]>::new();
        let quiet = quiet.load(Ordering::Relaxed);
        if !quiet {
            fields.extend(text.fields().map(field));
        }
        let raw = bytes.get(..text.bytes().len())?;
        let fields = if quiet { &about_body } else { &fields[..] };
        let (version, about_body) = (*version, &about_body[..]);
        then(&Head { version, start, start_at, fields, about_body, at, raw, known: self });
        Some(raw.len())
    }

    /// Whether it came before, and had no token.
    pub fn is_quiet(&self) -> bool {
        matches!(self, Self::Before(known) if known.quiet.load(Ordering::Relaxed))
    }

    /// It was searched, and has no token.
    pub fn set_quiet(&self) {
        if let Self::Before(known) = self {
            known.quiet.store(true, Ordering::Relaxed);
        }
    }
}

/// The print of a head of HTTP/1: a hash of its bytes, which are so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    hash: u64,
    len: usize,
}

/// A head that came before.
#[derive(Debug)]
pub struct KnownHead {
    version: Version,
    status: u16,
    hash: u64,
    pub(super) text: HeadText,
    /// Which of its fields are [about the body](Head::about_body).
    about_body: SmallVec<[u16; 8]>,
    /// It has no token: nobody looks at its fields again.
    quiet: AtomicBool,
    /// It has no [mark](crate::facts::marks) by itself.
    pub(super) plain: AtomicBool,
    /// [`StoredHead::route`].
    pub(super) route: OnceLock<u64>,
}

/// Offset of the status in a status line (RFC 9112 section 4).
pub const STATUS_AT: u32 = 9;

static END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));

/// Heads that are looked at before any is looked up.
const RECENT: usize = 4;
const _: () = assert!(KNOWN_HEADS <= 1 << u8::BITS, "a byte says which");

/// The heads that a shard remembers: each has one place, and one that comes to the place of another goes there when it came
/// twice.
#[derive(Debug, Default)]
pub struct KnownHeads {
    heads: Vec<Option<Arc<KnownHead>>>,
    prints: Vec<u64>,
    /// Places of the last responses and requests that came again: looked at first.
    recent: [Cell<[u8; RECENT]>; 2],
    /// At random: heads come from traffic.
    hasher: RandomState,
}

impl KnownHeads {
    /// Looks up the head of HTTP/1 that `bytes` begin with.
    pub fn recall(&self, request: bool, bytes: &[u8]) -> Known {
        let recent = &self.recent[usize::from(request)];
        let mut places = recent.get();
        for at in 0..RECENT {
            if let Some(Some(known)) = self.heads.get(usize::from(places[at]))
                && bytes.starts_with(known.text.bytes())
                && (known.status == 0) == request
            {
                // By hand: to move so few by a call takes longer.
                (0..at).rev().for_each(|before| places.swap(before, before + 1));
                recent.set(places);
                return Known::Before(Arc::clone(known));
            }
        }
        let window = bytes.get(..KNOWN_HEAD_BYTES).unwrap_or(bytes);
        let Some(end) = END.find(window) else { return Known::Never };
        let text = &bytes[..end + END.needle().len()];
        let hash = self.hasher.hash_one((request, text));
        let place = hash as usize % KNOWN_HEADS;
        let known = self.heads.get(place).and_then(Option::as_ref);
        match known.filter(|known| known.hash == hash && known.text.bytes() == text) {
            Some(known) if (known.status == 0) == request => {
                places.rotate_right(1);
                places[0] = place as u8;
                recent.set(places);
                Known::Before(Arc::clone(known))
            }
            _ => Known::New(Print { hash, len: text.len() }),
        }
    }

    /// A head was stored whose print that is: it is remembered if it came before.
    pub fn learn(&mut self, print: Print, head: &mut StoredHead) {
        if self.prints.is_empty() {
            self.prints.resize(KNOWN_PRINTS, 0);
            self.heads.resize(KNOWN_HEADS, None);
        }
        let seen = &mut self.prints[(print.hash >> 32) as usize % KNOWN_PRINTS];
        if std::mem::replace(seen, print.hash) != print.hash || head.text().len() != print.len {
            return;
        }
        // What follows depends on fields of every kind.
        if head.status == 101 {
            return;
        }
        let Some(text) = head.take_text() else { return };
        let about_body =
            text.fields().zip(0..).filter(|((name, ..), _)| is_about_body(name)).map(|(_, at)| at);
        let known = Arc::new(KnownHead {
            version: head.version,
            status: head.status,
            hash: print.hash,
            about_body: about_body.collect(),
            text,
            quiet: AtomicBool::new(false),
            plain: AtomicBool::new(false),
            route: OnceLock::new(),
        });
        self.heads[print.hash as usize % KNOWN_HEADS] = Some(Arc::clone(&known));
        head.share(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "GET /x?a=1 HTTP/1.1\r\nHost: a.test\r\nAccept:  */* \r\nX-Empty:\r\n\r\n";
    const RESPONSE: &str = "HTTP/1.0 404 Not Found\r\nServer: x\r\nContent-Length: 2\r\n\r\n";

    /// Parses a head that is as simple as those above.
    fn parse(text: &str, request: bool, then: impl FnOnce(&Head<'_>)) {
        let head = &text[..text.find("\r\n\r\n").unwrap() + 4];
        let (first, rest) = head.split_once("\r\n").unwrap();
        let words: Vec<&str> = first.split(' ').collect();
        let offset = |part: &str| (part.as_ptr() as usize - head.as_ptr() as usize) as u32;
        let (start, start_at, version) = if request {
            let start = Start::Request { method: words[0].as_bytes(), target: words[1].as_bytes() };
            (start, offset(words[1]), words[2])
        } else {
            (Start::Response { status: words[1].parse().unwrap() }, STATUS_AT, words[0])
        };
        let lines = rest.split("\r\n").filter_map(|line| line.split_once(':'));
        let fields: Vec<_> = lines
            .map(|(name, value)| (name.as_bytes(), value.trim_ascii()))
            .map(|(name, value)| Field { name, value: value.as_bytes(), at: offset(value) })
            .collect();
        let version = if version.ends_with('0') { Version::Http10 } else { Version::Http11 };
        then(&Head { start_at, raw: head.as_bytes(), ..Head::new(version, start, &fields) });
    }

    /// The head that a text begins with comes, and is stored.
    fn see(heads: &mut KnownHeads, text: &str, request: bool) -> StoredHead {
        let mut stored = StoredHead::default();
        match heads.recall(request, text.as_bytes()) {
            known @ Known::Before(_) => {
                known.read(text.as_bytes(), 0, |head| stored.store(head)).unwrap();
            }
            Known::New(print) => {
                parse(text, request, |head| stored.store(head));
                heads.learn(print, &mut stored);
            }
            Known::Never => {}
        }
        stored
    }

    fn is_known(heads: &KnownHeads, text: &str, request: bool) -> bool {
        matches!(heads.recall(request, text.as_bytes()), Known::Before(_))
    }

    #[test]
    fn a_head_that_came_before_reads_as_when_it_was_parsed() {
        let mut heads = KnownHeads::default();
        for (text, request) in [(REQUEST, true), (RESPONSE, false)] {
            let all = format!("{text}and more");
            let stored: Vec<_> = (0..4).map(|_| see(&mut heads, &all, request)).collect();
            let known = heads.recall(request, all.as_bytes());
            parse(text, request, |parsed| {
                let len = known.read(all.as_bytes(), 7, |head| {
                    assert_eq!(
                        (head.version, head.start, head.start_at),
                        (parsed.version, parsed.start, parsed.start_at)
                    );
                    assert_eq!((head.fields, head.raw, head.at), (parsed.fields, parsed.raw, 7));
                    let about_body: Vec<_> =
                        parsed.fields.iter().filter(|field| is_about_body(field.name)).copied().collect();
                    assert_eq!(head.about_body, about_body);
                    assert!(!head.known.is_quiet());
                    known.set_quiet();
                    assert!(head.known.is_quiet());
                });
                known.read(all.as_bytes(), 7, |head| {
                    assert_eq!(head.fields, head.about_body, "nobody looks at the others again");
                });
                assert_eq!(len, Some(text.len()));
            });
            for other in &stored {
                assert_eq!(other.text(), stored[0].text());
                assert_eq!(
                    (other.status, other.method(), other.target()),
                    (stored[0].status, stored[0].method(), stored[0].target())
                );
                assert!(other.fields().eq(stored[0].fields()));
            }
            assert!(!is_known(&heads, &all, !request) && !is_known(&heads, &text[..text.len() - 1], request));
        }
    }

    #[test]
    fn only_what_came_twice_is_remembered_and_no_more_than_there_is_room_for() {
        let mut heads = KnownHeads::default();
        see(&mut heads, REQUEST, true);
        assert!(!is_known(&heads, REQUEST, true));
        see(&mut heads, REQUEST, true);
        assert!(is_known(&heads, REQUEST, true));
        let bearer =
            REQUEST.replace("Accept", "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\nAccept");
        let long = REQUEST.replace("*/*", &"x".repeat(KNOWN_HEAD_BYTES));
        for n in 0..3 * KNOWN_HEADS {
            let text = REQUEST.replace("a=1", &format!("a={n}"));
            see(&mut heads, &text, true);
            see(&mut heads, &text, true);
            see(&mut heads, &long, true);
            see(&mut heads, &bearer, true);
        }
        assert!(!is_known(&heads, &long, true) && !is_known(&heads, &bearer, true));
        assert_eq!((heads.heads.len(), heads.prints.len()), (KNOWN_HEADS, KNOWN_PRINTS));
    }

    #[test]
    fn heads_that_are_the_same_share_what_is_known_of_them() {
        let mut heads = KnownHeads::default();
        let mut seen: Vec<_> = (0..3).map(|_| see(&mut heads, REQUEST, true)).collect();
        assert!(!seen.iter().any(StoredHead::is_plain));
        seen[0].set_plain();
        assert!(!seen[0].is_plain(), "it is alone");
        seen[1].set_plain();
        assert!(seen[1].is_plain() && seen[2].is_plain());
        seen[2].settle();
        assert_eq!(seen[2].field("host"), Some(&b"a.test"[..]));
    }
}
