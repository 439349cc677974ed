//! The shared message model: what every dissector emits and everything above it reads.
//!
//! A message is a head, then its body as it arrives, then an end. Heads are borrowed while they pass and
//! owned (`StoredHead`) only as long as their exchange is open.

mod auth;
mod base64;
mod body;
mod content;
mod cookie;
mod envelope;
mod exchange;
mod head;
mod host;
mod inflate;
mod json;
mod meter;
mod multipart;
mod place;
mod route;
mod text;
mod transport;
mod unbrotli;
mod unzstd;
mod url;

pub use auth::{Authorization, Basic};
pub use base64::{BASE64, BASE64URL};
pub use body::{BodyFormat, Locator, form_fields, fuzz_part};
pub use content::{ContentDecoder, ContentError, ContentPool, fuzz_content};
pub use cookie::{Cookie, SameSite, SetCookie, chunk_base, cookies};
pub use envelope::{Envelopes, Piece};
pub use exchange::{Exchange, Marks, Message};
pub use head::{Field, Head, Start, StoredHead, Version};
pub use host::{host_of, is_ip_literal, name_of, registrable_domain, same_site};
pub use json::{JsonMember, json_members};
pub use multipart::{Part, multipart_fields};
pub use place::{Location, Place};
pub use route::path_template;
pub use text::label;
pub use transport::{Channel, Direction, Position, Span, Transport};
pub use url::{Param, Raw, Target, form_decode, params, percent_decode_twice};

/// Identifies an exchange (request and response) within its flow; assigned in order of their heads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u64);

/// How a stream, message or flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As its protocol says it ends.
    Complete,
    /// The peer reset the connection.
    Reset,
    /// The capture, a gap or a timeout cut it.
    Cut,
}

/// An exchange that was never packets. It enters at `message` with the same `begin`, `body`, `end` as one from
/// a dissector; its packet number is the entry's number. No reader makes them yet.
#[derive(Clone, Debug, Default)]
pub struct ReadyExchange {
    /// Number of the entry in its file, from 1.
    pub number: u64,
    /// When the request was sent.
    pub time: crate::time::Timestamp,
    /// Offset of the entry in its file.
    pub offset: u64,
    /// The client, where the entry names it.
    pub client: Option<crate::decode::Endpoint>,
    /// The server, where the entry names it.
    pub server: Option<crate::decode::Endpoint>,
    /// The protocol, as records name it; empty for HTTP/1.
    pub protocol: &'static str,
    /// Whether the entry's own scheme says TLS.
    pub encrypted: bool,
    /// Request head as HTTP/1.1 text (request line, fields, empty line).
    pub request_head: Vec<u8>,
    /// Request body, all codings undone.
    pub request_body: Vec<u8>,
    /// Response head as HTTP/1.1 text; empty if there was no response.
    pub response_head: Vec<u8>,
    /// Response body, all codings undone.
    pub response_body: Vec<u8>,
}
