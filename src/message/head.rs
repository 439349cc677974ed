//! Message heads: start line and fields.

use super::{Authorization, Direction, Location};
use std::ops::Range;

/// Protocol version of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0 (RFC 1945).
    Http10,
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http11,
    /// HTTP/2 (RFC 9113).
    Http2,
    /// HTTP/3 (RFC 9114).
    Http3,
    /// A protocol like HTTP, or one without requests and responses.
    Other,
}

impl Version {
    /// As the `http` record prints it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
            Self::Http3 => "3",
            Self::Other => "",
        }
    }
}

/// The start line of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// A request (RFC 9112 section 3).
    Request {
        /// Method, as sent.
        method: &'a [u8],
        /// Request target, as sent.
        target: &'a [u8],
    },
    /// A response (RFC 9112 section 4). Never 1xx: a dissector keeps interim responses to itself,
    /// except 101, which is final for HTTP.
    Response {
        /// Status code.
        status: u16,
    },
    /// A message of a protocol without requests and responses like those of HTTP.
    Message {
        /// Which way it goes.
        dir: Direction,
        /// What the places in its body are called.
        location: Location,
        /// What its fields are called.
        fields: Location,
    },
}

impl Start<'_> {
    /// Which way the message goes.
    pub const fn direction(&self) -> Direction {
        match self {
            Self::Request { .. } => Direction::Request,
            Self::Response { .. } => Direction::Response,
            Self::Message { dir, .. } => *dir,
        }
    }
}

/// One header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name as sent (case kept).
    pub name: &'a [u8],
    /// Value without surrounding white space; line folding replaced by spaces.
    pub value: &'a [u8],
    /// Offset of the value from the head's first byte.
    pub at: u32,
}

/// A message head, borrowed from the stream.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Protocol version.
    pub version: Version,
    /// Start line.
    pub start: Start<'a>,
    /// Offset of the target or status from the head's first byte.
    pub start_at: u32,
    /// Fields in order.
    pub fields: &'a [Field<'a>],
    /// Layer offset of the head's first byte, for positions.
    pub at: u64,
    /// The whole head as sent, where it is contiguous text (HTTP/1); else empty. Lets one search tell that
    /// no field needs a closer look.
    pub raw: &'a [u8],
}

impl<'a> Head<'a> {
    /// The first field of that name (ASCII case-insensitive).
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.iter().find(|f| f.name.eq_ignore_ascii_case(name.as_bytes())).map(|f| f.value)
    }
}

/// A head that was copied because its exchange outlives the bytes: one buffer and ranges into it.
#[derive(Clone, Debug, Default)]
pub struct StoredHead {
    /// Protocol version.
    pub version: Version,
    /// Status of a response; 0 for a request.
    pub status: u16,
    bytes: Vec<u8>,
    method: Range<u32>,
    target: Range<u32>,
    fields: Vec<[u32; 4]>,
}

impl StoredHead {
    /// Copies `head`, reusing this one's memory: in one piece where its parts lie in its raw text.
    pub fn store(&mut self, head: &Head<'_>) {
        self.bytes.clear();
        self.fields.clear();
        // Exactly: many heads outlive their exchange by far, until late facts are known.
        self.fields.reserve_exact(head.fields.len());
        self.bytes.extend_from_slice(head.raw);
        self.version = head.version;
        (self.method, self.target, self.status) = match head.start {
            Start::Request { method, target } => {
                (put(&mut self.bytes, head.raw, method), put(&mut self.bytes, head.raw, target), 0)
            }
            Start::Response { status } => (0..0, 0..0, status),
            Start::Message { .. } => (0..0, 0..0, 0),
        };
        let Self { bytes, fields, .. } = self;
        fields.extend(head.fields.iter().map(|field| {
            let (name, value) = (put(bytes, head.raw, field.name), put(bytes, head.raw, field.value));
            [name.start, name.end, value.start, value.end]
        }));
    }

    /// Method of a request, as sent.
    pub fn method(&self) -> &[u8] {
        self.slice(&self.method)
    }

    /// Target of a request, as sent.
    pub fn target(&self) -> &[u8] {
        self.slice(&self.target)
    }

    /// Everything in it, for one search over the whole: what is found is then looked for in its parts.
    pub fn text(&self) -> &[u8] {
        &self.bytes
    }

