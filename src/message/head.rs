//! Message heads: start line and fields.

use super::{Direction, Known, Location};

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

impl Field<'_> {
    /// Whether it has that name (ASCII case-insensitive). Most senders write one as the specifications do, which takes
    /// least to tell.
    #[inline]
    pub fn is(&self, name: &[u8]) -> bool {
        self.name == name || self.name.eq_ignore_ascii_case(name)
    }
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
    /// Fields in order; of a head that [came before](Known::is_quiet) without a token, those about the body.
    pub fields: &'a [Field<'a>],
    /// Those of them that say how a body follows and how it is to be read, maybe among others.
    pub about_body: &'a [Field<'a>],
    /// Layer offset of the head's first byte, for positions.
    pub at: u64,
    /// The whole head as sent, where it is contiguous text (HTTP/1); else empty. Lets one search tell that
    /// no field needs a closer look.
    pub raw: &'a [u8],
    /// What is known of it from before.
    pub known: &'a Known,
}

static NEVER: Known = Known::Never;

/// Whether a field of that name has to be one of [`Head::about_body`] (RFC 9110 section 8, RFC 9112 section 6, and what gRPC
/// and Connect say of their messages).
pub fn is_about_body(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 7] = [
        b"Content-Type",
        b"Content-Length",
        b"Content-Encoding",
        b"Transfer-Encoding",
        b"grpc-encoding",
        b"grpc-status",
        b"connect-content-encoding",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

impl<'a> Head<'a> {
    /// A head that was not captured as text in one piece, at offset 0: what else is known of it is put in its place.
    pub fn new(version: Version, start: Start<'a>, fields: &'a [Field<'a>]) -> Self {
        Self { version, start, start_at: 0, fields, about_body: fields, at: 0, raw: b"", known: &NEVER }
    }

    /// The first field of that name (ASCII case-insensitive).
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.iter().find(|field| field.is(name.as_bytes())).map(|field| field.value)
    }
}
