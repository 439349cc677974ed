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
mod known;
mod login;
mod meter;
mod multipart;
mod place;
mod ready;
mod route;
mod stored;
mod text;
mod transport;
mod unbrotli;
mod unzstd;
mod url;
mod whole;

pub use auth::{Authorization, Basic};
pub use base64::{BASE64, BASE64URL};
pub use body::{BodyFormat, Locator, form_fields, fuzz_part};
pub use content::{ContentDecoder, ContentError, ContentPool, fuzz_content};
pub use cookie::{Cookie, SameSite, SetCookie, chunk_base, cookies};
pub use envelope::{Envelopes, Piece};
pub use exchange::{Derived, Exchange, Marks, Message};
pub use head::{Field, Head, Start, Version, is_about_body};
pub use host::{host_of, is_ip_literal, name_of, registrable_domain, same_site};
pub use json::{JsonMember, json_members};
pub use known::{Known, KnownHead, KnownHeads, STATUS_AT};
pub use login::{Disclosed, Login, Starttls};
pub use multipart::{Part, multipart_fields};
pub use place::{Called, Location, Place};
pub use ready::{ReadyExchange, ReadyFrame, ReadyMessage};
pub use route::{answers_for_itself, hash_template, path_template};
pub use stored::StoredHead;
pub use text::label;
pub use transport::{Channel, Direction, Numbers, Position, Span, Transport};
pub use url::{Param, Raw, Target, form_decode, params, percent_decode_twice};
pub use whole::Whole;

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