    /// Fields in order: name and value.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|&[a, b, c, d]| (self.slice(&(a..b)), self.slice(&(c..d))))
    }

    /// The first field of that name (ASCII case-insensitive).
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        // Told by length before anything is compared: this is asked of every exchange, many times.
        let long = self.fields.iter().filter(|[start, end, ..]| (end - start) as usize == name.len());
        let mut named = long.filter(|[a, b, ..]| self.slice(&(*a..*b)).eq_ignore_ascii_case(name.as_bytes()));
        named.next().map(|[.., a, b]| self.slice(&(*a..*b)))
    }

    /// Forgets the credentials of Authorization where they follow the scheme Bearer (RFC 6750 section 2.1), and gives their
    /// memory back.
    pub fn forget_bearer(&mut self) {
        const BEARER: usize = "bearer".len();
        let is_long = |[name, name_end, value, end]: &&[u32; 4]| {
            name_end - name == 13
                && end - value > 32
                && self.slice(&(*name..*name_end)).eq_ignore_ascii_case(b"authorization")
        };
        let Some(&[.., start, end]) = self.fields.iter().find(is_long) else { return };
        if !Authorization::parse(self.slice(&(start..end)))
            .is_some_and(|value| value.at > BEARER && value.is("bearer"))
        {
            return;
        }
        let cut = start as usize + BEARER..end as usize;
        let gone = cut.len() as u32;
        self.bytes.drain(cut);
        self.bytes.shrink_to_fit();
        let moved = |at: &mut u32| *at -= if *at >= end { gone } else { 0 };
        self.fields.as_flattened_mut().iter_mut().for_each(moved);
        for range in [&mut self.method, &mut self.target] {
            moved(&mut range.start);
            moved(&mut range.end);
        }
    }

    /// Bytes that this head holds, for bounds.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.fields.len() * 16
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// Where `part` stands in `bytes`, which begin with a copy of `raw`; one that is not a part of that is appended.
#[inline]
fn put(bytes: &mut Vec<u8>, raw: &[u8], part: &[u8]) -> Range<u32> {
    let start = (part.as_ptr() as usize).wrapping_sub(raw.as_ptr() as usize);
    if start < raw.len() && start + part.len() <= raw.len() {
        return start as u32..(start + part.len()) as u32;
    }
    let start = bytes.len() as u32;
    bytes.extend_from_slice(part);
    start..bytes.len() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_head_reads_as_the_borrowed_one_and_can_be_reused() {
        let fields = [
            Field { name: b"Host", value: b"a.test", at: 22 },
            Field { name: b"Accept", value: b"*/*", at: 38 },
        ];
        let start = Start::Request { method: b"GET", target: b"/x" };
        let head = Head { version: Version::Http11, start, start_at: 4, fields: &fields, at: 0, raw: b"" };
        let mut stored = StoredHead::default();
        for _ in 0..2 {
            stored.store(&head);
            assert_eq!(stored.method(), b"GET");
            assert_eq!(stored.target(), b"/x");
            assert_eq!(stored.field("HOST"), Some(&b"a.test"[..]));
            assert_eq!(stored.fields().count(), 2);
        }
        assert_eq!(head.field("accept"), Some(&b"*/*"[..]));
    }

    #[test]
    fn bearer_credentials_are_forgotten_and_nothing_else() {
        let text = "GET /x HTTP/1.1\r\nHost: a.test\r\nAuthorization: ";
        for (scheme, kept) in
            [("Bearer ", "Bearer"), ("bearer  ", "bearer"), ("DPoP ", ""), ("", ""), ("Bearer", "")]
        {
            for raw in [true, false] {
                let value = format!("{scheme}{}", "x".repeat(40));
                let all = format!("{text}{value}\r\nAccept: */*\r\n\r\n");
                let at = |part: &str| {
                    let at = all.find(part).unwrap();
                    &all.as_bytes()[at..at + part.len()]
                };
                let fields = [("Host", "a.test"), ("Authorization", &*value), ("Accept", "*/*")];
                let fields = fields.map(|(name, value)| Field { name: at(name), value: at(value), at: 0 });
                let start = Start::Request { method: at("GET"), target: at("/x") };
                let raw = if raw { all.as_bytes() } else { b"" };
                let head = Head { version: Version::Http11, start, start_at: 4, fields: &fields, at: 0, raw };
                let mut stored = StoredHead::default();
                stored.store(&head);
                let size = stored.size();
                stored.forget_bearer();
                let expected = if kept.is_empty() { &*value } else { kept };
                assert_eq!(stored.field("authorization"), Some(expected.as_bytes()), "{value}");
                assert_eq!((stored.method(), stored.target()), (&b"GET"[..], &b"/x"[..]));
                assert_eq!(
                    (stored.field("host"), stored.field("accept")),
                    (Some(&b"a.test"[..]), Some(&b"*/*"[..]))
                );
                assert_eq!(stored.size(), size - (value.len() - expected.len()));
            }
        }
    }
}
